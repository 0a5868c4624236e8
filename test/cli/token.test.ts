// `holdfast token`: what it makes is what the filter takes.

import assert from "node:assert/strict";
import { createHash, createPrivateKey, generateKeyPairSync, X509Certificate } from "node:crypto";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { Json } from "../filter/support/json.ts";
import { NOW, THIEF, WEB } from "../filter/support/world.ts";
import { Files, holdfast } from "./support.ts";

const files = new Files();
const LATER = NOW + 3600;

/** What a command says, which has to end well. */
async function said(...args: readonly string[]): Promise<string> {
  const { code, out, err } = await holdfast(args);
  assert.deepEqual([code, err], [0, ""]);
  return out.trim();
}

async function keyFile(name: string, ...args: readonly string[]): Promise<string> {
  return files.write(name, await said("token", "key", ...args));
}

async function reasonFor(
  policy: Json,
  headers: readonly (readonly [string, string])[],
  now = NOW,
): Promise<unknown> {
  const request = {
    now,
    path: "/orders",
    authority: "orders.example",
    headers,
    peer: { mtls: true, uriSan: WEB },
  };
  const warmUp = { now: NOW, path: "/orders" };
  const input = [warmUp, request].map((one) => JSON.stringify(one)).join("\n");
  const { out } = await holdfast(["replay", "-p", files.write("policy.json", policy)], input);
  return (JSON.parse(out.trim().split("\n")[1] ?? "") as Json)["reason"];
}

const policyFor = (jwks: unknown, members: Json = {}): Json => ({
  presenter: { validatedBy: "listener" },
  issuers: { idp: { issuer: "https://idp.example", keys: { jwks } } },
  ...members,
});

const claims = { iss: "https://idp.example", sub: WEB };

for (const alg of ["ES256", "ES384", "ES512", "RS256", "EdDSA"])
  it(`a token by an ${alg} key passes under a policy with that key, and no other`, async () => {
    const [key, other] = [
      await keyFile("key.json", "--alg", alg, "--kid", "k"),
      await keyFile("other.json", "--alg", alg, "--kid", "k"),
    ];
    const jwks = JSON.parse(await said("token", "jwks", key)) as { readonly keys: readonly Json[] };
    for (const secret of ["d", "p", "q"]) assert.equal(jwks.keys[0]?.[secret], undefined);
    const make = (by: string) =>
      said("token", "jwt", "--key", by, "--now", String(NOW), "--claims", JSON.stringify(claims));
    assert.equal(await reasonFor(policyFor(jwks), [["authorization", `Bearer ${await make(key)}`]]), "ok");
    assert.equal(
      await reasonFor(policyFor(jwks), [["authorization", `Bearer ${await make(other)}`]]),
      "signature_invalid",
    );
  });

it("a proof by the key that a token names passes with it", async () => {
  const [key, client] = [await keyFile("issuer.json", "--kid", "k"), await keyFile("client.json")];
  const jwks = JSON.parse(await said("token", "jwks", key)) as Json;
  const cnf = { jkt: await said("token", "thumbprint", client) };
  const times = ["--now", String(LATER)];
  const file = files.write("claims.json", { ...claims, cnf });
  const token = await said("token", "jwt", "--key", key, ...times, "--claims", `@${file}`, "--for", "1h");
  const proof = await said(
    ...["token", "proof", "--key", client, "--token", files.write("token", token), ...times],
    ...["--url", "https://orders.example/orders"],
  );
  const headers = [
    ["authorization", `DPoP ${token}`],
    ["dpop", proof],
  ] as const;
  const policy = policyFor(jwks, { dpop: { origins: ["https://orders.example"] } });
  assert.equal(await reasonFor(policy, headers, LATER), "ok");
});

it("a workload proof by the key that a WIT names passes with it, and with the access token beside it", async () => {
  const [key, workload] = [await keyFile("mesh.json", "--kid", "k"), await keyFile("workload.json")];
  const publicKeys = async (file: string) =>
    (JSON.parse(await said("token", "jwks", file)) as { readonly keys: readonly Json[] }).keys;
  const [jwk] = await publicKeys(workload);
  const times = ["--now", String(LATER)];
  const claimed = JSON.stringify({ sub: WEB, cnf: { jwk } });
  const wit = await said("token", "jwt", "--key", key, ...times, "--typ", "wit+jwt", "--claims", claimed);
  const access = files.write("access", "an-opaque-token");
  const proof = await said(
    ...["token", "wpt", "--key", workload, "--token", files.write("wit", wit), ...times],
    ...["--audience", "https://orders.example/orders", "--access-token", access],
  );
  const headers = [
    ["workload-identity-token", wit],
    ["workload-proof-token", proof],
    ["authorization", "Bearer an-opaque-token"],
  ] as const;
  const keys = { jwks: { keys: (await publicKeys(key)).map((one) => ({ ...one, use: "wit-svid" })) } };
  const issuers = { mesh: { kind: "wit-svid", trustDomain: "example.org", keys } };
  const policy = policyFor({}, { wpt: { origins: ["https://orders.example"] }, issuers });
  assert.equal(await reasonFor(policy, headers, LATER), "ok");
  assert.equal(await reasonFor(policy, headers.slice(0, 2), LATER), "proof_other_token_mismatch");
});

