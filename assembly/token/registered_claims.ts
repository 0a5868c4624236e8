// Where the claims are that every token is asked for, found once: a token that is remembered is asked at each use.
// https://www.rfc-editor.org/rfc/rfc7519#section-4.1

import { makeForever } from "../host/arena";
import { Span, equalsAscii, lengthOf } from "../host/span";
import { parseDecimal } from "../text/decimal";
import { JsonDocument, JsonKind, JsonNode, NO_NODE, ROOT } from "../text/json";

/** A date that the token does not have, and one that is there and is anything but whole, positive seconds. */
export const NO_DATE: i64 = -1;
export const BAD_DATE: i64 = -2;

/** Each is the claim's value, or NO_NODE. */
@unmanaged
export class RegisteredClaims {
  /** Seconds since 1970; NO_DATE or BAD_DATE. */
  exp: i64;
  nbf: i64;
  iat: i64;
  iss: JsonNode;
  sub: JsonNode;
  aud: JsonNode;
  jti: JsonNode;
  cnf: JsonNode;
  typ: JsonNode;
  nonce: JsonNode;
  atHash: JsonNode;
  cHash: JsonNode;
  events: JsonNode;
  status: JsonNode;
  tokenUse: JsonNode;
  tokenType: JsonNode;

  static make(): RegisteredClaims {
    return makeForever<RegisteredClaims>();
  }

  /** Finds the first of each name in `document`; in one that is no object there are none. */
  find(document: JsonDocument): void {
    this.clear();
    if (document.kind(ROOT) != JsonKind.Object) return;
    for (let n = document.firstIn(ROOT); n != NO_NODE; n = document.nextIn(ROOT, n))
      this.note(document, document.textOf(n), document.valueOf(n));
  }

  private clear(): void {
    this.exp = NO_DATE;
    this.nbf = NO_DATE;
    this.iat = NO_DATE;
    this.iss = NO_NODE;
    this.sub = NO_NODE;
    this.aud = NO_NODE;
    this.jti = NO_NODE;
    this.cnf = NO_NODE;
    this.typ = NO_NODE;
    this.nonce = NO_NODE;
    this.atHash = NO_NODE;
    this.cHash = NO_NODE;
    this.events = NO_NODE;
    this.status = NO_NODE;
    this.tokenUse = NO_NODE;
    this.tokenType = NO_NODE;
  }

  private note(document: JsonDocument, name: Span, value: JsonNode): void {
    if (lengthOf(name) == 3) this.noteShort(document, name, value);
    else if (equalsAscii(name, "nonce")) this.nonce = first(this.nonce, value);
    else if (equalsAscii(name, "at_hash")) this.atHash = first(this.atHash, value);
    else if (equalsAscii(name, "c_hash")) this.cHash = first(this.cHash, value);
    else if (equalsAscii(name, "events")) this.events = first(this.events, value);
    else if (equalsAscii(name, "status")) this.status = first(this.status, value);
    else if (equalsAscii(name, "token_use")) this.tokenUse = first(this.tokenUse, value);
    else if (equalsAscii(name, "token_type")) this.tokenType = first(this.tokenType, value);
  }

  private noteShort(document: JsonDocument, name: Span, value: JsonNode): void {
    if (equalsAscii(name, "exp")) this.exp = this.exp == NO_DATE ? dateOf(document, value) : this.exp;
    else if (equalsAscii(name, "nbf")) this.nbf = this.nbf == NO_DATE ? dateOf(document, value) : this.nbf;
    else if (equalsAscii(name, "iat")) this.iat = this.iat == NO_DATE ? dateOf(document, value) : this.iat;
    else if (equalsAscii(name, "iss")) this.iss = first(this.iss, value);
    else if (equalsAscii(name, "sub")) this.sub = first(this.sub, value);
    else if (equalsAscii(name, "aud")) this.aud = first(this.aud, value);
    else if (equalsAscii(name, "jti")) this.jti = first(this.jti, value);
    else if (equalsAscii(name, "cnf")) this.cnf = first(this.cnf, value);
    else if (equalsAscii(name, "typ")) this.typ = first(this.typ, value);
  }
}

/** Claims that were read from Envoy's metadata one by one may be there twice, once as a binding has asked for them. */
function first(known: JsonNode, value: JsonNode): JsonNode {
  return known == NO_NODE ? value : known;
}

function dateOf(document: JsonDocument, value: JsonNode): i64 {
  if (document.kind(value) != JsonKind.Number) return BAD_DATE;
  const seconds = parseDecimal(document.textOf(value));
  return seconds < 0 ? BAD_DATE : seconds;
}
