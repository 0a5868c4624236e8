// `holdfast check`: policies are found where they stand, judged by the filter itself, and looked through for what is unwise.

import assert from "node:assert/strict";
import { resolve } from "node:path";
import { describe, it } from "node:test";
import type { Json } from "../filter/support/json.ts";
import { issuer, policy, policyWithRule } from "../filter/support/policies.ts";
import { Files, holdfast } from "./support.ts";

const files = new Files();
const shipped = resolve(import.meta.dirname, "../../envoy/istio/wasmplugin.yaml");

const plugin = (members: string, mode = "enforce") => `apiVersion: extensions.istio.io/v1alpha1
kind: WasmPlugin
metadata:
  name: holdfast
spec:
${members}
  pluginConfig:
    mode: ${mode}
    presenter: { from: peer, validatedBy: listener }
    issuers:
      idp:
        issuer: https://idp.example.org
        audiences: [orders]
        keys: { jwt_authn: { payloadHeader: x-jwt-payload } }
`;

const envoy = (configuration: string) => `static_resources:
  listeners:
    - filter_chains:
        - filters:
            - name: envoy.filters.network.http_connection_manager
              typed_config:
                http_filters:
                  - name: holdfast
                    typed_config:
                      "@type": type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm
                      config:
                        failure_policy: FAIL_OPEN
                        configuration:
${configuration}
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
  const noAudiences = { idp: { ...issuer(), audiences: undefined } };
  const text = (members: Json) => JSON.stringify(policy(members));
  const cases: Readonly<
    Record<string, readonly [file: string, content: string, place: string, rule: string]>
  > = {
    "a policy that observes": ["a.json", text({ mode: "observe" }), ":1:", "observe-mode"],
    "a rule that observes": [
      "b.json",
      text({ rules: [{ name: "all", mode: "observe" }] }),
      ":1:",
      "observe-mode",
    ],
    "an issuer without audiences": ["c.json", text({ issuers: noAudiences }), ":1:", "no-audience"],
    "a certificate binding without rotation": [
      "d.json",
      JSON.stringify(policyWithRule({ bind: [{ certificate: {} }] })),
      ":1:",
      "rotation-off",
    ],
    "a plugin without which every request passes": [
      "e.yaml",
      plugin("  phase: AUTHZ\n  failStrategy: FAIL_OPEN"),
      ":7:17:",
      "fail-open",
    ],
    "a plugin that comes before jwt_authn": ["f.yaml", plugin("  phase: AUTHN"), ":6:10:", "wrong-phase"],
    "a plugin without a phase, with jwt_authn": ["g.yaml", plugin("  url: oci://x"), ":6:8:", "wrong-phase"],
    "an Envoy without whose filter every request passes": [
      "h.yaml",
      envoy(`                          "@type": type.googleapis.com/google.protobuf.StringValue
                          value: '${JSON.stringify(policy())}'`),
      ":12:41:",
      "fail-open",
    ],
    "the same with a struct": [
      "i.yaml",
      envoy(`                          "@type": type.googleapis.com/google.protobuf.Struct
                          value: ${JSON.stringify(policy())}`),
      ":12:41:",
      "fail-open",
    ],
  };
  for (const [name, [file, content, place, rule]] of Object.entries(cases))
    it(`${name} is a finding`, async () => {
      const { code, out } = await holdfast(["check", files.write(file, content)]);
      assert.equal(code, 1);
      const [line = "", ...others] = out.trimEnd().split("\n");
      assert.deepEqual(others, []);
      assert.ok(line.includes(`${file}${place}`), out);
      assert.ok(line.includes("warning: ") && line.endsWith(`[${rule}]`), out);
    });

  it("the manifests that we ship observe, and nothing else", async () => {
    const { code, out } = await holdfast(["check", "--format", "json", shipped]);
    assert.equal(code, 1);
    const rules = (JSON.parse(out) as readonly { readonly rule: string }[]).map(({ rule }) => rule);
    assert.deepEqual(rules, ["observe-mode"]);
  });
});

it("SARIF has the finding with its place", async () => {
  const file = files.write("sarif.json", policy({ mode: "observe" }));
  const { out } = await holdfast(["check", "--format", "sarif", file]);
  const { version, runs } = JSON.parse(out) as {
    readonly version: string;
    readonly runs: readonly { readonly results: readonly Record<string, unknown>[] }[];
  };
  assert.equal(version, "2.1.0");
  const [result] = runs[0]?.results ?? [];
  assert.equal(result?.["ruleId"], "observe-mode");
  assert.equal(result["level"], "warning");
});

describe("a wrong command", () => {
  const cases: Readonly<Record<string, readonly [args: readonly string[], err: RegExp]>> = {
    "no file": [["check"], /missing required argument 'files'/],
    "a file that is not there": [["check", files.missing("x.yaml")], /x\.yaml: cannot be read/],
    "a folder": [["check", resolve(".")], /cannot be read \(it is a folder\)/],
    "no YAML": [["check", files.write("bad.yaml", "a: [b\nc: d")], /bad\.yaml:\d+:\d+: no YAML/],
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