describe("an SVID", () => {
  const certs = files.missing("certs");
  const pem = (name: string, folder = certs) => readFileSync(join(folder, name), "utf8");

  it("is good for its workload, by an authority that is made for it, and has the thumbprint that is printed", async () => {
    const printed = await said("token", "svid", WEB, "--out", certs, "--name", "web");
    const [svid, ca] = [new X509Certificate(pem("web.pem")), new X509Certificate(pem("ca.pem"))];
    assert.equal(svid.subjectAltName, `URI:${WEB}`);
    assert.ok(svid.verify(ca.publicKey) && svid.checkIssued(ca) && !svid.ca && ca.ca);
    assert.ok(svid.checkPrivateKey(createPrivateKey(pem("web-key.pem"))));
    assert.equal(printed, createHash("sha256").update(svid.raw).digest("base64url"));
    assert.equal(await said("token", "thumbprint", join(certs, "web.pem")), printed);
    assert.equal(statSync(join(certs, "web-key.pem")).mode & 0o077, 0);
  });

  it("of another workload is by the same authority, in the same folder or another", async () => {
    const more = files.missing("more");
    await said("token", "svid", THIEF, "--out", certs, "--name", "thief");
    await said("token", "svid", THIEF, "--out", more, "--ca", certs);
    const ca = new X509Certificate(pem("ca.pem"));
    for (const svid of [pem("thief.pem"), pem("svid.pem", more)])
      assert.ok(new X509Certificate(svid).verify(ca.publicKey));
    assert.ok(!existsSync(join(more, "ca.pem")));
  });

  it("is what a token can be bound to", async () => {
    const key = await keyFile("bound.json", "--kid", "k");
    const thumbprint = await said("token", "thumbprint", join(certs, "web.pem"));
    const jwks = JSON.parse(await said("token", "jwks", key)) as Json;
    const claimed = JSON.stringify({ ...claims, cnf: { "x5t#S256": thumbprint } });
    const token = await said("token", "jwt", "--key", key, "--claims", claimed, "--now", String(NOW));
    const certSha256 = Buffer.from(thumbprint, "base64url").toString("hex");
    const args = [
      "-p",
      files.write("p.json", policyFor(jwks)),
      "--path",
      "/",
      "--peer",
      WEB,
      "--now",
      String(NOW),
    ];
    const explained = await said(
      "explain",
      ...args,
      "--cert-sha256",
      certSha256,
      "-H",
      `authorization: Bearer ${token}`,
    );
    assert.match(explained, /^\+ verdict +allow: ok$/m);
  });

  const refused: Readonly<Record<string, readonly [args: readonly string[], err: RegExp]>> = {
    "of nobody": [["spiffe://example.org"], /expected the SPIFFE ID of a workload/],
    "that is there already": [[WEB, "--out", certs, "--name", "web"], /web\.pem: is there already/],
    "by an authority that is not there": [[WEB, "--ca", files.missing("no")], /ca\.pem: cannot be read/],
    "by an authority of another trust domain": [
      ["spiffe://other.example/a", "--out", files.missing("o"), "--ca", certs],
      /ca\.pem: is of URI:spiffe:\/\/example\.org; expected one of other\.example/,
    ],
  };
  for (const [flaw, [args, expected]] of Object.entries(refused))
    it(`${flaw} is not made`, async () => {
      const { code, out, err } = await holdfast(["token", "svid", ...args]);
      assert.deepEqual([code, out], [2, ""]);
      assert.match(err, expected);
    });
});

describe("a wrong command", () => {
  const noKey = files.write("no-key.json", { kty: "EC" });
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const good = { ...privateKey.export({ format: "jwk" }), alg: "ES256" };
  const { d, ...open } = good;
  assert.ok(d !== undefined);
  const key = files.write("good.json", good);
  const jwt = (content: unknown, claims = "{}") => [
    ...["token", "jwt", "--claims", claims],
    ...["--key", typeof content === "string" ? content : files.write("wrong-key.json", content)],
  ];
  const cases: Readonly<Record<string, readonly [args: readonly string[], err: RegExp]>> = {
    "no part": [["token"], /Usage: holdfast token/],
    "an unknown algorithm": [["token", "key", "--alg", "HS256"], /--alg .*HS256.*ES256/],
    "a key that is none": [["token", "jwks", noKey], /no-key\.json: expected a JWK with "kty" and "alg"/],
    "a key without its private part": [
      jwt(files.write("open.json", open)),
      /open\.json: has no private part; give/,
    ],
    "a damaged key": [
      jwt(files.write("damaged.json", { ...good, x: "AAAA" })),
      /damaged\.json: no key: its parts/,
    ],
    "a key for another algorithm": [
      jwt(files.write("rsa-by-name.json", { ...good, alg: "RS256" })),
      /rsa-by-name\.json: RS256 takes a key with "kty" RSA\n/,
    ],
    "a file that is cut off": [jwt(files.write("cut.json", '{\n  "kty": ')), /cut\.json:2:10: no JSON/],
    "a list for claims": [jwt(key, "[]"), /--claims \[\]: expected an object/],
    "null for claims": [jwt(key, "null"), /--claims null: expected an object/],
    "claims that are no JSON": [
      ["token", "jwt", "--key", noKey, "--claims", "{"],
      /expected a JWK|--claims \{: no JSON/,
    ],
  };
  for (const [flaw, [args, expected]] of Object.entries(cases))
    it(`with ${flaw} says so, and ends with 2`, async () => {
      const { code, out, err } = await holdfast(args);
      assert.deepEqual([code, out], [2, ""]);
      assert.match(err, expected);
      assert.doesNotMatch(err, /\n\s+at /, "no stack trace");
    });
});
