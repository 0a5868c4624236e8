// Tokens that name nobody belong to whoever shows them first: whose they are, and who counts as one.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Vm } from "../../cli/host/index.ts";
import type { Peer, Request, Stream } from "../../cli/host/index.ts";
import { filterModule } from "./support/filter-module.ts";
import { anybodys, assertNobodys, firstUsePolicy, show, workload } from "./support/first-use.ts";
import { assertClosed, assertOpen } from "./support/followed.ts";
import type { Json } from "./support/json.ts";
import { issuer, policy, policyWithRule } from "./support/policies.ts";
import { anotherWorker } from "./support/proofs.ts";
import { lastRecord } from "./support/records.ts";
import { Scene, assertAllowed, assertDenied, assertWouldDeny, bearer } from "./support/scene.ts";
import { NOW, THIEF, WEB, plaintext, thief, web } from "./support/world.ts";

const mismatch = "first_use_mismatch";
const quarantined = "token_quarantined";
const compact = anybodys();

describe("a token that names nobody", () => {
  it("belongs to whoever shows it first: others are refused, and he goes on", () => {
    const scene = new Scene(firstUsePolicy());
    for (let i = 0; i < 3; i++) {
      assertAllowed(scene.present(compact));
      assertDenied(scene.present(compact, { peer: thief }), mismatch);
      assertDenied(scene.present(compact, { peer: workload("neighbour") }), mismatch);
    }
  });

  it("belongs to a thief who comes first, and its owner is refused", () => {
    const scene = new Scene(firstUsePolicy());
    assertAllowed(scene.present(compact, { peer: thief }));
    assertDenied(scene.present(compact), mismatch);
  });

  it("is refused as a token that is not good, and nothing more is said", () => {
    const scene = new Scene(firstUsePolicy({ quarantine: true }));
    scene.present(compact);
    for (const reason of [mismatch, quarantined]) {
      const stream = scene.present(compact, { peer: thief });
      assertDenied(stream, reason);
      const { status, grpcStatus, headers } = stream.reply ?? {};
      const challenge = ["www-authenticate", 'Bearer realm="holdfast", error="invalid_token"'];
      assert.deepEqual([status, grpcStatus, headers], [401, 16, [challenge]]);
    }
  });

  it("is one of many: each is its own first presenter's", () => {
    const scene = new Scene(firstUsePolicy());
    const [mine, his] = [anybodys({ jti: "mine" }), anybodys({ jti: "his" })];
    assertAllowed(scene.present(mine));
    assertAllowed(scene.present(his, { peer: thief }));
    assertDenied(scene.present(mine, { peer: thief }), mismatch);
    assertDenied(scene.present(his), mismatch);
  });

  it("is its workload's, with whatever certificate and from wherever", () => {
    const scene = new Scene(firstUsePolicy());
    assertAllowed(scene.present(compact));
    const renewed = { ...web, certSha256: "ab".repeat(32), address: "192.0.2.1:9" };
    assertAllowed(scene.present(compact, { peer: renewed }));
    const close = [`${WEB}2`, WEB.slice(0, -1), WEB.replace("shop", "Shop")];
    for (const uriSan of close)
      assertDenied(scene.present(compact, { peer: { ...web, uriSan } }), mismatch, uriSan);
  });

  it("is nobody's who has no name", () => {
    const scene = new Scene(firstUsePolicy());
    assertDenied(scene.present(compact, { peer: plaintext }), "peer_absent");
    assertDenied(scene.present(compact, { peer: { ...web, uriSan: "" } }), "spiffe_id_absent");
    assertNobodys(scene, compact);
  });

  it("stands in the decision record with its binding, and never itself", () => {
    const scene = new Scene(firstUsePolicy());
    scene.present(compact);
    scene.present(compact, { peer: thief });
    const record = lastRecord(scene);
    assert.deepEqual(record["bindings"], [{ method: "firstUse", held: false, reason: mismatch }]);
    const written = [...scene.host.logs.map(({ message }) => message), ...scene.host.counters().keys()];
    for (const part of compact.split(".")) assert.ok(!written.join("\n").includes(part));
  });
});

