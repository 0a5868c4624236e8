// A presenter behind a forwarder: a gateway that ends mTLS, and whose word about its clients the policy takes.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Peer } from "../../cli/host/index.ts";
import { policy } from "./support/policies.ts";
import { Scene, assertAllowed, assertDenied } from "./support/scene.ts";
import { token } from "./support/tokens.ts";
import { OTHER_THUMBPRINT, THIEF, WEB, WEB_THUMBPRINT, plaintext, thief, web } from "./support/world.ts";

const GATEWAY = "spiffe://example.org/ns/istio-system/sa/gateway";
const ORDERS = "spiffe://example.org/ns/shop/sa/orders";
const gateway: Peer = { ...web, uriSan: GATEWAY, certSha256: "ab".repeat(32) };
const WEB_HASH = Buffer.from(WEB_THUMBPRINT, "base64url").toString("hex");

/** What the gateway writes about web, and what our Envoy adds about the gateway. */
const CALLER = `By=${GATEWAY};Hash=${WEB_HASH};Subject="";URI=${WEB}`;
const LIVE = `By=${ORDERS};Hash=${"ab".repeat(32)};Subject="";URI=${GATEWAY}`;

function behind(forwardClientCertDetails: string): Scene {
  const presenter = { validatedBy: "listener", forwarders: [GATEWAY], forwardClientCertDetails };
  return new Scene(policy({ presenter }));
}

function send(scene: Scene, xfcc: string | readonly string[], peer = gateway, compact = token()) {
  const values = typeof xfcc === "string" ? [xfcc] : xfcc;
  return scene.present(compact, {
    peer,
    headers: values.map((value): [string, string] => ["x-forwarded-client-cert", value]),
  });
}

describe("behind a forwarder whose element Envoy follows with one of its own (APPEND_FORWARD)", () => {
  const scene = behind("APPEND_FORWARD");

  it("the presenter is whom the forwarder saw", () => {
    assertAllowed(send(scene, `${CALLER},${LIVE}`));
    const his = CALLER.replace(WEB, THIEF);
    assertDenied(send(scene, `${his},${LIVE}`), "spiffe_mismatch");
  });

  it("the forwarder's word holds a token against the caller's certificate", () => {
    const bound = (thumbprint: string) => token({ cnf: { "x5t#S256": thumbprint } });
    assertAllowed(send(scene, `${CALLER},${LIVE}`, gateway, bound(WEB_THUMBPRINT)));
    assertDenied(send(scene, `${CALLER},${LIVE}`, gateway, bound(OTHER_THUMBPRINT)), "certificate_mismatch");
    const nameless = CALLER.replace(`Hash=${WEB_HASH};`, "");
    assertDenied(
      send(scene, `${nameless},${LIVE}`, gateway, bound(WEB_THUMBPRINT)),
      "certificate_digest_absent",
    );
  });

  it("elements before the caller's are others' word and count for nothing", () => {
    const other = CALLER.replace(GATEWAY, "spiffe://example.org/ns/edge/sa/outer");
    assertDenied(send(scene, `${other},${CALLER.replace(WEB, THIEF)},${LIVE}`), "spiffe_mismatch");
    assertAllowed(send(scene, `${other.replace(WEB, THIEF)},${CALLER},${LIVE}`));
  });

  it("a forwarder behind a forwarder speaks for its own client, and never for itself", () => {
    const inner = "spiffe://example.org/ns/istio-system/sa/inner";
    const presenter = {
      validatedBy: "listener",
      forwarders: [GATEWAY, inner],
      forwardClientCertDetails: "APPEND_FORWARD",
    };
    const two = new Scene(policy({ presenter }));
    const caller = CALLER.replace(GATEWAY, inner);
    const relayed = `By=${GATEWAY};URI=${inner}`;
    assertAllowed(send(two, `${caller},${relayed},${LIVE}`));
    assertDenied(send(two, `${caller.replace(WEB, THIEF)},${relayed},${LIVE}`), "spiffe_mismatch");
    assertDenied(send(two, `${relayed},${LIVE}`, gateway, token({ sub: inner })), "caller_absent");
    assertDenied(send(two, `${CALLER},${relayed},${LIVE}`), "xfcc_mismatch");
    const hairpin = `By=${GATEWAY};URI=${GATEWAY}`;
    assertDenied(send(two, `${hairpin},${LIVE}`, gateway, token({ sub: GATEWAY })), "caller_absent");
  });

  it("a name in a certificate that pretends to be an element more is refused", () => {
    const smuggled = `By=${GATEWAY};Hash=${WEB_HASH};URI=${THIEF},By=${GATEWAY};URI=${WEB}`;
    assertDenied(send(scene, `${smuggled},${LIVE}`), "xfcc_mismatch");
    assertDenied(send(scene, `By=${GATEWAY};URI=${THIEF},URI=${WEB},${LIVE}`), "xfcc_mismatch");
    assertDenied(send(behind("FORWARD_ONLY"), smuggled), "xfcc_mismatch");
  });

  it("a log line for a request that is denied early names the caller, too", () => {
    const { scene: early } = { scene: behind("APPEND_FORWARD") };
    early.ask({
      peer: gateway,
      path: "/a/../b",
      headers: [["x-forwarded-client-cert", `${CALLER},${LIVE}`]],
    });
    assert.match(early.lastLine(), new RegExp(`"presenter":"${WEB}"`));
  });

  it("nobody else's word is taken: from another peer the header means nothing", () => {
    assertDenied(send(scene, `${CALLER},${LIVE}`, thief), "spiffe_mismatch");
    assertAllowed(send(scene, `${CALLER.replace(WEB, THIEF)},${LIVE}`, web), "web speaks for itself");
    assertDenied(send(scene, `${CALLER},${LIVE}`, plaintext), "peer_absent");
    assertDenied(send(scene, `${CALLER},${LIVE}`, { ...gateway, uriSan: `${GATEWAY}2` }), "spiffe_mismatch");
  });

  for (const [flaw, xfcc, reason] of [
    ["no header", [], "caller_absent"],
    ["an empty header", "", "caller_absent"],
    ["the forwarder's own element only", LIVE, "caller_absent"],
    ["a caller without a URI", `By=${GATEWAY};Hash=${WEB_HASH},${LIVE}`, "caller_absent"],
    ["a caller with two URIs", `${CALLER};URI=${THIEF},${LIVE}`, "spiffe_id_malformed"],
    ["a caller whose URI is no SPIFFE ID", `By=${GATEWAY};URI=https://web,${LIVE}`, "spiffe_id_malformed"],
    ["a caller that another gateway wrote of", `${CALLER.replace(GATEWAY, THIEF)},${LIVE}`, "xfcc_mismatch"],
    ["another peer as the last element", `${LIVE},${CALLER}`, "xfcc_mismatch"],
    ["a last element without a URI", `${CALLER},By=${ORDERS}`, "xfcc_mismatch"],
    ["two headers", [CALLER, LIVE], "xfcc_malformed"],
    ["a key twice", `${CALLER};Hash=${WEB_HASH},${LIVE}`, "xfcc_malformed"],
    ["an open quote", `${CALLER};Subject="x,${LIVE}`, "xfcc_malformed"],
    ["a hash that is none", `By=${GATEWAY};Hash=xyz;URI=${WEB},${LIVE}`, "certificate_digest_malformed"],
    [
      "a caller of another trust domain",
      `${CALLER.replace("example.org/ns/shop", "evil.org/ns/shop")},${LIVE}`,
      "trust_domain_foreign",
    ],
  ] as const) {
    it(`${flaw} is denied`, () => {
      assertDenied(send(scene, xfcc), reason);
    });
  }
});

