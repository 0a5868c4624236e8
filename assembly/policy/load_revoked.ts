// What was taken back: the policy's `revoked`, and the same by a feed.

import { ascii, takeSpan } from "../host/arena";
import { Region } from "../host/region";
import { Span, lengthOf } from "../host/span";
import { decodeInto } from "../text/base64url";
import { parseDecimal } from "../text/decimal";
import { JsonDocument, JsonKind, JsonNode, NO_NODE, ROOT } from "../text/json";
import { isWorkloadId } from "../text/spiffe_id";
import { KeyUse } from "../crypto/jwk";
import { DIGEST_BYTES } from "../crypto/sha256";
import { readFetched } from "./load_fetched";
import { Feed, Policy, issuerNamed } from "./policy";
import {
  REFUSED,
  document,
  hasOnly,
  isBoolean,
  isText,
  orParent,
  readChoice,
  region,
  startReading,
} from "./reader";
import { readKeySet } from "./key_set";
import { signersOfKeys } from "./signers";
import { Content, Contents } from "./source";
import { refuse } from "./refusal";
import { IssuedBefore, Revocations, RevokedBy } from "./revocations";

const MEMBERS = ascii("ids subjects keys tokens presenters certificates issuedBefore feed");
const FEED_MEMBERS = ascii("cluster path authority refresh staleFor onStale keys unsigned");
const KEYS_MEMBERS = ascii("jwks");
const DOCUMENT_MEMBERS = ascii(
  "ids subjects keys tokens presenters certificates issuedBefore version iss iat exp",
);
const MAX_ISSUERS: i32 = 256;
/** Entries of all lists together. */
const MAX_ENTRIES: i32 = 10_000;
/** The same of a feed. */
const MAX_FEED_ENTRIES: i32 = 50_000;
/** In the order of `passesStale`. */
const ON_STALE = ascii("deny warn");
/** Seconds. */
const DEFAULT_REFRESH: i64 = 30;
const DEFAULT_STALE_FOR: i64 = 5 * 60;

export function readRevoked(policy: Policy): bool {
  const node = document.member(ROOT, "revoked");
  if (node == NO_NODE) return true;
  if (!hasOnly(node, MEMBERS)) return false;
  const count = countEntries(node);
  if (count > MAX_ENTRIES) return refuse(document, node, "at most 10,000 entries");
  const revocations = Revocations.make(count, region);
  policy.revocations = revocations;
  return (
    readLists(revocations, node) &&
    areIssuers(document.member(node, "issuedBefore"), policy) &&
    readFeedSource(policy, document.member(node, "feed"))
  );
}

/** What a feed says, in records of `into`; false when it is refused, and `refusal()` says why. */
export function readFeed(from: JsonDocument, contents: Contents, into: Region): bool {
  startReading(from, into);
  if (!hasOnly(ROOT, DOCUMENT_MEMBERS)) return false;
  const version = document.member(ROOT, "version");
  contents.version = document.kind(version) == JsonKind.Number ? parseDecimal(document.textOf(version)) : -1;
  if (contents.version < 1)
    return refuse(document, orParent(version, ROOT), '"version": a number that rises with every change');
  const count = countEntries(ROOT);
  if (count > MAX_FEED_ENTRIES) return refuse(document, ROOT, "at most 50,000 entries");
  const revocations = Revocations.make(count, region);
  contents.revocations = revocations;
  return readLists(revocations, ROOT);
}

function readLists(revocations: Revocations, node: JsonNode): bool {
  return (
    readList(revocations, document.member(node, "ids"), RevokedBy.Id) &&
    readList(revocations, document.member(node, "subjects"), RevokedBy.Subject) &&
    readList(revocations, document.member(node, "keys"), RevokedBy.Key) &&
    readList(revocations, document.member(node, "tokens"), RevokedBy.Token) &&
    readList(revocations, document.member(node, "presenters"), RevokedBy.Presenter) &&
    readList(revocations, document.member(node, "certificates"), RevokedBy.Certificate) &&
    readIssuedBefore(revocations, document.member(node, "issuedBefore"))
  );
}

function countEntries(node: JsonNode): i32 {
  let count = 0;
  for (let n = document.firstIn(node); n != NO_NODE; n = document.nextIn(node, n))
    count += document.countIn(document.valueOf(n));
  return count;
}

