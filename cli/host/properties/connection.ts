import { Status } from "../abi.ts";
import type { EnvoyVersion } from "../envoy-version.ts";
import type { Peer } from "../peer.ts";
import { int64Bytes } from "./value.ts";
import type { PropertyResult } from "./value.ts";

/** The downstream, of a request that does not say where it comes from. */
export const DEFAULT_ADDRESS = "127.0.0.1:40000";
const DEFAULT_LOCAL_ADDRESS = "127.0.0.1:8443";
const YES = Uint8Array.of(1);
const NO = Uint8Array.of(0);

export interface Connection {
  readonly id: number;
  readonly peer: Peer;
  readonly envoy: EnvoyVersion;
}

/** `connection.<part>`: Envoy's ConnectionWrapper and, on TLS only, its certificate attributes. */
export function connectionProperty(connection: Connection, part: string): PropertyResult {
  const { peer, envoy } = connection;
  switch (part) {
    case "id":
      return int64Bytes(BigInt(connection.id));
    case "mtls":
      return bool(peer.mtls ?? false);
    case "requested_server_name":
      return peer.sni ?? "";
    case "tls_version":
      return text(tlsVersion(peer));
    case "uri_san_peer_certificate":
      return text(peer.uriSan);
    case "uri_san_local_certificate":
      return text(peer.localUriSan);
    case "sha256_peer_certificate_digest":
      return text(peer.certSha256);
    case "peer_certificate_valid":
      return envoy === "1.37" ? Status.NotFound : bool(peer.validated ?? false);
    case "peer_certificate":
      return envoy === "1.37" ? Status.NotFound : text(peer.certPem);
    default:
      return Status.NotFound;
  }
}

/** `source.<part>`: the downstream's address. */
export function sourceProperty(peer: Peer, part: string): PropertyResult {
  return addressProperty(peer.address ?? DEFAULT_ADDRESS, part);
}

/** `destination.<part>`: the address that the downstream has connected to. */
export function destinationProperty(peer: Peer, part: string): PropertyResult {
  return addressProperty(peer.localAddress ?? DEFAULT_LOCAL_ADDRESS, part);
}

function addressProperty(address: string, part: string): PropertyResult {
  if (part === "address") return address;
  if (part === "port") return int64Bytes(BigInt(address.slice(address.lastIndexOf(":") + 1)));
  return Status.NotFound;
}

function tlsVersion(peer: Peer): string | undefined {
  return peer.tlsVersion ?? (peer.mtls === true ? "TLSv1.3" : undefined);
}

function text(value: string | undefined): PropertyResult {
  // Envoy treats an empty certificate field as one that is not there.
  return value === undefined || value === "" ? Status.NotFound : value;
}

function bool(value: boolean): Uint8Array {
  return value ? YES : NO;
}
