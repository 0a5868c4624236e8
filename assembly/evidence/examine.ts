// Looks at the live peer's certificate itself, for what Envoy has no attribute for: whether it names one URI only, and from when until
// when it is good, also on a connection that was kept open. Each certificate is read once.

import { ascii, copyTo, takeForever } from "../host/arena";
import { readProperty } from "../host/call";
import { Span, ABSENT, FAILED, equals, lengthOf, spanOf } from "../host/span";
import { Table, tableForever } from "../host/table";
import { DIGEST_BYTES } from "../crypto/sha256";
import { Reason } from "../decision/reason";
import { secretHash } from "../text/hash";
import { decodeLowerHex } from "../text/hex";
import { NO_TIME } from "../text/time";
import { Certificate } from "./certificate";

/** Certificates that are remembered; those whose hashes fall together take turns. */
const PLACES: i32 = 256;
const HEX_BYTES: i32 = 2 * DIGEST_BYTES;

const PEER_CERTIFICATE = ascii("connection\0peer_certificate");
const PEER_DIGEST = ascii("connection\0sha256_peer_certificate_digest");

@unmanaged
class Examined {
  /** As Envoy writes it; absent: the place is free. */
  digest: Span;
  notBefore: i64;
  notAfter: i64;
  uriNames: i32;
}

const digests: usize = takeForever(PLACES * HEX_BYTES);
const examined: Table<Examined> = tableForever<Examined>(PLACES);
const certificate = Certificate.make();
const expected: Span = spanOf(takeForever(DIGEST_BYTES), DIGEST_BYTES);

/** The live peer's certificate, when `examine` said `ok`. */
let live: Examined = examined.at(0);

/** @param now seconds since 1970; @param uriNames how many URIs it has to name: one for a workload, none for an outsider */
export function examineCertificate(now: i64, uriNames: i32): Reason {
  const reason = examine();
  if (reason != Reason.ok) return reason;
  if (live.uriNames != uriNames) return Reason.certificate_ambiguous;
  return now < live.notBefore || now > live.notAfter ? Reason.certificate_expired : Reason.ok;
}

/** Seconds since 1970 when the live peer's certificate ends, of one that was just examined. */
export function liveNotAfter(): i64 {
  return live.notAfter;
}

/** Seconds since 1970 from when on the live peer's certificate is good; NO_TIME when Envoy does not show it, or it cannot be read. */
export function liveNotBefore(): i64 {
  return examine() == Reason.ok ? live.notBefore : NO_TIME;
}

function examine(): Reason {
  const digest = readProperty(PEER_DIGEST);
  if (digest == FAILED) return Reason.host_unavailable;
  if (lengthOf(digest) != HEX_BYTES) return Reason.certificate_digest_absent;
  const place = <i32>(secretHash(digest) & (PLACES - 1));
  live = examined.at(place);
  return equals(live.digest, digest) ? Reason.ok : read(live, digest, digests + place * HEX_BYTES);
}

/** @param memory for the digest */
function read(entry: Examined, digest: Span, memory: usize): Reason {
  entry.digest = ABSENT;
  const pem = readProperty(PEER_CERTIFICATE);
  if (pem == FAILED) return Reason.host_unavailable;
  if (lengthOf(pem) == 0) return Reason.certificate_hidden;
  const isThis =
    certificate.read(pem) && decodeLowerHex(digest, expected) && equals(certificate.digest(), expected);
  if (!isThis) return Reason.certificate_unreadable;
  entry.digest = copyTo(memory, digest);
  entry.notBefore = certificate.notBefore;
  entry.notAfter = certificate.notAfter;
  entry.uriNames = certificate.uriNames;
  return Reason.ok;
}
