// `holdfast replay`: a request a line in, a verdict a line out, by the release build of the filter.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, it } from "node:test";
import type { Json } from "../filter/support/json.ts";
import { fetchingPolicy } from "../filter/support/key-server.ts";
import { issuer, policy, policyWithRule } from "../filter/support/policies.ts";
import { LATER, ORIGIN, boundToken, proof, proofPolicy } from "../filter/support/proofs.ts";
import { key, token } from "../filter/support/tokens.ts";
import { NOW, THIEF, WEB, thief, web } from "../filter/support/world.ts";
import { Files, holdfast, program } from "./support.ts";

const files = new Files();
const usual = files.write("usual.json", policy());

const good = (members: Json = {}): Json => ({
  id: "good",
  now: NOW,
  path: "/orders",
  headers: [["authorization", `Bearer ${token()}`]],
  peer: web,
  ...members,
});

/** The verdicts without how long they took. */
async function replay(requests: readonly unknown[], file = usual, args: readonly string[] = []) {
  const input = requests.map((one) => (typeof one === "string" ? one : JSON.stringify(one))).join("\n");
  const { code, out, err } = await holdfast(["replay", "-p", file, ...args], input);
  const verdicts = out
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const { us, ...verdict } = JSON.parse(line) as Json;
      if (verdict["error"] === undefined) assert.ok(typeof us === "number" && us > 0, line);
      return verdict;
    });
  return { code, verdicts, err };
}

describe("a request that is let in, and one that is not", () => {
  it("each give one line, in order", async () => {
    const { code, verdicts } = await replay([good(), good({ id: 2, peer: thief })]);
    assert.equal(code, 0);
    assert.deepEqual(verdicts, [
      {
        id: "good",
        verdict: "allow",
        reason: "ok",
        status: 200,
        rule: "default",
        mode: "enforce",
        headers: [],
        bindings: [{ method: "spiffe", held: true }],
      },
      {
        id: 2,
        verdict: "deny",
        reason: "spiffe_mismatch",
        status: 401,
        rule: "default",
        mode: "enforce",
        headers: [["www-authenticate", 'Bearer realm="holdfast", error="invalid_token"']],
        bindings: [{ method: "spiffe", held: false, reason: "spiffe_mismatch" }],
      },
    ]);
  });

  it("give a line for each of many that are denied at one moment", async () => {
    const { verdicts } = await replay(Array.from({ length: 100 }, (_, id) => good({ id, peer: thief })));
    assert.deepEqual(new Set(verdicts.map(({ reason }) => reason)), new Set(["spiffe_mismatch"]));
    assert.deepEqual(
      verdicts.map(({ id }) => id),
      Array.from({ length: 100 }, (_, id) => id),
    );
  });
});

it("what a rule only observes is a deny that the client does not see", async () => {
  const observing = files.write("observing.json", policy({ mode: "observe" }));
  const { verdicts } = await replay([good({ peer: thief })], observing);
  assert.equal(verdicts[0]?.["verdict"], "deny");
  assert.equal(verdicts[0]["mode"], "observe");
  assert.equal(verdicts[0]["status"], 200);
});

it("what is known of one request counts for the next, at the time that each says", async () => {
  const proving = files.write("proving.json", proofPolicy());
  const compact = boundToken();
  const spent = proof(compact);
  const headers = [
    ["authorization", `DPoP ${compact}`],
    ["dpop", spent],
  ];
  const ask = (worker: number, now: number) => good({ now, worker, headers });
  const { verdicts } = await replay(
    [good({ now: NOW }), ask(0, LATER), ask(1, LATER), ask(0, LATER + 200)],
    proving,
  );
  assert.deepEqual(
    verdicts.map(({ reason }) => reason),
    ["ok", "ok", "proof_replayed", "proof_expired"],
    ORIGIN,
  );
});

it("headers for the upstream are those that the filter has put there", async () => {
  const telling = files.write("telling.json", policyWithRule({ forward: { verdict: true } }));
  const { verdicts } = await replay([good()], telling);
  assert.deepEqual(verdicts[0]?.["headers"], [
    ["x-holdfast-verdict", 'allow;reason=ok;rule="all";issuer="idp"'],
  ]);
});

it("other attributes go by their dotted names, in whole or in part", async () => {
  const rules = files.write(
    "jwt-authn.json",
    policy({ issuers: { idp: { ...issuer(), keys: "jwt_authn" } } }),
  );
  const payload = { iss: "https://idp.example.org", sub: WEB, aud: "orders", exp: NOW + 60 };
  const at = "metadata.filter_metadata.envoy.filters.http.jwt_authn";
  const flat = Object.fromEntries(
    Object.entries(payload).map(([name, value]) => [`${at}.payload.${name}`, value]),
  );
  const asked = (properties: Json) => good({ headers: [], properties });
  const { verdicts } = await replay(
    [
      asked({ [at]: { payload } }),
      asked({ [`${at}.payload`]: payload }),
      asked(flat),
      asked({ [`${at}.payload`]: { ...payload, sub: THIEF } }),
      asked({}),
    ],
    rules,
  );
  assert.deepEqual(
    verdicts.map(({ reason }) => reason),
    ["ok", "ok", "ok", "spiffe_mismatch", "token_absent"],
  );
});

