// What becomes of a request. The zero value denies.

import { makeForever } from "../host/arena";
import { Mode } from "../policy/policy";
import { Answer, Reason, answerTo } from "./reason";

export const enum Verdict {
  Deny = 0,
  Allow = 1,
  /** A deny that observe mode records and does not apply. */
  WouldDeny = 2,
}

@unmanaged
export class Decision {
  verdict: Verdict;
  reason: Reason;

  static make(): Decision {
    return makeForever<Decision>();
  }

  /** The one place where a reason becomes a verdict. */
  combine(reason: Reason, mode: Mode): void {
    this.reason = reason;
    if (answerTo(reason) == Answer.None) this.verdict = Verdict.Allow;
    else this.verdict = mode == Mode.Observe ? Verdict.WouldDeny : Verdict.Deny;
  }
}

/** The verdict as logs, metrics, filter state and documents spell it. */
export function verdictName(verdict: Verdict): string {
  switch (verdict) {
    case Verdict.Allow:
      return "allow";
    case Verdict.WouldDeny:
      return "would-deny";
    default:
      return "deny";
  }
}
