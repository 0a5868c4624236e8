// What is legal and unwise in an Envoy's configuration around a policy: a bootstrap, or an EnvoyFilter.

import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { parse } from "yaml";
import { fillPolicy } from "../../envoy/setup/fill-policy.ts";
import { key } from "../filter/support/tokens.ts";
import { changed, type Expected, finds } from "./findings.ts";

const type = (name: string) => `"@type": type.googleapis.com/envoy.extensions.${name}`;

/** A policy that leans on everything around it. */
const policy = {
  trustDomain: "example.org",
  presenter: {
    validatedBy: "listener",
    forwarders: ["spiffe://example.org/ns/edge/sa/gateway"],
    forwardClientCertDetails: "APPEND_FORWARD",
  },
  issuers: {
    idp: {
      issuer: "https://idp.example.org",
      audiences: ["orders"],
      keys: { jwt_authn: { payloadHeader: "x-jwt-payload" } },
    },
  },
  rules: [
    {
      name: "all",
      bind: [
        { spiffe: { claim: "sub" } },
        { network: { sources: ["10.0.0.0/8"], serverNames: ["orders.example.org"] } },
      ],
    },
  ],
};

const filter = (text: string, vm = "orders", name = "holdfast") => `
                  - name: holdfast
                    typed_config:
                      ${type("filters.http.wasm.v3.Wasm")}
                      config:
                        name: ${name}
                        failure_policy: FAIL_RELOAD
                        vm_config: { vm_id: ${vm}, runtime: envoy.wasm.runtime.v8 }
                        configuration:
                          "@type": type.googleapis.com/google.protobuf.StringValue
                          value: '${text}'`;

const backstop = `
                  - name: envoy.filters.http.rbac
                    typed_config:
                      ${type("filters.http.rbac.v3.RBAC")}
                      rules:
                        action: ALLOW
                        policies:
                          holdfast-allowed:
                            permissions: [{ any: true }]
                            principals:
                              - filter_state: { key: wasm.holdfast.verdict, string_match: { exact: allow } }`;

const jwtAuthn = `
                  - name: envoy.filters.http.jwt_authn
                    typed_config:
                      ${type("filters.http.jwt_authn.v3.JwtAuthentication")}
                      providers:
                        idp:
                          issuer: https://idp.example.org
                          forward: true
                          forward_payload_header: X-Jwt-Payload
                          payload_in_metadata: payload
                          local_jwks: { filename: /etc/jwks.json }`;

const listener = (filters: string, name = "orders") => `
    - name: ${name}
      listener_filters:
        - name: envoy.filters.listener.tls_inspector
          typed_config: { ${type("filters.listener.tls_inspector.v3.TlsInspector")} }
      filter_chains:
        - transport_socket:
            name: envoy.transport_sockets.tls
            typed_config:
              ${type("transport_sockets.tls.v3.DownstreamTlsContext")}
              require_client_certificate: true
              disable_stateless_session_resumption: true
              disable_stateful_session_resumption: true
              common_tls_context:
                validation_context: { trusted_ca: { filename: /etc/ca.pem } }
          filters:
            - name: envoy.filters.network.http_connection_manager
              typed_config:
                ${type("filters.network.http_connection_manager.v3.HttpConnectionManager")}
                use_remote_address: true
                forward_client_cert_details: APPEND_FORWARD
                set_current_client_cert_details: { uri: true }
                http_filters:${filters}
                  - name: envoy.filters.http.router`;

const bootstrap = (...listeners: readonly string[]) => `static_resources:
  listeners:${listeners.join("")}
`;

const good = bootstrap(listener(jwtAuthn + filter(JSON.stringify(policy)) + backstop));

/** The good one with another policy in it. */
const having = (members: object) =>
  changed(good, JSON.stringify(policy), JSON.stringify({ ...policy, ...members }));
/** One that leans on nothing but the peer. */
const plain = { issuers: { idp: { ...policy.issuers.idp, keys: { cluster: "idp", path: "/jwks" } } } };
const without = (text: string, part: string) => changed(text, part, "");

const presenter = (members: object) => ({ presenter: { ...policy.presenter, ...members } });
const examined = having(presenter({ examineCertificate: true }));
const byEnvoy = having(presenter({ validatedBy: "envoy" }));
const observing = having({ mode: "observe" });
const metadataOnly = having({ issuers: { idp: { ...policy.issuers.idp, keys: "jwt_authn" } } });
const trustsHeader = having(presenter({ trustForwardedFor: true }));
const forwardsOnly = having(presenter({ forwardClientCertDetails: "FORWARD_ONLY" }));
const admitsOutsiders = having({
  issuers: { idp: { ...policy.issuers.idp, borders: { outside: {} } } },
});

