// How proofs of possession are judged.  https://www.rfc-editor.org/rfc/rfc9449

import { ascii, makeForever } from "../host/arena";
import { Span, ABSENT, equalsAscii, lengthOf } from "../host/span";
import { line, startLine, writeAscii, writeBytes } from "../host/writer";
import { JsonKind, JsonNode, NO_NODE, ROOT } from "../text/json";
import { HttpUri } from "../text/uri";
import { isPlainAuthority } from "./authority";
import { Dpop, Policy } from "./policy";
import { REFUSED, document, hasOnly, isText, orParent, readChoice, readDuration, region } from "./reader";
import { refuse } from "./refusal";

const MEMBERS = ascii("origins maxAge nonce");
/** In the order of `isNonceRequired`. */
const NONCES = ascii("afterStart always");
const DEFAULT_MAX_AGE: i64 = 60;
const LONGEST_MAX_AGE: i64 = 300;
const MAX_ORIGINS: i32 = 64;

const uri = makeForever<HttpUri>();

export function readDpop(policy: Policy): bool {
  const node = document.member(ROOT, "dpop");
  if (node == NO_NODE) return true;
  const dpop = Dpop.make(region);
  policy.dpop = dpop;
  if (!hasOnly(node, MEMBERS)) return false;
  dpop.maxAge = readDuration(node, "maxAge", DEFAULT_MAX_AGE);
  if (dpop.maxAge < 1 || dpop.maxAge > LONGEST_MAX_AGE)
    return refuse(document, document.member(node, "maxAge"), 'a duration from "1s" to "5m"');
  const nonce = readChoice(node, "nonce", NONCES, 'when a nonce is asked for: "afterStart" or "always"');
  if (nonce == REFUSED) return false;
  dpop.isNonceRequired = nonce == 1;
  return readOrigins(dpop, orParent(document.member(node, "origins"), node));
}

function readOrigins(dpop: Dpop, node: JsonNode): bool {
  dpop.isRouted = equalsAscii(document.stringOf(node), "routed");
  if (dpop.isRouted) return true;
  if (document.kind(node) != JsonKind.Array || document.firstIn(node) == NO_NODE)
    return refuse(
      document,
      node,
      '"origins": what clients call the service by, such as ["https://orders.example"]; or "routed": the host that Envoy routes by',
    );
  if (document.countIn(node) > MAX_ORIGINS) return refuse(document, node, "at most 64 origins");
  for (let n = document.firstIn(node); n != NO_NODE; n = document.nextIn(node, n)) {
    const origin = isText(n) ? originOf(document.stringOf(n)) : ABSENT;
    if (origin == ABSENT)
      return refuse(
        document,
        n,
        'an origin such as "https://orders.example": scheme, host, perhaps a port, and no path',
      );
    dpop.origins.append(region.copy(origin), region);
  }
  return true;
}

/** `scheme://authority` in its normal form; absent when it is anything else. */
function originOf(text: Span): Span {
  if (!uri.read(text) || !isPlainAuthority(uri.authority) || lengthOf(uri.path) != 1) return ABSENT;
  startLine();
  writeBytes(uri.scheme);
  writeAscii("://");
  writeBytes(uri.authority);
  return line();
}
