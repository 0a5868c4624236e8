// An issuer's status lists: how they are made, and workers that ask for them.

import { deflateSync } from "node:zlib";
import type { ZlibOptions } from "node:zlib";
import type { Stream } from "../../../cli/host/index.ts";
import type { Json } from "./json.ts";
import { CLUSTER } from "./key-server.ts";
import { issuer, policy } from "./policies.ts";
import { RevocationScene } from "./revocation-scene.ts";
import { key, tokenOf } from "./tokens.ts";
import { NOW } from "./world.ts";

export const LIST_TYPE = "statuslist+jwt";
export const URI = "https://idp.example.org/status/1";

/** An entry of `statusLists` that is asked every ten seconds, and is stale after thirty. */
export function statusList(members: Json = {}): Json {
  return { uri: URI, cluster: CLUSTER, path: "/status/1", refresh: "10s", staleFor: "30s", ...members };
}

/** The usual policy with a status list. */
export function listPolicy(list: Json = {}, members: Json = {}): Json {
  return policy({ issuers: { idp: issuer({ statusLists: [statusList(list)] }) }, ...members });
}

/** A list of these bytes, as a status list token has it. */
export function listOf(bytes: Uint8Array, bits: unknown = 1, options: ZlibOptions = {}): Json {
  return { bits, lst: deflateSync(bytes, options).toString("base64url") };
}

/** A status list token, signed. */
export function listDocument(members: Json, by = key, header: Json = {}): string {
  const payload = { sub: URI, iat: NOW, ...members };
  return tokenOf({ alg: by.algorithm, kid: by.jwk["kid"], typ: LIST_TYPE, ...header }, payload, by);
}

/** What a token says of where its status stands. */
export function statusAt(idx: unknown, uri: unknown = URI): Json {
  return { status: { status_list: { idx, uri } } };
}

/** Statuses side by side, the first in the lowest bits: draft-ietf-oauth-status-list, section 4.1. */
export function packStatuses(statuses: readonly number[], bits: number): Uint8Array {
  const bytes = new Uint8Array(Math.ceil((statuses.length * bits) / 8));
  for (const [index, status] of statuses.entries()) {
    const at = index * bits;
    bytes[at >> 3] = (bytes[at >> 3] ?? 0) | (status << (at % 8));
  }
  return bytes;
}

/** A worker that asks for status lists: a test answers as the issuer. */
export class ListScene extends RevocationScene {
  constructor(usual: Json = listPolicy()) {
    super(usual, { clusters: [CLUSTER], logLevel: "info" });
  }

  /** One with a list in force, of one bit a token where nothing else is said. */
  static saying(bytes: Uint8Array, bits: unknown = 1, usual?: Json): ListScene {
    const scene = new ListScene(usual);
    scene.publish({ status_list: listOf(bytes, bits) });
    return scene;
  }

  /** Lets the filter ask, and answers with a list with these members. */
  publish(members: Json): void {
    this.answer({ body: listDocument(members) });
  }

  /** Sends a request that does not end, with a token of this place in the list. */
  arriveAt(idx: unknown, uri: unknown = URI): Stream {
    return this.arrive(this.tokenAt(idx, uri));
  }

  /** Sends a request from start to end, with a token of this place in the list. */
  presentAt(idx: unknown, uri: unknown = URI): Stream {
    return this.present(this.tokenAt(idx, uri));
  }

  /** A token that is good now, but for its status. */
  tokenAt(idx: unknown, uri: unknown = URI): string {
    return this.fresh(statusAt(idx, uri));
  }
}
