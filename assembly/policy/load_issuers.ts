// The policy's issuers, and where each one's claims become trustworthy.

import { ascii } from "../host/arena";
import { ABSENT, equals } from "../host/span";
import { JsonKind, JsonNode, NO_NODE, ROOT } from "../text/json";
import { isTrustDomain } from "../text/spiffe_id";
import { readBorders } from "./load_borders";
import { readIntrospection } from "./load_introspection";
import { readProof } from "./load_keys";
import { readStatusLists } from "./load_status_lists";
import { Issuer, Kind, Policy, Proof, isWit, issuerIdentifiedBy } from "./policy";
import {
  REFUSED,
  document,
  hasOnly,
  isHeaderName,
  isName,
  isText,
  orParent,
  readChoice,
  readDuration,
  readPatterns,
  readStrings,
  region,
} from "./reader";
import { refuse } from "./refusal";

/** Seconds: the default is what Envoy's jwt_authn uses; past the limit, "not yet" and "no longer" stop meaning much. */
const DEFAULT_CLOCK_SKEW: i64 = 60;
const MAX_CLOCK_SKEW: i64 = 300;
const NO_LIMIT: i64 = 0;

/** Issuers of a policy, at most: each is compared with those before it. */
const MAX_ISSUERS: i32 = 256;

const ISSUER_MEMBERS = ascii(
  "kind issuer trustDomain header audiences presenters acceptedBy borders egress clockSkew maxAge maxLifetime keys statusLists introspection",
);
const OPAQUE_MEMBERS = ascii(
  "issuer header audiences presenters acceptedBy borders egress clockSkew maxAge maxLifetime introspection",
);
/** In the order of `Kind`. */
const KINDS = ascii("access-token jwt-svid wit-svid wit kubernetes");
/** https://datatracker.ietf.org/doc/draft-ietf-wimse-workload-creds/ */
const WIT_HEADER = ascii("workload-identity-token");

export function readIssuers(policy: Policy): bool {
  const node = document.member(ROOT, "issuers");
  if (document.kind(node) != JsonKind.Object || document.firstIn(node) == NO_NODE) {
    return refuse(
      document,
      node == NO_NODE ? ROOT : node,
      'at least one issuer: "issuers": { "<name>": { ... } }',
    );
  }
  if (document.countIn(node) > MAX_ISSUERS) return refuse(document, node, "at most 256 issuers");
  for (let n = document.firstIn(node); n != NO_NODE; n = document.nextIn(node, n)) {
    if (!isName(document.textOf(n)))
      return refuse(document, n, "an issuer's name of 1 to 64 letters, digits, dots, dashes or underscores");
    const issuer = Issuer.make(region);
    issuer.name = region.copy(document.textOf(n));
    if (!readIssuer(issuer, document.valueOf(n), policy)) return false;
    policy.issuers.append(issuer, region);
    if (issuer.proof == Proof.JwtAuthn) policy.usesJwtAuthn = true;
    if (issuer.introspector != null) policy.introspects = true;
  }
  return true;
}

function readIssuer(issuer: Issuer, node: JsonNode, policy: Policy): bool {
  if (!hasOnly(node, ISSUER_MEMBERS)) return false;
  if (document.member(node, "introspection") != NO_NODE) return readOpaqueIssuer(issuer, node, policy);
  const kind = readChoice(node, "kind", KINDS, "what its tokens are");
  if (kind == REFUSED) return false;
  issuer.kind = kind;
  return (
    readHeader(issuer, node) &&
    readIdentity(issuer, node, policy) &&
    readAudiences(issuer, node) &&
    readPatterns(node, "presenters", issuer.presenters) &&
    readBorders(issuer, node, policy) &&
    readTimes(issuer, node) &&
    readProof(issuer, node, policy) &&
    readStatusLists(issuer, document.member(node, "statusLists"), policy)
  );
}

/** Its tokens say nothing of themselves, so there is nothing to tell them by: a rule takes one such issuer for each header. */
function readOpaqueIssuer(issuer: Issuer, node: JsonNode, policy: Policy): bool {
  return (
    hasOnly(node, OPAQUE_MEMBERS) &&
    readHeader(issuer, node) &&
    readStrings(node, "audiences", issuer.audiences) &&
    readPatterns(node, "presenters", issuer.presenters) &&
    readBorders(issuer, node, policy) &&
    readTimes(issuer, node) &&
    readIntrospection(issuer, node)
  );
}

