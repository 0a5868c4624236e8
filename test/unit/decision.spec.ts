import { makeForever } from "../../assembly/host/arena";
import { Decision, Verdict, verdictName } from "../../assembly/decision/decision";
import {
  Answer,
  REASON_LIMIT,
  Reason,
  answerTo,
  grpcStatus,
  httpStatus,
  reasonName,
} from "../../assembly/decision/reason";
import { Mode, Rule } from "../../assembly/policy/policy";

describe("a decision", () => {
  test("denies as long as nothing was decided", () => {
    expect(verdictName(Decision.make().verdict)).toBe("deny");
    expect(makeForever<Rule>().mode).toBe(Mode.Enforce);
  });

  test("denies for every reason but five, and for every number without one", () => {
    const decision = Decision.make();
    for (let reason: Reason = 0; reason < REASON_LIMIT + 10; reason++) {
      decision.combine(reason, Mode.Enforce, false);
      const allows = reason <= Reason.token_unverified;
      expect(decision.verdict == Verdict.Allow).toBe(allows, reasonName(reason));
      decision.combine(reason, Mode.Observe, false);
      expect(decision.verdict).toBe(allows ? Verdict.Allow : Verdict.WouldDeny);
    }
  });

  test("takes a token out only where that is said, never in observe mode, and not while nothing is known", () => {
    const decision = Decision.make();
    decision.combine(Reason.spiffe_mismatch, Mode.Enforce, true);
    expect(verdictName(decision.verdict)).toBe("strip");
    decision.combine(Reason.spiffe_mismatch, Mode.Observe, true);
    expect(decision.verdict).toBe(Verdict.WouldDeny);
    decision.combine(Reason.keys_stale, Mode.Enforce, true);
    expect(decision.verdict).toBe(Verdict.Deny);
    decision.combine(Reason.ok, Mode.Enforce, true);
    expect(decision.verdict).toBe(Verdict.Allow);
  });

  test("has a status for every answer", () => {
    expect(answerTo(Reason.token_absent)).toBe(Answer.Unauthenticated);
    expect(<i32>httpStatus(Answer.Unauthenticated)).toBe(401);
    expect(<i32>httpStatus(Answer.InvalidToken)).toBe(401);
    expect(<i32>httpStatus(Answer.InvalidRequest)).toBe(400);
    expect(<i32>httpStatus(Answer.Unavailable)).toBe(503);
    expect(<i32>httpStatus(Answer.Forbidden)).toBe(403);
    expect(<i32>grpcStatus(Answer.InvalidToken)).toBe(16);
    expect(<i32>grpcStatus(Answer.InvalidRequest)).toBe(3);
    expect(<i32>grpcStatus(Answer.Unavailable)).toBe(14);
    expect(<i32>grpcStatus(Answer.Forbidden)).toBe(7);
  });
});
