import { makeForever, resetArena } from "../../assembly/host/arena";
import { Decision, Verdict } from "../../assembly/decision/decision";
import { Reason } from "../../assembly/decision/reason";
import { Presenter } from "../../assembly/evidence/presenter";
import { Mode } from "../../assembly/policy/policy";
import { defineCounters } from "../../assembly/telemetry/counters";
import { Facts } from "../../assembly/telemetry/facts";
import { record } from "../../assembly/telemetry/record";
import { text } from "./support";
import { line } from "../../assembly/host/writer";
import { utf8 } from "./support";

const decision = Decision.make();
const facts = makeForever<Facts>();
const presenter = Presenter.make();

// The host of the unit tests answers every call with "unimplemented".
describe("recording a decision", () => {
  test("does not depend on a host that takes the record", () => {
    resetArena();
    defineCounters();
    facts.clear();
    facts.rule = utf8("orders");
    decision.combine(Reason.spiffe_mismatch, Mode.Enforce, false);
    record(decision, facts, presenter, 1_800_000_000, false);
    expect(decision.verdict).toBe(Verdict.Deny);
    expect(text(line())).toBe(
      'holdfast {"verdict":"deny","reason":"spiffe_mismatch","mode":"enforce","time":1800000000,"rule":"orders"}',
    );
  });

  test("leaves an allow without a line", () => {
    const before = text(line());
    decision.combine(Reason.ok, Mode.Enforce, false);
    record(decision, facts, presenter, 1_800_000_000, false);
    expect(text(line())).toBe(before);
  });
});
