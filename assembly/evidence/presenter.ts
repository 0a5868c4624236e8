// Who is live on this connection. A fact that is absent or malformed gives its reason and stays absent here.

import { makeForever, takeForever } from "../host/arena";
import { Span, ABSENT, FAILED, lengthOf, spanOf } from "../host/span";
import { DIGEST_BYTES } from "../crypto/sha256";
import { Reason } from "../decision/reason";
import { decodeLowerHex } from "../text/hex";
import { hasPath, trustDomainOf } from "../text/spiffe_id";

@unmanaged
export class Presenter {
  /** True once Envoy was asked, whatever it said. */
  isGathered: bool;
  /** True once somebody whom the policy trusts with it says that the certificate was validated. */
  isValidated: bool;
  /** A well-formed SPIFFE ID, or absent; nothing but a claim until the certificate is known to be validated. */
  spiffeId: Span;
  /** The ID's trust domain, or absent. */
  trustDomain: Span;
  /** The live peer that said who its client is, where a policy takes its word for it; absent: the presenter is the live peer. */
  forwarder: Span;
  /** True when the policy takes an address that Envoy has from a header. */
  isAddressForwarded: bool;
  /** True when it shows no certificate on this connection, whatever else it is known by. */
  hasNoCertificate: bool;
  /** Which pod, of which namespace and cluster, the mesh takes it for; each absent unless asked for. */
  pod: Span;
  podNamespace: Span;
  cluster: Span;
  /** `ip:port` of the other end; absent unless a binding looks at it, as are the next three. */
  sourceAddress: Span;
  serverName: Span;
  tlsVersion: Span;
  localAddress: Span;
  /** Of the rule's expressions, a bit for each: those that were evaluated, and those that are true. */
  judgedExpressions: u32;
  trueExpressions: u32;
  /** RFC 7638, 32 bytes: the key that a proof has shown to be in his hands, for this request; absent: none. */
  keyThumbprint: Span;
  /** SHA-256 of the peer's certificate (DER), 32 bytes, or absent. */
  certificateDigest: Span;
  private digestBytes: Span;

  static make(): Presenter {
    const presenter = makeForever<Presenter>();
    presenter.digestBytes = spanOf(takeForever(DIGEST_BYTES), DIGEST_BYTES);
    return presenter;
  }

  clear(): void {
    this.isGathered = false;
    this.isValidated = false;
    this.spiffeId = ABSENT;
    this.trustDomain = ABSENT;
    this.certificateDigest = ABSENT;
    this.keyThumbprint = ABSENT;
    this.forwarder = ABSENT;
    this.isAddressForwarded = false;
    this.hasNoCertificate = false;
    this.pod = ABSENT;
    this.podNamespace = ABSENT;
    this.cluster = ABSENT;
    this.judgedExpressions = 0;
    this.trueExpressions = 0;
    this.sourceAddress = ABSENT;
    this.serverName = ABSENT;
    this.tlsVersion = ABSENT;
    this.localAddress = ABSENT;
  }

  /** Takes back what was found of the rule's expressions when the request arrived. */
  recallExpressions(bits: u32): void {
    this.judgedExpressions = u32.MAX_VALUE;
    this.trueExpressions = bits;
  }

  /** From here on the presenter is the client that this live peer speaks of, and nothing is known of him yet. */
  becomeClientOf(forwarder: Span): void {
    this.forwarder = forwarder;
    this.spiffeId = ABSENT;
    this.trustDomain = ABSENT;
    this.certificateDigest = ABSENT;
  }

  /** Takes the URI SAN of the peer's certificate in, as Envoy gives it. */
  setUriSan(uri: Span): Reason {
    if (uri == FAILED) return Reason.host_unavailable;
    if (lengthOf(uri) == 0) return Reason.spiffe_id_absent;
    const trustDomain = trustDomainOf(uri);
    // The ID of a trust domain itself belongs to an authority and to no workload.
    // https://github.com/spiffe/spiffe/blob/main/standards/X509-SVID.md#52-leaf-validation
    if (trustDomain == ABSENT || !hasPath(uri, trustDomain)) return Reason.spiffe_id_malformed;
    this.trustDomain = trustDomain;
    this.spiffeId = uri;
    return Reason.ok;
  }

  /** Takes the local workload for the presenter. @param id a well-formed SPIFFE ID of this trust domain */
  becomeSelf(id: Span, trustDomain: Span): void {
    this.spiffeId = id;
    this.trustDomain = trustDomain;
    this.isValidated = true;
    this.hasNoCertificate = true;
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
