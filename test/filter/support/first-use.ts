// Tokens that name nobody, and the rules under which they belong to whoever shows them first.

import { createHash } from "node:crypto";
import type { HostOptions, Peer, Plugin, Request, Stream } from "../../../cli/host/index.ts";
import type { Json } from "./json.ts";
import { policy, policyWithRule } from "./policies.ts";
import { Scene, assertAllowed, assertDenied, bearer } from "./scene.ts";
import { token } from "./tokens.ts";
import { web } from "./world.ts";

/** The header that tokens come in which only the upstream can verify. */
export const LEGACY_HEADER = "x-api-token";
/** Seconds since its last use that such a token belongs to somebody. */
export const DAY = 86_400;

/** The usual policy, under which a token belongs to whoever shows it first. */
export function firstUsePolicy(firstUse: Json = {}, rule: Json = {}): Json {
  return policyWithRule({ bind: [{ firstUse }], ...rule });
}

/** The usual policy for tokens that only the upstream can verify. */
export function legacyPolicy(firstUse: Json = {}, rule: Json = {}, members: Json = {}): Json {
  return policy({
    issuers: { legacy: { header: LEGACY_HEADER, introspection: "upstream" } },
    rules: [{ name: "old", bind: [{ firstUse }], ...rule }],
    ...members,
  });
}

/** A well-made token that names nobody. Claims tell one from another; what signs it does not. */
export function anybodys(claims: Json = {}): string {
  return token({ sub: "reports", ...claims });
}

/** A workload of the usual trust domain. */
export function workload(name: string | number, namespace = "shop"): Peer {
  return { ...web, uriSan: `spiffe://example.org/ns/${namespace}/sa/${name}` };
}

/** Sends a request with a token, from start to end. */
export function show(worker: Plugin, peer: Peer, text: string, request: Request = {}): Stream {
  const stream = worker.request({ peer, ...request, headers: [bearer(text)] });
  stream.end();
  return stream;
}

/** The token is nobody's yet: who shows it now keeps it. */
export function assertNobodys(scene: Scene, text: string): void {
  assertAllowed(show(scene.plugin, workload("finder"), text));
  assertDenied(show(scene.plugin, web, text), "first_use_mismatch");
}

/** A worker with tokens that only the upstream can verify. */
export class LegacyScene extends Scene {
  constructor(rules: Json = legacyPolicy(), options: HostOptions = {}) {
    super(rules, options);
  }

  /** Sends a request that has no answer yet. */
  arrive(text: string, peer: Peer = web, request: Request = {}): Stream {
    return this.plugin.request({ peer, ...request, headers: [[LEGACY_HEADER, text]] });
  }

  /** Sends a request that the upstream answers with this status, from start to end. */
  use(text: string, peer: Peer = web, status = 200): Stream {
    const stream = this.arrive(text, peer);
    if (stream.outcome === "continue") stream.respond({ status });
    stream.end();
    return stream;
  }
}

/** How the filter names and lays out what it shares. */
export const HASH_KEY = "holdfast.key";
export const BUCKETS = 256;
export const PLACES = 256;
export const PIN_BYTES = 24;
export const BUCKET_BYTES = PLACES * PIN_BYTES;
/** Places of a bucket that one workload may have, until so many are taken, and when more are. */
export const SHARE = 32;
export const COMMON = 224;
export const LAST_SHARE = 4;

export const bucketName = (bucket: number) => `holdfast.first.${bucket}`;
export const observedBucketName = (bucket: number) => `holdfast.first.observed.${bucket}`;

/** What the table says of a token. */
export interface Pin {
  readonly token: bigint;
  readonly presenter: bigint;
  /** Whose share it takes: an even number. */
  readonly holder: number;
  /** Seconds since 1970. */
  readonly end: number;
  readonly isQuarantined: boolean;
}

/** A bucket with these pins in its first places. */
export function bucketOf(pins: readonly Pin[]): Buffer {
  const bucket = Buffer.alloc(BUCKET_BYTES);
  for (const [place, pin] of pins.entries()) {
    bucket.writeBigUInt64LE(pin.token, place * PIN_BYTES);
    bucket.writeBigUInt64LE(pin.presenter, place * PIN_BYTES + 8);
    bucket.writeUInt32LE(pin.end, place * PIN_BYTES + 16);
    bucket.writeUInt32LE(pin.holder + (pin.isQuarantined ? 1 : 0), place * PIN_BYTES + 20);
  }
  return bucket;
}

/** The pins of a bucket that are good at this time. */
export function pinsOf(bucket: Buffer, now: number): Pin[] {
  const places = Array.from({ length: PLACES }, (_, place) => ({
    token: bucket.readBigUInt64LE(place * PIN_BYTES),
    presenter: bucket.readBigUInt64LE(place * PIN_BYTES + 8),
    end: bucket.readUInt32LE(place * PIN_BYTES + 16),
    holder: even(bucket.readUInt32LE(place * PIN_BYTES + 20)),
    isQuarantined: bucket.readUInt32LE(place * PIN_BYTES + 20) % 2 === 1,
  }));
  return places.filter(({ end }) => end > now);
}

const even = (number: number) => number - (number % 2);

/** Whose share a workload takes. */
export function holderOf(scene: Scene, spiffeId: string): number {
  const key = scene.host.sharedData.get("", HASH_KEY)?.value ?? Buffer.alloc(0);
  return even(createHash("sha256").update(key).update(spiffeId).digest().readUInt32LE(0));
}

/** What the filter makes of a text under rules with nothing but `firstUse: {}`: a number, and a bucket if it is a token. */
export function hashOf(scene: Scene, text: string): { readonly bucket: number; readonly name: bigint } {
  const key = scene.host.sharedData.get("", HASH_KEY)?.value ?? Buffer.alloc(0);
  const terms = createHash("sha256").update("inspiffe").digest();
  const hash = createHash("sha256").update(key).update(terms).update(text).digest();
  const name = (BigInt(hash.readUInt32LE(4)) << 32n) | BigInt(hash.readUInt32LE(8));
  return { bucket: hash.readUInt32LE(0) % BUCKETS, name };
}
