import type { HeaderPair, Peer } from "./host/index.ts";
import type { PropertyValue } from "./host/properties/value.ts";
import { Failure } from "./failure.ts";

/** One request, as a person or a program writes it down: docs/command.md. */
export interface RequestRecord {
  /** Given back with the verdict. */
  readonly id?: string | number;
  /** Seconds since 1970. */
  readonly now?: number;
  readonly method?: string;
  readonly scheme?: string;
  readonly authority?: string;
  readonly path?: string;
  readonly headers?: readonly HeaderPair[];
  readonly peer?: Peer;
  /** Other attributes of Envoy's, by their dotted names. */
  readonly properties?: Readonly<Record<string, PropertyValue>>;
  /** Which of the proxy's workers it reaches. */
  readonly worker?: number;
}

type Check = (value: unknown, name: string) => void;

const MAX_WORKER = 63;

const text: Check = (value, name) => {
  if (typeof value !== "string") throw new Failure(`"${name}": expected a string`);
};
const boolean: Check = (value, name) => {
  if (typeof value !== "boolean") throw new Failure(`"${name}": expected true or false`);
};

const PEER: Readonly<Record<keyof Peer, Check>> = {
  mtls: boolean,
  validated: boolean,
  uriSan: text,
  certSha256: text,
  certPem: text,
  tlsVersion: text,
  sni: text,
  address: text,
  localAddress: text,
  localUriSan: text,
};

const RECORD: Readonly<Record<keyof RequestRecord, Check>> = {
  id: (value) => {
    if (typeof value !== "string" && typeof value !== "number")
      throw new Failure('"id": expected a string or a number');
  },
  now: (value) => {
    if (typeof value !== "number" || !(value > 0))
      throw new Failure('"now": expected seconds since 1970, such as 1800000000');
  },
  method: text,
  scheme: text,
  authority: text,
  path: text,
  headers: checkHeaders,
  peer: (value) => {
    checkMembers(value, "peer", PEER);
  },
  properties: (value) => {
    if (!isObject(value)) throw new Failure('"properties": expected an object of attributes by their names');
  },
  worker: (value) => {
    if (!Number.isInteger(value) || (value as number) < 0 || (value as number) > MAX_WORKER)
      throw new Failure(`"worker": expected a whole number from 0 to ${MAX_WORKER}`);
  },
};

export const RECORD_MEMBERS: readonly string[] = Object.keys(RECORD);
export const PEER_MEMBERS: readonly string[] = Object.keys(PEER);

/** @throws Failure with what is wrong, and where in the record */
export function readRecord(value: unknown): RequestRecord {
  checkMembers(value, "", RECORD);
  return value as RequestRecord;
}

/** The `id` of whatever it is, to name it by. */
export function idOf(value: unknown): string | number | null {
  const id = isObject(value) ? value["id"] : undefined;
  return typeof id === "string" || typeof id === "number" ? id : null;
}

function checkMembers(value: unknown, at: string, known: Readonly<Record<string, Check>>): void {
  if (!isObject(value)) throw new Failure(`${at === "" ? "a record" : `"${at}"`}: expected an object`);
  for (const name of Object.keys(value)) {
    const path = at === "" ? name : `${at}.${name}`;
    const check = Object.hasOwn(known, name) ? known[name] : undefined;
    if (check === undefined)
      throw new Failure(`"${path}": no such member; expected one of ${Object.keys(known).join(", ")}`);
    check(value[name], path);
  }
}

function checkHeaders(value: unknown): void {
  const isPairs =
    Array.isArray(value) &&
    value.every(
      (pair) => Array.isArray(pair) && pair.length === 2 && pair.every((part) => typeof part === "string"),
    );
  if (!isPairs) throw new Failure('"headers": expected a list of pairs: [["name", "value"], ...]');
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
