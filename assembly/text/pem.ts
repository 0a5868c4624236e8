// A certificate in PEM, in the one form that generators write: lines of 64 characters, each ended by a line feed.
// https://www.rfc-editor.org/rfc/rfc7468#section-3

import { ascii } from "../host/arena";
import { Span, FAILED, equals, indexOf, lengthOf, slice, sliceFrom, startsWith } from "../host/span";
import { Char } from "./ascii";
import { decodeBase64 } from "./base64";

const BEGIN = ascii("-----BEGIN CERTIFICATE-----\n");
const END = ascii("-----END CERTIFICATE-----\n");
/** That a line of 64 characters stands for; only the last may be shorter. */
const LINE_BYTES: i32 = 48;

/**
 * Decodes the one certificate that is in `pem`, of which the last line feed may be missing.
 * @returns the part of `into` that was written; FAILED when the text is anything else, or more than fits
 */
export function decodeCertificatePem(pem: Span, into: Span): Span {
  if (!startsWith(pem, BEGIN)) return FAILED;
  let at = lengthOf(BEGIN);
  let written = 0;
  let bytes = LINE_BYTES;
  while (bytes == LINE_BYTES && !isEnd(sliceFrom(pem, at))) {
    const lineFeed = indexOf(pem, Char.LineFeed, at);
    bytes = decodeBase64(slice(pem, at, lineFeed), sliceFrom(into, written));
    if (bytes < 1 || bytes > LINE_BYTES) return FAILED;
    written += bytes;
    at = lineFeed + 1;
  }
  return written > 0 && isEnd(sliceFrom(pem, at)) ? slice(into, 0, written) : FAILED;
}

function isEnd(text: Span): bool {
  return equals(text, END) || equals(text, slice(END, 0, lengthOf(END) - 1));
}