describe("whose a token is", () => {
  it("is known to all workers of a process, also to one that starts later", () => {
    const rules = firstUsePolicy();
    const scene = new Scene(rules);
    const other = anotherWorker(scene.host, rules);
    assertAllowed(show(other, web, compact));
    assertDenied(show(scene.plugin, thief, compact), mismatch);
    assertDenied(show(anotherWorker(scene.host, rules), thief, compact), mismatch);
    for (const worker of [scene.plugin, other]) assertAllowed(show(worker, web, compact));
  });

  it("is one presenter's when workers judge it at the same time", () => {
    const rules = firstUsePolicy();
    const scene = new Scene(rules);
    const other = anotherWorker(scene.host, rules);
    const data = scene.host.sharedData;
    const set = data.set.bind(data);
    let raced = false;
    data.set = (vmId, name, value, cas) => {
      if (name.startsWith("holdfast.first.") && !raced) {
        raced = true;
        assertAllowed(show(other, web, compact));
      }
      return set(vmId, name, value, cas);
    };
    assertDenied(show(scene.plugin, thief, compact), mismatch);
    assert.ok(raced);
    assertAllowed(show(scene.plugin, web, compact));
  });

  it("is known to nobody in another process, nor under another vm_id", () => {
    const scene = new Scene(firstUsePolicy());
    assertAllowed(show(scene.plugin, web, compact));
    assertAllowed(new Scene(firstUsePolicy()).present(compact, { peer: thief }));
    const apart = Vm.start(scene.host, filterModule, { vmId: "apart" });
    const elsewhere = apart.configure({ configuration: JSON.stringify(firstUsePolicy()) });
    assertAllowed(show(elsewhere, thief, compact));
  });

  it("stays known when a policy takes another's place", () => {
    const scene = new Scene(firstUsePolicy());
    assertAllowed(scene.present(compact));
    assert.ok(scene.plugin.configure(JSON.stringify(firstUsePolicy({}, { name: "renamed" }))));
    assertDenied(scene.present(compact, { peer: thief }), mismatch);
  });

  it("is the same under rules with the same terms, and nothing to rules with others", () => {
    const named = (name: string, firstUse: Json) => ({
      name,
      when: { path: `/${name}` },
      bind: [{ firstUse }],
    });
    const sharedBy = ["spiffe://example.org/ns/batch/*/*"];
    const rules = [
      named("a", {}),
      named("b", { by: "spiffeId", quarantine: false }),
      named("shared", { sharedBy }),
      named("sharedToo", { sharedBy }),
      named("address", { by: "address" }),
    ];
    const scene = new Scene(policy({ rules }));
    const at = (path: string, peer: Peer) => show(scene.plugin, peer, compact, { path });
    const elsewhere = { ...thief, address: "192.0.2.1:1" };
    for (const path of ["/a", "/shared", "/address"]) assertAllowed(at(path, web), path);
    for (const path of ["/a", "/b", "/shared", "/sharedToo", "/address"])
      assertDenied(at(path, elsewhere), mismatch, path);
    const fresh = new Scene(policy({ rules }));
    assertAllowed(show(fresh.plugin, web, compact, { path: "/a" }));
    for (const path of ["/shared", "/address"])
      assertAllowed(show(fresh.plugin, elsewhere, compact, { path }), path);
  });

  it("is asked when the rest of its rule holds, whatever comes first there", () => {
    const patterns = [WEB, THIEF];
    const bind = [{ firstUse: {} }, { spiffe: { patterns } }];
    for (const bindings of [bind, [...bind].reverse()]) {
      const scene = new Scene(policyWithRule({ bind: bindings }));
      assertDenied(scene.present(compact, { peer: workload("other") }), "spiffe_mismatch");
      assertAllowed(scene.present(compact, { peer: thief }));
      assertDenied(scene.present(compact), mismatch);
    }
  });

  it("is nobody's question where a rule lets requests pass without a token", () => {
    const scene = new Scene(firstUsePolicy({}, { token: "optional" }));
    assertAllowed(scene.ask());
    assertNobodys(scene, compact);
  });
});

