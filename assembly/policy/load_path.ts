// What a rule's `when` says of the path: `path`, `pathPrefix`, `pathTemplate` or `grpc`.

import { ascii, copyTo } from "../host/arena";
import {
  Span,
  ABSENT,
  addressOf,
  byteAt,
  equalsAscii,
  indexOf,
  lengthOf,
  setByte,
  slice,
  sliceFrom,
} from "../host/span";
import { Char, isDigit, isLetter, isLetterOrDigit } from "../text/ascii";
import { escapedByte } from "../text/percent";
import { JsonNode, NO_NODE } from "../text/json";
import { decodePath, hasReadings, isAmbiguousPath } from "./path";
import { PathMatch, Rule, Segment, SegmentKind } from "./policy";
import { document, hasOnly, orParent, region } from "./reader";
import { refuse } from "./refusal";
import { MAX_SEGMENTS } from "./template";

const GRPC_MEMBERS = ascii("service method");
/** What has no place in a path that is compared as it stands: the query, parameters, and what looks like a pattern. */
const NOT_IN_PATHS = ascii("?;*{}");

export function readPathCondition(rule: Rule, when: JsonNode): bool {
  return (
    isAlone(when) &&
    readPath(rule, document.member(when, "path")) &&
    readPathPrefix(rule, document.member(when, "pathPrefix")) &&
    readPathTemplate(rule, document.member(when, "pathTemplate")) &&
    readGrpc(rule, document.member(when, "grpc"))
  );
}

function isAlone(when: JsonNode): bool {
  let count = 0;
  for (let n = document.firstIn(when); n != NO_NODE; n = document.nextIn(when, n)) {
    if (!isPathMember(document.textOf(n)) || ++count == 1) continue;
    return refuse(document, n, 'only one of "path", "pathPrefix", "pathTemplate" and "grpc"');
  }
  return true;
}

function isPathMember(name: Span): bool {
  return (
    equalsAscii(name, "path") ||
    equalsAscii(name, "pathPrefix") ||
    equalsAscii(name, "pathTemplate") ||
    equalsAscii(name, "grpc")
  );
}

function readPath(rule: Rule, node: JsonNode): bool {
  if (node == NO_NODE) return true;
  const text = document.stringOf(node);
  if (!isRulePath(text)) return refusePath(node);
  rule.pathMatch = PathMatch.Exact;
  return keepPath(rule, text, node);
}

function readPathPrefix(rule: Rule, node: JsonNode): bool {
  if (node == NO_NODE) return true;
  const text = document.stringOf(node);
  if (!isRulePath(text)) return refusePath(node);
  const last = lengthOf(text) - 1;
  return keepPath(rule, byteAt(text, last) == Char.Slash ? slice(text, 0, last) : text, node);
}

/** Keeps what a rule spells, and what it means. */
function keepPath(rule: Rule, text: Span, node: JsonNode): bool {
  rule.path = region.copy(text);
  rule.decodedPath = decoded(rule.path);
  return hasRoom(rule.path, rule.decodedPath, node);
}

/** @param text in the region */
function decoded(text: Span): Span {
  return hasReadings(text) ? region.copy(decodePath(text, false)) : text;
}

/** A rule without its meaning would take other requests than its author thinks. */
function hasRoom(text: Span, meaning: Span, node: JsonNode): bool {
  return (
    text == ABSENT ||
    meaning != ABSENT ||
    refuse(document, node, "a shorter policy: there is no memory left to decode this path")
  );
}

function readPathTemplate(rule: Rule, node: JsonNode): bool {
  if (node == NO_NODE) return true;
  const text = document.stringOf(node);
  if (byteAt(text, 0) != Char.Slash) return refuseTemplate(node);
  rule.pathMatch = PathMatch.Template;
  let head = -1;
  for (let start = 0, end = 0; start < lengthOf(text); start = end) {
    const slash = indexOf(text, Char.Slash, start + 1);
    end = slash < 0 ? lengthOf(text) : slash;
    const segment = region.make<Segment>();
    if (!readSegment(segment, slice(text, start, end), slash < 0)) return refuseTemplate(node);
    if (!hasRoom(segment.text, segment.decodedText, node)) return false;
    if (head < 0 && segment.kind != SegmentKind.Literal) head = start;
    if (rule.segments.count == MAX_SEGMENTS) return refuse(document, node, "at most 32 segments");
    rule.segments.append(segment, region);
  }
  if (head < 0) return refuse(document, node, 'a segment in braces; without any, "path" says it');
  return keepPath(rule, slice(text, 0, head), node);
}

