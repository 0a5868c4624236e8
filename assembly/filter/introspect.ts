// Asks introspection servers about opaque tokens, and takes in what they answer. Nothing is ever asked about a JWT, and no token is
// shown to any server but its issuer's.  https://www.rfc-editor.org/rfc/rfc7662#section-2

import { ascii, copyTo, makeForever, takeSpan } from "../host/arena";
import { NO_CALL, readCallBody, readCallHeaders } from "../host/call";
import { PairReader } from "../host/pairs";
import { Span, ABSENT, addressOf, equalsAscii, lengthOf, sliceFrom } from "../host/span";
import { Table, tableForever } from "../host/table";
import { Reason } from "../decision/reason";
import { Introspector } from "../policy/policy";
import { parseDecimal } from "../text/decimal";
import { encodeFormValue } from "../text/form";
import { JsonKind, ROOT } from "../text/json";
import { Introspections, enforced, observed } from "../token/introspections";
import { UnverifiedToken } from "../token/jws";
import { CachedToken } from "../token/token_table";
import { Event, countEvent } from "../telemetry/events";
import { logIntrospectionFailed } from "../telemetry/introspection_log";
import { TIMEOUT_MS, addHeader, sendRequest, startRequest } from "./http_request";
import { Inquiry } from "./inquiry";
import { MAX_WAIT, NOTHING, callWaiters } from "./waiting";

/** Bytes of an answer, at most; what says something about one token is far smaller. */
const MAX_BODY: i32 = 64 * 1024;
/** Questions under way at one time, in a worker, and of one presenter: random tokens defeat every cache. */
const MAX_ASKED: i32 = 128;
const MAX_OF_ONE: i32 = 16;
/** Questions for observed requests, which may keep none of the others waiting. */
const MAX_OBSERVED: i32 = 16;
/** Presenters whose hashes fall together share what one of them may have. */
const SHARES: i32 = 1024;

const STATUS_OK: i64 = 200;

const POST = ascii("POST");
const JSON_TYPE = ascii("application/json");
const CONTENT_TYPE = ascii("content-type");
const FORM_TYPE = ascii("application/x-www-form-urlencoded");
const AUTHORIZATION = ascii("authorization");
const TOKEN = ascii("token=");
const HINT = ascii("&token_type_hint=access_token");

/** A question under way. */
@unmanaged
class Question {
  /** 0: the place is free. */
  call: u32;
  root: u32;
  /** By which it is known to those who wait for the answer. */
  number: u32;
  entry: CachedToken;
  into: Introspections;
  share: Share;
  /** Seconds. */
  cacheFor: i64;
  /** Milliseconds since 1970. */
  askedAt: i64;
}

@unmanaged
class Share {
  asked: i32;
  /** By which those are known who wait for room in it. */
  turn: u32;
}

const questions: Table<Question> = tableForever<Question>(MAX_ASKED + MAX_OBSERVED);
const shares: Table<Share> = tableForever<Share>(2 * SHARES);
/** Above the numbers of key sources. */
const FIRST_TURN: u32 = 1 << 19;
/** Above those of turns, and never used twice. */
let lastNumber: u32 = 1 << 20;

const pairs = makeForever<PairReader>();
const claims = UnverifiedToken.make();

/** The table for requests that are enforced, or for those that are observed. */
export function introspectionsFor(isObserved: bool): Introspections {
  return isObserved ? observed : enforced;
}

/**
 * Asks about a token: `ok` when an answer is awaited, by the number in the entry that `Introspections.find` then gives.
 * @param inquiry who asks, and when
 */
export function ask(introspector: Introspector, token: Span, inquiry: Inquiry): Reason {
  const question = freeQuestion(inquiry.isObserved);
  const place = (inquiry.isObserved ? SHARES : 0) + <i32>(inquiry.holder & (SHARES - 1));
  const share = shares.at(place);
  if (question == null || share.asked >= MAX_OF_ONE) return waitForTurn(share, inquiry);
  const into = introspectionsFor(inquiry.isObserved);
  const entry = into.reserve(token, introspector.identity, inquiry.holder, ++lastNumber, inquiry.now);
  if (entry == null) return waitForTurn(share, inquiry);
  const body = bodyFor(token);
  const call = body == ABSENT ? NO_CALL : send(introspector, body);
  if (call == NO_CALL) {
    fail(into, entry, 0, inquiry.now);
    return Reason.introspection_unavailable;
  }
  countEvent(Event.IntrospectionAsked);
  share.asked++;
  share.turn = FIRST_TURN + <u32>place;
  question.call = call;
  question.root = inquiry.root;
  question.number = lastNumber;
  question.entry = entry;
  question.into = into;
  question.share = share;
  question.cacheFor = introspector.cacheFor;
  question.askedAt = inquiry.now;
  return Reason.ok;
}

