// What a binding expects, by policy and token, and what the presenter shows.

import { DEFAULT_ADDRESS } from "../host/properties/connection.ts";
import { isWorkloadId, trustDomainOf } from "../spiffe-id.ts";
import { oneOf } from "./boundary.ts";
import { type Claims, claimAt, isObject } from "./claims.ts";
import { thumbprintOf } from "./evidence.ts";
import type { Planned } from "./plan.ts";
import type { Scene } from "./scene.ts";

export interface Relation {
  readonly expected?: string;
  /** Left out where it cannot be known from here. */
  readonly found?: string;
}

/** A scene with what takes time to compute. */
export interface Stage extends Scene {
  /** RFC 7638 thumbprint of the key that the request's proof shows; undefined when there is none. */
  readonly proofKey: string | undefined;
  /** The same of `cnf.jwk`. */
  readonly namedKey: string | undefined;
}

type Describe = (terms: unknown, stage: Stage) => Relation;

const METHODS: Readonly<Record<string, Describe>> = {
  spiffe,
  certificate,
  dpop,
  client,
  actor,
  kubernetes,
  network,
  proxyPrincipals: (_terms, stage) => confirmation(stage),
  cel: (terms) => ({ expected: `true: ${String(terms)}` }),
  firstUse: () => ({ expected: "nobody else has shown the token through this proxy" }),
  anyOf: () => ({ expected: "one of the bindings above" }),
  cnf: (_terms, stage) => confirmation(stage),
};

export function relationOf({ method, asked }: Planned, stage: Stage): Relation {
  const terms = asked === undefined ? undefined : Object.values(asked)[0];
  return METHODS[method]?.(terms, stage) ?? {};
}

/** A binding without terms is the default: `sub`. */
function spiffe(terms: unknown, stage: Stage): Relation {
  const {
    claim = "sub",
    template,
    patterns,
  } = (terms ?? {}) as {
    readonly claim?: string;
    readonly template?: string;
    readonly patterns?: readonly string[];
  };
  const found = presenterOf(stage);
  if (patterns !== undefined) return { expected: oneOf(patterns), ...found };
  if (template !== undefined) return { expected: filled(template, stage), ...found };
  return { expected: claimText(stage, claim), ...found };
}

/** A template with the claims in their places; one that is not there stays as it is. */
function filled(template: string, stage: Stage): string {
  const text = template.replace(/\{([^}]*)\}/g, (hole, name: string) => {
    if (name === "trustDomain") return ownDomain(stage);
    const value = stage.claims === undefined ? undefined : claimAt(stage.claims, name);
    return typeof value === "string" ? value : hole;
  });
  return `${text}${mark(stage)}`;
}

/** Ours, or the alias of it that the presenter has. */
function ownDomain({ policy, outcome }: Stage): string {
  const domain = trustDomainOf(outcome.record.presenter ?? "") ?? "";
  return policy.trustDomainAliases?.includes(domain) === true ? domain : (policy.trustDomain ?? "");
}

function certificate(_terms: unknown, stage: Stage): Relation {
  const found = certificateFound(stage);
  if (stage.claims === undefined) return { expected: "the certificate in the token's cnf", ...found };
  const named = memberOf(stage.claims, "x5t#S256");
  if (named === undefined) return { expected: "cnf.x5t#S256, which the token does not have", ...found };
  return { expected: `${certificateExpected(named, stage)}${mark(stage)}`, ...found };
}

/** With `rotation` in the rule another certificate may stand for the one that the token names. */
function certificateExpected(named: unknown, stage: Stage): string {
  const rotation = termsOf(stage, "certificate")?.["rotation"];
  const other = isObject(rotation)
    ? `, or a newer certificate of the workload in ${claimText(stage, String(rotation["claim"]))}`
    : "";
  return `x5t#S256 ${text(named)}${other}`;
}

/** What the rule says of a method; undefined when it does not bind by it. */
function termsOf({ rule }: Stage, method: string): Readonly<Record<string, unknown>> | undefined {
  const terms = rule?.bind?.find((binding) => method in binding)?.[method];
  return isObject(terms) ? terms : undefined;
}

/** Behind a forwarder it is the certificate that the forwarder names. */
function certificateFound({ outcome, request }: Stage): Pick<Relation, "found"> {
  if (outcome.record.forwarder !== undefined) return {};
  const thumbprint = thumbprintOf(request.peer?.certSha256);
  return { found: thumbprint === undefined ? "no certificate digest" : `x5t#S256 ${thumbprint}` };
}

function dpop(_terms: unknown, stage: Stage): Relation {
  if (stage.claims === undefined) return { expected: "a proof by the key in the token's cnf" };
  const named = memberOf(stage.claims, "jkt");
  if (named === undefined) return { expected: "cnf.jkt, which the token does not have" };
  return { expected: `a proof by the key ${text(named)}${mark(stage)}`, found: keyFound(stage) };
}

function keyFound({ proofKey }: Stage): string {
  return proofKey === undefined ? "no key in a proof" : `the key ${proofKey}`;
}

