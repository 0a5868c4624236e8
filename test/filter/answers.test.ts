// One request for each reason of the table, and what client, log, metric and filter state get to see of it.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { reasonName } from "../../assembly/decision/reason.ts";
import type { Request, Stream } from "../../cli/host/index.ts";
import { forwarded, PAYLOAD_HEADER, verified } from "./support/jwt-authn.ts";
import { makeKey, nameless } from "./support/keys.ts";
import { policy, policyWithIssuer, policyWithRule } from "./support/policies.ts";
import { reasons } from "./support/reasons.ts";
import { Scene, bearer, reasonOf, verdictOf } from "./support/scene.ts";
import { without } from "./support/json.ts";
import { CLAIMS, base64url, key, token, tokenOf, tokenSignedBy } from "./support/tokens.ts";
import type { Json } from "./support/json.ts";
import { NOW, OTHER_THUMBPRINT, WEB, WEB_THUMBPRINT, plaintext, thief, web } from "./support/world.ts";

/** What a client is told. It is written here once more, and not taken from the table: this is what the table is held to. */
interface Answer {
  readonly status: number;
  readonly grpcStatus: number;
  readonly body: string;
  readonly challenge?: string;
}

const UNAUTHENTICATED: Answer = {
  status: 401,
  grpcStatus: 16,
  body: "unauthenticated",
  challenge: 'Bearer realm="holdfast"',
};
const INVALID_TOKEN: Answer = {
  status: 401,
  grpcStatus: 16,
  body: "invalid_token",
  challenge: 'Bearer realm="holdfast", error="invalid_token"',
};
const INVALID_REQUEST: Answer = {
  status: 400,
  grpcStatus: 3,
  body: "invalid_request",
  challenge: 'Bearer realm="holdfast", error="invalid_request"',
};
const FORBIDDEN: Answer = { status: 403, grpcStatus: 7, body: "forbidden" };
const UNAVAILABLE: Answer = { status: 503, grpcStatus: 14, body: "unavailable" };

interface Case {
  /** Default: the usual policy. */
  readonly policy?: Json;
  readonly request: Request;
  /** A host call that fails on the way. */
  readonly fails?: string;
}

const withToken = (compact: string, request: Request = {}): Case => ({
  request: { ...request, headers: [bearer(compact)] },
});
const withClaims = (claims: Json, request: Request = {}): Case => withToken(token(claims), request);
const withHeader = (header: Json): Case => withToken(tokenOf({ alg: "ES256", kid: "k1", ...header }, CLAIMS));
const fromPeer = (peer: Request["peer"], claims: Json = {}): Case => withClaims(claims, peer && { peer });

const HEADER = { alg: "ES256", kid: "k1" };
const undigested = without(web, "certSha256");
const unnamed = without(web, "uriSan");
const byHeader = policyWithIssuer({ keys: { jwt_authn: { payloadHeader: PAYLOAD_HEADER } } });
const twin = makeKey("ES256", "k2");
const twoNameless = policyWithIssuer({ keys: { jwks: { keys: [nameless(key), nameless(twin)] } } });
const witSvids = policy({
  issuers: { wits: { kind: "wit-svid", trustDomain: "example.org", keys: { jwks: { keys: [key.jwk] } } } },
});
const withWit = (claims: Json) => ({
  headers: [
    [
      "workload-identity-token",
      tokenOf({ ...HEADER, typ: "wit+jwt" }, { ...CLAIMS, aud: undefined, ...claims }),
    ],
  ] as [string, string][],
});
const bound = { cnf: { "x5t#S256": WEB_THUMBPRINT } };

const ALLOWED: Readonly<Record<string, Case>> = {
  ok: withToken(token()),
  token_not_required: { policy: policyWithRule({ token: "none" }), request: {} },
  token_optional_absent: { policy: policyWithRule({ token: "optional" }), request: {} },
};

