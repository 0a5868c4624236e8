// `holdfast check`: policies are found where they stand, judged by the filter itself, and looked through for what is unwise.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, it } from "node:test";
import { LINTS } from "../../cli/lint/index.ts";
import { issuer, policy } from "../filter/support/policies.ts";
import { Files, holdfast } from "./support.ts";

const files = new Files();
const shipped = resolve(import.meta.dirname, "../../envoy/istio/wasmplugin.yaml");

const plugin = (members: string, mode = "enforce") => `apiVersion: extensions.istio.io/v1alpha1
kind: WasmPlugin
metadata:
  name: holdfast
spec:
${members}
  match: [{ mode: SERVER }]
  failStrategy: FAIL_RELOAD
  pluginConfig:
    mode: ${mode}
    presenter: { from: peer, validatedBy: listener }
    issuers:
      idp:
        issuer: https://idp.example.org
        audiences: [orders]
        keys: { jwt_authn: { payloadHeader: x-jwt-payload } }
`;

describe("a good policy", () => {
  it("is ok", async () => {
    const { code, out, err } = await holdfast(["check", files.write("good.json", policy())]);
    assert.deepEqual([code, out, err], [0, "ok: 1 file\n", ""]);
  });

  it("may need secrets that are not here", async () => {
    const credentials = { clientId: "x", secretFrom: "IDP_SECRET" };
    const opaque = { audiences: ["orders"], introspection: { cluster: "as", path: "/i", credentials } };
    const file = files.write("secrets.json", policy({ issuers: { opaque } }));
    assert.equal((await holdfast(["check", file])).code, 0);
  });

  it("may be for an outbound listener, whose proxy is not here either", async () => {
    const leaving = {
      presenter: { from: "self" },
      issuers: { idp: issuer({ egress: { hosts: ["a.example"] } }) },
    };
    const { code, out } = await holdfast(["check", files.write("self.json", policy(leaving))]);
    assert.equal(code, 0, out);
  });
});

describe("a policy that the filter refuses", () => {
  it("is shown with its place, what was expected there, and the nearest name", async () => {
    const text = JSON.stringify(policy({ rules: [{ name: "all", issuers: ["idb"] }] }), null, 2);
    const file = files.write("refused.json", text);
    const line = text.split("\n").findIndex((one) => one.includes('"idb"')) + 1;
    const { code, out } = await holdfast(["check", file]);
    assert.equal(code, 2);
    assert.ok(
      out.startsWith(`${file}:${line}:9: error: /rules/0/issuers/0: expected the name of an entry`),
      out,
    );
    assert.match(out, /did you mean "idp"\? \[policy-refused\]\n$/);
  });

  it("is shown where its JSON ends to make sense", async () => {
    const { code, out } = await holdfast(["check", files.write("comma.json", '{\n  "issuers": {,}\n}')]);
    assert.equal(code, 2);
    assert.match(out, /comma\.json:2:15: error: expected strict JSON/);
  });

  it("that has a name twice is refused, as in Envoy", async () => {
    const { code, out } = await holdfast(["check", files.write("twice.json", '{"issuers":{},"issuers":{}}')]);
    assert.equal(code, 2);
    assert.match(out, /each name once in its object/);
  });

  it("in a WasmPlugin is shown by its place there", async () => {
    const text = plugin("  phase: AUTHZ", "observ");
    const line = text.split("\n").findIndex((one) => one.includes("observ")) + 1;
    const { code, out } = await holdfast(["check", files.write("refused.yaml", text)]);
    assert.equal(code, 2);
    assert.match(out, new RegExp(`refused\\.yaml:${line}:11: error: /mode: expected the mode`));
  });
});

