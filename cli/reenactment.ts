import { createHash, generateKeyPairSync, sign } from "node:crypto";
import type { HeaderPair } from "./host/index.ts";
import type { RequestRecord } from "./request-record.ts";

import type { DecisionRecord } from "./decision-record.ts";
interface Policy {
  readonly presenter?: { readonly from?: string; readonly forwardClientCertDetails?: string };
  readonly issuers?: Readonly<Record<string, { readonly introspection?: unknown }>>;
}

/** What nobody here can make again: a proof by the client's own key. */
const PROVEN_MEMBERS = ["jkt", "jwk"];
const KEY_ID = "assumed";
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
  requestOf(record: DecisionRecord): RequestRecord | undefined {
    const { token, claims, method, authority, path } = record;
    if (path === undefined || authority === undefined || method === undefined) return undefined;
    if (token !== undefined && (claims === undefined || needsProof(claims))) return undefined;
    const { peer, properties, headers } = this.#presenterOf(record);
    return {
      now: record.time / 1000,
      method,
      authority,
      path,
      headers: claims === undefined ? headers : [...headers, this.#carry(record, claims)],
      peer,
      properties,
    };
  }

  #presenterOf(record: DecisionRecord): {
    readonly peer: NonNullable<RequestRecord["peer"]>;
    readonly properties: Readonly<Record<string, string | number>>;
    readonly headers: readonly HeaderPair[];
  } {
    const { presenter, unvalidatedPresenter, forwarder, certificate, address } = record;
    const from = this.#given.presenter?.from;
    const id = presenter ?? unvalidatedPresenter;
    const common = address === undefined ? {} : { address };
    // Whom an outbound proxy stands beside it knows itself.
    if (id === undefined || from === "self")
      return { peer: { mtls: false, ...common }, properties: {}, headers: [] };
    if (from === "waypoint")
      return {
        peer: { mtls: false, ...common },
        properties: { "filter_state.io.istio.peer_principal": id },
        headers: [],
      };
    const digest = certificate === undefined ? {} : { certSha256: certificate };
    const peer = { mtls: true, validated: presenter !== undefined, ...common };
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

  #carry(record: DecisionRecord, claims: Readonly<Record<string, unknown>>): HeaderPair {
    const token = this.#tokenWith(record.token ?? "", claims);
    return record.header === undefined ? ["authorization", `Bearer ${token}`] : [record.header, token];
  }

  #tokenWith(fingerprint: string, claims: Readonly<Record<string, unknown>>): string {
    const payload = encode(claims);
    const name = `${fingerprint} ${createHash("sha256").update(payload).digest("base64url")}`;
    const known = this.#tokens.get(name);
    if (known !== undefined) return known;
    const input = `${encode({ alg: "ES256", kid: KEY_ID, typ: "JWT" })}.${payload}`;
    const key = { key: this.#key.privateKey, dsaEncoding: "ieee-p1363" } as const;
    const token = `${input}.${sign("sha256", Buffer.from(input), key).toString("base64url")}`;
    if (this.#tokens.size >= MAX_TOKENS) this.#tokens.clear();
    this.#tokens.set(name, token);
    return token;
  }
}

function needsProof(claims: Readonly<Record<string, unknown>>): boolean {
  const cnf = claims["cnf"];
  return typeof cnf === "object" && cnf !== null && PROVEN_MEMBERS.some((member) => member in cnf);
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
