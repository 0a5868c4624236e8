// What each kind of token has to say, and what it must not: the one table, in a function for each kind. docs/policy.md shows it.
// Dates, issuer and audience are the same for all kinds and are judged in claims.ts.

import { ascii, makeForever } from "../host/arena";
import { List } from "../host/list";
import {
  Span,
  ABSENT,
  byteAt,
  equals,
  equalsAscii,
  equalsAsciiIgnoreCase,
  indexOf,
  lengthOf,
  slice,
  sliceFrom,
  startsWith,
} from "../host/span";
import { Algorithm, algorithmNamed } from "../crypto/algorithm";
import { Jwk, KeyFault, KeyUse, readJwk } from "../crypto/jwk";
import { Reason } from "../decision/reason";
import { Issuer, Kind, issuerIdentifiedBy } from "../policy/policy";
import { Char } from "../text/ascii";
import { JsonKind, JsonNode, NO_NODE } from "../text/json";
import { authorityOf, hasPath, trustDomainOf } from "../text/spiffe_id";
import { TokenType, UnverifiedToken } from "./jws";
import { readServiceAccount, serviceAccount } from "./kubernetes";
import { VerifiedClaims } from "./verified_claims";

/**
 * The issuer whose token this may be, or null: by its `iss`, or, of SVIDs and WITs, by the trust domain of its `sub`.
 * @param header that the token came in; absent: `authorization`
 */
export function issuerOf(token: UnverifiedToken, issuers: List<Issuer>, header: Span): Issuer | null {
  const identified = issuerIdentifiedBy(issuers, token.claimedIssuer);
  if (identified != null) return equals(identified.header, header) ? identified : null;
  let link = issuers.first;
  while (link != null) {
    const issuer = link.item;
    const isOpen =
      issuer.trustDomain != ABSENT && issuer.identifier == ABSENT && equals(issuer.header, header);
    if (isOpen && isInTrustDomain(issuer, token.claimedSubject)) return issuer;
    link = link.next;
  }
  return null;
}

function isInTrustDomain(issuer: Issuer, subject: Span): bool {
  const domain = issuer.kind == Kind.Wit ? authorityOf(subject) : trustDomainOf(subject);
  return domain != ABSENT && equals(domain, issuer.trustDomain);
}

/** Does the header fit the kind? */
export function checkHeader(token: UnverifiedToken, kind: Kind): Reason {
  if (!isTypeOf(token.type, kind)) return Reason.token_type_unsupported;
  const needsKeyId = kind == Kind.JwtSvid || kind == Kind.WitSvid;
  return needsKeyId && token.keyId == ABSENT ? Reason.token_header_malformed : Reason.ok;
}

function isTypeOf(type: TokenType, kind: Kind): bool {
  if (kind == Kind.WitSvid || kind == Kind.Wit) return type == TokenType.Wit;
  if (type == TokenType.Unstated || type == TokenType.Jwt) return true;
  if (kind == Kind.JwtSvid) return type == TokenType.Jose;
  return kind == Kind.AccessToken && type == TokenType.AccessToken;
}

/** Does the token say what its kind has to, and nothing that it must not? */
export function checkKind(claims: VerifiedClaims, issuer: Issuer): Reason {
  switch (issuer.kind) {
    case Kind.AccessToken:
      return checkAccessToken(claims);
    case Kind.JwtSvid:
      return checkJwtSvid(claims, issuer);
    case Kind.WitSvid:
      return claims.registered.aud == NO_NODE ? checkWit(claims, issuer) : Reason.claim_forbidden;
    case Kind.Wit:
      return checkWit(claims, issuer);
    default:
      return checkKubernetes(claims);
  }
}

/**
 * The same issuer signs other tokens too. An ID token tells a client who logged in: `nonce`, `at_hash` and `c_hash` are its own
 * (OpenID Connect Core, sections 2 and 3.3.2.11), `events` is a logout token's (Back-Channel Logout, section 2.4). Keycloak marks its
 * tokens with a claim `typ`, Cognito with `token_use`.
 */
function checkAccessToken(claims: VerifiedClaims): Reason {
  const document = claims.document;
  const typ = claims.registered.typ;
  const use = claims.registered.tokenUse;
  // What cannot be read might say ID.
  if (document.kind(typ) == JsonKind.Null) return Reason.claim_malformed;
  const isIdToken =
    claims.registered.nonce != NO_NODE ||
    claims.registered.atHash != NO_NODE ||
    claims.registered.cHash != NO_NODE ||
    equalsAscii(document.stringOf(typ), "ID") ||
    equalsAscii(document.stringOf(use), "id");
  if (isIdToken) return Reason.id_token;
  const isOther = claims.registered.events != NO_NODE || isOtherType(document.stringOf(typ));
  return isOther || !isForAccess(document.stringOf(use), use) ? Reason.claim_forbidden : Reason.ok;
}

