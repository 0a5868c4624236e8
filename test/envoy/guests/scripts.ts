import type { GuestScript } from "./assemble-guest.ts";
import {
  answer,
  body,
  call,
  environment,
  forEachRemembered,
  hasVersion,
  mark,
  pairs,
  period,
  property,
  propertyValue,
  readShared,
  remember,
  reply,
  resume,
  say,
  trapIfRemembered,
  writeShared,
} from "./steps.ts";

const requestHeaders = 0;
const answerHeaders = 6;
const answerTrailers = 7;
export const stopIteration = 1;
export const stopAllIterationAndWatermark = 4;

/** Stops each request; the next one resumes it. */
export function stops(returns: number): GuestScript {
  return { onRequestHeaders: [forEachRemembered(resume()), remember()], returns };
}

/** Starts an HTTP call for each request, lets the request go on, and logs all of the answer. */
export function calls(cluster: string, timeoutMs: number): GuestScript {
  return {
    onRequestHeaders: [call(cluster, timeoutMs)],
    onHttpCallResponse: [
      say("answered"),
      answer(),
      pairs("pairs", answerHeaders),
      pairs("trailers", answerTrailers),
      body(),
    ],
  };
}

/** Requests wait for the answer to an HTTP call, and go on from its callback. */
export const resumesFromAnswer: GuestScript = {
  onRequestHeaders: [remember(), call("keys", 5_000)],
  returns: stopAllIterationAndWatermark,
  onHttpCallResponse: [
    forEachRemembered(
      pairs("headers", requestHeaders),
      property("request.path"),
      mark(),
      resume(),
      pairs("headers", requestHeaders),
    ),
  ],
};

/** Requests wait for the answer to an HTTP call, and are refused from its callback. Does something at a stream's end. */
export const repliesFromAnswer: GuestScript = {
  onRequestHeaders: [remember(), call("keys", 5_000)],
  returns: stopAllIterationAndWatermark,
  onHttpCallResponse: [
    forEachRemembered(pairs("headers", requestHeaders), mark(), reply(403), pairs("headers", requestHeaders)),
  ],
  onDelete: [say("deleted")],
};

/** Requests wait for the next tick. */
export const resumesFromTick: GuestScript = {
  onConfigure: [period(20)],
  onRequestHeaders: [remember()],
  returns: stopAllIterationAndWatermark,
  onTick: [forEachRemembered(mark(), resume())],
};

/** Logs when a stream is deleted, and what becomes of the attempt to reach it when an HTTP call is answered. */
export const missesStream: GuestScript = {
  onRequestHeaders: [remember(), call("keys", 5_000)],
  returns: stopAllIterationAndWatermark,
  onDelete: [say("deleted")],
  onHttpCallResponse: [forEachRemembered(resume()), answer()],
};

/** The first request waits, the second traps. */
export const trapsBesideWaiting: GuestScript = {
  onRequestHeaders: [trapIfRemembered(), remember()],
  returns: stopAllIterationAndWatermark,
};

/** Ticks once, 200 ms after it was configured. */
export const ticksOnce: GuestScript = {
  onConfigure: [say("configured"), period(200)],
  onTick: [say("ticked"), period(0)],
};

/** Asks for ticks every 10 ms, and at the first one for every 400 ms. */
export const ticksSlower: GuestScript = {
  onConfigure: [period(10)],
  onTick: [say("ticked"), period(400)],
};

/** Ticks all the time; its requests wait for the answer to an HTTP call. */
export const livesOn: GuestScript = {
  onConfigure: [say("configured"), period(50)],
  onTick: [say("ticked")],
  onRequestHeaders: [remember(), call("keys", 5_000)],
  returns: stopAllIterationAndWatermark,
  onHttpCallResponse: [say("answered"), forEachRemembered(mark(), resume())],
  onDelete: [say("deleted")],
};

export const readsEnvironment: GuestScript = { onConfigure: [environment()] };

/** Starts an HTTP call as soon as it is configured. */
export const callsWhenConfigured: GuestScript = {
  onConfigure: [call("keys", 5_000)],
  onHttpCallResponse: [say("answered")],
};

/** The version with which a value is written only if there is none. */
const onlyWhenAbsent = 0xffff_ffff;

/** Goes through what can be done with a value that VMs share, with a new key. */
export const sharesValue: GuestScript = {
  onRequestHeaders: [
    readShared("absent"),
    hasVersion(),
    writeShared("once", "first", onlyWhenAbsent),
    writeShared("once", "late", onlyWhenAbsent),
    readShared("once"),
    hasVersion(),
    writeShared("once", "second", "read"),
    writeShared("once", "late", "read"),
    readShared("once"),
    writeShared("once", "third", 0),
    readShared("once"),
    writeShared("once", "", 0),
    readShared("once"),
  ],
};

/** Offers a value and logs whose was first. */
export function offersValue(value: string): GuestScript {
  return { onRequestHeaders: [writeShared("offered", value, onlyWhenAbsent), readShared("offered")] };
}

const answerSeen = ["response.code", "response.code_details"].map((path) => propertyValue(path));

/** Looks at the answers of its requests at their ends. */
export const looksAtEnds: GuestScript = {
  onRequestHeaders: [],
  onDelete: [say("at its end"), ...answerSeen],
};

/** Looks at the answers of its requests in ticks, too. */
export const looksInTicks: GuestScript = {
  ...looksAtEnds,
  onConfigure: [period(20)],
  onRequestHeaders: [remember()],
  onTick: [forEachRemembered(say("in a tick"), ...answerSeen)],
};
