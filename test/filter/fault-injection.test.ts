// Every host call on the way of a request fails in every way. The outcome is never a trap, and an allow only where all that
// the decision rests on was true all the same.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Host, Status, Vm } from "../../cli/host/index.ts";
import type { Fault, Request, Stream } from "../../cli/host/index.ts";
import { filterModule } from "./support/filter-module.ts";
import { forwarded, PAYLOAD_HEADER, verified } from "./support/jwt-authn.ts";
import { policy, policyWithIssuer } from "./support/policies.ts";
import { ProofScene, boundToken as tokenBoundToKey, proof, proven } from "./support/proofs.ts";
import { boundTo, certified, rotatingPolicy } from "./support/rotation.ts";
import { Scene, assertAllowed, bearer, verdictOf } from "./support/scene.ts";
import { token } from "./support/tokens.ts";
import type { Json } from "./support/json.ts";
import { OutboundScene, strippingPolicy } from "./support/outbound.ts";
import { NOW, THIEF, WEB_THUMBPRINT, thief, web } from "./support/world.ts";

const RESULTS = ["empty", "short", "large", "oversized", "garbage"] as const;
const FAULTS: readonly Fault[] = [
  ...Object.values(Status)
    .filter((status) => status !== Status.Ok)
    .map((status) => ({ status })),
  ...RESULTS.map((result) => ({ result })),
];

/** What only tells others of a decision: it may fail, and the decision stands. */
const TELLING: ReadonlySet<string> = new Set([
  "proxy_define_metric",
  "proxy_increment_metric",
  "proxy_set_property",
  "proxy_get_log_level",
  "proxy_log",
  "proxy_set_tick_period_milliseconds",
]);

type Check = (stream: Stream, site: string, fault: Fault, where: string) => void;

/** Runs `request` once for each call that it makes and each way in which that call can fail, and with all such calls failing. */
function injectEverywhere(scene: Scene, request: Request | (() => Request), check: Check): void {
  const next = typeof request === "function" ? request : () => request;
  scene.host.calls.resetCounts();
  scene.ask(next());
  for (const [site, calls] of scene.host.calls.counts()) {
    for (const fault of FAULTS) {
      for (const nth of [undefined, ...Array.from({ length: calls }, (_, i) => i + 1)]) {
        scene.host.calls.inject(site, fault, nth);
        const stream = scene.ask(next());
        scene.host.calls.clearFaults();
        const where = `${site} ${nth ?? "always"} ${JSON.stringify(fault)}`;
        assert.equal(scene.host.vmFailures, 0, `trapped: ${where}`);
        check(stream, site, fault, where);
      }
    }
  }
}

/** The request went nowhere: it was answered, reset or is still held. */
function assertStopped(stream: Stream, where: string): void {
  const isStopped = stream.outcome === "replied" || stream.outcome === "pause";
  assert.ok(isStopped, `${stream.outcome}: ${where}`);
  if (stream.outcome === "replied") assert.ok((stream.reply?.status ?? 0) >= 400, where);
  assert.notEqual(verdictOf(stream), "allow", where);
}

/** The look for an earlier verdict: where none can be read, the request is judged. */
const EARLIER_VERDICT_READ = "proxy_get_property 1 ";

const assertStoppedUnlessTelling: Check = (stream, site, _fault, where) => {
  if (TELLING.has(site) || where.startsWith(EARLIER_VERDICT_READ))
    assert.equal(stream.outcome, "continue", where);
  else assertStopped(stream, where);
};

const strict = policy({
  presenter: { validatedBy: "envoy" },
  rules: [{ name: "all", bind: [{ spiffe: { claim: "sub" } }, { certificate: {} }] }],
});
const boundToken = token({ cnf: { "x5t#S256": WEB_THUMBPRINT } });
const keyBoundToken = tokenBoundToKey();
const good: Request = { headers: [bearer(boundToken)] };

/** The claims are read in a fixed order: this is where `typ` comes. */
const TYP_READ = "proxy_get_property 10 ";