const socket = good.slice(
  good.indexOf("transport_socket:"),
  good.indexOf("filters:\n            - name: envoy.filters.network"),
);
const required = "              require_client_certificate: true\n";
const stateless = "              disable_stateless_session_resumption: true\n";
const context = "validation_context: { trusted_ca: { filename: /etc/ca.pem } }";
const trust = "{ trusted_ca: { filename: /etc/ca.pem } }";
const details = "                forward_client_cert_details: APPEND_FORWARD\n";
const uri = "                set_current_client_cert_details: { uri: true }\n";
const remote = "                use_remote_address: true\n";
const accepted = "- filter_state: { key: wasm.holdfast.verdict, string_match: { exact: allow } }";
const reload = "                        failure_policy: FAIL_RELOAD\n";
const forward = "                          forward: true\n";
const header = "                          forward_payload_header: X-Jwt-Payload\n";
const metadata = "                          payload_in_metadata: payload\n";
const secret = "validation_context_sds_secret_config: { name: ca }";
const secrets = (validation: string) => `  secrets: [{ name: ca, validation_context: ${validation} }]\n`;

const outbound = {
  trustDomain: "example.org",
  presenter: { from: "self" },
  issuers: { idp: { ...plain.issuers.idp, egress: { hosts: ["a.example"] } } },
  rules: [{ name: "out", token: "optional", onDeny: "strip" }],
};
const stripping = bootstrap(listener(filter(JSON.stringify(outbound)) + backstop)).replace(
  "name: orders\n",
  "name: orders\n      traffic_direction: OUTBOUND\n",
);
const acceptsStrip = `${accepted}
                              - filter_state: { key: wasm.holdfast.verdict, string_match: { exact: strip } }`;
const outboundGood = changed(stripping, accepted, acceptsStrip);

const withoutInspector = good.replaceAll("tls_inspector", "http_inspector").replace("TlsI", "HttpI");
const outgoing = changed(good, "name: orders\n", "name: orders\n      traffic_direction: OUTBOUND\n");

const proving = JSON.stringify({ ...policy, ...plain, dpop: { origins: ["https://orders.example.org"] } });
const following = (path: string, name?: string) =>
  JSON.stringify({
    ...policy,
    ...plain,
    ...(name !== undefined && { name }),
    rules: [{ name: "feed", when: { path }, revalidate: { every: "30s" } }],
  });
const two = (one: string, other: string) =>
  bootstrap(listener(one + backstop), listener(other + backstop, "others"));