const DENIED: Readonly<Record<string, readonly [Answer, Case]>> = {
  host_unavailable: [UNAVAILABLE, { ...withToken(token()), fails: "proxy_get_header_map_pairs" }],

  path_ambiguous: [INVALID_REQUEST, { request: { path: "/a/../b" } }],
  method_ambiguous: [INVALID_REQUEST, { request: { method: "get" } }],
  authority_ambiguous: [INVALID_REQUEST, { request: { authority: "orders.example.org,evil" } }],
  header_ambiguous: [
    INVALID_REQUEST,
    { policy: policyWithRule({ when: { headers: ["x-a"] } }), request: { headers: [["x_a", ""]] } },
  ],
  no_rule: [FORBIDDEN, { policy: policyWithRule({ when: { path: "/only" } }), ...withToken(token()) }],

  token_absent: [UNAUTHENTICATED, { request: {} }],
  scheme_unsupported: [UNAUTHENTICATED, { request: { headers: [["authorization", "Basic d2ViOndlYg=="]] } }],
  token_duplicate: [INVALID_REQUEST, { request: { headers: [bearer(token()), bearer(token())] } }],
  token_in_query: [INVALID_REQUEST, withToken(token(), { path: "/?access_token=x" })],
  authorization_malformed: [INVALID_REQUEST, { request: { headers: [["authorization", "Bearer a b"]] } }],
  token_too_large: [INVALID_TOKEN, withToken("a".repeat(16 * 1024 + 1))],
  token_malformed: [INVALID_TOKEN, withToken("a.b")],
  token_header_malformed: [INVALID_TOKEN, withToken(`${base64url("[]")}.${base64url("{}")}.AA`)],
  token_header_forbidden: [INVALID_TOKEN, withHeader({ jku: "https://evil.example" })],
  token_type_unsupported: [INVALID_TOKEN, withHeader({ typ: "dpop+jwt" })],
  token_payload_malformed: [
    INVALID_TOKEN,
    withToken(`${base64url('{"alg":"ES256"}')}.${base64url("[]")}.AA`),
  ],
  issuer_unknown: [INVALID_TOKEN, withClaims({ iss: "https://elsewhere.example" })],
  algorithm_unsupported: [INVALID_TOKEN, withHeader({ alg: "none" })],
  algorithm_mismatch: [INVALID_TOKEN, withHeader({ alg: "RS256" })],
  key_unknown: [INVALID_TOKEN, withHeader({ kid: "k9" })],
  key_ambiguous: [INVALID_TOKEN, { policy: twoNameless, ...withToken(tokenOf({ alg: "ES256" }, CLAIMS)) }],
  signature_malformed: [INVALID_TOKEN, withToken(tokenSignedBy(Buffer.alloc(63, 1)))],
  signature_invalid: [INVALID_TOKEN, withToken(tokenSignedBy(Buffer.alloc(64, 1)))],
  jwt_authn_absent: [INVALID_TOKEN, { policy: byHeader, request: { headers: forwarded(token()) } }],
  jwt_authn_mismatch: [
    INVALID_TOKEN,
    { policy: byHeader, request: { headers: forwarded(token(), "e30"), metadata: verified() } },
  ],

  claim_malformed: [INVALID_TOKEN, withClaims({ exp: String(NOW + 60) })],
  expiry_absent: [INVALID_TOKEN, withToken(tokenOf({ alg: "ES256", kid: "k1" }, without(CLAIMS, "exp")))],
  token_expired: [INVALID_TOKEN, withClaims({ exp: NOW - 60 })],
  token_not_yet_valid: [INVALID_TOKEN, withClaims({ nbf: NOW + 61 })],
  token_issued_in_future: [INVALID_TOKEN, withClaims({ iat: NOW + 61 })],
  audience_mismatch: [INVALID_TOKEN, withClaims({ aud: "billing" })],
  issued_at_absent: [
    INVALID_TOKEN,
    { policy: policyWithIssuer({ maxAge: "1h" }), ...withToken(tokenOf(HEADER, without(CLAIMS, "iat"))) },
  ],
  token_too_old: [
    INVALID_TOKEN,
    { policy: policyWithIssuer({ maxAge: "1h" }), ...withClaims({ iat: NOW - 86_400 }) },
  ],
  lifetime_too_long: [
    INVALID_TOKEN,
    { policy: policyWithIssuer({ maxLifetime: "1h" }), ...withClaims({ exp: NOW + 86_400 }) },
  ],
  id_token: [INVALID_TOKEN, withClaims({ nonce: "n" })],

  peer_absent: [INVALID_TOKEN, fromPeer(plaintext)],
  peer_not_validated: [
    INVALID_TOKEN,
    { policy: policy({ presenter: { validatedBy: "envoy" } }), ...fromPeer({ ...web, validated: false }) },
  ],
  spiffe_id_absent: [INVALID_TOKEN, fromPeer(unnamed)],
  spiffe_id_malformed: [INVALID_TOKEN, fromPeer({ ...web, uriSan: "https://example.org/web" })],
  certificate_digest_absent: [INVALID_TOKEN, fromPeer(undigested, bound)],
  certificate_digest_malformed: [INVALID_TOKEN, fromPeer({ ...web, certSha256: "AB" }, bound)],

  trust_domain_foreign: [FORBIDDEN, fromPeer({ ...web, uriSan: "spiffe://elsewhere.org/web" })],

  cnf_malformed: [INVALID_TOKEN, withClaims({ cnf: {} })],
  cnf_unsupported: [INVALID_TOKEN, withClaims({ cnf: { jkt: "x" } })],
  certificate_unbound: [
    INVALID_TOKEN,
    { policy: policyWithRule({ bind: [{ certificate: {} }] }), ...withToken(token()) },
  ],
  certificate_mismatch: [INVALID_TOKEN, withClaims({ cnf: { "x5t#S256": OTHER_THUMBPRINT } })],
  spiffe_claim_absent: [
    INVALID_TOKEN,
    withToken(tokenOf({ alg: "ES256", kid: "k1" }, without(CLAIMS, "sub"))),
  ],
  spiffe_claim_malformed: [INVALID_TOKEN, withClaims({ sub: [WEB] })],
  spiffe_mismatch: [INVALID_TOKEN, fromPeer(thief)],
  dpop_unbound: [INVALID_TOKEN, { request: { headers: [["authorization", `DPoP ${token()}`]] } }],
  claim_absent: [INVALID_TOKEN, { ...withToken(token()), policy: policyWithIssuer({ kind: "kubernetes" }) }],
  claim_forbidden: [INVALID_TOKEN, { policy: witSvids, request: withWit({ aud: "x" }) }],
  subject_malformed: [INVALID_TOKEN, { policy: witSvids, request: withWit({ sub: "spiffe://example.org" }) }],
};