describe("a request that is allowed", () => {
  it("is allowed only while each fact of the decision can be read", () => {
    const scene = new Scene(strict);
    assertAllowed(scene.ask(good));
    injectEverywhere(scene, good, assertStoppedUnlessTelling);
    assertAllowed(scene.ask(good));
  });

  it("is allowed, with a newer certificate than its token's, only while it can be read what was seen", () => {
    const scene = new Scene(rotatingPolicy());
    const rotated = { headers: [bearer(boundTo("old"))], peer: certified("new") };
    assertAllowed(scene.present(boundTo("old"), { peer: certified("old") }));
    assertAllowed(scene.ask(rotated));
    injectEverywhere(scene, rotated, assertStoppedUnlessTelling);
    assert.ok(scene.host.calls.count("proxy_get_shared_data") > 0);
    assertAllowed(scene.ask(rotated));
  });

  it("is allowed whether or not its certificate can be noted", () => {
    for (const fault of FAULTS) {
      for (const site of ["random_get", "proxy_get_shared_data", "proxy_set_shared_data"]) {
        const scene = new Scene(rotatingPolicy());
        const where = `${site} ${JSON.stringify(fault)}`;
        for (const certificate of ["first", "second"]) {
          scene.host.calls.inject(site, fault);
          assertAllowed(scene.present(boundTo(certificate), { peer: certified(certificate) }), where);
          scene.host.calls.clearFaults();
          assertAllowed(scene.present(boundTo("other"), { peer: certified("other") }), where);
        }
        assert.equal(scene.host.vmFailures, 0, where);
      }
    }
  });

  it("is allowed, with a proof, only while it can be told and kept that the proof is new", () => {
    const scene = new ProofScene();
    const fresh = () => ({ path: "/orders", headers: proven(keyBoundToken, proof(keyBoundToken)) });
    assertAllowed(scene.ask(fresh()));
    injectEverywhere(scene, fresh, (stream, site, fault, where) => {
      // A host that says it has written is believed.
      const isClaimed = site === "proxy_set_shared_data" && "result" in fault;
      // Another worker is as good a reason for a write that fails, or a bucket that is not there yet: it is tried again.
      const isRetried = /^proxy_[gs]et_shared_data \d/.test(where) && stream.outcome === "continue";
      if (!isClaimed && !isRetried) assertStoppedUnlessTelling(stream, site, fault, where);
    });
    assertAllowed(scene.ask(fresh()));
  });

  it("is allowed only while jwt_authn's word and payload can be read", () => {
    const byHeader = policyWithIssuer({ keys: { jwt_authn: { payloadHeader: PAYLOAD_HEADER } } });
    const request = { headers: forwarded(boundToken), metadata: verified() };
    const scene = new Scene(byHeader);
    assertAllowed(scene.ask(request));
    injectEverywhere(scene, request, assertStoppedUnlessTelling);
  });

  it("is allowed only while jwt_authn's claims can be read, or are told not to be there", () => {
    const scene = new Scene(policyWithIssuer({ keys: "jwt_authn" }));
    const request = { metadata: verified() };
    assertAllowed(scene.ask(request));
    injectEverywhere(scene, request, (stream, site, fault, where) => {
      // This token has neither `nbf` nor `cnf`: a host that says NotFound of those says the truth.
      const isTruth = site === "proxy_get_property" && "status" in fault && fault.status === Status.NotFound;
      // `typ` may be any text but ID, so that another text in its place is as good.
      const isOtherTyp = where.startsWith(TYP_READ) && "result" in fault && fault.result !== "empty";
      if ((!isTruth && !isOtherTyp) || stream.outcome !== "continue") {
        assertStoppedUnlessTelling(stream, site, fault, where);
      }
    });
  });
});

describe("a request that is denied", () => {
  const variants: readonly (readonly [string, Json, Request])[] = [
    ["a stolen token", strict, { ...good, peer: thief }],
    ["no token", strict, {}],
    ["an ambiguous path", strict, { ...good, path: "/a//b" }],
    [
      "a stolen token, with a newer certificate than the one it names",
      rotatingPolicy(),
      { headers: [bearer(boundTo("old"))], peer: certified("new", THIEF) },
    ],
    [
      "a token whose certificate nobody has seen",
      rotatingPolicy(),
      { headers: [bearer(boundTo("old"))], peer: certified("new") },
    ],
    [
      "a stolen token that jwt_authn verified",
      policyWithIssuer({ keys: "jwt_authn" }),
      { metadata: verified(), peer: thief },
    ],
    [
      "a stolen token that jwt_authn verified, where tokens are optional",
      { ...policyWithIssuer({ keys: "jwt_authn" }), rules: [{ name: "all", token: "optional" }] },
      { metadata: verified(), peer: thief },
    ],
  ];
  for (const [name, rules, request] of variants) {
    it(`never goes on: ${name}`, () => {
      const scene = new Scene(rules);
      injectEverywhere(scene, request, (stream, site, fault, where) => {
        // Told that there is no verified token, the filter cannot know better.
        const isHidden =
          site === "proxy_get_property" && "status" in fault && fault.status === Status.NotFound;
        const mayBeAbsent = isHidden && name.endsWith("optional");
        if (!mayBeAbsent || stream.outcome !== "continue") assertStopped(stream, where);
      });
    });
  }

  it("never goes on: a proof that was here before", () => {
    const headers = proven(keyBoundToken, proof(keyBoundToken));
    const spent = { path: "/orders", headers };
    const scene = new ProofScene();
    assertAllowed(scene.ask(spent));
    injectEverywhere(scene, spent, (stream, site, fault, where) => {
      // Bytes in the size of a bucket are one.
      const isBucket = site === "proxy_get_shared_data" && "result" in fault && fault.result === "garbage";
      if (!isBucket) assertStopped(stream, where);
    });
  });

  it("is reset when Envoy takes no reply, and held when it cannot be reset either", () => {
    const scene = new Scene(strict);
    for (const fault of FAULTS) {
      if (!("status" in fault)) continue;
      scene.host.calls.inject("proxy_send_local_response", fault);
      const reset = scene.ask({ ...good, peer: thief });
      assert.deepEqual([reset.outcome, reset.wasReset], ["pause", true]);
      scene.host.calls.inject("proxy_close_stream", fault);
      const held = scene.ask({ ...good, peer: thief });
      assert.deepEqual([held.outcome, held.wasReset], ["pause", false]);
      scene.host.calls.clearFaults();
    }
  });
});