const flaws: Readonly<Record<string, readonly [text: string, ...expected: Expected[]]>> = {
  "a filter that fails open": [changed(good, "FAIL_RELOAD", "FAIL_OPEN"), ["fail-open", "FAIL_OPEN"]],
  "a filter that fails open, in the old way": [
    changed(good, "failure_policy: FAIL_RELOAD", "fail_open: true"),
    ["fail-open", "true"],
  ],
  "a filter that stays failed": [changed(good, "FAIL_RELOAD", "FAIL_CLOSED"), ["no-reload", "FAIL_CLOSED"]],
  "a filter that stays failed by default": [without(good, reload), ["no-reload", "name: holdfast"]],
  "no backstop": [without(good, backstop), ["no-backstop", '"@type"']],
  "a backstop for another plugin": [
    changed(good, "wasm.holdfast.verdict", "wasm.other.verdict"),
    ["no-backstop", '"@type"'],
  ],
  "a backstop that is off": [
    changed(good, "- name: envoy.filters.http.rbac", "- disabled: true\n                    name: rbac"),
    ["no-backstop", '"@type"'],
  ],
  "a backstop that only counts": [
    changed(good, "rules:\n                        action", "shadow_rules:\n                        action"),
    ["no-backstop", '"@type"'],
  ],
  "a backstop before holdfast": [
    bootstrap(listener(jwtAuthn + backstop + filter(JSON.stringify(policy)))),
    ["no-backstop", '"@type"'],
  ],
  "a backstop that blocks what is observed": [
    observing,
    ["observe-mode", "'"],
    ["narrow-backstop", "action: ALLOW"],
  ],
  "a backstop that blocks what was stripped": [stripping, ["narrow-backstop", "action: ALLOW"]],
  plaintext: [without(good, socket), ["listener-unvalidated", "filters:"]],
  "a certificate that is optional": [
    changed(good, "require_client_certificate: true", "require_client_certificate: false"),
    ["listener-unvalidated", "false"],
  ],
  "a certificate that is not asked for": [without(good, required), ["listener-unvalidated", '"@type"']],
  "certificates that nobody validates": [
    changed(good, context, "alpn_protocols: [h2]"),
    ["listener-unvalidated", '"@type"'],
  ],
  "a validation context that names no authority": [
    changed(good, trust, "{ max_verify_depth: 3 }"),
    ["listener-unvalidated", "{ max_verify_depth"],
  ],
  "self-signed certificates": [
    changed(good, trust, "{ trusted_ca: {}, trust_chain_verification: ACCEPT_UNTRUSTED }"),
    ["listener-unvalidated", "ACCEPT_UNTRUSTED"],
  ],
  "certificates that have ended": [
    changed(good, trust, "{ trusted_ca: {}, allow_expired_certificate: true }"),
    ["listener-unvalidated", "true }"],
  ],
  "a secret in the same file that names no authority": [
    changed(good, context, secret) + secrets("{ max_verify_depth: 3 }"),
    ["listener-unvalidated", "{ max_verify_depth"],
  ],
  "sessions that are resumed, of which Envoy says no": [
    without(byEnvoy, stateless),
    ["resumption-denied", '"@type"'],
  ],
  "sessions that outlive their certificate": [without(good, stateless), ["resumption-unexamined", '"@type"']],
  "a listener that forwards certificates otherwise": [
    changed(good, "forward_client_cert_details: APPEND_FORWARD", "forward_client_cert_details: SANITIZE_SET"),
    ["forwarded-certificate", "SANITIZE_SET"],
  ],
  "a listener that forwards no certificates": [without(good, details), ["forwarded-certificate", '"@type"']],
  "a listener that forwards no name": [without(good, uri), ["forwarded-certificate", "APPEND_FORWARD"]],
  "addresses from a header": [without(good, remote), ["address-from-header", "'"]],
  "server names that nobody looks for": [withoutInspector, ["no-tls-inspector", "'"]],
  "jwt_authn behind holdfast": [
    bootstrap(listener(filter(JSON.stringify(policy)) + jwtAuthn + backstop)),
    ["jwt-authn-order", "name: envoy.filters.http.jwt_authn"],
  ],
  "no jwt_authn": [without(good, jwtAuthn), ["jwt-authn-order", "name: holdfast"]],
  "jwt_authn that takes the token out": [
    changed(good, "forward: true", "forward: false"),
    ["jwt-authn-forward", "false"],
  ],
  "jwt_authn that takes the token out by default": [
    without(good, forward),
    ["jwt-authn-forward", "issuer: https"],
  ],
  "jwt_authn that leaves the token beside its metadata": [metadataOnly, ["jwt-authn-forward", "true"]],
  "jwt_authn that writes another header": [
    changed(good, "X-Jwt-Payload", "x-payload"),
    ["jwt-authn-payload", "x-payload"],
  ],
  "jwt_authn that writes no header": [without(good, header), ["jwt-authn-payload", "issuer: https"]],
  "jwt_authn that leaves its metadata elsewhere": [
    changed(good, "payload_in_metadata: payload", "payload_in_metadata: claims"),
    ["jwt-authn-payload", "claims"],
  ],
  "jwt_authn that leaves no metadata": [without(good, metadata), ["jwt-authn-payload", "issuer: https"]],
  "jwt_authn of another issuer": [
    changed(good, "issuer: https://idp.example.org", "issuer: https://other.example.org"),
    ["jwt-authn-issuer", "https://other.example.org"],
    ["jwt-authn-issuer", "'"],
  ],
  "an outbound listener in plaintext": [
    without(outgoing, socket),
    ["wrong-direction", "OUTBOUND"],
    ["listener-unvalidated", "filters:"],
  ],
  "tokens that leave through any listener": [
    without(outboundGood, "      traffic_direction: OUTBOUND\n"),
    ["wrong-direction", "name: orders"],
  ],
  "two filters in one chain": [
    bootstrap(
      listener(jwtAuthn + filter(JSON.stringify(policy)) + filter(JSON.stringify(policy)) + backstop),
    ),
    ["two-filters", "'"],
  ],
  "two listeners that share what was spent": [
    two(filter(proving), filter(proving)),
    ["shared-vm", "orders"],
    ["shared-vm", "orders"],
  ],
  "two plugins of one name whose requests go on": [
    two(filter(following("/a")), filter(following("/b"))),
    ["shared-name", "holdfast"],
    ["shared-name", "holdfast"],
  ],
};

