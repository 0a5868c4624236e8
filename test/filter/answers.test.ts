// One request for each reason of the table, and what client, log, metric and filter state get to see of it.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Answer, answerTo, grpcStatus, httpStatus, reasonName } from "../../assembly/decision/reason.ts";
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

const undigested = without(web, "certSha256");
const unnamed = without(web, "uriSan");
const byHeader = policyWithIssuer({ keys: { jwt_authn: { payloadHeader: PAYLOAD_HEADER } } });
const twin = makeKey("ES256", "k2");
const twoNameless = policyWithIssuer({ keys: { jwks: { keys: [nameless(key), nameless(twin)] } } });
const bound = { cnf: { "x5t#S256": WEB_THUMBPRINT } };

const CASES: Readonly<Record<string, Case>> = {
  ok: withToken(token()),
  token_not_required: { policy: policyWithRule({ token: "none" }), request: {} },
  token_optional_absent: { policy: policyWithRule({ token: "optional" }), request: {} },

  host_unavailable: { ...withToken(token()), fails: "proxy_get_header_map_pairs" },

  path_ambiguous: { request: { path: "/a/../b" } },
  method_ambiguous: { request: { method: "get" } },
  authority_ambiguous: { request: { authority: "orders.example.org,evil" } },
  no_rule: { policy: policyWithRule({ when: { path: "/only" } }), ...withToken(token()) },

  token_absent: { request: {} },
  scheme_unsupported: { request: { headers: [["authorization", "Basic d2ViOndlYg=="]] } },
  token_duplicate: { request: { headers: [bearer(token()), bearer(token())] } },
  token_in_query: withToken(token(), { path: "/?access_token=x" }),
  authorization_malformed: { request: { headers: [["authorization", "Bearer a b"]] } },
  token_too_large: withToken("a".repeat(16 * 1024 + 1)),
  token_malformed: withToken("a.b"),
  token_header_malformed: withToken(`${base64url("[]")}.${base64url("{}")}.AA`),
  token_header_forbidden: withHeader({ jku: "https://evil.example" }),
  token_type_unsupported: withHeader({ typ: "dpop+jwt" }),
  token_payload_malformed: withToken(`${base64url('{"alg":"ES256"}')}.${base64url("[]")}.AA`),
  issuer_unknown: withClaims({ iss: "https://elsewhere.example" }),
  algorithm_unsupported: withHeader({ alg: "none" }),
  algorithm_mismatch: withHeader({ alg: "RS256" }),
  key_unknown: withHeader({ kid: "k9" }),
  key_ambiguous: { policy: twoNameless, ...withToken(tokenOf({ alg: "ES256" }, CLAIMS)) },
  signature_malformed: withToken(tokenSignedBy(Buffer.alloc(63, 1))),
  signature_invalid: withToken(tokenSignedBy(Buffer.alloc(64, 1))),
  jwt_authn_absent: { policy: byHeader, request: { headers: forwarded(token()) } },
  jwt_authn_mismatch: {
    policy: byHeader,
    request: { headers: forwarded(token(), "e30"), metadata: verified() },
  },

  claim_malformed: withClaims({ exp: String(NOW + 60) }),
  expiry_absent: withToken(tokenOf({ alg: "ES256", kid: "k1" }, without(CLAIMS, "exp"))),
  token_expired: withClaims({ exp: NOW - 60 }),
  token_not_yet_valid: withClaims({ nbf: NOW + 61 }),
  token_issued_in_future: withClaims({ iat: NOW + 61 }),
  audience_mismatch: withClaims({ aud: "billing" }),

  peer_absent: fromPeer(plaintext),
  peer_not_validated: {
    policy: policy({ presenter: { validatedBy: "envoy" } }),
    ...fromPeer({ ...web, validated: false }),
  },
  spiffe_id_absent: fromPeer(unnamed),
  spiffe_id_malformed: fromPeer({ ...web, uriSan: "https://example.org/web" }),
  certificate_digest_absent: fromPeer(undigested, bound),
  certificate_digest_malformed: fromPeer({ ...web, certSha256: "AB" }, bound),

  trust_domain_foreign: fromPeer({ ...web, uriSan: "spiffe://elsewhere.org/web" }),

  cnf_malformed: withClaims({ cnf: {} }),
  cnf_unsupported: withClaims({ cnf: { jkt: "x" } }),
  certificate_unbound: { policy: policyWithRule({ bind: [{ certificate: {} }] }), ...withToken(token()) },
  certificate_mismatch: withClaims({ cnf: { "x5t#S256": OTHER_THUMBPRINT } }),
  spiffe_claim_absent: withToken(tokenOf({ alg: "ES256", kid: "k1" }, without(CLAIMS, "sub"))),
  spiffe_claim_malformed: withClaims({ sub: [WEB] }),
  spiffe_mismatch: fromPeer(thief),
};

