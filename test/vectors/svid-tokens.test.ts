// Tokens of workloads: JWT-SVIDs, WIT-SVIDs and WIMSE's WITs. The published WIT-SVIDs go with no proof of possession, so that a good one
// comes as far as its `cnf` and no farther; the WIT of WIMSE's draft goes with one.

import { it } from "node:test";
import type { HeaderPair, Request } from "../../cli/host/index.ts";
import { assertNeverAllowed } from "../filter/support/hostile.ts";
import type { Json } from "../filter/support/json.ts";
import { PolicyDesk } from "../filter/support/refusal.ts";
import { Scene, assertAllowed, assertDenied, reasonOf } from "../filter/support/scene.ts";
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
const PROOF_HEADER = "workload-proof-token";
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

/** The head of an HTTP/1.1 message as it is printed. */
function readRequest(message: string): Request {
  const [head = ""] = message.split("\n\n");
  const [start = "", ...lines] = head.split("\n");
  const [method = "", path = ""] = start.split(" ");
  const pairs = lines.map((line): HeaderPair => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  const [, authority = ""] = pairs.find(([name]) => name === "host") ?? [];
  return { method, path, authority, headers: pairs.filter(([name]) => name !== "host") };
}

/** A request with another value in a header; undefined: without it. */
function changed(request: Request, name: string, value: string | undefined): Request {
  const pairs = [...(request.headers ?? [])].filter(([other]) => other !== name);
  return { ...request, headers: value === undefined ? pairs : [...pairs, [name, value]] };
}

describeSuite(WIMSE, () => {
  interface WimseExample {
    readonly wit: string;
    readonly wpt: string;
    readonly wpt_claims: { readonly exp: number };
    readonly ath_access_token: string;
    readonly http_request: string;
    readonly wit_issuer_jwk: Json;
  }

  const { wit, wpt, wpt_claims, ath_access_token, http_request, wit_issuer_jwk } = readCases(
    WIMSE,
  ) as WimseExample;
  const { exp } = wpt_claims;
  const request = readRequest(http_request);

  /** A worker that started long before, so many seconds before the proof ends. */
  const sceneBefore = (seconds: number): Scene => {
    const clock = { now: exp - 3600 };
    const keys = { jwks: { keys: [wit_issuer_jwk] } };
    const rules = {
      ...policyOf({ kind: "wit", trustDomain: "example.com", keys }),
      wpt: { origins: ["https://workload.example.com"] },
    };
    const scene = new Scene(rules, { now: () => clock.now });
    clock.now = exp - seconds;
    return scene;
  };

  it("the draft's request passes, once", () => {
    const agreement = new Agreement(WIMSE);
    const scene = sceneBefore(60);
    agreement.note("request", true, reasonOf(scene.ask(request)) ?? ACCEPTED);
    assertDenied(scene.ask(request), "proof_replayed");
    agreement.assertComplete();
  });

  it("it is refused with any character of its tokens changed", () => {
    const scene = sceneBefore(60);
    const tokens = [
      [WIT_HEADER, wit, ""],
      [PROOF_HEADER, wpt, ""],
      ["authorization", ath_access_token, "Bearer "],
    ] as const;
    let presenters = 0;
    for (const [name, token, scheme] of tokens) {
      for (let i = 0; i < token.length; i++) {
        const other = token[i] === "A" ? "B" : "A";
        const value = `${scheme}${token.slice(0, i)}${other}${token.slice(i + 1)}`;
        const peer = { ...web, uriSan: `spiffe://example.com/hostile/${presenters++}` };
        assertNeverAllowed(scene.ask({ ...changed(request, name, value), peer }), `${name}, character ${i}`);
      }
    }
    assertAllowed(scene.ask(request), "none of them has spent its proof");
  });

  it("it is refused without one of its tokens, elsewhere, and at another time", () => {
    const refusals = [
      [60, changed(request, PROOF_HEADER, undefined), "proof_absent"],
      [60, changed(request, WIT_HEADER, undefined), "token_absent"],
      [60, changed(request, "authorization", undefined), "proof_other_token_mismatch"],
      [60, changed(request, "authorization", "Bearer mF_9.B5f-4.1JqM"), "proof_other_token_mismatch"],
      [60, changed(request, "txn-token", ath_access_token), "proof_other_token_mismatch"],
      [60, { ...request, path: "/other" }, "proof_target_mismatch"],
      [-60, request, "proof_expired"],
      [121, request, "proof_lifetime_too_long"],
    ] as const;
    for (const [seconds, sent, reason] of refusals)
      assertDenied(sceneBefore(seconds).ask(sent), reason, `${reason}, ${seconds} s before its end`);
    for (const seconds of [-59, 120]) assertAllowed(sceneBefore(seconds).ask(request), `${seconds} s`);
  });
});
