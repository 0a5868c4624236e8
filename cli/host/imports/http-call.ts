import { Status } from "../abi.ts";
import type { Guest } from "../guest.ts";
import { HeaderMap } from "../header-map.ts";
import { readPairs } from "../pairs.ts";
import { unsigned } from "./host-function.ts";
import type { HostFunctions } from "./host-function.ts";

export function httpCall(guest: Guest): HostFunctions {
  return {
    proxy_http_call: (
      cluster: number,
      clusterSize: number,
      headers: number,
      headersSize: number,
      body: number,
      bodySize: number,
      trailers: number,
      trailersSize: number,
      timeoutMilliseconds: number,
      tokenOut: number,
    ) => {
      const { memory } = guest;
      const name = memory.view(unsigned(cluster), unsigned(clusterSize))?.toString("utf8");
      const headerBytes = memory.view(unsigned(headers), unsigned(headersSize));
      const bodyBytes = memory.copy(unsigned(body), unsigned(bodySize));
      const trailerBytes = memory.view(unsigned(trailers), unsigned(trailersSize));
      if (
        name === undefined ||
        headerBytes === undefined ||
        bodyBytes === undefined ||
        trailerBytes === undefined
      ) {
        return Status.InvalidMemoryAccess;
      }
      // Envoy writes a token of 0 before it tries, so a refused call leaves 0 there.
      if (!memory.setU32(unsigned(tokenOut), 0)) return Status.InvalidMemoryAccess;
      const root = guest.context().root;
      if (root === undefined) return Status.BadArgument;
      const call = root.startHttpCall({
        cluster: name,
        headers: new HeaderMap(readPairs(headerBytes)),
        body: bodyBytes,
        trailers: new HeaderMap(readPairs(trailerBytes)),
        timeoutMilliseconds,
      });
      if (call === undefined) return Status.BadArgument;
      memory.setU32(unsigned(tokenOut), call.token);
      return Status.Ok;
    },
  };
}
