// Tokens of workloads: JWT-SVIDs, WIT-SVIDs and WIMSE's WITs. No proof of possession is known to the filter yet, so that a
// good WIT comes as far as its `cnf` and no farther.

import { it } from "node:test";
import type { Json } from "../filter/support/json.ts";
import { PolicyDesk } from "../filter/support/refusal.ts";
import { Scene, assertDenied, reasonOf } from "../filter/support/scene.ts";
import { web } from "../filter/support/world.ts";
import { ACCEPTED, Agreement, POLICY_REFUSED } from "./support/agreement.ts";
import { describeSuite, readCases } from "./support/cases.ts";

interface TokenCase {
  readonly name: string;
  readonly token: string;
  readonly valid: boolean;
  readonly spiffe_id?: string;
  /** Of a JWT-SVID. */
  readonly expected_audience?: readonly string[] | null;
  /** Of a WIT-SVID: the file of the bundle. */
  readonly bundle?: string;
}

interface KeySet {
  readonly keys: readonly Json[];
}

const JWT_SVID = "jwt-svid/jwtsvid_parse_and_validate.json";
const WIT_SVID = "wit-svid/wit_svid.json";
const WIMSE = "wimse/wit_wpt_example.json";

const WIT_HEADER = "workload-identity-token";
const PROOF_IS_MISSING = "cnf_unsupported";

const desk = new PolicyDesk();

/** The filter under a policy with this one issuer, which takes presenters of every trust domain. */
function sceneWith(issuer: Json): Scene | undefined {
  const rules = policyOf(issuer);
  return desk.offer(rules).accepted ? new Scene(rules) : undefined;
}

function policyOf(issuer: Json): Json {
  return { presenter: { validatedBy: "listener" }, issuers: { one: issuer } };
}

describeSuite(JWT_SVID, () => {
  const jwks = readCases("jwt-svid/bundle.jwks.json");
  const peer = { ...web, uriSan: "spiffe://trustdomain/host" };
  const cases = readCases(JWT_SVID) as readonly TokenCase[];

  const FITTING: Readonly<Record<string, string>> = {
    malformed: "authorization_malformed",
    "unsupported algorithm": "algorithm_unsupported",
    // Its subject is what would have led to a trust domain.
    "missing subject": "issuer_unknown",
    "missing expiration claim": "expiry_absent",
    expired: "token_expired",
    "unexpected audience": "audience_mismatch",
    "invalid subject claim": "issuer_unknown",
    "missing key": "token_header_malformed",
    "no bundle for trust domain": "issuer_unknown",
    "no bundle for authority": "key_unknown",
    "mismatched JWT authority": "signature_invalid",
    "invalid typ": "token_type_unsupported",
  };

  it("each is let through or refused as by go-spiffe", () => {
    const agreement = new Agreement(JWT_SVID);
    for (const one of cases) {
      const audiences = one.expected_audience ?? ["audience"];
      const scene = sceneWith({ kind: "jwt-svid", trustDomain: "trustdomain", audiences, keys: { jwks } });
      const outcome = scene ? (reasonOf(scene.present(one.token, { peer })) ?? ACCEPTED) : POLICY_REFUSED;
      agreement.note(one.name, one.valid, outcome, FITTING[one.name] ?? "");
    }
    agreement.assertComplete();
  });

  it("without a good subject it is refused for that, where the issuer is known by its name", () => {
    const named = { kind: "jwt-svid", trustDomain: "trustdomain", issuer: "issuer", audiences: ["audience"] };
    const scene = new Scene(policyOf({ ...named, keys: { jwks } }));
    for (const [name, reason] of [
      ["missing subject", "claim_absent"],
      ["invalid subject claim", "subject_malformed"],
    ] as const) {
      const { token = "" } = cases.find((one) => one.name === name) ?? {};
      assertDenied(scene.present(token, { peer }), reason, name);
    }
  });
});

function outcomeOfWit(scene: Scene | undefined, wit: string): string {
  if (scene === undefined) return POLICY_REFUSED;
  const reason = reasonOf(scene.ask({ headers: [[WIT_HEADER, wit]] })) ?? ACCEPTED;
  return reason === PROOF_IS_MISSING ? ACCEPTED : reason;
}

describeSuite(WIT_SVID, () => {
  const FITTING: Readonly<Record<string, string>> = {
    malformed: "token_malformed",
    "unsupported algorithm": "algorithm_unsupported",
    "wrong typ": "token_type_unsupported",
    "missing typ": "token_type_unsupported",
    "missing kid": "token_header_malformed",
    "missing sub": "issuer_unknown",
    "missing exp": "expiry_absent",
    "aud present": "claim_forbidden",
    "invalid sub": "issuer_unknown",
    expired: "token_expired",
    "nbf in future": "token_not_yet_valid",
    "missing cnf": "claim_absent",
    "cnf not an object": "cnf_malformed",
    "missing cnf.jwk": "claim_absent",
    "cnf.jwk not an object": "cnf_malformed",
    "cnf.jwk missing alg": "cnf_malformed",
    "cnf.jwk alg not a string": "cnf_malformed",
    "cnf.jwk alg unsupported": "cnf_malformed",
    "cnf.jwk is private key": "cnf_malformed",
    "no bundle for trust domain": "issuer_unknown",
    // A bundle without keys is none.
    "no authority for key ID": POLICY_REFUSED,
    "signature mismatch": "signature_invalid",
  };

  it("each is good but for the proof that it demands, or refused as by go-spiffe", () => {
    const agreement = new Agreement(WIT_SVID);
    const anyBundle = readCases("wit-svid/bundle.jwks.json") as KeySet;
    for (const { name, token, valid, bundle = "" } of readCases(WIT_SVID) as readonly TokenCase[]) {
      const isForeign = bundle.includes("other.org");
      const trustDomain = isForeign ? "other.org" : "example.org";
      const jwks = isForeign ? anyBundle : (readCases(`wit-svid/${bundle}`) as KeySet);
      const outcome = outcomeOfWit(sceneWith({ kind: "wit-svid", trustDomain, keys: { jwks } }), token);
      agreement.note(name, valid, outcome, FITTING[name] ?? "");
    }
    agreement.assertComplete();
  });
});

describeSuite(WIMSE, () => {
  interface WimseExample {
    readonly wit: string;
    readonly wit_claims: { readonly iat: number };
    readonly wit_issuer_jwk: Json;
  }

  it("the draft's WIT is good but for the proof that it demands", () => {
    const agreement = new Agreement(WIMSE);
    const { wit, wit_claims, wit_issuer_jwk } = readCases(WIMSE) as WimseExample;
    const scene = sceneWith({
      kind: "wit",
      trustDomain: "example.com",
      keys: { jwks: { keys: [wit_issuer_jwk] } },
    });
    if (scene) scene.now = wit_claims.iat;
    agreement.note("wit", true, outcomeOfWit(scene, wit));
    agreement.assertComplete();
  });
});
