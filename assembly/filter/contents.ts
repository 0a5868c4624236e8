// Reads what servers answer: keys, what was taken back, and status lists. Only what is whole, and signed where it has to be, is taken.

import { makeForever } from "../host/arena";
import { Region } from "../host/region";
import { Span, ABSENT, equals, lengthOf } from "../host/span";
import { KeySet, readKeySet } from "../policy/key_set";
import { readFeed } from "../policy/load_revoked";
import { Policy } from "../policy/policy";
import { refuse, refuseText, startJudging } from "../policy/refusal";
import { Content, Contents, Location, contentName } from "../policy/source";
import { StatusList } from "../policy/status_list";
import { decodeBase64url } from "../text/base64url";
import { parseDecimal } from "../text/decimal";
import { inflate } from "../text/inflate";
import { JsonDocument, JsonKind, JsonNode, NO_NODE, ROOT } from "../text/json";
import { parseJson, stoppedAt } from "../text/json_parser";
import { UnverifiedToken } from "../token/jws";
import { VerifiedClaims } from "../token/verified_claims";

/** Bytes of a status list, at most: two million tokens with four bits each. */
const MAX_LIST_BYTES: i32 = 1024 * 1024;
/** Seconds that a server's clock may be ahead. */
const CLOCK_SKEW: i64 = 60;

const signed = makeForever<UnverifiedToken>();
/** One is read at a time. */
let document: JsonDocument = JsonDocument.forever(1);

/**
 * What is in the answer's body, in records of `region`; null when it is refused, and `refusal()` says why.
 * @param policy for which it was asked: it says who has to have signed it
 * @param body absent: too large, or not to be had
 * @param oldest version that may come: whoever plays an older one back would undo what was done since
 */
export function readContents(
  location: Location,
  policy: Policy | null,
  body: Span,
  region: Region,
  oldest: i64,
  now: i64,
): Contents | null {
  startJudging(contentName(location.content), location.cluster, location.path);
  const contents = region.make<Contents>();
  const isRead = lengthOf(body) > 0 ? read(location, policy, body, contents, region, now) : refuseSize();
  return isRead && isNoOlder(location.content, contents.version, oldest) ? contents : null;
}

function isNoOlder(content: Content, version: i64, oldest: i64): bool {
  const node = document.member(ROOT, memberOf(content));
  return (
    version >= oldest ||
    refuse(
      document,
      node == NO_NODE ? ROOT : node,
      "a sequence, version or date not below that of what is in force",
    )
  );
}

/** Where a document says how new it is. */
function memberOf(content: Content): string {
  switch (content) {
    case Content.Revocations:
      return "version";
    case Content.StatusList:
      return "iat";
    default:
      return "spiffe_sequence";
  }
}

function refuseSize(): bool {
  return refuseText(0, "a document of at most 1 MiB");
}

function read(
  location: Location,
  policy: Policy | null,
  body: Span,
  contents: Contents,
  region: Region,
  now: i64,
): bool {
  if (location.content == Content.Keys || location.signers == ABSENT) {
    if (!parse(body)) return false;
    if (location.content == Content.Keys) return readKeys(location, contents, region);
    return isInTime(contents, now) && readFeed(document, contents, region);
  }
  if (!verify(location, policy, body) || !isInTime(contents, now)) return false;
  return location.content == Content.Revocations
    ? readFeed(document, contents, region)
    : readStatusList(location, contents, region);
}

function parse(body: Span): bool {
  const room = JsonDocument.borrow(body);
  if (room != null) document = room;
  return (
    (room != null && parseJson(room, body)) ||
    refuseText(
      room == null ? 0 : stoppedAt(),
      "strict JSON with no name twice and at most about 130,000 values",
    )
  );
}

function readKeys(location: Location, contents: Contents, region: Region): bool {
  const keys = readKeySet(document, ROOT, location.use, region);
  contents.keys = keys;
  if (keys == null) return false;
  contents.version = keys.sequence;
  contents.refreshHint = keys.refreshHint;
  return true;
}

