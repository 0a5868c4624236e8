import assert from "node:assert/strict";
import { assertNeverAllowed } from "../../filter/support/hostile.ts";
import type { Jwk } from "../../filter/support/keys.ts";
import { policy } from "../../filter/support/policies.ts";
import { PolicyDesk } from "../../filter/support/refusal.ts";
import { Scene, reasonOf } from "../../filter/support/scene.ts";
import { CLAIMS, base64url } from "../../filter/support/tokens.ts";
import { ACCEPTED, POLICY_REFUSED } from "./agreement.ts";
import { FAILURE_INTERVAL } from "./failures.ts";
import { KeyFault, SignatureCheck, probes } from "./probe.ts";

const ISSUER = "joe";
const GOOD_PAYLOAD = base64url(JSON.stringify({ ...CLAIMS, iss: ISSUER }));

const desk = new PolicyDesk();
const bystander = new Scene();

/** Judges compact JWSs by a set of keys. Most that were published are no tokens: what they sign is no claims set. */
export class JwsJudge {
  readonly #keys: readonly Jwk[];
  readonly #later: ReadonlySet<string>;
  readonly #scene: Scene | undefined;

  /**
   * @param later reasons for which a good JWS of the suite is refused: what is asked after the signature
   * @param now seconds since 1970
   */
  constructor(
    keys: readonly Jwk[],
    { later = [], now }: { readonly later?: readonly string[]; readonly now?: number } = {},
  ) {
    const rules = policy({ issuers: { one: { issuer: ISSUER, keys: { jwks: { keys } } } } });
    this.#keys = keys;
    this.#later = new Set(later);
    if (!desk.offer(rules).accepted) return;
    this.#scene = new Scene(rules);
    this.#scene.now = now ?? this.#scene.now;
  }

  /** No policy may have these keys. */
  get isRefused(): boolean {
    return this.#scene === undefined;
  }

  /** `ACCEPTED` for a good JWS, whatever it signs; otherwise the reason. */
  outcomeOf(compact: string): string {
    assertNeverAllowed(bystander.present(compact), "by a filter that does not know the key");
    if (this.#scene === undefined) return POLICY_REFUSED;
    const reason = reasonFor(this.#scene, compact);
    if (this.#later.has(reason)) return ACCEPTED;
    return reason === "token_payload_malformed"
      ? this.#outcomeAsideFromPayload(this.#scene, compact)
      : reason;
  }

  /** The filter never looks at the signature of what is no claims set. With claims it gets as far as that. */
  #outcomeAsideFromPayload(scene: Scene, compact: string): string {
    const [head = "", payload = "", tail = ""] = compact.split(".");
    const reason = reasonFor(scene, [head, GOOD_PAYLOAD, tail].join("."));
    return reason === "signature_invalid" ? checkSignature(this.#keys, head, payload, tail) : reason;
  }
}

function reasonFor(scene: Scene, compact: string): string {
  scene.now += FAILURE_INTERVAL;
  const stream = scene.present(compact);
  assertNeverAllowed(stream, "no published JWS is a token of this presenter");
  return reasonOf(stream) ?? "";
}

function checkSignature(keys: readonly Jwk[], head: string, payload: string, tail: string): string {
  const { alg, kid } = JSON.parse(Buffer.from(head, "base64url").toString("utf8")) as {
    readonly alg: string;
    readonly kid?: string;
  };
  const candidates = keys.filter((key) => kid === undefined || key["kid"] === kid);
  assert.equal(candidates.length, 1, "the filter found one key");
  const signature = Buffer.from(tail, "base64url");
  const text = Buffer.from(`${head}.${payload}`, "latin1");
  const [outcome, ...others] = probes.map((probe) => {
    assert.equal(probe.readKey(candidates[0] ?? {}), KeyFault.None);
    return outcomeOfCheck(probe.verify(alg, signature, text));
  });
  assert.ok(outcome !== undefined && others.every((other) => other === outcome), "the builds agree");
  return outcome;
}

/** The outcome of a signature check. */
export function outcomeOfCheck(check: number): string {
  if (check === SignatureCheck.Valid) return ACCEPTED;
  return check === SignatureCheck.Malformed ? "signature_malformed" : "signature_invalid";
}
