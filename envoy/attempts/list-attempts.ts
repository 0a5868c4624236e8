import type { Tokens } from "../setup/materials.ts";

/** A workload, by its listener at the callers' Envoy. */
export type Caller = "web" | "thief" | "plaintext";

/** What the server's Envoy decided about a request. `reason` is holdfast's, absent where it did not deny. */
export interface Decision {
  readonly status: number;
  readonly verdict?: string;
  readonly reason?: string;
}

/** One request of the demo, and what has to come of it. */
export interface Attempt {
  readonly title: string;
  readonly caller: Caller;
  /** Each becomes an authorization header. */
  readonly tokens: readonly string[];
  readonly observed: boolean;
  readonly expected: Decision;
  /** The status from an Envoy that validates the token and nothing else. */
  readonly validatingOnly: number;
}

/** The attempt that the demo is about. */
export const stolenTokenTitle = "the same token, from another workload";

const allowed: Decision = { status: 200, verdict: "allow" };

/** The attempts, in the order in which the demo tells its story. */
export function listAttempts(tokens: Tokens): readonly Attempt[] {
  return [
    enforced("the right workload", "web", [tokens.good], allowed, 200),
    enforced(stolenTokenTitle, "thief", [tokens.good], denied(401, "spiffe_mismatch"), 200),
    enforced("the same token, over plaintext", "plaintext", [tokens.good], denied(401, "peer_absent"), 200),
    enforced("an expired token", "web", [tokens.expired], denied(401, "token_expired"), 401),
    enforced("a token of an unknown key", "web", [tokens.unknownKey], denied(401, "key_unknown"), 401),
    enforced("certificate-bound, with its certificate", "web", [tokens.certificateBound], allowed, 200),
    enforced(
      "certificate-bound, with another certificate",
      "thief",
      [tokens.certificateBound],
      denied(401, "certificate_mismatch"),
      200,
    ),
    enforced(
      "two authorization headers",
      "web",
      [tokens.good, tokens.expired],
      denied(400, "token_duplicate"),
      401,
    ),
    enforced("a token with alg none", "web", [tokens.unsecured], denied(401, "algorithm_unsupported"), 401),
    {
      title: "observe mode: the stolen token",
      caller: "thief",
      tokens: [tokens.good],
      observed: true,
      expected: { status: 200, verdict: "would-deny", reason: "spiffe_mismatch" },
      validatingOnly: 200,
    },
  ];
}

function denied(status: number, reason: string): Decision {
  return { status, verdict: "deny", reason };
}

function enforced(
  title: string,
  caller: Caller,
  tokens: readonly string[],
  expected: Decision,
  validatingOnly: number,
): Attempt {
  return { title, caller, tokens, observed: false, expected, validatingOnly };
}
