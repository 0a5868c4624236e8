// `holdfast init`: a first policy that the filter takes, and that denies nobody.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { describe, it } from "node:test";
import { ask } from "../../cli/init/ask.ts";
import { complete } from "../../cli/init/questions.ts";
import type { Json } from "../filter/support/json.ts";
import { Files, holdfast } from "./support.ts";

const files = new Files();
const enough = ["--issuer", "https://idp.example", "--audience", "orders", "--jwks-cluster", "idp"];

describe("what it writes", () => {
  const kinds: Readonly<Record<string, readonly string[]>> = {
    "for access tokens": enough,
    "for JWT-SVIDs": ["--kind", "jwt-svid", "--audience", "orders", "--jwks-cluster", "spire"],
    "for WIT-SVIDs": ["--kind", "wit-svid", "--audience", "orders", "--jwks-cluster", "spire"],
    "for Kubernetes tokens": ["--kind", "kubernetes", ...enough, "--trust-domain", "prod.example"],
    "for Istio": [...enough.slice(0, 4), "--jwks-cluster", "outbound|443||idp.example"],
  };
  for (const [name, args] of Object.entries(kinds))
    it(`${name} is what the filter takes, with the findings that it names`, async () => {
      const folder = files.missing(name.replaceAll(" ", "-"));
      const { code, out, err } = await holdfast(["init", folder, ...args]);
      assert.deepEqual([code, err], [0, ""]);
      const named = /will say so: (.*)/.exec(out)?.[1]?.split(", ");
      const written = ["policy.json", "wasmplugin.yaml"].map((file) => join(folder, file));
      const checked = await holdfast(["check", "--format", "json", ...written]);
      assert.equal(checked.code, 1);
      const found = JSON.parse(checked.out) as readonly { readonly rule: string; readonly level: string }[];
      assert.deepEqual([...new Set(found.map(({ rule }) => rule))], named);
      assert.ok(named?.includes("observe-mode"));
      assert.ok(found.every(({ level }) => level === "warning"));
    });

  it("asks Istio's cluster for the host that it stands for", async () => {
    const folder = files.missing("istio");
    await holdfast([
      "init",
      folder,
      ...enough.slice(0, 4),
      "--jwks-cluster",
      "outbound|443||idp.example",
      "--yes",
    ]);
    const policy = JSON.parse(readFileSync(join(folder, "policy.json"), "utf8")) as {
      readonly issuers: { readonly main: { readonly keys: Json } };
    };
    assert.equal(policy.issuers.main.keys["authority"], "idp.example");
  });

  it("replaces nothing, unless it is told to", async () => {
    const folder = files.missing("twice");
    await holdfast(["init", folder, ...enough]);
    const again = ["init", folder, ...enough, "--trust-domain", "other.example"];
    const { code, err } = await holdfast(again);
    assert.equal(code, 2);
    assert.match(err, /^holdfast: \S+policy\.json: is there already; --force replaces it\n$/);
    assert.doesNotMatch(readFileSync(join(folder, "policy.json"), "utf8"), /other\.example/);
    assert.equal((await holdfast([...again, "--force"])).code, 0);
    assert.match(readFileSync(join(folder, "policy.json"), "utf8"), /other\.example/);
  });
});

describe("without a terminal", () => {
  const cases: Readonly<Record<string, readonly [args: readonly string[], err: RegExp]>> = {
    "nothing given": [[], /expected --issuer, --audience, --jwks-cluster, or a terminal to ask at/],
    "too little given": [enough.slice(0, 4), /expected --jwks-cluster, or a terminal/],
    "an issuer that is none": [["--issuer", "idp", ...enough.slice(2)], /--issuer idp: expected a URL/],
    "a trust domain that is none": [
      [...enough, "--trust-domain", "A b"],
      /--trust-domain A b: expected a trust domain/,
    ],
    "an unknown kind": [["--kind", "saml"], /--kind.*saml.*access-token, jwt-svid, wit-svid, kubernetes/],
  };
  for (const [flaw, [args, expected]] of Object.entries(cases))
    it(`${flaw} is said in one line, and nothing is written`, async () => {
      const folder = files.missing(flaw.replaceAll(" ", "-"));
      const { code, out, err } = await holdfast(["init", folder, ...args]);
      assert.deepEqual([code, out], [2, ""]);
      assert.match(err, expected);
      assert.match(err, /^[^\n]*\n$/);
      assert.ok(!existsSync(folder));
    });
});

describe("at a terminal", () => {
  it("it asks for what is not given, again where an answer is no good, and takes what is usual", async () => {
    const [input, output] = [new PassThrough(), new PassThrough()];
    const said = text(output);
    const answers = ["", "idp", "https://idp.example", "orders", "idp", "/keys", ""];
    const asked = ask({ audience: "given" }, input, output);
    for (const answer of answers.filter((one) => one !== "orders")) {
      await new Promise((later) => setTimeout(later, 10));
      input.write(`${answer}\n`);
    }
    assert.deepEqual(complete(await asked), {
      kind: "access-token",
      issuer: "https://idp.example",
      audience: "given",
      jwksCluster: "idp",
      jwksPath: "/keys",
      trustDomain: "cluster.local",
    });
    output.end();
    assert.match(await said, /expected a URL such as https:\/\/idp\.example\n/);
  });

  it("it ends when the answers end", async () => {
    const [input, output] = [new PassThrough(), new PassThrough()];
    output.resume();
    const asked = ask({}, input, output);
    input.end();
    await assert.rejects(asked, /no answer; nothing was written/);
  });
});
