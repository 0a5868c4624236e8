// Counters of what happens beside the verdicts. Envoy shows them as `wasmcustom.holdfast.<name>`.

import { Content } from "../policy/source";
import { addToCounter, defineCounter } from "../host/call";
import { Table, tableForever } from "../host/table";
import { line, startLine, writeAscii } from "../host/writer";

export const enum Event {
  /** A key server answered with a document whose keys are now in force. */
  KeysFetched = 0,
  /** It said that nothing had changed. */
  KeysConfirmed = 1,
  /** It could not be reached, or answered with another status. */
  KeysFailed = 2,
  /** Its document was refused. */
  KeysRefused = 3,
  /** Keys of a document that are good for something else. */
  KeysPassedOver = 4,
  /** A signature need not be checked, since it was before. */
  TokenHit = 5,
  /** A token was not remembered, or its key is another by now. */
  TokenMiss = 6,
  /** A remembered token had to go for another. */
  TokenEviction = 7,
  /** An introspection server was asked about a token. */
  IntrospectionAsked = 8,
  /** It could not be asked, or said nothing that helps. */
  IntrospectionFailed = 9,
  /** A token passed with another certificate than the one it names, since its workload was seen with that one. */
  RotationSeen = 10,
  /** A token passed with another certificate than the one it names, since the live one was made after the token. */
  RotationRenewed = 11,
  /** An upstream has taken a token, and it could not be noted whose it is, or it was somebody else's by then. */
  FirstUseLost = 12,
  /** As with keys: what was taken back, and status lists. */
  RevocationsFetched = 13,
  RevocationsConfirmed = 14,
  RevocationsFailed = 15,
  RevocationsRefused = 16,
  /** A request passed though nobody could say what was taken back, since the policy lets it. */
  RevocationsStale = 17,
}

/** What came of asking a server; in the order of the events. */
export const enum FetchStep {
  Fetched = 0,
  Confirmed = 1,
  Failed = 2,
  Refused = 3,
}

const EVENTS: i32 = 18;
const UNDEFINED: i32 = -1;

@unmanaged
class Counter {
  id: i32;
}

const counters: Table<Counter> = tableForever<Counter>(EVENTS);
let areDefined: bool = false;

/** Makes every counter known to the host, once in a VM. */
export function defineEvents(): void {
  if (areDefined) return;
  areDefined = true;
  for (let event: Event = 0; event < EVENTS; event++) {
    startLine();
    writeAscii("holdfast.");
    writeAscii(nameOf(event));
    counters.at(event).id = defineCounter(line());
  }
}

export function countEvent(event: Event): void {
  countEvents(event, 1);
}

export function countFetch(content: Content, step: FetchStep): void {
  countEvent(<i32>(content == Content.Keys ? Event.KeysFetched : Event.RevocationsFetched) + <i32>step);
}

export function countEvents(event: Event, times: i32): void {
  const id = counters.at(event).id;
  if (times > 0 && areDefined && id != UNDEFINED) addToCounter(id, times);
}

function nameOf(event: Event): string {
  switch (event) {
    case Event.KeysFetched:
      return "keys.fetched";
    case Event.KeysConfirmed:
      return "keys.confirmed";
    case Event.KeysFailed:
      return "keys.failed";
    case Event.KeysRefused:
      return "keys.refused";
    case Event.KeysPassedOver:
      return "keys.passed_over";
    case Event.TokenHit:
      return "token_cache.hit";
    case Event.TokenMiss:
      return "token_cache.miss";
    case Event.TokenEviction:
      return "token_cache.eviction";
    case Event.IntrospectionAsked:
      return "introspection.asked";
    case Event.IntrospectionFailed:
      return "introspection.failed";
    case Event.RotationSeen:
      return "rotation.seen";
    case Event.FirstUseLost:
      return "first_use.lost";
    case Event.RotationRenewed:
      return "rotation.renewed";
    case Event.RevocationsFetched:
      return "revocations.fetched";
    case Event.RevocationsConfirmed:
      return "revocations.confirmed";
    case Event.RevocationsFailed:
      return "revocations.failed";
    case Event.RevocationsRefused:
      return "revocations.refused";
    default:
      return "revocations.stale";
  }
}
