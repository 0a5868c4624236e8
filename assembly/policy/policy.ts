// The policy as the request path reads it. Made by `load`, never changed afterwards, and all of it in one region.
// A record that was never filled in denies.

import { List } from "../host/list";
import { Region } from "../host/region";
import { Span, ABSENT, byteAt, equals, lengthOf } from "../host/span";
import { Table } from "../host/table";
import { Char } from "../text/ascii";
import { JsonNode } from "../text/json";
import { Cidr } from "../text/ip";
import { TlsVersion } from "../text/tls_version";
import { KeySet } from "./key_set";
import { Location, Source } from "./source";
import { Revocations } from "./revocations";

export const enum Mode {
  Enforce = 0,
  Observe = 1,
}

export const enum TokenNeed {
  Required = 0,
  Optional = 1,
  None = 2,
}

/** What a token is, which decides how it is found, what it has to say and what it must not. The rules are in token/kind. */
export const enum Kind {
  /** RFC 9068, or a plain JWT used as one. */
  AccessToken = 0,
  JwtSvid = 1,
  WitSvid = 2,
  /** A workload identity token of WIMSE's that is no SVID. */
  Wit = 3,
  /** A Kubernetes service-account token. */
  Kubernetes = 4,
}

/** True for workload identity tokens, which are no good without a proof of their key. */
export function isWit(kind: Kind): bool {
  return kind == Kind.WitSvid || kind == Kind.Wit;
}

/** Where an issuer's claims become trustworthy. */
export const enum Proof {
  /** Nowhere: no token of this issuer is good. */
  Nothing = 0,
  /** A signature by one of the issuer's keys, checked here. */
  Signature = 1,
  /** Envoy's jwt_authn, earlier in the chain. */
  JwtAuthn = 2,
  /** An introspection server, which is asked about opaque tokens. */
  Introspection = 3,
  /** Nowhere here: the upstream knows whether an opaque token is good. */
  Upstream = 4,
}

/** Where the presenter is seen. */
export const enum PresenterFrom {
  /** On this connection: the live mTLS peer. */
  Peer = 0,
  /** At an ambient waypoint, which is told by the tunnel who is at its other end. */
  Waypoint = 1,
  /** At an outbound listener: the presenter is the workload that this proxy stands beside. */
  Self = 2,
}

/** How the listener treats `x-forwarded-client-cert`, by Envoy's own names. */
export const enum Forwarding {
  /** Nobody's word is taken. */
  None = 0,
  /** Envoy adds the live peer as the last element. */
  AppendForward = 1,
  /** Envoy leaves it as the live peer sent it. */
  ForwardOnly = 2,
}

/** Where a presenter stands, seen from here. */
export const enum Border {
  /** Nobody knows yet. */
  None = 0,
  /** Within our trust domain, and as far as anybody says within our cluster. */
  Same = 1,
  /** In another cluster of our trust domain. */
  Cluster = 2,
  /** In a trust domain that the policy federates with. */
  Federated = 3,
  /** Outside of every mesh: it shows no SPIFFE ID. */
  Outside = 4,
}

/** Who says that the peer's certificate was validated. */
export const enum ValidatedBy {
  /** Envoy, on this connection: `connection.peer_certificate_valid`. */
  Envoy = 0,
  /** The operator: the listener requires and validates client certificates. */
  Listener = 1,
}

/** Who is asked about opaque tokens.  RFC 7662 */
@unmanaged
export class Introspector {
  cluster: Span;
  authority: Span;
  path: Span;
  /** Absent: a bearer token, or no credentials at all. */
  clientId: Span;
  /** The environment variable that the secret is in; absent: no credentials. */
  secretFrom: Span;
  /** Where the policy names it. */
  secretNode: JsonNode;
  /** The `authorization` that it is asked with; absent: none. A secret. */
  authorization: Span;
  /** Seconds that an answer is kept. */
  cacheFor: i64;
  /** The `iss` that its answers must have; absent: any or none. */
  issuer: Span;
  /** Tells its answers from those of others, and from those to another client. */
  identity: Span;
}

/** What a policy needs that a server has, or, of keys, that it may have itself. */
@unmanaged
export class Fetched {
  /** Null while the policy is not in force yet. */
  source: Source | null;
  /** What the source has to be asked for; null for what stands in the policy. */
  location: Location | null;
  /** Seconds that it may be used since it was last confirmed. */
  staleFor: i64;
}

