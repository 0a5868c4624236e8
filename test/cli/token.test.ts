// `holdfast token`: what it makes is what the filter takes.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Json } from "../filter/support/json.ts";
import { NOW, WEB } from "../filter/support/world.ts";
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

describe("a wrong command", () => {
  const noKey = files.write("no-key.json", { kty: "EC" });
  const cases: Readonly<Record<string, readonly [args: readonly string[], err: RegExp]>> = {
    "no part": [["token"], /Usage: holdfast token/],
    "an unknown algorithm": [["token", "key", "--alg", "HS256"], /--alg HS256: expected one of ES256/],
    "a key that is none": [["token", "jwks", noKey], /no-key\.json: expected a JWK with "kty" and "alg"/],
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
