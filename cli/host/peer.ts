/**
 * The downstream connection as the filter may see it. Leave out what is absent; an absent record is plaintext.
 *
 * A connection counts as TLS when `mtls` is true or `tlsVersion` is given.
 */
export interface Peer {
  /** A client certificate was presented; says nothing on whether it was validated. */
  readonly mtls?: boolean;
  /** Envoy validated the certificate on this very connection; false on resumed TLS sessions. Default false. */
  readonly validated?: boolean;
  /** The first URI SAN of the peer's certificate. */
  readonly uriSan?: string;
  /** SHA-256 of the peer's certificate (DER), 64 lowercase hex digits. */
  readonly certSha256?: string;
  /** The peer's leaf certificate, PEM. */
  readonly certPem?: string;
  /** Default `TLSv1.3` when `mtls` is true. */
  readonly tlsVersion?: string;
  readonly sni?: string;
  /** `ip:port` of the downstream. Default `127.0.0.1:40000`. */
  readonly address?: string;
  /** Our own `ip:port` that the peer has connected to. Default `127.0.0.1:8443`. */
  readonly localAddress?: string;
  /** The first URI SAN of the certificate that this proxy presented. */
  readonly localUriSan?: string;
}
