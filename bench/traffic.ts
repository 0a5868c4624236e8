import type { Json } from "../test/filter/support/json.ts";
import { makeKey } from "../test/filter/support/keys.ts";
import { proof, thumbprintOf } from "../test/filter/support/proofs.ts";
import type { Ask, Credentials, Headers, Presenter, Traffic } from "./column.ts";
import { AUTHORITY, PATH } from "./envoy/client.ts";
import { mintToken, type World } from "./world.ts";

/** Where requests go, as a policy for proofs names it. */
export const ORIGIN = `https://${AUTHORITY}`;

/** The same headers with every request. */
export function sameHeaders(id: string, headers: Headers, presenter: Presenter = "web"): Traffic {
  return { id, presenter, headers };
}

/** The same token with every request. */
export function sameToken(id: string, token: string): Traffic {
  return sameHeaders(id, bearer(token));
}

export function bearer(token: string): Headers {
  return { authorization: `Bearer ${token}` };
}

/** A new token with every request. */
export function newTokens(world: World): Traffic {
  let serial = 0;
  const mint = (count: number) =>
    Promise.resolve(times(count, () => ({ token: mintToken(world, { jti: `token-${serial++}` }) })));
  return { id: "new tokens", presenter: "web", mint };
}

/**
 * One token that is bound to a key, and a new proof of that key with every request. As clients do, it takes up the nonce that the server
 * asks for.
 */
export function newProofs(world: World): Traffic {
  const key = makeKey("ES256", "client");
  const token = mintToken(world, { cnf: { jkt: thumbprintOf(key) } });
  const make = (claims: Json) => {
    const usual = { htu: ORIGIN + PATH, iat: Math.floor(Date.now() / 1000) };
    return { token, proof: proof(token, { key, claims: { ...usual, ...claims } }) };
  };
  const mint = async (count: number, ask: Ask) => {
    const { headers } = await ask(shown(make({})));
    const nonce = headers["dpop-nonce"];
    return times(count, () => make(nonce === undefined ? {} : { nonce }));
  };
  return { id: "new proofs", presenter: "web", mint };
}

/** The headers of a request with credentials of its own. */
function shown({ token, proof }: Credentials): Headers {
  return proof === undefined ? bearer(token) : { authorization: `DPoP ${token}`, dpop: proof };
}

function times<T>(count: number, make: () => T): T[] {
  return Array.from({ length: count }, make);
}