/** What is taken back beside what the policy says itself, by a server that is asked again and again. */
@unmanaged
export class Feed {
  fetched: Fetched;
  /** Null: it is not signed. */
  signers: KeySet | null;
  /** True when requests pass while nobody can say what it says now. */
  passesStale: bool;

  static make(region: Region): Feed {
    const feed = region.make<Feed>();
    feed.fetched = region.make<Fetched>();
    return feed;
  }
}

/** A list of what an issuer says of its tokens now. */
@unmanaged
export class StatusSource {
  /** As tokens name it. */
  uri: Span;
  fetched: Fetched;
  /** True when requests pass while nobody can say what it says now. */
  passesStale: bool;

  static make(region: Region): StatusSource {
    const source = region.make<StatusSource>();
    source.fetched = region.make<Fetched>();
    return source;
  }
}

@unmanaged
export class Issuer {
  /** What the policy calls it. */
  name: Span;
  kind: Kind;
  /** The `iss` of its tokens; no other issuer of the policy has the same. Absent: they are told by their trust domain. */
  identifier: Span;
  /** Of SVIDs and WITs: the trust domain of their `sub`; otherwise absent. */
  trustDomain: Span;
  /** The header that its tokens come in, in lower case; absent: `authorization`. */
  header: Span;
  /** Empty: any audience. */
  audiences: List<Span>;
  /** SPIFFE patterns: who may present its tokens; empty: whoever a binding admits. */
  presenters: List<Span>;
  /** SPIFFE patterns: which local services accept its tokens; empty: all. */
  acceptedBy: List<Span>;
  /** What the policy says of borders; of one that is not there, nothing. */
  crossings: List<Crossing>;
  /** At an outbound listener: where its tokens may leave for. */
  egress: Egress;
  /** Seconds that clocks may differ. */
  clockSkew: i64;
  /** Seconds since `iat` that a token may be used; 0: any number. */
  maxAge: i64;
  /** Seconds from `iat` to `exp` that a token may have; 0: any number. */
  maxLifetime: i64;
  proof: Proof;
  /** For a signature: the keys; otherwise null. */
  keys: Fetched | null;
  /** For a signature: the lists that its tokens may name; empty: what they name is not looked at. */
  statusLists: List<StatusSource>;
  /** For introspection: whom to ask; otherwise null. */
  introspector: Introspector | null;
  /** For jwt_authn: the header it forwards the payload in; absent when it removes the token from the request. */
  payloadHeader: Span;
  /** For jwt_authn: the key of its dynamic metadata. */
  metadataKey: Span;

  static make(region: Region): Issuer {
    const issuer = region.make<Issuer>();
    issuer.audiences = region.make<List<Span>>();
    issuer.presenters = region.make<List<Span>>();
    issuer.acceptedBy = region.make<List<Span>>();
    issuer.crossings = region.make<List<Crossing>>();
    issuer.statusLists = region.make<List<StatusSource>>();
    issuer.egress = Egress.make(region);
    return issuer;
  }
}

/** A border that an issuer's tokens cross under conditions, or do not. */
@unmanaged
export class Crossing {
  border: Border;
  /** Otherwise nothing crosses it. */
  isOpen: bool;
  /** What has to hold besides what the rule asks for. */
  bind: Bind;
}

/** An audience, and the hosts that tokens for it may leave for. */
@unmanaged
export class AudienceHosts {
  audience: Span;
  hosts: List<Span>;
}

/** Where an issuer's tokens may leave for. */
@unmanaged
export class Egress {
  /** Host patterns for any of its tokens. */
  hosts: List<Span>;
  audiences: List<AudienceHosts>;

  static make(region: Region): Egress {
    const egress = region.make<Egress>();
    egress.hosts = region.make<List<Span>>();
    egress.audiences = region.make<List<AudienceHosts>>();
    return egress;
  }
}

