import type { Column } from "../column.ts";
import { jwtAuthn } from "../envoy/filters.ts";
import { BUSY, type Group } from "../group.ts";
import { holdfastAlone, policy } from "../holdfast.ts";
import { sameToken } from "../traffic.ts";
import { forged, good, stolen } from "../trials.ts";
import { mintToken, type World } from "../world.ts";

/** Bytes, by what they are called. */
const SIZES = { "0.5 KB": 500, "2 KB": 2_000, "8 KB": 8_000 } as const;

export const tokens: Group = {
  id: "tokens",
  title: "Tokens of several sizes",
  note: "The same token again and again. Without a filter a large one costs more, too: past 4 KB HTTP/2 no longer compresses it away.",
  streams: BUSY,
  columns: ({ world }) => Object.entries(SIZES).flatMap(([title, bytes]) => columnsOf(world, title, bytes)),
};

function columnsOf(world: World, size: string, bytes: number): Column[] {
  const token = mintToken(world, {}, bytes);
  const traffic = sameToken(`token of ${size}`, token);
  return [
    { id: `none-${bytes}`, title: `no filter, ${size}`, filters: [], traffic, trials: [good(token)] },
    {
      ...{ id: `spiffe-${bytes}`, title: `holdfast, ${size}`, traffic },
      filters: [holdfastAlone(`size-${bytes}`, policy(world))],
      trials: [good(token), forged(token), stolen(token)],
      unmoved: "wasmcustom.holdfast.token_cache.miss",
    },
    {
      ...{ id: `jwt-cache-${bytes}`, title: `jwt_authn with cache, ${size}`, traffic },
      filters: [jwtAuthn(world, { caches: true })],
      trials: [good(token), forged(token)],
    },
  ];
}
