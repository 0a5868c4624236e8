import { Status } from "../abi.ts";
import type { HostFunctions } from "./host-function.ts";

// Envoy has these, so a module may import them; holdfast calls none of them and this host answers Unimplemented.
const NAMES = [
  "proxy_get_status",
  "proxy_set_buffer_bytes",
  "proxy_register_shared_queue",
  "proxy_resolve_shared_queue",
  "proxy_dequeue_shared_queue",
  "proxy_enqueue_shared_queue",
  "proxy_grpc_call",
  "proxy_grpc_stream",
  "proxy_grpc_close",
  "proxy_grpc_cancel",
  "proxy_grpc_send",
] as const;

export function unimplemented(): HostFunctions {
  return Object.fromEntries(NAMES.map((name) => [name, () => Status.Unimplemented]));
}
