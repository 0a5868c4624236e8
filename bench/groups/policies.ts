import { audience, issuer } from "../../envoy/setup/materials.ts";
import type { Json } from "../../test/filter/support/json.ts";
import { makeKey } from "../../test/filter/support/keys.ts";
import type { Column } from "../column.ts";
import { PATH } from "../envoy/client.ts";
import { BUSY, type Group } from "../group.ts";
import { holdfastAlone, policy } from "../holdfast.ts";
import { sameToken } from "../traffic.ts";
import { good, stolen } from "../trials.ts";
import { mintToken, type World } from "../world.ts";

export const rules: Group = {
  id: "rules",
  title: "Policies of 1 to 1,000 rules",
  note: "The last rule is the one that takes the request.",
  streams: BUSY,
  columns: ({ world }) =>
    underPolicies(
      world,
      (["path", "pathPrefix"] as const).flatMap((kind) =>
        [1, 10, 100, 1_000].map((count) => ({
          id: `${kind}-${count}`,
          title: `holdfast, ${count.toLocaleString("en")} ${count === 1 ? "rule" : "rules"} with ${kind}`,
          rules: policy(world, { rules: manyRules(count, kind) }),
        })),
      ),
    ),
};

export const issuers: Group = {
  id: "issuers",
  title: "Policies of 1 and 20 issuers",
  note: "The last issuer is the one of the token.",
  streams: BUSY,
  columns: ({ world }) =>
    underPolicies(
      world,
      [1, 20].map((count) => ({
        id: `issuers-${count}`,
        title: `holdfast, ${count} ${count === 1 ? "issuer" : "issuers"}`,
        rules: policy(world, { issuers: manyIssuers(world, count) }),
      })),
    ),
};

/** Rules of which only the last one takes the requests of the benchmark. */
export function manyRules(count: number, kind: "path" | "pathPrefix"): Json[] {
  const bind = [{ spiffe: { claim: "sub" } }];
  const others = Array.from({ length: count - 1 }, (_, i) => ({
    name: `service-${i}`,
    when: { [kind]: `/services/${i}/orders` },
    bind,
  }));
  return [...others, { name: "orders", when: { [kind]: kind === "path" ? PATH : "/orders" }, bind }];
}

function manyIssuers({ key }: World, count: number): Json {
  const named = Array.from({ length: count }, (_, i) => {
    const isOurs = i === count - 1;
    const url = isOurs ? issuer : `https://idp-${i}.example.org`;
    const { jwk } = isOurs ? key : makeKey("ES256", `idp-${i}`);
    return [`idp-${i}`, { issuer: url, audiences: [audience], keys: { jwks: { keys: [jwk] } } }] as const;
  });
  return Object.fromEntries(named);
}

interface NamedPolicy {
  readonly id: string;
  readonly title: string;
  readonly rules: Json;
}

function underPolicies(world: World, policies: readonly NamedPolicy[]): Column[] {
  const token = mintToken(world);
  const traffic = sameToken("same token", token);
  return [
    { id: "none", title: "no filter", filters: [], traffic, trials: [good(token)] },
    ...policies.map(({ id, title, rules }) => ({
      ...{ id, title, traffic },
      filters: [holdfastAlone(id, rules)],
      trials: [good(token), stolen(token)],
    })),
  ];
}
