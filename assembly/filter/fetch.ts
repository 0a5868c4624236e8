// Asks servers for what policies need, and takes in what they answer. Whatever goes wrong, what is in force stays as it is.

import { ascii, makeForever } from "../host/arena";
import { NO_CALL, readCallBody, readCallHeaders } from "../host/call";
import { PairReader } from "../host/pairs";
import { Span, ABSENT, equals, equalsAscii, lengthOf } from "../host/span";
import { Policy } from "../policy/policy";
import { Content, Contents, Location, MAX_ETAG_BYTES, Source } from "../policy/source";
import { freshness } from "../text/cache_control";
import { parseDecimal } from "../text/decimal";
import { Event, FetchStep, countEvents, countFetch } from "../telemetry/events";
import { logFetchFailed, logFetchRefused, logFirstContents } from "../telemetry/fetch_log";
import { isStillSigned, readContents } from "./contents";
import { addHeader, sendRequest, startRequest } from "./http_request";
import { chance } from "./random";

/** Bytes of a document, at most. */
const MAX_BODY: i32 = 1024 * 1024;

const STATUS_OK: i64 = 200;
const STATUS_NOT_MODIFIED: i64 = 304;

const GET = ascii("GET");
const KEY_TYPES = ascii("application/jwk-set+json, application/json");
const STATUS_TYPES = ascii("application/statuslist+jwt");
const FEED_TYPES = ascii("application/jwt, application/jose, application/json");
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

/** Asks for the document, in the name of the root context `root`. */
export function fetch(source: Source, root: u32, now: i64): void {
  const location = source.location;
  if (location == null) return;
  const call = send(location, source.etag);
  if (call != NO_CALL) return source.asked(root, call, now);
  head.status = 0;
  fail(source, location, FetchStep.Failed, now);
}

/** Takes in the answer that the running callback is about. True when what is in force may be another now. @param policy for which it was asked */
export function takeContents(source: Source, policy: Policy | null, bodySize: i32, now: i64): bool {
  const location = source.location;
  if (location == null) return false;
  readHead();
  const present = source.contents;
  if (head.status == STATUS_NOT_MODIFIED && present != null && source.etag != ABSENT) {
    if (isStillSigned(location, policy, present)) confirm(source, location, present, now);
    else askForWhole(source, location, now);
    return false;
  }
  if (head.status != STATUS_OK) {
    fail(source, location, FetchStep.Failed, now);
    return false;
  }
  const body = bodySize > MAX_BODY ? ABSENT : readCallBody(bodySize);
  const oldest = present == null ? i64.MIN_VALUE : present.version;
  const next = readContents(location, policy, body, source.roomForNext(), oldest, now);
  if (next == null) {
    fail(source, location, FetchStep.Refused, now);
    return false;
  }
  // The same as before, by its own word: whoever writes another has to give it another version.
  if (present != null && isSame(present, next)) {
    confirm(source, location, present, now);
    return false;
  }
  replace(source, location, next, now);
  return true;
}

function isSame(present: Contents, next: Contents): bool {
  if (next.version != present.version || next.endsAt != present.endsAt) return false;
  if (next.statuses != null && present.statuses != null)
    return next.statuses!.equals(present.statuses!) && equals(next.proof, present.proof);
  return next.revocations != null;
}

/** What is there is confirmed, and not by anybody who still counts: it has to come whole, and be checked again. */
function askForWhole(source: Source, location: Location, now: i64): void {
  source.forgetEtag();
  fail(source, location, FetchStep.Refused, now);
}

function replace(source: Source, location: Location, next: Contents, now: i64): void {
  // The first contents are news; that there are some is not.
  if (source.contents == null) logFirstContents(location, next);
  source.replace(next);
  source.noteEtag(lengthOf(head.etag) <= MAX_ETAG_BYTES ? head.etag : ABSENT);
  source.confirm(now, freshFor(next), chance());
  countFetch(location.content, FetchStep.Fetched);
  if (next.keys != null) countEvents(Event.KeysPassedOver, next.keys!.passedOver);
}

function confirm(source: Source, location: Location, present: Contents, now: i64): void {
  source.confirm(now, freshFor(present), chance());
  countFetch(location.content, FetchStep.Confirmed);
}

/** There was no answer, or none to use. */
function fail(source: Source, location: Location, step: FetchStep, now: i64): void {
  source.fail(now, chance());
  countFetch(location.content, step);
  if (step == FetchStep.Refused) logFetchRefused();
  else logFetchFailed(location, head.status);
}

function send(location: Location, etag: Span): u32 {
  const isConditional = etag != ABSENT;
  startRequest(GET, location.path, location.authority, typesOf(location.content), isConditional ? 1 : 0);
  if (isConditional) addHeader(IF_NONE_MATCH, etag);
  return sendRequest(location.cluster, ABSENT);
}

function typesOf(content: Content): Span {
  switch (content) {
    case Content.Revocations:
      return FEED_TYPES;
    case Content.StatusList:
      return STATUS_TYPES;
    default:
      return KEY_TYPES;
  }
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

/** Seconds that the answer is good, by what the server and the document say; negative when neither says anything. */
function freshFor(contents: Contents): i64 {
  const byServer = freshness(head.cacheControl, head.age);
  if (contents.refreshHint == 0) return byServer;
  return byServer < 0 ? contents.refreshHint : min(byServer, contents.refreshHint);
}