describe("what else is wrong with a refused policy", () => {
  /** The lines without the file's name. */
  const checked = async (name: string, content: unknown) => {
    const file = files.write(name, typeof content === "string" ? content : JSON.stringify(content, null, 2));
    const { code, out } = await holdfast(["check", file]);
    assert.equal(code, 2);
    return out.trimEnd().replaceAll(`${file}:`, "").split("\n");
  };

  it("is shown, each place with what was expected there", async () => {
    const faulty = {
      mode: "observing",
      isuers: {},
      issuers: { idp: issuer({ clockSkew: "10m", keys: { cluster: "idp", refesh: "1m" } }) },
      rules: [{ name: "all", when: { path: "/a", grpc: { service: "a" } }, token: "none", bind: [] }],
    };
    assert.deepEqual(await checked("many.json", policy(faulty)), [
      '12:15: error: /issuers/idp/keys: expected "path": a path on that server, such as "/jwks" [policy-schema]',
      '14:19: error: /issuers/idp/keys/refesh: expected a known member, found "refesh"; did you mean "refresh"? [policy-schema]',
      '16:20: error: /issuers/idp/clockSkew: expected a duration from "0s" to "5m" [policy-schema]',
      '19:11: error: /mode: expected "enforce" or "observe"; did you mean "observe"? [policy-schema]',
      '20:13: error: /isuers: expected a known member, found "isuers"; did you mean "issuers"? [policy-refused]',
      '26:17: error: /rules/0/when/grpc: expected only one of "path", "pathPrefix", "pathTemplate" and "grpc" [policy-schema]',
      '31:15: error: /rules/0/bind: expected nothing here: with "token": "none" no token is looked at [policy-schema]',
    ]);
  });

  it("is not shown twice, nor where the filter's word stands", async () => {
    const both = await checked("twice-unknown.json", policy({ modes: 1, name: "a b" }));
    assert.equal(both.length, 2);
    assert.equal(both.filter((line) => line.includes("/modes:")).length, 1);
  });

  it("names members that are missing, each of them", async () => {
    const lines = await checked(
      "missing.json",
      policy({ mode: 1, rules: [{ bind: [{ certificate: { rotation: {} } }] }] }),
    );
    const missing = lines.filter((line) => line.includes("/rules/0"));
    assert.deepEqual(
      missing.map((line) => /expected "(\w+)"/.exec(line)?.[1]),
      ["name", "claim", "window"],
    );
  });

  it("tells of one form of a value, not of all that it might have had", async () => {
    const lines = await checked(
      "forms.json",
      policy({ mode: 1, issuers: { idp: issuer({ keys: { jwt_authn: { payloadHeaders: "x" } } }) } }),
    );
    const ofKeys = lines.filter((line) => line.includes("/keys"));
    assert.equal(ofKeys.length, 1);
    assert.match(ofKeys[0] ?? "", /payloadHeaders: expected a known member.*did you mean "payloadHeader"\?/);
  });

  it("shows no value, which may be a secret, and no control character", async () => {
    const credentials = { clientId: "x", secretFrom: "hunter2 hunter2" };
    const opaque = { introspection: { cluster: "as", path: "/i", credentials } };
    const lines = await checked("secret.json", policy({ mode: 1, issuers: { opaque }, "\u001b[31m": 1 }));
    assert.ok(
      lines.some((line) => line.includes("/secretFrom: expected the name of an environment variable")),
    );
    assert.doesNotMatch(lines.join("\n"), /hunter2|\u001b/);
  });

  it("is found in a WasmPlugin by its place there", async () => {
    const text = plugin("  phase: AUTHZ", "observ").replace("validatedBy", "validateBy");
    const line = text.split("\n").findIndex((one) => one.includes("validateBy")) + 1;
    const lines = await checked("many.yaml", text);
    assert.deepEqual(
      lines.map((one) => Number(one.split(":")[0])),
      [line - 1, line],
    );
  });

  it("is left to the filter where the text is no JSON", async () => {
    assert.equal((await checked("broken.json", '{"issuers":{},"mode":1,}')).length, 1);
  });
});

