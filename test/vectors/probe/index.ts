// The filter's pure functions, for published cases to call one by one. Texts and results are addresses and lengths in
// memory; a span is a u64, address in the upper half.

import "../../../assembly/host/abort";
import { makeForever, resetArena, take } from "../../../assembly/host/arena";
import { Span, ABSENT, equals, slice, sliceFrom, spanOf } from "../../../assembly/host/span";
import { algorithmNamed, includes } from "../../../assembly/crypto/algorithm";
import { signatureToDer } from "../../../assembly/crypto/ecdsa";
import { Jwk, KeyFault, KeyUse, readJwk } from "../../../assembly/crypto/jwk";
import { finishDigest, startDigest, updateDigest } from "../../../assembly/crypto/sha256";
import { checkSignature } from "../../../assembly/crypto/signature";
import { thumbprintOf } from "../../../assembly/crypto/thumbprint";
import { Certificate } from "../../../assembly/evidence/certificate";
import { Xfcc } from "../../../assembly/evidence/xfcc";
import { decodeBase64url } from "../../../assembly/text/base64url";
import { inflate } from "../../../assembly/text/inflate";
import { Cidr, IpAddress, parseAddressAndPort } from "../../../assembly/text/ip";
import { JsonDocument, ROOT } from "../../../assembly/text/json";
import { parseJson } from "../../../assembly/text/json_parser";
import { isTrustDomain, trustDomainOf } from "../../../assembly/text/spiffe_id";
import { HttpUri } from "../../../assembly/text/uri";

const VALUES: i32 = 4096;
const document = JsonDocument.forever(VALUES);
const key = new Jwk();
const xfcc = Xfcc.make();
const certificate = Certificate.make();
const ip = makeForever<IpAddress>();
const range = makeForever<Cidr>();
const uri = makeForever<HttpUri>();
const otherUri = makeForever<HttpUri>();

/** Starts over: all memory that was allocated is free again. */
export function reset(): void {
  resetArena();
}

/** Room for an argument, or for what the host has to say. */
export function proxy_on_memory_allocate(size: i32): usize {
  return take(size);
}

export function trustDomain(address: usize, length: i32): Span {
  return trustDomainOf(spanOf(address, length));
}

export function acceptsTrustDomain(address: usize, length: i32): bool {
  return isTrustDomain(spanOf(address, length));
}

export function base64url(address: usize, length: i32): Span {
  return decodeBase64url(spanOf(address, length));
}

export function inflated(address: usize, length: i32, limit: i32): Span {
  return inflate(spanOf(address, length), limit);
}

export function acceptsJson(address: usize, length: i32): bool {
  return parseJson(document, spanOf(address, length));
}

/** The string that a document of one string is; absent for any other. */
export function jsonString(address: usize, length: i32): Span {
  return parseJson(document, spanOf(address, length)) ? document.stringOf(ROOT) : ABSENT;
}

/** @param name length of the algorithm's name, which stands before the signature */
export function derSignature(address: usize, length: i32, name: i32): Span {
  const both = spanOf(address, length);
  return signatureToDer(algorithmNamed(slice(both, 0, name)), sliceFrom(both, name));
}

/** SHA-256 of a text that comes in two parts, the first of `split` bytes. */
export function digestInParts(address: usize, length: i32, split: i32): Span {
  const text = spanOf(address, length);
  startDigest();
  updateDigest(slice(text, 0, split));
  updateDigest(sliceFrom(text, split));
  return finishDigest();
}

/** Reads a JWK that has to be for `use`; what follows then speaks of it. Returns a KeyFault. */
export function readKey(address: usize, length: i32, use: KeyUse): i32 {
  return parseJson(document, spanOf(address, length))
    ? readJwk(document, ROOT, use, use != KeyUse.Signature, key)
    : KeyFault.Malformed;
}

/** The key that was read, as SubjectPublicKeyInfo. */
export function publicKey(): Span {
  return key.publicKey;
}

/** The name of the key that was read: RFC 7638. */
export function keyThumbprint(): Span {
  return thumbprintOf(document, ROOT);
}

export function keyTakes(address: usize, length: i32): bool {
  return includes(key.algorithms, algorithmNamed(spanOf(address, length)));
}

/**
 * Whether the key that was read verifies `algorithm name, signature, signed text`, which stand side by side in memory.
 * Returns a SignatureCheck.
 */
export function verify(address: usize, length: i32, name: i32, signature: i32): i32 {
  const all = spanOf(address, length);
  return checkSignature(
    algorithmNamed(slice(all, 0, name)),
    key.publicKey,
    slice(all, name, name + signature),
    sliceFrom(all, name + signature),
  );
}

/** Reads an IP address; what follows then speaks of it. Returns an IpFamily. */
export function readIp(address: usize, length: i32): i32 {
  ip.parse(spanOf(address, length));
  return ip.family;
}

/** Reads an IP address with a port, and gives the port. */
export function readIpAndPort(address: usize, length: i32): i32 {
  return parseAddressAndPort(spanOf(address, length), ip);
}

export function ipHigh(): u64 {
  return ip.high;
}

export function ipLow(): u64 {
  return ip.low;
}

/** Whether the IP address that was read is in this range; -1 when it is no range. */
export function ipIsIn(address: usize, length: i32): i32 {
  return range.parse(spanOf(address, length)) ? <i32>range.contains(ip) : -1;
}

/** Elements of an x-forwarded-client-cert header, of which what follows speaks; -1 when it is malformed. */
export function parseXfcc(address: usize, length: i32): i32 {
  return xfcc.parse(spanOf(address, length)) ? xfcc.count : -1;
}

export function xfccBy(element: i32): Span {
  return xfcc.element(element).by;
}

export function xfccHash(element: i32): Span {
  return xfcc.element(element).hash;
}

export function xfccUri(element: i32): Span {
  return xfcc.element(element).uri;
}

export function xfccCert(element: i32): Span {
  return xfcc.element(element).cert;
}

/** Reads a PEM certificate, of which what follows then speaks. */
export function readCertificate(address: usize, length: i32): bool {
  return certificate.read(spanOf(address, length));
}

export function certificateNotBefore(): i64 {
  return certificate.notBefore;
}

export function certificateNotAfter(): i64 {
  return certificate.notAfter;
}

export function certificateUriNames(): i32 {
  return certificate.uriNames;
}

export function certificateFirstUri(): Span {
  return certificate.firstUri;
}

export function certificateDigest(): Span {
  return certificate.digest();
}

/** Whether two URIs, of which the first has `split` bytes, are one without query and fragment. */
export function areOneUri(address: usize, length: i32, split: i32): bool {
  const both = spanOf(address, length);
  return (
    uri.read(slice(both, 0, split)) &&
    otherUri.read(sliceFrom(both, split)) &&
    equals(uri.scheme, otherUri.scheme) &&
    equals(uri.authority, otherUri.authority) &&
    equals(uri.path, otherUri.path)
  );
}
