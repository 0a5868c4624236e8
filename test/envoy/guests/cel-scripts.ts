import type { GuestScript } from "./assemble-guest.ts";
import { create, createLong, evaluate, evaluateToken, remove } from "./cel-steps.ts";
import { stopAllIterationAndWatermark } from "./scripts.ts";
import { forEachRemembered, mark, period, property, remember, resume } from "./steps.ts";

/** Creates expressions once, and evaluates each with every request. */
export function evaluates(expressions: readonly string[]): GuestScript {
  return {
    onConfigure: expressions.map(create),
    onRequestHeaders: [mark(), ...expressions.map((_, index) => evaluate(index))],
  };
}

/** Evaluates when it is configured, in a request that waits, and again in its name from the next tick. */
export const evaluatesFromTick: GuestScript = {
  onConfigure: [create("request.path"), create("plugin_name"), evaluate(0), period(20)],
  onRequestHeaders: [remember(), evaluate(0)],
  returns: stopAllIterationAndWatermark,
  onTick: [forEachRemembered(property("request.path"), evaluate(0), evaluate(1), resume())],
};

/** Uses its expression up with the first request. */
export const deletes: GuestScript = {
  onConfigure: [create("plugin_name")],
  onRequestHeaders: [evaluate(0), remove(0), remove(0), evaluate(0)],
};

/** Creates an expression with every request, and evaluates the first. */
export const createsInStreams: GuestScript = {
  onRequestHeaders: [create("request.path"), evaluate(0)],
};

export const evaluatesWrongTokens: GuestScript = {
  onRequestHeaders: [
    evaluateToken(Uint8Array.of(0, 0, 0)),
    evaluateToken(Uint8Array.of(0, 0, 0, 0, 0)),
    evaluateToken(Uint8Array.of(0, 0, 0, 0)),
  ],
};

const tenNumbers = "[0,1,2,3,4,5,6,7,8,9]";

/** Creates expressions of extreme size, and evaluates those that can be created. */
export const goesToTheLimits: GuestScript = {
  onConfigure: [
    createLong("true && ", 8_192, "true"),
    createLong(" ", 65_536, "true"),
    createLong("'a' + ", 10_000, "'b'"),
    createLong("(", 300, `true${")".repeat(300)}`),
    create(`${tenNumbers}.all(a, ${tenNumbers}.all(b, ${tenNumbers}.all(c, true)))`),
    create(
      `${tenNumbers}.all(a, ${tenNumbers}.all(b, ${tenNumbers}.all(c, ${tenNumbers}.all(d, ${tenNumbers}.all(e, true)))))`,
    ),
    create(`'a'.matches('(x{1000}){1000}')`),
    ...[0, 1, 4, 5, 6].map(evaluate),
  ],
};
