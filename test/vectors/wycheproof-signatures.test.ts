import assert from "node:assert/strict";
import { createPublicKey } from "node:crypto";
import { it } from "node:test";
import type { Jwk } from "../filter/support/keys.ts";
import { policy } from "../filter/support/policies.ts";
import { PolicyDesk } from "../filter/support/refusal.ts";
import { ACCEPTED, Agreement, POLICY_REFUSED } from "./support/agreement.ts";
import { describeSuite } from "./support/cases.ts";
import { rawSignature } from "./support/der.ts";
import { KeyFault, probes } from "./support/probe.ts";
import type { Probe } from "./support/probe.ts";
import { outcomeOfCheck } from "./support/jws.ts";
import { nameOf, readGroups } from "./support/wycheproof.ts";
import type { WycheproofCase } from "./support/wycheproof.ts";

interface SignatureGroup {
  readonly publicKeyDer: string;
  readonly tests: readonly (WycheproofCase & { readonly msg: string; readonly sig: string })[];
}

/** Suites whose signatures are as a JWS has them. */
const AS_IN_JWS = [
  ["ES256", "wycheproof/ecdsa_secp256r1_sha256_p1363_test.json"],
  ["ES384", "wycheproof/ecdsa_secp384r1_sha384_p1363_test.json"],
  ["ES512", "wycheproof/ecdsa_secp521r1_sha512_p1363_test.json"],
  ["RS256", "wycheproof/rsa_signature_2048_sha256_test.json"],
  ["RS384", "wycheproof/rsa_signature_2048_sha384_test.json"],
  ["RS512", "wycheproof/rsa_signature_2048_sha512_test.json"],
  ["RS256", "wycheproof/rsa_signature_3072_sha256_test.json"],
  ["RS256", "wycheproof/rsa_signature_4096_sha256_test.json"],
  ["RS512", "wycheproof/rsa_signature_4096_sha512_test.json"],
  ["EdDSA", "wycheproof/ed25519_test.json"],
] as const;

const AS_DER = [
  ["ES256", "wycheproof/ecdsa_secp256r1_sha256_test.json"],
  ["ES384", "wycheproof/ecdsa_secp384r1_sha384_test.json"],
  ["ES512", "wycheproof/ecdsa_secp521r1_sha512_test.json"],
] as const;

const PSS = "wycheproof/rsa_pss_2048_sha256_mgf1_32_test.json";

/** The group's key as an issuer would publish it. Not all groups have a JWK of their own. */
function jwkOf({ publicKeyDer }: SignatureGroup, alg: string): Jwk {
  const key = createPublicKey({ key: Buffer.from(publicKeyDer, "hex"), format: "der", type: "spki" });
  return { ...key.export({ format: "jwk" }), alg };
}

function outcomeOf(probe: Probe, key: Jwk, alg: string, signature: Uint8Array, text: string): string {
  assert.equal(probe.readKey(key), KeyFault.None);
  return outcomeOfCheck(probe.verify(alg, signature, Buffer.from(text, "hex")));
}

for (const [algorithm, path] of AS_IN_JWS) {
  describeSuite(path, () => {
    const groups = readGroups(path) as readonly SignatureGroup[];

    for (const probe of probes) {
      it(`${algorithm}: each holds or not as published: ${probe.name}`, () => {
        const agreement = new Agreement(path);
        for (const group of groups) {
          const key = jwkOf(group, algorithm);
          for (const test of group.tests) {
            const outcome = outcomeOf(probe, key, algorithm, Buffer.from(test.sig, "hex"), test.msg);
            // "Acceptable" are old encodings that a verifier may take. We take none.
            agreement.note(
              nameOf(test),
              test.result === "valid",
              outcome,
              "signature_invalid",
              "signature_malformed",
            );
          }
        }
        agreement.assertComplete();
      });
    }
  });
}

for (const [algorithm, path] of AS_DER) {
  describeSuite(path, () => {
    const groups = readGroups(path) as readonly SignatureGroup[];

    for (const probe of probes) {
      it(`${algorithm}: a JWS has r and s, so that DER is never taken: ${probe.name}`, () => {
        for (const group of groups) {
          const key = jwkOf(group, algorithm);
          for (const test of group.tests) {
            const outcome = outcomeOf(probe, key, algorithm, Buffer.from(test.sig, "hex"), test.msg);
            assert.notEqual(outcome, ACCEPTED, nameOf(test));
          }
        }
      });

      it(`${algorithm}: the r and s of each hold or not as published, and make the same DER: ${probe.name}`, () => {
        const agreement = new Agreement(path);
        for (const group of groups) {
          const key = jwkOf(group, algorithm);
          for (const test of group.tests) {
            const signature = Buffer.from(test.sig, "hex");
            const raw = rawSignature(signature, algorithm);
            const outcome = raw === undefined ? "not DER" : outcomeOf(probe, key, algorithm, raw, test.msg);
            agreement.note(
              nameOf(test),
              test.result === "valid",
              outcome,
              "not DER",
              "signature_invalid",
              "signature_malformed",
            );
            if (outcome === ACCEPTED && raw !== undefined)
              assert.deepEqual(probe.derSignature(algorithm, raw), signature, nameOf(test));
          }
        }
        agreement.assertComplete();
      });
    }
  });
}

describeSuite(PSS, () => {
  const groups = readGroups(PSS) as readonly SignatureGroup[];

  it("no policy may have its key, whatever signs with it", () => {
    const agreement = new Agreement(PSS);
    const desk = new PolicyDesk();
    for (const group of groups) {
      const keys = [jwkOf(group, "PS256")];
      desk.assertRefused(
        policy({ issuers: { one: { issuer: "joe", keys: { jwks: { keys } } } } }),
        "/issuers/one/keys/jwks/keys",
        /jwt_authn/,
      );
      for (const test of group.tests)
        agreement.note(nameOf(test), test.result === "valid", POLICY_REFUSED, POLICY_REFUSED);
    }
    agreement.assertComplete();
  });
});
