// What is legal and unwise in Kubernetes manifests around a policy: Istio's, and those of Envoy Gateway.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { changed, type Expected, finds, type Given } from "./findings.ts";
import { Files, holdfast } from "./support.ts";

const shipped = (name: string) => readFileSync(new URL(`../../envoy/istio/${name}`, import.meta.url), "utf8");

const observing = shipped("wasmplugin.yaml");
const plugin = changed(observing, "mode: observe", "mode: enforce");
const backstop = shipped("backstop/backstop.yaml");
const requests = shipped("request-authentication.yaml");
const peers = shipped("peer-authentication.yaml");

/** All that belongs together, with this plugin. */
const all = (text: string): readonly Given[] => [
  ["plugin.yaml", text],
  ["backstop.yaml", backstop],
  ["requests.yaml", requests],
  ["peers.yaml", peers],
];

const extension = `apiVersion: extensions.istio.io/v1alpha1
kind: TrafficExtension
metadata: { name: holdfast, namespace: shop }
spec:
  selector: { matchLabels: { app: orders } }
  match: [{ mode: SERVER }]
  phase: AUTHZ
  wasm:
    url: oci://registry.example.org/holdfast:0.1.0
    failStrategy: FAIL_RELOAD
    pluginConfig:
      presenter: { from: peer, validatedBy: listener }
      issuers:
        idp:
          issuer: https://idp.example.org
          audiences: [orders]
          keys: { jwt_authn: { payloadHeader: x-jwt-payload } }
`;

const waypoint = `apiVersion: extensions.istio.io/v1alpha1
kind: WasmPlugin
metadata: { name: holdfast, namespace: shop }
spec:
  targetRefs: [{ group: gateway.networking.k8s.io, kind: Gateway, name: way }]
  url: oci://registry.example.org/holdfast:0.1.0
  failStrategy: FAIL_RELOAD
  pluginConfig:
    presenter: { from: waypoint }
    issuers:
      idp: { issuer: "https://idp.example.org", audiences: [orders], keys: { cluster: idp, path: /jwks } }
    rules: [{ name: all, bind: [{ spiffe: { claim: sub } }] }]
`;
const gateway = (className: string) => `apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: way, namespace: shop }
spec: { gatewayClassName: ${className} }
`;
const atWaypoint = changed(
  backstop.replaceAll("holdfast-backstop", "backstop"),
  "workloadSelector:\n    labels: { app: orders }",
  "targetRefs: [{ kind: Gateway, name: way }]",
);
const forPeer = changed(waypoint, "from: waypoint", "from: peer, validatedBy: listener");

const outbound = `apiVersion: extensions.istio.io/v1alpha1
kind: WasmPlugin
metadata: { name: holdfast-out, namespace: shop }
spec:
  selector: { matchLabels: { app: orders } }
  match: [{ mode: CLIENT }]
  url: oci://registry.example.org/holdfast:0.1.0
  failStrategy: FAIL_RELOAD
  pluginConfig:
    trustDomain: cluster.local
    presenter: { from: self }
    issuers:
      idp:
        issuer: https://idp.example.org
        audiences: [orders]
        keys: { cluster: idp, path: /jwks }
        egress: { hosts: [a.example] }
`;

const remembering = (text: string) =>
  changed(text, "presenter: {", 'dpop: { origins: ["https://a.example"] }\n    presenter: {');

const envoyFilter = (context: string) => `apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: { name: holdfast, namespace: shop }
spec:
  workloadSelector: { labels: { app: orders } }
  configPatches:
    - applyTo: HTTP_FILTER
      match: { context: ${context} }
      patch:
        operation: INSERT_BEFORE
        value:
          name: holdfast
          typed_config:
            "@type": type.googleapis.com/udpa.type.v1.TypedStruct
            type_url: type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm
            value:
              config:
                failure_policy: FAIL_RELOAD
                configuration:
                  "@type": type.googleapis.com/google.protobuf.StringValue
                  value: |
                    { "presenter": { "validatedBy": "listener" }, "issuers": { "idp": {
                      "issuer": "https://idp.example.org", "audiences": ["orders"], "keys": { "cluster": "idp", "path": "/" } } } }
`;

