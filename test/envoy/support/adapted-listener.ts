import type { Config } from "./config.ts";
import { type ListenerOptions, listener } from "./listener.ts";

/** The part of a listener that is changed here. */
interface ListenerConfig extends Config {
  readonly filter_chains: readonly (Config & { readonly filters: readonly ManagerConfig[] })[];
}

interface ManagerConfig extends Config {
  readonly typed_config: Config;
}

/** What a listener has beside what `listener` gives it. */
export interface ListenerAdditions {
  /** Members of its HttpConnectionManager, which replace those that are there. */
  readonly manager?: Config;
  /** Network filters before its HttpConnectionManager. */
  readonly networkFilters?: readonly Config[];
}

/** A listener as `listener` makes it, with additions. */
export function adaptedListener(
  options: ListenerOptions,
  { manager = {}, networkFilters = [] }: ListenerAdditions,
): Config {
  const made = listener(options) as ListenerConfig;
  const adapt = (filter: ManagerConfig) => ({
    ...filter,
    typed_config: { ...filter.typed_config, ...manager },
  });
  return {
    ...made,
    filter_chains: made.filter_chains.map((chain) => ({
      ...chain,
      filters: [...networkFilters, ...chain.filters.map(adapt)],
    })),
  };
}
