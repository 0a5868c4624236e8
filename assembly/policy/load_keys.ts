// Where an issuer's claims become trustworthy: by keys in the policy, by keys that are fetched, or through jwt_authn.

import { ascii } from "../host/arena";
import { equalsAscii } from "../host/span";
import { KeyUse } from "../crypto/jwk";
import { JsonKind, JsonNode, NO_NODE } from "../text/json";
import { readFetched } from "./load_fetched";
import { Content, Source } from "./source";
import { readKeySet } from "./key_set";
import { Fetched, Issuer, Kind, Policy, Proof } from "./policy";
import { document, hasOnly, isHeaderName, isText, orParent, region } from "./reader";
import { refuse } from "./refusal";

/** Seconds. */
const DEFAULT_REFRESH: i64 = 5 * 60;
const DEFAULT_STALE_FOR: i64 = 60 * 60;

const KEYS_MEMBERS = ascii("jwks jwt_authn cluster path authority refresh staleFor");
const JWT_AUTHN_OPTIONS = ascii("payloadHeader metadataKey");
const JWT_AUTHN_KEY = ascii("payload");

const EXPECTED =
  '"keys": { "jwks": { "keys": [ ... ] } }, { "cluster": "...", "path": "/..." } to fetch them, or "jwt_authn"';

export function readProof(issuer: Issuer, node: JsonNode, policy: Policy): bool {
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
  issuer.keys = region.make<Fetched>();
  if (jwks != NO_NODE) return readInlineKeys(issuer, jwks);
  return readKeyServer(issuer, keys, policy);
}

function readKeyServer(issuer: Issuer, node: JsonNode, policy: Policy): bool {
  const fetched = issuer.keys!;
  if (!readFetched(fetched, node, Content.Keys, DEFAULT_REFRESH, DEFAULT_STALE_FOR, policy)) return false;
  fetched.location!.use = useOf(issuer.kind);
  return true;
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
  const keys = readKeySet(document, jwks, useOf(issuer.kind), region);
  if (keys != null) issuer.keys!.source = Source.ofKeys(keys, region);
  return keys != null;
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
