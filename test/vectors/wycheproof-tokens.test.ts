import assert from "node:assert/strict";
import { it } from "node:test";
import { Agreement, POLICY_REFUSED } from "./support/agreement.ts";
import { describeSuite } from "./support/cases.ts";
import { JwsJudge } from "./support/jws.ts";
import { keysOf, nameOf, readGroups } from "./support/wycheproof.ts";
import type { TokenGroup } from "./support/wycheproof.ts";
import type { SuitePath } from "./suites.ts";

const SUITES: readonly SuitePath[] = [
  "wycheproof/json_web_signature_test.json",
  "wycheproof/json_web_crypto_test.json",
  "wycheproof/json_web_key_test.json",
];

/** Groups whose keys no policy may have: symmetric, for another use, of another algorithm, too short, or malformed. */
const REFUSED_KEYS = new Set([
  "hs256 HS256",
  "jws_aes HS256",
  "base64 HS256",
  "rfc7520 HS256",
  "HS256 HS256",
  "HS384 HS384",
  "HS512 HS512",
  "jws_keyset HS256",
  "jws_duplicate_kid HS256",
  "jws_mixedSymmetryKeyset HS256",
  "jwe_aes A256KW",
  "invalid_aes_gcm_key A256GCM",
  "invalid_aes_kw_key A256KW",
  "ps256 PS256",
  "ps384 PS384",
  "ps512 PS512",
  "rfc7520 PS256",
  "rfc7520WithKeyOps PS256",
  "rfc7520 ES521",
  "rfc7520WithKeyOps ES521",
  "wrong_algorithm ES521",
  "invalid_algorithm ES224",
  "jwe_ec ECDH-ES+A128KW",
  "rs256 RSA1_5",
  "invalid_use ES256",
  "rsa_encryption ",
  "ec_key_for_encryption ",
  "keysize_too_small RS256",
  "exponentOne RS256",
  "wrong_curve ES256",
  "wrong_kty ES256",
  "invalid_point ES256",
  // Not for its factors, which nobody sees: its modulus has a leading zero.
  "jws_rsa_roca_key RS256",
]);

/** What an invalid case is refused for, by its comment. All others are bad paddings, and numbers in a signature. */
const FITTING: readonly (readonly [comment: RegExp, reason: string])[] = [
  [/^rejects.*(Separators?|Component)$/, "token_malformed"],
  [/^rejectsEmptyString$/, "authorization_malformed"],
  [/^rejectsMissingHeader/, "token_header_malformed"],
  [/^rejectsModifiedHeader$/, "key_unknown"],
  [/^rejectsMissingSignature$/, "signature_malformed"],
  [/^rejectsSymmetryConfusion/, "algorithm_unsupported"],
  [/^rejectsAttackerProvidedEmbeddedJwk$/, "token_header_forbidden"],
  [/^(SignatureTooLong|TrailingZeros|.*TooBig|.*Overflow|.*(Is|_s)(Zero|N)(_.*)?)$/, "signature_malformed"],
];

function fittingFor(comment: string): string {
  return FITTING.find(([pattern]) => pattern.test(comment))?.[1] ?? "signature_invalid";
}

function groupName(group: TokenGroup): string {
  return `${group.comment} ${(keysOf(group)[0]?.["alg"] as string | undefined) ?? ""}`;
}

for (const path of SUITES) {
  describeSuite(path, () => {
    const groups = readGroups(path) as readonly TokenGroup[];

    it("each is good or refused as published, for a reason that fits", () => {
      const agreement = new Agreement(path);
      for (const group of groups) {
        const judge = new JwsJudge(keysOf(group));
        const isRefused = REFUSED_KEYS.has(groupName(group));
        assert.equal(judge.isRefused, isRefused, groupName(group));
        for (const test of group.tests) {
          const { jws = test.jwe } = test;
          const token = typeof jws === "string" ? jws : JSON.stringify(jws);
          const fitting = isRefused ? POLICY_REFUSED : fittingFor(test.comment);
          agreement.note(nameOf(test), test.result === "valid", judge.outcomeOf(token), fitting);
        }
      }
      agreement.assertComplete();
    });
  });
}
