// Two holdfast filters in one proxy: what the first has let pass, and meant it, the second does not judge again.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Vm } from "../../cli/host/index.ts";
import type { Plugin, Request, Stream } from "../../cli/host/index.ts";
import { filterModule } from "./support/filter-module.ts";
import { FetchingScene, fetchingPolicy } from "./support/key-server.ts";
import { OutboundScene, strippingPolicy } from "./support/outbound.ts";
import { issuer, policy, policyWithRule } from "./support/policies.ts";
import {
  Scene,
  assertAllowed,
  assertDenied,
  assertWouldDeny,
  bearer,
  reasonOf,
  verdictOf,
} from "./support/scene.ts";
import { key, token } from "./support/tokens.ts";
import type { Json } from "./support/json.ts";
import { upstreamNames, upstreamValues } from "./support/upstream.ts";
import { THIEF, thief, web } from "./support/world.ts";

/** Another filter behind those of the scene: in the same VM, or in one of its own, with another build's memory. */
function behind(scene: Scene, rules: Json, where: "same VM" | "another VM"): Plugin {
  const vm = where === "same VM" ? scene.vm : Vm.start(scene.host, filterModule, { vmId: "other" });
  const plugin = vm.configure({ configuration: JSON.stringify(rules) });
  assert.ok(plugin.accepted, plugin.logs.at(-1)?.message);
  return plugin;
}

/** Hands a request on as Envoy does: the headers that the first filter left, and the filter state. */
function passOn(first: Stream, to: Plugin, request: Request = {}): Stream {
  assert.equal(first.outcome, "continue");
  const pseudo = (name: string) => first.requestHeaders.find(([known]) => known === name)?.[1] ?? "";
  const filterState = Object.fromEntries(
    [...first.filterStates].map(([name, value]) => [name, value.toString()]),
  );
  const stream = to.request({
    peer: web,
    ...request,
    method: pseudo(":method"),
    authority: pseudo(":authority"),
    path: pseudo(":path"),
    headers: first.requestHeaders.filter(([name]) => !name.startsWith(":")),
    filterState,
  });
  stream.end();
  return stream;
}

const judgedBefore = (scene: Scene): number => scene.host.counter("holdfast.allow.judged_before");
const strips = policyWithRule({ forward: { token: "strip", verdict: true, payloadHeader: "x-claims" } });

