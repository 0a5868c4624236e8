// The published suites that the filter is held against, with the number of their cases. The tests take the numbers from
// here, and docs/vectors.md is made from it.

/** The ways in which a case is put to the filter. */
export const WAYS = {
  request: "a token in a request through the release build, on the Node host",
  policy: "keys, or another member, in a policy that is offered to the release build",
  functions:
    "the filter's functions one by one, compiled as the release is and with all of the compiler's checks",
} as const;

export type Way = keyof typeof WAYS;

export interface Suite {
  /** A file or a folder of the published cases. */
  readonly path: string;
  readonly cases: number;
  readonly ways: readonly Way[];
  /** What else a reader has to know of how it is run. */
  readonly note?: string;
}

export const SUITES = [
  {
    path: "wycheproof/json_web_signature_test.json",
    cases: 401,
    ways: ["request", "functions"],
    note: "the key in the policy; nothing that the suite signs is a claims set, so the functions check the signature of what is refused for its payload only",
  },
  {
    path: "wycheproof/json_web_crypto_test.json",
    cases: 83,
    ways: ["request", "functions"],
    note: "likewise; a JWE is sent as a bearer token too",
  },
  {
    path: "wycheproof/json_web_key_test.json",
    cases: 26,
    ways: ["policy", "request", "functions"],
    note: "likewise",
  },
  { path: "wycheproof/ecdsa_secp256r1_sha256_p1363_test.json", cases: 262, ways: ["functions"] },
  { path: "wycheproof/ecdsa_secp384r1_sha384_p1363_test.json", cases: 280, ways: ["functions"] },
  { path: "wycheproof/ecdsa_secp521r1_sha512_p1363_test.json", cases: 318, ways: ["functions"] },
  {
    path: "wycheproof/ecdsa_secp256r1_sha256_test.json",
    cases: 484,
    ways: ["functions"],
    note: "never taken as DER; as r and s side by side they hold or not as published, and become the same DER for Envoy",
  },
  { path: "wycheproof/ecdsa_secp384r1_sha384_test.json", cases: 504, ways: ["functions"], note: "likewise" },
  { path: "wycheproof/ecdsa_secp521r1_sha512_test.json", cases: 542, ways: ["functions"], note: "likewise" },
  {
    path: "wycheproof/rsa_signature_2048_sha256_test.json",
    cases: 259,
    ways: ["functions"],
    note: "what is published as acceptable is refused",
  },
  {
    path: "wycheproof/rsa_signature_2048_sha384_test.json",
    cases: 258,
    ways: ["functions"],
    note: "likewise",
  },
  {
    path: "wycheproof/rsa_signature_2048_sha512_test.json",
    cases: 259,
    ways: ["functions"],
    note: "likewise",
  },
  {
    path: "wycheproof/rsa_signature_3072_sha256_test.json",
    cases: 259,
    ways: ["functions"],
    note: "likewise",
  },
  {
    path: "wycheproof/rsa_signature_4096_sha256_test.json",
    cases: 258,
    ways: ["functions"],
    note: "likewise",
  },
  {
    path: "wycheproof/rsa_signature_4096_sha512_test.json",
    cases: 259,
    ways: ["functions"],
    note: "likewise",
  },
  {
    path: "wycheproof/rsa_pss_2048_sha256_mgf1_32_test.json",
    cases: 108,
    ways: ["policy"],
    note: "one key, for PS256",
  },
  { path: "wycheproof/ed25519_test.json", cases: 151, ways: ["functions"] },
  {
    path: "rfc-examples/rfc7515_appendix_a.json",
    cases: 5,
    ways: ["request", "functions"],
    note: "as the JSON Web Signatures of Wycheproof",
  },
  { path: "rfc-examples/rfc8705.json", cases: 9, ways: ["request"], note: "as a token's `cnf`" },
  {
    path: "rfc-examples/x5t_s256_from_certs.json",
    cases: 14,
    ways: ["request"],
    note: "each thumbprint with each certificate",
  },
  {
    path: "rfc-examples/rfc7638.json",
    cases: 1,
    ways: ["functions"],
    note: "the thumbprint of a key",
  },
  {
    path: "rfc-examples/rfc9449.json",
    cases: 3,
    ways: ["request", "functions"],
    note: "with a token that is introspected; those for a token endpoint have no `ath`, and come as far as that",
  },
  {
    path: "dpop-go-dpop/dpop_proofs.json",
    cases: 25,
    ways: ["request", "functions"],
    note: "with a token of ours that is bound to the key: none has `ath`, so a good one comes as far as that; target and thumbprint by the functions",
  },
  {
    path: "rfc7520-cookbook/jws",
    cases: 8,
    ways: ["request", "functions"],
    note: "in compact form, where the example has one",
  },
  { path: "rfc7520-cookbook/rfc7797", cases: 2, ways: ["request", "functions"], note: "likewise" },
  {
    path: "rfc7520-cookbook/curve25519",
    cases: 2,
    ways: ["request", "functions"],
    note: "likewise; the examples of RFC 8037",
  },
  { path: "rfc7520-cookbook/jwk", cases: 6, ways: ["policy"] },
  {
    path: "jsontestsuite/test_parsing",
    cases: 318,
    ways: ["request", "functions"],
    note: "as a claim of a good token, and as a document",
  },
  { path: "jsontestsuite/test_transform", cases: 22, ways: ["request", "functions"], note: "likewise" },
  {
    path: "base64url/base64url.json",
    cases: 427,
    ways: ["request", "functions"],
    note: "as a token's signature, and decoded",
  },
  {
    path: "spiffe-id/spiffe_id_parse.json",
    cases: 535,
    ways: ["request", "functions"],
    note: "as the peer's ID, as the subject of a JWT-SVID, and for its trust domain",
  },
  {
    path: "spiffe-id/trust_domain_parse.json",
    cases: 267,
    ways: ["policy", "functions"],
    note: "as `trustDomain`",
  },
  {
    path: "jwt-svid/jwtsvid_parse_and_validate.json",
    cases: 13,
    ways: ["request"],
    note: "let through when good",
  },
  {
    path: "wit-svid/wit_svid.json",
    cases: 24,
    ways: ["request"],
    note: "a good one comes as far as the proof of possession that it demands, and that none of them goes with",
  },
  {
    path: "wimse/wit_wpt_example.json",
    cases: 1,
    ways: ["request"],
    note: "the draft's request with its three tokens: let through once, and refused with any of them changed",
  },
  {
    path: "trust-bundles/expected.json",
    cases: 12,
    ways: ["policy", "functions"],
    note: "the bundles; its six X.509-SVIDs are Envoy's to validate",
  },
  {
    path: "envoy-jwt-verify-lib/jwt_parse.json",
    cases: 33,
    ways: ["request"],
    note: "those about claims with the case's claims in a token of ours",
  },
  {
    path: "envoy-jwt-verify-lib/jwks_parse.json",
    cases: 67,
    ways: ["policy", "functions"],
    note: "a PEM key as the JWK that it is; the functions count the keys",
  },
  {
    path: "envoy-jwt-verify-lib/jwt_verify.json",
    cases: 31,
    ways: ["request"],
    note: "the keys in the policy",
  },
  {
    path: "envoy-jwt-verify-lib/fuzz_corpus",
    cases: 6,
    ways: ["request"],
    note: "likewise; a fuzzer's seeds, without published outcomes: each is taken for good",
  },
  {
    path: "xfcc/xfcc_parse.json",
    cases: 18,
    ways: ["functions"],
    note: "by, Hash, URI and Cert of each element; Chain, Subject and DNS are checked and passed over",
  },
  {
    path: "xfcc/xfcc_envoy_modes.json",
    cases: 6,
    ways: ["functions"],
    note: "what Envoy makes of a header in each mode",
  },
] as const satisfies readonly Suite[];

export type SuitePath = (typeof SUITES)[number]["path"];