/** Needs a stream that the filter has never heard of, which no host makes: several-plugins.test.ts does. */
const UNREACHED = ["policy_absent"];

const CHALLENGES: Readonly<Record<number, string | undefined>> = {
  [Answer.Unauthenticated]: 'Bearer realm="holdfast"',
  [Answer.InvalidToken]: 'Bearer realm="holdfast", error="invalid_token"',
  [Answer.InvalidRequest]: 'Bearer realm="holdfast", error="invalid_request"',
};
const BODIES: Readonly<Record<number, string>> = {
  [Answer.Unauthenticated]: "unauthenticated",
  [Answer.InvalidToken]: "invalid_token",
  [Answer.InvalidRequest]: "invalid_request",
  [Answer.Unavailable]: "unavailable",
  [Answer.Forbidden]: "forbidden",
};

function run({ policy: rules, request, fails }: Case, mode = "enforce"): { scene: Scene; stream: Stream } {
  const scene = new Scene({ ...(rules ?? policy()), mode });
  if (fails !== undefined) scene.host.calls.inject(fails, { status: 10 });
  return { scene, stream: scene.ask(request) };
}

it("every reason of the table has its case here, or a reason for having none", () => {
  const named = [...Object.keys(CASES), ...UNREACHED].sort();
  assert.deepEqual(named, reasons.map(reasonName).sort());
});

for (const reason of reasons) {
  const name = reasonName(reason);
  const answer = answerTo(reason);
  const found = CASES[name];
  if (found === undefined) continue;

  if (answer === Answer.None) {
    it(`${name} lets the request pass`, () => {
      const { scene, stream } = run(found);
      assert.deepEqual(
        [stream.outcome, verdictOf(stream), reasonOf(stream)],
        ["continue", "allow", undefined],
      );
      assert.equal(stream.reply, undefined);
      assert.equal(scene.host.counter(`holdfast.allow.${name}`), 1);
    });
    continue;
  }

  describe(name, () => {
    it("is answered as the table says", () => {
      const { scene, stream } = run(found);
      assert.deepEqual([stream.outcome, verdictOf(stream), reasonOf(stream)], ["replied", "deny", name]);
      const challenge = CHALLENGES[answer];
      assert.deepEqual(stream.reply, {
        status: httpStatus(answer),
        grpcStatus: grpcStatus(answer),
        details: `holdfast_denied{${name}}`,
        body: Buffer.from(BODIES[answer] ?? ""),
        headers: challenge === undefined ? [] : [["www-authenticate", challenge]],
      });
      assert.equal(scene.host.counter(`holdfast.deny.${name}`), 1);
    });

    it("changes nothing in observe mode, and is recorded", () => {
      const { scene, stream } = run(found, "observe");
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

it("the table itself says what the contract says", () => {
  const statuses = reasons.map(
    (reason) => [httpStatus(answerTo(reason)), grpcStatus(answerTo(reason))] as const,
  );
  const pairs = new Set(statuses.map((pair) => pair.join(" ")));
  assert.deepEqual([...pairs].sort(), ["400 3", "401 16", "403 7", "503 14"]);
});
