import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Host, Vm } from "../../cli/host/index.ts";
import type { Plugin, Stream } from "../../cli/host/index.ts";
import { filterModule } from "./support/filter-module.ts";
import { makeKey } from "./support/keys.ts";
import { policy, policyWithIssuer, policyWithRule } from "./support/policies.ts";
import { Scene, assertAllowed, assertDenied, bearer, reasonOf } from "./support/scene.ts";
import { token } from "./support/tokens.ts";
import type { Json } from "./support/json.ts";
import { NOW, thief, web } from "./support/world.ts";

const MAX_ROOTS = 4096;
const OPEN = policyWithRule({ token: "none" });

function configure(vm: Vm, rules: Json): Plugin {
  const plugin = vm.configure({ configuration: JSON.stringify(rules) });
  assert.ok(plugin.accepted, plugin.logs.at(-1)?.message);
  return plugin;
}

function startVm(): Vm {
  return Vm.start(new Host({ now: () => NOW }), filterModule);
}

/** Runs `between` in the VM after the stream's context is made and before its headers are shown. */
function interleave(vm: Vm, between: () => void): void {
  const callbacks = vm.liveGuest().callbacks as {
    onRequestHeaders: (...args: number[]) => number | undefined;
  };
  const showHeaders = callbacks.onRequestHeaders;
  callbacks.onRequestHeaders = (...args) => {
    callbacks.onRequestHeaders = showHeaders;
    between();
    return showHeaders(...args);
  };
}

describe("two plugins in one VM", () => {
  it("each have their own policy", () => {
    const vm = startVm();
    const strict = configure(vm, policy());
    const open = configure(vm, OPEN);
    for (let i = 0; i < 3; i++) {
      assertDenied(strict.request({ peer: web }), "token_absent");
      assertAllowed(open.request({}));
    }
  });

  it("each stream falls under its own plugin, whatever runs between its creation and its headers", () => {
    const vm = startVm();
    const strict = configure(vm, policy());
    const open = configure(vm, OPEN);
    for (const [outer, inner] of [
      [strict, open],
      [open, strict],
    ] as const) {
      const held: Stream[] = [];
      interleave(vm, () => held.push(inner.request({})));
      const stream = outer.request({});
      const [first] = held;
      assert.ok(first);
      assertAllowed(outer === open ? stream : first);
      assertDenied(outer === open ? first : stream, "token_absent");
    }
  });

  it("each are judged with their own keys", () => {
    const vm = startVm();
    const other = makeKey("ES256", "k1");
    const first = configure(vm, policy());
    const second = configure(vm, policyWithIssuer({ keys: { jwks: { keys: [other.jwk] } } }));
    assertAllowed(first.request({ headers: [bearer(token())], peer: web }));
    assertDenied(second.request({ headers: [bearer(token())], peer: web }), "signature_invalid");
    assertAllowed(second.request({ headers: [bearer(token({}, other))], peer: web }));
  });
});

describe("a new policy", () => {
  it("judges the requests that come after it", () => {
    const scene = new Scene();
    assertDenied(scene.ask(), "token_absent");
    assert.ok(scene.plugin.configure(JSON.stringify(OPEN)));
    assertAllowed(scene.ask());
  });

  it("leaves a stream that came before it under the old one", () => {
    const scene = new Scene();
    interleave(scene.vm, () => {
      assert.ok(scene.plugin.configure(JSON.stringify(OPEN)));
    });
    assertDenied(scene.ask(), "token_absent");
    assertAllowed(scene.ask());
  });

  it("that is refused leaves the running one in force, with streams open or not", () => {
    const scene = new Scene();
    const open = scene.plugin.request({ headers: [bearer(token())], peer: web });
    for (const bad of [
      "",
      "{",
      "{}",
      JSON.stringify({ ...OPEN, mode: "off" }),
      JSON.stringify({ ...OPEN, rules: [] }),
    ]) {
      assert.equal(scene.plugin.configure(bad), false, bad);
      assertDenied(scene.ask(), "token_absent");
      assertAllowed(scene.present(token()));
      assertDenied(scene.present(token(), { peer: thief }), "spiffe_mismatch");
    }
    open.end();
    assertAllowed(scene.present(token()));
  });

  it("takes the place of one whose last stream has ended; 4,096 can be alive", () => {
    const scene = new Scene();
    const configuration = JSON.stringify(policy());
    const held: Stream[] = [];
    for (let alive = 1; alive < MAX_ROOTS; alive++) {
      held.push(scene.plugin.request({}));
      assert.ok(scene.plugin.configure(configuration), `${alive + 1}: ${scene.lastLine()}`);
    }
    held.push(scene.plugin.request({}));
    assert.equal(scene.plugin.configure(configuration), false);
    assert.match(scene.lastLine(), /at most 4,096/);
    assertAllowed(scene.present(token()));
    held.shift()?.end();
    assert.ok(scene.plugin.configure(configuration), scene.lastLine());
    for (const stream of held) stream.end();
  });
});

describe("a stream that the filter has never heard of", () => {
  it("is denied, as a service that cannot answer now: policy_absent", () => {
    const scene = new Scene(OPEN);
    const guest = scene.vm.liveGuest();
    const callbacks = guest.callbacks as { onContextCreate: (...args: number[]) => number | undefined };
    const create = callbacks.onContextCreate;
    callbacks.onContextCreate = () => undefined;
    const stream = scene.ask();
    callbacks.onContextCreate = create;
    assertDenied(stream, "policy_absent");
    assert.deepEqual([stream.reply?.status, stream.reply?.grpcStatus], [503, 14]);
    assertAllowed(scene.ask());
  });

  it("is denied when its headers come a second time", () => {
    const scene = new Scene(OPEN);
    const callbacks = scene.vm.liveGuest().callbacks as {
      onRequestHeaders: (...args: number[]) => number | undefined;
    };
    const showHeaders = callbacks.onRequestHeaders;
    callbacks.onRequestHeaders = (...args) => {
      showHeaders(...args);
      return showHeaders(...args);
    };
    const stream = scene.ask();
    callbacks.onRequestHeaders = showHeaders;
    assert.equal(reasonOf(stream), "policy_absent");
    assert.equal(stream.outcome, "replied");
  });
});
