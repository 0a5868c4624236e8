// The host's functions. The declarations come from @solo-io/proxy-runtime; what that package lacks or binds to the wrong
// import is declared here. Names and signatures: proxy-wasm ABI 0.2.1.

export {
  proxy_log,
  proxy_get_current_time_nanoseconds,
  proxy_get_property,
  proxy_set_property,
  proxy_send_local_response,
  proxy_close_stream,
  proxy_get_header_map_pairs,
  proxy_remove_header_map_value,
  proxy_replace_header_map_value,
  proxy_get_buffer_bytes,
  proxy_define_metric,
  proxy_increment_metric,
  proxy_record_metric,
  proxy_call_foreign_function,
  proxy_http_call,
  proxy_continue_stream,
  proxy_set_effective_context,
  proxy_set_tick_period_milliseconds,
  proxy_get_shared_data,
  proxy_set_shared_data,
} from "@solo-io/proxy-runtime/assembly/imports";

@external("env", "proxy_get_log_level")
export declare function proxy_get_log_level(levelOut: usize): u32;

// WASI, which Envoy offers in part.
@external("wasi_snapshot_preview1", "random_get")
export declare function random_get(target: usize, size: usize): u32;

@external("wasi_snapshot_preview1", "environ_sizes_get")
export declare function environ_sizes_get(countOut: usize, bytesOut: usize): u32;

@external("wasi_snapshot_preview1", "environ_get")
export declare function environ_get(pointers: usize, bytes: usize): u32;
