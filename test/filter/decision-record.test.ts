// The decision record, held against the table in docs/decision-record.md.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import type { Peer, Request } from "../../cli/host/index.ts";
import { OutboundScene, strippingPolicy } from "./support/outbound.ts";
import { issuer, policy, policyWithIssuer, policyWithRule } from "./support/policies.ts";
import { lastRecord, recordsOf } from "./support/records.ts";
import { Scene, assertAllowed } from "./support/scene.ts";
import { CLAIMS, token, tokenOfText, tokenSignedBy } from "./support/tokens.ts";
import { without } from "./support/json.ts";
import type { Json } from "./support/json.ts";
import { NOW, THIEF, WEB, WEB_THUMBPRINT, plaintext, thief, web } from "./support/world.ts";

const PAGE = readFileSync(new URL("../../docs/decision-record.md", import.meta.url), "utf8");
const SAMPLING = { decisionLog: { sampleAllowed: 1 } };
const TELLING = { decisionLog: { sampleAllowed: 1, claims: true } };
const ANYWHERE = { network: { sources: ["10.0.0.0/8"] } };

interface Row {
  readonly member: string;
  readonly type: string;
  readonly example: unknown;
}

function rowsOf(page: string): Row[] {
  const cell = "\\s*([^|]*?)\\s*";
  const row = new RegExp(`^\\| \`(\\w+)\`${cell}\\|${cell}\\|${cell}\\|${cell}\\|${cell}\\|$`, "gm");
  return [...page.matchAll(row)].map(([, member = "", , type = "", , example = ""]) => ({
    member,
    type,
    example: JSON.parse(example.replace(/^`|`$/g, "")) as unknown,
  }));
}

const rows = rowsOf(PAGE);
const order = rows.map(({ member }) => member);

function typeOf(value: unknown): string {
  return Array.isArray(value) ? "list" : typeof value;
}

function assertDocumented(record: Json): void {
  const members = Object.keys(record);
  assert.deepEqual(
    members,
    order.filter((name) => members.includes(name)),
    "members of the table, in its order",
  );
  for (const [name, value] of Object.entries(record))
    assert.equal(typeOf(value), rows.find(({ member }) => member === name)?.type, name);
}

const GATEWAY = "spiffe://example.org/ns/istio-system/sa/gateway";
const forwarded: Request = {
  peer: { ...web, uriSan: GATEWAY },
  headers: [
    ["x-forwarded-client-cert", `By=${GATEWAY};URI=${THIEF},By=spiffe://example.org/o;URI=${GATEWAY}`],
  ],
};

/** Records of every kind. */
function makeRecords(): Json[] {
  const all: Scene[] = [];
  const scene = (rules: Json): Scene => {
    const made = new Scene(rules);
    all.push(made);
    return made;
  };
  const compact = token();
  const usual = scene(policy(SAMPLING));
  for (const peer of [web, thief, web, plaintext]) usual.present(compact, { peer });
  for (const request of [{}, { path: "//" }, { headers: [["authorization", "Basic x"]] }] as const)
    usual.ask(request);
  for (let i = 0; i < 25; i++) usual.present(compact, { peer: thief });
  usual.now += 1;
  usual.present(compact, { peer: thief });
  const observing = scene(policy({ mode: "observe", presenter: { validatedBy: "envoy" } }));
  observing.present(token(), { peer: { ...thief, validated: false } });
  const gateway = {
    validatedBy: "listener",
    forwarders: [GATEWAY],
    forwardClientCertDetails: "APPEND_FORWARD",
  };
  scene(policy({ presenter: gateway })).present(token(), forwarded);
  scene({ ...policyWithIssuer({ borders: { outside: {} } }), ...SAMPLING }).present(
    token({ cnf: { "x5t#S256": WEB_THUMBPRINT } }),
    { peer: without(web, "uriSan") },
  );
  scene({
    ...policyWithIssuer({ header: "x-corp-token" }),
    ...TELLING,
    rules: [{ name: "all", bind: [ANYWHERE] }],
  }).ask({
    headers: [["x-corp-token", token()]],
    peer: {
      ...web,
      address: "10.1.2.3:41234",
      sni: "orders.example",
      localUriSan: "spiffe://example.org/orders",
    },
  });
  const out = new OutboundScene(strippingPolicy());
  out.present(token({ sub: THIEF }));
  all.push(out);
  return all.flatMap((one) => [...recordsOf(one), ...recordsOf(one, "info")]);
}

