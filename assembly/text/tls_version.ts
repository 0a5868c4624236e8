import { Span, equalsAscii } from "../host/span";

/** Versions of TLS in their order. */
export const enum TlsVersion {
  /** No TLS, or a version that is not known here. */
  None = 0,
  Tls10 = 1,
  Tls11 = 2,
  Tls12 = 3,
  Tls13 = 4,
}

/** The version that Envoy's `connection.tls_version` names. */
export function tlsVersionOf(name: Span): TlsVersion {
  if (equalsAscii(name, "TLSv1.3")) return TlsVersion.Tls13;
  if (equalsAscii(name, "TLSv1.2")) return TlsVersion.Tls12;
  if (equalsAscii(name, "TLSv1.1")) return TlsVersion.Tls11;
  return equalsAscii(name, "TLSv1") ? TlsVersion.Tls10 : TlsVersion.None;
}
