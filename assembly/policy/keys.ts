// An issuer's key set from a JWKS document.  https://www.rfc-editor.org/rfc/rfc7517#section-5

import { makeForever } from "../host/arena";
import { Region } from "../host/region";
import { ABSENT, equals } from "../host/span";
import { Jwk, KeyFault, readJwk } from "../crypto/jwk";
import { JsonDocument, JsonKind, JsonNode, NO_NODE } from "../text/json";
import { Key } from "./policy";
import { refuse } from "./refusal";

const found = makeForever<Jwk>();

/**
 * The keys that can verify a token here. Keys for other purposes are passed over; private or symmetric material, a `kid`
 * twice and a set with no usable key refuse the whole set (null).
 */
export function loadKeys(document: JsonDocument, set: JsonNode, region: Region): Key | null {
  const list = document.member(set, "keys");
  if (document.kind(list) != JsonKind.Array) {
    refuse(document, set, 'a JWK set: { "keys": [ ... ] }');
    return null;
  }
  let keys: Key | null = null;
  for (let n = document.firstIn(list); n != NO_NODE; n = document.nextIn(list, n)) {
    const fault = readJwk(document, n, found);
    if (fault == KeyFault.Secret) {
      refuse(
        document,
        n,
        "public keys only: this one holds private or symmetric material; replace it wherever it was used",
      );
      return null;
    }
    if (fault != KeyFault.None) continue;
    if (found.id != ABSENT && hasId(keys, found)) {
      refuse(document, n, 'a "kid" that no other key of the set has');
      return null;
    }
    const key = region.make<Key>();
    key.id = region.copy(found.id);
    key.algorithms = found.algorithms;
    key.publicKey = region.copy(found.publicKey);
    key.next = keys;
    keys = key;
  }
  if (keys == null)
    refuse(
      document,
      list,
      "at least one public key for RS256, RS384, RS512 (2048 bits or more), ES256 or ES384",
    );
  return keys;
}

function hasId(keys: Key | null, wanted: Jwk): bool {
  let key: Key | null = keys;
  while (key != null) {
    if (equals(key.id, wanted.id)) return true;
    key = key.next;
  }
  return false;
}