/**
 * No more may be asked now. When a question of the same presenter is answered there is room again, or one of anybody's when it is the
 * whole table that is full.
 */
function waitForTurn(share: Share, inquiry: Inquiry): Reason {
  let turn = share.asked > 0 ? share.turn : NOTHING;
  for (let i = 0; turn == NOTHING && i < questions.capacity; i++) {
    if (questions.at(i).call != NO_CALL) turn = questions.at(i).share.turn;
  }
  inquiry.waitFor(turn, inquiry.now + MAX_WAIT, Reason.introspection_busy);
  return Reason.introspection_busy;
}

/**
 * Takes in the answer that the running callback is about. Whoever waits for it is called.
 * @param now milliseconds since 1970
 */
export function takeIntrospection(root: u32, call: u32, bodySize: i32, now: i64): void {
  const question = questionAsked(root, call);
  if (question == null) return;
  question.call = NO_CALL;
  question.share.asked--;
  const status = readStatus();
  const isTaken =
    status == STATUS_OK &&
    readAnswer(bodySize) &&
    question.into.answer(question.entry, claims, now, question.cacheFor);
  if (!isTaken) fail(question.into, question.entry, status, now);
  callWaiters(question.share.turn, false);
  callWaiters(question.number, !isTaken);
}

/** A root context has ended, and no answer will reach it: whoever waits for one is called, and may ask anew. */
export function forgetIntrospectionsOf(root: u32): void {
  for (let i = 0; i < questions.capacity; i++) {
    const question = questions.at(i);
    if (question.call != NO_CALL && question.root == root) forget(question, false);
  }
}

/** Gives up questions that Envoy has not answered long after it should have. */
export function forgetLostIntrospections(now: i64): void {
  for (let i = 0; i < questions.capacity; i++) {
    const question = questions.at(i);
    if (question.call != NO_CALL && now - question.askedAt > 2 * TIMEOUT_MS) forget(question, true);
  }
}

function forget(question: Question, hasFailed: bool): void {
  question.call = NO_CALL;
  question.share.asked--;
  question.into.forget(question.entry);
  callWaiters(question.share.turn, false);
  callWaiters(question.number, hasFailed);
}

function fail(into: Introspections, entry: CachedToken, status: i64, now: i64): void {
  countEvent(Event.IntrospectionFailed);
  logIntrospectionFailed(entry.proof, status, now);
  into.forget(entry);
}

/** A JSON object that says whether the token is active.  RFC 7662, section 2.2 */
function readAnswer(bodySize: i32): bool {
  if (bodySize > MAX_BODY) return false;
  const body = readCallBody(bodySize);
  if (lengthOf(body) == 0 || claims.readAnswer(body) != Reason.ok) return false;
  const active = claims.payload.kind(claims.payload.member(ROOT, "active"));
  return active == JsonKind.True || active == JsonKind.False;
}

function readStatus(): i64 {
  let status: i64 = 0;
  pairs.start(readCallHeaders());
  while (pairs.next()) {
    if (equalsAscii(pairs.name, ":status")) status = parseDecimal(pairs.value);
  }
  return pairs.ok ? status : 0;
}

function freeQuestion(isObserved: bool): Question | null {
  const first = isObserved ? MAX_ASKED : 0;
  const end = isObserved ? questions.capacity : MAX_ASKED;
  for (let i = first; i < end; i++) {
    if (questions.at(i).call == NO_CALL) return questions.at(i);
  }
  return null;
}

function questionAsked(root: u32, call: u32): Question | null {
  for (let i = 0; i < questions.capacity; i++) {
    const question = questions.at(i);
    if (question.call == call && question.root == root) return question;
  }
  return null;
}

function send(introspector: Introspector, body: Span): u32 {
  const isAuthorized = introspector.authorization != ABSENT;
  startRequest(POST, introspector.path, introspector.authority, JSON_TYPE, isAuthorized ? 2 : 1);
  addHeader(CONTENT_TYPE, FORM_TYPE);
  if (isAuthorized) addHeader(AUTHORIZATION, introspector.authorization);
  return sendRequest(introspector.cluster, body);
}

function bodyFor(token: Span): Span {
  const value = encodeFormValue(token);
  const body = takeSpan(lengthOf(TOKEN) + lengthOf(value) + lengthOf(HINT));
  if (body == ABSENT || value == ABSENT) return ABSENT;
  copyTo(addressOf(body), TOKEN);
  copyTo(addressOf(sliceFrom(body, lengthOf(TOKEN))), value);
  copyTo(addressOf(sliceFrom(body, lengthOf(TOKEN) + lengthOf(value))), HINT);
  return body;
}
