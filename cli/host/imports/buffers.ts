import { BufferType, Status } from "../abi.ts";
import type { Guest } from "../guest.ts";
import { unsigned } from "./host-function.ts";
import type { HostFunctions } from "./host-function.ts";

export function buffers(guest: Guest): HostFunctions {
  return {
    proxy_get_buffer_bytes: (
      type: number,
      start: number,
      length: number,
      bytesOut: number,
      sizeOut: number,
    ) => {
      if (unsigned(type) > BufferType.Max) return Status.BadArgument;
      const bytes = bufferOf(guest, type);
      if (bytes === undefined) return Status.NotFound;
      const first = unsigned(start);
      // A place beyond the end reads as an empty part, as a length beyond the end reads to the end.
      const part = bytes.subarray(first, first + unsigned(length));
      return guest.returnBytes(part, unsigned(bytesOut), unsigned(sizeOut));
    },

    proxy_get_buffer_status: (type: number, lengthOut: number, flagsOut: number) => {
      if (unsigned(type) > BufferType.Max) return Status.BadArgument;
      const bytes = bufferOf(guest, type);
      if (bytes === undefined) return Status.NotFound;
      return guest.returnSpan(bytes.length, 0, unsigned(lengthOut), unsigned(flagsOut));
    },
  };
}

function bufferOf(guest: Guest, type: number): Buffer | undefined {
  const { stream, root } = guest.context();
  return (stream ?? root)?.buffer(type);
}
