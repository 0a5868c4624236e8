// What a decision record says of the request itself, where the policy asks for it: enough to decide it again (docs/decision-record.md).

import { Span, ABSENT, FAILED, byteAt, lengthOf } from "../host/span";
import { writeAscii, writeByte, writeHex } from "../host/writer";
import { DIGEST_BYTES } from "../crypto/sha256";
import { Presenter } from "../evidence/presenter";
import { Char } from "../text/ascii";
import { decodeBase64url } from "../text/base64url";
import { Facts } from "./facts";
import { isPlain, writeText } from "./members";

/** Bytes of claims, at most: they have to fit into the line with all the rest. */
const MAX_CLAIMS: i32 = 8 * 1024;
/** Bytes of what the client chooses: the same. */
const MAX_TEXT: i32 = 1024;

/** Members for what is known; what JSON would have to escape is left out, and so is what is too long. */
export function writeRequestMembers(facts: Facts, presenter: Presenter): void {
  writeChosen("method", facts.method);
  writeChosen("authority", facts.authority);
  writeChosen("path", facts.path);
  writeText("header", facts.tokenHeader);
  if (presenter.certificateDigest != ABSENT) {
    writeAscii(',"certificate":"');
    writeHex(presenter.certificateDigest, DIGEST_BYTES);
    writeByte(Char.Quote);
  }
  writeChosen("address", presenter.sourceAddress);
  writeClaims(facts.payload);
}

function writeChosen(name: string, value: Span): void {
  if (lengthOf(value) <= MAX_TEXT && isPlain(value)) writeText(name, value);
}

/** @param payload of a token whose claims are proven, base64url; so it is an object, and all that breaks a line in it is white space */
function writeClaims(payload: Span): void {
  const claims = payload == ABSENT ? ABSENT : decodeBase64url(payload);
  if (claims == ABSENT || claims == FAILED || lengthOf(claims) > MAX_CLAIMS) return;
  writeAscii(',"claims":');
  for (let i = 0; i < lengthOf(claims); i++) {
    const byte = byteAt(claims, i);
    writeByte(byte < Char.Space ? Char.Space : byte);
  }
}
