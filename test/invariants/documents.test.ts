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

test("links between the documents lead somewhere", () => {
  for (const page of pages) {
    const text = readFileSync(join(root, page), "utf8");
    for (const [, target] of text.matchAll(/\]\(([^)#:]+)\)/g)) {
      assert.ok(existsSync(join(root, dirname(page), target ?? "")), `${page} links to ${target ?? ""}`);
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