describe("quarantine", () => {
  const rules = firstUsePolicy({ quarantine: true });

  it("takes a token from both once a second presenter has shown it, at all workers", () => {
    const scene = new Scene(rules);
    const workers = [scene.plugin, anotherWorker(scene.host, rules)];
    for (const worker of workers) assertAllowed(show(worker, web, compact));
    assertDenied(show(scene.plugin, thief, compact), mismatch);
    for (const worker of [...workers, anotherWorker(scene.host, rules)])
      for (const peer of [web, thief, workload("third")])
        assertDenied(show(worker, peer, compact), quarantined);
  });

  it("takes no other token", () => {
    const scene = new Scene(rules);
    const other = anybodys({ jti: "other" });
    for (const text of [compact, other]) assertAllowed(scene.present(text));
    assertDenied(scene.present(compact, { peer: thief }), mismatch);
    assertAllowed(scene.present(other));
  });

  it("takes nothing for a second presenter who is refused for something else", () => {
    const strict = policyWithRule({
      bind: [{ firstUse: { quarantine: true } }, { spiffe: { patterns: [WEB] } }],
    });
    const scene = new Scene(strict);
    assertAllowed(scene.present(compact));
    assertDenied(scene.present(compact, { peer: thief }), "spiffe_mismatch");
    assertAllowed(scene.present(compact));
  });

  it("lasts as long as the token, and no longer", () => {
    const scene = new Scene(rules);
    const text = anybodys({ exp: NOW + 100 });
    assertAllowed(scene.present(text));
    assertDenied(scene.present(text, { peer: thief }), mismatch);
    scene.now = NOW + 159;
    assertDenied(scene.present(text), quarantined);
    scene.now = NOW + 160;
    assertDenied(scene.present(text), "token_expired");
  });

  it("counts under a rule with the same terms that has none", () => {
    const both = policy({
      rules: [
        { name: "strict", when: { path: "/strict" }, bind: [{ firstUse: { quarantine: true } }] },
        { name: "rest", bind: [{ firstUse: {} }] },
      ],
    });
    const scene = new Scene(both);
    assertAllowed(show(scene.plugin, web, compact));
    assertDenied(show(scene.plugin, thief, compact), mismatch);
    assertAllowed(show(scene.plugin, web, compact), "that was no showing that takes it from both");
    assertDenied(show(scene.plugin, thief, compact, { path: "/strict" }), mismatch);
    for (const peer of [web, thief]) assertDenied(show(scene.plugin, peer, compact), quarantined);
  });
});

describe("who shares a token", () => {
  const batch = (name: string): Peer => workload(name, "batch");
  const pattern = "spiffe://example.org/ns/batch/*/*";

  it("is everybody whom a pattern matches, and nobody outside of it", () => {
    const scene = new Scene(firstUsePolicy({ sharedBy: [pattern] }));
    for (const name of ["a", "b", "c"]) assertAllowed(scene.present(compact, { peer: batch(name) }));
    assertDenied(scene.present(compact), mismatch);
    assertDenied(scene.present(compact, { peer: workload("a", "batch2") }), mismatch);
  });

  it("is everybody of a list", () => {
    const scene = new Scene(firstUsePolicy({ sharedBy: [WEB, pattern] }));
    for (const peer of [batch("a"), web, batch("b")]) assertAllowed(scene.present(compact, { peer }));
    assertDenied(scene.present(compact, { peer: thief }), mismatch);
  });

  it("gets none that somebody outside has shown first", () => {
    const scene = new Scene(firstUsePolicy({ sharedBy: [pattern] }));
    assertAllowed(scene.present(compact, { peer: thief }));
    assertDenied(scene.present(compact, { peer: batch("a") }), mismatch);
    assertAllowed(scene.present(compact, { peer: thief }));
    assertDenied(scene.present(compact), mismatch, "those outside do not share");
  });

  it("counts as one for quarantine, too", () => {
    const scene = new Scene(firstUsePolicy({ sharedBy: [pattern], quarantine: true }));
    for (const name of ["a", "b", "a"]) assertAllowed(scene.present(compact, { peer: batch(name) }));
    assertDenied(scene.present(compact), mismatch);
    assertDenied(scene.present(compact, { peer: batch("a") }), quarantined);
  });
});