describe("the page on the decision record", () => {
  const records = makeRecords();

  it("has a row for each member, with an example of its type", () => {
    assert.ok(rows.length > 15, `${rows.length} rows found`);
    for (const { member, type, example } of rows) assert.equal(typeOf(example), type, member);
  });

  it("has every member that is written, of the type that is written, in the order in which they come", () => {
    assert.ok(records.length > 10, `${records.length} records`);
    for (const record of records) assertDocumented(record);
  });

  it("has no member that is never written", () => {
    const written = new Set(records.flatMap((record) => Object.keys(record)));
    assert.deepEqual([...order].sort(), [...written].sort());
  });

  it("has the members that are always there right", () => {
    const always = [...PAGE.matchAll(/^\| `(\w+)`\s*\|[^|]*\|\s*always\s*\|/gm)].map(([, member]) => member);
    const inAll = order.filter((member) => records.every((record) => member in record));
    assert.deepEqual(always, inAll);
  });

  it("shows a line that the filter might have written", () => {
    const [, line = ""] = /^holdfast (\{.*\})$/m.exec(PAGE) ?? [];
    assertDocumented(JSON.parse(line) as Json);
  });
});

describe("a record", () => {
  const fingerprint = (compact: string) =>
    `sha256:${createHash("sha256").update(compact).digest("hex").slice(0, 16)}`;

  it("of an allow says all that is known", () => {
    const scene = new Scene(policy(SAMPLING));
    const compact = token({ iat: NOW - 42 });
    scene.present(compact);
    scene.now += 1.5;
    scene.present(compact, { authority: "b.example" });
    assert.deepEqual(lastRecord(scene, "info"), {
      verdict: "allow",
      reason: "ok",
      mode: "enforce",
      time: NOW * 1000 + 1500,
      rule: "default",
      issuer: "idp",
      presenter: WEB,
      border: "same",
      token: fingerprint(compact),
      age: 43,
      sinceCheck: 1500,
      presenters: 1,
      services: 2,
      bound: true,
      bindings: [{ method: "spiffe", held: true }],
    });
  });

  it("has the bindings in the order in which they were held, up to the first that did not", () => {
    const anyOf = [{ certificate: {} }, { spiffe: { claim: "workload" } }];
    const cel = "request.method == 'GET'";
    const bind = [
      { spiffe: { claim: "sub" } },
      { anyOf },
      { cel },
      { client: { presenters: { a: [WEB] } } },
      { actor: {} },
    ];
    const borders = { outside: {} };
    const scene = new Scene({ ...policyWithIssuer({ borders }), rules: [{ name: "all", bind }] });
    const claims = { cnf: { "x5t#S256": WEB_THUMBPRINT }, workload: WEB };
    scene.present(token(claims));
    const held = (method: string) => ({ method, held: true });
    assert.deepEqual(lastRecord(scene)["bindings"], [
      held("cnf"),
      held("spiffe"),
      held("certificate"),
      held("anyOf"),
      held("cel"),
      { method: "client", held: false, reason: "client_absent" },
    ]);
    scene.present(token({ workload: WEB, azp: "a" }));
    assert.deepEqual(lastRecord(scene)["bindings"], [
      held("spiffe"),
      { method: "certificate", held: false, reason: "certificate_unbound" },
      held("spiffe"),
      held("anyOf"),
      held("cel"),
      held("client"),
      { method: "actor", held: false, reason: "actor_absent" },
    ]);
  });

  it("has what a border asked for after what the rule asked for", () => {
    const borders = { federated: { bind: [{ network: { sources: ["10.0.0.0/8"] } }] } };
    const members = { federatedTrustDomains: ["partner.example"], issuers: { idp: issuer({ borders }) } };
    const scene = new Scene(policy(members));
    const uriSan = "spiffe://partner.example/web";
    scene.present(token({ sub: uriSan }), { peer: { ...web, uriSan } });
    const { border, bindings } = lastRecord(scene);
    assert.deepEqual(
      { border, bindings },
      {
        border: "federated",
        bindings: [
          { method: "spiffe", held: true },
          { method: "network", held: false, reason: "source_not_admitted" },
        ],
      },
    );
  });

  it("has nothing of a token's claims before they are proven", () => {
    const scene = new Scene();
    scene.present(`${token({ iat: NOW - 42 }).slice(0, -8)}AAAAAAAA`);
    const record = lastRecord(scene);
    for (const member of ["age", "sinceCheck", "presenters", "services", "bound", "bindings"])
      assert.equal(record[member], undefined, member);
  });

  it("has nothing of the request before", () => {
    const scene = new Scene(policy(SAMPLING));
    scene.present(token({ iat: NOW - 42 }));
    scene.ask();
    assert.deepEqual(lastRecord(scene), {
      verdict: "deny",
      reason: "token_absent",
      mode: "enforce",
      time: NOW * 1000,
      rule: "default",
      presenter: WEB,
    });
  });

  it("has no name for an outsider, and that of the workload beside an outbound listener", () => {
    const scene = new Scene(policyWithIssuer({ borders: { outside: {} } }));
    scene.present(token(), { peer: plaintext });
    const { border, presenter, unvalidatedPresenter } = lastRecord(scene);
    assert.deepEqual([border, presenter, unvalidatedPresenter], ["outside", undefined, undefined]);
    const out = new OutboundScene(strippingPolicy());
    out.present(token({ sub: THIEF }));
    assert.equal(lastRecord(out)["presenter"], WEB);
  });

  it("counts presenters and services up to five", () => {
    const any = policyWithRule({ bind: [{ spiffe: { patterns: ["spiffe://example.org/**"] } }] });
    const scene = new Scene({ ...any, ...SAMPLING });
    const compact = token();
    for (let i = 0; i < 9; i++) {
      const peer: Peer = { ...web, uriSan: `spiffe://example.org/p${i}` };
      assertAllowed(scene.present(compact, { peer, authority: `h${i}.example` }));
    }
    const seen = recordsOf(scene, "info").map(({ presenters, services, bound }) => [
      presenters,
      services,
      bound,
    ]);
    assert.deepEqual(
      seen.slice(0, 3),
      [1, 2, 3].map((n) => [n, n, false]),
    );
    assert.deepEqual(
      seen.slice(4),
      Array.from({ length: 5 }, () => [5, 5, false]),
    );
  });

  it("is whole JSON, however many bindings there are", () => {
    const claims = (from: number) =>
      Array.from({ length: 31 }, (_, i) => ({ spiffe: { claim: `workload_${from + i}` } }));
    const anyOf = (from: number) => ({ anyOf: [...claims(from), { spiffe: { claim: "sub" } }] });
    const scene = new Scene(policyWithRule({ bind: [anyOf(0), anyOf(100)] }));
    scene.present(token({ sub: THIEF }));
    scene.present(token(), { peer: thief });
    for (const { message } of scene.host.logs.filter(({ level }) => level === "warn"))
      assert.doesNotThrow(() => JSON.parse(message.slice("holdfast ".length)) as unknown, message.slice(-80));
    const allowed = new Scene({ ...policyWithRule({ bind: [anyOf(0), anyOf(100)] }), ...SAMPLING });
    assertAllowed(allowed.present(token()));
    const { message = "" } = allowed.host.logs.at(-1) ?? {};
    assert.doesNotThrow(() => JSON.parse(message.slice("holdfast ".length)) as unknown, message.slice(-80));
  });

  it("is whole JSON, however long the names of presenter and forwarder are", () => {
    const long = (name: string) => `spiffe://example.org/${name.repeat(2027)}`;
    const gateway = long("g");
    const presenter = {
      validatedBy: "listener",
      forwarders: [gateway],
      forwardClientCertDetails: "APPEND_FORWARD",
    };
    const scene = new Scene(policy({ presenter }));
    const xfcc = `By=${gateway};URI=${long("c")},By=spiffe://example.org/o;URI=${gateway}`;
    scene.present(token(), {
      peer: { ...web, uriSan: gateway },
      headers: [["x-forwarded-client-cert", xfcc]],
    });
    const { message = "" } = scene.host.logs.at(-1) ?? {};
    assert.doesNotThrow(() => JSON.parse(message.slice("holdfast ".length)) as unknown, message.slice(-80));
  });
});

