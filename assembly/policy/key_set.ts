// An issuer's keys from a JWKS document, or from a SPIFFE trust bundle, which is one with rules of its own.
// https://www.rfc-editor.org/rfc/rfc7517#section-5
// https://github.com/spiffe/spiffe/blob/main/standards/SPIFFE_Trust_Domain_and_Bundle.md#4-spiffe-bundle-format

import { makeForever } from "../host/arena";
import { List } from "../host/list";
import { Region } from "../host/region";
import { Span, ABSENT, equals, equalsAscii } from "../host/span";
import { Algorithm, Algorithms, includes } from "../crypto/algorithm";
import { Jwk, KeyFault, KeyUse, readJwk } from "../crypto/jwk";
import { parseDecimal } from "../text/decimal";
import { isUnreadableKey } from "../crypto/signature";
import { JsonDocument, JsonKind, JsonNode, NO_NODE } from "../text/json";
import { refuse } from "./refusal";

/** Keys of a set, at most: each is compared with those before it. */
const MAX_KEYS: i32 = 256;

@unmanaged
export class Key {
  /** Absent when the set gives none. */
  id: Span;
  algorithms: Algorithms;
  /** SubjectPublicKeyInfo, DER; of an Ed25519 key its 32 bytes. */
  publicKey: Span;
}

@unmanaged
export class KeySet {
  keys: List<Key>;
  /** Keys that are good for something else. */
  passedOver: i32;
  /** A bundle's `spiffe_sequence`; -1 when it has none, 0 for keys that are no SVIDs'. */
  sequence: i64;
  /** Seconds after which a bundle asks to be fetched again; 0 when it does not say. */
  refreshHint: i64;
}

const found = makeForever<Jwk>();

/**
 * The keys that can verify a token here, in records of `region`. Keys for other purposes are passed over and counted; private
 * or symmetric material, a `kid` twice and a set with no usable key refuse the whole set: null, and `refusal()` says why.
 */
export function readKeySet(
  document: JsonDocument,
  set: JsonNode,
  use: KeyUse,
  region: Region,
): KeySet | null {
  const list = document.member(set, "keys");
  const keySet = region.make<KeySet>();
  keySet.keys = region.make<List<Key>>();
  if (document.kind(list) != JsonKind.Array) {
    refuse(document, set, 'a JWK set: { "keys": [ ... ] }');
    return null;
  }
  const isRead =
    readKeys(document, list, use, isBundle(document, set, list), keySet, region) &&
    (use == KeyUse.Signature || readHints(document, set, keySet));
  return isRead ? keySet : null;
}

/**
 * SPIFFE publishes the same keys in two forms: in a bundle, where `use` says what a key is for and one without is for nothing, and
 * as a plain JWKS (the Workload API, SPIRE's OIDC discovery), where they have none.
 */
function isBundle(document: JsonDocument, set: JsonNode, list: JsonNode): bool {
  if (document.member(set, "spiffe_sequence") != NO_NODE) return true;
  if (document.member(set, "spiffe_refresh_hint") != NO_NODE) return true;
  for (let n = document.firstIn(list); n != NO_NODE; n = document.nextIn(list, n)) {
    if (isSpiffeUse(document.stringOf(document.member(n, "use")))) return true;
  }
  return false;
}

function isSpiffeUse(use: Span): bool {
  return equalsAscii(use, "x509-svid") || equalsAscii(use, "jwt-svid") || equalsAscii(use, "wit-svid");
}

function readKeys(
  document: JsonDocument,
  list: JsonNode,
  use: KeyUse,
  isBundle: bool,
  into: KeySet,
  region: Region,
): bool {
  if (document.countIn(list) > MAX_KEYS) return refuse(document, list, "at most 256 keys");
  let needsEnvoy = false;
  for (let n = document.firstIn(list); n != NO_NODE; n = document.nextIn(list, n)) {
    let fault = readJwk(document, n, use, isBundle, found);
    if (fault == KeyFault.Secret) return refuseSecret(document, n);
    if (repeatsId(document, list, n)) return refuse(document, n, 'a "kid" that no other key of the set has');
    if (fault == KeyFault.None && use != KeyUse.Signature && found.id == ABSENT)
      return refuse(document, n, 'a "kid", which SPIFFE demands of every key for tokens');
    if (fault == KeyFault.None && isUnreadable(found)) fault = KeyFault.Malformed;
    if (fault == KeyFault.None) addKey(into, region);
    else into.passedOver++;
    if (fault == KeyFault.EnvoyOnly) needsEnvoy = true;
  }
  if (into.keys.count > 0) return true;
  return needsEnvoy ? refuseEnvoyOnly(document, list) : refuseUseless(document, list, use);
}

function isUnreadable(key: Jwk): bool {
  return !includes(key.algorithms, Algorithm.EdDSA) && isUnreadableKey(key.publicKey);
}

function refuseSecret(document: JsonDocument, node: JsonNode): bool {
  return refuse(
    document,
    node,
    "a public key: this one is private or symmetric; replace it wherever it was in use",
  );
}

function refuseEnvoyOnly(document: JsonDocument, list: JsonNode): bool {
  return refuse(
    document,
    list,
    'a key that can be verified here; PS256, PS384 and PS512 cannot: let Envoy verify them, with "keys": "jwt_authn"',
  );
}

function refuseUseless(document: JsonDocument, list: JsonNode, use: KeyUse): bool {
  if (use == KeyUse.JwtSvid)
    return refuse(
      document,
      list,
      'a key for JWT-SVIDs, RSA or EC: "use": "jwt-svid" in a SPIFFE bundle, none in a JWKS',
    );
  if (use == KeyUse.WitSvid)
    return refuse(
      document,
      list,
      'a key for WIT-SVIDs: "use": "wit-svid" in a SPIFFE bundle, none in a JWKS',
    );
  return refuse(
    document,
    list,
    "a public key for RS256, RS384 or RS512 (2048 bits or more), ES256, ES384, ES512 or EdDSA (Ed25519)",
  );
}

function addKey(into: KeySet, region: Region): void {
  const key = region.make<Key>();
  key.id = region.copy(found.id);
  key.algorithms = found.algorithms;
  key.publicKey = region.copy(found.publicKey);
  into.keys.append(key, region);
}

/** True when a key before `node` has the same `kid`, whatever it is good for. */
function repeatsId(document: JsonDocument, list: JsonNode, node: JsonNode): bool {
  const id = document.stringOf(document.member(node, "kid"));
  if (id == ABSENT) return false;
  for (let n = document.firstIn(list); n != node; n = document.nextIn(list, n)) {
    if (equals(document.stringOf(document.member(n, "kid")), id)) return true;
  }
  return false;
}

function readHints(document: JsonDocument, set: JsonNode, into: KeySet): bool {
  const sequence = document.member(set, "spiffe_sequence");
  const hint = document.member(set, "spiffe_refresh_hint");
  into.sequence = wholeNumber(document, sequence);
  into.refreshHint = max<i64>(0, wholeNumber(document, hint));
  if (sequence != NO_NODE && into.sequence < 0)
    return refuse(document, sequence, "a whole number that is not negative");
  return (
    hint == NO_NODE || into.refreshHint > 0 || refuse(document, hint, "a whole number of seconds, 1 or more")
  );
}

/** -1 for anything but a whole number that is not negative. */
function wholeNumber(document: JsonDocument, node: JsonNode): i64 {
  return document.kind(node) == JsonKind.Number ? parseDecimal(document.textOf(node)) : -1;
}
