// A filter that does nothing: the callbacks that every request filter needs, to find its policy and to forget its streams, and no host call.
// What it costs is what Envoy takes for going into a VM and back.

/** Tells the host which ABI this is; never called. */
export function proxy_abi_version_0_2_1(): void {}

/** Wanted by the host; never called, since nothing is asked of it. */
export function proxy_on_memory_allocate(_size: i32): usize {
  return 0;
}

export function proxy_on_context_create(_id: u32, _parent: u32): void {}

/** Continue. */
export function proxy_on_request_headers(_stream: u32, _count: u32, _endOfStream: u32): u32 {
  return 0;
}

export function proxy_on_delete(_id: u32): void {}
