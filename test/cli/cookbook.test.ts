// The pages of docs/cookbook do what they say: files, commands, output. And each of them shows what it has to show.

import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, it } from "node:test";
import { WasmPlugin } from "@kubernetes-models/istio/extensions.istio.io/v1alpha1/WasmPlugin";
import { DestinationRule } from "@kubernetes-models/istio/networking.istio.io/v1/DestinationRule";
import { Gateway } from "@kubernetes-models/istio/networking.istio.io/v1/Gateway";
import { ServiceEntry } from "@kubernetes-models/istio/networking.istio.io/v1/ServiceEntry";
import { AuthorizationPolicy } from "@kubernetes-models/istio/security.istio.io/v1/AuthorizationPolicy";
import { PeerAuthentication } from "@kubernetes-models/istio/security.istio.io/v1/PeerAuthentication";
import { parse, parseAllDocuments } from "yaml";
import { NOTES } from "../../docs/reference/reason-notes.ts";
import { follow, type Page, readPage } from "./page.ts";

const folder = resolve(import.meta.dirname, "../../docs/cookbook");
const INDEX = "README.md";
const pages = readdirSync(folder)
  .filter((name) => name.endsWith(".md") && name !== INDEX)
  .map((name) => readPage(join("cookbook", name)));

const SECTIONS = [
  "What it proves",
  "What it does not",
  "Try it",
  "What goes wrong",
  "How far this was tried",
];

/** Checked by their names: an unknown kind of these groups is a mistake of ours. */
const ISTIO = { WasmPlugin, DestinationRule, Gateway, ServiceEntry, AuthorizationPolicy, PeerAuthentication };
const ISTIO_GROUP = /^(?:extensions|networking|security)\.istio\.io\//;

interface Manifest {
  readonly apiVersion?: string;
  readonly kind?: string;
}

interface TestFile {
  readonly policy: unknown;
  readonly tests: readonly { readonly expect: { readonly verdict?: string } }[];
}

function filesOf({ steps }: Page): readonly { readonly name: string; readonly text: string }[] {
  return steps.filter((step) => step.kind === "file");
}

function scriptsOf({ steps }: Page): string {
  return steps.map((step) => (step.kind === "run" ? step.script : "")).join("");
}

function testFilesOf(page: Page): readonly { readonly name: string; readonly text: string }[] {
  return filesOf(page).filter(({ name }) => name.endsWith(".test.yaml"));
}

it("the cookbook has its pages", () => {
  assert.ok(pages.length >= 9, `${pages.length} pages`);
});

it("the index leads to every page", () => {
  const { text } = readPage(join("cookbook", INDEX));
  for (const { name } of pages) assert.ok(text.includes(`](${name.slice("cookbook/".length)})`), name);
});

for (const page of pages)
  describe(`docs/${page.name}`, () => {
    it("does what it says", () => follow(page));

    it("says when to take it, what it proves, and what it does not", () => {
      assert.match(page.text, /^\*\*When\.\*\* /m);
      for (const section of SECTIONS) assert.match(page.text, new RegExp(`^## ${section}$`, "m"));
    });

    it("has each of its policies checked", () => {
      const holding = filesOf(page).filter(({ name, text }) => !isTest(name) && /\bissuers\b/.test(text));
      assert.ok(holding.length > 0, "no policy");
      for (const { name } of holding)
        assert.match(scriptsOf(page), new RegExp(`^holdfast check ${name}$`, "m"));
    });

    it("runs tests, each with a good request and two bad ones at least", () => {
      const files = testFilesOf(page);
      assert.ok(files.length > 0, "no tests");
      for (const { name, text } of files) {
        const { policy, tests } = parse(text) as TestFile;
        const of = (wanted: string) => tests.filter(({ expect: { verdict } }) => verdict === wanted).length;
        assert.ok(of("allow") >= 1 && of("deny") >= 2, name);
        assert.equal(typeof policy, "string", `${name}: the policy is the page's, and no copy`);
        assert.match(scriptsOf(page), new RegExp(`^holdfast test .*\\b${name}\\b`, "m"));
      }
    });

    it("shows no policy but those it has checked", () => {
      const shown = [...page.text.matchAll(/```(?:json|yaml)\n(.*?)```/gs)].map(([, text = ""]) => text);
      const written = new Set(filesOf(page).map(({ text }) => text));
      for (const text of shown)
        assert.ok(written.has(text) || !/"?issuers"?:/.test(text), `not checked:\n${text}`);
    });

    it("names reasons that there are", () => {
      const [, table = ""] = /^## What goes wrong\n(.*?)^## /ms.exec(page.text) ?? [];
      const rows = table.trim().split("\n").slice(2);
      assert.ok(rows.length >= 4, `${rows.length} rows`);
      for (const row of rows) {
        const reason = row.split("|")[2]?.trim().replaceAll("`", "") ?? "";
        assert.ok(reason === "" || reason in NOTES, `no such reason: ${reason}`);
      }
    });

    it("has manifests as Istio's CRDs want them", () => {
      const documents = filesOf(page)
        .filter(({ name }) => name.endsWith(".yaml") && !isTest(name))
        .flatMap(({ text }) => parseAllDocuments(text).map((one) => one.toJS() as Manifest));
      for (const manifest of documents) {
        if (!ISTIO_GROUP.test(manifest.apiVersion ?? "")) continue;
        const Model = ISTIO[manifest.kind as keyof typeof ISTIO] as
          (new (data: unknown) => { validate(): void }) | undefined;
        assert.ok(Model !== undefined, `no CRD to hold a ${manifest.kind ?? ""} against`);
        new Model(manifest).validate();
      }
    });
  });

function isTest(name: string): boolean {
  return name.endsWith(".test.yaml");
}
