// Claims that somebody proved: by a signature with one of the issuer's keys, now or before; an introspection server; or Envoy's
// jwt_authn. All ways to a
// VerifiedClaims are in this file (AssemblyScript checks no `private`, so `admit` is not exported, and a test watches that
// nobody else makes the record). Whoever takes one can rely on that and need not ask again.

import { makeForever } from "../host/arena";
import { Span, ABSENT, equals, indexOf, lengthOf, slice } from "../host/span";
import { includes, isVerifiedHere } from "../crypto/algorithm";
import { SignatureCheck, checkSignature } from "../crypto/signature";
import { Reason } from "../decision/reason";
import { MetadataClaims } from "../evidence/jwt_authn";
import { Key, KeySet } from "../policy/key_set";
import { JsonDocument, JsonKind, JsonNode, NO_NODE, ROOT } from "../text/json";
import { UnverifiedToken } from "./jws";
import { RegisteredClaims } from "./registered_claims";
import { CachedToken } from "./token_table";

@unmanaged
export class VerifiedClaims {
  /** Where the registered claims are in it. */
  registered: RegisteredClaims;
  /** Where the nodes that `at` and `named` give are to be read. */
  document: JsonDocument;
  /** True when the members are named by whole paths, joined by 0x00 bytes, as Envoy's metadata is read. */
  isFlat: bool;

  /** The claims of `token` once one of its issuer's `keys` is shown to have signed it. Null otherwise; `refusedBy` says why. */
  static bySignature(token: UnverifiedToken, keys: KeySet): VerifiedClaims | null {
    const key = chooseKey(token, keys);
    if (key == null) return null;
    reason = signatureReason(
      checkSignature(token.algorithm, key.publicKey, token.signature, token.signingInput),
    );
    proof = key.publicKey;
    return reason == Reason.ok ? admit(token.payload, false) : null;
  }

  /**
   * The claims of a token that `bySignature` proved before, while the key that did is still the one to try: an issuer that withdraws
   * a key, or puts another in its place, is obeyed at once. Null otherwise.
   */
  static byMemory(cached: CachedToken, keys: KeySet): VerifiedClaims | null {
    const key = chooseKey(cached.token, keys);
    const isSame = key != null && equals(cached.proof, key.publicKey);
    return isSame ? admitFound(cached.token.payload, cached.registered) : null;
  }

  /** The claims that an introspection server has given for an active token. Null for any other, and while it is being asked. */
  static byIntrospection(answered: CachedToken): VerifiedClaims | null {
    const document = answered.token.payload;
    const isActive = document.kind(document.member(ROOT, "active")) == JsonKind.True;
    reason = Reason.token_inactive;
    return isActive && answered.awaited == 0 ? admit(document, false) : null;
  }

  /** What is known of a token that nobody here can verify: nothing. */
  static ofNothing(): VerifiedClaims {
    return admit(nothing, false);
  }

  /** The key that `bySignature` found good last. */
  static provenBy(): Span {
    return proof;
  }

  /**
   * The claims of `token` when its payload is byte for byte what jwt_authn forwards as the payload that it verified.
   * The caller has made sure that jwt_authn verified a token of this issuer on this request.
   */
  static byForwardedPayload(token: UnverifiedToken, forwarded: Span): VerifiedClaims | null {
    const same = lengthOf(forwarded) > 0 && equals(token.payloadText, forwarded);
    return same ? admit(token.payload, false) : null;
  }

  /** The claims that were read one by one from jwt_authn's dynamic metadata, which no client can write. */
  static byMetadata(collected: MetadataClaims): VerifiedClaims {
    return admit(collected.document, true);
  }

  /** Why the last way in gave nothing. */
  static refusedBy(): Reason {
    return reason;
  }

  /** The claim at `path`, whose names are joined by 0x00 bytes; NO_NODE when there is none. */
  at(path: Span): JsonNode {
    if (this.isFlat) return this.document.memberNamed(ROOT, path);
    let node = ROOT;
    let start = 0;
    while (node != NO_NODE) {
      const end = indexOf(path, 0, start);
      if (end < 0) return this.document.memberNamed(node, slice(path, start, lengthOf(path)));
      node = this.document.memberNamed(node, slice(path, start, end));
      start = end + 1;
    }
    return NO_NODE;
  }

  /** A top-level claim that is none of the registered ones. */
  named(name: string): JsonNode {
    return this.document.member(ROOT, name);
  }
}

/** One request is judged at a time. */
const instance = makeForever<VerifiedClaims>();
const found = RegisteredClaims.make();
const nothing = JsonDocument.forever(1);
let reason: Reason = Reason.signature_invalid;
let proof: Span = ABSENT;

function admit(document: JsonDocument, isFlat: bool): VerifiedClaims {
  found.find(document);
  const claims = admitFound(document, found);
  claims.isFlat = isFlat;
  return claims;
}

/** @param registered of these claims, found before */
function admitFound(document: JsonDocument, registered: RegisteredClaims): VerifiedClaims {
  instance.document = document;
  instance.registered = registered;
  instance.isFlat = false;
  return instance;
}

/** The one key that may have signed `token`; null when there is none, or when the token leaves it open. */
function chooseKey(token: UnverifiedToken, keys: KeySet): Key | null {
  reason = Reason.algorithm_unsupported;
  if (!isVerifiedHere(token.algorithm)) return null;
  return token.keyId == ABSENT ? onlyKeyFor(token, keys) : keyWithId(token, keys);
}

function keyWithId(token: UnverifiedToken, keys: KeySet): Key | null {
  let link = keys.keys.first;
  while (link != null) {
    if (equals(link.item.id, token.keyId)) {
      reason = Reason.algorithm_mismatch;
      return includes(link.item.algorithms, token.algorithm) ? link.item : null;
    }
    link = link.next;
  }
  reason = Reason.key_unknown;
  return null;
}

function onlyKeyFor(token: UnverifiedToken, keys: KeySet): Key | null {
  let only: Key | null = null;
  let link = keys.keys.first;
  reason = Reason.algorithm_mismatch;
  while (link != null) {
    if (includes(link.item.algorithms, token.algorithm)) {
      if (only != null) {
        reason = Reason.key_ambiguous;
        return null;
      }
      only = link.item;
    }
    link = link.next;
  }
  return only;
}

function signatureReason(check: SignatureCheck): Reason {
  switch (check) {
    case SignatureCheck.Valid:
      return Reason.ok;
    case SignatureCheck.Malformed:
      return Reason.signature_malformed;
    case SignatureCheck.Invalid:
      return Reason.signature_invalid;
    default:
      return Reason.host_unavailable;
  }
}