export const enum Method {
  /** Not a binding: never holds. */
  Nothing = 0,
  /** A claim equals the presenter's SPIFFE ID. */
  Claim = 1,
  /** So does what a template makes of several claims. */
  Template = 2,
  /** The presenter's SPIFFE ID matches a pattern. */
  Pattern = 3,
  /** The token names the live certificate. */
  Certificate = 4,
  /** The token's OAuth client is one that this presenter may act as. */
  Client = 5,
  /** The token's current actor is the presenter. */
  Actor = 6,
  /** A proxy that the token's `cnf` names may present it. */
  ProxyPrincipals = 7,
  /** The token's Kubernetes service account is the presenter's. */
  Kubernetes = 8,
  /** One of several bindings holds. */
  AnyOf = 9,
  /** The connection comes from where, and in the way, that the policy or the token says. */
  Network = 10,
  /** An expression over request and connection, which Envoy evaluates, is true. */
  Cel = 11,
  /** Not of a policy: the token's own `cnf`. */
  Confirmation = 12,
  /** Whoever sends the request has the key that the token names. */
  Dpop = 13,
  /** Nobody else has shown the token before. */
  FirstUse = 14,
}

/** One piece of a template: text as it stands, or what goes there. */
@unmanaged
export class Piece {
  text: Span;
  /** Path of the claim that goes there, its names joined by 0x00 bytes; otherwise absent. */
  claim: Span;
  /** True where our trust domain goes, or the alias of it that the presenter has. */
  isTrustDomain: bool;
}

/** An OAuth client, and who may present its tokens. */
@unmanaged
export class Client {
  id: Span;
  presenters: List<Span>;
}

/** What is asked of the connection; what stays empty is not. */
@unmanaged
export class Network {
  sources: List<Cidr>;
  /** Path of the claim with the token's own address, its names joined by 0x00 bytes; absent: none. */
  addressClaim: Span;
  serverNames: List<Span>;
  minTlsVersion: TlsVersion;
  localPorts: List<Span>;

  static make(region: Region): Network {
    const network = region.make<Network>();
    network.sources = region.make<List<Cidr>>();
    network.serverNames = region.make<List<Span>>();
    network.localPorts = region.make<List<Span>>();
    return network;
  }
}

/** A CEL expression of a rule. */
@unmanaged
export class Expression {
  /** As the policy has it, wrapped so that it can be nothing but true or false. */
  text: Span;
  /** Where the policy has it. */
  node: JsonNode;
  /** Its place among the rule's expressions, from 0. */
  index: i32;
  /** By which Envoy knows it, in the root context of its policy: 4 bytes. */
  token: Span;
}

/** Facts about the connection that a rule's bindings look at, one bit each; the others are not read. */
export const enum Fact {
  SourceAddress = 1,
  ServerName = 2,
  TlsVersion = 4,
  LocalAddress = 8,
  Pod = 16,
}

/** Seconds since a sighting, or since a token was issued, that the certificate may be another one, at most. */
export const MAX_WINDOW: i64 = 24 * 60 * 60;

/** How a token may outlive the certificate that it names, while its workload gets a new one. */
@unmanaged
export class Rotation {
  /** Path of the claim that has to be the presenter's SPIFFE ID, its names joined by 0x00 bytes. */
  claim: Span;
  /** Seconds, from 1 to `MAX_WINDOW`. */
  window: i64;
}

/** How a token that names nobody belongs to who shows it first. */
@unmanaged
export class FirstUse {
  /** True when the address that it comes from counts, and not the presenter's SPIFFE ID. */
  byAddress: bool;
  /** SPIFFE patterns: all who match one of them count as one. */
  sharers: List<Span>;
  /** True when a token that somebody else has shown is nobody's any more. */
  quarantines: bool;
  /** 32 bytes: a digest of all that says who is who. */
  terms: Span;

  static make(region: Region): FirstUse {
    const firstUse = region.make<FirstUse>();
    firstUse.sharers = region.make<List<Span>>();
    return firstUse;
  }
}

/** One member of a `bind`; all of them have to hold. What a method does not need stays empty. */
@unmanaged
export class Binding {
  method: Method;
  /** For Claim: the path, its names joined by 0x00 bytes. */
  claim: Span;
  /** For Template. */
  pieces: List<Piece>;
  /** SPIFFE patterns: for Pattern, who may present; for Actor, who prior actors have to be, if any. */
  patterns: List<Span>;
  /** For Client. */
  clients: List<Client>;
  /** For Actor: whose name for the actor counts besides the token's own issuer's. */
  issuers: List<Span>;
  /** For AnyOf. */
  alternatives: List<Binding>;
  /** For Network; otherwise null. */
  network: Network | null;
  /** For Kubernetes: the pod has to be the token's as well. */
  bindsPod: bool;
  /** For Cel; otherwise null. */
  expression: Expression | null;

