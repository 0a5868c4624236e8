// Tokens that leave: at an outbound listener the presenter is the workload beside the proxy, and its tokens go to hosts of the policy.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Request, Stream } from "../../cli/host/index.ts";
import { verified } from "./support/jwt-authn.ts";
import {
  HOST,
  INBOUND,
  OUTBOUND,
  OutboundScene,
  SIDECAR_OF_WEB,
  outboundPolicy,
} from "./support/outbound.ts";
import { issuer } from "./support/policies.ts";
import { assertAllowed, assertDenied, assertWouldDeny } from "./support/scene.ts";
import { token } from "./support/tokens.ts";
import type { Json } from "./support/json.ts";
import { ISSUER, THIEF, WEB, WEB_THUMBPRINT, thief, web } from "./support/world.ts";

/** Sends web's token to this authority. */
function sendTo(scene: OutboundScene, authority: string, claims: Json = {}): Stream {
  return scene.present(token(claims), { authority });
}

function assertEach(
  scene: OutboundScene,
  authorities: readonly string[],
  check: (stream: Stream, authority: string) => void,
) {
  for (const authority of authorities) check(sendTo(scene, authority), authority);
}

const isAllowed = (stream: Stream, authority: string) => {
  assertAllowed(stream, authority);
};
const isRefused = (stream: Stream, authority: string) => {
  assertDenied(stream, "egress_host_not_admitted", authority);
};

describe("the presenter at an outbound listener", () => {
  const scene = new OutboundScene();

  it("is the workload beside the proxy: its own token leaves, another workload's does not", () => {
    assertAllowed(scene.present(token()));
    assertDenied(scene.present(token({ sub: THIEF })), "spiffe_mismatch");
    const another = new OutboundScene(outboundPolicy(), {}, { NAMESPACE: "shop", SERVICE_ACCOUNT: "thief" });
    assertDenied(another.present(token()), "spiffe_mismatch");
    assertAllowed(another.present(token({ sub: THIEF })));
  });

  it("is nobody whom the connection names, or a header", () => {
    const headers: [string, string][] = [["x-forwarded-client-cert", `By=x;URI=${THIEF}`]];
    const filterState = { "io.istio.peer_principal": THIEF };
    assertDenied(
      scene.present(token({ sub: THIEF }), { peer: thief, headers, filterState }),
      "spiffe_mismatch",
    );
    assertAllowed(scene.present(token(), { peer: thief, headers, filterState }));
  });

  it("shows no certificate, so that a token bound to one does not leave", () => {
    const bound = token({ cnf: { "x5t#S256": WEB_THUMBPRINT } });
    assertDenied(scene.present(bound), "certificate_digest_absent");
    assertDenied(scene.present(bound, { peer: web }), "certificate_digest_absent");
  });

  it("has to be one that the issuer's presenters name", () => {
    const named = (presenters: readonly string[]) =>
      new OutboundScene({
        ...outboundPolicy(),
        issuers: { idp: issuer({ egress: { hosts: [HOST] }, presenters }) },
      });
    assertAllowed(named([WEB]).present(token()));
    assertDenied(named([THIEF]).present(token()), "presenter_not_admitted");
  });

  it("is told apart by the other bindings, too", () => {
    const by = (...bind: readonly Json[]) => new OutboundScene(outboundPolicy(undefined, { bind }));
    assertAllowed(by({ client: { presenters: { shop: [WEB] } } }).present(token({ azp: "shop" })));
    assertDenied(
      by({ client: { presenters: { shop: [THIEF] } } }).present(token({ azp: "shop" })),
      "client_mismatch",
    );
    const account = { "kubernetes.io": { namespace: "shop", serviceaccount: { name: "web" } } };
    assertAllowed(by({ kubernetes: {} }).present(token(account)));
    const template = { spiffe: { template: "spiffe://{trustDomain}/ns/{ns}/sa/web" } };
    assertAllowed(by(template).present(token({ ns: "shop" })));
    assertDenied(by(template).present(token({ ns: "billing" })), "spiffe_mismatch");
  });
});