function readList(revocations: Revocations, list: JsonNode, by: RevokedBy): bool {
  if (list == NO_NODE) return true;
  if (document.kind(list) != JsonKind.Array) return refuse(document, list, "a list");
  for (let n = document.firstIn(list); n != NO_NODE; n = document.nextIn(list, n)) {
    if (!isText(n) || !isOfKind(document.stringOf(n), by)) return refuse(document, n, expectedOf(by));
    revocations.add(by, region.copy(document.stringOf(n)), region);
  }
  return true;
}

function isOfKind(text: Span, by: RevokedBy): bool {
  if (by == RevokedBy.Presenter) return isWorkloadId(text);
  if (by != RevokedBy.Token && by != RevokedBy.Certificate) return true;
  const digest = takeSpan(DIGEST_BYTES);
  return lengthOf(digest) == DIGEST_BYTES && decodeInto(text, digest);
}

function expectedOf(by: RevokedBy): string {
  switch (by) {
    case RevokedBy.Presenter:
      return "a workload's SPIFFE ID";
    case RevokedBy.Token:
    case RevokedBy.Certificate:
      return "a SHA-256 in base64url, 43 characters";
    default:
      return "a string that is not empty and not too long";
  }
}

function readIssuedBefore(revocations: Revocations, node: JsonNode): bool {
  if (node == NO_NODE) return true;
  if (document.kind(node) != JsonKind.Object) return refuse(document, node, '{ "<issuer>": 1700000000 }');
  if (document.countIn(node) > MAX_ISSUERS) return refuse(document, node, "at most 256 issuers");
  for (let n = document.firstIn(node); n != NO_NODE; n = document.nextIn(node, n)) {
    const value = document.valueOf(n);
    const before = region.make<IssuedBefore>();
    before.time = document.kind(value) == JsonKind.Number ? parseDecimal(document.textOf(value)) : -1;
    if (before.time < 1) return refuse(document, value, "seconds since 1970");
    before.issuer = region.copy(document.textOf(n));
    revocations.issuedBefore.append(before, region);
  }
  return true;
}

function areIssuers(node: JsonNode, policy: Policy): bool {
  for (let n = document.firstIn(node); n != NO_NODE; n = document.nextIn(node, n)) {
    if (issuerNamed(policy.issuers, document.textOf(n)) == null)
      return refuse(document, n, 'the name of an entry in "issuers"');
  }
  return true;
}

function readFeedSource(policy: Policy, node: JsonNode): bool {
  if (node == NO_NODE) return true;
  const feed = Feed.make(region);
  policy.feed = feed;
  if (!hasOnly(node, FEED_MEMBERS)) return false;
  if (!readFetched(feed.fetched, node, Content.Revocations, DEFAULT_REFRESH, DEFAULT_STALE_FOR, policy))
    return false;
  const passesStale = readOnStale(node);
  feed.passesStale = passesStale == 1;
  return passesStale != REFUSED && readSigners(feed, node);
}

/** 1 when what is stale lets pass, 0 when it does not; or REFUSED. */
export function readOnStale(node: JsonNode): i32 {
  return readChoice(
    node,
    "onStale",
    ON_STALE,
    'what becomes of requests while it is stale: "deny" or "warn"',
  );
}

function readSigners(feed: Feed, node: JsonNode): bool {
  const keys = document.member(node, "keys");
  const unsigned = document.member(node, "unsigned");
  const isUnsigned = document.kind(unsigned) == JsonKind.True;
  if (!isBoolean(unsigned)) return refuse(document, unsigned, "true or false");
  if (isUnsigned ? keys != NO_NODE : keys == NO_NODE)
    return refuse(
      document,
      node,
      '"keys": { "jwks": { "keys": [ ... ] } }, by one of which the feed is signed; or "unsigned": true where nobody else can answer in its place',
    );
  if (isUnsigned) return true;
  if (!hasOnly(keys, KEYS_MEMBERS)) return false;
  const jwks = document.member(keys, "jwks");
  if (jwks == NO_NODE) return refuse(document, keys, '"jwks": { "keys": [ ... ] }');
  const signers = readKeySet(document, jwks, KeyUse.Signature, region);
  feed.signers = signers;
  if (signers == null) return false;
  feed.fetched.location!.signers = region.copy(signersOfKeys(signers));
  return true;
}