for (const where of ["same VM", "another VM"] as const) {
  describe(`a second filter in ${where}`, () => {
    it("lets pass what the first has allowed and has taken the token out of", () => {
      const scene = new Scene(strips);
      const second = behind(scene, strips, where);
      const first = scene.present(token());
      const stream = passOn(first, second);
      assert.equal(stream.outcome, "continue");
      assert.equal(judgedBefore(scene), 1);
      assert.deepEqual(stream.requestHeaders, first.requestHeaders, "what the first wrote stays");
      assert.deepEqual(upstreamNames(stream), ["x-claims", "x-holdfast-verdict"]);
    });

    it("would have refused it otherwise: so the first one counts", () => {
      const scene = new Scene(strips);
      const second = behind(scene, strips, where);
      const alone = second.request({ peer: web });
      assertDenied(alone, "token_absent");
      assert.equal(judgedBefore(scene), 0);
    });

    it("judges for itself what the first has taken a refused token out of: it is a request without one", () => {
      const scene = new OutboundScene(strippingPolicy());
      const second = behind(scene, policy(), where);
      const first = scene.present(token({ sub: THIEF }));
      assert.equal(verdictOf(first), "strip");
      assertDenied(passOn(first, second), "token_absent");
      assert.equal(judgedBefore(scene), 0);
    });

    it("judges for itself a token from another header than the first one's", () => {
      const scene = new Scene(policy({ issuers: { idp: issuer({ header: "x-workload-token" }) } }));
      const second = behind(scene, policy(), where);
      const own: [string, string] = ["x-workload-token", token({ sub: THIEF })];
      const first = scene.present(token(), { headers: [own], peer: thief });
      assertAllowed(first);
      assertDenied(passOn(first, second, { peer: thief }), "spiffe_mismatch");
    });

    it("asks for its own token where the first has looked into another header", () => {
      const scene = new Scene();
      const elsewhere = policy({ issuers: { idp: issuer({ header: "x-workload-token" }) } });
      const second = behind(scene, elsewhere, where);
      assertDenied(passOn(scene.present(token()), second), "token_absent");
      const reversed = new Scene(elsewhere);
      const third = behind(reversed, policy(), where);
      const own: [string, string] = ["x-workload-token", token()];
      assertDenied(passOn(reversed.ask({ headers: [own] }), third), "token_absent");
    });

    it("leaves the verdict as the first has written it, counts what it has done and logs nothing", () => {
      const scene = new Scene(strips);
      const second = behind(scene, strips, where);
      const first = scene.present(token());
      const lines = scene.host.logs.length;
      const stream = passOn(first, second);
      assert.deepEqual([verdictOf(stream), reasonOf(stream)], ["allow", undefined]);
      assert.deepEqual([scene.host.counter("holdfast.allow.ok"), judgedBefore(scene)], [1, 1]);
      assert.equal(scene.host.logs.length, lines);
    });

    it("judges what the first has only observed, good or bad", () => {
      const scene = new Scene(policy({ mode: "observe" }));
      const second = behind(scene, policy(), where);
      assertWouldDeny(scene.present(token(), { peer: thief }), "spiffe_mismatch");
      assertDenied(
        passOn(scene.present(token(), { peer: thief }), second, { peer: thief }),
        "spiffe_mismatch",
      );
      assertDenied(passOn(scene.ask(), second), "token_absent");
      assertAllowed(passOn(scene.present(token()), second));
      assert.equal(judgedBefore(scene), 0);
    });

    it("judges what the first has allowed under a rule that only observes", () => {
      const observed = { name: "observed", when: { path: "/o" }, mode: "observe" };
      const lax = policy({ rules: [{ ...observed, token: "none" }, { name: "rest" }] });
      const scene = new Scene(lax);
      const second = behind(scene, policy(), where);
      const first = scene.ask({ path: "/o" });
      assertAllowed(first);
      assertDenied(passOn(first, second), "token_absent");
    });

    it("that only observes records nothing of what was judged before it", () => {
      const scene = new Scene(strips);
      const second = behind(scene, policy({ mode: "observe" }), where);
      assertAllowed(passOn(scene.present(token()), second));
      assert.equal(scene.host.counter("holdfast.would_deny.token_absent"), 0);
    });

    it("says allow, and no reason of the one before it, when that one only observed", () => {
      const strict = policy({ mode: "observe", rules: [{ name: "all", bind: [{ certificate: {} }] }] });
      const scene = new Scene(strict);
      const second = behind(scene, policy(), where);
      const first = scene.present(token());
      assertWouldDeny(first, "certificate_unbound");
      const stream = passOn(first, second);
      assert.deepEqual([stream.outcome, verdictOf(stream)], ["continue", "allow"]);
      assert.ok([undefined, "", "ok"].includes(reasonOf(stream)), `reason: ${String(reasonOf(stream))}`);
    });

    it("is followed by a third that takes its word, though the first only observed", () => {
      const scene = new Scene(policy({ mode: "observe" }));
      const second = behind(scene, strips, where);
      const third = behind(scene, strips, where);
      const judged = passOn(scene.present(token()), second);
      assertAllowed(judged);
      assert.equal(passOn(judged, third).outcome, "continue", "the token is gone, and was judged");
    });
  });
}

describe("a client", () => {
  const scene = new Scene();

  it("cannot pretend to have been judged: no header is filter state", () => {
    const names = [
      "wasm.holdfast.verdict",
      "holdfast.verdict",
      "x-holdfast-verdict",
      "x-wasm-holdfast-verdict",
      "wasm_holdfast_verdict",
    ];
    for (const name of names) {
      for (const value of ["allow", "strip", 'allow;reason=ok;rule="default"']) {
        const headers: [string, string][] = [[name, value]];
        assertDenied(scene.ask({ headers }), "token_absent", name);
        assertDenied(scene.present(token(), { headers, peer: thief }), "spiffe_mismatch", name);
      }
    }
    assert.equal(judgedBefore(scene), 0);
  });

  it("cannot pretend by what jwt_authn leaves of his token", () => {
    const metadata = {
      "envoy.filters.http.jwt_authn": { holdfast: { verdict: "allow" } },
      holdfast: { verdict: "allow" },
    };
    assertDenied(scene.ask({ metadata }), "token_absent");
  });
});

