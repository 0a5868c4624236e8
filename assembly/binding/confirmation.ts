// The token's own `cnf`: whoever issued it said what a presenter has to prove, so every member has to be proven, whatever
// the policy asks for. A member that nobody here can prove denies: ignoring it would make a bound token a bearer token.
// https://www.rfc-editor.org/rfc/rfc7800#section-3.1

import { equalsAscii } from "../host/span";
import { Reason } from "../decision/reason";
import { Presenter } from "../evidence/presenter";
import { JsonKind, NO_NODE } from "../text/json";
import { VerifiedClaims } from "../token/verified_claims";
import { proveCertificate } from "./methods/certificate";

const THUMBPRINT = "x5t#S256";

/** True when the token may be presented with one certificate only, so that the live one has to be known. */
export function namesCertificate(claims: VerifiedClaims): bool {
  return claims.document.member(claims.named("cnf"), THUMBPRINT) != NO_NODE;
}

/** True when the token may be presented by the holder of one key only.  RFC 9449, section 6.1 */
export function namesKey(claims: VerifiedClaims): bool {
  return claims.document.member(claims.named("cnf"), "jkt") != NO_NODE;
}

export function proveConfirmation(claims: VerifiedClaims, presenter: Presenter): Reason {
  const document = claims.document;
  const cnf = claims.named("cnf");
  if (cnf == NO_NODE) return Reason.ok;
  if (document.kind(cnf) != JsonKind.Object || document.firstIn(cnf) == NO_NODE) return Reason.cnf_malformed;
  for (let n = document.firstIn(cnf); n != NO_NODE; n = document.nextIn(cnf, n)) {
    if (!equalsAscii(document.textOf(n), THUMBPRINT)) return Reason.cnf_unsupported;
    const reason = proveCertificate(document, document.valueOf(n), presenter);
    if (reason != Reason.ok) return reason;
  }
  return Reason.ok;
}
