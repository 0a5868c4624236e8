// What a decision record says of the request itself, where the policy asks for it: enough to decide it again (docs/decision-record.md).

import { ascii } from "../host/arena";
import { Span, ABSENT, FAILED, byteAt, equals, indexOf, lengthOf, slice } from "../host/span";
import { writeAscii, writeByte, writeHex } from "../host/writer";
import { DIGEST_BYTES } from "../crypto/sha256";
import { Presenter } from "../evidence/presenter";
import { isPlainAuthority } from "../policy/authority";
import { hasReadings } from "../policy/path";
import { Char } from "../text/ascii";
import { decodeBase64url } from "../text/base64url";
import { Facts } from "./facts";
import { isPlain, writeText } from "./members";

/** Bytes of claims, at most: they have to fit into the line with all the rest. */
const MAX_CLAIMS: i32 = 8 * 1024;
/** Bytes of what the client chooses: the same. */
const MAX_TEXT: i32 = 1024;
/** `{"` in base64url. */
const JWT_START = ascii("eyJ");

/** Members for what is known; what could be more than it seems, or is too long, is left out. */
export function writeRequestMembers(facts: Facts, presenter: Presenter): void {
  writeChosen("method", facts.method);
  if (isPlainAuthority(facts.authority)) writeChosen("authority", facts.authority);
  if (!mayHoldToken(facts.path)) writeChosen("path", facts.path);
  writeText("header", facts.tokenHeader);
  if (presenter.certificateDigest != ABSENT) {
    writeAscii(',"certificate":"');
    writeHex(presenter.certificateDigest, DIGEST_BYTES);
    writeByte(Char.Quote);
  }
  writeChosen("address", presenter.sourceAddress);
  writeChosen("localAddress", presenter.localAddress);
  writeChosen("localId", facts.localId);
  writeChosen("serverName", presenter.serverName);
  writeChosen("tlsVersion", presenter.tlsVersion);
  writeClaims(facts.payload);
}

/** A path with parameters, escapes or a fragment may hide a query, and what looks like a JWT probably is one. */
function mayHoldToken(path: Span): bool {
  if (hasReadings(path) || indexOf(path, Char.Hash, 0) >= 0) return true;
  for (let i = 0; i <= lengthOf(path) - lengthOf(JWT_START); i++) {
    if (equals(slice(path, i, i + lengthOf(JWT_START)), JWT_START)) return true;
  }
  return false;
}

function writeChosen(name: string, value: Span): void {
  if (lengthOf(value) > 0 && lengthOf(value) <= MAX_TEXT && isPlain(value)) writeText(name, value);
}

/** @param payload of a token whose claims are proven, base64url; so it is an object, and all that breaks a line in it is white space */
function writeClaims(payload: Span): void {
  const claims = payload == ABSENT ? ABSENT : decodeBase64url(payload);
  if (claims == ABSENT || claims == FAILED || lengthOf(claims) > MAX_CLAIMS || hasControls(claims)) return;
  writeAscii(',"claims":');
  for (let i = 0; i < lengthOf(claims); i++) {
    const byte = byteAt(claims, i);
    writeByte(byte < Char.Space ? Char.Space : byte);
  }
}

/** True for characters besides ASCII's that a terminal acts on or that some readers end a line at: DEL, C1, U+2028 and U+2029, in UTF-8. */
function hasControls(text: Span): bool {
  for (let i = 0; i < lengthOf(text); i++) {
    const byte = byteAt(text, i);
    if (byte == Char.Delete) return true;
    const next = byteAt(text, i + 1);
    if (byte == 0xc2 && next < 0xa0) return true;
    if (byte == 0xe2 && next == 0x80 && (byteAt(text, i + 2) & 0xfe) == 0xa8) return true;
  }
  return false;
}
