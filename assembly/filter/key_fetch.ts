// Asks key servers, and takes in what they answer. Whatever goes wrong, the keys in force stay as they are.

import { ascii, makeForever } from "../host/arena";
import { NO_CALL, readCallBody, readCallHeaders } from "../host/call";
import { PairReader } from "../host/pairs";
import { Span, ABSENT, equalsAscii, lengthOf } from "../host/span";
import { KeyLocation, KeySource, MAX_ETAG_BYTES } from "../policy/key_source";
import { KeySet, readKeySet } from "../policy/key_set";
import { refuse, refuseText, startJudging } from "../policy/refusal";
import { freshness } from "../text/cache_control";
import { parseDecimal } from "../text/decimal";
import { JsonDocument, NO_NODE, ROOT } from "../text/json";
import { parseJson, stoppedAt } from "../text/json_parser";
import { Event, countEvent, countEvents } from "../telemetry/events";
import { logKeysFailed, logKeysInForce, logKeysRefused } from "../telemetry/key_log";
import { addHeader, sendRequest, startRequest } from "./http_request";
import { chance } from "./random";

/** Bytes of a JWKS document, at most. */
const MAX_BODY: i32 = 1024 * 1024;

const STATUS_OK: i64 = 200;
const STATUS_NOT_MODIFIED: i64 = 304;

const GET = ascii("GET");
const JSON_TYPES = ascii("application/jwk-set+json, application/json");
const IF_NONE_MATCH = ascii("if-none-match");

/** What is read of an answer's head. */
@unmanaged
class AnswerHead {
  status: i64;
  etag: Span;
  cacheControl: Span;
  age: i64;
}

const head = makeForever<AnswerHead>();
const pairs = makeForever<PairReader>();

/** Asks for the keys, in the name of the root context `root`. */
export function fetchKeys(source: KeySource, root: u32, now: i64): void {
  const location = source.location;
  if (location == null) return;
  const call = send(location, source.etag);
  if (call != NO_CALL) return source.asked(root, call, now);
  source.fail(now, chance());
  countEvent(Event.KeysFailed);
  logKeysFailed(location, 0);
}

/** Takes in the answer that the running callback is about. True when other keys may be in force now. */
export function takeKeys(source: KeySource, bodySize: i32, now: i64): bool {
  const location = source.location;
  if (location == null) return false;
  readHead();
  if (head.status == STATUS_NOT_MODIFIED && source.keys != null && source.etag != ABSENT) {
    source.confirm(now, freshFor(source.keys!), chance());
    countEvent(Event.KeysConfirmed);
    return false;
  }
  if (head.status != STATUS_OK) {
    source.fail(now, chance());
    countEvent(Event.KeysFailed);
    logKeysFailed(location, head.status);
    return false;
  }
  const keys = readDocument(source, location, bodySize);
  if (keys == null) {
    source.fail(now, chance());
    countEvent(Event.KeysRefused);
    logKeysRefused();
    return false;
  }
  takeDocument(source, location, keys, now);
  return true;
}

function takeDocument(source: KeySource, location: KeyLocation, keys: KeySet, now: i64): void {
  // The first keys are news; that they are still there is not.
  if (source.keys == null) logKeysInForce(location, keys);
  source.replace(keys);
  source.noteEtag(lengthOf(head.etag) <= MAX_ETAG_BYTES ? head.etag : ABSENT);
  source.confirm(now, freshFor(keys), chance());
  countEvent(Event.KeysFetched);
  countEvents(Event.KeysPassedOver, keys.passedOver);
}

function send(location: KeyLocation, etag: Span): u32 {
  const isConditional = etag != ABSENT;
  startRequest(GET, location.path, location.authority, JSON_TYPES, isConditional ? 1 : 0);
  if (isConditional) addHeader(IF_NONE_MATCH, etag);
  return sendRequest(location.cluster, ABSENT);
}

function readHead(): void {
  head.status = 0;
  head.etag = ABSENT;
  head.cacheControl = ABSENT;
  head.age = 0;
  pairs.start(readCallHeaders());
  while (pairs.next()) {
    if (equalsAscii(pairs.name, ":status")) head.status = parseDecimal(pairs.value);
    else if (equalsAscii(pairs.name, "etag")) head.etag = pairs.value;
    else if (equalsAscii(pairs.name, "cache-control")) head.cacheControl = pairs.value;
    else if (equalsAscii(pairs.name, "age")) head.age = max<i64>(0, parseDecimal(pairs.value));
  }
  if (!pairs.ok) head.status = 0;
}

/** Seconds that the answer is good, by what the server and the bundle say; negative when neither says anything. */
function freshFor(keys: KeySet): i64 {
  const byServer = freshness(head.cacheControl, head.age);
  if (keys.refreshHint == 0) return byServer;
  return byServer < 0 ? keys.refreshHint : min(byServer, keys.refreshHint);
}

/** The keys in the answer's body, in the source's spare room; null when it is refused, and `refusal()` says why. */
function readDocument(source: KeySource, location: KeyLocation, size: i32): KeySet | null {
  startJudging("keys", location.cluster, location.path);
  const body = size > MAX_BODY ? ABSENT : readCallBody(size);
  if (lengthOf(body) == 0) {
    refuseText(0, "a JWK set of at most 1 MiB");
    return null;
  }
  const document = JsonDocument.borrow(body);
  if (document == null || !parseJson(document, body)) {
    refuseText(
      document == null ? 0 : stoppedAt(),
      "strict JSON with no name twice and at most about 130,000 values",
    );
    return null;
  }
  const keys = readKeySet(document, ROOT, location.use, source.roomForNext());
  if (keys == null || !goesBack(source, keys)) return keys;
  const sequence = document.member(ROOT, "spiffe_sequence");
  refuse(document, sequence == NO_NODE ? ROOT : sequence, "a sequence not below that of the bundle in force");
  return null;
}

/** A bundle with a lower sequence is an older one: whoever replays it would bring withdrawn keys back. */
function goesBack(source: KeySource, keys: KeySet): bool {
  const present = source.keys;
  return present != null && keys.sequence < present.sequence;
}
