import { dirname, resolve } from "node:path";
import { exportJWK, generateKeyPair, type JWK, SignJWT } from "jose";
import { LineCounter, parseDocument } from "yaml";
import { Failure } from "./failure.ts";
import type { HeaderPair } from "./host/index.ts";
import { type Outcome, Proxy } from "./proxy.ts";
import { readFile } from "./read-file.ts";
import { readRecord } from "./request-record.ts";
import { Servers } from "./servers.ts";

/** What a test says of its outcome; what it leaves out may be anything. */
const EXPECTED = ["verdict", "reason", "status", "rule", "mode"] as const;
type Expectation = Readonly<Partial<Record<(typeof EXPECTED)[number], unknown>>>;

interface TokenPlan {
  readonly key: string;
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly typ?: string;
}

interface Plan {
  readonly policy: string | object;
  readonly now?: number;
  readonly keys?: Readonly<Record<string, { readonly alg?: string; readonly kid?: string }>>;
  readonly issuerKeys?: Readonly<Record<string, string | readonly string[]>>;
  readonly tokens?: Readonly<Record<string, TokenPlan>>;
  readonly servers?: unknown;
  readonly tests: readonly {
    readonly name: string;
    readonly request: Readonly<Record<string, unknown>> & { readonly token?: string };
    readonly expect: Expectation;
  }[];
}

/** A test that was run. */
export interface Result {
  readonly name: string;
  /** What was expected and what came, of each member that differs; empty for a test that passed. */
  readonly differences: readonly {
    readonly member: string;
    readonly expected: unknown;
    readonly got: unknown;
  }[];
}

export interface Run {
  readonly file: string;
  readonly results: readonly Result[];
  /** The policy's rules that no request fell under. */
  readonly idleRules: readonly string[];
}

type PrivateKey = Awaited<ReturnType<typeof generateKeyPair>>["privateKey"];

const MEMBERS = ["policy", "now", "keys", "issuerKeys", "tokens", "servers", "tests"];
const DEFAULT_NOW = 1_800_000_000;
const LIFETIME = 300;

/** Runs the tests of one file, in order, each with what the ones before have left behind. */
export async function runTests(module: WebAssembly.Module, file: string): Promise<Run> {
  const plan = readPlan(file);
  const now = plan.now ?? DEFAULT_NOW;
  const keys = new Map<string, { readonly jwk: JWK; readonly sign: PrivateKey }>();
  for (const [name, { alg = "ES256", kid = name }] of Object.entries(plan.keys ?? {})) {
    const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
    keys.set(name, { jwk: { ...(await exportJWK(publicKey)), alg, kid }, sign: privateKey });
  }
  const keyOf = (name: string) => keys.get(name) ?? fail(file, `no key "${name}" in "keys"`);
  const tokens = new Map<string, string>();
  for (const [name, { key, claims = {}, typ = "JWT" }] of Object.entries(plan.tokens ?? {})) {
    const { jwk, sign } = keyOf(key);
    const { alg = "", kid = "" } = jwk;
    const jwt = new SignJWT({ iat: now, exp: now + LIFETIME, ...claims }).setProtectedHeader({
      alg,
      kid,
      typ,
    });
    tokens.set(name, await jwt.sign(sign));
  }
  const policy = policyOf(file, plan, (name) => keyOf(name).jwk);
  const proxy = new Proxy(module, Buffer.from(JSON.stringify(policy)), {
    now,
    servers: new Servers(plan.servers ?? {}),
  });
  const used = new Set<string>();
  const results = plan.tests.map(({ name, request: { token, headers = [], ...request }, expect }): Result => {
    const carried =
      token === undefined
        ? []
        : [bearer(tokens.get(token) ?? fail(file, `${name}: no token "${token}" in "tokens"`))];
    const outcome = proxy.decide(
      readRecord({ now, ...request, headers: [...carried, ...(headers as HeaderPair[])] }),
    );
    if (outcome.rule !== null) used.add(outcome.rule);
    return { name, differences: differencesOf(file, name, expect, outcome) };
  });
  const rules = (policy["rules"] as readonly { readonly name: string }[] | undefined) ?? [];
  return { file, results, idleRules: rules.map(({ name }) => name).filter((name) => !used.has(name)) };
}

function readPlan(file: string): Plan {
  const lines = new LineCounter();
  const document = parseDocument(readFile(file).toString("utf8"), { lineCounter: lines });
  const [error] = document.errors;
  if (error !== undefined) {
    const { line, col } = lines.linePos(error.pos[0]);
    throw new Failure(`${file}:${line}:${col}: no YAML: ${error.message.split("\n")[0] ?? ""}`);
  }
  const plan = document.toJS() as Plan | null;
  if (typeof plan !== "object" || plan === null || !Array.isArray(plan.tests) || !("policy" in plan))
    fail(file, 'expected "policy" and a list of "tests"');
  for (const name of Object.keys(plan))
    if (!MEMBERS.includes(name))
      fail(file, `no such member "${name}"; expected one of ${MEMBERS.join(", ")}`);
  return plan;
}

function policyOf(file: string, plan: Plan, jwkOf: (name: string) => JWK): Record<string, unknown> {
  const policy = (
    typeof plan.policy === "string"
      ? readPolicy(resolve(dirname(file), plan.policy))
      : structuredClone(plan.policy)
  ) as Record<string, unknown>;
  const issuers = (policy["issuers"] ?? {}) as Record<string, Record<string, unknown>>;
  for (const [name, keys] of Object.entries(plan.issuerKeys ?? {})) {
    const issuer = issuers[name] ?? fail(file, `no issuer "${name}" in the policy`);
    issuer["keys"] = { jwks: { keys: [keys].flat().map(jwkOf) } };
  }
  return policy;
}

function readPolicy(path: string): unknown {
  try {
    return JSON.parse(readFile(path).toString("utf8"));
  } catch (failure) {
    if (failure instanceof Failure) throw failure;
    throw new Failure(`${path}: no JSON`);
  }
}

function differencesOf(
  file: string,
  name: string,
  expect: Expectation,
  outcome: Outcome,
): Result["differences"] {
  return Object.entries(expect).flatMap(([member, expected]) => {
    if (!(EXPECTED as readonly string[]).includes(member))
      fail(file, `${name}: nothing to expect of "${member}"; expected one of ${EXPECTED.join(", ")}`);
    const got = outcome[member as (typeof EXPECTED)[number]];
    return got === expected ? [] : [{ member, expected, got }];
  });
}

function bearer(token: string): HeaderPair {
  return ["authorization", `Bearer ${token}`];
}

function fail(file: string, what: string): never {
  throw new Failure(`${file}: ${what}`);
}
