// Every published case on which the filter and its source disagree: the tests fail when one is missing here, and when one
// that stands here is none. docs/vectors.md is made from it.

import type { SuitePath } from "./suites.ts";

export const EVERY_VALID_CASE = "every valid case";

export interface Divergence {
  readonly suite: SuitePath;
  /** Their names: of Wycheproof number and comment, of files the file's name, otherwise as published. */
  readonly cases: readonly string[] | typeof EVERY_VALID_CASE;
  /** `accepted`, or our reason. `policy_refused`: no policy may have the case's keys. */
  readonly ours: string;
  readonly why: string;
}

const SYMMETRIC =
  "A symmetric key: whoever can check such a token can also make it, and RFC 8725, section 3.2, leaves it to the verifier which algorithms it takes.";
const PSS =
  "RSASSA-PSS: Envoy's `verify_signature` has no PSS (RFC 7518, section 3.5), so Envoy's jwt_authn has to verify it.";
const ENCRYPTED =
  "Encrypted, so a JWE and no JWS: RFC 7519, section 3, allows both, the filter reads the latter.";
const ONE_READING =
  "A name twice: RFC 8259, section 4, says that names should be unique, and RFC 7519, section 4, lets a reader refuse the others.";
const HALF_A_PAIR =
  "Half of a surrogate pair, or bytes that are no UTF-8: RFC 8259, sections 8.1 and 8.2, calls what readers make of it unpredictable.";
const CHOICE_OF_KEYS =
  "No `kid`, and two keys have the algorithm: Envoy tries each, we want to know the key (RFC 7515, section 4.1.4) and not spend a signature check on each.";
const SHORT = "The key's y is a byte short: RFC 7518, section 6.2.1.3, wants the full size of the field.";
const NO_POINT =
  "The key is no point of the curve (RFC 8032, section 5.1.3), so no signature by it holds: Envoy takes it and finds out later.";
const SEVERAL_URIS =
  "Several URI SANs: X509-SVID, section 2, has exactly one. The header is read, and the element has no URI that could be taken.";
const NO_DIGEST =
  "The vector has a word where Envoy writes the SHA-256 of the certificate in 64 hex digits. The header is read, and the element has no digest that could be taken.";
const ANY_SUBJECT =
  "The Subject is no distinguished name (RFC 4514, section 2), which nothing here depends on: who is meant is in the SANs.";
const PRIVATE =
  "A private key: RFC 7517, section 9.2, wants it kept from others, so a set that has one is not used.";