  static make(region: Region): Binding {
    const binding = region.make<Binding>();
    binding.pieces = region.make<List<Piece>>();
    binding.patterns = region.make<List<Span>>();
    binding.clients = region.make<List<Client>>();
    binding.issuers = region.make<List<Span>>();
    binding.alternatives = region.make<List<Binding>>();
    return binding;
  }
}

/** Bindings that have to hold together, and what they need to be proven. */
@unmanaged
export class Bind {
  bindings: List<Binding>;
  /** True when none of them says whose the token is, so that the default binding has to hold as well. */
  bindsByDefault: bool;
  /** Expressions in them, at most 32. */
  expressions: List<Expression>;
  /** What they look at of the connection, a bit for each `Fact`. */
  facts: i32;
  /** True when a proxy that the token's `cnf` names may present it in place of the certificate's holder. */
  admitsProxies: bool;
  /** Null: the certificate is the one that the token's `cnf` names, or the token is denied. */
  rotation: Rotation | null;
  /** Null: whoever else may present the token may do so at any time. */
  firstUse: FirstUse | null;

  static make(region: Region): Bind {
    const bind = region.make<Bind>();
    bind.bindings = region.make<List<Binding>>();
    bind.expressions = region.make<List<Expression>>();
    return bind;
  }
}

/** What the upstream gets of the token, and hears of the verdict. The zero value changes nothing. */
@unmanaged
export class Forward {
  /** True when the token is taken out of the request. */
  stripsToken: bool;
  /** The header that the payload of a verified token goes on in; absent: none. */
  payloadHeader: Span;
  /** True when the verdict goes on in a header. */
  tellsVerdict: bool;
}

/** What a rule says of the path by its text. */
export const enum PathMatch {
  /** The path is this text, or lies below it. Without text: any path. */
  Prefix = 0,
  /** The path is this text. */
  Exact = 1,
  /** The path lies below this text, and its segments are the template's. */
  Template = 2,
}

export const enum SegmentKind {
  /** This text. */
  Literal = 0,
  /** Any text, but some: `{name}`. */
  Any = 1,
  /** Whatever is left of the path, also nothing: `{**}`. Only the last. */
  Rest = 2,
}

/** What a template says of one segment of the path. */
@unmanaged
export class Segment {
  kind: SegmentKind;
  /** For Literal; absent: the nothing behind a slash at the end. */
  text: Span;
  /** The same with its escapes decoded. */
  decodedText: Span;
}

@unmanaged
export class Rule {
  name: Span;
  /** Its place in the policy, from 0: of several that take a request the first decides. */
  position: i32;
  mode: Mode;
  token: TokenNeed;
  /** True when a token that is refused is taken out, and the request goes on without it. */
  stripsRefused: bool;
  pathMatch: PathMatch;
  /** Without a slash at the end, unless it is the whole path. */
  path: Span;
  /** The same with its escapes decoded. */
  decodedPath: Span;
  /** For Template: all its segments. */
  segments: List<Segment>;
  /** Empty: any method. */
  methods: List<Span>;
  /** Absent: any authority. */
  authority: Span;
  /** The headers that have to be there, a bit for each of the policy's `headerNames`. */
  neededHeaders: u64;
  /** Whose tokens the rule takes; empty: nobody's. */
  issuers: List<Issuer>;
  /** Headers besides `authorization` that tokens of these issuers come in. */
  headers: List<Span>;
  /** True when tokens of these issuers come in `authorization`, too. */
  readsAuthorization: bool;
  /** True when opaque tokens of one of these issuers are taken. */
  takesOpaque: bool;
  /** Empty: what the issuer demands is enough. */
  audiences: List<Span>;
  /** What has to hold between its tokens and who presents them. */
  bind: Bind;
  forward: Forward;
  /** Seconds between two judgements of a request that goes on; 0: it is judged once. */
  revalidateEvery: i64;

  static make(region: Region): Rule {
    const rule = region.make<Rule>();
    rule.segments = region.make<List<Segment>>();
    rule.methods = region.make<List<Span>>();
    rule.issuers = region.make<List<Issuer>>();
    rule.headers = region.make<List<Span>>();
    rule.audiences = region.make<List<Span>>();
    rule.bind = Bind.make(region);
    rule.forward = region.make<Forward>();
    return rule;
  }
}