describe("a listener that is not outbound", () => {
  const scene = new OutboundScene();

  it("lets no token through, whosever it is: 403", () => {
    for (const direction of [INBOUND, 0n, 3n]) {
      const stream = scene.present(token(), { properties: { "xds.listener_direction": direction } });
      assertDenied(stream, "listener_not_outbound", String(direction));
      assert.equal(stream.reply?.status, 403);
    }
  });

  it("is every one that does not say so", () => {
    for (const direction of ["", "OUTBOUND", Uint8Array.of(), Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 2)]) {
      const stream = scene.present(token(), { properties: { "xds.listener_direction": direction } });
      assertDenied(stream, "listener_not_outbound", JSON.stringify(direction));
    }
  });

  it("is not known to be one when Envoy cannot say: 503", () => {
    scene.host.calls.inject("proxy_get_property", { status: 10 }, 2);
    const stream = scene.present(token());
    scene.host.calls.clearFaults();
    assertDenied(stream, "host_unavailable");
  });

  it("is no concern of a rule that looks at no token", () => {
    const open = new OutboundScene(outboundPolicy(undefined, { token: "none" }));
    assertAllowed(open.ask({ properties: { "xds.listener_direction": INBOUND } }));
  });
});

describe("a host that an issuer's tokens may leave for", () => {
  it("is a name, in letters of either case, with a dot at its end or without, on any port", () => {
    const scene = new OutboundScene(outboundPolicy({ hosts: ["Orders.Example.org"] }));
    assertEach(
      scene,
      [
        "orders.example.org",
        "ORDERS.example.ORG",
        "orders.example.org.",
        "orders.example.org:8443",
        "orders.example.org.:1",
      ],
      isAllowed,
    );
    assertEach(
      scene,
      [
        "example.org",
        "xorders.example.org",
        "orders.example.orgx",
        "a.orders.example.org",
        "orders.example",
        "localhost",
      ],
      isRefused,
    );
  });

  it("is the one with the port where the policy names one", () => {
    const scene = new OutboundScene(
      outboundPolicy({ hosts: ["orders.example.org:8443", "[2001:db8::1]:443"] }),
    );
    assertEach(
      scene,
      ["orders.example.org:8443", "ORDERS.example.org.:8443", "[2001:db8::1]:443"],
      isAllowed,
    );
    assertEach(
      scene,
      [
        "orders.example.org",
        "orders.example.org:443",
        "orders.example.org:18443",
        "[2001:db8::1]",
        "[2001:db8::2]:443",
      ],
      isRefused,
    );
  });

  it("is every name below another, and not that one itself", () => {
    const scene = new OutboundScene(outboundPolicy({ hosts: ["*.example.org", "*.partner.example:8443"] }));
    assertEach(
      scene,
      ["a.example.org", "A.B.EXAMPLE.org", "a.example.org.", "a.example.org:1", "x.partner.example:8443"],
      isAllowed,
    );
    assertEach(
      scene,
      [
        "example.org",
        "aexample.org",
        "a-example.org",
        "a.example.org.evil.example",
        "a.example.orgx",
        "x.partner.example",
        "x.partner.example:443",
        "partner.example:8443",
      ],
      isRefused,
    );
  });

  it("is never an authority with two readings", () => {
    const scene = new OutboundScene(outboundPolicy({ hosts: [HOST, "*.example.org"] }));
    for (const authority of [
      `evil.example,${HOST}`,
      `evil.example@${HOST}`,
      `${HOST}/evil`,
      `evil.example#.${HOST}`,
      `evil%2eexample.org`,
      ".example.org",
      "a..example.org",
      `${HOST}:`,
      `${HOST}:80:80`,
      " ",
      "",
    ])
      assertDenied(sendTo(scene, authority), "authority_ambiguous", authority);
  });

  it("is looked at last of a token's claims, and before the bindings", () => {
    const scene = new OutboundScene();
    assertDenied(sendTo(scene, "evil.example", { sub: THIEF }), "egress_host_not_admitted");
    assertDenied(sendTo(scene, "evil.example", { exp: 1 }), "token_expired");
    assertDenied(sendTo(scene, "evil.example", { aud: "billing" }), "audience_mismatch");
    const stream = sendTo(scene, "evil.example");
    assert.equal(stream.reply?.status, 403);
  });

  it("is nobody's concern without a token", () => {
    const scene = new OutboundScene(outboundPolicy(undefined, { token: "optional" }));
    assertAllowed(scene.ask({ authority: "evil.example" }));
    assertDenied(sendTo(scene, "evil.example"), "egress_host_not_admitted");
  });

  it("is observed as everything is", () => {
    const scene = new OutboundScene(outboundPolicy(undefined, {}, { mode: "observe" }));
    assertWouldDeny(sendTo(scene, "evil.example"), "egress_host_not_admitted");
  });
});