function isOtherType(typ: Span): bool {
  return equalsAscii(typ, "Refresh") || equalsAscii(typ, "Offline") || equalsAscii(typ, "Logout");
}

function isForAccess(use: Span, node: JsonNode): bool {
  return node == NO_NODE || equalsAscii(use, "access") || equalsAscii(use, "access_token");
}

/** https://github.com/spiffe/spiffe/blob/main/standards/JWT-SVID.md#3-jwt-claims */
function checkJwtSvid(claims: VerifiedClaims, issuer: Issuer): Reason {
  if (claims.registered.aud == NO_NODE) return Reason.claim_absent;
  return checkSpiffeSubject(claims, issuer);
}

/** https://github.com/spiffe/spiffe/blob/main/standards/WIT-SVID.md */
function checkWit(claims: VerifiedClaims, issuer: Issuer): Reason {
  const reason =
    issuer.kind == Kind.WitSvid ? checkSpiffeSubject(claims, issuer) : checkSubject(claims, issuer);
  return reason == Reason.ok ? checkConfirmationKey(claims) : reason;
}

/** A workload's ID, in the trust domain whose keys have signed it. */
function checkSpiffeSubject(claims: VerifiedClaims, issuer: Issuer): Reason {
  const reason = checkSubject(claims, issuer);
  const subject = claims.document.stringOf(claims.registered.sub);
  return reason == Reason.ok && !hasPath(subject, issuer.trustDomain) ? Reason.subject_malformed : reason;
}

function checkSubject(claims: VerifiedClaims, issuer: Issuer): Reason {
  const sub = claims.registered.sub;
  if (sub == NO_NODE) return Reason.claim_absent;
  return isInTrustDomain(issuer, claims.document.stringOf(sub)) ? Reason.ok : Reason.subject_malformed;
}

const proofKey = makeForever<Jwk>();

/** `cnf.jwk` is the public key that the presenter has to prove, with the algorithm to prove it by. */
function checkConfirmationKey(claims: VerifiedClaims): Reason {
  const document = claims.document;
  const cnf = claims.registered.cnf;
  if (cnf == NO_NODE) return Reason.claim_absent;
  const jwk = document.member(cnf, "jwk");
  if (document.kind(cnf) == JsonKind.Object && jwk == NO_NODE) return Reason.claim_absent;
  const alg = algorithmNamed(document.stringOf(document.member(jwk, "alg")));
  const isPublicKey =
    alg != Algorithm.None && readJwk(document, jwk, KeyUse.Signature, false, proofKey) == KeyFault.None;
  return isPublicKey ? Reason.ok : Reason.cnf_malformed;
}

const SUBJECT_START = ascii("system:serviceaccount:");

/** The account in `sub` and the one in the claims have to be the same. */
function checkKubernetes(claims: VerifiedClaims): Reason {
  const sub = claims.registered.sub;
  if (sub == NO_NODE) return Reason.claim_absent;
  const reason = readServiceAccount(claims);
  if (reason != Reason.ok) return reason;
  const subject = claims.document.stringOf(sub);
  return isAccount(subject, serviceAccount.namespace, serviceAccount.name)
    ? Reason.ok
    : Reason.subject_malformed;
}

/** `system:serviceaccount:<namespace>:<name>`; neither part has a colon, so it reads in one way only. */
function isAccount(subject: Span, namespace: Span, account: Span): bool {
  if (!startsWith(subject, SUBJECT_START)) return false;
  const rest = sliceFrom(subject, lengthOf(SUBJECT_START));
  const colon = lengthOf(namespace);
  return (
    equals(slice(rest, 0, colon), namespace) &&
    byteAt(rest, colon) == Char.Colon &&
    equals(sliceFrom(rest, colon + 1), account) &&
    indexOf(namespace, Char.Colon, 0) < 0 &&
    indexOf(account, Char.Colon, 0) < 0
  );
}

/** An introspection server's word that the token is bound to a key.  RFC 9449, section 6.2 */
export function saysDpop(claims: VerifiedClaims): bool {
  return equalsAsciiIgnoreCase(claims.document.stringOf(claims.registered.tokenType), "dpop");
}