/** How DPoP proofs are judged. */
@unmanaged
export class Dpop {
  /** `scheme://authority`, normalised, that proofs may be made for. */
  origins: List<Span>;
  /** True when a proof is to be for the authority that Envoy routes by instead, by either scheme. */
  isRouted: bool;
  /** Seconds that a proof is good for. */
  maxAge: i64;
  /** True when every proof has to have a nonce, and not only those that come shortly after a start. */
  isNonceRequired: bool;
  /** The environment variable with the secret that replicas share for their nonces; absent: each process has its own. */
  nonceSecretFrom: Span;
  /** Where the policy names it. */
  nonceSecretNode: JsonNode;
  /** 32 bytes, from that secret; absent: the process's own key. */
  nonceKey: Span;

  static make(region: Region): Dpop {
    const dpop = region.make<Dpop>();
    dpop.origins = region.make<List<Span>>();
    return dpop;
  }
}

/** How workload proof tokens are judged. */
@unmanaged
export class Wpt {
  /** `scheme://authority`, normalised: a proof may be for one of them and the path of its request. */
  origins: List<Span>;
  /** What a proof may be for besides, byte for byte. */
  audiences: List<Span>;
  /** Seconds that a proof may still be good for when it comes. */
  maxLifetime: i64;

  static make(region: Region): Wpt {
    const wpt = region.make<Wpt>();
    wpt.origins = region.make<List<Span>>();
    wpt.audiences = region.make<List<Span>>();
    return wpt;
  }
}

/** The rules that have one text for their path, in the policy's order. */
@unmanaged
export class IndexEntry {
  text: Span;
  hash: u32;
  /** Those that take this path and no other. */
  exact: List<Rule>;
  /** Those that take it and what lies below it, or some of that. */
  below: List<Rule>;
  /** In the same bucket. */
  next: IndexEntry | null;
}

@unmanaged
export class IndexBucket {
  first: IndexEntry | null;
}

/** A policy's rules by the texts that they have for their paths. Made and read by `rule_index`. */
@unmanaged
export class RuleIndex {
  /** A power of two of them. */
  buckets: Table<IndexBucket>;
  /** Bytes of the longest text. */
  longest: i32;
  /** Rules that have no text, in the policy's order. */
  anywhere: List<Rule>;
}

@unmanaged
export class Policy {
  /** Tells it from the other policies of a plugin's name in this proxy; absent: there are none. */
  name: Span;
  mode: Mode;
  /** Absent: presenters of every trust domain that the listener trusts. */
  trustDomain: Span;
  /** Other names of our own trust domain. */
  trustDomainAliases: List<Span>;
  /** Trust domains of others whose workloads may come here, as far as an issuer lets its tokens cross. */
  federatedTrustDomains: List<Span>;
  /** For Self: the SPIFFE ID of the local workload. */
  self: Span;
  /** The cluster that this proxy is in, where an issuer asks for it; absent: not known. */
  cluster: Span;
  from: PresenterFrom;
  /** True when the live peer's certificate itself is looked at. */
  examinesCertificate: bool;
  /** The operator's word that an address which Envoy takes from `x-forwarded-for` was written by a proxy of his own. */
  trustsForwardedFor: bool;
  validatedBy: ValidatedBy;
  forwarding: Forwarding;
  /** SPIFFE IDs of live peers whose word about their own clients is taken. */
  forwarders: List<Span>;
  issuers: List<Issuer>;
  /** True when the claims of at least one issuer come from jwt_authn. */
  usesJwtAuthn: bool;
  /** All that servers have to be asked for. */
  fetched: List<Fetched>;
  /** True when at least one issuer's tokens are opaque. */
  introspects: bool;
  rules: List<Rule>;
  /** Headers that only this filter may write: one from outside is taken out of every request. */
  payloadHeaders: List<Span>;
  /** Null: nothing was taken back. */
  revocations: Revocations | null;
  /** Null: and nobody is asked what was. */
  feed: Feed | null;
  /** Null: DPoP proofs are not judged, and tokens that are bound to a key are denied. */
  dpop: Dpop | null;
  /** Null: workload proof tokens are not judged, and workload identity tokens are denied. */
  wpt: Wpt | null;
  /** Of so many requests that are allowed one is logged; 0: none. */
  sampleAllowed: i32;
  /** True when a decision record says what the request asked for and what its token claims, too. */
  logsClaims: bool;
  /** The rules by their paths as they mean them, with escapes decoded. */
  rulesByMeaning: RuleIndex;
  /** The same by their paths as they spell them. */
  rulesBySpelling: RuleIndex;
  /** Headers that rules ask for, at most 64. */
  headerNames: List<Span>;
  /** For a request of which no rule can be named: enforce as soon as any request is enforced. */
  modeWithoutRule: Mode;

