import { send } from "./answers.ts";
import type { Answer, SeenRequest } from "./scripted-server.ts";

/** Answers as RFC 7662 has it: about a token that is named, what is said of it; that any other is not active. */
export function introspect(tokens: Readonly<Record<string, object>>): Answer {
  return (request, response) => {
    const claims = tokens[tokenOf(request)];
    send(claims === undefined ? { active: false } : { active: true, ...claims })(request, response);
  };
}

/** The token that is asked about. */
export function tokenOf({ body }: SeenRequest): string {
  return new URLSearchParams(body).get("token") ?? "";
}
