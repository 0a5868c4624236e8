// Secrets that a policy names and does not hold: they are in the VM's environment.

import { ascii, copyTo, takeSpan } from "../host/arena";
import { readEnvironment } from "../host/call";
import { Region } from "../host/region";
import { Span, ABSENT, addressOf, byteAt, lengthOf, setByte, sliceFrom } from "../host/span";
import { sha256 } from "../crypto/sha256";
import { refuseSecret } from "../policy/load_introspection";
import { refuseNonceSecret } from "../policy/load_proofs";
import { refuseText } from "../policy/refusal";
import { Dpop, Introspector, Policy } from "../policy/policy";
import { Char, isVisible } from "../text/ascii";
import { base64Length, encodeBase64 } from "../text/base64";
import { encodeFormValue } from "../text/form";

const MAX_SECRET_BYTES: i32 = 4096;
const MIN_NONCE_SECRET_BYTES: i32 = 32;

const BASIC = ascii("Basic ");
const BEARER = ascii("Bearer ");

/** Gives every introspector of the policy its credentials, and nonces their key. False, with a refusal, when a secret is not there. */
export function resolveSecrets(policy: Policy, region: Region): bool {
  if (!resolveNonceKey(policy.dpop, region)) return false;
  let link = policy.issuers.first;
  while (link != null) {
    const introspector = link.item.introspector;
    if (introspector != null && introspector.secretFrom != ABSENT && !resolve(introspector, region))
      return false;
    if (introspector != null) {
      introspector.identity = identityOf(introspector, region);
      if (introspector.identity == ABSENT) return refuseMemory();
    }
    link = link.next;
  }
  return true;
}

function refuseMemory(): bool {
  return refuseText(0, "a smaller policy: there is no memory left for what its issuers need");
}

function resolveNonceKey(dpop: Dpop | null, region: Region): bool {
  if (dpop == null || dpop.nonceSecretFrom == ABSENT) return true;
  const secret = readEnvironment(dpop.nonceSecretFrom);
  const size = lengthOf(secret);
  if (size < MIN_NONCE_SECRET_BYTES || size > MAX_SECRET_BYTES) return refuseNonceSecret(dpop);
  dpop.nonceKey = region.copy(sha256(secret));
  return true;
}

function resolve(introspector: Introspector, region: Region): bool {
  const found = readEnvironment(introspector.secretFrom);
  const secret = lengthOf(found) > MAX_SECRET_BYTES ? ABSENT : found;
  const value = introspector.clientId == ABSENT ? bearer(secret) : basic(introspector.clientId, secret);
  introspector.authorization = region.copy(value);
  return value != ABSENT || refuseSecret(introspector);
}

/** RFC 6750, section 2.1. Absent for what cannot stand in a header. */
function bearer(secret: Span): Span {
  for (let i = 0; i < lengthOf(secret); i++) {
    if (!isVisible(byteAt(secret, i))) return ABSENT;
  }
  return secret == ABSENT ? ABSENT : joined(BEARER, secret);
}

/** RFC 6749, section 2.3.1: ID and secret are encoded as in a form before they are joined. */
function basic(clientId: Span, secret: Span): Span {
  const id = encodeFormValue(clientId);
  const password = encodeFormValue(secret);
  const pair = takeSpan(lengthOf(id) + 1 + lengthOf(password));
  const value = takeSpan(lengthOf(BASIC) + base64Length(lengthOf(pair)));
  if (id == ABSENT || password == ABSENT || pair == ABSENT || value == ABSENT) return ABSENT;
  copyTo(addressOf(pair), id);
  setByte(pair, lengthOf(id), Char.Colon);
  copyTo(addressOf(sliceFrom(pair, lengthOf(id) + 1)), password);
  copyTo(addressOf(value), BASIC);
  encodeBase64(pair, value, lengthOf(BASIC));
  return value;
}

function joined(start: Span, end: Span): Span {
  const whole = takeSpan(lengthOf(start) + lengthOf(end));
  if (whole == ABSENT || end == ABSENT) return ABSENT;
  copyTo(addressOf(whole), start);
  copyTo(addressOf(sliceFrom(whole, lengthOf(start))), end);
  return whole;
}

/** Server and client: names, each followed by a NUL, which none of them has. */
function identityOf(introspector: Introspector, region: Region): Span {
  let identity = terminated(introspector.cluster);
  if (identity != ABSENT) identity = joined(identity, terminated(introspector.authority));
  if (identity != ABSENT) identity = joined(identity, terminated(introspector.path));
  if (identity != ABSENT) identity = joined(identity, terminated(introspector.clientId));
  if (identity != ABSENT) identity = joined(identity, terminated(introspector.secretFrom));
  return region.copy(identity);
}

const NUL = ascii("\0");

function terminated(text: Span): Span {
  return joined(text, NUL);
}
