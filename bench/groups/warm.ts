import type { Column, Trial } from "../column.ts";
import { jwtAuthn, luaComparesSub, rbacComparesSub, wasmFile } from "../envoy/filters.ts";
import { BUSY, type Group, type Setting } from "../group.ts";
import { holdfastAlone, policy } from "../holdfast.ts";
import { peerColumns } from "../peers/peer-columns.ts";
import { sameToken } from "../traffic.ts";
import { forged, good, stolen } from "../trials.ts";
import { mintToken, type World } from "../world.ts";

/** Nobody had to verify a signature. */
const noMiss = "wasmcustom.holdfast.token_cache.miss";

export const warm: Group = {
  id: "warm",
  title: "The same token again and again, a busy proxy",
  note: `${BUSY} requests are under way at any time: the proxy is never idle, its caches are warm.`,
  streams: BUSY,
  columns: warmColumns,
};

export const quiet: Group = {
  id: "quiet",
  title: "The same token again and again, one request after the other",
  note: "The proxy sleeps between requests: each one wakes it, and finds cold caches. Most sidecars are between this and the busy proxy.",
  streams: 1,
  columns: warmColumns,
};

export const latency: Group = {
  id: "latency",
  title: "How long requests take",
  note: "At half of the load that the slowest column can take, through both proxies, as h2load sees it.",
  streams: BUSY,
  timesRequests: true,
  columns: async (setting) => {
    const told = ["none", "empty", "spiffe", "jwt", "jwt-cache-rbac", "jwt-cache-lua"];
    return (await warmColumns(setting)).filter(({ id }) => told.includes(id));
  },
};

async function warmColumns(setting: Setting): Promise<Column[]> {
  const { world, emptyGuest } = setting;
  const token = mintToken(world);
  const column = (id: string, title: string, filters: Column["filters"], ...trials: Trial[]): Column => ({
    ...{ id, title, filters },
    traffic: sameToken("same token", token),
    trials: [good(token), ...trials],
  });
  return [
    column("none", "no filter", []),
    column("empty", "empty Wasm filter", [wasmFile("empty", emptyGuest)]),
    ...holdfastColumns(world, token, column),
    column("jwt", "jwt_authn", [jwtAuthn(world)], forged(token)),
    column("jwt-cache", "jwt_authn with cache", [jwtAuthn(world, { caches: true })], forged(token)),
    column(
      "jwt-rbac",
      "jwt_authn + RBAC CEL",
      [jwtAuthn(world, { tells: true }), rbacComparesSub()],
      ...[forged(token), stolen(token, 403)],
    ),
    column(
      "jwt-cache-rbac",
      "jwt_authn with cache + RBAC CEL",
      [jwtAuthn(world, { caches: true, tells: true }), rbacComparesSub()],
      ...[forged(token), stolen(token, 403)],
    ),
    column(
      "jwt-cache-lua",
      "jwt_authn with cache + Lua",
      [jwtAuthn(world, { caches: true, tells: true }), luaComparesSub()],
      ...[forged(token), stolen(token, 403)],
    ),
    ...(await peerColumns(setting, (id, title, filters) => column(id, title, filters, stolen(token, 403)))),
  ];
}

function holdfastColumns(
  world: World,
  token: string,
  column: (id: string, title: string, filters: Column["filters"], ...trials: Trial[]) => Column,
): Column[] {
  const bound = mintToken(world, { cnf: { "x5t#S256": world.workloads.web.thumbprint } });
  const certificate = policy(world, { rules: [{ name: "orders", bind: [{ certificate: {} }] }] });
  const observe = policy(world, { mode: "observe" });
  const wouldDeny = "wasmcustom.holdfast.would_deny.spiffe_mismatch";
  return [
    column(
      "spiffe",
      "holdfast, spiffe",
      [holdfastAlone("spiffe", policy(world))],
      ...[forged(token), stolen(token)],
    ),
    {
      ...column("certificate", "holdfast, certificate", [holdfastAlone("certificate", certificate)]),
      traffic: sameToken("same bound token", bound),
      trials: [good(bound), stolen(bound)],
    },
    // The same requests without any filter: a bound token is a little longer.
    { ...column("none-bound", "no filter, bound token", []), traffic: sameToken("same bound token", bound) },
    column("observe", "holdfast, observe mode", [holdfastAlone("observe", observe)], {
      ...stolen(token, 200),
      counter: wouldDeny,
    }),
  ].map((made) => (made.filters.length > 0 ? { ...made, unmoved: noMiss } : made));
}