/** Reasons that need more than one request, and the test that has them. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  policy_absent: "several-plugins: a stream that the filter has never heard of, which no host makes",
  keys_absent: "fetched-keys",
  keys_stale: "fetched-keys",
  keys_busy: "fetched-keys",
  failures_exceeded: "token-cache",
  token_inactive: "introspection",
  introspection_unavailable: "introspection",
  introspection_busy: "introspection",
  answer_pending: "introspection",
  key_unconfirmed: "fetched-keys",
  presenter_not_admitted: "boundaries",
  streams_full: "streams",
  early_data: "early-data",
  token_revoked: "revoked",
  presenter_revoked: "revoked",
  certificate_revoked: "revoked",
  judged_before: "two-instances",
  border_closed: "borders",
  cluster_unknown: "borders",
  service_not_admitted: "boundaries",
  egress_host_not_admitted: "egress",
  listener_not_outbound: "egress",
  pod_claim_absent: "kubernetes-pod",
  pod_unknown: "kubernetes-pod",
  pod_mismatch: "kubernetes-pod",
  caller_absent: "forwarders",
  xfcc_malformed: "forwarders",
  xfcc_mismatch: "forwarders",
  connection_malformed: "network",
  certificate_hidden: "examined-certificate",
  certificate_unreadable: "examined-certificate",
  certificate_ambiguous: "examined-certificate",
  certificate_expired: "examined-certificate",
  source_not_admitted: "network",
  source_claim_absent: "network",
  source_claim_malformed: "network",
  source_mismatch: "network",
  server_name_mismatch: "network",
  tls_version_too_low: "network",
  local_port_mismatch: "network",
  source_unknown: "network",
  expression_not_true: "cel",
  no_alternative_held: "binding-methods",
  client_absent: "binding-methods",
  client_malformed: "binding-methods",
  client_unknown: "binding-methods",
  client_mismatch: "binding-methods",
  actor_absent: "binding-methods",
  actor_malformed: "binding-methods",
  actor_mismatch: "binding-methods",
  prior_actor_mismatch: "binding-methods",
  kubernetes_mismatch: "binding-methods",
  proof_absent: "dpop",
  proof_duplicate: "dpop",
  proof_malformed: "dpop",
  proof_type_unsupported: "dpop",
  proof_algorithm_unsupported: "dpop",
  proof_key_unusable: "dpop",
  proof_signature_invalid: "dpop",
  proof_claim_malformed: "dpop",
  proof_method_mismatch: "dpop",
  proof_target_mismatch: "dpop",
  proof_expired: "dpop",
  proof_not_yet_valid: "dpop",
  proof_token_mismatch: "dpop",
  proof_key_mismatch: "dpop",
  proof_replayed: "dpop-replay",
  proof_nonce_absent: "dpop-nonce",
  dpop_scheme_required: "dpop",
  replay_table_full: "dpop-replay",
  replay_table_busy: "dpop-replay",
  replay_unknown: "wpt-replay",
  proof_lifetime_too_long: "wpt",
  proof_other_token_mismatch: "wpt-other-tokens",
  first_use_mismatch: "first-use",
  token_quarantined: "first-use",
  first_use_full: "first-use-table",
  first_use_busy: "first-use-table",
  token_unverified: "first-use-upstream",
  revocations_absent: "revocation-feed",
  revocations_stale: "revocation-feed",
  status_malformed: "status-list",
  status_list_unknown: "status-list",
  status_not_valid: "status-list",
};

function run({ policy: rules, request, fails }: Case, mode = "enforce"): { scene: Scene; stream: Stream } {
  const scene = new Scene({ ...(rules ?? policy()), mode });
  if (fails !== undefined) scene.host.calls.inject(fails, { status: 10 });
  return { scene, stream: scene.ask(request) };
}

it("every reason of the table has its case here, or a reason for having none", () => {
  const named = [...Object.keys(ALLOWED), ...Object.keys(DENIED), ...Object.keys(ELSEWHERE)].sort();
  assert.deepEqual(named, reasons.map(reasonName).sort());
});

it("every test that is named there speaks of its reasons", () => {
  for (const [name, where] of Object.entries(ELSEWHERE)) {
    if (name === "policy_absent") continue;
    const files = ["../filter", "../envoy"].map(
      (folder) => new URL(`${folder}/${where}.test.ts`, import.meta.url),
    );
    const speaks = files.some((file) => existsSync(file) && readFileSync(file, "utf8").includes(name));
    assert.ok(speaks, `${name} is not in ${where}`);
  }
});

for (const [name, given] of Object.entries(ALLOWED)) {
  it(`${name} lets the request pass`, () => {
    const { scene, stream } = run(given);
    assert.deepEqual([stream.outcome, verdictOf(stream), reasonOf(stream)], ["continue", "allow", undefined]);
    assert.equal(stream.reply, undefined);
    assert.equal(scene.host.counter(`holdfast.allow.${name}`), 1);
  });
}

for (const [name, [{ status, grpcStatus, body, challenge }, given]] of Object.entries(DENIED)) {
  describe(name, () => {
    it(`is answered ${status} ${body}`, () => {
      const { scene, stream } = run(given);
      assert.deepEqual([stream.outcome, verdictOf(stream), reasonOf(stream)], ["replied", "deny", name]);
      assert.deepEqual(stream.reply, {
        status,
        grpcStatus,
        details: `holdfast_denied{${name}}`,
        body: Buffer.from(body),
        headers: challenge === undefined ? [] : [["www-authenticate", challenge]],
      });
      assert.equal(scene.host.counter(`holdfast.deny.${name}`), 1);
    });

    it("changes nothing in observe mode, and is recorded", () => {
      const { scene, stream } = run(given, "observe");
      assert.deepEqual(
        [stream.outcome, verdictOf(stream), reasonOf(stream)],
        ["continue", "would-deny", name],
      );
      assert.deepEqual([stream.reply, stream.wasReset], [undefined, false]);
      assert.equal(scene.host.counter(`holdfast.would_deny.${name}`), 1);
      assert.equal(scene.host.counter(`holdfast.deny.${name}`), 0);
    });
  });
}