const gatewayPolicy = `apiVersion: gateway.envoyproxy.io/v1alpha1
kind: EnvoyExtensionPolicy
metadata: { name: holdfast, namespace: shop }
spec:
  targetRefs: [{ group: gateway.networking.k8s.io, kind: Gateway, name: edge }]
  wasm:
    - name: holdfast
      failOpen: false
      code: { type: Image, image: { url: registry.example.org/holdfast:0.1.0 } }
      config:
        presenter: { validatedBy: listener }
        issuers:
          idp: { issuer: "https://idp.example.org", audiences: [orders], keys: { cluster: idp, path: /jwks } }
`;
const envoyProxy = (image: string) => `apiVersion: gateway.envoyproxy.io/v1alpha1
kind: EnvoyProxy
metadata: { name: edge, namespace: shop }
spec: { provider: { type: Kubernetes, kubernetes: { envoyDeployment: { container: { image: "${image}" } } } } }
`;
const traffic = `apiVersion: gateway.envoyproxy.io/v1alpha1
kind: ClientTrafficPolicy
metadata: { name: edge, namespace: shop }
spec:
  targetRefs: [{ group: gateway.networking.k8s.io, kind: Gateway, name: edge }]
  headers: { xForwardedClientCert: { mode: AppendForward, certDetailsToAdd: [Subject, URI] } }
  tls:
    clientValidation: { caCertificateRefs: [{ kind: ConfigMap, name: ca }] }
`;
/** Behind a gateway, with what Envoy Gateway says of its listener. */
const atEdge = (text: string, validatedBy = "listener"): readonly Given[] => [
  [
    "policy.yaml",
    changed(
      gatewayPolicy,
      "{ validatedBy: listener }",
      `{ validatedBy: ${validatedBy}, forwarders: ["spiffe://cluster.local/ns/edge/sa/gateway"], forwardClientCertDetails: APPEND_FORWARD }`,
    ),
  ],
  ["traffic.yaml", text],
];
const resuming = `${traffic}    session: { resumption: { stateless: {} } }\n`;
const compose = (image: string) => `services:
  server:
    image: ${image}
`;

const standsAlone: Expected = ["no-backstop", ""];

type Case = readonly [given: readonly Given[], expected: readonly Expected[], args?: readonly string[]];

