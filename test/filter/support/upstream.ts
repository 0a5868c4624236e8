// What the upstream gets to see of a request.

import type { Stream } from "../../../cli/host/index.ts";

/** All values of the header that reach the upstream, in order. */
export function upstreamValues(stream: Stream, name: string): string[] {
  return stream.requestHeaders.filter(([known]) => known === name).map(([, value]) => value);
}

/** The names of the headers that reach the upstream, without the pseudo-headers. */
export function upstreamNames(stream: Stream): string[] {
  return stream.requestHeaders.map(([name]) => name).filter((name) => !name.startsWith(":"));
}