function readHeader(issuer: Issuer, node: JsonNode): bool {
  const header = document.member(node, "header");
  if (isWit(issuer.kind)) issuer.header = WIT_HEADER;
  if (header == NO_NODE) return true;
  if (isWit(issuer.kind))
    return refuse(document, header, "nothing here: these come in workload-identity-token");
  if (!isHeaderName(document.stringOf(header)))
    return refuse(document, header, 'a header name in lower case; without "header" it is authorization');
  issuer.header = region.copy(document.stringOf(header));
  return true;
}

/** By what a token is known to be this issuer's: its `iss`, or for SVIDs and WITs the trust domain of its `sub`. */
function readIdentity(issuer: Issuer, node: JsonNode, policy: Policy): bool {
  const name = document.member(node, "issuer");
  const domain = document.member(node, "trustDomain");
  const isSvid = isWit(issuer.kind) || issuer.kind == Kind.JwtSvid;
  if (name == NO_NODE ? !isSvid : !isText(name))
    return refuse(document, orParent(name, node), 'the value of the token\'s "iss": "issuer": "https://..."');
  if (isSvid ? !isTrustDomain(document.stringOf(domain)) : domain != NO_NODE)
    return refuseDomain(isSvid, orParent(domain, node));
  issuer.identifier = region.copy(document.stringOf(name));
  issuer.trustDomain = region.copy(document.stringOf(domain));
  return isToldApart(issuer, policy) || refuseTwin(issuer, orParent(name == NO_NODE ? domain : name, node));
}

function refuseDomain(isSvid: bool, node: JsonNode): bool {
  return isSvid
    ? refuse(document, node, 'the trust domain of the tokens\' "sub": "trustDomain": "cluster.local"')
    : refuse(document, node, "nothing here: only the tokens of SVID and WIT kinds have a trust domain");
}

/** True when no token can be both this issuer's and an earlier one's. */
function isToldApart(issuer: Issuer, policy: Policy): bool {
  if (issuer.identifier != ABSENT) return issuerIdentifiedBy(policy.issuers, issuer.identifier) == null;
  let link = policy.issuers.first;
  while (link != null) {
    const other = link.item;
    const isSame = equals(other.trustDomain, issuer.trustDomain) && equals(other.header, issuer.header);
    if (other.identifier == ABSENT && isSame) return false;
    link = link.next;
  }
  return true;
}

function refuseTwin(issuer: Issuer, node: JsonNode): bool {
  return issuer.identifier != ABSENT
    ? refuse(document, node, "an issuer that no other entry has: a token's issuer has to lead to one entry")
    : refuse(document, node, "a trust domain that no other entry without an issuer has for the same header");
}

function readAudiences(issuer: Issuer, node: JsonNode): bool {
  if (!readStrings(node, "audiences", issuer.audiences)) return false;
  const list = document.member(node, "audiences");
  if (issuer.kind == Kind.JwtSvid && list == NO_NODE)
    return refuse(document, node, '"audiences": whoever takes a JWT-SVID has to find itself in its "aud"');
  if (issuer.kind == Kind.WitSvid && list != NO_NODE)
    return refuse(document, list, "nothing here: a WIT-SVID has no audience, its proof of possession has");
  return true;
}

function readTimes(issuer: Issuer, node: JsonNode): bool {
  const skew = readDuration(node, "clockSkew", DEFAULT_CLOCK_SKEW);
  if (skew < 0 || skew > MAX_CLOCK_SKEW) {
    return refuse(document, document.member(node, "clockSkew"), 'a duration from "0s" to "5m"');
  }
  issuer.clockSkew = skew;
  issuer.maxAge = readDuration(node, "maxAge", NO_LIMIT);
  issuer.maxLifetime = readDuration(node, "maxLifetime", NO_LIMIT);
  return (
    isLimit(issuer.maxAge, document.member(node, "maxAge")) &&
    isLimit(issuer.maxLifetime, document.member(node, "maxLifetime"))
  );
}

function isLimit(seconds: i64, node: JsonNode): bool {
  return (
    node == NO_NODE ||
    seconds > 0 ||
    refuse(document, node, 'a duration of at least "1s", such as "15m" or "8h"')
  );
}
