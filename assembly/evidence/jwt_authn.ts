// What Envoy's jwt_authn proved, as it stands in the request's dynamic metadata, where no client can write. The values of
// objects and lists lose their types on the way, so claims are read leaf by leaf.
// https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/jwt_authn_filter

import { ascii, makeForever, takeForever, takeSpan } from "../host/arena";
import { readProperty } from "../host/call";
import { List } from "../host/list";
import { PairReader } from "../host/pairs";
import {
  Span,
  ABSENT,
  FAILED,
  byteAt,
  doubleOf,
  equals,
  indexOf,
  lengthOf,
  setByte,
  slice,
  spanOf,
} from "../host/span";
import { Binding, Issuer, Method, Piece, Policy, Proof, Rule } from "../policy/policy";
import { Char } from "../text/ascii";
import { JsonDocument, JsonKind } from "../text/json";

/** Values that one request's claims take, at most. */
const MAX_VALUES: i32 = 256;
/** Entries of `aud` that are read, and members of `cnf` that can be; no token in use comes near. */
const MAX_AUDIENCES: i32 = 32;
const MAX_CNF_MEMBERS: i32 = 16;
/** 10^15: the numbers below it, and only those, are read as dates. */
const MAX_DATE: f64 = 1e15;

const NAMESPACE = ascii("metadata\0filter_metadata\0envoy.filters.http.jwt_authn");
const ISS = ascii("iss");
const AUD = ascii("aud");
const EXP = ascii("exp");
const NBF = ascii("nbf");
const IAT = ascii("iat");
const SUB = ascii("sub");
const JTI = ascii("jti");
const CNF = ascii("cnf");
const TYP = ascii("typ");
const NONCE = ascii("nonce");
const AT_HASH = ascii("at_hash");
const C_HASH = ascii("c_hash");
const EVENTS = ascii("events");
const TOKEN_USE = ascii("token_use");

const CLIENT_CLAIMS = ascii("client_id\nazp\n");
const ACTOR_CLAIMS = ascii("iss\nact\nact\0sub\nact\0iss\n");
const BOUND_KUBERNETES_CLAIMS = ascii(
  "kubernetes.io\nkubernetes.io\0namespace\nkubernetes.io\0serviceaccount\0name\nkubernetes.io\0pod\0name\n",
);
const FLAT_KUBERNETES_CLAIMS = ascii(
  "kubernetes.io/serviceaccount/namespace\nkubernetes.io/serviceaccount/service-account.name\n",
);

const MAX_PATH_BYTES: i32 = 8 * 1024;
const path = spanOf(takeForever(MAX_PATH_BYTES), MAX_PATH_BYTES);
const members = makeForever<PairReader>();

/** Claims that came from the metadata and from nowhere else: only `collectClaims` makes them. */
@unmanaged
export class MetadataClaims {
  document: JsonDocument;
}

const collected = JsonDocument.forever(MAX_VALUES);
const metadataClaims = makeForever<MetadataClaims>();

/** Whose token jwt_authn verified on this request. */
export const enum Verified {
  /** Envoy could not say. */
  Unknown = 0,
  /** Nobody's whom the policy leaves to jwt_authn. */
  Nobodys = 1,
  /** That of the issuer in `verifiedIssuer`. */
  One = 2,
  /** Those of several issuers: it cannot be said which of them counts. */
  Several = 3,
}

let issuerOfToken: Issuer | null = null;

/** The issuer that `findVerified` found when it said `One`. */
export function verifiedIssuer(): Issuer | null {
  return issuerOfToken;
}

/** Looks at every issuer of the policy that is left to jwt_authn, not only at those that a rule takes. */
export function findVerified(policy: Policy): Verified {
  issuerOfToken = null;
  let found = 0;
  let link = policy.issuers.first;
  while (link != null) {
    const issuer = link.item;
    if (issuer.proof == Proof.JwtAuthn) {
      const iss = readClaim(issuer, ISS, ABSENT);
      if (iss == FAILED) return Verified.Unknown;
      if (equals(issuer.identifier, iss)) {
        issuerOfToken = issuer;
        found++;
      }
    }
    link = link.next;
  }
  if (found == 0) return Verified.Nobodys;
  return found == 1 ? Verified.One : Verified.Several;
}

/**
 * True when jwt_authn left anything behind: a token was there, also when nothing in the policy speaks of it. What Envoy has and
 * cannot hand over (it does not serialise null) is something, too.
 */
export function leftAnything(): bool {
  return readProperty(NAMESPACE) != ABSENT;
}

/**
 * The claims that this rule, and where some tokens were taken back the policy, can ask for, as one flat object, valid until the next call. Null when they are too many: a claim that
 * was left out would read as one that is not there.
 */
export function collectClaims(issuer: Issuer, rule: Rule, areRevoked: bool): MetadataClaims | null {
  collected.clear();
  const root = collected.add(JsonKind.Object, ABSENT);
  collectConfirmation(issuer);
  collectAudience(issuer);
  collectDate(issuer, EXP);
  collectDate(issuer, NBF);
  collectDate(issuer, IAT);
  collectText(issuer, TYP);
  collectText(issuer, NONCE);
  collectText(issuer, AT_HASH);
  collectText(issuer, C_HASH);
  collectText(issuer, EVENTS);
  collectText(issuer, TOKEN_USE);
  if (areRevoked) collectText(issuer, JTI);
  if (areRevoked || rule.bind.bindsByDefault) collectText(issuer, SUB);
  if (rule.bind.rotation != null) collectText(issuer, rule.bind.rotation!.claim);
  collectFor(issuer, rule.bind.bindings);
  collectForCrossings(issuer);
  collected.close(root);
  metadataClaims.document = collected;
  if (collected.isCut) return null;
  return metadataClaims;
}

