// What Envoy's jwt_authn accepts. Its tokens have no presenter and mostly no end, so that a token whose signature holds is
// refused for one of the things that are asked after it.

import assert from "node:assert/strict";
import { createPublicKey } from "node:crypto";
import { it } from "node:test";
import { assertNeverAllowed } from "../filter/support/hostile.ts";
import type { Json } from "../filter/support/json.ts";
import { makeKey, nameless } from "../filter/support/keys.ts";
import type { Jwk } from "../filter/support/keys.ts";
import { policy } from "../filter/support/policies.ts";
import { PolicyDesk } from "../filter/support/refusal.ts";
import { Scene, reasonOf } from "../filter/support/scene.ts";
import { payloadOf, tokenOf } from "../filter/support/tokens.ts";
import { ISSUER, NOW, WEB } from "../filter/support/world.ts";
import { ACCEPTED, Agreement, POLICY_REFUSED } from "./support/agreement.ts";
import { describeSuite, readCases, readFiles } from "./support/cases.ts";
import { KeyFault, probes } from "./support/probe.ts";

interface ParseCase {
  readonly name: string;
  readonly input: string;
  readonly status: string;
  readonly valid: boolean;
}

interface KeysCase extends ParseCase {
  readonly type: "JWKS" | "PEM";
  /** How many keys the library finds. */
  readonly keys?: number;
}

interface VerifyCase {
  readonly file: string;
  readonly name: string;
  readonly jwt: string;
  readonly keys: string;
  readonly key_format: "JWKS" | "PEM";
  readonly valid: boolean;
  readonly status: string;
}

const PARSE = "envoy-jwt-verify-lib/jwt_parse.json";
const KEYS = "envoy-jwt-verify-lib/jwks_parse.json";
const VERIFY = "envoy-jwt-verify-lib/jwt_verify.json";
const CORPUS = "envoy-jwt-verify-lib/fuzz_corpus";

/** What is asked only of a token whose signature holds. */
const BEHIND_THE_SIGNATURE = new Set(["expiry_absent", "token_expired", "spiffe_mismatch"]);

/** By the library's status: why it lets no token of the suite pass. It has one for an unknown `kid` and a wrong `alg`. */
const REFUSALS: Readonly<Record<string, readonly string[]>> = {
  JwksKidAlgMismatch: ["key_unknown", "algorithm_mismatch", POLICY_REFUSED],
  JwtVerificationFail: ["signature_invalid", "algorithm_mismatch", POLICY_REFUSED],
};

const desk = new PolicyDesk();

function jsonOf(base64url: string): Json {
  return JSON.parse(Buffer.from(base64url, "base64url").toString("utf8")) as Json;
}

function claimedIssuer(jwt: string): string {
  const { iss } = jsonOf(payloadOf(jwt));
  return typeof iss === "string" ? iss : ISSUER;
}

function policyOf(issuer: string, jwks: unknown): Json {
  return policy({ issuers: { one: { issuer, keys: { jwks } } } });
}

/** A PEM key as an operator would bring it into a policy. Undefined when it is none that a JWK can say. */
function jwksOfPem(pem: string): { readonly keys: readonly Jwk[] } | undefined {
  try {
    return { keys: [createPublicKey(pem).export({ format: "jwk" })] };
  } catch {
    return undefined;
  }
}

/** What a token of the suite comes to: those whose signature holds are refused for what is asked later. */
function outcomeOf(jwt: string, jwks: unknown): string {
  const rules = policyOf(claimedIssuer(jwt), jwks);
  if (!desk.offer(rules).accepted) return POLICY_REFUSED;
  const stream = new Scene(rules).present(jwt);
  assertNeverAllowed(stream, jwt);
  const reason = reasonOf(stream) ?? "";
  return BEHIND_THE_SIGNATURE.has(reason) ? ACCEPTED : reason;
}

