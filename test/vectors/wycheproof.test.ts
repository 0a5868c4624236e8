import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { policy } from "../filter/support/policies.ts";
import { PolicyDesk } from "../filter/support/refusal.ts";
import { Scene, reasonOf } from "../filter/support/scene.ts";
import { describeCases, readCases } from "./support/cases.ts";
import { KeyFault, SignatureCheck, probes } from "./support/probe.ts";
import type { Probe } from "./support/probe.ts";

type Jwk = Readonly<Record<string, unknown>>;

interface Test {
  readonly tcId: number;
  readonly comment: string;
  readonly result: "valid" | "invalid" | "acceptable";
}

interface JwsGroup {
  readonly comment: string;
  readonly private: Jwk;
  readonly public?: Jwk;
  readonly tests: readonly (Test & { readonly jws: string })[];
}

interface KeySetGroup {
  readonly comment: string;
  readonly private: { readonly keys: readonly Jwk[] };
  readonly public?: { readonly keys: readonly Jwk[] };
  readonly tests: readonly (Test & { readonly jws: string })[];
}

interface SignatureGroup {
  readonly publicKeyJwk?: Jwk;
  readonly keyJwk?: Jwk;
  readonly tests: readonly (Test & { readonly msg: string; readonly sig: string })[];
}

const JWS = "wycheproof/json_web_signature_test.json";
const KEYS = "wycheproof/json_web_key_test.json";

/** Valid for the source, refused by us: its key has an algorithm that is none of ours, by design. */
const REFUSED_GROUPS = new Set([
  "hs256 oct HS256",
  "base64 oct HS256",
  "rfc7520 oct HS256",
  "ps256 RSA PS256",
  "ps384 RSA PS384",
  "ps512 RSA PS512",
  "rfc7520 RSA PS256",
  "rfc7520WithKeyOps RSA PS256",
  "rfc7520 EC ES521",
  "rfc7520WithKeyOps EC ES521",
]);

function keyOf(group: JwsGroup): Jwk {
  return group.public ?? group.private;
}

/** What signature verification, apart from all claims, says of a compact JWS. */
function verifies(probe: Probe, jwk: Jwk, compact: string): boolean {
  const parts = compact.split(".");
  const [head, , tail] = parts.map((part) => probe.base64url(Buffer.from(part, "latin1")));
  if (parts.length !== 3 || head === undefined || tail === undefined || !probe.acceptsJson(head))
    return false;
  const { alg, kid, jwk: embedded } = JSON.parse(head.toString("utf8")) as Readonly<Record<string, unknown>>;
  if (typeof alg !== "string" || embedded !== undefined) return false;
  if (probe.readKey(jwk) !== KeyFault.None || !probe.keyTakes(alg)) return false;
  if (kid !== undefined && kid !== jwk["kid"]) return false;
  probe.readKey(jwk);
  return probe.verify(alg, tail, Buffer.from(parts.slice(0, 2).join("."), "latin1")) === SignatureCheck.Valid;
}

describeCases(JWS, 401, () => {
  const groups = (readCases(JWS) as { testGroups: readonly JwsGroup[] }).testGroups;

  for (const probe of probes) {
    it(`each signature holds or not as published: ${probe.name}`, () => {
      const refused = new Set<string>();
      for (const group of groups) {
        const jwk = keyOf(group);
        const name = `${group.comment} ${String(jwk["kty"])} ${String(jwk["alg"])}`;
        for (const { tcId, comment, result, jws } of group.tests) {
          const isWanted = result === "valid" && !REFUSED_GROUPS.has(name);
          if (result === "valid" && !isWanted) refused.add(name);
          assert.equal(verifies(probe, jwk, jws), isWanted, `${tcId} ${name}: ${comment}`);
        }
      }
      assert.deepEqual(refused, REFUSED_GROUPS, "a group is listed as refused that need not be");
    });
  }

  it("none is a token for the whole filter: the payloads are no claims, or the signature does not hold", () => {
    for (const group of groups) {
      const keys = [keyOf(group)];
      const offered = policy({ issuers: { one: { issuer: "foo", keys: { jwks: { keys } } } } });
      const isUsable = new PolicyDesk().offer(offered).accepted;
      const scene = new Scene(isUsable ? offered : policy());
      for (const { tcId, jws } of group.tests) {
        const stream = scene.present(jws);
        assert.equal(stream.outcome, "replied", String(tcId));
        assert.notEqual(reasonOf(stream), undefined);
      }
      assert.equal(scene.host.vmFailures, 0);
    }
  });
});