/** Every member of the token's own `cnf`. */
function confirmation(stage: Stage): Relation {
  const cnf = stage.claims?.["cnf"];
  if (!isObject(cnf)) return { expected: "every member of the token's cnf" };
  const relations = Object.entries(cnf).map(([name, value]): Relation => {
    switch (name) {
      case "x5t#S256":
        return { expected: certificateExpected(value, stage), ...certificateFound(stage) };
      case "jkt":
        return { expected: `a proof by the key ${text(value)}`, found: keyFound(stage) };
      case "jwk":
        return { expected: `a proof by the key ${stage.namedKey ?? "in cnf.jwk"}` };
      case "proxy-principals#spiffe":
        // Only a rule that binds by it heeds the list.
        if (termsOf(stage, "proxyPrincipals") === undefined) return unprovable(name);
        return { expected: `or a proxy in ${text(value)}`, ...presenterOf(stage) };
      default:
        return unprovable(name);
    }
  });
  const joined = (of: keyof Relation) => relations.flatMap((one) => one[of] ?? []).join("; ");
  const found = joined("found");
  return { expected: `${joined("expected")}${mark(stage)}`, ...(found !== "" && { found }) };
}

function unprovable(member: string): Relation {
  return { expected: `${member}, which nobody here can prove` };
}

function client(terms: unknown, stage: Stage): Relation {
  const { presenters } = terms as { readonly presenters: Readonly<Record<string, readonly string[]>> };
  const { claims } = stage;
  if (claims === undefined) return { expected: "a presenter of the token's client", ...presenterOf(stage) };
  const id = claims["client_id"] ?? claims["azp"];
  const name = `client ${text(id)}${mark(stage)}`;
  const known = typeof id === "string" && Object.hasOwn(presenters, id) ? presenters[id] : undefined;
  if (id === undefined) return { expected: "client_id or azp, which the token does not have" };
  const expected =
    known === undefined ? `${name}, which the policy does not know` : `${oneOf(known)}: ${name}`;
  return { expected, ...presenterOf(stage) };
}

function actor(_terms: unknown, stage: Stage): Relation {
  return { expected: claimText(stage, "act.sub"), ...presenterOf(stage) };
}

function kubernetes(terms: unknown, stage: Stage): Relation {
  const { pod } = terms as { readonly pod?: boolean };
  const { claims } = stage;
  if (claims === undefined) return { expected: "the token's service account", ...presenterOf(stage) };
  const namespace =
    claimAt(claims, "kubernetes.io.namespace") ?? claims["kubernetes.io/serviceaccount/namespace"];
  const account =
    claimAt(claims, "kubernetes.io.serviceaccount.name") ??
    claims["kubernetes.io/serviceaccount/service-account.name"];
  if (typeof namespace !== "string" || typeof account !== "string")
    return { expected: "a service account, which the token does not name" };
  const id = `spiffe://${ownDomain(stage)}/ns/${namespace}/sa/${account}${mark(stage)}`;
  if (pod !== true) return { expected: id, ...presenterOf(stage) };
  return { expected: `${id}, pod ${text(claimAt(claims, "kubernetes.io.pod.name"))}`, ...presenterOf(stage) };
}

function network(terms: unknown, stage: Stage): Relation {
  const asked = terms as Readonly<Record<string, unknown>>;
  const { request, outcome } = stage;
  const { address = DEFAULT_ADDRESS, sni = "none", tlsVersion, mtls } = request.peer ?? {};
  const shown = {
    sources: `address ${address}`,
    addressClaim: `address ${address}`,
    serverNames: `SNI ${sni}`,
    minTlsVersion: tlsVersion ?? (mtls === true ? "TLSv1.3" : "no TLS"),
    localPorts: `local address ${request.peer?.localAddress ?? "assumed"}`,
  };
  const members = Object.keys(asked) as (keyof typeof shown)[];
  const expected = members.map((name) =>
    name === "addressClaim"
      ? `address: ${claimText(stage, String(asked[name]))}`
      : `${name} ${text(asked[name])}`,
  );
  const found = [...new Set(members.map((name) => shown[name]))].join("; ");
  // Behind a forwarder the connection is not the presenter's.
  return { expected: expected.join("; "), ...(outcome.record.forwarder === undefined && { found }) };
}

function presenterOf({ outcome }: Stage): Pick<Relation, "found"> {
  const { presenter } = outcome.record;
  return presenter === undefined ? {} : { found: presenter };
}

function claimText(stage: Stage, path: string): string {
  if (stage.claims === undefined) return `what the token says in ${path}`;
  const value = claimAt(stage.claims, path);
  if (value === undefined) return `the claim ${path}, which the token does not have`;
  const shown = typeof value === "string" && isWorkloadId(value) ? value : text(value);
  return `${shown} (${path}${stage.isVerified ? "" : ", unverified"})`;
}

function memberOf(claims: Claims, name: string): unknown {
  return isObject(claims["cnf"]) ? claims["cnf"][name] : undefined;
}

function mark({ isVerified }: Stage): string {
  return isVerified ? "" : " (unverified)";
}

function text(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value ?? null);
}
