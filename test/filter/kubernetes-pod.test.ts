// `"kubernetes": { "pod": true }`: the token's pod is the one that the mesh takes a waypoint's peer to be.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Request } from "../../cli/host/index.ts";
import { verified } from "./support/jwt-authn.ts";
import { issuer, policy } from "./support/policies.ts";
import { Scene, assertAllowed, assertDenied } from "./support/scene.ts";
import { token } from "./support/tokens.ts";
import type { Json } from "./support/json.ts";
import { THIEF, WEB, plaintext } from "./support/world.ts";

const POD = "web-7d4b9c-x2x9z";
const OTHER_POD = "web-7d4b9c-k8s2p";

function atWaypoint(binding: Json = { kubernetes: { pod: true } }, ofIssuer: Json = {}): Scene {
  return new Scene(
    policy({
      presenter: { from: "waypoint" },
      issuers: { k8s: issuer(ofIssuer) },
      rules: [{ name: "all", bind: [binding] }],
    }),
  );
}

/** A token of web's account in namespace shop, bound to this pod. */
const ofPod = (pod: unknown): Json => ({
  "kubernetes.io": {
    namespace: "shop",
    serviceaccount: { name: "web" },
    ...(pod === undefined ? {} : { pod }),
  },
});

interface Seen {
  readonly pod?: string;
  readonly namespace?: string;
  readonly principal?: string;
}

/** A request of whom the mesh takes for this pod. */
function from({ pod = POD, namespace = "shop", principal = WEB }: Seen = {}): Request {
  return {
    peer: plaintext,
    filterState: { "io.istio.peer_principal": principal },
    properties: {
      "filter_state\0downstream_peer\0name": pod,
      "filter_state\0downstream_peer\0namespace": namespace,
    },
  };
}

const unseen: Request = { peer: plaintext, filterState: { "io.istio.peer_principal": WEB } };

describe("a token that is bound to its pod", () => {
  const scene = atWaypoint();
  const compact = token(ofPod({ name: POD, uid: "7c1f" }));

  it("is good from that pod", () => {
    assertAllowed(scene.present(compact, from()));
  });

  it("is no good from another one of the same account", () => {
    const stream = scene.present(compact, from({ pod: OTHER_POD }));
    assertDenied(stream, "pod_mismatch");
    assert.equal(stream.reply?.status, 401);
    for (const pod of [`${POD}x`, POD.slice(1), POD.toUpperCase(), `${POD} `])
      assertDenied(scene.present(compact, from({ pod })), "pod_mismatch", pod);
  });

  it("is no good from a pod of that name in another namespace", () => {
    assertDenied(scene.present(compact, from({ namespace: "billing" })), "pod_mismatch");
  });

  it("is no good from another account, whatever the pod is called", () => {
    assertDenied(scene.present(compact, from({ principal: THIEF })), "kubernetes_mismatch");
  });

  it("is no good where the mesh does not say which pod it is", () => {
    assertDenied(scene.present(compact, unseen), "pod_unknown");
    assertDenied(scene.present(compact, from({ pod: "" })), "pod_unknown");
    assertDenied(scene.present(compact, from({ namespace: "" })), "pod_unknown");
  });

  it("is not helped by what the peer says of itself", () => {
    const claim = Buffer.from(JSON.stringify({ NAME: POD, NAMESPACE: "shop" })).toString("base64");
    const headers: [string, string][] = [
      ["x-envoy-peer-metadata", claim],
      ["x-envoy-peer-metadata-id", `sidecar~10.0.0.1~${POD}.shop~cluster.local`],
    ];
    assertDenied(scene.present(compact, { ...unseen, headers }), "pod_unknown");
    assertDenied(scene.present(compact, { ...from({ pod: OTHER_POD }), headers }), "pod_mismatch");
  });

  it("waits for nobody when Envoy cannot say: 503", () => {
    const request = from();
    scene.host.calls.resetCounts();
    assertAllowed(scene.present(compact, request));
    const reads = scene.host.calls.count("proxy_get_property");
    for (const nth of [reads - 1, reads]) {
      scene.host.calls.inject("proxy_get_property", { status: 10 }, nth);
      const stream = scene.present(compact, request);
      scene.host.calls.clearFaults();
      assertDenied(stream, "host_unavailable");
    }
  });
});

describe("a token that names no pod", () => {
  const scene = atWaypoint();

  it("is no good: it could be any pod's", () => {
    assertDenied(scene.present(token(ofPod(undefined)), from()), "pod_claim_absent");
    assertDenied(scene.present(token(ofPod({})), from()), "pod_claim_absent");
    assertDenied(scene.present(token(ofPod({ uid: "7c1f" })), from()), "pod_claim_absent");
    const flat = {
      "kubernetes.io/serviceaccount/namespace": "shop",
      "kubernetes.io/serviceaccount/service-account.name": "web",
    };
    assertDenied(scene.present(token(flat), from()), "pod_claim_absent");
  });

  it("but something else there is malformed", () => {
    for (const name of [1, null, {}, [POD]])
      assertDenied(scene.present(token(ofPod({ name })), from()), "claim_malformed", JSON.stringify(name));
    assert.equal(scene.present(token(ofPod({ name: "" })), from({ pod: "" })).outcome, "replied");
    assert.equal(scene.present(token(ofPod(POD)), from()).outcome, "replied");
  });

  it("is taken where the pod is not asked for", () => {
    for (const kubernetes of [{}, { pod: false }]) {
      const lax = atWaypoint({ kubernetes });
      assertAllowed(lax.present(token(ofPod(undefined)), unseen));
      assertAllowed(lax.present(token(ofPod({ name: POD })), from({ pod: OTHER_POD })));
    }
  });
});

describe("the pod", () => {
  it("may be one way of several", () => {
    const scene = atWaypoint({ anyOf: [{ kubernetes: { pod: true } }, { spiffe: { claim: "sub" } }] });
    assertAllowed(scene.present(token(ofPod({ name: POD })), from()));
    assertAllowed(scene.present(token({ ...ofPod({ name: POD }), sub: WEB }), from({ pod: OTHER_POD })));
    const neither = token({ ...ofPod({ name: POD }), sub: THIEF });
    assertDenied(scene.present(neither, from({ pod: OTHER_POD })), "no_alternative_held");
  });

  it("may be asked for at a border only", () => {
    const borders = { cluster: { bind: [{ kubernetes: { pod: true } }] } };
    const rules = policy({ presenter: { from: "waypoint" }, issuers: { k8s: issuer({ borders }) } });
    const scene = new Scene(rules, { node: { metadata: { CLUSTER_ID: "east" } } });
    const of = (cluster: string, pod: string): Request => {
      const request = from({ pod });
      return {
        ...request,
        properties: { ...request.properties, "filter_state\0downstream_peer\0cluster": cluster },
      };
    };
    const compact = token(ofPod({ name: POD }));
    assertAllowed(scene.present(compact, of("east", OTHER_POD)));
    assertAllowed(scene.present(compact, of("west", POD)));
    assertDenied(scene.present(compact, of("west", OTHER_POD)), "pod_mismatch");
  });

  it("is read from what jwt_authn leaves in its metadata, too", () => {
    const scene = atWaypoint(undefined, { keys: "jwt_authn" });
    const ask = (claims: Json, seen: Seen = {}) => scene.ask({ ...from(seen), metadata: verified(claims) });
    assertAllowed(ask(ofPod({ name: POD })));
    assertDenied(ask(ofPod({ name: POD }), { pod: OTHER_POD }), "pod_mismatch");
    assertDenied(ask(ofPod(undefined)), "pod_claim_absent");
  });
});
