import type { HttpCall } from "./host/index.ts";
import { Failure } from "./failure.ts";

interface Answer {
  readonly status?: number;
  readonly headers?: readonly (readonly [string, string])[];
  /** As it is; anything but a text is sent as JSON. */
  readonly body?: unknown;
}

/** What key servers, introspection servers and feeds say: by cluster, and there by path. */
export class Servers {
  readonly #answers: Readonly<Record<string, Readonly<Record<string, Answer>>>>;

  /** @throws Failure when it is no such object */
  constructor(answers: unknown = {}) {
    const isMap = (value: unknown) => typeof value === "object" && value !== null && !Array.isArray(value);
    if (!isMap(answers) || !Object.values(answers as object).every(isMap))
      throw new Failure('expected answers by cluster and path: { "idp": { "/jwks": { "body": { ... } } } }');
    this.#answers = answers as Readonly<Record<string, Readonly<Record<string, Answer>>>>;
  }

  get clusters(): readonly string[] {
    return Object.keys(this.#answers);
  }

  /** Answers a call; 404 where nothing is known. */
  answer(call: HttpCall): void {
    const path = call.request.headers.first(":path") ?? "";
    const answer = this.#answers[call.request.cluster]?.[path];
    const { status = 200, headers = [], body = "" } = answer ?? { status: 404 };
    call.respond({
      status,
      headers: headers.map(([name, value]) => [name, value]),
      body: typeof body === "string" ? body : JSON.stringify(body),
    });
  }
}
