// A compact JWS taken apart, and nothing believed yet.  https://www.rfc-editor.org/rfc/rfc7515#section-7.1

import { makeForever } from "../host/arena";
import { SHELF_ALIGNMENT, Shelf } from "../host/shelf";
import {
  Span,
  ABSENT,
  FAILED,
  byteAt,
  equalsAscii,
  equalsAsciiIgnoreCase,
  indexOf,
  lengthOf,
  moved,
  slice,
  sliceFrom,
} from "../host/span";
import { Algorithm, algorithmNamed } from "../crypto/algorithm";
import { Reason } from "../decision/reason";
import { Char } from "../text/ascii";
import { decodeBase64url } from "../text/base64url";
import { JsonDocument, JsonKind, JsonNode, NO_NODE, ROOT } from "../text/json";
import { parseJson } from "../text/json_parser";

/** Values in a header and in a payload, at most; both lie far above what issuers write. */
const MAX_HEADER_VALUES: i32 = 128;
const MAX_PAYLOAD_VALUES: i32 = 4096;

const header = JsonDocument.forever(MAX_HEADER_VALUES);

/** What a header's `typ` says: a token made for another purpose says so (RFC 8725, section 3.11). */
export const enum TokenType {
  /** There is no `typ`. */
  Unstated = 0,
  Jwt = 1,
  /** `at+jwt`: RFC 9068, section 2.1. */
  AccessToken = 2,
  Jose = 3,
  /** `wit+jwt`. */
  Wit = 4,
  /** Anything else. */
  Other = 5,
}

/** What a token says of itself. Its claims are nobody's word: only `VerifiedClaims` may decide anything. */
@unmanaged
export class UnverifiedToken {
  /** What the header names; the key decides whether it may be used. */
  algorithm: Algorithm;
  type: TokenType;
  /** Absent when the header has none. */
  keyId: Span;
  /** `iss` as claimed: good for choosing the keys to check it with, and for nothing else. */
  claimedIssuer: Span;
  /** `sub` as claimed, for the same and nothing else. */
  claimedSubject: Span;
  signature: Span;
  signingInput: Span;
  /** The payload as it stands in the token, base64url. */
  payloadText: Span;
  payload: JsonDocument;
  /** What all texts of the payload are parts of. */
  private payloadBytes: Span;

  static make(): UnverifiedToken {
    const token = makeForever<UnverifiedToken>();
    token.payload = JsonDocument.forever(MAX_PAYLOAD_VALUES);
    return token;
  }

  /** A token that others are copied into. */
  static forCopies(): UnverifiedToken {
    const token = makeForever<UnverifiedToken>();
    token.payload = JsonDocument.forCopies();
    return token;
  }

  /** Bytes of shelf that a copy takes, without the compact form. */
  copyBytes(): i32 {
    return (
      lengthOf(this.payloadBytes) + lengthOf(this.keyId) + this.payload.copyBytes() + 4 * SHELF_ALIGNMENT
    );
  }

  /**
   * Makes `into` the same token on `shelf`, without its signature: a copy is never checked by it.
   * @param compact that this token was read from, and `copy` of it
   */
  copyInto(into: UnverifiedToken, shelf: Shelf, compact: Span, copy: Span): void {
    const bytes = shelf.copy(this.payloadBytes);
    into.algorithm = this.algorithm;
    into.type = this.type;
    into.keyId = shelf.copy(this.keyId);
    into.claimedIssuer = moved(this.claimedIssuer, this.payloadBytes, bytes);
    into.claimedSubject = moved(this.claimedSubject, this.payloadBytes, bytes);
    into.payloadText = moved(this.payloadText, compact, copy);
    into.signature = ABSENT;
    into.signingInput = ABSENT;
    into.payloadBytes = bytes;
    this.payload.copyInto(into.payload, shelf, this.payloadBytes, bytes);
  }

  /** Takes `compact` apart. Spans live until the callback ends. */
  read(compact: Span): Reason {
    const reason = this.readParts(compact);
    if (reason != Reason.ok) return reason;
    if (this.type == TokenType.Other) return Reason.token_type_unsupported;
    return lengthOf(this.signature) == 0 ? Reason.signature_malformed : this.readPayload(this.payloadBytes);
  }

  /** The same of what is no token and may be large, and has to be of this type; false for anything else. */
  readLarge(compact: Span, type: string): bool {
    if (this.readParts(compact) != Reason.ok || lengthOf(this.signature) == 0) return false;
    if (!equalsAscii(header.stringOf(header.member(ROOT, "typ")), type)) return false;
    const room = JsonDocument.borrow(this.payloadBytes);
    if (room == null) return false;
    this.payload = room;
    return this.readPayload(this.payloadBytes) == Reason.ok;
  }

