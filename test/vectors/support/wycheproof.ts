import type { Jwk } from "../../filter/support/keys.ts";
import { readCases } from "./cases.ts";
import type { SuitePath } from "../suites.ts";

export interface WycheproofCase {
  readonly tcId: number;
  readonly comment: string;
  readonly result: "valid" | "invalid" | "acceptable";
}

/** A group of tests of one key or one set of keys. */
export interface TokenGroup {
  readonly comment: string;
  readonly private: Jwk | { readonly keys: readonly Jwk[] };
  readonly public?: Jwk | { readonly keys: readonly Jwk[] };
  readonly tests: readonly (WycheproofCase & {
    readonly jws?: string | object;
    readonly jwe?: string | object;
  })[];
}

export function readGroups(path: SuitePath): unknown {
  return (readCases(path) as { readonly testGroups: unknown }).testGroups;
}

/** The name of a case in the list of divergences. */
export function nameOf({ tcId, comment }: WycheproofCase): string {
  return `#${tcId} ${comment}`;
}

/** What a verifier is given: the public keys, or the symmetric ones where there are no others. */
export function keysOf(group: TokenGroup): readonly Jwk[] {
  const found = group.public ?? group.private;
  return "keys" in found ? (found.keys as readonly Jwk[]) : [found];
}
