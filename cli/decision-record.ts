import { Failure } from "./failure.ts";

export interface Binding {
  readonly method: string;
  readonly held: boolean;
  readonly reason?: string;
}

/** What the filter logs of a decision, as far as it is used here: docs/decision-record.md. */
export interface DecisionRecord {
  readonly verdict: string;
  readonly reason: string;
  readonly mode: string;
  readonly time: number;
  readonly rule?: string;
  readonly issuer?: string;
  readonly presenter?: string;
  readonly unvalidatedPresenter?: string;
  readonly forwarder?: string;
  readonly border?: string;
  readonly token?: string;
  readonly age?: number;
  readonly presenters?: number;
  readonly bindings?: readonly Binding[];
  /** From here on with `"decisionLog": { "claims": true }`. */
  readonly method?: string;
  readonly authority?: string;
  readonly path?: string;
  readonly header?: string;
  readonly certificate?: string;
  readonly address?: string;
  readonly localAddress?: string;
  readonly localId?: string;
  readonly serverName?: string;
  readonly tlsVersion?: string;
}

/** A record that was found in a line. */
export interface LoggedDecision {
  readonly record: DecisionRecord;
  /** The claims as they were logged, which is as they were signed but for white space: numbers keep their spelling. */
  readonly claims: string | undefined;
}

const VERDICTS = ["allow", "deny", "would-deny", "strip", "close"];
const TEXTS = [
  "reason",
  "mode",
  "rule",
  "issuer",
  "presenter",
  "unvalidatedPresenter",
  "forwarder",
  "token",
  "method",
  "authority",
  "path",
  "header",
  "certificate",
  "address",
  "localAddress",
  "localId",
  "serverName",
  "tlsVersion",
];
/** Seconds of the year 9999. */
const MAX_SECONDS = 253_402_300_799;
/** Envoy's log line around the record, if it is still there. */
const LOGGED = /holdfast (\{"verdict":.*\})\s*$/;
/** The claims come last. No other member can have this in it. */
const CLAIMS = /,"claims":(\{.*\})\}$/;

/**
 * The decision record that a line is, or that Envoy's log has in it, as text or in a member of a JSON log.
 *
 * @param value of the line as JSON; undefined when it is none
 * @returns undefined when the line is something else
 * @throws Failure with what is wrong in a record
 */
export function decisionIn(line: string, value: unknown): LoggedDecision | undefined {
  const text = isRecord(value) ? line.trim() : loggedIn(line, value);
  const found = isRecord(value) ? value : jsonOf(text ?? "");
  if (text === undefined || found === undefined) return undefined;
  const record = readRecord(found);
  if (!("claims" in record)) return { record, claims: undefined };
  const { claims } = record;
  if (typeof claims !== "object" || claims === null || Array.isArray(claims))
    throw new Failure('"claims": expected an object');
  const plain = JSON.stringify(claims);
  const logged = CLAIMS.exec(text)?.[1] ?? "";
  // Where somebody has sorted the members, something else may come last.
  return { record, claims: JSON.stringify(jsonOf(logged)) === plain ? logged : plain };
}

/** The value that a text is as JSON; undefined when it is none. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function loggedIn(line: string, value: unknown): string | undefined {
  if (value === undefined) return LOGGED.exec(line)?.[1];
  const members = typeof value === "object" && value !== null ? Object.values(value) : [];
  for (const member of members)
    if (typeof member === "string" && LOGGED.test(member)) return LOGGED.exec(member)?.[1];
  return undefined;
}

function isRecord(value: unknown): boolean {
  return typeof value === "object" && value !== null && "verdict" in value && "reason" in value;
}

function readRecord(value: unknown): DecisionRecord {
  const record = value as Readonly<Record<string, unknown>>;
  if (!VERDICTS.includes(record["verdict"] as string))
    throw new Failure(`"verdict": expected one of ${VERDICTS.join(", ")}`);
  for (const name of TEXTS)
    if (record[name] !== undefined && typeof record[name] !== "string")
      throw new Failure(`"${name}": expected a string`);
  const { time } = record;
  if (typeof time !== "number" || !(time >= 1000) || time > MAX_SECONDS * 1000)
    throw new Failure('"time": expected milliseconds since 1970, such as 1800000000000');
  return value as DecisionRecord;
}
