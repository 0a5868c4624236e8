import type { Trial } from "./column.ts";
import { bearer } from "./traffic.ts";

export function good(token: string): Trial {
  return { what: "a good request", presenter: "web", headers: bearer(token), status: 200 };
}

/** web's token in the hands of another workload. */
export function stolen(token: string, status = 401): Trial {
  return { what: "a stolen token", presenter: "thief", headers: bearer(token), status };
}

/** The token with another signature. */
export function forged(token: string): Trial {
  const headers = bearer(`${token.slice(0, -8)}AAAAAAAA`);
  return { what: "a forged token", presenter: "web", headers, status: 401 };
}
