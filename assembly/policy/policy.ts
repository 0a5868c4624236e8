// The policy as the request path reads it. Made by `load`, never changed afterwards, and all of it in one region.
// A record that was never filled in denies.

import { Span, equals } from "../host/span";
import { Algorithms } from "../crypto/algorithm";

export const enum Mode {
  Enforce = 0,
  Observe = 1,
}

export const enum TokenNeed {
  Required = 0,
  Optional = 1,
  None = 2,
}

/** Where an issuer's claims become trustworthy. */
export const enum Proof {
  /** Nowhere: no token of this issuer is good. */
  Nothing = 0,
  /** A signature by one of the issuer's keys, checked here. */
  Signature = 1,
  /** Envoy's jwt_authn, earlier in the chain. */
  JwtAuthn = 2,
}

/** Who says that the peer's certificate was validated. */
export const enum ValidatedBy {
  /** Envoy, on this connection: `connection.peer_certificate_valid`. */
  Envoy = 0,
  /** The operator: the listener requires and validates client certificates. */
  Listener = 1,
}

@unmanaged
export class Name {
  text: Span;
  next: Name | null;
}

@unmanaged
export class Key {
  /** Absent when the set gives none. */
  id: Span;
  algorithms: Algorithms;
  /** SubjectPublicKeyInfo, DER. */
  publicKey: Span;
  next: Key | null;
}

@unmanaged
export class Issuer {
  name: Span;
  issuer: Span;
  /** Null: any audience. */
  audiences: Name | null;
  /** Seconds that clocks may differ. */
  clockSkew: i64;
  proof: Proof;
  keys: Key | null;
  /** Keys of the set that are good for something else. */
  keysPassedOver: i32;
  /** For jwt_authn: the header it forwards the payload in; absent when it removes the token from the request. */
  payloadHeader: Span;
  /** For jwt_authn: the key of its dynamic metadata. */
  metadataKey: Span;
  next: Issuer | null;
}

/** An issuer that a rule takes tokens from. */
@unmanaged
export class IssuerRef {
  issuer: Issuer;
  next: IssuerRef | null;
}

export const enum Method {
  /** Not a binding: never holds. */
  Nothing = 0,
  Spiffe = 1,
  Certificate = 2,
}

/** One member of a rule's `bind`; all of them have to hold. */
@unmanaged
export class Binding {
  method: Method;
  /** For Spiffe: the path to the claim, its parts joined by 0x00 bytes. */
  claim: Span;
  next: Binding | null;
}

@unmanaged
export class Rule {
  name: Span;
  mode: Mode;
  token: TokenNeed;
  /** Absent: any path. */
  path: Span;
  /** The same with its escapes decoded. */
  decodedPath: Span;
  hasPathPrefix: bool;
  /** Without the slash at the end, so that the prefix of all paths is absent. */
  pathPrefix: Span;
  /** The same with its escapes decoded. */
  decodedPathPrefix: Span;
  /** Null: any method. */
  methods: Name | null;
  /** Absent: any authority. */
  authority: Span;
  issuers: IssuerRef | null;
  /** Null: what the issuer demands is enough. */
  audiences: Name | null;
  /** Null: the default binding. */
  bindings: Binding | null;
  next: Rule | null;
}

@unmanaged
export class Policy {
  mode: Mode;
  /** Absent: presenters of every trust domain that the listener trusts. */
  trustDomain: Span;
  validatedBy: ValidatedBy;
  issuers: Issuer | null;
  /** True when the claims of at least one issuer come from jwt_authn. */
  usesJwtAuthn: bool;
  rules: Rule | null;
  /** For a request of which no rule can be named: enforce as soon as any request is enforced. */
  modeWithoutRule: Mode;
}

export function hasName(names: Name | null, text: Span): bool {
  let name: Name | null = names;
  while (name != null) {
    if (equals(name.text, text)) return true;
    name = name.next;
  }
  return false;
}
