import { type LoggedDecision, decisionIn, jsonOf } from "./decision-record.ts";
import { Failure } from "./failure.ts";
import { Proxy, type ProxyOptions } from "./proxy.ts";
import { Reenactment } from "./reenactment.ts";
import { type RequestRecord, idOf, readRecord } from "./request-record.ts";

/** Bindings that may look at more of a request than a record says. */
const BEYOND_RECORDS = ["cel"];

/** Decides what lines say, each a request or a decision record, with what the ones before have left behind. */
export class Judge {
  /** Lines that were no request and no record. */
  unread = 0;
  /** Lines that were decision records; of them, those that are decided otherwise now, and those that say too little. */
  records = 0;
  changed = 0;
  unknown = 0;
  readonly #policy: Buffer;
  readonly #start: (policy: Buffer) => Proxy;
  readonly #proxy: Proxy;
  #reenactment: { readonly of: Reenactment; readonly proxy: Proxy } | undefined;

  /** @throws Failure when the filter refuses the policy */
  constructor(module: WebAssembly.Module, policy: Buffer, options: ProxyOptions) {
    this.#policy = policy;
    this.#start = (text) => new Proxy(module, text, options);
    this.#proxy = this.#start(policy);
  }

  /** What the command writes for a line. */
  answer(line: string): object {
    let id: string | number | null = null;
    try {
      const value = jsonOf(line);
      const decision = decisionIn(line, value);
      if (decision !== undefined) return this.#decideAgain(decision);
      if (value === undefined) throw new Failure("no JSON: expected one request or decision record a line");
      id = idOf(value);
      return decide(this.#proxy, id, readRecord(value));
    } catch (failure) {
      if (!(failure instanceof Failure)) throw failure;
      this.unread++;
      return { id, error: failure.message };
    }
  }

  #decideAgain(decision: LoggedDecision): object {
    this.records++;
    this.#reenactment ??= this.#reenact();
    const { verdict, reason, rule = null, mode } = decision.record;
    const recorded = { verdict, reason };
    const request = this.#reenactment.of.requestOf(decision);
    const answer = request === undefined ? undefined : decide(this.#reenactment.proxy, null, request);
    if (answer === undefined || answer.bindings.some(({ method }) => BEYOND_RECORDS.includes(method))) {
      this.unknown++;
      return { id: null, verdict: plainVerdict(verdict), reason, rule, mode, recorded, assumed: ["verdict"] };
    }
    if (isOther(answer.verdict, verdict)) this.changed++;
    return { ...answer, recorded, assumed: decision.claims === undefined ? [] : ["signature"] };
  }

  #reenact(): { readonly of: Reenactment; readonly proxy: Proxy } {
    const reenactment = new Reenactment(this.#policy);
    return { of: reenactment, proxy: this.#start(reenactment.policy) };
  }
}

/** What was only observed says no more than that the token was not good: denied or taken out. */
function isOther(now: string, recorded: string): boolean {
  if (recorded === "would-deny") return now === "allow";
  return now !== plainVerdict(recorded);
}

/** As the verdict of one request is given, which is neither observed nor followed. */
function plainVerdict(verdict: string): string {
  return verdict === "would-deny" || verdict === "close" ? "deny" : verdict;
}

function decide(proxy: Proxy, id: string | number | null, request: RequestRecord) {
  const began = process.hrtime.bigint();
  const { verdict, reason, status, rule, mode, headers, bindings } = proxy.decide(request);
  const us = Math.round(Number(process.hrtime.bigint() - began) / 100) / 10;
  return { id, verdict, reason, status, rule, mode, headers, bindings, us };
}
