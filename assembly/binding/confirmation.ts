// The token's own `cnf`: whoever issued it said what a presenter has to prove, so every member has to be proven, whatever
// the policy asks for. A member that nobody here can prove denies: ignoring it would make a bound token a bearer token.
// https://www.rfc-editor.org/rfc/rfc7800#section-3.1

import { equalsAscii } from "../host/span";
import { Reason } from "../decision/reason";
import { Presenter } from "../evidence/presenter";
import { JsonKind, NO_NODE } from "../text/json";
import { VerifiedClaims } from "../token/verified_claims";
import { proveCertificate } from "./methods/certificate";
import { proveProxy } from "./methods/proxy_principals";

const THUMBPRINT = "x5t#S256";
const PROXIES = "proxy-principals#spiffe";

/** True when the token may be presented with one certificate only, so that the live one has to be known. */
export function namesCertificate(claims: VerifiedClaims): bool {
  return claims.document.member(claims.named("cnf"), THUMBPRINT) != NO_NODE;
}

/** True when the token may be presented by the holder of one key only.  RFC 9449, section 6.1 */
export function namesKey(claims: VerifiedClaims): bool {
  return claims.document.member(claims.named("cnf"), "jkt") != NO_NODE;
}

/** The live certificate is the one that the token names, whoever else may present it. */
export function proveLiveCertificate(claims: VerifiedClaims, presenter: Presenter): Reason {
  const thumbprint = claims.document.member(claims.named("cnf"), THUMBPRINT);
  return thumbprint == NO_NODE
    ? Reason.certificate_unbound
    : proveCertificate(claims.document, thumbprint, presenter);
}

/** @param admitsProxies whether a proxy that the token lists may present it in place of the certificate's holder */
export function proveConfirmation(claims: VerifiedClaims, admitsProxies: bool, presenter: Presenter): Reason {
  const document = claims.document;
  const cnf = claims.named("cnf");
  if (cnf == NO_NODE) return Reason.ok;
  if (document.kind(cnf) != JsonKind.Object || document.firstIn(cnf) == NO_NODE) return Reason.cnf_malformed;
  // Athenz takes its list only beside a certificate: without one the token is bound to nobody.
  let byCertificate = Reason.certificate_unbound;
  let byProxy = Reason.certificate_mismatch;
  for (let n = document.firstIn(cnf); n != NO_NODE; n = document.nextIn(cnf, n)) {
    const value = document.valueOf(n);
    if (equalsAscii(document.textOf(n), THUMBPRINT)) {
      byCertificate = proveCertificate(document, value, presenter);
    } else if (admitsProxies && equalsAscii(document.textOf(n), PROXIES)) {
      byProxy = proveProxy(document, value, presenter);
    } else {
      return Reason.cnf_unsupported;
    }
  }
  const isMalformed = byCertificate == Reason.cnf_malformed || byProxy == Reason.cnf_malformed;
  if (isMalformed) return Reason.cnf_malformed;
  return byProxy == Reason.ok && byCertificate != Reason.certificate_unbound ? Reason.ok : byCertificate;
}
