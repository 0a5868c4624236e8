// How proofs of possession are judged: the policy's `dpop` and `wpt`.
// https://www.rfc-editor.org/rfc/rfc9449  https://datatracker.ietf.org/doc/draft-ietf-wimse-wpt/01/

import { ascii, makeForever } from "../host/arena";
import { List } from "../host/list";
import { Span, ABSENT, byteAt, equalsAscii, indexOf, lengthOf, slice } from "../host/span";
import { Char } from "../text/ascii";
import { JsonKind, JsonNode, NO_NODE, ROOT } from "../text/json";
import { HttpUri } from "../text/uri";
import { isPlainAuthority } from "./authority";
import { Dpop, Policy, Wpt } from "./policy";
import {
  REFUSED,
  document,
  hasOnly,
  isName,
  isText,
  orParent,
  readChoice,
  readDuration,
  readStrings,
  region,
} from "./reader";
import { refuse } from "./refusal";

const DPOP_MEMBERS = ascii("origins maxAge nonce nonceSecretFrom");
const WPT_MEMBERS = ascii("origins audiences maxLifetime");
/** In the order of `isNonceRequired`. */
const NONCES = ascii("afterStart always");
/** Seconds. */
const DEFAULT_WINDOW: i64 = 60;
const LONGEST_WINDOW: i64 = 300;
const MAX_ORIGINS: i32 = 64;

const uri = makeForever<HttpUri>();

export function readDpop(policy: Policy): bool {
  const node = document.member(ROOT, "dpop");
  if (node == NO_NODE) return true;
  const dpop = Dpop.make(region);
  policy.dpop = dpop;
  if (!hasOnly(node, DPOP_MEMBERS)) return false;
  dpop.maxAge = readWindow(node, "maxAge");
  if (dpop.maxAge == 0) return false;
  const nonce = readChoice(node, "nonce", NONCES, 'when a nonce is asked for: "afterStart" or "always"');
  if (nonce == REFUSED) return false;
  dpop.isNonceRequired = nonce == 1;
  const secret = document.member(node, "nonceSecretFrom");
  if (secret != NO_NODE && !isName(document.stringOf(secret)))
    return refuse(document, secret, "the name of an environment variable, not the secret itself");
  dpop.nonceSecretFrom = region.copy(document.stringOf(secret));
  dpop.nonceSecretNode = secret;
  const origins = orParent(document.member(node, "origins"), node);
  dpop.isRouted = equalsAscii(document.stringOf(origins), "routed");
  return (
    dpop.isRouted ||
    readOrigins(
      dpop.origins,
      origins,
      '"origins": what clients call the service by, such as ["https://orders.example"]; or "routed": the host that Envoy routes by',
    )
  );
}

export function readWpt(policy: Policy): bool {
  const node = document.member(ROOT, "wpt");
  if (node == NO_NODE) return true;
  const wpt = Wpt.make(region);
  policy.wpt = wpt;
  if (!hasOnly(node, WPT_MEMBERS)) return false;
  wpt.maxLifetime = readWindow(node, "maxLifetime");
  const origins = document.member(node, "origins");
  const hasAudiences = document.member(node, "audiences") != NO_NODE;
  if (wpt.maxLifetime == 0 || !readStrings(node, "audiences", wpt.audiences)) return false;
  return (
    (origins == NO_NODE && hasAudiences) ||
    readOrigins(
      wpt.origins,
      orParent(origins, node),
      '"origins": what workloads call the service by, such as ["https://orders.example"]; or "audiences": what their proofs are for instead',
    )
  );
}

/** Seconds that a proof is good for; 0 when it is refused. */
function readWindow(node: JsonNode, member: string): i64 {
  const window = readDuration(node, member, DEFAULT_WINDOW);
  if (window >= 1 && window <= LONGEST_WINDOW) return window;
  refuse(document, document.member(node, member), 'a duration from "1s" to "5m"');
  return 0;
}

function readOrigins(origins: List<Span>, node: JsonNode, expected: string): bool {
  if (document.kind(node) != JsonKind.Array || document.firstIn(node) == NO_NODE)
    return refuse(document, node, expected);
  if (document.countIn(node) > MAX_ORIGINS) return refuse(document, node, "at most 64 origins");
  for (let n = document.firstIn(node); n != NO_NODE; n = document.nextIn(node, n)) {
    const origin = isText(n) ? originOf(document.stringOf(n)) : ABSENT;
    if (origin == ABSENT)
      return refuse(
        document,
        n,
        'an origin such as "https://orders.example": scheme, host, perhaps a port, and no path',
      );
    origins.append(region.copy(origin), region);
  }
  return true;
}

/** `scheme://authority` in its normal form; absent when it is anything else. */
function originOf(text: Span): Span {
  return uri.read(text) && isPlainAuthority(afterScheme(text)) ? uri.origin() : ABSENT;
}

/** What stands behind `scheme://`, without a slash at its end: it is compared as it stands, or `https://a/x/..` would pass for an origin. */
function afterScheme(text: Span): Span {
  const start = indexOf(text, Char.Slash, 0) + 2;
  const last = lengthOf(text) - 1;
  return slice(text, start, byteAt(text, last) == Char.Slash ? last : last + 1);
}

/** The variable with the secret is not there, or it is too short to be one. */
export function refuseNonceSecret(dpop: Dpop): bool {
  return refuse(
    document,
    dpop.nonceSecretNode,
    "a variable of the VM (vm_config.environment_variables; Istio: vmConfig.env) with 32 to 4,096 bytes, the same at all replicas",
  );
}
