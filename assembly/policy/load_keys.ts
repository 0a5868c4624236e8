// Where an issuer's claims become trustworthy: by keys in the policy, by keys that are fetched, or through jwt_authn.

import { ascii } from "../host/arena";
import { equalsAscii } from "../host/span";
import { KeyUse } from "../crypto/jwk";
import { JsonKind, JsonNode, NO_NODE } from "../text/json";
import { KeyLocation, KeySource } from "./key_source";
import { readKeySet } from "./key_set";
import { Issuer, Kind, Proof } from "./policy";
import { document, hasOnly, isHeaderName, isText, orParent, readDuration, region } from "./reader";
import { refuse } from "./refusal";
import { endpoint, readEndpoint } from "./endpoint";

/** Seconds. */
const DEFAULT_REFRESH: i64 = 5 * 60;
const MAX_REFRESH: i64 = 24 * 60 * 60;
const DEFAULT_STALE_FOR: i64 = 60 * 60;
const MAX_STALE_FOR: i64 = 7 * 24 * 60 * 60;

const KEYS_MEMBERS = ascii("jwks jwt_authn cluster path authority refresh staleFor");
const JWT_AUTHN_OPTIONS = ascii("payloadHeader metadataKey");
const JWT_AUTHN_KEY = ascii("payload");

const EXPECTED =
  '"keys": { "jwks": { "keys": [ ... ] } }, { "cluster": "...", "path": "/..." } to fetch them, or "jwt_authn"';

export function readProof(issuer: Issuer, node: JsonNode): bool {
  const keys = document.member(node, "keys");
  if (equalsAscii(document.stringOf(keys), "jwt_authn")) return leaveToJwtAuthn(issuer, keys);
  if (document.kind(keys) != JsonKind.Object || document.firstIn(keys) == NO_NODE)
    return refuse(document, orParent(keys, node), EXPECTED);
  if (!hasOnly(keys, KEYS_MEMBERS)) return false;
  const jwks = document.member(keys, "jwks");
  const jwtAuthn = document.member(keys, "jwt_authn");
  const isInOneWay = (jwks == NO_NODE && jwtAuthn == NO_NODE) || document.countIn(keys) == 1;
  if (!isInOneWay) return refuse(document, keys, EXPECTED);
  if (jwtAuthn != NO_NODE) return readJwtAuthn(issuer, jwtAuthn);
  issuer.proof = Proof.Signature;
  return jwks == NO_NODE ? readLocation(issuer, keys) : readInlineKeys(issuer, jwks);
}

function useOf(kind: Kind): KeyUse {
  switch (kind) {
    case Kind.JwtSvid:
      return KeyUse.JwtSvid;
    case Kind.WitSvid:
      return KeyUse.WitSvid;
    default:
      return KeyUse.Signature;
  }
}

function readInlineKeys(issuer: Issuer, jwks: JsonNode): bool {
  const source = region.make<KeySource>();
  source.keys = readKeySet(document, jwks, useOf(issuer.kind), region);
  issuer.source = source;
  return source.keys != null;
}

function readLocation(issuer: Issuer, node: JsonNode): bool {
  const location = region.make<KeyLocation>();
  location.use = useOf(issuer.kind);
  issuer.location = location;
  if (!readEndpoint(node)) return false;
  location.cluster = endpoint.cluster;
  location.authority = endpoint.authority;
  location.path = endpoint.path;
  return readFreshness(issuer, location, node);
}

function readFreshness(issuer: Issuer, location: KeyLocation, node: JsonNode): bool {
  const refresh = readDuration(node, "refresh", DEFAULT_REFRESH);
  if (refresh < 1 || refresh > MAX_REFRESH)
    return refuse(document, document.member(node, "refresh"), 'a duration from "1s" to "24h"');
  location.refresh = refresh;
  issuer.staleFor = readDuration(node, "staleFor", max(DEFAULT_STALE_FOR, refresh));
  if (issuer.staleFor >= refresh && issuer.staleFor <= MAX_STALE_FOR) return true;
  return refuse(
    document,
    document.member(node, "staleFor"),
    'a duration up to "168h" and not below "refresh": older keys are not used',
  );
}

function leaveToJwtAuthn(issuer: Issuer, node: JsonNode): bool {
  issuer.proof = Proof.JwtAuthn;
  issuer.metadataKey = JWT_AUTHN_KEY;
  return (
    issuer.kind == Kind.AccessToken ||
    refuse(document, node, "keys to verify this kind of token with: jwt_authn knows access tokens only")
  );
}

function readJwtAuthn(issuer: Issuer, node: JsonNode): bool {
  if (!hasOnly(node, JWT_AUTHN_OPTIONS) || !leaveToJwtAuthn(issuer, node)) return false;
  const header = document.member(node, "payloadHeader");
  if (header != NO_NODE) {
    if (!isHeaderName(document.stringOf(header))) {
      return refuse(
        document,
        header,
        "a header name in lower case, the one jwt_authn forwards the payload in",
      );
    }
    issuer.payloadHeader = region.copy(document.stringOf(header));
  }
  const key = document.member(node, "metadataKey");
  if (key == NO_NODE) return true;
  if (!isText(key)) return refuse(document, key, "the key that jwt_authn's payload_in_metadata names");
  issuer.metadataKey = region.copy(document.stringOf(key));
  return true;
}
