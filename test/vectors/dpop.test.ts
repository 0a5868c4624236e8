// Proofs of possession: those of RFC 9449 and of go-dpop, and the thumbprint of RFC 7638.

import assert from "node:assert/strict";
import { it } from "node:test";
import type { Json } from "../filter/support/json.ts";
import { ProofScene, proofPolicy } from "../filter/support/proofs.ts";
import { reasonOf } from "../filter/support/scene.ts";
import { token } from "../filter/support/tokens.ts";
import { AUDIENCE, WEB } from "../filter/support/world.ts";
import { ACCEPTED, Agreement } from "./support/agreement.ts";
import { describeSuite, readCases } from "./support/cases.ts";
import { KeyFault, KeyUse, probes } from "./support/probe.ts";

const THUMBPRINT = "rfc-examples/rfc7638.json";
const RFC = "rfc-examples/rfc9449.json";
const GO = "dpop-go-dpop/dpop_proofs.json";

/** Proofs for a token endpoint go with no token, so they have no `ath`: all else is judged before. */
const NO_TOKEN = "proof_token_mismatch";

interface Claims {
  readonly htm: string;
  readonly htu: string;
  readonly iat: number;
}

/** A worker that started long before `now`, for proofs of this origin. */
function sceneAt(now: number, origin: string, members: Json = {}): ProofScene {
  const clock = { now: now - 3600 };
  const options = { now: () => clock.now, clusters: ["as"] };
  const scene = new ProofScene(proofPolicy({ origins: [origin] }, members), options);
  clock.now = now;
  return scene;
}

function part(compact: string, index: number): Json | undefined {
  try {
    return JSON.parse(Buffer.from(compact.split(".")[index] ?? "", "base64url").toString()) as Json;
  } catch {
    return undefined;
  }
}

function assertThumbprint(jwk: unknown, expected: string): void {
  for (const probe of probes) {
    assert.equal(probe.readKey(jwk as Json, KeyUse.Signature), KeyFault.None, probe.name);
    assert.equal(probe.keyThumbprint().toString("base64url"), expected, probe.name);
  }
}

describeSuite(THUMBPRINT, () => {
  it("the key has its name", () => {
    const { rfc7638_3_1: example } = readCases(THUMBPRINT) as {
      readonly rfc7638_3_1: { readonly jwk: Json; readonly sha256_thumbprint: string };
    };
    assertThumbprint(example.jwk, example.sha256_thumbprint);
  });
});

describeSuite(RFC, () => {
  const { proofs, cnf_jkt_section_6_1: jkt } = readCases(RFC) as {
    readonly proofs: readonly {
      readonly proof: string;
      readonly header: { readonly jwk: Json };
      readonly claims: Claims;
      readonly jkt: string;
      readonly ath_matches?: readonly string[];
    }[];
    readonly cnf_jkt_section_6_1: string;
  };
  const as = { audiences: [AUDIENCE], introspection: { cluster: "as", path: "/introspect" } };

  /** As far as a proof comes with this token, which its issuer says is bound to the key. */
  const outcomeOf = (compact: string, { proof, claims: { iat, htu, htm } }: (typeof proofs)[number]) => {
    const { origin, pathname } = new URL(htu);
    const scene = sceneAt(iat, origin, { issuers: { as } });
    const stream = scene.prove(compact, proof, { method: htm, path: pathname });
    const answer = { active: true, sub: WEB, aud: AUDIENCE, exp: iat + 300, cnf: { jkt } };
    scene.vm.httpCalls[0]?.respond({ status: 200, body: JSON.stringify(answer) });
    return reasonOf(stream) ?? ACCEPTED;
  };

  it("each is good for its token, or but for a token", () => {
    const agreement = new Agreement(RFC);
    for (const [index, one] of proofs.entries()) {
      const withoutToken = outcomeOf("opaque", one);
      assert.equal(withoutToken, NO_TOKEN);
      const [compact] = one.ath_matches ?? [];
      agreement.note(`proof ${index + 1}`, true, compact === undefined ? ACCEPTED : outcomeOf(compact, one));
    }
    agreement.assertComplete();
  });

  it("section 6.1: the key has the name that the token gives it", () => {
    for (const one of proofs) {
      assert.equal(one.jkt, jkt);
      assertThumbprint(one.header.jwk, jkt);
    }
  });
});

describeSuite(GO, () => {
  interface GoCase {
    readonly name: string;
    readonly proof: string;
    readonly valid: boolean;
    readonly method: string;
    readonly url: string;
    readonly now?: number;
    readonly jkt?: string;
  }

  const FITTING: Readonly<Record<string, string>> = {
    TestParse_MalformedTokenString: "proof_malformed",
    "TestParse_NonProofJWT (RFC7515 A.3 token)": "proof_type_unsupported",
    TestParse_MalformedJWKHeader: "proof_key_unusable",
    TestParse_MissingJWKHeader: "proof_key_unusable",
    TestNoRegisteredClaims: "proof_claim_malformed",
    TestParse_MissingClaims: "proof_claim_malformed",
    TestParse_MissingTypHeader: "proof_type_unsupported",
    // A nonce is judged after all that a proof says of its request, and its token.
    TestParse_IncorrectNonce: NO_TOKEN,
    TestParse_InvalidSignature: "proof_signature_invalid",
    TestParse_IncorrectHtm: "proof_method_mismatch",
    TestParse_IncorrectHtu: "proof_target_mismatch",
    TestParse_ExpiredProof: "proof_expired",
    TestParse_ProofSignedTooFarIntoFuture: "proof_not_yet_valid",
    TestParse_ProofWithIncorrectDpopJkt: "proof_key_mismatch",
  };

  const cases = readCases(GO) as readonly GoCase[];

  /** Why the filter refuses it. */
  function reasonFor({ proof, method, url, now, jkt }: GoCase): string | undefined {
    const { origin, pathname, search } = new URL(url);
    const iat = part(proof, 1)?.["iat"];
    const at = now ?? (typeof iat === "number" ? iat : 1_700_000_000);
    const scene = sceneAt(at, origin);
    const bound = token({ cnf: { jkt: jkt ?? "" }, iat: at, exp: at + 300 });
    const reason = reasonOf(scene.prove(bound, proof, { method, path: pathname + search }));
    assert.equal(scene.host.vmFailures, 0);
    return reason;
  }

  /** What comes after the token that none of them goes with, by the filter's functions. */
  function outcomeWithoutToken({ proof, url, jkt }: GoCase): string {
    const claims = part(proof, 1) as Partial<Claims> | undefined;
    if (!probes.every((probe) => probe.areOneUri(url, claims?.htu ?? ""))) return "proof_target_mismatch";
    const { jwk } = part(proof, 0) as { readonly jwk: Json };
    for (const probe of probes) {
      probe.readKey(jwk, KeyUse.Signature);
      if (jkt !== undefined && probe.keyThumbprint().toString("base64url") !== jkt)
        return "proof_key_mismatch";
    }
    return ACCEPTED;
  }

  it("each is good but for the token that it does not go with, or refused as by go-dpop", () => {
    const agreement = new Agreement(GO);
    for (const one of cases) {
      const fitting = FITTING[one.name] ?? (one.name.includes("HS256") ? "proof_algorithm_unsupported" : "");
      const reason = reasonFor(one) ?? ACCEPTED;
      const outcome = reason === NO_TOKEN && fitting !== NO_TOKEN ? outcomeWithoutToken(one) : reason;
      agreement.note(one.name, one.valid, outcome, fitting);
    }
    agreement.assertComplete();
  });
});
