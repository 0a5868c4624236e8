// Where in an Envoy's configuration a filter stands.

import type { Container } from "../policies.ts";
import type { Value } from "../value.ts";

const MANAGER = /http_connection_manager\.v3\.HttpConnectionManager$/;

export interface Seat {
  /** The filters of its chain, in order, and its own index there. */
  readonly filters: readonly Value[];
  readonly index: number;
  /** The HttpConnectionManager that it is in. */
  readonly manager: Value | undefined;
  /** The filter chain, with the transport socket. */
  readonly chain: Value | undefined;
  readonly listener: Value | undefined;
}

/** Of each filter that was looked up: each is held against every other one. */
const seats = new WeakMap<Container, { readonly seat: Seat | undefined }>();

/** Where the filter that has a policy stands; undefined where the file does not show the chain around it. */
export function seatOf(container: Container | undefined): Seat | undefined {
  if (container === undefined) return undefined;
  const { seat } = seats.get(container) ?? { seat: findSeat(container) };
  seats.set(container, { seat });
  return seat;
}

function findSeat({ holder }: Container): Seat | undefined {
  const path = [holder, ...holder.ancestors()];
  const list = path.findIndex(({ name, isList }) => isList && isNamed(name, "http_filters"));
  const filters = path[list];
  const own = path[list - 1];
  if (filters === undefined || own === undefined) return undefined;
  const manager = filters.parent;
  const isManager = MANAGER.test(manager?.get("@type")?.text ?? "");
  const network = path.find(({ name, isList }) => isList && name === "filters");
  return {
    filters: filters.children,
    index: Number(own.name),
    manager: isManager ? manager : undefined,
    chain: network?.parent,
    listener: path.find((value) => value.has("filter_chains") || value.has("default_filter_chain")),
  };
}

/** What a filter, or a transport socket, is configured with, and the type of that. */
export function typedConfigOf(
  extension: Value | undefined,
): { readonly type: string; readonly config: Value } | undefined {
  const config = extension?.get("typed_config");
  if (config === undefined) return undefined;
  const wrapped = config.get("type_url");
  const value = config.get("value");
  if (wrapped !== undefined && value !== undefined) return { type: wrapped.text, config: value };
  return { type: config.get("@type")?.text ?? "", config };
}

/** The plugin configuration around a policy: `name`, `root_id`, `vm_config`, `failure_policy`. */
export function pluginConfigOf(container: Container | undefined): Value | undefined {
  const holder = container?.holder;
  if (holder?.has("@type") !== true) return undefined;
  return holder.get("config") ?? holder.get("value", "config");
}

function isNamed(name: string, expected: string): boolean {
  return (
    name === expected || name === expected.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase())
  );
}
