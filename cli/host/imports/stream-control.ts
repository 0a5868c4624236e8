import { Status, StreamType } from "../abi.ts";
import type { Guest } from "../guest.ts";
import { readPairs } from "../pairs.ts";
import { unsigned } from "./host-function.ts";
import type { HostFunctions } from "./host-function.ts";

const MAX_GRPC_STATUS = 16;

export function streamControl(guest: Guest): HostFunctions {
  return {
    proxy_continue_stream: (type: number) => {
      if (unsigned(type) > StreamType.Max) return Status.BadArgument;
      if (type === StreamType.Upstream) return Status.Unimplemented;
      if (type === StreamType.Request) guest.context().stream?.continueRequest();
      return Status.Ok;
    },

    proxy_close_stream: (type: number) => {
      if (unsigned(type) > StreamType.Max) return Status.BadArgument;
      if (unsigned(type) <= StreamType.Response) guest.context().stream?.reset();
      return Status.Ok;
    },

    proxy_set_effective_context: (id: number) => guest.setEffectiveContext(unsigned(id)),

    proxy_done: () => {
      const { stream, root } = guest.context();
      return stream === undefined ? (root?.done() ?? Status.NotFound) : Status.NotFound;
    },

    proxy_clear_route_cache: () => Status.Ok,

    proxy_send_local_response: (
      status: number,
      details: number,
      detailsSize: number,
      body: number,
      bodySize: number,
      headers: number,
      headersSize: number,
      grpcStatus: number,
    ) => {
      const { memory } = guest;
      const detailText = memory.view(unsigned(details), unsigned(detailsSize));
      const bodyBytes = memory.copy(unsigned(body), unsigned(bodySize));
      const pairs = memory.view(unsigned(headers), unsigned(headersSize));
      if (detailText === undefined || bodyBytes === undefined || pairs === undefined) {
        return Status.InvalidMemoryAccess;
      }
      guest.context().stream?.sendLocalReply({
        status: unsigned(status),
        headers: readPairs(pairs).map(([name, value]) => [name.toLowerCase(), value]),
        body: bodyBytes,
        details: detailText.toString("utf8"),
        grpcStatus: grpcStatus >= 0 && grpcStatus <= MAX_GRPC_STATUS ? grpcStatus : undefined,
      });
      guest.stopIteration();
      return Status.Ok;
    },
  };
}
