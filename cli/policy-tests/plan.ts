// A file of tests, and what may be in it.

import { dirname, resolve } from "node:path";
import { NOTES } from "../../docs/reference/reason-notes.ts";
import { isObject } from "../explanation/claims.ts";
import type { Policy } from "../explanation/scene.ts";
import { Failure } from "../failure.ts";
import type { HeaderPair } from "../host/index.ts";
import { suggestion } from "../nearest-name.ts";
import { readJson } from "../read-json.ts";
import { PEER_MEMBERS, readRecord, RECORD_MEMBERS, type RequestRecord } from "../request-record.ts";
import { ALGORITHMS } from "../signing.ts";
import { type Path, type Shape, Source } from "./source.ts";

/** What a test says of its outcome; what it leaves out may be anything. */
export const EXPECTED = ["verdict", "reason", "status", "rule", "mode"] as const;
export type Expectation = Readonly<Partial<Record<(typeof EXPECTED)[number], unknown>>>;

export interface KeyPlan {
  readonly alg?: string;
  readonly kid?: string;
}

export interface TokenPlan {
  readonly key: string;
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly typ?: string;
}

export interface TestPlan {
  readonly name: string;
  readonly request: Readonly<Record<string, unknown>> & { readonly token?: string };
  readonly expect: Expectation;
}

interface Members {
  readonly policy: string | Policy;
  readonly now?: number;
  readonly keys?: Readonly<Record<string, KeyPlan>>;
  readonly issuerKeys?: Readonly<Record<string, string | readonly string[]>>;
  readonly tokens?: Readonly<Record<string, TokenPlan>>;
  readonly servers?: unknown;
  readonly tests: readonly TestPlan[];
}

export interface Plan extends Omit<Members, "policy"> {
  readonly source: Source;
  readonly policy: Policy;
  /** Where the policy is, if it has a file of its own. */
  readonly policyFile: string | undefined;
}

const named = (names: readonly string[], shapes: Readonly<Record<string, Shape>> = {}): Shape => ({
  members: Object.fromEntries(names.map((name) => [name, shapes[name] ?? "any"])),
});
const ANY_MAP: Shape = { each: "any" };

const SHAPE: Shape = {
  members: {
    policy: { either: ["string", ANY_MAP] },
    now: "number",
    keys: { each: { members: { alg: { oneOf: ALGORITHMS }, kid: "string" } } },
    issuerKeys: { each: { either: ["string", { list: "string" }] } },
    tokens: { each: { members: { key: "string", claims: ANY_MAP, typ: "string" }, required: ["key"] } },
    servers: { each: { each: { members: { status: "number", headers: "any", body: "any" } } } },
    tests: {
      list: {
        members: {
          name: "string",
          request: named([...RECORD_MEMBERS, "token"], { peer: named(PEER_MEMBERS), token: "string" }),
          expect: {
            members: {
              verdict: { oneOf: ["allow", "deny", "strip"] },
              reason: "string",
              status: "number",
              rule: "any",
              mode: { oneOf: ["enforce", "observe"] },
            },
          },
        },
        required: ["name", "request", "expect"],
      },
    },
  },
  required: ["policy", "tests"],
};

/** @throws Failure with the place of what cannot be read, or is not there */
export function readPlan(file: string): Plan {
  const source = new Source(file);
  source.check(SHAPE);
  const members = source.value as Members;
  const keys = Object.keys(members.keys ?? {});
  for (const [name, { key }] of Object.entries(members.tokens ?? {}))
    expectName(source, ["tokens", name, "key"], key, "key", keys);
  members.tests.forEach((test, i) => {
    checkTest(source, members, test, i);
  });
  const policyFile = typeof members.policy === "string" ? resolve(dirname(file), members.policy) : undefined;
  const policy = policyFile === undefined ? members.policy : readJson(policyFile);
  if (!isObject(policy)) throw new Failure(`${policyFile ?? source.placeOf(["policy"])}: expected an object`);
  const issuers = Object.keys((policy as Policy).issuers ?? {});
  for (const [name, given] of Object.entries(members.issuerKeys ?? {})) {
    expectName(source, ["issuerKeys", name], name, "issuer of the policy", issuers);
    for (const key of [given].flat()) expectName(source, ["issuerKeys", name], key, "key", keys);
  }
  return { ...members, source, policy, policyFile };
}

function checkTest(source: Source, { tokens = {} }: Members, { request, expect }: TestPlan, i: number): void {
  const at: Path = ["tests", i];
  const { token } = request;
  if (token !== undefined)
    expectName(source, [...at, "request", "token"], token, "token", Object.keys(tokens));
  if (Object.keys(expect).length === 0)
    source.fail(
      [...at, "expect"],
      `expected at least one of ${EXPECTED.join(", ")}: anything would do otherwise`,
    );
  const { reason } = expect;
  if (typeof reason === "string")
    expectName(source, [...at, "expect", "reason"], reason, "reason", Object.keys(NOTES));
  recordOf(source, request, i, []);
}

/** The request of a test. @param carried headers that come before its own */
export function recordOf(
  source: Source,
  request: TestPlan["request"],
  i: number,
  carried: readonly HeaderPair[],
): RequestRecord {
  const { headers, ...rest } = request;
  const members = Object.fromEntries(Object.entries(rest).filter(([name]) => name !== "token"));
  const all = [...carried, ...((headers ?? []) as readonly HeaderPair[])];
  try {
    // A value that is no list has its own complaint.
    return readRecord({
      ...members,
      headers: headers === undefined || Array.isArray(headers) ? all : headers,
    });
  } catch (failure) {
    if (!(failure instanceof Failure)) throw failure;
    const [, member = ""] = /^"([^"]*)"/.exec(failure.message) ?? [];
    return source.fail(["tests", i, "request", ...member.split(".")], failure.message);
  }
}

function expectName(source: Source, path: Path, name: string, what: string, known: readonly string[]): void {
  // Of many names only the nearest is of use.
  const hint =
    known.length > 10 ? suggestion(name, known).replace(/; expected one of .*/, "") : suggestion(name, known);
  if (!known.includes(name)) source.fail(path, `no ${what} "${name}"${hint}`);
}
