import type { TokenIssuer } from "../../../envoy/identity/token-issuer.ts";
import { type IssuerKey, makeKey } from "../../filter/support/keys.ts";
import { namedKey, workloadProof } from "../../filter/support/workload-proofs.ts";
import { target } from "./proofs.ts";
import { webClaims } from "./world.ts";

/** A workload that has a key, and a WIT that names it. */
export interface Workload {
  readonly key: IssuerKey;
  readonly wit: string;
}

export async function makeWorkload(
  issuer: TokenIssuer,
  key: IssuerKey = makeKey("ES256"),
): Promise<Workload> {
  const { sub = "", iat = 0, exp = 0 } = webClaims();
  return { key, wit: await issuer.sign({ sub, iat, exp, cnf: { jwk: namedKey(key) } }, "wit+jwt") };
}

/**
 * The headers of a request with a proof of its own: names and values in turn.
 * @param lifetime seconds from now on that the proof is good
 * @param claims of the proof, beside those that it has to have
 */
export function proofOf({ key, wit }: Workload, lifetime: number, claims: object = {}): readonly string[] {
  const exp = Math.floor(Date.now() / 1000) + lifetime;
  const proof = workloadProof(wit, { key, claims: { aud: target, exp, ...claims } });
  return ["workload-identity-token", wit, "workload-proof-token", proof];
}
