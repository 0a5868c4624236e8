import { jwtAuthn } from "../envoy/filters.ts";
import { BUSY, type Group } from "../group.ts";
import { holdfastAlone, policy } from "../holdfast.ts";
import { newProofs, newTokens, ORIGIN } from "../traffic.ts";
import { forged, good, stolen } from "../trials.ts";
import { mintToken } from "../world.ts";

export const cold: Group = {
  id: "cold",
  title: "A new token with every request",
  note: "Every token is minted for its one request (ES256), so each signature is verified.",
  streams: BUSY,
  columns: ({ world }) => {
    const token = mintToken(world);
    const traffic = newTokens(world);
    return [
      { id: "none", title: "no filter", filters: [], traffic, trials: [good(token)] },
      {
        ...{ id: "spiffe", title: "holdfast, spiffe", traffic },
        filters: [holdfastAlone("cold", policy(world))],
        trials: [good(token), forged(token), stolen(token)],
        // None of these tokens had been seen.
        unmoved: "wasmcustom.holdfast.token_cache.hit",
      },
      {
        ...{ id: "jwt", title: "jwt_authn", traffic },
        filters: [jwtAuthn(world)],
        trials: [good(token), forged(token)],
      },
    ];
  },
};

export const dpop: Group = {
  id: "dpop",
  title: "A new DPoP proof with every request",
  note: "The token is the same, and known; each proof is new, is verified and is spent.",
  streams: BUSY,
  columns: ({ world }) => {
    const traffic = newProofs(world);
    const unproven = { ...good(mintToken(world)), what: "a token without a proof", status: 401 };
    const rules = [{ name: "orders", bind: [{ dpop: {} }] }];
    return [
      { id: "none", title: "no filter", filters: [], traffic, trials: [] },
      {
        ...{ id: "dpop", title: "holdfast, dpop", traffic },
        filters: [holdfastAlone("dpop", policy(world, { dpop: { origins: [ORIGIN], maxAge: "5m" }, rules }))],
        trials: [unproven],
      },
    ];
  },
};
