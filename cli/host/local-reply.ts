import type { HeaderPair } from "./header-map.ts";

/** An answer to the client that the upstream never saw. */
export interface LocalReply {
  readonly status: number;
  /** As the guest gave them, names lower case. */
  readonly headers: readonly HeaderPair[];
  readonly body: Buffer;
  /** Envoy's response code details, for example `holdfast_denied{token_absent}`. */
  readonly details: string;
  /** 0 to 16, or undefined when the guest set none that Envoy knows. */
  readonly grpcStatus: number | undefined;
}
