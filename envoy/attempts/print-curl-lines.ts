import type { Tokens } from "../setup/materials.ts";
import type { Caller } from "./list-attempts.ts";

/** Where a reader's own requests go in: the ports of the callers' Envoy and the server's admin page. */
export interface Entries {
  readonly port: (caller: Caller) => number;
  readonly adminOrigin: string;
}

/** Prints curl commands that work as they stand while the setup runs. */
export function printCurlLines(entries: Entries, tokens: Tokens, write: (line: string) => void): void {
  const curl = (caller: Caller, token: string, ...more: string[]) =>
    [
      "curl -i",
      ...more,
      `-H 'authorization: Bearer ${token}'`,
      `http://127.0.0.1:${entries.port(caller)}/orders/1`,
    ].join(" ");
  const validating = "-H 'host: validating.example.org'";
  const observe = "-H 'host: observe.example.org'";
  const lines = [
    ["the right workload", curl("web", tokens.good)],
    ["the same token, from another workload", curl("thief", tokens.good)],
    ["the same, at an Envoy that only validates", curl("thief", tokens.good, validating)],
    ["the same, where holdfast observes", curl("thief", tokens.good, observe)],
    ["the same token, over plaintext", curl("plaintext", tokens.good)],
    ["certificate-bound, with another certificate", curl("thief", tokens.certificateBound)],
    ["what was counted", `curl -s '${entries.adminOrigin}/stats?usedonly&filter=holdfast'`],
  ] as const;
  for (const [title, line] of lines) write(`\n# ${title}\n${line}`);
}