describe("a sample of what is allowed", () => {
  const sampled = (oneIn: unknown, count: number, logLevel: "info" | "warn" = "info"): number => {
    const rules = policy(oneIn === undefined ? {} : { decisionLog: { sampleAllowed: oneIn } });
    const scene = new Scene(rules, { logLevel });
    for (let i = 0; i < count; i++) assertAllowed(scene.present(token()));
    return recordsOf(scene, "info").length;
  };

  it("is one of so many, and none where nobody asks for it", () => {
    assert.deepEqual(
      [sampled(1, 6), sampled(3, 8), sampled(10, 9), sampled(0, 5), sampled(undefined, 5)],
      [6, 2, 0, 0, 0],
    );
  });

  it("is none where the log takes no info", () => {
    assert.equal(sampled(1, 5, "warn"), 0);
  });

  it("counts what is allowed and not what is denied", () => {
    const scene = new Scene(policy({ decisionLog: { sampleAllowed: 2 } }));
    for (const peer of [web, thief, thief, web]) scene.present(token(), { peer });
    assert.deepEqual([recordsOf(scene, "info").length, recordsOf(scene).length], [1, 2]);
  });

  it("has requests without a token in it, too", () => {
    const scene = new Scene({ ...policyWithRule({ token: "none" }), ...SAMPLING });
    scene.ask();
    assert.deepEqual(lastRecord(scene, "info"), {
      verdict: "allow",
      reason: "token_not_required",
      mode: "enforce",
      time: NOW * 1000,
      rule: "all",
    });
  });
});