/** What may have to hold across a border. */
function collectForCrossings(issuer: Issuer): void {
  let link = issuer.crossings.first;
  while (link != null) {
    collectFor(issuer, link.item.bind.bindings);
    link = link.next;
  }
}

/** What these bindings look at. */
function collectFor(issuer: Issuer, bindings: List<Binding>): void {
  let link = bindings.first;
  while (link != null) {
    const binding = link.item;
    if (binding.method == Method.Claim) collectText(issuer, binding.claim);
    if (binding.method == Method.Template) collectPieces(issuer, binding.pieces);
    if (binding.method == Method.Client) collectEach(issuer, CLIENT_CLAIMS);
    if (binding.method == Method.Actor) collectEach(issuer, ACTOR_CLAIMS);
    if (binding.method == Method.Kubernetes) {
      collectEach(issuer, BOUND_KUBERNETES_CLAIMS);
      collectEach(issuer, FLAT_KUBERNETES_CLAIMS);
    }
    if (binding.network != null && binding.network!.addressClaim != ABSENT)
      collectText(issuer, binding.network!.addressClaim);
    collectFor(issuer, binding.alternatives);
    link = link.next;
  }
}

function collectPieces(issuer: Issuer, pieces: List<Piece>): void {
  let link = pieces.first;
  while (link != null) {
    if (link.item.claim != ABSENT) collectText(issuer, link.item.claim);
    link = link.next;
  }
}

/** @param claims paths, each ended by a line feed */
function collectEach(issuer: Issuer, claims: Span): void {
  for (let start = 0; start < lengthOf(claims);) {
    const end = indexOf(claims, Char.LineFeed, start);
    collectText(issuer, slice(claims, start, end));
    start = end + 1;
  }
}

function collectText(issuer: Issuer, claim: Span): void {
  const value = readClaim(issuer, claim, ABSENT);
  if (value == ABSENT) return;
  collected.add(JsonKind.Name, claim);
  addText(value);
}

function collectDate(issuer: Issuer, claim: Span): void {
  const value = readClaim(issuer, claim, ABSENT);
  if (value == ABSENT) return;
  collected.add(JsonKind.Name, claim);
  collected.add(JsonKind.Number, wholeNumber(doubleOf(value)));
}

function collectAudience(issuer: Issuer): void {
  const first = readClaim(issuer, AUD, digits(0));
  if (first == ABSENT) return collectText(issuer, AUD);
  collected.add(JsonKind.Name, AUD);
  const list = collected.add(JsonKind.Array, ABSENT);
  addText(first);
  for (let i = 1; i < MAX_AUDIENCES; i++) {
    const value = readClaim(issuer, AUD, digits(i));
    if (value == ABSENT) break;
    addText(value);
  }
  collected.close(list);
}

/** All members, so that one which nobody here can prove is seen; what is no object is noted as null. */
function collectConfirmation(issuer: Issuer): void {
  const object = readClaim(issuer, CNF, ABSENT);
  if (object == ABSENT) return;
  collected.add(JsonKind.Name, CNF);
  if (!isReadableObject(object)) {
    collected.add(JsonKind.Null, ABSENT);
    return;
  }
  const node = collected.add(JsonKind.Object, ABSENT);
  members.start(object);
  while (members.next()) {
    collected.add(JsonKind.Name, members.name);
    addText(members.value);
  }
  collected.close(node);
}

function isReadableObject(object: Span): bool {
  let count = 0;
  members.start(object);
  while (members.next()) count++;
  return members.ok && count <= MAX_CNF_MEMBERS;
}

/** A claim that Envoy could not hand over, or that is empty, is there all the same: null, which no check accepts. */
function addText(value: Span): void {
  const isText = lengthOf(value) > 0;
  collected.add(isText ? JsonKind.String : JsonKind.Null, isText ? value : ABSENT);
}

/** @param element of a list, in decimal; or absent */
function readClaim(issuer: Issuer, claim: Span, element: Span): Span {
  let length = append(NAMESPACE, 0);
  length = append(issuer.metadataKey, separated(length));
  length = append(claim, separated(length));
  if (element != ABSENT) length = append(element, separated(length));
  return length > MAX_PATH_BYTES ? FAILED : readProperty(slice(path, 0, length));
}

function append(part: Span, at: i32): i32 {
  for (let i = 0; i < lengthOf(part); i++) setByte(path, at + i, byteAt(part, i));
  return at + lengthOf(part);
}

function separated(at: i32): i32 {
  setByte(path, at, 0);
  return at + 1;
}

function digits(index: i32): Span {
  return wholeNumber(<f64>index);
}

/** A whole number from 0 to 10^15 in decimal; absent for any other, which then reads as no number at all. */
function wholeNumber(value: f64): Span {
  if (!(value >= 0 && value < MAX_DATE) || Math.floor(value) != value) return ABSENT;
  let rest = <i64>value;
  let length = 1;
  for (let bound: i64 = 10; rest >= bound; bound *= 10) length++;
  const text = takeSpan(length);
  for (let i = length - 1; i >= 0; i--) {
    setByte(text, i, Char.Zero + <i32>(rest % 10));
    rest /= 10;
  }
  return text;
}
