import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { test } from "node:test";
import { Host, Vm } from "../../cli/host/index.ts";
import { MEMBER_PAGES, memberPage, objectsOfSchema, tablesIn } from "../../docs/reference/write-members.ts";
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

test("the tables of members are what the schema gives", async () => {
  for (const page of MEMBER_PAGES)
    assert.equal(readFileSync(page, "utf8"), await memberPage(page), `${page} is stale: run npm run docs`);
});

test("every member of the policy has its row in one table", () => {
  const tables = tablesIn(MEMBER_PAGES.map((page) => readFileSync(page, "utf8")));
  const objects = objectsOfSchema().map(([name]) => name);
  assert.deepEqual([...tables].sort(), [...objects].sort());
});

test("links in the schema lead somewhere", () => {
  const headings = (page: string) =>
    [...readFileSync(page, "utf8").matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\w -]/g, "")
        .replaceAll(" ", "-"),
    );
  const schema = readFileSync(join(root, "docs/reference/policy.schema.json"), "utf8");
  const links = [...schema.matchAll(/\]\(([^)#]+)(?:#([^)]*))?\)/g)];
  assert.ok(links.length > 20, `${links.length} links found`);
  for (const [, target = "", anchor] of links) {
    const page = join(root, "docs", target);
    assert.ok(existsSync(page), `the schema links to ${target}`);
    if (anchor !== undefined) assert.ok(headings(page).includes(anchor), `${target} has no #${anchor}`);
  }
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
