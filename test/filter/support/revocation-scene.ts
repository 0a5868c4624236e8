import type { HttpCallAnswer, Peer, Stream } from "../../../cli/host/index.ts";
import { AskingScene } from "./asking-scene.ts";
import type { Json } from "./json.ts";
import { bearer } from "./scene.ts";
import { token } from "./tokens.ts";
import { web } from "./world.ts";

/** A worker that asks every ten seconds what was taken back. */
export class RevocationScene extends AskingScene {
  /** Lets the filter ask, and answers; with status 200 where nothing else is said. */
  answer(given: Partial<HttpCallAnswer>): void {
    if (this.asked.length === 0) this.vm.tick();
    this.call.respond({ status: 200, ...given });
  }

  /** Lets the next refresh come, and answers. */
  answerLater(given: Partial<HttpCallAnswer>): void {
    this.pass(10);
    this.answer(given);
  }

  /** Answers every question of so many seconds with this status. */
  fail(seconds: number, status = 503): void {
    for (let second = 0; second < seconds; second++) {
      this.pass(1);
      for (const call of this.asked) call.respond({ status });
    }
  }

  /** Sends a request that does not end. */
  arrive(compact = this.fresh(), peer: Peer = web): Stream {
    return this.plugin.request({ peer, headers: [bearer(compact)] });
  }

  /** A token that is good now. */
  fresh(claims: Json = {}): string {
    return token({ exp: this.now + 300, ...claims });
  }

  /** What became of answers, by the counters. */
  get documents(): Record<string, number> {
    const counts = ["fetched", "confirmed", "failed", "refused"].map(
      (name) => [name, this.host.counter(`holdfast.revocations.${name}`)] as const,
    );
    return Object.fromEntries(counts.filter(([, count]) => count > 0));
  }
}