describe("by address", () => {
  const from = (scene: Scene, address: string, peer: Peer = web) =>
    scene.present(compact, { peer: { ...peer, address } });

  it("workloads at one address are one presenter, whatever the port", () => {
    const scene = new Scene(firstUsePolicy({ by: "address" }));
    assertAllowed(from(scene, "192.0.2.7:40000"));
    assertAllowed(from(scene, "192.0.2.7:1", thief));
    for (const address of ["192.0.2.8:40000", "192.0.2.70:40000", "92.0.2.7:40000"])
      assertDenied(from(scene, address), mismatch, address);
  });

  it("of IPv6 are addresses like others", () => {
    const scene = new Scene(firstUsePolicy({ by: "address" }));
    assertAllowed(from(scene, "[2001:db8::7]:40000"));
    assertAllowed(from(scene, "[2001:db8::7]:7", thief));
    for (const address of ["[2001:db8::8]:40000", "[2001:db8::]:7", "[2001:db8::7:4000]:1"])
      assertDenied(from(scene, address), mismatch, address);
  });

  it("nobody is known whose address a client may have written", () => {
    // Envoy takes an address from x-forwarded-for with port 0.
    const scene = new Scene(firstUsePolicy({ by: "address" }));
    const unknown = from(scene, "192.0.2.7:0");
    assertDenied(unknown, "source_unknown");
    assert.equal(unknown.reply?.status, 401);
    assertAllowed(from(scene, "192.0.2.9:1"), "nothing was noted");
    const trusting = new Scene({
      ...firstUsePolicy({ by: "address" }),
      presenter: { validatedBy: "listener", trustForwardedFor: true },
    });
    assertAllowed(from(trusting, "192.0.2.7:0"));
    assertDenied(from(trusting, "192.0.2.8:0"), mismatch);
  });

  it("nobody is known without an address", () => {
    for (const address of ["", ":80", "/run/envoy.sock"])
      assertDenied(
        from(new Scene(firstUsePolicy({ by: "address" })), address),
        "source_unknown",
        JSON.stringify(address),
      );
  });

  it("somebody from outside is known, who has no name", () => {
    const borders = { outside: { bind: [{ network: { sources: ["192.0.2.0/24"] } }] } };
    const scene = new Scene({
      ...firstUsePolicy({ by: "address" }),
      issuers: { idp: issuer({ borders }) },
    });
    assertAllowed(from(scene, "192.0.2.7:1", plaintext));
    assertDenied(from(scene, "192.0.2.8:1", plaintext), mismatch);
    assertAllowed(from(scene, "192.0.2.7:2", plaintext));
    const named = new Scene({ ...firstUsePolicy(), issuers: { idp: issuer({ borders }) } });
    assertDenied(from(named, "192.0.2.7:1", plaintext), "spiffe_id_absent");
  });

  it("nobody is known behind a forwarder, whose address it is", () => {
    const gateway = "spiffe://example.org/ns/istio-system/sa/gateway";
    const behind = (firstUse: Json) =>
      new Scene({
        ...firstUsePolicy(firstUse),
        presenter: {
          validatedBy: "listener",
          forwarders: [gateway],
          forwardClientCertDetails: "FORWARD_ONLY",
        },
      });
    const request = (caller: string): Request => ({
      peer: { ...web, uriSan: gateway },
      headers: [["x-forwarded-client-cert", `By=${gateway};URI=${caller}`]],
    });
    assertDenied(behind({ by: "address" }).present(compact, request(WEB)), "source_unknown");
    const named = behind({});
    assertAllowed(named.present(compact, request(WEB)), "of whom the gateway speaks is known");
    assertDenied(named.present(compact, request(THIEF)), mismatch);
  });

  it("nobody is known by what is no address", () => {
    const internal = "envoy://internal_client_address/";
    assertDenied(from(new Scene(firstUsePolicy({ by: "address" })), internal), "source_unknown");
  });
});

