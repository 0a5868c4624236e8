// The policy's issuers, and where each one's claims become trustworthy.

import { ascii } from "../host/arena";
import { JsonKind, JsonNode, NO_NODE, ROOT } from "../text/json";
import { readProof } from "./load_keys";
import { Issuer, Policy, Proof, issuerIdentifiedBy } from "./policy";
import { document, hasOnly, isName, isText, orParent, readDuration, readStrings, region } from "./reader";
import { refuse } from "./refusal";

/** Seconds: the default is what Envoy's jwt_authn uses; past the limit, "not yet" and "no longer" stop meaning much. */
const DEFAULT_CLOCK_SKEW: i64 = 60;
const MAX_CLOCK_SKEW: i64 = 300;
const NO_LIMIT: i64 = 0;

/** Issuers of a policy, at most: each is compared with those before it. */
const MAX_ISSUERS: i32 = 256;

const ISSUER_MEMBERS = ascii("issuer audiences clockSkew maxAge maxLifetime keys");

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
    if (issuer.location != null) policy.fetchesKeys = true;
  }
  return true;
}

function readIssuer(issuer: Issuer, node: JsonNode, policy: Policy): bool {
  if (!hasOnly(node, ISSUER_MEMBERS)) return false;
  const name = document.member(node, "issuer");
  if (!isText(name))
    return refuse(document, orParent(name, node), 'the value of the token\'s "iss": "issuer": "https://..."');
  if (issuerIdentifiedBy(policy.issuers, document.stringOf(name)) != null) {
    return refuse(
      document,
      name,
      "an issuer that no other entry has: a token's issuer has to lead to one entry",
    );
  }
  issuer.identifier = region.copy(document.stringOf(name));
  return (
    readStrings(node, "audiences", issuer.audiences) && readTimes(issuer, node) && readProof(issuer, node)
  );
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
