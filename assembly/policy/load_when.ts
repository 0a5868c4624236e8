// A rule's `when`: which requests it takes.

import { ascii } from "../host/arena";
import { Span, ABSENT, byteAt, indexOf, lengthOf, slice } from "../host/span";
import { Char, isLetterOrDigit } from "../text/ascii";
import { escapedByte } from "../text/percent";
import { JsonNode, NO_NODE } from "../text/json";
import { isPlainAuthority } from "./authority";
import { isMethod } from "./method";
import { decodePath, isAmbiguousPath } from "./path";
import { Rule } from "./policy";
import { document, hasOnly, readStrings, region } from "./reader";
import { refuse } from "./refusal";

const WHEN_MEMBERS = ascii("path pathPrefix methods authority");
/** What has no place in a path that is compared as it stands: the query, parameters, and what looks like a pattern. */
const NOT_IN_PATHS = ascii("?;*{}");

export function readWhen(rule: Rule, node: JsonNode): bool {
  if (node == NO_NODE) return true;
  if (!hasOnly(node, WHEN_MEMBERS)) return false;
  return (
    readPath(rule, node) && readPathPrefix(rule, node) && readMethods(rule, node) && readAuthority(rule, node)
  );
}

function readPath(rule: Rule, node: JsonNode): bool {
  const path = document.member(node, "path");
  if (path == NO_NODE) return true;
  const text = document.stringOf(path);
  if (!isRulePath(text)) return refusePath(path);
  rule.path = region.copy(text);
  rule.decodedPath = region.copy(decodePath(text, false));
  return true;
}

function readPathPrefix(rule: Rule, node: JsonNode): bool {
  const prefix = document.member(node, "pathPrefix");
  if (prefix == NO_NODE) return true;
  if (rule.path != ABSENT) return refuse(document, prefix, 'either "path" or "pathPrefix"');
  const text = document.stringOf(prefix);
  if (!isRulePath(text)) return refusePath(prefix);
  const last = lengthOf(text) - 1;
  const bare = byteAt(text, last) == Char.Slash ? slice(text, 0, last) : text;
  rule.pathPrefix = region.copy(bare);
  rule.decodedPathPrefix = region.copy(decodePath(bare, false));
  return true;
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

function readMethods(rule: Rule, node: JsonNode): bool {
  const methods = document.member(node, "methods");
  if (methods == NO_NODE) return true;
  if (!readStrings(node, "methods", rule.methods)) return false;
  for (let n = document.firstIn(methods); n != NO_NODE; n = document.nextIn(methods, n)) {
    if (!isMethod(document.stringOf(n)))
      return refuse(document, n, 'an HTTP method in capital letters, such as "GET"');
  }
  return true;
}

function readAuthority(rule: Rule, node: JsonNode): bool {
  const authority = document.member(node, "authority");
  if (authority == NO_NODE) return true;
  const text = document.stringOf(authority);
  if (!isPlainAuthority(text))
    return refuse(document, authority, 'a host with or without port, such as "orders.example"');
  rule.authority = region.copy(text);
  return true;
}
