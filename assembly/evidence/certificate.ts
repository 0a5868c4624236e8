// What a certificate says of itself that Envoy has no attribute for: how long it is good, and how many URIs it names. No
// signature is checked here: that the certificate is to be believed is Envoy's to say.
// https://www.rfc-editor.org/rfc/rfc5280#section-4.1

import { ascii, makeForever, takeForever } from "../host/arena";
import { Span, ABSENT, FAILED, byteAt, equals, lengthOf, spanOf } from "../host/span";
import { Tag } from "../crypto/der";
import { DerReader } from "../crypto/der_reader";
import { sha256 } from "../crypto/sha256";
import { isVisible } from "../text/ascii";
import { decodeCertificatePem } from "../text/pem";
import { NO_TIME, parseGeneralizedTime, parseUtcTime } from "../text/time";

const MAX_DER_BYTES: i32 = 16 * 1024;

/** The tags of a certificate that a key has none of. */
const enum CertificateTag {
  Boolean = 0x01,
  OctetString = 0x04,
  ObjectIdentifier = 0x06,
  UtcTime = 0x17,
  GeneralizedTime = 0x18,
  Version = 0xa0,
  IssuerUniqueId = 0x81,
  SubjectUniqueId = 0x82,
  Extensions = 0xa3,
}

/** Of the names in a subjectAltName, their tags.  RFC 5280, section 4.2.1.6 */
const enum NameTag {
  Other = 0xa0,
  Email = 0x81,
  Dns = 0x82,
  X400 = 0xa3,
  Directory = 0xa4,
  EdiParty = 0xa5,
  Uri = 0x86,
  IpAddress = 0x87,
  RegisteredId = 0x88,
}

/** 2.5.29.17 */
const SUBJECT_ALT_NAME = ascii("\x55\x1d\x11");

const VERSION_1: i32 = 0;
const VERSION_2: i32 = 1;
const VERSION_3: i32 = 2;

// One reader for each depth.
const file = makeForever<DerReader>();
const whole = makeForever<DerReader>();
const body = makeForever<DerReader>();
const field = makeForever<DerReader>();
const extensions = makeForever<DerReader>();
const extension = makeForever<DerReader>();
const names = makeForever<DerReader>();

/** One certificate. Its zero value, and what is left of a malformed one, has been over since 1970. */
@unmanaged
export class Certificate {
  /** Seconds since 1970, negative before; the first one at which it is good. */
  notBefore: i64;
  /** Seconds since 1970, negative before; the last one at which it is good. */
  notAfter: i64;
  /** URIs in its subjectAltName. */
  uriNames: i32;
  /** The first of them, until the next `read`; absent when there is none. */
  firstUri: Span;
  private der: Span;
  private room: Span;

  static make(): Certificate {
    const certificate = makeForever<Certificate>();
    certificate.room = spanOf(takeForever(MAX_DER_BYTES), MAX_DER_BYTES);
    return certificate;
  }

  /**
   * Reads a certificate of at most 16 KiB of DER; false when it is malformed.
   * @param pem one certificate, as `connection.peer_certificate` gives it
   */
  read(pem: Span): bool {
    this.clear();
    const der = decodeCertificatePem(pem, this.room);
    if (der == FAILED || !this.readCertificate(der)) {
      this.clear();
      return false;
    }
    this.der = der;
    return true;
  }

  /** SHA-256 of the DER, 32 bytes, until the next digest is made; absent when no certificate was read. */
  digest(): Span {
    return this.der == ABSENT ? ABSENT : sha256(this.der);
  }

  private clear(): void {
    this.notBefore = 0;
    this.notAfter = 0;
    this.uriNames = 0;
    this.firstUri = ABSENT;
    this.der = ABSENT;
  }

  private readCertificate(der: Span): bool {
    file.start(der);
    whole.start(file.read(Tag.Sequence));
    const signed = whole.read(Tag.Sequence);
    whole.read(Tag.Sequence);
    const signature = whole.read(Tag.BitString);
    // A signature is whole bytes: no bits of the last one are unused.
    if (byteAt(signature, 0) != 0) return false;
    return file.isDone() && whole.isDone() && this.readBody(signed);
  }

