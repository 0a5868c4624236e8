// What is unwise in two filters of one Envoy, of which each is good by itself.

import type { FoundPolicy } from "../policies.ts";
import type { Value } from "../value.ts";
import { pluginConfigOf, seatOf } from "./envoy-seat.ts";
import { concerns, isIstioPlugin } from "./istio.ts";
import {
  type Finding,
  type Lint,
  type Policy,
  policyOf,
  remembersTokens,
  type Scene,
  type Subject,
} from "./subject.ts";

export const neighbourLints: readonly Lint[] = [
  {
    id: "two-filters",
    level: "warning",
    what: "two holdfast filters in one chain: the first decides about the token by its policy alone; a note for two plugins",
    find: standsBehindAnother,
  },
  {
    id: "shared-vm",
    level: "note",
    what: "two listeners with `dpop`, `wpt` or `firstUse` and the same `vm_id`: they share what was spent",
    find: sharesWhatWasSpent,
  },
  {
    id: "shared-name",
    level: "warning",
    what: "two plugins of one name with different policies, and `revalidate`: each closes the other's requests",
    find: sharesName,
  },
];

function standsBehindAnother({ found, scene }: Subject): Finding[] {
  const { container } = found;
  if (container !== undefined && isIstioPlugin(container.kind)) return mayStandBesideAnother(found, scene);
  const seat = seatOf(found.container);
  if (seat === undefined) return [];
  const first = others(found, scene.policies).find((other) => {
    const theirs = seatOf(other.container);
    const [here, there] = [seat.filters[0], theirs?.filters[0]];
    return (
      here !== undefined && there !== undefined && here.is(there) && (theirs?.index ?? Infinity) < seat.index
    );
  });
  if (first === undefined) return [];
  const { line } = first.at("");
  const message = `a holdfast earlier in this chain (line ${line}) has judged the token by then, and this one takes its word: its own issuers and bindings are not asked; put both policies into one`;
  return [{ message, place: found.at("") }];
}

/** The order of two plugins is by phase, priority and name. */
function mayStandBesideAnother(found: FoundPolicy, { policies }: Scene): Finding[] {
  const before = policies.slice(0, policies.indexOf(found));
  const other = before.find(
    (candidate) => shareProxy(found, candidate) && matchOf(candidate) === matchOf(found),
  );
  if (other === undefined) return [];
  const { file, line } = other.at("");
  const message = `the plugin of ${file}:${line} may be loaded for the same workloads: the first of the two in the chain decides about the token by its policy alone; put both policies into one, or keep their workloads apart`;
  return [{ message, place: found.at(""), level: "note" }];
}

function sharesWhatWasSpent({ policy, found, scene }: Subject): Finding[] {
  if (!remembersTokens(policy)) return [];
  const sharing = others(found, scene.policies).some(
    (other) =>
      remembersTokens(policyOf(other)) &&
      (shareVm(found, other) || (shareProxy(found, other) && matchOf(found) !== matchOf(other))),
  );
  if (!sharing) return [];
  const plugin = pluginConfigOf(found.container);
  const remedy =
    plugin === undefined
      ? "Istio sets no vm_id, so use an EnvoyFilter with one of its own"
      : "give one of them a vm_id of its own";
  const message = `another listener of this Envoy shares what is remembered of tokens and proofs: a request that passes both is refused at the second as replayed; if requests do that, ${remedy}; if none does, sharing is right, since a proof is then good at one of them only`;
  const place = plugin?.get("vm_config", "vm_id")?.place ?? plugin?.place ?? found.at("");
  return [{ message, place }];
}

/** Shared memory is by `vm_id`, which is empty by default. Several filters of one chain judge a request once. */
function shareVm(one: FoundPolicy, other: FoundPolicy): boolean {
  const [here, there] = [seatOf(one.container)?.listener, seatOf(other.container)?.listener];
  if (here === undefined || there === undefined || here.is(there) || !inOneEnvoy(one, other)) return false;
  const vmId = ({ container }: FoundPolicy) =>
    pluginConfigOf(container)?.get("vm_config", "vm_id")?.text ?? "";
  return vmId(one) === vmId(other);
}

/** Two of Istio's plugins, maybe at one workload. */
function shareProxy({ container: one }: FoundPolicy, { container: other }: FoundPolicy): boolean {
  if (one === undefined || other === undefined) return false;
  return isIstioPlugin(one.kind) && isIstioPlugin(other.kind) && concerns(one.manifest, other.manifest);
}

/** For which traffic a plugin is loaded. */
function matchOf({ container }: FoundPolicy): string | undefined {
  return container?.manifest.root.get("spec", "match")?.toJson();
}

function sharesName({ policy, found, scene }: Subject): Finding[] {
  const plugin = pluginConfigOf(found.container);
  if (plugin === undefined) return [];
  const other = others(found, scene.policies).find((candidate) => {
    const theirs = pluginConfigOf(candidate.container);
    if (theirs === undefined || !inOneEnvoy(found, candidate) || candidate.text === found.text) return false;
    const theirPolicy = policyOf(candidate);
    return (
      nameOf(plugin, policy) === nameOf(theirs, theirPolicy) && (follows(policy) || follows(theirPolicy))
    );
  });
  if (other === undefined) return [];
  const message = `the filter on line ${other.at("").line} has the same plugin name and root_id and another policy: requests that go on are held against both, and closed; give each policy a "name"`;
  return [{ message, place: (plugin.get("name") ?? plugin).place }];
}

function nameOf(plugin: Value, { name = "" }: Policy): string {
  return JSON.stringify([plugin.get("name")?.text ?? "", plugin.get("root_id")?.text ?? "", name]);
}

function follows({ rules = [] }: Policy): boolean {
  return rules.some(({ revalidate }) => revalidate !== undefined);
}

function others(found: FoundPolicy, all: readonly FoundPolicy[]): readonly FoundPolicy[] {
  return all.filter((other) => other !== found && other.container !== undefined);
}

/** What stands in one document is for one Envoy. */
function inOneEnvoy({ container: one }: FoundPolicy, { container: other }: FoundPolicy): boolean {
  return one?.manifest === other?.manifest;
}
