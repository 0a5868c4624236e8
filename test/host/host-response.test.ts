// The probe guests of test/envoy/host-response.test.ts see here of an answer what they see in Envoy.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Host, Status, Vm } from "../../cli/host/index.ts";
import type { Stream } from "../../cli/host/index.ts";
import { assembleGuest, type GuestScript } from "../envoy/guests/assemble-guest.ts";
import { looksAtEnds, looksInTicks } from "../envoy/guests/scripts.ts";
import { reply, say } from "../envoy/guests/steps.ts";
import { OUT, probe } from "./support/probe.ts";

const NOTHING = ["response.code 1 ", "response.code_details 1 "];

/** What a guest logs of a request to which this happens. */
function seenBy(script: GuestScript, happen: (stream: Stream, vm: Vm) => void): string[] {
  const host = new Host();
  const vm = Vm.start(host, new WebAssembly.Module(assembleGuest(script)));
  const plugin = vm.configure();
  happen(plugin.request({}), vm);
  assert.equal(host.vmFailures, 0);
  return plugin.logs.map(({ message }) => message);
}

const atItsEnd = (happen: (stream: Stream) => void) => seenBy(looksAtEnds, happen).slice(1);

function seen(status: number, details: string): string[] {
  const code = Buffer.alloc(8);
  code.writeUInt32LE(status);
  return [`response.code 0 ${code.toString("hex")}`, detailsLine(details)];
}

function detailsLine(details: string): string {
  return `response.code_details 0 ${Buffer.from(details).toString("hex")}`;
}

describe("an answer", () => {
  it("is not there before its headers have come", () => {
    const ticked = seenBy(looksInTicks, (_, vm) => {
      vm.tick();
    });
    assert.deepEqual(ticked.slice(-3), ["in a tick 1", ...NOTHING]);
    const ended = atItsEnd((stream) => {
      stream.end();
    });
    assert.deepEqual(ended, NOTHING);
  });

  it("of the upstream is there in a tick and at the end, by its status", () => {
    const messages = seenBy(looksInTicks, (stream, vm) => {
      stream.respond({ status: 201 });
      vm.tick();
      stream.end();
    });
    const said = seen(201, "via_upstream");
    assert.deepEqual(messages.slice(-6), ["in a tick 1", ...said, "at its end 2", ...said]);
  });

  it("of Envoy's own has its own details", () => {
    const details = "upstream_reset_before_response_started{connection_termination}";
    const ended = atItsEnd((stream) => {
      stream.respond({ status: 503, details });
      stream.end();
    });
    assert.deepEqual(ended, seen(503, details));
  });

  it("of a filter has the details that the filter gave", () => {
    const replies: GuestScript = { ...looksAtEnds, onRequestHeaders: [reply(403)] };
    const ended = seenBy(replies, (stream) => {
      stream.end();
    });
    assert.deepEqual(ended.slice(2), seen(403, "probe_replied"));
  });

  it("that is broken off keeps its status, and says why in place of where it came from", () => {
    for (const [why, expected] of [
      [undefined, "downstream_remote_disconnect"],
      ["http2.remote_reset", "http2.remote_reset"],
    ] as const) {
      const begun = atItsEnd((stream) => {
        stream.respond({ status: 200 });
        stream.breakOff(why);
      });
      assert.deepEqual(begun, seen(200, expected));
      const silent = atItsEnd((stream) => {
        stream.breakOff(why);
      });
      assert.deepEqual(silent, ["response.code 1 ", detailsLine(expected)]);
    }
  });

  it("is not broken off once it has ended", () => {
    const messages = seenBy({ ...looksAtEnds, onDelete: [say("deleted")] }, (stream) => {
      stream.end();
      stream.breakOff();
    });
    assert.deepEqual(messages, ["deleted 2"]);
  });

  it("cannot be serialised as a whole", () => {
    const { status } = probe({ call: "proxy_get_property", args: ["response", OUT, OUT + 4] });
    assert.equal(status, Status.SerializationFailure);
  });
});