  private readParts(compact: Span): Reason {
    const first = indexOf(compact, Char.Dot, 0);
    const second = first < 0 ? -1 : indexOf(compact, Char.Dot, first + 1);
    if (second < 0 || indexOf(compact, Char.Dot, second + 1) >= 0) return Reason.token_malformed;
    this.payloadText = slice(compact, first + 1, second);
    this.signingInput = slice(compact, 0, second);
    const headerBytes = decodeBase64url(slice(compact, 0, first));
    this.payloadBytes = decodeBase64url(this.payloadText);
    this.signature = decodeBase64url(sliceFrom(compact, second + 1));
    if (headerBytes == FAILED || this.payloadBytes == FAILED || this.signature == FAILED)
      return Reason.token_malformed;
    return this.readHeader(headerBytes);
  }

  /** Takes in claims that an introspection server answers with, where a token has none of its own. */
  readAnswer(bytes: Span): Reason {
    this.algorithm = Algorithm.None;
    this.type = TokenType.Unstated;
    this.keyId = ABSENT;
    this.signature = ABSENT;
    this.signingInput = ABSENT;
    this.payloadText = ABSENT;
    return this.readPayload(bytes);
  }

  private readHeader(bytes: Span): Reason {
    if (!parseJson(header, bytes) || header.kind(ROOT) != JsonKind.Object)
      return Reason.token_header_malformed;
    const alg = header.member(ROOT, "alg");
    if (header.kind(alg) != JsonKind.String) return Reason.token_header_malformed;
    if (hasForbiddenMember()) return Reason.token_header_forbidden;
    this.algorithm = algorithmNamed(header.stringOf(alg));
    if (this.algorithm == Algorithm.None) return Reason.algorithm_unsupported;
    const kid = header.member(ROOT, "kid");
    this.keyId = header.stringOf(kid);
    if (kid != NO_NODE && this.keyId == ABSENT) return Reason.token_header_malformed;
    this.type = typeOf(header.member(ROOT, "typ"));
    return Reason.ok;
  }

  private readPayload(bytes: Span): Reason {
    this.payloadBytes = bytes;
    const payload = this.payload;
    if (!parseJson(payload, bytes) || payload.kind(ROOT) != JsonKind.Object)
      return Reason.token_payload_malformed;
    this.claimedIssuer = payload.stringOf(payload.member(ROOT, "iss"));
    this.claimedSubject = payload.stringOf(payload.member(ROOT, "sub"));
    return Reason.ok;
  }
}

/**
 * Members by which a token would choose its own key (`jku`, `jwk`, `x5u`), or ask for processing that we do not do:
 * `crit` always, since we understand no extension; `b64`, which RFC 7797 makes critical.
 */
function hasForbiddenMember(): bool {
  return (
    header.member(ROOT, "jku") != NO_NODE ||
    header.member(ROOT, "jwk") != NO_NODE ||
    header.member(ROOT, "x5u") != NO_NODE ||
    header.member(ROOT, "crit") != NO_NODE ||
    header.member(ROOT, "b64") != NO_NODE
  );
}

/**
 * True for what is no JWT, whole, cut or mangled: it has fewer than two dots, and does not begin as a JSON object does in base64url.
 */
export function isOpaque(token: Span): bool {
  const dot = indexOf(token, Char.Dot, 0);
  if (dot >= 0 && indexOf(token, Char.Dot, dot + 1) >= 0) return false;
  return !beginsObject(decodeBase64url(slice(token, 0, min(PROBED, lengthOf(token)))));
}

/**
 * What tells a token from any other: its payload as it stands; of an opaque one all of it. A signature does not: whoever has an ECDSA signature
 * (r, s) can write (r, n - s), which is as good. Nor does a header: where jwt_authn has verified the payload it is nobody's word.
 */
export function substanceOf(token: Span): Span {
  if (isOpaque(token)) return token;
  let dot = lengthOf(token) - 1;
  while (dot > 0 && byteAt(token, dot) != Char.Dot) dot--;
  return slice(token, indexOf(token, Char.Dot, 0) + 1, dot);
}

/** Characters of a token that are looked at for the start of a header; whole bytes in base64url. */
const PROBED: i32 = 16;

/** True for a brace, perhaps after blanks, and then a name or a blank: other bytes after it are an opaque token's own affair. */
function beginsObject(bytes: Span): bool {
  let at = 0;
  while (isBlank(byteAt(bytes, at))) at++;
  const next = byteAt(bytes, at + 1);
  return byteAt(bytes, at) == Char.OpeningBrace && (next == Char.Quote || isBlank(next));
}

function isBlank(byte: i32): bool {
  return byte == Char.Space || byte == Char.Tab || byte == Char.LineFeed || byte == Char.CarriageReturn;
}

function typeOf(typ: JsonNode): TokenType {
  if (typ == NO_NODE) return TokenType.Unstated;
  const text = header.stringOf(typ);
  // Media types have no case; the last two are literals of their specifications.
  if (equalsAsciiIgnoreCase(text, "jwt")) return TokenType.Jwt;
  if (equalsAsciiIgnoreCase(text, "at+jwt")) return TokenType.AccessToken;
  if (equalsAsciiIgnoreCase(text, "application/at+jwt")) return TokenType.AccessToken;
  if (equalsAscii(text, "JOSE")) return TokenType.Jose;
  return equalsAscii(text, "wit+jwt") ? TokenType.Wit : TokenType.Other;
}
