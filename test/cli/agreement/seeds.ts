// Good policies that use every member between them: what the mutator starts from.

import type { Json } from "../../filter/support/json.ts";
import { makeKey } from "../../filter/support/keys.ts";

const ec = {
  kty: "EC",
  crv: "P-256",
  kid: "ec",
  x: "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
  y: "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
};
const okp = { kty: "OKP", crv: "Ed25519", kid: "ed", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" };
const inline = { jwks: { keys: [ec, okp, makeKey("RS256").jwk, makeKey("ES384").jwk] } };
const fetched = {
  cluster: "idp",
  path: "/jwks?v=1",
  authority: "idp.example:8443",
  refresh: "5m",
  staleFor: "1h",
};
const listener = { validatedBy: "listener" };
const web = "spiffe://cluster.local/ns/shop/sa/web";

const everything: Json = {
  name: "orders-1",
  mode: "observe",
  trustDomain: "cluster.local",
  trustDomainAliases: ["old.example"],
  federatedTrustDomains: ["partner.example"],
  decisionLog: { sampleAllowed: 1000, claims: true },
  presenter: {
    from: "peer",
    validatedBy: "envoy",
    examineCertificate: true,
    trustForwardedFor: true,
    forwarders: ["spiffe://cluster.local/ns/istio-system/sa/gateway"],
    forwardClientCertDetails: "APPEND_FORWARD",
  },
  dpop: {
    origins: ["https://orders.example", "http://[::1]:8080/"],
    maxAge: "2m",
    nonce: "always",
    nonceSecretFrom: "NONCE_SECRET",
  },
  wpt: { origins: ["https://orders.example:8443"], audiences: ["urn:orders"], maxLifetime: "90s" },
  issuers: {
    corp: {
      kind: "access-token",
      issuer: "https://idp.example",
      header: "x-corp-token",
      audiences: ["orders", "items"],
      presenters: ["spiffe://cluster.local/ns/shop/**", web],
      acceptedBy: ["spiffe://cluster.local/ns/*/sa/orders"],
      borders: {
        federated: { bind: [{ certificate: {} }, { anyOf: [{ actor: {} }, { dpop: {} }] }] },
        outside: "deny",
      },
      clockSkew: "30s",
      maxAge: "15m",
      maxLifetime: "1h",
      keys: fetched,
      statusLists: [
        {
          uri: "https://idp.example/status/1",
          cluster: "idp",
          path: "/status/1",
          authority: "idp.example",
          refresh: "1m",
          staleFor: "2m",
          onStale: "warn",
        },
      ],
    },
    known: { issuer: "https://known.example", keys: inline },
  },
  revoked: {
    ids: ["a", "b"],
    subjects: ["mallory"],
    keys: ["old"],
    tokens: ["47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"],
    presenters: [web],
    certificates: ["47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"],
    issuedBefore: { corp: 1_700_000_000 },
    feed: {
      cluster: "feed",
      path: "/revoked",
      authority: "feed.example",
      refresh: "30s",
      staleFor: "5m",
      onStale: "deny",
      keys: { jwks: { keys: [ec] } },
    },
  },
  rules: [
    { name: "health", when: { path: "/healthz", methods: ["GET", "M-SEARCH"] }, token: "none" },
    {
      name: "orders",
      mode: "enforce",
      token: "optional",
      when: { pathPrefix: "/orders/%20x", authority: "orders.example:443", headers: ["x-act-for", "x-b"] },
      issuers: ["corp"],
      audiences: ["orders"],
      bind: [
        { spiffe: { claim: 'act."example.com/x".sub' } },
        { certificate: { rotation: { claim: "sub", window: "1h" } } },
        { proxyPrincipals: {} },
        { kubernetes: { pod: false } },
        { firstUse: { by: "spiffeId", sharedBy: ["spiffe://cluster.local/ns/shop/sa/*"], quarantine: true } },
      ],
      forward: { token: "strip", payloadHeader: "x-jwt-payload", verdict: true },
      onDeny: "deny",
      revalidate: { every: "30s" },
    },
    {
      name: "template",
      token: "required",
      when: { pathTemplate: "/tenants/{tenant}/{*}/a.b/{**}" },
      bind: [
        { spiffe: { template: "spiffe://{trustDomain}/ns/{kubernetes.io.namespace}/sa/a-{app.name}" } },
        { client: { presenters: { "web-shop": [web], batch: ["spiffe://cluster.local/**"] } } },
      ],
    },
    {
      name: "get",
      when: { grpc: { service: "shop.v1.Orders", method: "Get" } },
      bind: [
        { spiffe: { patterns: ["spiffe://cluster.local/ns/shop/*"] } },
        { actor: { issuers: ["https://sts.example"], priorActors: ["spiffe://cluster.local/**"] } },
        {
          network: {
            sources: ["10.0.0.0/8", "2001:db8::/32", "::ffff:192.0.2.0/120", "192.0.2.1"],
            addressClaim: "kubernetes.io.ip",
            serverNames: ["orders.example"],
            minTlsVersion: "TLSv1.3",
            localPorts: [443, 8443],
          },
        },
        { cel: "request.headers['x-team'] == 'shop'" },
        { dpop: {} },
        { anyOf: [{ certificate: {} }, { cel: "true" }, { spiffe: { claim: "sub" } }] },
      ],
    },
    { name: "rest", when: { methods: ["PUT"], headers: ["x-c"] }, bind: [{ firstUse: { by: "address" } }] },
  ],
};

const atWaypoint: Json = {
  decisionLog: { claims: false },
  trustDomain: "cluster.local",
  presenter: { from: "waypoint", trustForwardedFor: false, examineCertificate: false },
  issuers: {
    k8s: {
      kind: "kubernetes",
      issuer: "https://kubernetes.default.svc",
      borders: { cluster: { bind: [{ kubernetes: { pod: true } }] }, outside: {} },
      keys: fetched,
    },
  },
  rules: [{ name: "all", bind: [{ kubernetes: { pod: true } }, { firstUse: {} }] }],
};

const leaving: Json = {
  trustDomain: "cluster.local",
  presenter: { from: "self" },
  issuers: {
    corp: {
      issuer: "https://idp.example",
      egress: {
        hosts: ["*.orders.example", "idp.example:8443"],
        audiences: { orders: ["[2001:db8::1]:443"] },
      },
      keys: inline,
    },
  },
  rules: [{ name: "out", token: "optional", onDeny: "strip", bind: [{ network: { localPorts: [15001] } }] }],
};

const bundle = {
  spiffe_sequence: 7,
  spiffe_refresh_hint: 300,
  keys: [
    { ...ec, use: "jwt-svid" },
    { ...ec, kid: "wit", use: "wit-svid" },
  ],
};

const svids: Json = {
  presenter: listener,
  issuers: {
    jwt: { kind: "jwt-svid", trustDomain: "a.example", audiences: ["orders"], keys: { jwks: bundle } },
    witsvid: { kind: "wit-svid", trustDomain: "b.example", keys: { jwks: bundle } },
    wit: {
      kind: "wit",
      trustDomain: "c.example",
      issuer: "https://c.example",
      audiences: ["x"],
      keys: inline,
    },
  },
  wpt: { audiences: ["urn:orders"] },
};

const opaque: Json = {
  presenter: listener,
  dpop: { origins: "routed" },
  issuers: {
    basic: {
      issuer: "https://as.example",
      audiences: ["orders"],
      introspection: {
        cluster: "as",
        path: "/introspect",
        authority: "as.example",
        cacheFor: "30s",
        credentials: { clientId: "orders", secretFrom: "AS_SECRET" },
      },
    },
    bearer: {
      header: "x-b",
      clockSkew: "0s",
      introspection: { cluster: "as", path: "/b", credentials: { bearerFrom: "AS_TOKEN" } },
    },
    unread: { header: "x-u", presenters: [web], introspection: "upstream" },
  },
  revoked: { ids: [], issuedBefore: {}, feed: { cluster: "f", path: "/", unsigned: true } },
  rules: [{ name: "all", bind: [{ firstUse: {} }, { cel: "true" }] }],
};

const jwtAuthn: Json = {
  presenter: { validatedBy: "listener", forwarders: [web], forwardClientCertDetails: "FORWARD_ONLY" },
  issuers: {
    corp: {
      issuer: "https://idp.example",
      keys: { jwt_authn: { payloadHeader: "x-corp-payload", metadataKey: "payload" } },
    },
    partner: { issuer: "https://partner.example", keys: "jwt_authn" },
  },
  rules: [
    { name: "acting", when: { grpc: { service: "a.B" } }, issuers: ["corp"], bind: [{ certificate: {} }] },
    { name: "all", forward: { token: "keep" } },
  ],
};

export const SEEDS: readonly Json[] = [everything, atWaypoint, leaving, svids, opaque, jwtAuthn];
