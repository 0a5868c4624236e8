import type { Column, Headers, Presenter } from "../column.ts";
import { jwtAuthn } from "../envoy/filters.ts";
import { BUSY, type Group } from "../group.ts";
import { holdfastAlone, policy } from "../holdfast.ts";
import { bearer, sameHeaders } from "../traffic.ts";
import { good, stolen } from "../trials.ts";
import { mintToken } from "../world.ts";

/** holdfast reads tokens of 16 KiB at most. */
const TOO_LARGE = 17 * 1024;

export const deny: Group = {
  id: "deny",
  title: "Requests that are refused",
  note: "Compared with the same requests where nobody refuses them. The first two rows are those of a request that passes.",
  streams: BUSY,
  columns: ({ world }) => {
    const token = mintToken(world);
    const rules = holdfastAlone("deny", policy(world));
    const pair = (
      id: string,
      title: string,
      headers: Headers,
      status: number,
      presenter: Presenter = "web",
    ): Column[] => {
      const traffic = sameHeaders(title, headers, presenter);
      const trial = { what: title, presenter, headers, status };
      return [
        { id: `none-${id}`, title: `no filter, ${title}`, filters: [], traffic, trials: [] },
        { id, title: `holdfast, ${title}`, filters: [rules], traffic, status, trials: [trial] },
      ];
    };
    const malformed = bearer(token.replaceAll(".", "+"));
    return [
      ...pair("allowed", "good token", bearer(token), 200),
      ...pair("malformed", "malformed token", malformed, 401),
      ...pair("oversized", "oversized token", bearer("x".repeat(TOO_LARGE)), 401),
      ...pair("stolen", "stolen token", bearer(token), 401, "thief"),
      {
        ...{ id: "jwt-malformed", title: "jwt_authn, malformed token", status: 401 },
        filters: [jwtAuthn(world)],
        traffic: sameHeaders("malformed token", malformed),
        trials: [good(token)],
      },
    ].map((column) =>
      column.id === "allowed" ? { ...column, trials: [good(token), stolen(token)] } : column,
    );
  },
};
