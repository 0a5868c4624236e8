import { Status } from "../abi.ts";
import type { Peer } from "../peer.ts";
import { connectionProperty, destinationProperty, sourceProperty } from "./connection.ts";
import type { Connection } from "./connection.ts";
import { child, metadataProperty } from "./metadata.ts";
import type { Metadata } from "./metadata.ts";
import { dotted, splitPath } from "./path.ts";
import { requestProperty } from "./request.ts";
import type { RequestFacts } from "./request.ts";
import { responseProperty } from "./response.ts";
import type { ResponseFacts } from "./response.ts";
import { serialize } from "./value.ts";
import type { PropertyResult, PropertyValue } from "./value.ts";

/** What a test or a tool may say about a stream beyond its headers. */
export interface StreamFacts {
  readonly peer?: Peer;
  readonly metadata?: Metadata;
  /** Filter state objects of other filters, for example `io.istio.peer_principal`. */
  readonly filterState?: Readonly<Record<string, string>>;
  /** Any other attribute, by dotted path; wins over what the host knows. A map has what lies below it. */
  readonly properties?: Readonly<Record<string, PropertyValue>>;
}

// A guest's own property `x` is the filter state object `wasm.x`.
const OWN_PREFIX = "wasm.";

// Envoy finds these, but cannot serialise them as a whole.
const WHOLE_MAPS: ReadonlySet<string> = new Set([
  "connection",
  "source",
  "destination",
  "request",
  "response",
  "filter_state",
]);

/** Everything `proxy_get_property` can reach from a stream. */
export class StreamProperties {
  readonly #connection: Connection;
  readonly #request: RequestFacts;
  readonly metadata: Metadata;
  readonly response: ResponseFacts = { code: undefined, details: undefined };
  readonly #filterState = new Map<string, Buffer>();
  readonly #others: ReadonlyMap<string, PropertyValue> | undefined;

  constructor(facts: StreamFacts, connection: Connection, request: RequestFacts) {
    this.#connection = connection;
    this.#request = request;
    this.metadata = facts.metadata ?? {};
    for (const [name, value] of Object.entries(facts.filterState ?? {}))
      this.#filterState.set(name, Buffer.from(value));
    if (facts.properties !== undefined) {
      this.#others = new Map(Object.entries(facts.properties).map(([path, value]) => [dotted(path), value]));
    }
  }

  /** @param path parts joined by NUL, latin1 */
  read(path: string): PropertyResult {
    const parts = splitPath(path);
    const other = this.#readOther(parts);
    if (other !== undefined) return serialize(other);
    const [root = "", part = ""] = parts;
    if (parts.length === 1 && WHOLE_MAPS.has(root)) return Status.SerializationFailure;
    switch (root) {
      case "connection":
        return parts.length === 2 ? connectionProperty(this.#connection, part) : Status.NotFound;
      case "source":
        return parts.length === 2 ? sourceProperty(this.#connection.peer, part) : Status.NotFound;
      case "destination":
        return parts.length === 2 ? destinationProperty(this.#connection.peer, part) : Status.NotFound;
      case "request":
        return requestProperty(this.#request, parts);
      case "response":
        return parts.length === 2 ? responseProperty(this.response, part) : Status.NotFound;
      case "metadata":
        return metadataProperty(this.metadata, parts);
      case "filter_state":
        return parts.length === 2 ? this.#readFilterState(part) : Status.NotFound;
      default:
        return parts.length === 1 ? this.#readFilterState(OWN_PREFIX + root) : Status.NotFound;
    }
  }

  /** @param value is kept, not copied */
  writeOwn(name: string, value: Buffer): void {
    this.#filterState.set(OWN_PREFIX + name, value);
  }

  get filterStates(): ReadonlyMap<string, Buffer> {
    return this.#filterState;
  }

  filterState(name: string): string | undefined {
    return this.#filterState.get(name)?.toString("utf8");
  }

  /** What was given under this name, or under the beginning of it, as a map that has the rest. */
  #readOther(parts: readonly string[]): PropertyValue | undefined {
    const others = this.#others;
    if (others === undefined) return undefined;
    for (let known = parts.length; known > 0; known--) {
      let value = others.get(parts.slice(0, known).join("."));
      for (const part of parts.slice(known)) if (value !== undefined) value = child(value, part);
      if (value !== undefined) return value;
    }
    return undefined;
  }

  #readFilterState(name: string): PropertyResult {
    return this.#filterState.get(name) ?? Status.NotFound;
  }
}
