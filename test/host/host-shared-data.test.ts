import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Host, Status } from "../../cli/host/index.ts";
import { SharedData } from "../../cli/host/shared-data.ts";
import { OUT, UNTOUCHED, probe, returned } from "./support/probe.ts";

const ONLY_WHEN_ABSENT = 0xffff_ffff;
const value = Buffer.from("value");

describe("shared data", () => {
  it("gives each write a new version, never 0", () => {
    const data = new SharedData();
    data.set("", "k", value, 0);
    const first = data.get("", "k")?.cas ?? 0;
    data.set("", "k", value, 0);
    const second = data.get("", "k")?.cas ?? 0;
    assert.ok(first > 0 && second > 0 && first !== second);
  });

  it("puts only when absent with a version of 0xFFFFFFFF", () => {
    const data = new SharedData();
    assert.equal(data.set("", "k", value, ONLY_WHEN_ABSENT), Status.Ok);
    assert.equal(data.set("", "k", Buffer.from("late"), ONLY_WHEN_ABSENT), Status.CasMismatch);
    assert.equal(data.get("", "k")?.value.toString(), "value");
  });

  it("takes a write with the right version and refuses one with a version that has passed", () => {
    const data = new SharedData();
    data.set("", "k", value, 0);
    const { cas } = data.get("", "k") ?? { cas: 0 };
    assert.equal(data.set("", "k", value, cas), Status.Ok);
    assert.equal(data.set("", "k", value, cas), Status.CasMismatch);
  });

  it("admits both of two that read first and then write with version 0", () => {
    const data = new SharedData();
    assert.equal(data.get("", "k"), undefined);
    assert.equal(data.set("", "k", value, 0), Status.Ok);
    assert.equal(data.set("", "k", value, 0), Status.Ok);
  });

  it("is apart for each vm_id", () => {
    const data = new SharedData();
    data.set("a", "k", value, 0);
    assert.equal(data.get("b", "k"), undefined);
  });
});

describe("shared data from the guest", () => {
  it("is one store for all VMs of the host", () => {
    const host = new Host();
    probe({ host, call: "proxy_set_shared_data", args: ["key", "from one VM", 0] });
    const result = probe({ host, call: "proxy_get_shared_data", args: ["key", OUT, OUT + 4, OUT + 8] });
    assert.equal(result.status, Status.Ok);
    assert.equal(returned(result).toString(), "from one VM");
    assert.equal(result.words[2], host.sharedData.get("", "key")?.cas);
  });

  it("tells the second of two that it was not the first", () => {
    const host = new Host();
    const put = () =>
      probe({ host, call: "proxy_set_shared_data", args: ["jti", "1", ONLY_WHEN_ABSENT | 0] }).status;
    assert.deepEqual([put(), put()], [Status.Ok, Status.CasMismatch]);
  });

  it("that is absent is NotFound, writing nothing", () => {
    const result = probe({ call: "proxy_get_shared_data", args: ["none", OUT, OUT + 4, OUT + 8] });
    assert.equal(result.status, Status.NotFound);
    assert.deepEqual(result.words.slice(0, 3), [UNTOUCHED, UNTOUCHED, UNTOUCHED]);
  });
});
