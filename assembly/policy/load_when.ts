// A rule's `when`: which requests it takes.

import { ascii } from "../host/arena";
import { List } from "../host/list";
import { Span, equalsAscii } from "../host/span";
import { JsonNode, NO_NODE } from "../text/json";
import { isPlainAuthority } from "./authority";
import { headerBit } from "./header_names";
import { readPathCondition } from "./load_path";
import { isMethod } from "./method";
import { Policy, Rule } from "./policy";
import { document, hasOnly, isHeaderName, readStrings, region } from "./reader";
import { refuse } from "./refusal";

const WHEN_MEMBERS = ascii("path pathPrefix pathTemplate grpc methods authority headers");
/** Headers of one rule, at most. */
const MAX_HEADERS: i32 = 8;

export function readWhen(rule: Rule, node: JsonNode, policy: Policy): bool {
  if (node == NO_NODE) return true;
  if (!hasOnly(node, WHEN_MEMBERS)) return false;
  return (
    readPathCondition(rule, node) &&
    readMethods(rule, node) &&
    readAuthority(rule, node) &&
    readHeaders(rule, node, policy)
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

function readHeaders(rule: Rule, node: JsonNode, policy: Policy): bool {
  const list = document.member(node, "headers");
  const names = region.make<List<Span>>();
  if (!readStrings(node, "headers", names)) return false;
  if (names.count > MAX_HEADERS) return refuse(document, list, "at most 8 headers");
  let link = names.first;
  for (let n = document.firstIn(list); n != NO_NODE && link != null; n = document.nextIn(list, n)) {
    if (!isNeededHeader(link.item))
      return refuse(document, n, 'a header name in lower case, other than "authorization" and "host"');
    const bit = headerBit(policy.headerNames, link.item, region);
    if (bit == 0) return refuse(document, n, "at most 64 different headers in the rules of a policy");
    rule.neededHeaders |= bit;
    link = link.next;
  }
  return true;
}

/** Envoy hands `host` over as the authority. */
function isNeededHeader(name: Span): bool {
  return isHeaderName(name) && !equalsAscii(name, "host");
}
