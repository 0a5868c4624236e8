// The probe guests of test/envoy/host-cel.test.ts log here what they log in Envoy.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Host, Vm } from "../../cli/host/index.ts";
import type { EnvoyVersion, Plugin, Request } from "../../cli/host/index.ts";
import { assembleGuest, type GuestScript } from "../envoy/guests/assemble-guest.ts";
import {
  createsInStreams,
  deletes,
  evaluates,
  evaluatesFromTick,
  evaluatesWrongTokens,
} from "../envoy/guests/cel-scripts.ts";
import { celCases, celFacts, isCreated } from "./support/cel-cases.ts";

const request: Request = {
  path: celFacts.path,
  protocol: "HTTP/1.1",
  headers: celFacts.headers,
  peer: {
    mtls: true,
    validated: true,
    uriSan: celFacts.peerId,
    localUriSan: celFacts.localId,
    certSha256: "ab".repeat(32),
    certPem: "-----BEGIN CERTIFICATE-----\n",
  },
  metadata: celFacts.metadata,
  filterState: celFacts.filterState,
};

function start(script: GuestScript, envoy: EnvoyVersion = "1.40") {
  const vm = Vm.start(new Host({ envoy }), new WebAssembly.Module(assembleGuest(script)));
  const plugin = vm.configure({ name: "cel", rootId: "cel" });
  assert.ok(plugin.accepted);
  return { vm, plugin };
}

function messages(plugin: Plugin): string[] {
  return plugin.logs.map(({ message }) => message);
}

for (const envoy of ["1.37", "1.40"] as const) {
  describe(`CEL expressions, as Envoy ${envoy} evaluates them`, () => {
    const cases = celCases(envoy);
    const { plugin } = start(evaluates(cases.map(({ expression }) => expression)), envoy);
    plugin.request(request);
    const created = messages(plugin).slice(0, cases.length);
    const evaluated = messages(plugin).slice(cases.length + 1);

    for (const [index, { expression, evaluated: asInEnvoy, inNode = asInEnvoy }] of cases.entries()) {
      it(JSON.stringify(expression), () => {
        const status = isCreated(inNode) ? /^expr_create 0 [0-9a-f]{8}$/ : /^expr_create 2 $/;
        assert.match(created[index] ?? "", status);
        assert.equal(evaluated[index], `expr_evaluate ${inNode}`);
      });
    }
  });
}

describe("CEL expressions and contexts", () => {
  it("the context is the one whose callback runs, not the effective one", () => {
    const { vm, plugin } = start(evaluatesFromTick);
    plugin.request({ path: "/a" });
    vm.tick();
    assert.deepEqual(messages(plugin).slice(2), [
      ...["expr_evaluate 10 ", "period 0", "expr_evaluate 0 2f61"],
      ...["as 0", "request.path 0", "expr_evaluate 10 ", "expr_evaluate 0 63656c", "resume 0"],
    ]);
  });

  it("an expression lives until it is deleted, and belongs to its root context", () => {
    const { plugin } = start(deletes);
    const once = ["expr_evaluate 0 63656c", "expr_delete 0 ", "expr_delete 0 ", "expr_evaluate 1 "];
    plugin.request({});
    assert.deepEqual(messages(plugin), ["expr_create 0 00000000", ...once]);
    plugin.request({}).end();
    plugin.configure("second");
    plugin.request({});
    assert.deepEqual(messages(plugin).slice(-5), ["expr_create 0 00000000", ...once]);
  });

  it("an expression that a stream has created is there for later ones", () => {
    const { plugin } = start(createsInStreams);
    plugin.request({ path: "/a" }).end();
    plugin.request({ path: "/b" });
    assert.deepEqual(messages(plugin), [
      ...["expr_create 0 00000000", "expr_evaluate 0 2f61"],
      ...["expr_create 0 01000000", "expr_evaluate 0 2f62"],
    ]);
  });

  it("a token of another size is BadArgument, an unknown one NotFound", () => {
    const { plugin } = start(evaluatesWrongTokens);
    plugin.request({});
    assert.deepEqual(messages(plugin), ["expr_evaluate 2 ", "expr_evaluate 2 ", "expr_evaluate 1 "]);
  });
});