describe("what is legal and unwise", () => {
  it("is a warning with its place, and ends with 1", async () => {
    const file = files.write("observe.json", policy({ mode: "observe" }));
    const { code, out } = await holdfast(["check", file]);
    assert.equal(code, 1);
    assert.match(out, /observe\.json:1:\d+: warning: the policy only records .* \[observe-mode\]\n$/);
  });

  it("is a note where only its owner can know, and ends with 0", async () => {
    const { code, out } = await holdfast(["check", files.write("alone.yaml", plugin("  phase: AUTHZ"))]);
    assert.equal(code, 0);
    assert.match(out, /alone\.yaml:6:3: note: no RBAC filter behind holdfast .* \[no-backstop\]\n$/);
  });

  it("of a flaw around two policies is said once", async () => {
    const two = `${plugin("  phase: AUTHZ").replace("name: holdfast", "name: holdfast\n  namespace: shop")}---\n${plugin("  phase: AUTHZ").replace("name: holdfast", "name: other\n  namespace: other")}`;
    const old = files.write("compose.yaml", "services: { server: { image: envoyproxy/envoy:v1.30.0 } }");
    const { out } = await holdfast(["check", "--format", "json", files.write("two.yaml", two), old]);
    const rules = (JSON.parse(out) as readonly { readonly rule: string }[]).map(({ rule }) => rule);
    assert.deepEqual(rules, ["no-backstop", "no-backstop", "envoy-too-old"]);
  });

  it("is in the table of docs/command.md, and nothing else is", () => {
    const page = readFileSync(resolve(import.meta.dirname, "../../docs/command.md"), "utf8");
    const [, table = ""] = /<!-- lints -->(.*?)\n\n(?!\|)(?!<!)/s.exec(page) ?? [];
    const rows = table
      .split("\n")
      .filter((line) => line.startsWith("| `"))
      .map((line) => line.split(/(?<!\\)\|/).map((cell) => cell.trim()));
    assert.deepEqual(
      rows.map(([, id, level, what]) => [id, level, what]),
      LINTS.map(({ id, level, what }) => [`\`${id}\``, level, what]),
    );
  });
});

it("SARIF has the finding with its place", async () => {
  const file = files.write("sarif.json", policy({ mode: "observe" }));
  const { out } = await holdfast(["check", "--format", "sarif", file]);
  const { version, runs } = JSON.parse(out) as {
    readonly version: string;
    readonly runs: readonly {
      readonly tool: { readonly driver: { readonly rules: unknown } };
      readonly results: readonly Record<string, unknown>[];
    }[];
  };
  assert.equal(version, "2.1.0");
  const [run] = runs;
  assert.deepEqual(run?.tool.driver.rules, [
    { id: "observe-mode", shortDescription: { text: "the policy, or a rule, only observes" } },
  ]);
  const [result] = run.results;
  assert.equal(result?.["ruleId"], "observe-mode");
  assert.equal(result["level"], "warning");
});

describe("a holdfast plugin without a policy", () => {
  const wasm = `"@type": type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm`;
  const cases: Readonly<Record<string, readonly [text: string, err: RegExp]>> = {
    "whose member is misspelt": [
      plugin("  url: oci://a.example/x").replace("pluginConfig:", "plugnConfig:"),
      /:6:3: error: a holdfast plugin without a policy: expected "pluginConfig" with "issuers", found "plugnConfig" \[policy-absent\]/,
    ],
    "in a WasmPlugin": [
      "apiVersion: a/v1\nkind: WasmPlugin\nspec:\n  url: oci://a.example/holdfast:1\n",
      /:4:3: error: .*expected "pluginConfig"/,
    ],
    "in an EnvoyFilter": [
      `apiVersion: a/v1\nkind: EnvoyFilter\nspec:\n  value:\n    typed_config:\n      ${wasm}\n      config: { name: holdfast, configuration: { value: none } }\n`,
      /:6:7: error: .*expected "config\.configuration\.value"/,
    ],
    "in an EnvoyExtensionPolicy": [
      "apiVersion: a/v1\nkind: EnvoyExtensionPolicy\nspec:\n  wasm:\n    - name: holdfast\n      code: { type: Image }\n",
      /:5:7: error: .*expected "config" with/,
    ],
  };
  for (const [name, [text, expected]] of Object.entries(cases))
    it(`${name} is an error beside a good policy`, async () => {
      const good = files.write("good.json", policy());
      const { code, out } = await holdfast(["check", files.write("bare.yaml", text), good]);
      assert.equal(code, 2, out);
      assert.match(out, expected);
    });

  it("is context when it is somebody else's", async () => {
    const other =
      "apiVersion: a/v1\nkind: WasmPlugin\nmetadata: { name: basic-auth }\nspec: { url: oci://a.example/basic }\n";
    const args = ["check", files.write("other-plugin.yaml", other), files.write("good.json", policy())];
    assert.equal((await holdfast(args)).code, 0);
  });
});