  private readBody(signed: Span): bool {
    body.start(signed);
    const version = readVersion();
    body.read(Tag.Integer);
    body.read(Tag.Sequence); // signature algorithm
    body.read(Tag.Sequence); // issuer
    const validity = body.read(Tag.Sequence);
    body.read(Tag.Sequence); // subject
    body.read(Tag.Sequence); // public key
    body.skipOptional(CertificateTag.IssuerUniqueId);
    body.skipOptional(CertificateTag.SubjectUniqueId);
    const hasExtensions = body.nextTag() == CertificateTag.Extensions;
    if (hasExtensions && !this.readExtensions(body.read(CertificateTag.Extensions))) return false;
    if (hasExtensions ? version != VERSION_3 : version < VERSION_1) return false;
    return body.isDone() && this.readValidity(validity);
  }

  private readValidity(validity: Span): bool {
    field.start(validity);
    this.notBefore = readTime();
    this.notAfter = readTime();
    return field.isDone() && this.notBefore != NO_TIME && this.notAfter != NO_TIME;
  }

  /** At least one, and the one that counts here not twice: section 4.2. */
  private readExtensions(content: Span): bool {
    field.start(content);
    extensions.start(field.read(Tag.Sequence));
    if (!field.isDone()) return false;
    let hasNames = false;
    do {
      extension.start(extensions.read(Tag.Sequence));
      const id = extension.read(CertificateTag.ObjectIdentifier);
      const isCritical = extension.nextTag() == CertificateTag.Boolean;
      if (isCritical && !isTrue(extension.read(CertificateTag.Boolean))) return false;
      const value = extension.read(CertificateTag.OctetString);
      if (!extension.isDone()) return false;
      if (!equals(id, SUBJECT_ALT_NAME)) continue;
      if (hasNames || !this.readNames(value)) return false;
      hasNames = true;
    } while (!extensions.isDone());
    return true;
  }

  /** At least one: section 4.2.1.6. */
  private readNames(value: Span): bool {
    field.start(value);
    names.start(field.read(Tag.Sequence));
    if (!field.isDone()) return false;
    do {
      const tag = names.nextTag();
      if (!isNameTag(tag)) return false;
      const name = names.read(tag);
      if (tag == NameTag.Uri && !this.addUri(name)) return false;
    } while (!names.isDone());
    return true;
  }

  /** No URI is empty, or has in it a NUL, a space or anything else that no URI can have. */
  private addUri(uri: Span): bool {
    for (let i = 0; i < lengthOf(uri); i++) {
      if (!isVisible(byteAt(uri, i))) return false;
    }
    if (this.uriNames++ == 0) this.firstUri = uri;
    return lengthOf(uri) > 0;
  }
}

/** -1 when it is malformed. The first version is never written. */
function readVersion(): i32 {
  if (body.nextTag() != CertificateTag.Version) return VERSION_1;
  field.start(body.read(CertificateTag.Version));
  const number = field.read(Tag.Integer);
  const version = byteAt(number, 0);
  if (!field.isDone() || lengthOf(number) != 1) return -1;
  return version == VERSION_2 || version == VERSION_3 ? version : -1;
}

function readTime(): i64 {
  return field.nextTag() == CertificateTag.GeneralizedTime
    ? parseGeneralizedTime(field.read(CertificateTag.GeneralizedTime))
    : parseUtcTime(field.read(CertificateTag.UtcTime));
}

/** The only BOOLEAN that `critical` can be: false is its default, which DER leaves out.  ITU-T X.690, sections 11.1 and 11.5 */
function isTrue(boolean: Span): bool {
  return lengthOf(boolean) == 1 && byteAt(boolean, 0) == 0xff;
}

function isNameTag(tag: i32): bool {
  switch (tag) {
    case NameTag.Other:
    case NameTag.Email:
    case NameTag.Dns:
    case NameTag.X400:
    case NameTag.Directory:
    case NameTag.EdiParty:
    case NameTag.Uri:
    case NameTag.IpAddress:
    case NameTag.RegisteredId:
      return true;
    default:
      return false;
  }
}