/** Reads the payload of a signed document, once one of its signers is shown to have signed it. */
function verify(location: Location, policy: Policy | null, body: Span): bool {
  const isFeed = location.content == Content.Revocations;
  const signers = signersOf(policy, location);
  if (signers != null && signed.readLarge(body, isFeed ? "revocations+jwt" : "statuslist+jwt")) {
    const claims = VerifiedClaims.bySignature(signed, signers);
    if (claims != null) {
      document = claims.document;
      return true;
    }
  }
  return refuseText(
    0,
    isFeed
      ? 'a JWS with "typ": "revocations+jwt", signed with one of the feed\'s keys'
      : 'a JWS with "typ": "statuslist+jwt", signed with one of the issuer\'s keys',
  );
}

/** Null when the policy does not ask for this document, or does not have the keys yet. */
function signersOf(policy: Policy | null, location: Location): KeySet | null {
  if (policy == null) return null;
  const feed = policy.feed;
  if (feed != null && isAt(feed.fetched.location, location)) return feed.signers;
  let link = policy.issuers.first;
  while (link != null) {
    let list = link.item.statusLists.first;
    while (list != null) {
      if (isAt(list.item.fetched.location, location)) return link.item.keys!.source!.keys;
      list = list.next;
    }
    link = link.next;
  }
  return null;
}

/** True while a document that was taken is by a key that still counts: a list goes with the key that has signed it. */
export function isStillSigned(location: Location, policy: Policy | null, contents: Contents): bool {
  if (location.content != Content.StatusList) return true;
  startJudging(contentName(location.content), location.cluster, location.path);
  const signers = signersOf(policy, location);
  if (signers == null) return refuseText(0, "the keys of its issuer, to be checked with");
  let link = signers.keys.first;
  while (link != null) {
    if (equals(link.item.publicKey, contents.proof)) return true;
    link = link.next;
  }
  return refuseText(0, "a list that a key has signed which the issuer still has");
}

function isAt(one: Location | null, other: Location): bool {
  return one != null && one.equals(other);
}

/** Good now, by what it says itself. */
function isInTime(contents: Contents, now: i64): bool {
  const seconds = now / 1000;
  const iat = document.member(ROOT, "iat");
  const exp = document.member(ROOT, "exp");
  const ttl = document.member(ROOT, "ttl");
  if (iat != NO_NODE && !(numberOf(iat) >= 0 && numberOf(iat) <= seconds + CLOCK_SKEW))
    return refuse(document, iat, "seconds since 1970, not ahead");
  if (exp != NO_NODE && numberOf(exp) <= seconds) return refuse(document, exp, "seconds since 1970, ahead");
  if (ttl != NO_NODE && numberOf(ttl) < 1) return refuse(document, ttl, "a number of seconds");
  contents.version = iat == NO_NODE ? 0 : numberOf(iat);
  contents.endsAt = exp == NO_NODE ? 0 : numberOf(exp) * 1000;
  contents.refreshHint = ttl == NO_NODE ? 0 : numberOf(ttl);
  return true;
}

/** https://datatracker.ietf.org/doc/draft-ietf-oauth-status-list/ */
function readStatusList(location: Location, contents: Contents, region: Region): bool {
  const sub = document.member(ROOT, "sub");
  if (!equals(document.stringOf(sub), location.subject))
    return refuse(document, ROOT, 'the "uri" of the policy as its "sub"');
  if (document.member(ROOT, "iat") == NO_NODE) return refuse(document, ROOT, '"iat"');
  const list = document.member(ROOT, "status_list");
  const compressed = decodeBase64url(document.stringOf(document.member(list, "lst")));
  const bytes = inflate(compressed, MAX_LIST_BYTES);
  if (lengthOf(bytes) == 0)
    return refuse(document, ROOT, '"status_list" with a "lst" that is zlib in base64url, of at most 1 MiB');
  contents.proof = region.copy(VerifiedClaims.provenBy());
  contents.statuses = StatusList.make(numberOf(document.member(list, "bits")), region.copy(bytes), region);
  return contents.statuses != null || refuse(document, list, '"bits" of 1, 2, 4 or 8');
}

/** -1 for anything but a whole number. */
function numberOf(node: JsonNode): i64 {
  return document.kind(node) == JsonKind.Number ? parseDecimal(document.textOf(node)) : -1;
}