const cases: Readonly<Record<string, Case>> = {
  "what we ship, all of it, with a policy that enforces: nothing": [all(plugin), []],
  "what we ship, without the backstop: observes": [
    [
      ["plugin.yaml", observing],
      ["requests.yaml", requests],
      ["peers.yaml", peers],
    ],
    [["observe-mode", "observe"]],
  ],
  "the backstop beside what only observes: blocks it": [
    [
      ["plugin.yaml", observing],
      ["backstop.yaml", backstop],
    ],
    [
      ["observe-mode", "observe"],
      ["narrow-backstop", "action: ALLOW"],
    ],
  ],
  "a plugin alone: a note that nothing closes behind it": [
    [["plugin.yaml", plugin]],
    [["no-backstop", "selector:"]],
  ],
  "the backstop of another workload: the same": [
    [
      ["plugin.yaml", plugin],
      ["backstop.yaml", changed(backstop, "app: orders", "app: payments")],
    ],
    [["no-backstop", "selector:"]],
  ],
  "the backstop of another namespace: the same": [
    [
      ["plugin.yaml", plugin],
      ["backstop.yaml", changed(backstop, "namespace: shop", "namespace: bank")],
    ],
    [["no-backstop", "selector:"]],
  ],
  "the backstop of the whole mesh: nothing": [
    [
      ["plugin.yaml", plugin],
      ["backstop.yaml", changed(backstop, "namespace: shop", "namespace: istio-system")],
    ],
    [],
  ],
  "all in one file: nothing": [[["all.yaml", [plugin, backstop, requests, peers].join("\n---\n")]], []],
  "all in one list: nothing": [
    [
      [
        "list.yaml",
        `apiVersion: v1\nkind: List\nitems:\n${[plugin, backstop, requests]
          .map(
            (text) =>
              `  - ${text
                .replaceAll(/^#.*\n/gm, "")
                .trim()
                .replaceAll("\n", "\n    ")}\n`,
          )
          .join("")}`,
      ],
    ],
    [],
  ],
  "a plugin that fails open": [
    all(changed(plugin, "failStrategy: FAIL_RELOAD", "failStrategy: FAIL_OPEN")),
    [["fail-open", "FAIL_OPEN"]],
  ],
  "a plugin that stays failed": [
    all(changed(plugin, "failStrategy: FAIL_RELOAD", "failStrategy: FAIL_CLOSE")),
    [["no-reload", "FAIL_CLOSE"]],
  ],
  "a plugin that stays failed by default": [
    all(changed(plugin, "  failStrategy: FAIL_RELOAD\n", "")),
    [["no-reload", "selector:"]],
  ],
  "a plugin before jwt_authn": [
    all(changed(plugin, "phase: AUTHZ", "phase: AUTHN")),
    [["wrong-phase", "AUTHN"]],
  ],
  "a plugin without a phase": [all(changed(plugin, "  phase: AUTHZ\n", "")), [["wrong-phase", "oci:"]]],
  "a plugin before jwt_authn, on which it does not lean: nothing": [
    [
      [
        "plugin.yaml",
        changed(
          changed(plugin, "phase: AUTHZ", "phase: AUTHN"),
          "{ jwt_authn: { payloadHeader: x-jwt-payload } }",
          "{ cluster: idp, path: /jwks }",
        ),
      ],
      ["backstop.yaml", backstop],
    ],
    [],
  ],
  "a plugin for both directions": [
    all(changed(plugin, "  match: [{ mode: SERVER }]\n", "")),
    [["wrong-direction", "selector:"]],
  ],
  "a plugin for both directions by name": [
    all(changed(plugin, "mode: SERVER", "mode: CLIENT_AND_SERVER")),
    [["wrong-direction", "[{"]],
  ],
  "a plugin for both directions at a gateway, which has but one: only the backstop is missing": [
    [
      [
        "plugin.yaml",
        changed(changed(plugin, "  match: [{ mode: SERVER }]\n", ""), "app: orders", "istio: ingressgateway"),
      ],
    ],
    [standsAlone],
  ],
  "a plugin for tokens that leave: nothing": [
    [
      ["plugin.yaml", outbound],
      ["backstop.yaml", backstop],
    ],
    [],
  ],
  "a plugin for tokens that leave, where they come in": [
    [
      ["plugin.yaml", changed(outbound, "mode: CLIENT", "mode: SERVER")],
      ["backstop.yaml", backstop],
    ],
    [["wrong-direction", "[{"]],
  ],
  "a plugin for tokens that leave, without a match": [
    [
      ["plugin.yaml", changed(outbound, "  match: [{ mode: CLIENT }]\n", "")],
      ["backstop.yaml", backstop],
    ],
    [["wrong-direction", "selector:"]],
  ],
  "a TrafficExtension: nothing": [all(extension), []],
  "a TrafficExtension with every flaw": [
    all(
      extension
        .replace("AUTHZ", "STATS")
        .replace("FAIL_RELOAD", "FAIL_OPEN")
        .replace("  match: [{ mode: SERVER }]\n", ""),
    ),
    [
      ["wrong-direction", "selector:"],
      ["wrong-phase", "STATS"],
      ["fail-open", "FAIL_OPEN"],
    ],
  ],
  "plaintext callers": [
    all(plugin).with(3, ["peers.yaml", changed(peers, "mode: STRICT", "mode: PERMISSIVE")]),
    [["listener-unvalidated", "PERMISSIVE"]],
  ],
  "plaintext callers at one port": [
    all(plugin).with(3, ["peers.yaml", `${peers}  portLevelMtls: { 8080: { mode: DISABLE } }\n`]),
    [["listener-unvalidated", "DISABLE"]],
  ],
  "plaintext callers of another workload: nothing": [
    all(plugin).with(3, [
      "peers.yaml",
      changed(changed(peers, "mode: STRICT", "mode: PERMISSIVE"), "app: orders", "app: payments"),
    ]),
    [],
  ],
  "tokens that Istio takes out": [
    all(plugin).with(2, [
      "requests.yaml",
      changed(requests, "forwardOriginalToken: true", "forwardOriginalToken: false"),
    ]),
    [["jwt-authn-forward", "false"]],
  ],
  "tokens that Istio takes out by default": [
    all(plugin).with(2, ["requests.yaml", changed(requests, "      forwardOriginalToken: true\n", "")]),
    [["jwt-authn-forward", "issuer:"]],
  ],
  "a payload in another header": [
    all(plugin).with(2, ["requests.yaml", changed(requests, "x-jwt-payload", "x-payload")]),
    [["jwt-authn-payload", "x-payload"]],
  ],
  "another issuer": [
    all(plugin).with(2, ["requests.yaml", changed(requests, "issuer: https://idp", "issuer: https://other")]),
    [
      ["jwt-authn-issuer", "https://idp"],
      ["jwt-authn-issuer", "https://other"],
    ],
  ],
  "an issuer of another workload: nothing": [
    all(plugin).with(2, [
      "requests.yaml",
      changed(
        changed(requests, "issuer: https://idp", "issuer: https://other"),
        "app: orders",
        "app: payments",
      ),
    ]),
    [],
  ],
  "a plugin at a waypoint: nothing": [
    [
      ["plugin.yaml", waypoint],
      ["gateway.yaml", gateway("istio-waypoint")],
      ["backstop.yaml", atWaypoint],
    ],
    [],
  ],
  "a plugin for a waypoint with a selector": [
    [
      [
        "plugin.yaml",
        changed(
          waypoint,
          "targetRefs: [{ group: gateway.networking.k8s.io, kind: Gateway, name: way }]",
          "selector: { matchLabels: { app: orders } }",
        ),
      ],
      ["backstop.yaml", backstop],
    ],
    [["waypoint-selector", "{ matchLabels"]],
  ],
  "a plugin at a waypoint that reads the peer": [
    [
      ["plugin.yaml", forPeer],
      ["gateway.yaml", gateway("istio-waypoint")],
      ["backstop.yaml", atWaypoint],
    ],
    [["waypoint-peer", "{ group"]],
  ],
  "a plugin at a service that reads the peer": [
    [["plugin.yaml", changed(forPeer, "kind: Gateway, name: way", "kind: Service, name: orders")]],
    [standsAlone, ["waypoint-peer", "{ group"]],
  ],
  "a plugin at a gateway that reads the peer: nothing": [
    [
      ["plugin.yaml", forPeer],
      ["gateway.yaml", gateway("istio")],
      ["backstop.yaml", atWaypoint],
    ],
    [],
  ],
  "two plugins that share what was spent": [
    [
      [
        "in.yaml",
        changed(
          remembering(plugin),
          "{ jwt_authn: { payloadHeader: x-jwt-payload } }",
          "{ cluster: idp, path: / }",
        ),
      ],
      ["out.yaml", remembering(outbound)],
      ["backstop.yaml", backstop],
    ],
    [
      ["shared-vm", "mode: enforce"],
      ["shared-vm", "trustDomain:"],
    ],
  ],
  "two plugins for one workload": [
    [...all(plugin), ["other.yaml", changed(plugin, "name: holdfast", "name: holdfast-too")]],
    [["two-filters", "mode: enforce"]],
  ],
  "two plugins for two workloads: only the other's backstop is missing": [
    [
      ...all(plugin),
      ["other.yaml", changed(plugin, "matchLabels: { app: orders }", "matchLabels: { app: payments }")],
    ],
    [["no-backstop", "selector:"]],
  ],
  "two plugins that remember nothing: nothing": [
    [
      ["in.yaml", plugin],
      ["out.yaml", outbound],
      ["backstop.yaml", backstop],
    ],
    [],
  ],
  "an Istio with too old an Envoy": [
    all(changed(plugin, "  namespace: shop\n", '  namespace: shop\n  labels: { istio.io/rev: "1-28-2" }\n')),
    [["envoy-too-old", '"1-28-2"']],
  ],
  "an Istio that is new enough: nothing": [
    all(changed(plugin, "  namespace: shop\n", '  namespace: shop\n  labels: { istio.io/rev: "1-29-0" }\n')),
    [],
  ],
  "an Istio whose revision says no version: nothing": [
    all(changed(plugin, "  namespace: shop\n", "  namespace: shop\n  labels: { istio.io/rev: stable }\n")),
    [],
  ],
  "an EnvoyFilter for what comes in, with the backstop: nothing": [
    [
      ["filter.yaml", envoyFilter("SIDECAR_INBOUND")],
      ["backstop.yaml", backstop],
    ],
    [],
  ],
  "an EnvoyFilter without the backstop": [
    [["filter.yaml", envoyFilter("SIDECAR_INBOUND")]],
    [["no-backstop", '"@type"']],
  ],
  "an EnvoyFilter for both directions": [
    [
      ["filter.yaml", envoyFilter("ANY")],
      ["backstop.yaml", backstop],
    ],
    [["wrong-direction", "ANY"]],
  ],
  "an EnvoyFilter that fails open": [
    [
      ["filter.yaml", changed(envoyFilter("GATEWAY"), "FAIL_RELOAD", "FAIL_OPEN")],
      ["backstop.yaml", backstop],
    ],
    [["fail-open", "FAIL_OPEN"]],
  ],
  "Envoy Gateway: a note that nothing closes behind it": [
    [["policy.yaml", gatewayPolicy]],
    [["no-backstop", "name: holdfast"]],
  ],
  "Envoy Gateway that fails open": [
    [["policy.yaml", changed(gatewayPolicy, "failOpen: false", "failOpen: true")]],
    [
      ["no-backstop", "name: holdfast"],
      ["fail-open", "true"],
    ],
  ],
  "Envoy Gateway with too old an Envoy": [
    [
      ["policy.yaml", gatewayPolicy],
      ["proxy.yaml", envoyProxy("docker.io/envoyproxy/envoy:distroless-v1.36.4")],
    ],
    [standsAlone, ["envoy-too-old", '"docker.io']],
  ],
  "Envoy Gateway with an Envoy that is new enough: only the backstop is missing": [
    [
      ["policy.yaml", gatewayPolicy],
      ["proxy.yaml", envoyProxy("docker.io/envoyproxy/envoy:distroless-v1.37.0")],
    ],
    [standsAlone],
  ],
  "Envoy Gateway with a listener that is good: only the backstop is missing": [
    atEdge(traffic),
    [standsAlone],
  ],
  "Envoy Gateway that asks for no certificate": [
    atEdge(
      changed(
        traffic,
        "clientValidation: { caCertificateRefs: [{ kind: ConfigMap, name: ca }] }",
        "ciphers: []",
      ),
    ),
    [standsAlone, ["listener-unvalidated", "ciphers"]],
  ],
  "Envoy Gateway with a certificate that is optional": [
    atEdge(changed(traffic, "clientValidation: {", "clientValidation: { optional: true,")),
    [standsAlone, ["listener-unvalidated", "true"]],
  ],
  "Envoy Gateway of another gateway, with one that is optional: only the backstop is missing": [
    atEdge(
      changed(
        changed(traffic, "clientValidation: {", "clientValidation: { optional: true,"),
        "Gateway, name: edge",
        "Gateway, name: other",
      ),
    ),
    [standsAlone],
  ],
  "Envoy Gateway with sessions that outlive their certificate": [
    atEdge(resuming),
    [standsAlone, ["resumption-unexamined", "{ stateless"]],
  ],
  "Envoy Gateway with sessions that are resumed, of which Envoy says no": [
    atEdge(resuming, "envoy"),
    [standsAlone, ["resumption-denied", "{ stateless"]],
  ],
  "Envoy Gateway that forwards certificates otherwise": [
    atEdge(changed(traffic, "mode: AppendForward", "mode: SanitizeSet")),
    [standsAlone, ["forwarded-certificate", "SanitizeSet"]],
  ],
  "Envoy Gateway that forwards no name": [
    atEdge(changed(traffic, "[Subject, URI]", "[Subject]")),
    [standsAlone, ["forwarded-certificate", "[Subject]"]],
  ],
  "Envoy Gateway's own image, which is no Envoy: only the backstop is missing": [
    [
      ["policy.yaml", gatewayPolicy],
      ["proxy.yaml", envoyProxy("docker.io/envoyproxy/gateway:v1.3.0")],
    ],
    [standsAlone],
  ],
  "containers with too old an Envoy for a certificate that is examined": [
    [
      [
        "plugin.yaml",
        changed(plugin, "validatedBy: listener", "validatedBy: listener, examineCertificate: true"),
      ],
      ["backstop.yaml", backstop],
      ["compose.yaml", compose("envoyproxy/envoy:v1.39.1")],
    ],
    [["envoy-too-old", "envoyproxy/envoy:v1.39.1"]],
  ],
  "containers with an Envoy that is new enough: nothing": [
    [
      ["plugin.yaml", plugin],
      ["backstop.yaml", backstop],
      ["compose.yaml", compose("envoyproxy/envoy:v1.39.1")],
    ],
    [],
  ],
  "a user who says that an old Envoy will run": [
    all(changed(plugin, "validatedBy: listener", "validatedBy: envoy")),
    [["envoy-too-old", "envoy }"]],
    ["--envoy", "v1.37.0"],
  ],
  "a user who knows it better than the files": [
    [...all(plugin), ["compose.yaml", compose("envoyproxy/envoy:v1.30.0")]],
    [],
    ["--envoy", "1.40"],
  ],
};

describe("manifests", { concurrency: 2 }, () => {
  for (const [name, [given, expected, args = []]] of Object.entries(cases))
    it(expected.length === 0 ? name : `${name}: ${expected.map(([rule]) => rule).join(", ")}`, () =>
      finds(given, expected, args),
    );
});

const files = new Files();

it("Envoy Gateway is told what Envoy Gateway has", async () => {
  const file = files.write("gateway-open.yaml", changed(gatewayPolicy, "failOpen: false", "failOpen: true"));
  const { out } = await holdfast(["check", file]);
  assert.match(out, /failOpen: without the filter every request passes; expected false \[fail-open\]/);
  assert.match(out, /with an EnvoyPatchPolicy \[no-backstop\]/);
  assert.doesNotMatch(out, /FAIL_RELOAD|istio/i);
});