  static make(region: Region): Policy {
    const policy = region.make<Policy>();
    policy.forwarders = region.make<List<Span>>();
    policy.trustDomainAliases = region.make<List<Span>>();
    policy.federatedTrustDomains = region.make<List<Span>>();
    policy.issuers = region.make<List<Issuer>>();
    policy.rules = region.make<List<Rule>>();
    policy.payloadHeaders = region.make<List<Span>>();
    policy.fetched = region.make<List<Fetched>>();
    policy.headerNames = region.make<List<Span>>();
    return policy;
  }
}

/** True when `text` is one of `texts`, byte for byte. */
export function hasText(texts: List<Span>, text: Span): bool {
  let link = texts.first;
  while (link != null) {
    if (equals(link.item, text)) return true;
    link = link.next;
  }
  return false;
}

/** Seconds that any proof is good for; 0 where none is judged. */
export function longestProof(policy: Policy): i64 {
  const byDpop: i64 = policy.dpop == null ? 0 : policy.dpop!.maxAge;
  const byWorkload: i64 = policy.wpt == null ? 0 : policy.wpt!.maxLifetime;
  return max(byDpop, byWorkload);
}

/** Seconds: the largest of these issuers' own. */
export function widestClockSkew(issuers: List<Issuer>): i64 {
  let widest: i64 = 0;
  let link = issuers.first;
  while (link != null) {
    widest = max(widest, link.item.clockSkew);
    link = link.next;
  }
  return widest;
}

/** The issuer of a list whose tokens have this `iss`, or null. */
export function issuerIdentifiedBy(issuers: List<Issuer>, iss: Span): Issuer | null {
  let link = issuers.first;
  while (link != null) {
    if (iss != ABSENT && equals(link.item.identifier, iss)) return link.item;
    link = link.next;
  }
  return null;
}

/** Where it is; null where nothing is needed, or while the policy is not in force yet. */
export function sourceOf(fetched: Fetched | null): Source | null {
  if (fetched == null) return null;
  return fetched.source;
}

/** The issuer's list with this URI, or null. */
export function statusSourceOf(issuer: Issuer, uri: Span): StatusSource | null {
  let link = issuer.statusLists.first;
  while (link != null) {
    if (equals(link.item.uri, uri)) return link.item;
    link = link.next;
  }
  return null;
}

/** What the policy says of this border for the issuer's tokens, or null. */
export function crossingOf(issuer: Issuer, border: Border): Crossing | null {
  let link = issuer.crossings.first;
  while (link != null) {
    if (link.item.border == border) return link.item;
    link = link.next;
  }
  return null;
}

/** The issuer of a list that the policy calls `name`, or null. */
export function issuerNamed(issuers: List<Issuer>, name: Span): Issuer | null {
  let link = issuers.first;
  while (link != null) {
    if (equals(link.item.name, name)) return link.item;
    link = link.next;
  }
  return null;
}

/** True for one whose tokens say nothing of themselves. */
export function isOfOpaque(issuer: Issuer): bool {
  return issuer.proof == Proof.Introspection || issuer.proof == Proof.Upstream;
}

/** The issuer of a list whose opaque tokens come in this header, or null. @param header absent: `authorization` */
export function opaqueIssuerFor(issuers: List<Issuer>, header: Span): Issuer | null {
  let link = issuers.first;
  while (link != null) {
    if (isOfOpaque(link.item) && equals(link.item.header, header)) return link.item;
    link = link.next;
  }
  return null;
}

/**
 * The header of a list that `name` is, or that some servers take it for: they read `_` as `-`. Absent for none.
 */
export function headerSpelled(headers: List<Span>, name: Span): Span {
  let link = headers.first;
  while (link != null) {
    if (isSpelledAlike(link.item, name)) return link.item;
    link = link.next;
  }
  return ABSENT;
}

/** True when some servers take the one for the other: they read `_` as `-`. */
export function isSpelledAlike(header: Span, name: Span): bool {
  if (lengthOf(header) != lengthOf(name)) return false;
  for (let i = 0; i < lengthOf(header); i++) {
    if (dashFor(byteAt(header, i)) != dashFor(byteAt(name, i))) return false;
  }
  return true;
}

function dashFor(byte: i32): i32 {
  return byte == Char.Underscore ? Char.Dash : byte;
}
