import type { HttpCall } from "./host/index.ts";
import { Failure } from "./failure.ts";
import { suggestion } from "./nearest-name.ts";

interface Answer {
  readonly status?: number;
  readonly headers?: readonly (readonly [string, string])[];
  /** As it is; anything but a text is sent as JSON. */
  readonly body?: unknown;
}

const MEMBERS = ["status", "headers", "body"];
const [MIN_STATUS, MAX_STATUS] = [100, 599];

function checkAnswer(cluster: string, path: string, answer: unknown): void {
  const at = [cluster, path].map((part) => `/${part.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
  const refuse = (what: string, member = ""): never => {
    throw new Failure(`servers: ${at}${member}: ${what}`);
  };
  if (!path.startsWith("/")) refuse('expected a path that begins with "/"');
  if (typeof answer !== "object" || answer === null || Array.isArray(answer))
    return refuse(`expected an object with ${MEMBERS.join(", ")}`);
  const { status = 200, headers = [] } = answer as Readonly<Record<string, unknown>>;
  for (const name of Object.keys(answer))
    if (!MEMBERS.includes(name)) refuse(`no such member${suggestion(name, MEMBERS)}`, `/${name}`);
  if (!Number.isInteger(status) || Number(status) < MIN_STATUS || Number(status) > MAX_STATUS)
    refuse(`expected a whole number from ${MIN_STATUS} to ${MAX_STATUS}`, "/status");
  if (!Array.isArray(headers) || !headers.every(isPair))
    refuse('expected a list of pairs: [["name", "value"], ...]', "/headers");
}

function isPair(pair: unknown): boolean {
  return Array.isArray(pair) && pair.length === 2 && pair.every((part) => typeof part === "string");
}

/** What key servers, introspection servers and feeds say: by cluster, and there by path. */
export class Servers {
  readonly #answers: Readonly<Record<string, Readonly<Record<string, Answer>>>>;

  /** @throws Failure when it is no such object */
  constructor(answers: unknown = {}) {
    const isMap = (value: unknown) => typeof value === "object" && value !== null && !Array.isArray(value);
    if (!isMap(answers) || !Object.values(answers as object).every(isMap))
      throw new Failure('expected answers by cluster and path: { "idp": { "/jwks": { "body": { ... } } } }');
    for (const [cluster, paths] of Object.entries(answers as Readonly<Record<string, object>>))
      for (const [path, answer] of Object.entries(paths)) checkAnswer(cluster, path, answer);
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
