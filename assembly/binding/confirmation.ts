// The token's own `cnf`: whoever issued it said what a presenter has to prove, so every member has to be proven, whatever
// the policy asks for. A member that nobody here can prove denies: ignoring it would make a bound token a bearer token.
// https://www.rfc-editor.org/rfc/rfc7800#section-3.1

import { Span, ABSENT, equalsAscii } from "../host/span";
import { Reason } from "../decision/reason";
import { Presenter } from "../evidence/presenter";
import { Bind } from "../policy/policy";
import { JsonKind, NO_NODE } from "../text/json";
import { VerifiedClaims } from "../token/verified_claims";
import { namedDigest, proveCertificate } from "./methods/certificate";
import { proveKey, proveThumbprint } from "./methods/key";
import { proveProxy } from "./methods/proxy_principals";
import { Rotated, proveRotation } from "./rotation";

const THUMBPRINT = "x5t#S256";
const KEY_THUMBPRINT = "jkt";
const KEY = "jwk";
const PROXIES = "proxy-principals#spiffe";

/** True when the token may be presented with one certificate only, so that the live one has to be known. */
export function namesCertificate(claims: VerifiedClaims): bool {
  return claims.document.member(claims.registered.cnf, THUMBPRINT) != NO_NODE;
}

/** True when the token may be presented by the holder of one key only, who proves it by DPoP.  RFC 9449, section 6.1 */
export function namesKey(claims: VerifiedClaims): bool {
  return claims.document.member(claims.registered.cnf, KEY_THUMBPRINT) != NO_NODE;
}

let rotated: Rotated = Rotated.No;
/** True while another certificate may stand for the one that the token names. */
let standsIn: bool = false;

/** What stands for the certificate that the token names, by the last `proveConfirmation`. */
export function rotatedBy(): Rotated {
  return rotated;
}

/** From here on the live certificate has to be the one that the token names. */
export function endRotation(): void {
  standsIn = false;
}

/** The live certificate is the one that the token names, or was found to stand for it, whoever else may present the token. */
export function proveLiveCertificate(claims: VerifiedClaims, presenter: Presenter): Reason {
  const thumbprint = claims.document.member(claims.registered.cnf, THUMBPRINT);
  if (thumbprint == NO_NODE) return Reason.certificate_unbound;
  const reason = proveCertificate(claims.document, thumbprint, presenter);
  return reason == Reason.certificate_mismatch && standsIn ? Reason.ok : reason;
}

/** Also finds out, once for all bindings of the rule, whether another certificate may stand for the one that the token names. */
export function proveConfirmation(claims: VerifiedClaims, bind: Bind, presenter: Presenter): Reason {
  rotated = Rotated.No;
  standsIn = false;
  const document = claims.document;
  const cnf = claims.registered.cnf;
  if (cnf == NO_NODE) return Reason.ok;
  if (document.kind(cnf) != JsonKind.Object || document.firstIn(cnf) == NO_NODE) return Reason.cnf_malformed;
  // Athenz takes its list only beside a certificate: without one the token is bound to nobody.
  let byCertificate = Reason.certificate_unbound;
  let byProxy = Reason.certificate_mismatch;
  let byKey = Reason.ok;
  let keys = 0;
  for (let n = document.firstIn(cnf); n != NO_NODE; n = document.nextIn(cnf, n)) {
    const value = document.valueOf(n);
    if (equalsAscii(document.textOf(n), THUMBPRINT)) {
      byCertificate = proveCertificate(document, value, presenter);
    } else if (presenter.keyThumbprint != ABSENT && isKey(document.textOf(n))) {
      const reason = equalsAscii(document.textOf(n), KEY)
        ? proveKey(document, value, presenter)
        : proveThumbprint(document, value, presenter);
      if (byKey == Reason.ok) byKey = reason;
      keys++;
    } else if (bind.admitsProxies && equalsAscii(document.textOf(n), PROXIES)) {
      byProxy = proveProxy(document, value, presenter);
    } else {
      return Reason.cnf_unsupported;
    }
  }
  const isMalformed = byCertificate == Reason.cnf_malformed || byProxy == Reason.cnf_malformed;
  if (isMalformed) return Reason.cnf_malformed;
  if (byKey != Reason.ok || keys == document.countIn(cnf)) return byKey;
  const rotation = bind.rotation;
  if (rotation != null && byCertificate == Reason.certificate_mismatch) {
    rotated = proveRotation(claims, rotation, namedDigest(), presenter);
    standsIn = rotated != Rotated.No;
    if (standsIn) byCertificate = Reason.ok;
  }
  return byProxy == Reason.ok && byCertificate != Reason.certificate_unbound ? Reason.ok : byCertificate;
}

function isKey(member: Span): bool {
  return equalsAscii(member, KEY_THUMBPRINT) || equalsAscii(member, KEY);
}
