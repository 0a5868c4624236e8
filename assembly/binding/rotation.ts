// The exception that `certificate` may make: the live certificate is not the one that the token names, because the workload has got a
// new one since. It takes a claim that names the presenter, and a reason to believe that the named certificate was his: it was seen
// with him, or his own is new since the token was issued. So the token passes with any certificate of this one workload.

import { makeForever } from "../host/arena";
import { Span, ABSENT, equals } from "../host/span";
import { liveNotBefore } from "../evidence/examine";
import { Presenter } from "../evidence/presenter";
import { Rotation } from "../policy/policy";
import { certificatesSeen } from "../state/certificates_seen";
import { NO_TIME } from "../text/time";
import { issuedAt } from "../token/claims";
import { VerifiedClaims } from "../token/verified_claims";

/** What stands for the certificate that the token names. */
export const enum Rotated {
  /** Nothing. */
  No = 0,
  /** A live connection of this very workload has shown it within the window. */
  Seen = 1,
  /** The live certificate was made after the token, and within the window. */
  Renewed = 2,
}

/** What counts of the time and the place in which a token is judged. */
@unmanaged
export class Moment {
  /** Seconds since 1970. */
  now: i64;
  /** Seconds that the clocks of the token's issuer and of others may differ. */
  clockSkew: i64;
  isObserved: bool;
}

/** One request is judged at a time. */
export const moment = makeForever<Moment>();

/** True when the claim that the policy names is the presenter's SPIFFE ID. */
export function isHolders(claims: VerifiedClaims, rotation: Rotation, presenter: Presenter): bool {
  const holder = claims.document.stringOf(claims.at(rotation.claim));
  return presenter.spiffeId != ABSENT && equals(holder, presenter.spiffeId);
}

/** @param named the digest of the certificate that the token names, which is not the live one */
export function proveRotation(
  claims: VerifiedClaims,
  rotation: Rotation,
  named: Span,
  presenter: Presenter,
): Rotated {
  if (!isHolders(claims, rotation, presenter)) return Rotated.No;
  const seen = certificatesSeen(moment.isObserved);
  if (seen.hasSeen(presenter.spiffeId, named, rotation.window, moment.now)) return Rotated.Seen;
  return isRenewed(claims, rotation, presenter) ? Rotated.Renewed : Rotated.No;
}

/** Behind a forwarder, and at a waypoint, there is no certificate of the presenter's to look at. */
function isRenewed(claims: VerifiedClaims, rotation: Rotation, presenter: Presenter): bool {
  if (presenter.forwarder != ABSENT || presenter.hasNoCertificate) return false;
  const issued = issuedAt(claims);
  if (issued < 0) return false;
  const notBefore = liveNotBefore();
  if (notBefore == NO_TIME) return false;
  return notBefore >= issued - moment.clockSkew && notBefore <= issued + rotation.window;
}