describe("a record with claims", () => {
  const told = (compact: string, request: Request = {}): Json => {
    const scene = new Scene(policy(TELLING));
    scene.present(compact, {
      method: "POST",
      authority: "orders.example",
      path: "/orders/7?secret=1",
      ...request,
    });
    return lastRecord(scene, scene.host.logs.at(-1)?.level ?? "warn");
  };

  it("says what the request was, by whose certificate, and what its token claims", () => {
    const record = told(token({ roles: ["a", { b: 1.5 }], name: "Zoë" }));
    assert.deepEqual(
      [record["method"], record["authority"], record["path"], record["certificate"]],
      ["POST", "orders.example", "/orders/7", web.certSha256],
    );
    const { roles, name, sub } = record["claims"] as Json;
    assert.deepEqual([roles, name, sub], [["a", { b: 1.5 }], "Zoë", WEB]);
  });

  it("says it of a deny, too, with the certificate that the policy did not look at", () => {
    const record = told(token(), { peer: thief });
    assert.deepEqual(
      [record["reason"], record["certificate"], (record["claims"] as Json)["sub"]],
      ["spiffe_mismatch", thief.certSha256, WEB],
    );
  });

  it("has no claims of a token that nobody has signed, and says what was asked all the same", () => {
    const record = told(tokenSignedBy(Buffer.alloc(64, 1)));
    assert.deepEqual(
      [record["reason"], record["path"], "claims" in record],
      ["signature_invalid", "/orders/7", false],
    );
  });

  it("is one line whatever white space the token has", () => {
    const compact = tokenOfText(
      '{"alg":"ES256","kid":"k1"}',
      JSON.stringify(CLAIMS).replaceAll(",", ",\r\n\t"),
    );
    assert.equal((told(compact)["claims"] as Json)["sub"], WEB);
  });

  it("leaves out a path and an authority that JSON would have to escape, and what is too long", () => {
    for (const path of ['/a"b', "/a\\b", "/a\u0000b", `/${"a".repeat(1024)}`]) {
      const record = told(token(), { path });
      assert.equal("path" in record, false, path);
    }
    assert.equal("path" in told(token(), { path: `/${"a".repeat(1023)}` }), true);
  });

  it("leaves out claims of more than 8 KiB, and is a whole line with as much else as there can be", () => {
    const sized = (length: number) => told(token({ filler: "x".repeat(length) }));
    assert.equal("claims" in sized(7_900), true);
    assert.equal("claims" in sized(8_192), false);
    const long = `spiffe://example.org/${"c".repeat(2_000)}`;
    const bind = Array.from({ length: 32 }, (_, i) => ({
      spiffe: { patterns: [long, `spiffe://example.org/${i}`] },
    }));
    const scene = new Scene({ ...policyWithRule({ bind }), ...TELLING });
    scene.present(token({ sub: long, filler: "x".repeat(5_900) }), {
      peer: { ...web, uriSan: long },
      path: `/${"p".repeat(1_000)}`,
      authority: "a".repeat(250),
    });
    const { path, claims } = lastRecord(scene, "info");
    assert.deepEqual([String(path).length, (claims as Json)["sub"]], [1_001, long]);
  });

  it("leaves out a path that may hide a token, and an authority that is not plain", () => {
    const compact = token();
    for (const path of [
      `/x;access_token=${compact}`,
      `/x%3Faccess_token=${compact}`,
      `/x/${compact}`,
      "/a%20b",
    ]) {
      const scene = new Scene(policy(TELLING));
      scene.ask({ path });
      const { message } = scene.host.logs.at(-1) ?? { message: "" };
      assert.match(message, /"reason":"/);
      assert.ok(!message.includes(compact.slice(0, 20)) && !message.includes('"path"'), message);
    }
    const scene = new Scene(policy(TELLING));
    scene.ask({ authority: "alice:s3cret@host" });
    assert.equal("authority" in lastRecord(scene), false);
  });

  it("leaves out claims with characters that a terminal may act on, or that some end lines at", () => {
    for (const name of ["\x7f", "\u0085", "\u009b31m", "\u2028", "\u2029"])
      assert.equal("claims" in told(token({ name: `a${name}b` })), false, JSON.stringify(name));
    for (const name of ["\u00a0", "\u2027", "\u202a", "é", "日本"])
      assert.equal((told(token({ name }))["claims"] as Json)["name"], name);
  });

  it("of a request that is closed later says in which header its token came", () => {
    const rules = {
      ...policyWithIssuer({ header: "x-corp-token", clockSkew: "0s" }),
      ...TELLING,
      rules: [{ name: "all", revalidate: { every: "1s" } }],
    };
    const scene = new Scene(rules);
    scene.plugin.request({
      peer: web,
      headers: [["x-corp-token", token({ exp: NOW + 5 })]],
      endOfStream: false,
    });
    for (let i = 0; i < 8; i++) {
      scene.now += 1;
      scene.vm.tick();
    }
    const record = lastRecord(scene);
    assert.deepEqual([record["verdict"], record["header"]], ["close", "x-corp-token"]);
  });

  it("is asked for by true or false, with or without a sample", () => {
    const scene = new Scene(policy({ decisionLog: { claims: true } }));
    scene.present(token());
    scene.present(token(), { peer: thief });
    assert.deepEqual([recordsOf(scene, "info").length, "claims" in lastRecord(scene)], [0, true]);
    const off = new Scene(policy({ decisionLog: { claims: false } }));
    off.present(token(), { peer: thief });
    assert.equal("claims" in lastRecord(off), false);
  });

  it("says of a request that has come to no plain reading only what was read", () => {
    const scene = new Scene(policy(TELLING));
    scene.present(token(), { path: "/orders" });
    scene.ask({ path: "//", headers: [] });
    const record = lastRecord(scene);
    assert.deepEqual([record["reason"], record["path"], "claims" in record], ["path_ambiguous", "//", false]);
  });
});

describe("nothing that is told of a token", () => {
  const SECRET = "s3cr3t";

  it("is a claim, a part of it or a header, in records and counters of denied, stripped and allowed requests", () => {
    const claims = {
      jti: SECRET,
      ns: SECRET,
      "kubernetes.io": { pod: { name: SECRET } },
      azp: SECRET,
      act: { sub: SECRET },
    };
    const bind = [
      { spiffe: { claim: "sub" } },
      { anyOf: [{ actor: {} }, { client: { presenters: { x: [WEB] } } }] },
    ];
    const scenes = [
      new Scene(policy(SAMPLING)),
      new Scene({ ...policyWithRule({ bind }), ...SAMPLING }),
      new OutboundScene(strippingPolicy(SAMPLING)),
    ];
    for (const scene of scenes) {
      for (const sub of [WEB, `spiffe://example.org/${SECRET}`]) {
        const compact = token({ ...claims, sub });
        const stream = scene.present(compact, {
          headers: [
            ["x-a", SECRET],
            ["cookie", SECRET],
          ],
          path: `/${SECRET}`,
        });
        scene.vm.tick();
        const told = [...scene.host.logs.map(({ message }) => message), ...scene.host.counters().keys()].join(
          "\n",
        );
        assert.ok(!told.includes(SECRET), told);
        for (const part of compact.split(".")) assert.ok(!told.includes(part), told);
        assert.ok(stream.outcome !== "trapped");
      }
      assert.ok(recordsOf(scene).length + recordsOf(scene, "info").length > 0);
    }
  });
});