describe("a host for tokens of one audience", () => {
  const audiences = { orders: ["orders.example.org"], billing: ["*.billing.example"] };
  const withAudiences = (egress: Json) =>
    new OutboundScene({
      ...outboundPolicy(),
      issuers: { idp: { ...issuer({ egress }), audiences: undefined } },
    });
  const scene = withAudiences({ audiences });

  it("is for a token that names it, as a string or in a list", () => {
    for (const aud of ["orders", ["orders"], ["x", "orders"]]) {
      assertAllowed(sendTo(scene, "orders.example.org", { aud }));
      assertDenied(sendTo(scene, "a.billing.example", { aud }), "egress_host_not_admitted");
    }
    assertAllowed(sendTo(scene, "a.billing.example:443", { aud: ["billing"] }));
  });

  it("is for a token of several audiences any of theirs", () => {
    const aud = ["orders", "billing"];
    assertAllowed(sendTo(scene, "orders.example.org", { aud }));
    assertAllowed(sendTo(scene, "a.billing.example", { aud }));
    assertDenied(sendTo(scene, "evil.example", { aud }), "egress_host_not_admitted");
  });

  it("is for no token that names another one, or one that only looks like it, or none", () => {
    for (const aud of ["Orders", "orders ", "order", "", [], ["ordersx"], undefined])
      assertDenied(
        sendTo(scene, "orders.example.org", { aud }),
        "egress_host_not_admitted",
        JSON.stringify(aud),
      );
    for (const aud of [1, null, {}, ["orders", 1]])
      assertDenied(sendTo(scene, "orders.example.org", { aud }), "claim_malformed", JSON.stringify(aud));
  });

  it("stands beside the hosts for all of the issuer's tokens", () => {
    const both = withAudiences({ hosts: ["shared.example"], audiences });
    assertAllowed(sendTo(both, "shared.example", { aud: "anything" }));
    assertAllowed(sendTo(both, "orders.example.org", { aud: "orders" }));
    assertDenied(sendTo(both, "orders.example.org", { aud: "billing" }), "egress_host_not_admitted");
  });

  it("is told by what jwt_authn leaves in its metadata, too", () => {
    const egress = { audiences };
    const byMetadata = new OutboundScene({
      ...outboundPolicy(),
      issuers: { idp: { issuer: ISSUER, keys: "jwt_authn", egress } },
    });
    const send = (aud: string | readonly string[], authority: string): Stream => {
      const request: Request = { authority, metadata: verified({ aud }) };
      return byMetadata.ask(request);
    };
    assertAllowed(send("orders", "orders.example.org"));
    assertAllowed(send(["x", "orders"], "orders.example.org"));
    assertDenied(send("billing", "orders.example.org"), "egress_host_not_admitted");
  });
});

describe("each issuer's egress", () => {
  it("is its own", () => {
    const other = issuer({ issuer: "https://other.example", egress: { hosts: ["other.example"] } });
    const rules = outboundPolicy();
    const scene = new OutboundScene({
      ...rules,
      issuers: { idp: issuer({ egress: { hosts: [HOST] } }), other },
    });
    assertAllowed(sendTo(scene, HOST));
    assertDenied(sendTo(scene, HOST, { iss: "https://other.example" }), "egress_host_not_admitted");
    assertAllowed(sendTo(scene, "other.example", { iss: "https://other.example" }));
  });

  it("that names no host has its tokens stay", () => {
    const scene = new OutboundScene(outboundPolicy({}));
    assertEach(scene, [HOST, "localhost"], isRefused);
  });
});

describe("a proxy without the node metadata that say whom it stands beside", () => {
  const load = (node: Record<string, string>) => new OutboundScene(outboundPolicy(), {}, node);

  it("refuses the policy, and says what is missing", () => {
    const expected = /refused at "\/presenter\/from": expected .*"NAMESPACE" and "SERVICE_ACCOUNT"/;
    for (const node of [
      {},
      { NAMESPACE: "shop" },
      { SERVICE_ACCOUNT: "web" },
      { NAMESPACE: "", SERVICE_ACCOUNT: "web" },
      { NAMESPACE: "shop/x", SERVICE_ACCOUNT: "web" },
      { NAMESPACE: "shop", SERVICE_ACCOUNT: "a b" },
      { NAMESPACE: "..", SERVICE_ACCOUNT: "web" },
    ])
      assert.throws(() => load(node), expected, JSON.stringify(node));
  });

  it("keeps the policy that it had", () => {
    const scene = new OutboundScene(outboundPolicy(), {}, SIDECAR_OF_WEB);
    assert.equal(scene.plugin.configure(JSON.stringify(outboundPolicy({ hosts: [1] }))), false);
    assertAllowed(scene.present(token()));
    assert.ok(scene.plugin.configure(JSON.stringify(outboundPolicy({ hosts: ["new.example"] }))));
    assertDenied(scene.present(token()), "egress_host_not_admitted");
    assertAllowed(
      scene.present(token(), {
        authority: "new.example",
        properties: { "xds.listener_direction": OUTBOUND },
      }),
    );
  });
});
