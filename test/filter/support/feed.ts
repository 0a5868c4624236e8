// A feed of what was taken back: its key, what it says, and workers that ask for it.

import { createHash } from "node:crypto";
import type { Json } from "./json.ts";
import { CLUSTER } from "./key-server.ts";
import { makeKey } from "./keys.ts";
import { policy } from "./policies.ts";
import { RevocationScene } from "./revocation-scene.ts";
import { tokenOf } from "./tokens.ts";

export const SECURITY = "security";
export const AUTHORIZATION_SERVER = "as";
export const FEED_TYPE = "revocations+jwt";

/** By which the feed is signed. */
export const feedKey = makeKey("ES256", "feed-1");

/** A feed that is asked every ten seconds, and is stale after thirty. */
export function feedAt(members: Json = {}): Json {
  const usual = { cluster: SECURITY, path: "/revocations", refresh: "10s", staleFor: "30s" };
  const keys = { jwks: { keys: [feedKey.jwk] } };
  return { ...usual, ...(members["unsigned"] === undefined && { keys }), ...members };
}

/** The usual policy with a feed. */
export function feedPolicy(feed: Json = {}, members: Json = {}): Json {
  return policy({ revoked: { feed: feedAt(feed) }, ...members });
}

/** A document with these members, signed. */
export function feedDocument(members: Json, by = feedKey, header: Json = {}): string {
  return tokenOf({ alg: by.algorithm, kid: by.jwk["kid"], typ: FEED_TYPE, ...header }, members, by);
}

/** By what `tokens` takes a token back: its payload as it stands, and of an opaque one all of it. */
export function digestOf(compact: string): string {
  const [whole, payload = whole ?? ""] = compact.split(".").length === 3 ? compact.split(".") : [compact];
  return createHash("sha256").update(payload).digest("base64url");
}

/** A worker that asks the feed: a test answers in its place. */
export class FeedScene extends RevocationScene {
  constructor(usual: Json = feedPolicy()) {
    super(usual, { clusters: [SECURITY, CLUSTER, AUTHORIZATION_SERVER], logLevel: "info" });
  }

  /** One with something in force. */
  static saying(members: Json, usual?: Json): FeedScene {
    const scene = new FeedScene(usual);
    scene.publish({ version: 1, ...members });
    return scene;
  }

  /** Lets the filter ask, and answers with a document with these members. */
  publish(members: Json): void {
    this.answer({ body: feedDocument(members) });
  }
}
