import { createHash, generateKeyPairSync, sign } from "node:crypto";
import type { HeaderPair } from "./host/index.ts";
import type { DecisionRecord, LoggedDecision } from "./decision-record.ts";
import type { RequestRecord } from "./request-record.ts";

interface Policy {
  readonly presenter?: { readonly from?: string; readonly forwardClientCertDetails?: string };
  readonly issuers?: Readonly<Record<string, { readonly introspection?: unknown }>>;
}

/** What nobody here can make again: a proof by the client's own key. */
const PROVEN_MEMBERS = ["jkt", "jwk"];
const KEY_ID = "assumed";
/** Reasons that say for certain that the request had no token. */
const WITHOUT_TOKEN = ["token_absent", "token_optional_absent"];
/** Reasons that are about more of the request than a record says. */
const OF_THE_REQUEST = ["dpop_unbound", "early_data"];
/** Reasons of the moment: what could not be known then, answered with 503. */
export const MOMENTARY: readonly string[] = [
  "policy_absent",
  "host_unavailable",
  "keys_busy",
  "keys_stale",
  "keys_absent",
  "failures_exceeded",
  "answer_pending",
  "introspection_busy",
  "introspection_unavailable",
  "key_unconfirmed",
  "replay_table_full",
  "replay_table_busy",
  "replay_unknown",
  "first_use_full",
  "first_use_busy",
  "streams_full",
  "revocations_absent",
  "revocations_stale",
];
/** Tokens that are remembered, so that one token of the records stays one. */
const MAX_TOKENS = 100_000;

/**
 * Makes requests of decision records. Records hold claims and no tokens, so the tokens are signed by a key made here, which `policy`
 * takes for the key of each issuer: that they were rightly signed is what the record says, and is assumed.
 */
export class Reenactment {
  /** To be decided by, in the place of the policy that was given. */
  readonly policy: Buffer;
  readonly #given: Policy;
  readonly #key = generateKeyPairSync("ec", { namedCurve: "P-256" });
  readonly #header = encode({ alg: "ES256", kid: KEY_ID, typ: "JWT" });
  readonly #tokens = new Map<string, string>();

  /** @param policy one that the filter takes */
  constructor(policy: Buffer) {
    this.#given = JSON.parse(policy.toString("utf8")) as Policy;
    const jwk = { ...this.#key.publicKey.export({ format: "jwk" }), kid: KEY_ID, alg: "ES256" };
    const issuers: Record<string, object> = { ...this.#given.issuers };
    for (const [name, issuer] of Object.entries(this.#given.issuers ?? {}))
      if (issuer.introspection === undefined) issuers[name] = { ...issuer, keys: { jwks: { keys: [jwk] } } };
    this.policy = Buffer.from(JSON.stringify({ ...this.#given, issuers }));
  }

  /** The request that a record is of; undefined when it does not say enough, so that its verdict is all that is known. */
  requestOf({ record, claims }: LoggedDecision): RequestRecord | undefined {
    const { method, authority, path } = record;
    if (path === undefined || authority === undefined || method === undefined) return undefined;
    // Without them bindings would look at what this machine makes up.
    if (record.address === undefined || record.localAddress === undefined) return undefined;
    if (claims === undefined ? !WITHOUT_TOKEN.includes(record.reason) : isBeyondClaims(record, claims))
      return undefined;
    const { peer, properties, headers } = this.#presenterOf(record);
    return {
      now: record.time / 1000,
      method,
      authority,
      path,
      headers: claims === undefined ? headers : [...headers, this.#carry(record, claims)],
      peer: { ...connectionOf(record), ...peer },
      properties,
    };
  }

  #presenterOf(record: DecisionRecord): {
    readonly peer: NonNullable<RequestRecord["peer"]>;
    readonly properties: Readonly<Record<string, string | number>>;
    readonly headers: readonly HeaderPair[];
  } {
    const { presenter, unvalidatedPresenter, forwarder, certificate } = record;
    const from = this.#given.presenter?.from;
    const id = presenter ?? unvalidatedPresenter;
    // Whom an outbound proxy stands beside it knows itself.
    if (from === "self" || (id === undefined && certificate === undefined))
      return { peer: { mtls: false }, properties: {}, headers: [] };
    if (from === "waypoint")
      return {
        peer: { mtls: false },
        properties: id === undefined ? {} : { "filter_state.io.istio.peer_principal": id },
        headers: [],
      };
    const digest = certificate === undefined ? {} : { certSha256: certificate };
    const isValidated = unvalidatedPresenter === undefined && record.reason !== "peer_not_validated";
    const peer = { mtls: true, validated: isValidated };
    if (id === undefined) return { peer: { ...peer, ...digest }, properties: {}, headers: [] };
    if (forwarder === undefined)
      return { peer: { ...peer, uriSan: id, ...digest }, properties: {}, headers: [] };
    const named =
      certificate === undefined
        ? `By=${forwarder};URI=${id}`
        : `By=${forwarder};Hash=${certificate};URI=${id}`;
    const appends = this.#given.presenter?.forwardClientCertDetails !== "FORWARD_ONLY";
    const xfcc = appends ? `${named},By=${forwarder};URI=${forwarder}` : named;
    return {
      peer: { ...peer, uriSan: forwarder },
      properties: {},
      headers: [["x-forwarded-client-cert", xfcc]],
    };
  }

  #carry(record: DecisionRecord, claims: string): HeaderPair {
    const token = this.#tokenWith(record.token ?? "", claims);
    return record.header === undefined ? ["authorization", `Bearer ${token}`] : [record.header, token];
  }

  #tokenWith(fingerprint: string, claims: string): string {
    const payload = Buffer.from(claims).toString("base64url");
    const name = `${fingerprint} ${createHash("sha256").update(payload).digest("base64url")}`;
    const known = this.#tokens.get(name);
    if (known !== undefined) return known;
    const input = `${this.#header}.${payload}`;
    const key = { key: this.#key.privateKey, dsaEncoding: "ieee-p1363" } as const;
    const token = `${input}.${sign("sha256", Buffer.from(input), key).toString("base64url")}`;
    if (this.#tokens.size >= MAX_TOKENS) this.#tokens.clear();
    this.#tokens.set(name, token);
    return token;
  }
}

/** True for what was decided by more than claims: by a proof, by how the token was sent, or by what could not be known then. */
function isBeyondClaims({ reason }: DecisionRecord, claims: string): boolean {
  const { cnf } = JSON.parse(claims) as { readonly cnf?: unknown };
  const needsProof =
    typeof cnf === "object" && cnf !== null && PROVEN_MEMBERS.some((member) => member in cnf);
  return needsProof || MOMENTARY.includes(reason) || OF_THE_REQUEST.includes(reason);
}

/** What bindings may look at, as far as the connection had it. */
function connectionOf(record: DecisionRecord): Omit<NonNullable<RequestRecord["peer"]>, "mtls"> {
  const { address, localAddress, localId, serverName, tlsVersion } = record;
  return {
    ...(address !== undefined && { address }),
    ...(localAddress !== undefined && { localAddress }),
    ...(localId !== undefined && { localUriSan: localId }),
    ...(serverName !== undefined && { sni: serverName }),
    ...(tlsVersion !== undefined && { tlsVersion }),
  };
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
