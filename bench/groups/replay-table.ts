import type { Column } from "../column.ts";
import { BUSY, type Group } from "../group.ts";
import { holdfastAlone, policy } from "../holdfast.ts";
import { newProofs, ORIGIN } from "../traffic.ts";
import { extentOf } from "../run-group.ts";
import { good } from "../trials.ts";
import { mintToken } from "../world.ts";

/**
 * Proofs that are remembered at the end of the run. The table has 262,144 places in 256 buckets; in a bucket one key may have 84 % of them, and
 * the fullest bucket has some 90 more than the average.
 */
const NEARLY_FULL = 185_000;
/** Proofs that are made and sent together. */
const BATCH = 10_000;
/** Of a column in a round: few, so that the table is not much emptier in the first round than in the last. */
const MOST_REQUESTS = 500;

export const replayTable: Group = {
  id: "replay",
  title: "DPoP with an empty and with a nearly full table of spent proofs",
  note: `Nearly full: in the last round ${NEARLY_FULL.toLocaleString("en")} proofs are remembered, of which one key may have 220,000.`,
  streams: BUSY,
  mostRequests: MOST_REQUESTS,
  columns: (setting) => {
    const { world, isQuick } = setting;
    const { rounds, requests, warmUp } = extentOf({ mostRequests: MOST_REQUESTS }, setting);
    const traffic = newProofs(world);
    const unproven = { ...good(mintToken(world)), what: "a token without a proof", status: 401 };
    const rules = [{ name: "orders", bind: [{ dpop: {} }] }];
    const dpop = { origins: [ORIGIN], maxAge: "5m" };
    const column = (id: string, title: string): Column => ({
      ...{ id, title, traffic, trials: [unproven] },
      filters: [holdfastAlone(id, policy(world, { dpop, rules }))],
    });
    const full = column("full", "holdfast, nearly full table");
    return [
      { id: "none", title: "no filter", filters: [], traffic, trials: [] },
      column("empty", "holdfast, empty table"),
      {
        ...full,
        prepare: async (stage) => {
          let left = isQuick ? requests : NEARLY_FULL - warmUp - rounds * requests;
          for (; left > 0; left -= BATCH) await stage.measure(full, Math.min(BATCH, left), { streams: BUSY });
        },
      },
    ];
  },
};
