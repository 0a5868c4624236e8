// What becomes of a request. The zero value denies.

import { makeForever } from "../host/arena";
import { Mode } from "../policy/policy";
import { Answer, Reason, answerTo } from "./reason";

export const enum Verdict {
  Deny = 0,
  Allow = 1,
  /** A deny that observe mode records and does not apply. */
  WouldDeny = 2,
  /** A deny of the token and not of the request, which goes on without it. */
  Strip = 3,
  /** A request that was admitted before, and is no more. */
  Close = 4,
}

@unmanaged
export class Decision {
  verdict: Verdict;
  reason: Reason;
  mode: Mode;

  static make(): Decision {
    return makeForever<Decision>();
  }

  /** The one place where a reason becomes a verdict. @param strips whether a refused token may be taken out instead */
  combine(reason: Reason, mode: Mode, strips: bool): void {
    this.reason = reason;
    this.mode = mode;
    if (answerTo(reason) == Answer.None) this.verdict = Verdict.Allow;
    else if (mode == Mode.Observe) this.verdict = Verdict.WouldDeny;
    else this.verdict = strips && answerTo(reason) != Answer.Unavailable ? Verdict.Strip : Verdict.Deny;
  }

  /** A request that was admitted and goes on is over now. */
  close(reason: Reason): void {
    this.reason = reason;
    this.mode = Mode.Enforce;
    this.verdict = Verdict.Close;
  }
}

/** The verdict as logs, metrics, filter state and documents spell it. */
export function verdictName(verdict: Verdict): string {
  switch (verdict) {
    case Verdict.Allow:
      return "allow";
    case Verdict.WouldDeny:
      return "would-deny";
    case Verdict.Strip:
      return "strip";
    case Verdict.Close:
      return "close";
    default:
      return "deny";
  }
}