describe("a request in observe mode", () => {
  for (const [name, request] of [
    ["a stolen token", { ...good, peer: thief }],
    ["a good one", good],
  ] as const) {
    it(`always goes on, and is never reset: ${name}`, () => {
      const scene = new Scene({ ...strict, mode: "observe" });
      injectEverywhere(scene, request, (stream, _site, _fault, where) => {
        assert.equal(stream.outcome, "continue", where);
        assert.equal(stream.reply, undefined, where);
        assert.equal(stream.wasReset, false, where);
        if (request.peer === thief) assert.notEqual(verdictOf(stream), "allow", where);
      });
    });
  }
});

describe("a request that is changed before it goes on", () => {
  const FORGED = "forged";
  /** A host that says it has changed a header, and has not, deceives everybody. */
  const lies = (site: string, fault: Fault): boolean => /header_map_value$/.test(site) && "result" in fault;
  const reaches = (stream: Stream, text: string): boolean =>
    stream.outcome === "continue" && stream.requestHeaders.some(([, value]) => value.includes(text));

  it("never goes on with a refused token, whichever call fails", () => {
    const stolen = token({ sub: THIEF });
    injectEverywhere(
      new OutboundScene(strippingPolicy()),
      { headers: [bearer(stolen)] },
      (stream, site, fault, where) => {
        if (!lies(site, fault)) assert.ok(!reaches(stream, stolen), where);
        assert.notEqual(verdictOf(stream), "allow", where);
      },
    );
  });

  it("never goes on with a header that only holdfast writes, nor with a token that is to be taken out", () => {
    const forward = { token: "strip", payloadHeader: "x-claims", verdict: true };
    const scene = new Scene({ ...strict, rules: [{ name: "all", forward }] });
    const headers: [string, string][] = ["x-holdfast-verdict", "x_claims", "x-claims"].map((name) => [
      name,
      FORGED,
    ]);
    injectEverywhere(scene, { headers: [...headers, bearer(boundToken)] }, (stream, site, fault, where) => {
      if (lies(site, fault)) return;
      assert.ok(!reaches(stream, FORGED) && !reaches(stream, boundToken), where);
    });
  });
});

describe("a configuration", () => {
  it("that cannot be read is refused, and the running one stays; what only tells of it may fail", () => {
    const scene = new Scene(strict);
    const open = { ...strict, rules: [{ name: "all", token: "none" }] };
    scene.host.calls.resetCounts();
    assert.ok(scene.plugin.configure(JSON.stringify(strict)));
    const sites = [...scene.host.calls.counts().keys()];
    assert.ok(sites.includes("proxy_get_buffer_bytes"), sites.join());
    for (const site of sites) {
      for (const fault of FAULTS) {
        const where = `${site} ${JSON.stringify(fault)}`;
        // A key that Envoy does not speak of is loaded, and verifies nothing if it is no good. Chance only spreads load.
        const isTelling =
          TELLING.has(site) ||
          ["proxy_call_foreign_function", "random_get", "proxy_get_property"].includes(site);
        scene.host.calls.inject(site, fault);
        assert.equal(scene.plugin.configure(JSON.stringify(isTelling ? strict : open)), isTelling, where);
        assert.equal(scene.plugin.configure("{"), false, where);
        scene.host.calls.clearFaults();
        assert.equal(scene.host.vmFailures, 0, where);
        assertAllowed(scene.ask(good), where);
        assertStopped(scene.ask({ ...good, peer: thief }), where);
      }
    }
  });

  it("needs no counter", () => {
    for (const fault of FAULTS) {
      const host = new Host({ now: () => NOW });
      const vm = Vm.start(host, filterModule);
      host.calls.inject("proxy_define_metric", fault);
      const plugin = vm.configure({ configuration: JSON.stringify(strict) });
      assert.ok(plugin.accepted, JSON.stringify(fault));
      assertAllowed(plugin.request({ ...good, peer: web }), JSON.stringify(fault));
      assertStopped(plugin.request({ ...good, peer: thief }), JSON.stringify(fault));
      assert.equal(host.vmFailures, 0);
    }
  });
});
