// The token names the key of whoever may present it, and a proof has shown that the presenter has it.
// https://www.rfc-editor.org/rfc/rfc9449#section-6  https://www.rfc-editor.org/rfc/rfc7800#section-3.2

import { makeForever, takeForever } from "../../host/arena";
import { Span, equals, spanOf } from "../../host/span";
import { Jwk, KeyFault, KeyUse, readJwk } from "../../crypto/jwk";
import { DIGEST_BYTES } from "../../crypto/sha256";
import { thumbprintOf } from "../../crypto/thumbprint";
import { Reason } from "../../decision/reason";
import { Presenter } from "../../evidence/presenter";
import { decodeInto } from "../../text/base64url";
import { JsonDocument, JsonKind, JsonNode } from "../../text/json";

const wanted: Span = spanOf(takeForever(DIGEST_BYTES), DIGEST_BYTES);
const named = makeForever<Jwk>();

/** @param thumbprint the value of `jkt`: base64url of the key's RFC 7638 thumbprint */
export function proveThumbprint(document: JsonDocument, thumbprint: JsonNode, presenter: Presenter): Reason {
  if (document.kind(thumbprint) != JsonKind.String) return Reason.cnf_malformed;
  if (!decodeInto(document.stringOf(thumbprint), wanted)) return Reason.cnf_malformed;
  return equals(wanted, presenter.keyThumbprint) ? Reason.ok : Reason.proof_key_mismatch;
}

/** @param key the value of `jwk`: the public key itself */
export function proveKey(document: JsonDocument, key: JsonNode, presenter: Presenter): Reason {
  const fault = readJwk(document, key, KeyUse.Signature, false, named);
  if (fault != KeyFault.None) return Reason.cnf_malformed;
  return equals(thumbprintOf(document, key), presenter.keyThumbprint) ? Reason.ok : Reason.proof_key_mismatch;
}
