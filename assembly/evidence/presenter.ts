// Who is live on this connection. Each fact is present, absent or malformed, and only a present one can prove anything.

import { makeForever, takeForever } from "../host/arena";
import { Span, ABSENT, FAILED, lengthOf, spanOf } from "../host/span";
import { Reason } from "../decision/reason";
import { decodeLowerHex } from "../text/hex";
import { trustDomainOf } from "../text/spiffe_id";

const DIGEST_BYTES: i32 = 32;

@unmanaged
export class Presenter {
  /** True once somebody whom the policy trusts with it says that the certificate was validated. */
  isValidated: bool;
  /** A well-formed SPIFFE ID, or absent; nothing but a claim until the certificate is known to be validated. */
  spiffeId: Span;
  /** The ID's trust domain, or absent. */
  trustDomain: Span;
  /** SHA-256 of the peer's certificate (DER), 32 bytes, or absent. */
  certificateDigest: Span;
  private digestBytes: Span;

  static make(): Presenter {
    const presenter = makeForever<Presenter>();
    presenter.digestBytes = spanOf(takeForever(DIGEST_BYTES), DIGEST_BYTES);
    return presenter;
  }

  clear(): void {
    this.isValidated = false;
    this.spiffeId = ABSENT;
    this.trustDomain = ABSENT;
    this.certificateDigest = ABSENT;
  }

  /** Takes the URI SAN of the peer's certificate in, as Envoy gives it. */
  setUriSan(uri: Span): Reason {
    if (uri == FAILED) return Reason.host_unavailable;
    if (lengthOf(uri) == 0) return Reason.spiffe_id_absent;
    this.trustDomain = trustDomainOf(uri);
    if (this.trustDomain == ABSENT) return Reason.spiffe_id_malformed;
    this.spiffeId = uri;
    return Reason.ok;
  }

  /** Takes the certificate's digest in: 64 lowercase hex digits. */
  setCertificateDigest(hex: Span): Reason {
    if (hex == FAILED) return Reason.host_unavailable;
    if (lengthOf(hex) == 0) return Reason.certificate_digest_absent;
    if (!decodeLowerHex(hex, this.digestBytes)) return Reason.certificate_digest_malformed;
    this.certificateDigest = this.digestBytes;
    return Reason.ok;
  }
}
