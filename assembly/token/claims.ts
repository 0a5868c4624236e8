// The registered claims: who the token is for, and when it is good.  https://www.rfc-editor.org/rfc/rfc7519#section-4.1

import { List } from "../host/list";
import { Span, equals } from "../host/span";
import { Reason } from "../decision/reason";
import { Issuer, Rule, hasText } from "../policy/policy";
import { JsonDocument, JsonKind, JsonNode, NO_NODE } from "../text/json";
import { checkKind } from "./kind";
import { BAD_DATE, NO_DATE, RegisteredClaims } from "./registered_claims";
import { VerifiedClaims } from "./verified_claims";

/** @param now seconds since 1970 */
export function checkClaims(claims: VerifiedClaims, issuer: Issuer, rule: Rule, now: i64): Reason {
  let reason = checkKind(claims, issuer);
  if (reason == Reason.ok) reason = checkDates(claims.registered, issuer.clockSkew, now);
  if (reason == Reason.ok) reason = checkLimits(claims.registered, issuer, now);
  return reason == Reason.ok ? checkAudience(claims, issuer.audiences, rule.audiences) : reason;
}

/** `exp` is required: a token that never ends cannot be waited out once it is stolen. */
function checkDates(claims: RegisteredClaims, skew: i64, now: i64): Reason {
  const exp = claims.exp;
  const nbf = claims.nbf;
  const iat = claims.iat;
  if (exp == NO_DATE) return Reason.expiry_absent;
  if (exp == BAD_DATE || nbf == BAD_DATE || iat == BAD_DATE) return Reason.claim_malformed;
  if (exp + skew <= now) return Reason.token_expired;
  if (nbf != NO_DATE && nbf > now + skew) return Reason.token_not_yet_valid;
  if (iat != NO_DATE && iat > now + skew) return Reason.token_issued_in_future;
  return Reason.ok;
}

/** Seconds since 1970 when the token was issued, in claims that `checkClaims` found good; negative when they do not say. */
export function issuedAt(claims: VerifiedClaims): i64 {
  return claims.registered.iat;
}

/** How long a token of this issuer may be good, whatever it says itself. */
function checkLimits(claims: RegisteredClaims, issuer: Issuer, now: i64): Reason {
  if (issuer.maxAge == 0 && issuer.maxLifetime == 0) return Reason.ok;
  const iat = claims.iat;
  if (iat == NO_DATE) return Reason.issued_at_absent;
  if (issuer.maxAge > 0 && iat + issuer.maxAge + issuer.clockSkew <= now) return Reason.token_too_old;
  const lifetime = claims.exp - iat;
  return issuer.maxLifetime > 0 && lifetime > issuer.maxLifetime ? Reason.lifetime_too_long : Reason.ok;
}

/** Seconds since the token was issued; -1 when it does not say when. @param now seconds since 1970 */
export function ageOf(claims: VerifiedClaims, now: i64): i64 {
  const iat = claims.registered.iat;
  return iat < 0 ? -1 : max<i64>(0, now - iat);
}

/** Seconds since 1970 from when on the token is not taken any more. Of claims that `checkClaims` found good. */
export function endOf(claims: VerifiedClaims, issuer: Issuer): i64 {
  const iat = claims.registered.iat;
  const end = claims.registered.exp + issuer.clockSkew;
  return issuer.maxAge == 0 || iat < 0 ? end : min(end, iat + issuer.maxAge + issuer.clockSkew);
}

/** True when `aud` names this audience. */
export function hasAudience(claims: VerifiedClaims, audience: Span): bool {
  const document = claims.document;
  const aud = claims.registered.aud;
  if (document.kind(aud) == JsonKind.String) return equals(audience, document.stringOf(aud));
  if (document.kind(aud) != JsonKind.Array) return false;
  for (let n = document.firstIn(aud); n != NO_NODE; n = document.nextIn(aud, n)) {
    if (equals(audience, document.stringOf(n))) return true;
  }
  return false;
}

/** One of the issuer's audiences, and where the rule names some, one of those too. */
function checkAudience(claims: VerifiedClaims, ofIssuer: List<Span>, ofRule: List<Span>): Reason {
  const document = claims.document;
  const aud = claims.registered.aud;
  if (!isAudience(document, aud)) return Reason.claim_malformed;
  if (ofIssuer.count > 0 && !meets(document, aud, ofIssuer)) return Reason.audience_mismatch;
  if (ofRule.count > 0 && !meets(document, aud, ofRule)) return Reason.audience_mismatch;
  return Reason.ok;
}

/** A string or a list of strings; absent is judged by whoever wants one. */
function isAudience(document: JsonDocument, aud: JsonNode): bool {
  const kind = document.kind(aud);
  if (aud == NO_NODE || kind == JsonKind.String) return true;
  if (kind != JsonKind.Array) return false;
  for (let n = document.firstIn(aud); n != NO_NODE; n = document.nextIn(aud, n)) {
    if (document.kind(n) != JsonKind.String) return false;
  }
  return true;
}

function meets(document: JsonDocument, aud: JsonNode, wanted: List<Span>): bool {
  if (document.kind(aud) == JsonKind.String) return hasText(wanted, document.stringOf(aud));
  for (let n = document.firstIn(aud); n != NO_NODE; n = document.nextIn(aud, n)) {
    if (hasText(wanted, document.stringOf(n))) return true;
  }
  return false;
}