describeSuite(PARSE, () => {
  const signer = makeKey("RS256");
  const keys = [nameless(signer)];

  const FITTING: Readonly<Record<string, string>> = {
    JwtHeaderParseErrorBadBase64: "token_malformed",
    JwtHeaderParseErrorBadJson: "token_header_malformed",
    JwtHeaderBadAlg: "token_header_malformed",
    JwtHeaderNotImplementedAlg: "algorithm_unsupported",
    JwtHeaderBadKid: "token_header_malformed",
    JwtPayloadParseErrorBadBase64: "token_malformed",
    JwtPayloadParseErrorBadJson: "token_payload_malformed",
    JwtPayloadParseErrorIssNotString: "issuer_unknown",
    JwtPayloadParseErrorSubNotString: "spiffe_claim_malformed",
    JwtSignatureParseErrorBadBase64: "token_malformed",
  };

  /** Nobody signed these tokens: those that are about claims are judged by the same claims in a token of ours. */
  const isAboutClaims = ({ status }: ParseCase) =>
    status === "Ok" || /^JwtPayloadParseError(?!Bad)/.test(status);

  function outcomeOfClaims({ input }: ParseCase): string {
    const claims: Json = { iss: ISSUER, sub: WEB, exp: NOW + 300, ...jsonOf(payloadOf(input)) };
    const scene = new Scene(policyOf(claimedIssuer(input), { keys }));
    const expiry = Number(claims["exp"]);
    if (expiry > 0 && expiry < NOW) scene.now = expiry - 1;
    const reason = reasonOf(scene.present(tokenOf({ alg: "RS256" }, claims, signer)));
    // The subject of the suite's tokens is nobody's SPIFFE ID.
    return reason === undefined || reason === "spiffe_mismatch" ? ACCEPTED : reason;
  }

  function outcomeOfForm({ input }: ParseCase): string {
    return reasonOf(new Scene(policyOf("https://example.com", { keys })).present(input)) ?? ACCEPTED;
  }

  it("each is accepted or refused as by Envoy, but for what is listed", () => {
    const agreement = new Agreement(PARSE);
    for (const one of readCases(PARSE) as readonly ParseCase[]) {
      assert.notEqual(outcomeOfForm(one), ACCEPTED, "nobody signed it");
      const outcome = isAboutClaims(one) ? outcomeOfClaims(one) : outcomeOfForm(one);
      // An empty token is no credential, and one without dots no JWS.
      const byFormat = ["authorization_malformed", "token_malformed"];
      const known = FITTING[one.status] ?? "claim_malformed";
      agreement.note(one.name, one.valid, outcome, ...(one.status === "JwtBadFormat" ? byFormat : [known]));
    }
    agreement.assertComplete();
  });
});

describeSuite(KEYS, () => {
  const countOf = (keys: readonly object[]): number =>
    keys.filter((key) => probes.every((probe) => probe.readKey(key) === KeyFault.None)).length;

  function outcomeOfKeys({ type, input, keys }: KeysCase): string {
    const text = type === "JWKS" ? input : JSON.stringify(jwksOfPem(input) ?? input);
    const [before = "", after = ""] = JSON.stringify(policyOf(ISSUER, "?")).split('"?"');
    if (!desk.offer(before + text + after).accepted) return POLICY_REFUSED;
    const found = countOf((JSON.parse(text) as { readonly keys: readonly object[] }).keys);
    return type === "PEM" || keys === undefined || found === keys ? ACCEPTED : `${found} of ${keys} keys`;
  }

  it("each may be in a policy or not as it may be in Envoy's, but for what is listed", () => {
    const agreement = new Agreement(KEYS);
    for (const one of readCases(KEYS) as readonly KeysCase[])
      agreement.note(one.name, one.valid, outcomeOfKeys(one), POLICY_REFUSED);
    agreement.assertComplete();
  });
});

describeSuite(VERIFY, () => {
  it("each signature is accepted or refused as by Envoy, but for what is listed", () => {
    const agreement = new Agreement(VERIFY);
    for (const one of readCases(VERIFY) as readonly VerifyCase[]) {
      const jwks: unknown = one.key_format === "JWKS" ? JSON.parse(one.keys) : jwksOfPem(one.keys);
      const outcome = outcomeOf(one.jwt, jwks);
      agreement.note(`${one.file} ${one.name}`, one.valid, outcome, ...(REFUSALS[one.status] ?? []));
    }
    agreement.assertComplete();
  });
});

describeSuite(CORPUS, () => {
  /** A field of a text-format protobuf, its escapes left as they are: JSON has the same. */
  const fieldOf = (text: string, name: string): string => {
    const [, , quoted] = new RegExp(`^${name}: (["'])(.*)\\1$`, "m").exec(text) ?? [];
    assert.ok(quoted !== undefined, name);
    return quoted;
  };
  const jwksOf = (keys: string): unknown =>
    keys.startsWith("{") ? JSON.parse(keys) : jwksOfPem(keys.replaceAll("\\n", "\n"));

  it("each is verified, or listed as not", () => {
    const agreement = new Agreement(CORPUS);
    for (const [name, contents] of readFiles(CORPUS, ".txt")) {
      const text = contents.toString("utf8");
      agreement.note(name, true, outcomeOf(fieldOf(text, "jwt"), jwksOf(fieldOf(text, "jwks"))));
    }
    agreement.assertComplete();
  });
});