const innocents: Readonly<Record<string, string>> = {
  "that is good": good,
  "with an outbound listener and certificates, as at a gateway of Istio's": outgoing,
  "with a backstop that accepts what was stripped": outboundGood,
  "with a SPIFFE validator": changed(
    good,
    trust,
    "{ custom_validator_config: { name: envoy.tls.cert_validator.spiffe } }",
  ),
  "whose authorities a server sends": changed(
    good,
    context,
    `combined_validation_context: { default_validation_context: { max_verify_depth: 3 }, ${secret} }`,
  ),
  "whose authorities are a secret of the same file": changed(good, context, secret) + secrets(trust),
  "that lets outsiders in": without(admitsOutsiders, required),
  "with sessions that are resumed and certificates that are examined": without(examined, stateless),
  "that has Envoy validate, without sessions": byEnvoy,
  "that forwards as the policy says": changed(
    forwardsOnly,
    "forward_client_cert_details: APPEND_FORWARD",
    "forward_client_cert_details: FORWARD_ONLY",
  ).replace(uri, ""),
  "with addresses from a header that is trusted": without(trustsHeader, remote),
  "with server names that a filter chain is chosen by": changed(
    withoutInspector,
    "        - transport_socket:",
    "        - filter_chain_match: { server_names: [orders.example.org] }\n          transport_socket:",
  ),
  "with jwt_authn that takes the token out, and metadata only": without(metadataOnly, forward),
  "with two listeners, each with its own memory": two(filter(proving), filter(proving, "others")),
  "with two listeners that remember nothing": two(
    filter(JSON.stringify({ ...policy, ...plain })),
    filter(JSON.stringify({ ...policy, ...plain })),
  ),
  "with two plugins of one name, and policies with names": two(
    filter(following("/a", "a")),
    filter(following("/b", "b")),
  ),
  "with two plugins of two names": two(filter(following("/a")), filter(following("/b"), "orders", "others")),
};

/** As protobuf writes JSON: every member in camel case. */
function inCamelCase(yaml: string): string {
  const renamed = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(renamed);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, one]) => [
        name.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase()),
        renamed(one),
      ]),
    );
  };
  return JSON.stringify(renamed(parse(yaml)));
}

describe("an Envoy with", { concurrency: 2 }, () => {
  for (const [flaw, [text, ...expected]] of Object.entries(flaws))
    it(`${flaw}: ${expected.map(([rule]) => rule).join(", ")}`, () =>
      finds([["envoy.yaml", text]], expected));

  for (const [name, [text, ...expected]] of Object.entries(flaws))
    it(`${name}, as JSON in camel case: the same`, () =>
      finds(
        [["envoy.json", inCamelCase(text)]],
        [...expected].map(([rule]) => [rule, ""] as const),
      ));
});

describe("an Envoy", { concurrency: 2 }, () => {
  for (const [name, text] of Object.entries(innocents))
    it(`${name}: nothing`, () => finds([["envoy.yaml", text]], []));

  it("with a chain that two listeners share by an alias is looked at in both", () => {
    const shared = changed(
      good,
      "filters:\n            - name: envoy.filters.network",
      "filters: &shared\n            - name: envoy.filters.network",
    );
    const plain = "    - name: plain\n      filter_chains: [{ filters: *shared }]\n";
    return finds(
      [["envoy.yaml", shared + plain]],
      [
        ["no-tls-inspector", "'"],
        ["listener-unvalidated", "{ filters: *shared"],
      ],
    );
  });

  it("in docs/envoy.md has nothing", () => {
    const page = readFileSync(new URL("../../docs/envoy.md", import.meta.url), "utf8");
    const [, documented = ""] = /<!-- bootstrap -->\s*```yaml\n(.*?)```/s.exec(page) ?? [];
    return finds([["envoy.yaml", documented]], []);
  });

  it("of the demo has what it shows: no certificate, observing, and sessions that may be resumed", () => {
    const config = (name: string) =>
      readFileSync(new URL(`../../envoy/config/${name}`, import.meta.url), "utf8");
    const text = fillPolicy(config("server.yaml"), config("policy.json"), [key.jwk]);
    return finds(
      [["server.yaml", text]],
      [
        ["resumption-unexamined", '"@type"'],
        ["observe-mode", ""],
        ["listener-unvalidated", "filters:"],
      ],
    );
  });
});
