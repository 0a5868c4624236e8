import { Status } from "../abi.ts";
import type { HeaderMap } from "../header-map.ts";
import { nanoseconds } from "../clock.ts";
import { int64Bytes } from "./value.ts";
import type { PropertyResult } from "./value.ts";

export interface RequestFacts {
  readonly headers: HeaderMap;
  readonly protocol: string;
  /** Seconds since the epoch when the first byte of the request arrived. */
  readonly startTime: number;
}

const HEADER_OF: Readonly<Record<string, string>> = {
  path: ":path",
  host: ":authority",
  scheme: ":scheme",
  method: ":method",
  referer: "referer",
  useragent: "user-agent",
  id: "x-request-id",
};

/** `request.<part>` and `request.headers.<name>`: Envoy's RequestWrapper. */
export function requestProperty(request: RequestFacts, parts: readonly string[]): PropertyResult {
  const [, part = "", name] = parts;
  if (part === "headers" && name !== undefined && parts.length === 3)
    return headerText(request.headers.joined(name));
  if (parts.length !== 2) return Status.NotFound;
  const header = HEADER_OF[part];
  if (header !== undefined) return headerText(request.headers.joined(header));
  switch (part) {
    case "time":
      return int64Bytes(nanoseconds(request.startTime));
    case "protocol":
      return request.protocol;
    case "url_path":
      return headerText(request.headers.first(":path")?.replace(/\?.*$/s, ""));
    case "query":
      return headerText(queryOf(request.headers.first(":path")));
    default:
      return Status.NotFound;
  }
}

function queryOf(path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  const mark = path.indexOf("?");
  return mark < 0 ? "" : path.slice(mark + 1).replace(/#.*$/s, "");
}

function headerText(value: string | undefined): PropertyResult {
  return value === undefined ? Status.NotFound : Buffer.from(value, "latin1");
}
