// Whose signature a document has to have, in a form that tells one such demand from another.

import { ascii } from "../host/arena";
import { Span } from "../host/span";
import { finishDigest, startDigest, updateDigest } from "../crypto/sha256";
import { KeySet } from "./key_set";
import { Fetched } from "./policy";

const NUL = ascii("\0");

/** A digest of these keys, valid until the next digest. */
export function signersOfKeys(keys: KeySet): Span {
  startDigest();
  let link = keys.keys.first;
  while (link != null) {
    updateDigest(link.item.id);
    updateDigest(NUL);
    updateDigest(link.item.publicKey);
    link = link.next;
  }
  return finishDigest();
}

/** The same of keys that may be fetched: then of where they are. */
export function signersOf(keys: Fetched): Span {
  const location = keys.location;
  if (location == null) return signersOfKeys(keys.source!.keys!);
  startDigest();
  updateDigest(location.cluster);
  updateDigest(NUL);
  updateDigest(location.authority);
  updateDigest(NUL);
  updateDigest(location.path);
  return finishDigest();
}
