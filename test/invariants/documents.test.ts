import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { test } from "node:test";
import { Host, Vm } from "../../cli/host/index.ts";
import { REASONS_PAGE, reasonsPage } from "../../docs/reference/write-reasons.ts";

const root = resolve(import.meta.dirname, "../..");
const module = new WebAssembly.Module(readFileSync(join(root, "build/holdfast.wasm")));

const pages = [
  "README.md",
  "SECURITY.md",
  "CONTRIBUTING.md",
  "CHANGELOG.md",
  "envoy/README.md",
  "cli/host/README.md",
].concat(
  readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => join("docs", name)),
);

/** Policies in the documents stand behind the mark `<!-- policy -->`. */
function policiesIn(page: string): string[] {
  const text = readFileSync(join(root, page), "utf8");
  return [...text.matchAll(/<!-- policy -->\s*```json\n(.*?)```/gs)].map((match) => match[1] ?? "");
}

test("docs/reasons.md is what the table gives", async () => {
  assert.equal(readFileSync(REASONS_PAGE, "utf8"), await reasonsPage(), "stale: run npm run docs");
});

test("the filter accepts every policy in the documents", () => {
  const policies = pages.flatMap((page) => policiesIn(page).map((policy) => ({ page, policy })));
  assert.ok(policies.length >= 2, `${policies.length} policies found`);
  for (const { page, policy } of policies) {
    const plugin = Vm.start(new Host(), module).configure({ configuration: policy });
    assert.ok(plugin.accepted, `${page}: ${plugin.logs.at(-1)?.message ?? ""}`);
  }
});

/** The anchors that a page has for its headings, as GitHub makes them. */
function anchorsIn(path: string): Set<string> {
  const headings = readFileSync(path, "utf8").matchAll(/^#{1,6} (.+)$/gm);
  return new Set([...headings].map(([, heading = ""]) => anchorOf(heading)));
}

function anchorOf(heading: string): string {
  const shown = heading.replace(/\]\([^)]*\)/g, "").toLowerCase();
  return shown.replace(/[^\p{L}\p{N} _-]/gu, "").replaceAll(" ", "-");
}

test("links between the documents lead somewhere, with their anchors", () => {
  for (const page of pages) {
    const text = readFileSync(join(root, page), "utf8");
    for (const [link, path = "", anchor] of text.matchAll(/\]\(([^)#:\s]*)(?:#([^)\s]+))?\)/g)) {
      const target = path === "" ? join(root, page) : join(root, dirname(page), path);
      assert.ok(existsSync(target), `${page} links to ${link.slice(2, -1)}`);
      if (anchor === undefined || !target.endsWith(".md")) continue;
      assert.ok(anchorsIn(target).has(anchor), `${page} links to ${link.slice(2, -1)}`);
    }
  }
});

test("the commands in the documents are scripts of package.json", () => {
  const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    scripts: Record<string, string>;
  };
  for (const page of pages) {
    for (const [, name] of readFileSync(join(root, page), "utf8").matchAll(
      /npm run (?:--silent )?([\w:]+)/g,
    )) {
      assert.ok(name !== undefined && name in scripts, `${page} runs ${name ?? ""}`);
    }
  }
});
