// The `certificate` binding: the token names the one certificate it may be presented with.
// https://www.rfc-editor.org/rfc/rfc8705#section-3.1

import { takeForever } from "../../host/arena";
import { Span, ABSENT, equals, spanOf } from "../../host/span";
import { DIGEST_BYTES } from "../../crypto/sha256";
import { Reason } from "../../decision/reason";
import { Presenter } from "../../evidence/presenter";
import { decodeInto } from "../../text/base64url";
import { JsonDocument, JsonKind, JsonNode } from "../../text/json";

const wanted: Span = spanOf(takeForever(DIGEST_BYTES), DIGEST_BYTES);

/** The digest that `proveCertificate` read last: SHA-256 of the certificate that the token names, 32 bytes. */
export function namedDigest(): Span {
  return wanted;
}

/** @param thumbprint the value of `x5t#S256`: base64url of the SHA-256 of the certificate in DER */
export function proveCertificate(document: JsonDocument, thumbprint: JsonNode, presenter: Presenter): Reason {
  if (document.kind(thumbprint) != JsonKind.String) return Reason.cnf_malformed;
  if (!decodeInto(document.stringOf(thumbprint), wanted)) return Reason.cnf_malformed;
  if (presenter.certificateDigest == ABSENT) return Reason.certificate_digest_absent;
  return equals(wanted, presenter.certificateDigest) ? Reason.ok : Reason.certificate_mismatch;
}
