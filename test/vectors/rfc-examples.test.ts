import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { it } from "node:test";
import { policy } from "../filter/support/policies.ts";
import { PolicyDesk } from "../filter/support/refusal.ts";
import { Scene, assertAllowed, assertDenied, reasonOf } from "../filter/support/scene.ts";
import { token } from "../filter/support/tokens.ts";
import { web } from "../filter/support/world.ts";
import { describeCases, readCases } from "./support/cases.ts";

const JWS = "rfc-examples/rfc7515_appendix_a.json";
const MTLS = "rfc-examples/rfc8705.json";
const CERTIFICATES = "rfc-examples/x5t_s256_from_certs.json";

/** RFC 7515, appendix A: the `exp` of its payload. */
const EXPIRY = 1_300_819_380;

interface JwsCase {
  readonly name: string;
  readonly jws: string;
  readonly jwk: Readonly<Record<string, unknown>>;
}

/** Why each example does not pass. */
const OUTCOMES: Readonly<Record<string, string>> = {
  // The signature holds; the payload is about nobody, and says so only to who looks behind the signature.
  "RFC 7515 A.2 RS256": "spiffe_claim_absent",
  "RFC 7515 A.3 ES256": "spiffe_claim_absent",
  "RFC 7515 A.1 HS256 (must be rejected: symmetric)": "algorithm_unsupported",
  "RFC 7515 A.4 ES512 (payload not JSON)": "token_payload_malformed",
  "RFC 7515 A.5 alg none (must be rejected)": "algorithm_unsupported",
};

describeCases(JWS, 5, () => {
  const cases = readCases(JWS) as JwsCase[];
  const byName = (part: string): JwsCase => {
    const found = cases.find(({ name }) => name.includes(part));
    assert.ok(found, part);
    return found;
  };
  const keys = [byName("A.2").jwk, byName("A.3").jwk];
  const rules = policy({ issuers: { joe: { issuer: "joe", keys: { jwks: { keys } } } } });

  it("each comes as far as it should", () => {
    assert.deepEqual(cases.map(({ name }) => name).sort(), Object.keys(OUTCOMES).sort());
    const scene = new Scene(rules);
    scene.now = EXPIRY - 1;
    for (const { name, jws } of cases) assertDenied(scene.present(jws), OUTCOMES[name] ?? "", name);
  });

  it("a signature with one bit changed does not hold", () => {
    const scene = new Scene(rules);
    scene.now = EXPIRY - 1;
    for (const part of ["A.2", "A.3"]) {
      const [head = "", payload = "", tail = ""] = byName(part).jws.split(".");
      const signature = Buffer.from(tail, "base64url");
      signature[0] = (signature[0] ?? 0) ^ 1;
      assertDenied(
        scene.present(`${head}.${payload}.${signature.toString("base64url")}`),
        "signature_invalid",
        part,
      );
    }
  });

  it("the symmetric key of A.1 makes the filter refuse the policy", () => {
    const secret = policy({
      issuers: { joe: { issuer: "joe", keys: { jwks: { keys: [byName("A.1").jwk] } } } },
    });
    new PolicyDesk().assertRefused(secret, "/issuers/joe/keys/jwks/keys/0", /private or symmetric/);
  });
});

describeCases(MTLS, 9, () => {
  const {
    appendix_A: example,
    section_3_1: section,
    negative_x5t_forms: negatives,
  } = readCases(MTLS) as {
    readonly appendix_A: Readonly<
      Record<"certificate_der_b64" | "sha256_hex_as_envoy_gives_it" | "x5t#S256", string>
    >;
    readonly section_3_1: { readonly claims: { readonly cnf: unknown } };
    readonly negative_x5t_forms: readonly { readonly value: string; readonly why: string }[];
  };
  const certificate = Buffer.from(example.certificate_der_b64, "base64");
  const certSha256 = createHash("sha256").update(certificate).digest("hex");
  const scene = new Scene();
  const present = (thumbprint: string) =>
    scene.present(token({ cnf: { "x5t#S256": thumbprint } }), { peer: { ...web, certSha256 } });

  it("appendix A: the token is good with its certificate", () => {
    assert.equal(certSha256, example.sha256_hex_as_envoy_gives_it);
    assertAllowed(present(example["x5t#S256"]));
  });

  // Stricter than the source: the last character of the RFC's own example has unused bits that are not zero, as no encoder
  // leaves them, and RFC 4648, section 3.5, lets a decoder refuse that. No certificate for it was ever published.
  it("section 3.1: the example's thumbprint is not canonical base64url", () => {
    const stream = scene.present(token({ cnf: section.claims.cnf }), { peer: { ...web, certSha256 } });
    assertDenied(stream, "cnf_malformed");
  });

  it("no other spelling of the thumbprint will do", () => {
    for (const { value, why } of negatives) {
      // Folding the case gives another value that is well-formed: it names another certificate.
      const reason = why === "case folded" ? "certificate_mismatch" : "cnf_malformed";
      assert.equal(reasonOf(present(value)), reason, why);
    }
  });
});

describeCases(CERTIFICATES, 14, () => {
  const cases = readCases(CERTIFICATES) as readonly Readonly<
    Record<"envoy_sha256_peer_certificate_digest_hex" | "x5t#S256" | "file", string>
  >[];

  it("each certificate is proven by its own thumbprint and by no other", () => {
    const scene = new Scene();
    for (const { envoy_sha256_peer_certificate_digest_hex: certSha256, file } of cases) {
      for (const other of cases) {
        const stream = scene.present(token({ cnf: { "x5t#S256": other["x5t#S256"] } }), {
          peer: { ...web, certSha256 },
        });
        const isSame = other.envoy_sha256_peer_certificate_digest_hex === certSha256;
        assert.equal(reasonOf(stream), isSame ? undefined : "certificate_mismatch", `${file}, ${other.file}`);
      }
    }
  });
});