export const DIVERGENCES: readonly Divergence[] = [
  {
    suite: "wycheproof/json_web_signature_test.json",
    cases: [
      "#1 acceptsValid",
      "#348 Figure35",
      "#352 Figure35",
      "#357 ValidMac",
      "#358 ValidEdgeCaseMac",
      "#359 ValidEdgeCaseMac",
      "#372 InvalidCharacterInsertedInHeader",
      "#373 InvalidCharacterInsertedInPayload",
      "#376 ValidSpacesInJsonHeader",
      "#377 ValidWhiteSpaceInJsonHeader",
    ],
    ours: "policy_refused",
    why: SYMMETRIC,
  },
  {
    suite: "wycheproof/json_web_signature_test.json",
    cases: [
      "#272 emptyPayload",
      "#273 allZeroPayload",
      "#274 oneBytePayload",
      "#275 normalPayload",
      "#287 saltIsAll0",
      "#288 saltIsAll1",
      "#320 emptyPayload",
      "#321 allZeroPayload",
      "#322 oneBytePayload",
      "#323 normalPayload",
      "#325 emptyPayload",
      "#326 allZeroPayload",
      "#327 oneBytePayload",
      "#328 normalPayload",
      "#346 Figure20",
      "#350 Figure20",
    ],
    ours: "policy_refused",
    why: PSS,
  },
  {
    suite: "wycheproof/json_web_signature_test.json",
    cases: ["#347 Figure27", "#351 Figure27"],
    ours: "policy_refused",
    why: "The key's `alg` is ES521, which RFC 7518, section 3.1, does not have: a key is for the algorithm that it names (RFC 7517, section 4.4). As ES512, in the cookbook, the same signature holds.",
  },
  {
    suite: "wycheproof/json_web_crypto_test.json",
    cases: ["#1 acceptsValid", "#48 acceptsValid"],
    ours: "policy_refused",
    why: SYMMETRIC,
  },
  {
    suite: "wycheproof/json_web_crypto_test.json",
    cases: ["#50 acceptsValid", "#67 acceptsValid"],
    ours: "policy_refused",
    why: ENCRYPTED,
  },
  {
    suite: "wycheproof/json_web_key_test.json",
    cases: ["#2 acceptsValid", "#13 long_key", "#14 long_key", "#15 long_key"],
    ours: "policy_refused",
    why: SYMMETRIC,
  },
  {
    suite: "wycheproof/rsa_pss_2048_sha256_mgf1_32_test.json",
    cases: EVERY_VALID_CASE,
    ours: "policy_refused",
    why: PSS,
  },
  {
    suite: "rfc-examples/rfc8705.json",
    cases: ["section 3.1"],
    ours: "cnf_malformed",
    why: "The last character has unused bits that are not zero, as no encoder leaves them: RFC 4648, section 3.5, lets a decoder refuse that, and a thumbprint then has one spelling.",
  },
  {
    suite: "rfc-examples/rfc9449.json",
    cases: ["proof 3"],
    ours: "token_malformed",
    why: "The vector's opaque token has two dots: what may be a mangled JWT is never sent to an introspection server. The proof is judged with another token, too, and is good but for its `ath`.",
  },
  {
    suite: "dpop-go-dpop/dpop_proofs.json",
    cases: ["TestParse_ProofWithPS256"],
    ours: "proof_algorithm_unsupported",
    why: "RSASSA-PSS: Envoy's `verify_signature` has no PSS (RFC 7518, section 3.5). A challenge lists what is verified (RFC 9449, section 7.1).",
  },
  {
    suite: "rfc7520-cookbook/jws",
    cases: ["4_2.rsa-pss_signature.json"],
    ours: "algorithm_unsupported",
    why: PSS,
  },
  {
    suite: "rfc7520-cookbook/jws",
    cases: [
      "4_4.hmac-sha2_integrity_protection.json",
      "4_5.signature_with_detached_content.json",
      "4_6.protecting_specific_header_fields.json",
      "4_7.protecting_content_only.json",
      "4_8.multiple_signatures.json",
    ],
    ours: "policy_refused",
    why: `${SYMMETRIC} Nor is a detached payload or a JSON serialization a token: RFC 7519, section 1.`,
  },
  {
    suite: "rfc7520-cookbook/rfc7797",
    cases: ["4.2.hmac-sha2_b64_false.json", "hmac-sha2_b64_false.json"],
    ours: "policy_refused",
    why: `${SYMMETRIC} And \`b64\` must not be false in a JWT: RFC 7797, section 7.`,
  },
  {
    suite: "rfc7520-cookbook/curve25519",
    cases: ["ecdh-es.json"],
    ours: "policy_refused",
    why: ENCRYPTED,
  },
  {
    suite: "rfc7520-cookbook/jwk",
    cases: ["3_2.ec_private_key.json", "3_4.rsa_private_key.json"],
    ours: "policy_refused",
    why: PRIVATE,
  },
  {
    suite: "rfc7520-cookbook/jwk",
    cases: ["3_5.symmetric_key_mac_computation.json", "3_6.symmetric_key_encryption.json"],
    ours: "policy_refused",
    why: SYMMETRIC,
  },
  {
    suite: "jsontestsuite/test_parsing",
    cases: ["y_object_duplicated_key.json", "y_object_duplicated_key_and_value.json"],
    ours: "token_payload_malformed",
    why: ONE_READING,
  },
  {
    suite: "jsontestsuite/test_transform",
    cases: [
      "object_same_key_different_values.json",
      "object_same_key_same_value.json",
      "object_same_key_unclear_values.json",
    ],
    ours: "token_payload_malformed",
    why: ONE_READING,
  },
  {
    suite: "jsontestsuite/test_transform",
    cases: [
      "string_1_escaped_invalid_codepoint.json",
      "string_1_invalid_codepoint.json",
      "string_2_escaped_invalid_codepoints.json",
      "string_2_invalid_codepoints.json",
      "string_3_escaped_invalid_codepoints.json",
      "string_3_invalid_codepoints.json",
    ],
    ours: "token_payload_malformed",
    why: HALF_A_PAIR,
  },
  {
    suite: "spiffe-id/spiffe_id_parse.json",
    cases: ["#2 path is optional"],
    ours: "spiffe_id_malformed",
    why: "A good ID, and the trust domain's own: a workload's has a path (X509-SVID, section 5.2).",
  },
  {
    suite: "spiffe-id/trust_domain_parse.json",
    cases: ["#2 TrustDomainFromString", "#3 TrustDomainFromString"],
    ours: "policy_refused",
    why: "go-spiffe takes a whole ID for its trust domain; SPIFFE-ID, section 2.1, has a name there and nothing else.",
  },
  {
    suite: "trust-bundles/expected.json",
    cases: ["bundle_spiffebundle_testdata/spiffebundle_multiple_x509.json"],
    ours: "accepted",
    why: "An X.509 authority with two certificates, of which X509-SVID, section 6.2, has a reader take the first: the filter reads neither.",
  },
  {
    suite: "envoy-jwt-verify-lib/jwt_parse.json",
    cases: ["JwtParseTest.TestParsePayloadIatDecimalsDrop"],
    ours: "claim_malformed",
    why: "A fraction of a second, which RFC 7519, section 2, allows and Envoy cuts off: a time that is whole seconds or nothing is read in one way by everybody.",
  },
  {
    suite: "envoy-jwt-verify-lib/jwt_parse.json",
    cases: ["JwtParseTest.TestParsePayloadJtiNotString"],
    ours: "accepted",
    why: "Nothing depends on `jti` (RFC 7519, section 4.1.7), so that nobody reads it.",
  },
  {
    suite: "envoy-jwt-verify-lib/jwks_parse.json",
    cases: [
      "JwksParseTest.JwkECMissingCrv",
      "JwksParseTest.JwksECMissingBothAlgCrvES256",
      "JwksParseTest.JwksECUnspecifiedCrv",
    ],
    ours: "policy_refused",
    why: "The keys have no `crv`, which RFC 7518, section 6.2.1, demands: Envoy guesses it.",
  },
  {
    suite: "envoy-jwt-verify-lib/jwks_parse.json",
    cases: ["JwksParseTest.JwksECMatchAlgES512CrvP521"],
    ours: "policy_refused",
    why: SHORT,
  },
  {
    suite: "envoy-jwt-verify-lib/jwks_parse.json",
    cases: ["JwksParseTest.GoodOKP", "JwksParseTest.JwksIgnoreUnsupportedKey"],
    ours: "policy_refused",
    why: NO_POINT,
  },
  {
    suite: "envoy-jwt-verify-lib/jwks_parse.json",
    cases: ["JwksParseTest.JwksIgnoreUnsupportedKeyInMiddle"],
    ours: "1 of 2 keys",
    why: NO_POINT,
  },
  {
    suite: "envoy-jwt-verify-lib/jwks_parse.json",
    cases: ["JwksParseTest.GoodEC"],
    ours: "3 of 4 keys",
    why: SHORT,
  },
  {
    suite: "envoy-jwt-verify-lib/jwt_verify.json",
    cases: ["verify_jwk_ec_test.cc VerifyJwkECTest.KidES512OK"],
    ours: "key_unknown",
    why: SHORT,
  },
  {
    suite: "envoy-jwt-verify-lib/jwt_verify.json",
    cases: [
      "verify_jwk_ec_test.cc VerifyJwkECTest.NoKidOK",
      "verify_jwk_okp_test.cc VerifyJwkOKPTest.NoKidOK",
      "verify_jwk_rsa_test.cc VerifyJwkRsaTest.NoKidLongExpOK",
      "verify_jwk_rsa_test.cc VerifyJwkRsaTest.NoKidOK",
    ],
    ours: "key_ambiguous",
    why: CHOICE_OF_KEYS,
  },
  {
    suite: "envoy-jwt-verify-lib/jwt_verify.json",
    cases: [
      "verify_jwk_rsa_pss_test.cc VerifyJwkRsaPssTest.Ps256CorrectKidOK",
      "verify_jwk_rsa_pss_test.cc VerifyJwkRsaPssTest.Ps384CorrectKidOK",
      "verify_jwk_rsa_pss_test.cc VerifyJwkRsaPssTest.Ps512CorrectKidOK",
    ],
    ours: "policy_refused",
    why: PSS,
  },
  {
    suite: "envoy-jwt-verify-lib/jwt_verify.json",
    cases: [
      "verify_pem_ec_test.cc VerifyPKCSTestRs256.jwksIncorrectAlgSpecifiedFail",
      "verify_pem_okp_test.cc VerifyPEMTestOKP.jwksIncorrectAlgSpecifiedFail",
    ],
    ours: "accepted",
    why: "The vector lacks what is wrong: its test hands Envoy's library a wrong `alg` beside the PEM, which has room for none.",
  },
  {
    suite: "envoy-jwt-verify-lib/fuzz_corpus",
    cases: ["jwks_hmac.txt"],
    ours: "policy_refused",
    why: SYMMETRIC,
  },
  {
    suite: "envoy-jwt-verify-lib/fuzz_corpus",
    cases: ["jwks_rsa.txt"],
    ours: "key_ambiguous",
    why: CHOICE_OF_KEYS,
  },
  {
    suite: "envoy-jwt-verify-lib/fuzz_corpus",
    cases: ["jwks_x509.txt"],
    ours: "policy_refused",
    why: "Certificates by `kid`, as Google publishes them beside its JWK set: a policy takes sets as RFC 7517, section 5, has them.",
  },
  {
    suite: "xfcc/xfcc_parse.json",
    cases: [
      "two elements, escaped comma in quoted Subject, repeated URI and DNS",
      "MtlsSetForwardClientCert (APPEND_FORWARD, no incoming)",
      "MtlsAppendForwardClientCert",
      "MtlsSanitizeSetClientCert",
    ],
    ours: "spiffe_id_malformed",
    why: SEVERAL_URIS,
  },
  {
    suite: "xfcc/xfcc_parse.json",
    cases: [
      "single hop",
      "multiple hops",
      "MtlsAppendForwardClientCertLocalSanEmpty",
      "MtlsSanitizeSetClientCertPeerSanEmpty",
    ],
    ours: "certificate_digest_malformed",
    why: NO_DIGEST,
  },
  {
    suite: "xfcc/xfcc_parse.json",
    cases: ['malformed: Subject="random"', 'malformed: Subject="random=hello"'],
    ours: "accepted",
    why: ANY_SUBJECT,
  },
];