describe("an earlier verdict", () => {
  const scene = new Scene();

  it("counts when it is allow, byte for byte", () => {
    for (const verdict of [
      "strip",
      "deny",
      "would-deny",
      "",
      "Allow",
      "allowed",
      "allow ",
      "allow\0",
      "ok",
      "1",
      "true",
    ]) {
      const filterState = { "wasm.holdfast.verdict": verdict };
      assertDenied(scene.ask({ filterState }), "token_absent", verdict);
    }
  });

  it("counts for nothing where it is provisional, or anything but final", () => {
    for (const provisional of ["true", "x", ""]) {
      const filterState = { "wasm.holdfast.verdict": "allow", "wasm.holdfast.provisional": provisional };
      assertDenied(scene.ask({ filterState }), "token_absent", provisional);
    }
  });

  it("counts where a later one has made it final", () => {
    const filterState = { "wasm.holdfast.verdict": "allow", "wasm.holdfast.provisional": "false" };
    assert.equal(scene.ask({ filterState }).outcome, "continue");
  });

  it("counts for nothing when Envoy cannot say whether it was provisional", () => {
    const filterState = { "wasm.holdfast.verdict": "allow" };
    scene.host.calls.inject("proxy_get_property", { status: 10 }, 2);
    assertDenied(scene.ask({ filterState }), "token_absent");
    scene.host.calls.inject("proxy_get_property", { status: 10 }, 1);
    assertDenied(scene.ask({ filterState }), "token_absent");
  });

  it("of one that has meant it lets the request pass", () => {
    assert.equal(scene.ask({ filterState: { "wasm.holdfast.verdict": "allow" } }).outcome, "continue");
  });
});

describe("a first filter that has let a request wait", () => {
  it("is believed when it has decided", () => {
    const rules = [{ name: "all", forward: { token: "strip" } }];
    const scene = new FetchingScene(fetchingPolicy({}, { rules }));
    const second = behind(scene, fetchingPolicy({}, { rules }), "same VM");
    const stream = scene.plugin.request({ peer: web, headers: [bearer(token())] });
    assert.equal(stream.outcome, "pause");
    scene.vm.tick();
    for (const call of scene.asked) call.respond({ status: 200, body: JSON.stringify({ keys: [key.jwk] }) });
    assertAllowed(stream);
    assert.equal(passOn(stream, second).outcome, "continue");
  });
});

describe("a second filter whose policy writes headers of its own", () => {
  const writes = policyWithRule({ forward: { payloadHeader: "x-claims" } });

  it("takes a client's copy out where the first does not know the header", () => {
    const scene = new Scene();
    const second = behind(scene, writes, "same VM");
    const first = scene.present(token(), { headers: [["x-claims", "forged"]] });
    assertAllowed(first);
    assert.deepEqual(upstreamValues(passOn(first, second), "x-claims"), []);
  });

  it("takes a client's other spelling out, and leaves what the first has written", () => {
    const scene = new Scene(writes);
    const second = behind(scene, writes, "another VM");
    const first = scene.present(token());
    assert.deepEqual(upstreamValues(passOn(first, second), "x-claims"), [token().split(".")[1]]);
  });
});

describe("a second filter behind one that asked for no token", () => {
  it("judges for itself, and its verdict counts for a third", () => {
    const open = policyWithRule({ token: "none" });
    const optional = policyWithRule({ token: "optional" });
    for (const first of [open, optional]) {
      const scene = new Scene(first);
      const second = behind(scene, policy(), "same VM");
      const third = behind(scene, strips, "another VM");
      assertDenied(passOn(scene.ask(), second), "token_absent");
      if (first === open)
        assertDenied(
          passOn(scene.present(token(), { peer: thief }), second, { peer: thief }),
          "spiffe_mismatch",
        );
      const judged = passOn(scene.present(token()), second);
      assertAllowed(judged);
      assert.equal(passOn(judged, third).outcome, "continue");
    }
  });
});