/** Each list is ten times the one before. */
const laughs = ["x", "*a", "*b", "*c", "*d", "*e", "*f", "*g"]
  .map((item, i) => `${"abcdefgh".charAt(i)}: &${"abcdefgh".charAt(i)} [${Array(10).fill(item).join(", ")}]`)
  .join("\n");

describe("a wrong command", () => {
  const cases: Readonly<Record<string, readonly [args: readonly string[], err: RegExp]>> = {
    "no file": [["check"], /missing required argument 'files'/],
    "a file that is not there": [["check", files.missing("x.yaml")], /x\.yaml: cannot be read/],
    "a folder": [["check", resolve(".")], /cannot be read \(it is a folder\)/],
    "no YAML": [["check", files.write("bad.yaml", "a: [b\nc: d")], /bad\.yaml:\d+:\d+: no YAML: [^:]*[^:]$/m],
    "no JSON": [["check", files.write("bad.json", '{"a": ]')], /bad\.json:1:\d+: no JSON: /],
    "a byte-order mark": [["check", files.write("mark.json", '\uFEFF{"issuers":{}}')], /byte-order mark/],
    "a broken document after a good one": [
      ["check", files.write("later.yaml", `${plugin("  phase: AUTHZ")}---\na: [b\nc: d\n`)],
      /later\.yaml:\d\d:\d+: no YAML/,
    ],
    "a broken policy in YAML": [
      ["check", files.write("torn.yaml", "issuers: {}\nrules: [\n")],
      /torn\.yaml:\d+:\d+: no YAML/,
    ],
    "an alias that stands for nothing": [
      ["check", files.write("alias.yaml", "issuers: {}\nrules: *none\n")],
      /alias\.yaml:2:8: no YAML: the alias \*none stands for nothing; expected &none before it/,
    ],
    "an alias without end": [
      ["check", files.write("endless.yaml", "static_resources: &all { again: *all }\n")],
      /endless\.yaml:1:\d+: too large, or without end/,
    ],
    "aliases that grow": [
      ["check", files.write("laughs.yaml", laughs)],
      /laughs\.yaml:\d+:\d+: too large, or without end/,
    ],
    "a policy of aliases that grow": [
      ["check", files.write("policy-laughs.yaml", `issuers: {}\n${laughs}`)],
      /policy-laughs\.yaml:\d+:\d+: too large, or without end/,
    ],
    "a backstop alone": [
      ["check", resolve(import.meta.dirname, "../../envoy/istio/backstop/backstop.yaml")],
      /backstop\.yaml: no policy; expected one/,
    ],
    "a file beside others that has neither policy nor manifest": [
      ["check", shipped, files.write("misspelt.json", '{"isuers":{}}')],
      /misspelt\.json: no policy; expected one/,
    ],
    "a version that is none": [
      ["check", "--envoy", "latest", shipped],
      /--envoy latest: expected a version such as 1\.40/,
    ],
    "nothing in it": [["check", files.write("empty.yaml", "")], /empty\.yaml: no policy; expected one/],
    "no policy in it": [
      ["check", files.write("other.yaml", "kind: Service\nspec: {}")],
      /no policy; expected one/,
    ],
    "an unknown format": [["check", "-f", "xml", shipped], /--format xml: expected one of text, json, sarif/],
  };
  for (const [flaw, [args, expected]] of Object.entries(cases))
    it(`with ${flaw} says so, and ends with 2`, async () => {
      const { code, out, err } = await holdfast(args);
      assert.deepEqual([code, out], [2, ""]);
      assert.match(err, expected);
      assert.doesNotMatch(err, /\n\s+at /, "no stack trace");
    });
});
