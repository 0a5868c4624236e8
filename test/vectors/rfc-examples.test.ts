import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { it } from "node:test";
import type { Jwk } from "../filter/support/keys.ts";
import { policy } from "../filter/support/policies.ts";
import { PolicyDesk } from "../filter/support/refusal.ts";
import { Scene, reasonOf } from "../filter/support/scene.ts";
import { token } from "../filter/support/tokens.ts";
import { web } from "../filter/support/world.ts";
import { ACCEPTED, Agreement, POLICY_REFUSED } from "./support/agreement.ts";
import { describeSuite, readCases } from "./support/cases.ts";
import { JwsJudge } from "./support/jws.ts";

const JWS = "rfc-examples/rfc7515_appendix_a.json";
const MTLS = "rfc-examples/rfc8705.json";
const CERTIFICATES = "rfc-examples/x5t_s256_from_certs.json";

/** RFC 7515, appendix A: the `exp` of its payload. */
const EXPIRY = 1_300_819_380;

interface JwsCase {
  readonly name: string;
  readonly jws: string;
  readonly jwk: Jwk | null;
}

/** What each of appendix A is refused for, where it is published as one to refuse. */
const REFUSALS: Readonly<Record<string, string>> = {
  "RFC 7515 A.1 HS256 (must be rejected: symmetric)": POLICY_REFUSED,
  "RFC 7515 A.5 alg none (must be rejected)": "algorithm_unsupported",
};

describeSuite(JWS, () => {
  const cases = readCases(JWS) as readonly JwsCase[];
  const named = (part: string): JwsCase => {
    const found = cases.find(({ name }) => name.includes(part));
    assert.ok(found, part);
    return found;
  };
  const anyKey = named("A.2").jwk;
  // The claims are good, and about nobody.
  const judgeOf = ({ jwk }: JwsCase) =>
    new JwsJudge([jwk ?? anyKey ?? {}], { now: EXPIRY - 1, later: ["spiffe_claim_absent"] });

  it("each comes as far as it should", () => {
    const agreement = new Agreement(JWS);
    for (const one of cases) {
      const refusal = REFUSALS[one.name];
      agreement.note(one.name, refusal === undefined, judgeOf(one).outcomeOf(one.jws), refusal ?? "");
    }
    agreement.assertComplete();
  });

  it("a signature with one bit changed does not hold", () => {
    for (const part of ["A.2", "A.3", "A.4"]) {
      const one = named(part);
      const [head = "", payload = "", tail = ""] = one.jws.split(".");
      const signature = Buffer.from(tail, "base64url");
      signature[1] = (signature[1] ?? 0) ^ 1;
      const changed = `${head}.${payload}.${signature.toString("base64url")}`;
      assert.equal(judgeOf(one).outcomeOf(changed), "signature_invalid", part);
    }
  });

  it("the symmetric key of A.1 makes the filter refuse the policy", () => {
    const secret = policy({
      issuers: { joe: { issuer: "joe", keys: { jwks: { keys: [named("A.1").jwk] } } } },
    });
    new PolicyDesk().assertRefused(secret, "/issuers/joe/keys/jwks/keys/0", /private or symmetric/);
  });
});

describeSuite(MTLS, () => {
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
  const outcomeOf = (cnf: unknown) =>
    reasonOf(scene.present(token({ cnf }), { peer: { ...web, certSha256 } })) ?? ACCEPTED;

  it("each thumbprint is good with its certificate, in its one spelling", () => {
    assert.equal(certSha256, example.sha256_hex_as_envoy_gives_it);
    const agreement = new Agreement(MTLS);
    agreement.note("appendix A", true, outcomeOf({ "x5t#S256": example["x5t#S256"] }));
    // No certificate for it was ever published: well-formed is as far as it can come.
    const sectionOutcome = outcomeOf(section.claims.cnf);
    const isWellFormed = sectionOutcome === "certificate_mismatch";
    agreement.note("section 3.1", true, isWellFormed ? ACCEPTED : sectionOutcome);
    for (const { value, why } of negatives) {
      // Folding the case gives another value that is well-formed: it names another certificate.
      const fitting = why === "case folded" ? "certificate_mismatch" : "cnf_malformed";
      agreement.note(why, false, outcomeOf({ "x5t#S256": value }), fitting);
    }
    agreement.assertComplete();
  });
});

describeSuite(CERTIFICATES, () => {
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