/** @param text with the slash before it */
function readSegment(segment: Segment, text: Span, isLast: bool): bool {
  const name = sliceFrom(text, 1);
  if (byteAt(name, 0) == Char.OpeningBrace) {
    segment.kind = kindOf(name);
    return segment.kind == SegmentKind.Any || (segment.kind == SegmentKind.Rest && isLast);
  }
  if (!isRulePath(text) || (name == ABSENT && !isLast)) return false;
  segment.text = region.copy(name);
  segment.decodedText = decoded(segment.text);
  return true;
}

/** Of a segment in braces; Literal for what is none. */
function kindOf(text: Span): SegmentKind {
  if (equalsAscii(text, "{**}")) return SegmentKind.Rest;
  if (equalsAscii(text, "{*}")) return SegmentKind.Any;
  const last = lengthOf(text) - 1;
  if (last < 2 || byteAt(text, last) != Char.ClosingBrace) return SegmentKind.Literal;
  for (let i = 1; i < last; i++) {
    const byte = byteAt(text, i);
    if (!isLetterOrDigit(byte) && byte != Char.Underscore && byte != Char.Dash) return SegmentKind.Literal;
  }
  return SegmentKind.Any;
}

/** The path that gRPC makes of service and method.  https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md */
function readGrpc(rule: Rule, node: JsonNode): bool {
  if (node == NO_NODE) return true;
  if (!hasOnly(node, GRPC_MEMBERS)) return false;
  const service = document.member(node, "service");
  if (!isFullName(document.stringOf(service)))
    return refuse(
      document,
      orParent(service, node),
      'the full name of a gRPC service, such as "shop.v1.Orders"',
    );
  const method = document.member(node, "method");
  if (method != NO_NODE && !isIdentifier(document.stringOf(method)))
    return refuse(document, method, 'the name of a method, such as "Get"; without "method", all of them');
  if (method != NO_NODE) rule.pathMatch = PathMatch.Exact;
  rule.path = joinPath(document.stringOf(service), document.stringOf(method));
  rule.decodedPath = rule.path;
  return true;
}

/** @param method absent: the path that those of all methods lie below */
function joinPath(service: Span, method: Span): Span {
  const end = 1 + lengthOf(service);
  const path = region.reserve(method == ABSENT ? end : end + 1 + lengthOf(method));
  setByte(path, 0, Char.Slash);
  copyTo(addressOf(path) + 1, service);
  if (method == ABSENT) return path;
  setByte(path, end, Char.Slash);
  copyTo(addressOf(path) + end + 1, method);
  return path;
}

/** Identifiers joined by dots.  https://protobuf.dev/reference/protobuf/proto3-spec/#identifiers */
function isFullName(text: Span): bool {
  let start = 0;
  for (let dot = indexOf(text, Char.Dot, 0); dot >= 0; dot = indexOf(text, Char.Dot, start)) {
    if (!isIdentifier(slice(text, start, dot))) return false;
    start = dot + 1;
  }
  return isIdentifier(sliceFrom(text, start));
}

function isIdentifier(text: Span): bool {
  for (let i = 0; i < lengthOf(text); i++) {
    const byte = byteAt(text, i);
    if (!isLetter(byte) && byte != Char.Underscore && (i == 0 || !isDigit(byte))) return false;
  }
  return lengthOf(text) > 0;
}

function isRulePath(text: Span): bool {
  for (let i = 0; i < lengthOf(NOT_IN_PATHS); i++) {
    if (indexOf(text, byteAt(NOT_IN_PATHS, i), 0) >= 0) return false;
  }
  return !isAmbiguousPath(text) && !hasOddEscape(text);
}

/** An escape that nobody needs (RFC 3986, section 2.3), or one that some server cuts the path at, so that no rule could decide. */
function hasOddEscape(text: Span): bool {
  for (let i = indexOf(text, Char.Percent, 0); i >= 0; i = indexOf(text, Char.Percent, i + 1)) {
    if (isOddEscaped(escapedByte(text, i))) return true;
  }
  return false;
}

function isOddEscaped(byte: i32): bool {
  switch (byte) {
    case Char.Dash:
    case Char.Dot:
    case Char.Underscore:
    case Char.Tilde:
    case Char.Semicolon:
    case Char.QuestionMark:
    case Char.Hash:
      return true;
    default:
      return isLetterOrDigit(byte);
  }
}

function refusePath(node: JsonNode): bool {
  return refuse(
    document,
    node,
    'a plain path such as "/orders": no query, parameters, patterns, needless escapes, empty or dot segments',
  );
}

function refuseTemplate(node: JsonNode): bool {
  return refuse(
    document,
    node,
    'a plain path with whole segments in braces, such as "/orders/{id}": "{*}" is any segment, "{**}" at its end the rest',
  );
}
