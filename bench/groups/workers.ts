import type { Column } from "../column.ts";
import { BUSY, type Group } from "../group.ts";
import { holdfastAlone, policy } from "../holdfast.ts";
import { sameToken } from "../traffic.ts";
import { good, stolen } from "../trials.ts";
import { mintToken } from "../world.ts";

export const workers: Group = {
  id: "workers",
  title: "Proxies with 1, 2 and 8 workers",
  note: "Each worker has a VM of its own. Requests come over connections enough for all workers; with fewer cores than workers they take turns.",
  streams: BUSY,
  columns: ({ world }) => {
    const token = mintToken(world);
    const traffic = sameToken("same token", token);
    return [1, 2, 8].flatMap((count): Column[] => {
      const of = `${count} ${count === 1 ? "worker" : "workers"}`;
      return [
        {
          ...{ id: `none-${count}`, title: `no filter, ${of}`, traffic, workers: count },
          filters: [],
          trials: [good(token)],
        },
        {
          ...{ id: `spiffe-${count}`, title: `holdfast, ${of}`, traffic, workers: count },
          filters: [holdfastAlone("spiffe", policy(world))],
          trials: [good(token), stolen(token)],
        },
      ];
    });
  },
};
