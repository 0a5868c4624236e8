import { Status } from "../abi.ts";
import { int64Bytes } from "./value.ts";
import type { PropertyResult } from "./value.ts";

/** What Envoy notes of a stream's answer as it comes. */
export interface ResponseFacts {
  /** Undefined until there are headers. */
  code: number | undefined;
  /** Where the answer came from, or how the stream ended. */
  details: string | undefined;
}

/** `response.<part>`, of Envoy's ResponseWrapper what does not depend on the response's headers. */
export function responseProperty({ code, details }: ResponseFacts, part: string): PropertyResult {
  switch (part) {
    case "code":
      return code === undefined ? Status.NotFound : int64Bytes(BigInt(code));
    case "code_details":
      return details ?? Status.NotFound;
    default:
      return Status.NotFound;
  }
}