it("servers answer what a file has for them, and 404 otherwise", async () => {
  const fetching = files.write("fetching.json", fetchingPolicy());
  const answers = { idp: { "/jwks": { body: { keys: [key.jwk] } } } };
  const one = await replay([good()], fetching, ["--servers", files.write("servers.json", answers)]);
  assert.equal(one.verdicts[0]?.["reason"], "ok");
  const none = await replay([good()], fetching, ["--servers", files.write("none.json", { idp: {} })]);
  assert.equal(none.verdicts[0]?.["reason"], "keys_absent");
});

it("texts beyond ASCII go over the wire as UTF-8, and end no run", async () => {
  const paths = ["/€", "/ü", "/\ud800", "/日本"];
  const { code, verdicts } = await replay([
    ...paths.map((path) => good({ path })),
    good({ headers: [["x-name", "Łukasz"], ...(good()["headers"] as [])] }),
  ]);
  assert.equal(code, 0);
  assert.deepEqual(
    verdicts.map(({ reason }) => reason),
    [...paths.map(() => "path_ambiguous"), "ok"],
  );
});

it("a reader that has seen enough ends it without a word", () => {
  const requests = files.write(
    "many.ndjson",
    Array.from({ length: 5_000 }, () => JSON.stringify(good())).join("\n"),
  );
  const command = `"${process.execPath}" "${program}" replay -p "${usual}" "${requests}" | head -1`;
  const { stdout, stderr } = spawnSync("sh", ["-c", command], { encoding: "utf8" });
  assert.equal(stderr, "");
  assert.equal((JSON.parse(stdout) as Json)["verdict"], "allow");
});

describe("a line that cannot be read", () => {
  for (const [flaw, line, error] of [
    ["no JSON", "{", /no JSON/],
    ["a list", [], /a record: expected an object/],
    ["an unknown member", good({ heders: [] }), /"heders": no such member; expected one of id, now/],
    ["an unknown member of the peer", good({ peer: { uri: WEB } }), /"peer.uri": no such member/],
    ["a path that is a number", good({ path: 1 }), /"path": expected a string/],
    [
      "headers that are no pairs",
      good({ headers: { authorization: "x" } }),
      /"headers": expected a list of pairs/,
    ],
    ["a time before 1970", good({ now: -1 }), /"now": expected seconds since 1970/],
    ["a worker that is no number", good({ worker: "a" }), /"worker": expected a whole number/],
    ["a member of every object", '{"constructor":1}', /"constructor": no such member/],
  ] as const)
    it(`with ${flaw} gives an error in its place, and the rest goes on`, async () => {
      const { code, verdicts, err } = await replay([line, good()]);
      assert.equal(code, 2);
      assert.match(String(verdicts[0]?.["error"]), error);
      assert.equal(verdicts[1]?.["verdict"], "allow");
      assert.match(err, /^holdfast: 1 line could not be read: see "error" in the output\n$/);
    });
});

describe("a wrong command", () => {
  const bad = files.write("bad.json", policy({ mode: "observ" }));
  const cases: Readonly<Record<string, readonly [args: readonly string[], err: RegExp]>> = {
    "no policy": [["replay"], /required option '-p, --policy <file>' not specified/],
    "a policy that is not there": [
      ["replay", "-p", files.missing("x.json")],
      /x\.json: cannot be read \(there is no such file\)/,
    ],
    "a policy that the filter refuses": [
      ["replay", "-p", bad],
      /bad\.json:1:\d+: policy refused at "\/mode": expected the mode/,
    ],
    "a module that is not there": [
      ["replay", "-p", usual, "--wasm", files.missing("x.wasm")],
      /x\.wasm: no such module/,
    ],
    "a module that is none": [["replay", "-p", usual, "--wasm", usual], /usual\.json: no WebAssembly module/],
    "servers that are no object": [
      ["replay", "-p", usual, "--servers", files.write("list.json", [])],
      /expected answers by cluster and path/,
    ],
    ...Object.fromEntries(
      (
        [
          [{ stauts: 200 }, /servers: \/idp\/~1jwks\/stauts: no such member; did you mean "status"\?/],
          [{ status: 999 }, /servers: \/idp\/~1jwks\/status: expected a whole number from 100 to 599/],
          [{ headers: { a: "b" } }, /servers: \/idp\/~1jwks\/headers: expected a list of pairs/],
        ] as const
      ).map(([answer, expected], i) => [
        `servers that answer with ${JSON.stringify(answer)}`,
        [
          [
            "replay",
            "-p",
            usual,
            "--servers",
            files.write(`servers-${i}.json`, { idp: { "/jwks": answer } }),
          ],
          expected,
        ],
      ]),
    ),
    "servers without a slash": [
      ["replay", "-p", usual, "--servers", files.write("slash.json", { idp: { jwks: {} } })],
      /servers: \/idp\/jwks: expected a path that begins with "\/"/,
    ],
    "requests that are not there": [
      ["replay", "-p", usual, files.missing("x.ndjson")],
      /x\.ndjson: cannot be read/,
    ],
    "a folder for requests": [
      ["replay", "-p", usual, import.meta.dirname],
      /cli: cannot be read \(it is a folder\)/,
    ],
    "an unknown option": [["replay", "-p", usual, "--polcy", usual], /unknown option '--polcy'/],
    "an unknown command": [["replai"], /unknown command 'replai'/],
  };
  for (const [flaw, [args, expected]] of Object.entries(cases))
    it(`with ${flaw} says so, and ends with 2`, async () => {
      const { code, out, err } = await holdfast(args);
      assert.deepEqual([code, out], [2, ""]);
      assert.match(err, expected);
      assert.doesNotMatch(err, /\n\s+at /, "no stack trace");
    });
});