describe("observe mode", () => {
  const trial = policy({
    rules: [
      {
        name: "trial",
        when: { path: "/trial" },
        mode: "observe",
        bind: [{ firstUse: { quarantine: true } }],
      },
      { name: "rest", bind: [{ firstUse: { quarantine: true } }] },
    ],
  });
  const observe = (scene: Scene, peer: Peer) => show(scene.plugin, peer, compact, { path: "/trial" });

  it("says whose token it would be, and what it would not be any more", () => {
    const scene = new Scene(trial);
    assertAllowed(observe(scene, web));
    assertWouldDeny(observe(scene, thief), mismatch);
    for (const peer of [web, thief]) assertWouldDeny(observe(scene, peer), quarantined);
  });

  it("notes nothing for those who are enforced, nor they for it", () => {
    const scene = new Scene(trial);
    assertAllowed(observe(scene, web));
    assertWouldDeny(observe(scene, thief), mismatch);
    assertAllowed(show(scene.plugin, thief, compact));
    assertDenied(show(scene.plugin, web, compact), mismatch);
    const other = new Scene(trial);
    assertAllowed(show(other.plugin, web, compact));
    assertAllowed(observe(other, thief));
    assertAllowed(show(other.plugin, web, compact));
  });
});

describe("a request that goes on", () => {
  const rules = firstUsePolicy({ quarantine: true }, { revalidate: { every: "1s" } });
  const open = (scene: Scene, text = compact): Stream => {
    const stream = scene.plugin.request({ peer: web, headers: [bearer(text)] });
    assertAllowed(stream);
    return stream;
  };
  const beat = (scene: Scene) => {
    scene.now += 1;
    scene.vm.tick();
  };

  it("is closed at the next beat after its token was quarantined, and not before", () => {
    const scene = new Scene(rules);
    const other = anotherWorker(scene.host, rules);
    const stream = open(scene);
    beat(scene);
    assertOpen(stream);
    assertDenied(show(other, thief, compact), mismatch);
    scene.vm.tick();
    assertOpen(stream);
    beat(scene);
    assertClosed(stream, quarantined);
  });

  it("goes on while others are refused its token", () => {
    const scene = new Scene(firstUsePolicy({}, { revalidate: { every: "1s" } }));
    const stream = open(scene);
    assertDenied(show(scene.plugin, thief, compact), mismatch);
    beat(scene);
    assertOpen(stream);
  });

  it("notes nothing when it is judged again", () => {
    const anybodysRule = { bind: [{ spiffe: { patterns: ["spiffe://example.org/**"] } }] };
    const scene = new Scene(policyWithRule({ ...anybodysRule, revalidate: { every: "1s" } }));
    const stream = open(scene);
    assert.ok(scene.plugin.configure(JSON.stringify(rules)));
    for (let i = 0; i < 3; i++) beat(scene);
    assertOpen(stream);
    assertAllowed(show(scene.plugin, thief, compact), "it is nobody's yet");
    beat(scene);
    assertClosed(stream, mismatch);
  });
});
