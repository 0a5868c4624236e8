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
  readonly claims?: Readonly<Record<string, unknown>>;
}

/** Envoy's log line around the record, if it is still there. */
const LOGGED = /holdfast (\{"verdict":.*\})\s*$/;

/** What Envoy's log has of a decision in this line; undefined when the line is something else. */
export function recordLogged(line: string): unknown {
  const [, logged] = LOGGED.exec(line) ?? [];
  return logged === undefined ? undefined : (JSON.parse(logged) as unknown);
}

/** True for a decision record, false for a request. */
export function isDecisionRecord(value: unknown): value is DecisionRecord {
  if (typeof value !== "object" || value === null) return false;
  const { verdict, reason, time } = value as Partial<DecisionRecord>;
  return typeof verdict === "string" && typeof reason === "string" && typeof time === "number";
}
