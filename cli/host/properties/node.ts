import { Status } from "../abi.ts";
import type { EnvoyVersion } from "../envoy-version.ts";
import { dotted } from "./path.ts";
import { type PropertyResult, type PropertyValue, serialize } from "./value.ts";

const PREFIX = "xds\0node\0";

/** What an Envoy knows of itself: there in every callback, and with `xds.` before it only (docs/host.md). */
export interface Node {
  /** Default: none. */
  readonly id?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** The attributes under `xds.node`. */
export class NodeProperties {
  readonly #known: ReadonlyMap<string, PropertyValue>;

  constructor({ id, metadata = {} }: Node, envoy: EnvoyVersion) {
    const [major = "", minor = ""] = envoy.split(".");
    this.#known = new Map<string, PropertyValue>([
      ["user_agent_build_version.version.major_number", BigInt(major)],
      ["user_agent_build_version.version.minor_number", BigInt(minor)],
      ...(id === undefined ? [] : [["id", id] as const]),
      ...Object.entries(metadata).map(([name, value]) => [`metadata.${name}`, value] as const),
    ]);
  }

  /** @param path parts joined by NUL */
  read(path: string): PropertyResult {
    const value = path.startsWith(PREFIX) ? this.#known.get(dotted(path.slice(PREFIX.length))) : undefined;
    return value === undefined ? Status.NotFound : serialize(value);
  }
}
