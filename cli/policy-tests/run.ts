import { exportJWK, generateKeyPair, type JWK, SignJWT } from "jose";
import { refusalIn, secretsFor } from "../acceptance.ts";
import { Failure } from "../failure.ts";
import type { HeaderPair } from "../host/index.ts";
import { policiesOf } from "../policies.ts";
import { type Outcome, PolicyRefused, Proxy, type ProxyOptions } from "../proxy.ts";
import { readFile } from "../read-file.ts";
import { Servers } from "../servers.ts";
import { Coverage, type RuleCoverage } from "./coverage.ts";
import { EXPECTED, type Plan, readPlan, recordOf, type TestPlan } from "./plan.ts";

export interface Difference {
  readonly member: string;
  readonly expected: unknown;
  readonly got: unknown;
  /** `file:line:column` of what was expected. */
  readonly place: string;
}

/** A test that was run. */
export interface Result {
  readonly name: string;
  /** Of each member that differs; empty for a test that passed. */
  readonly differences: readonly Difference[];
  readonly outcome: Outcome;
}

export interface Run {
  readonly file: string;
  readonly results: readonly Result[];
  readonly coverage: readonly RuleCoverage[];
  /** Files that it was made of, besides the one with the tests. */
  readonly files: readonly string[];
}

interface SigningKey {
  readonly jwk: JWK;
  readonly sign: Awaited<ReturnType<typeof generateKeyPair>>["privateKey"];
}

/** As what the filter runs, and where. */
type Seat = Pick<ProxyOptions, "envoy" | "workload">;

const DEFAULT_NOW = 1_800_000_000;
const LIFETIME = 300;

/** Runs the tests of one file, in order, each with what the ones before have left behind. */
export async function runTests(module: WebAssembly.Module, file: string, seat: Seat): Promise<Run> {
  const plan = readPlan(file);
  const now = plan.now ?? DEFAULT_NOW;
  const keys = await makeKeys(plan);
  const tokens = await makeTokens(plan, keys, now);
  const proxy = proxyFor(module, plan, policyWith(plan, keys), { now, ...seat });
  const coverage = new Coverage(plan.policy);
  const results = plan.tests.map((test, i): Result => {
    const token = tokens.get(test.request.token ?? "");
    const carried: HeaderPair[] = token === undefined ? [] : [["authorization", `Bearer ${token}`]];
    const outcome = decide(proxy, plan, i, { now, ...recordOf(plan.source, test.request, i, carried) });
    coverage.count(outcome);
    return { name: test.name, differences: differencesOf(plan, test, i, outcome), outcome };
  });
  return {
    file,
    results,
    coverage: coverage.rules,
    files: plan.policyFile === undefined ? [] : [plan.policyFile],
  };
}

function decide(proxy: Proxy, plan: Plan, i: number, request: Parameters<Proxy["decide"]>[0]): Outcome {
  try {
    return proxy.decide(request);
  } catch (failure) {
    if (!(failure instanceof Failure)) throw failure;
    return plan.source.fail(["tests", i, "request"], failure.message);
  }
}

/** @throws Failure when the filter refuses the policy: where it is, and in the filter's words */
function proxyFor(
  module: WebAssembly.Module,
  { source, policyFile, servers = {} }: Plan,
  policy: object,
  options: Pick<ProxyOptions, "now"> & Seat,
): Proxy {
  const text = JSON.stringify(policy);
  const environment = secretsFor(text);
  try {
    return new Proxy(module, Buffer.from(text), { ...options, environment, servers: new Servers(servers) });
  } catch (failure) {
    if (!(failure instanceof Failure)) throw failure;
    throw new Failure(`${placeOfPolicy(policyFile, source, failure)}: ${failure.message}`);
  }
}

function placeOfPolicy(file: string | undefined, source: Plan["source"], failure: Failure): string {
  const { pointer = "" } = failure instanceof PolicyRefused ? refusalIn(failure.said) : {};
  if (file === undefined) {
    const path = pointer.split("/").slice(1);
    return source.placeOf(["policy", ...path.map((one) => one.replaceAll("~1", "/").replaceAll("~0", "~"))]);
  }
  const [found] = pointer === "" ? [] : policiesOf(file, readFile(file).toString("utf8"));
  const place = found?.at(pointer);
  return place === undefined ? file : `${file}:${place.line}:${place.column}`;
}

async function makeKeys({ keys = {} }: Plan): Promise<ReadonlyMap<string, SigningKey>> {
  const made = new Map<string, SigningKey>();
  for (const [name, { alg = "ES256", kid = name }] of Object.entries(keys)) {
    const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
    made.set(name, { jwk: { ...(await exportJWK(publicKey)), alg, kid }, sign: privateKey });
  }
  return made;
}

async function makeTokens(
  { tokens = {} }: Plan,
  keys: ReadonlyMap<string, SigningKey>,
  now: number,
): Promise<ReadonlyMap<string, string>> {
  const made = new Map<string, string>();
  for (const [name, { key, claims = {}, typ = "JWT" }] of Object.entries(tokens)) {
    const signing = keys.get(key);
    if (signing === undefined) continue;
    const { alg = "", kid = "" } = signing.jwk;
    const jwt = new SignJWT({ iat: now, exp: now + LIFETIME, ...claims }).setProtectedHeader({
      alg,
      kid,
      typ,
    });
    made.set(name, await jwt.sign(signing.sign));
  }
  return made;
}

/** The policy with the keys of this run in the place of its issuers' own. */
function policyWith({ policy, issuerKeys = {} }: Plan, keys: ReadonlyMap<string, SigningKey>): object {
  const replaced = Object.entries(issuerKeys).map(([name, given]) => {
    const jwks = { keys: [given].flat().flatMap((key) => keys.get(key)?.jwk ?? []) };
    return [name, { ...policy.issuers?.[name], keys: { jwks } }] as const;
  });
  return { ...policy, issuers: { ...policy.issuers, ...Object.fromEntries(replaced) } };
}

function differencesOf({ source }: Plan, { expect }: TestPlan, i: number, outcome: Outcome): Difference[] {
  return EXPECTED.flatMap((member) => {
    const [expected, got] = [expect[member], outcome[member]];
    if (!(member in expect) || got === expected) return [];
    return [{ member, expected, got, place: source.placeOf(["tests", i, "expect", member]) }];
  });
}
