import type { Column } from "../column.ts";
import { BUSY, type Group } from "../group.ts";
import { holdfastAlone, policy } from "../holdfast.ts";
import { newProofs, ORIGIN } from "../traffic.ts";
import { good } from "../trials.ts";
import { mintToken } from "../world.ts";

/** The table has 262,144 places, of which one key gets some 84 %. */
const NEARLY_FULL = 190_000;
/** Proofs that are made and sent together. */
const BATCH = 10_000;

export const replayTable: Group = {
  id: "replay",
  title: "DPoP with an empty and with a nearly full table of spent proofs",
  note: `Nearly full: ${NEARLY_FULL.toLocaleString("en")} proofs and more are remembered, of 262,144.`,
  streams: BUSY,
  columns: ({ world, isQuick }) => {
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
          const proofs = isQuick ? BATCH / 10 : NEARLY_FULL;
          const batch = Math.min(BATCH, proofs);
          for (let sent = 0; sent < proofs; sent += batch)
            await stage.measure(full, batch, { streams: BUSY });
        },
      },
    ];
  },
};