describeCases(KEYS, 26, () => {
  const groups = (readCases(KEYS) as { testGroups: readonly KeySetGroup[] }).testGroups;

  /** Sets that a policy may have. All others are refused when they are loaded. */
  const ACCEPTED = new Set([
    "rs256: acceptsValid",
    // Its point is not on the curve, which the host says of every signature by it.
    "invalid_point: rejectsModifiedKey",
  ]);

  it("each set is accepted or refused, and what an accepted one verifies is listed", () => {
    const desk = new PolicyDesk();
    for (const { comment, private: secret, public: open, tests } of groups) {
      const name = `${comment}: ${tests[0]?.comment ?? ""}`;
      const offer = desk.offer(
        policy({ issuers: { one: { issuer: "foo", keys: { jwks: open ?? secret } } } }),
      );
      assert.equal(offer.accepted, ACCEPTED.has(name), `${name}: ${offer.message}`);
    }
  });

  it("a point off the curve verifies nothing, a valid key its own signature", () => {
    for (const probe of probes) {
      for (const { comment, public: open, tests } of groups) {
        const [key] = open?.keys ?? [];
        const [test] = tests;
        if (key === undefined || test === undefined) continue;
        if (comment === "invalid_point") assert.equal(verifies(probe, key, test.jws), false);
        if (comment === "rs256" && test.result === "valid")
          assert.equal(verifies(probe, key, test.jws), true);
      }
    }
  });
});

const SIGNATURES = [
  ["ES256", "ecdsa_secp256r1_sha256_p1363", 262],
  ["ES384", "ecdsa_secp384r1_sha384_p1363", 280],
  ["ES512", "ecdsa_secp521r1_sha512_p1363", 318],
  ["RS256", "rsa_signature_2048_sha256", 259],
  ["RS384", "rsa_signature_2048_sha384", 258],
  ["RS512", "rsa_signature_2048_sha512", 259],
  ["RS256", "rsa_signature_3072_sha256", 259],
  ["RS256", "rsa_signature_4096_sha256", 258],
  ["RS512", "rsa_signature_4096_sha512", 259],
] as const;

describe("signatures apart from tokens", () => {
  for (const [algorithm, file, count] of SIGNATURES) {
    describeCases(`wycheproof/${file}_test.json`, count, () => {
      const groups = (readCases(`wycheproof/${file}_test.json`) as { testGroups: readonly SignatureGroup[] })
        .testGroups;

      for (const probe of probes) {
        it(`${algorithm}: each holds or not as published, where its key has a JWK: ${probe.name}`, () => {
          let seen = 0;
          for (const { publicKeyJwk, keyJwk, tests } of groups) {
            const jwk = publicKeyJwk ?? keyJwk;
            if (jwk === undefined) continue;
            for (const { tcId, comment, msg, sig, result } of tests) {
              if (probe.readKey({ ...jwk, alg: algorithm }) !== KeyFault.None)
                assert.fail(`${tcId}: key refused`);
              const check = probe.verify(algorithm, Buffer.from(sig, "hex"), Buffer.from(msg, "hex"));
              // "Acceptable" are old encodings that a verifier may take; Envoy's library takes none of them.
              assert.equal(check === SignatureCheck.Valid, result === "valid", `${tcId}: ${comment}`);
              seen++;
            }
          }
          assert.ok(seen > 0.9 * count - 60, `only ${seen} of ${count} have a key in the form of a JWK`);
        });
      }
    });
  }
});