describe("behind a forwarder whose header Envoy leaves as it is (FORWARD_ONLY)", () => {
  const scene = behind("FORWARD_ONLY");

  it("the presenter is the last element's", () => {
    assertAllowed(send(scene, CALLER));
    assertDenied(send(scene, CALLER.replace(WEB, THIEF)), "spiffe_mismatch");
    assertDenied(send(scene, CALLER, thief), "spiffe_mismatch");
  });
});

describe("a policy with forwarders", () => {
  const load = (presenter: object) =>
    new Scene(policy({ presenter: { validatedBy: "listener", ...presenter } }));

  for (const mode of ["ALWAYS_FORWARD_ONLY", "SANITIZE", "SANITIZE_SET", "append_forward", "none"]) {
    it(`is refused for a listener that does ${mode}`, () => {
      assert.throws(
        () => load({ forwarders: [GATEWAY], forwardClientCertDetails: mode }),
        /refused at "\/presenter/,
      );
    });
  }

  it("names both, and each forwarder in full", () => {
    assert.throws(
      () => load({ forwarders: [GATEWAY] }),
      /"forwarders" and "forwardClientCertDetails" together/,
    );
    assert.throws(() => load({ forwardClientCertDetails: "APPEND_FORWARD" }), /together/);
    for (const id of ["spiffe://example.org/**", "spiffe://example.org", "gateway", "*", ""])
      assert.throws(
        () => load({ forwarders: [id], forwardClientCertDetails: "APPEND_FORWARD" }),
        /refused at "\/presenter\/forwarders\/0/,
      );
  });
});

describe("at a waypoint", () => {
  const scene = new Scene(policy({ presenter: { from: "waypoint" } }));
  const from = (principal: string | undefined, peer: Peer = plaintext) =>
    scene.present(token(), {
      peer,
      ...(principal === undefined ? {} : { filterState: { "io.istio.peer_principal": principal } }),
    });

  it("the presenter is whom the tunnel names, whatever the connection shows", () => {
    assertAllowed(from(WEB));
    assertDenied(from(THIEF), "spiffe_mismatch");
    assertDenied(from(undefined), "peer_absent");
    assertDenied(from(undefined, web), "peer_absent");
    assertDenied(from("web"), "spiffe_id_malformed");
    assertAllowed(from(WEB, thief));
  });

  it("there is no certificate to bind to, and no forwarder", () => {
    const presenter = { from: "waypoint" };
    assert.throws(
      () => new Scene(policy({ presenter, rules: [{ name: "all", bind: [{ certificate: {} }] }] })),
      /no certificate binding but with "peer"/,
    );
    assert.throws(
      () =>
        new Scene(
          policy({
            presenter: { ...presenter, forwarders: [GATEWAY], forwardClientCertDetails: "APPEND_FORWARD" },
          }),
        ),
      /no forwarders but with "peer"/,
    );
    const bound = token({ cnf: { "x5t#S256": WEB_THUMBPRINT } });
    for (const peer of [plaintext, web]) {
      const stream = scene.present(bound, { peer, filterState: { "io.istio.peer_principal": WEB } });
      assertDenied(stream, "certificate_digest_absent");
    }
    assert.throws(
      () => new Scene(policy({ presenter: { from: "waypoint", validatedBy: "listener" } })),
      /refused at "\/presenter\/validatedBy"/,
    );
    const network = { minTlsVersion: "TLSv1.3" };
    assert.throws(
      () =>
        new Scene(policy({ presenter: { from: "waypoint" }, rules: [{ name: "all", bind: [{ network }] }] })),
      /no TLS facts but with "peer"/,
    );
  });
});
