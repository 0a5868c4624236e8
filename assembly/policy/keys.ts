// An issuer's key set from a JWKS document.  https://www.rfc-editor.org/rfc/rfc7517#section-5

import { makeForever } from "../host/arena";
import { Region } from "../host/region";
import { ABSENT, equals } from "../host/span";
import { Jwk, KeyFault, readJwk } from "../crypto/jwk";
import { JsonDocument, JsonKind, JsonNode, NO_NODE } from "../text/json";
import { Issuer, Key } from "./policy";
import { refuse } from "./refusal";

/** Keys of a set, at most: each is compared with those before it. */
const MAX_KEYS: i32 = 256;

const found = makeForever<Jwk>();

/**
 * Gives the issuer the keys that can verify a token here. Keys for other purposes are passed over and counted; private or
 * symmetric material, a `kid` twice and a set with no usable key refuse the whole set.
 */
export function readKeys(issuer: Issuer, document: JsonDocument, set: JsonNode, region: Region): bool {
  const list = document.member(set, "keys");
  if (document.kind(list) != JsonKind.Array) return refuse(document, set, 'a JWK set: { "keys": [ ... ] }');
  if (document.countIn(list) > MAX_KEYS) return refuse(document, list, "at most 256 keys");
  for (let n = document.firstIn(list); n != NO_NODE; n = document.nextIn(list, n)) {
    const fault = readJwk(document, n, found);
    if (fault == KeyFault.Secret) return refuseSecret(document, n);
    if (repeatsId(document, list, n)) return refuse(document, n, 'a "kid" that no other key of the set has');
    if (fault == KeyFault.None) addKey(issuer, region);
    else issuer.keysPassedOver++;
  }
  if (issuer.keys.count > 0) return true;
  return refuse(
    document,
    list,
    "a public key for RS256, RS384 or RS512 (2048 bits or more), ES256, ES384 or ES512",
  );
}

function refuseSecret(document: JsonDocument, node: JsonNode): bool {
  return refuse(
    document,
    node,
    "a public key: this one is private or symmetric; replace it wherever it was in use",
  );
}

function addKey(issuer: Issuer, region: Region): void {
  const key = region.make<Key>();
  key.id = region.copy(found.id);
  key.algorithms = found.algorithms;
  key.publicKey = region.copy(found.publicKey);
  issuer.keys.append(key, region);
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
