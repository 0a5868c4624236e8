// Says why a policy was refused: the place as a JSON pointer, what was expected there, the nearest known name.

import { takeForever } from "../host/arena";
import { Span, ABSENT, byteAt, lengthOf, setByte, spanOf } from "../host/span";
import {
  line,
  startLine,
  writeAscii,
  writeByte,
  writeBytes,
  writeDecimal,
  writeMasked,
} from "../host/writer";
import { Char } from "../text/ascii";
import { JsonDocument, JsonKind, JsonNode, NO_NODE, ROOT } from "../text/json";

/** Bytes of a name from the policy that a message shows. */
const SHOWN: i32 = 64;
/** Names are near when at most this many letters have to change. */
const NEAR: i32 = 3;
/** Longest name that is compared. */
const MAX_NAME: i32 = 40;

/** What is being judged, as the first words of a refusal. */
let subject: string = "policy";
let cluster: Span = ABSENT;
let path: Span = ABSENT;

let sought: Span = ABSENT;
let nearest: Span = ABSENT;
let nearestDistance: i32 = 0;

/** Names what refusals are about from here on: a thing, and the cluster and path it came from when it was fetched. */
export function startJudging(thing: string, fromCluster: Span, fromPath: Span): void {
  subject = thing;
  cluster = fromCluster;
  path = fromPath;
}

/** One message, composed in place; always false, so that a loader can return it. */
export function refuse(document: JsonDocument, node: JsonNode, expected: string): bool {
  startRefusal();
  writeByte(Char.Quote);
  writePointer(document, node);
  writeAscii('": expected ');
  writeAscii(expected);
  return false;
}

/**
 * As `refuse`, for a value that should be one of several. It is not shown: what stands where it should not may be a secret.
 * Near ones may then be offered with `offer` and `finishOffers`.
 */
export function refuseValue(document: JsonDocument, node: JsonNode, found: Span, expected: string): bool {
  refuse(document, node, expected);
  sought = found;
  nearest = ABSENT;
  nearestDistance = NEAR + 1;
  return false;
}

/** As `refuseValue`, for a name, which is shown. */
export function refuseName(document: JsonDocument, node: JsonNode, found: Span, expected: string): bool {
  refuseValue(document, node, found, expected);
  writeAscii(", found ");
  writeByte(Char.Quote);
  writeMasked(found, SHOWN);
  writeByte(Char.Quote);
  return false;
}

/** A name that may have been meant in the refusal under way. */
export function offer(name: Span): void {
  const distance = distanceBetween(sought, name);
  if (distance >= nearestDistance || distance >= lengthOf(name)) return;
  nearestDistance = distance;
  nearest = name;
}

/** Adds `; did you mean "name"?` with the nearest name that was offered, when one is near. */
export function finishOffers(): bool {
  if (nearest == ABSENT) return false;
  writeAscii('; did you mean "');
  writeBytes(nearest);
  writeAscii('"?');
  return false;
}

/** A rule that never decides, because `earlier` takes every request that it would. */
export function refuseUnreachable(document: JsonDocument, node: JsonNode, earlier: Span): bool {
  refuse(document, node, 'a rule that can be reached; the earlier rule "');
  writeBytes(earlier);
  writeAscii('" takes all its requests');
  return false;
}

/** There is no room for the policy, whatever it says. */
export function refuseRoom(): bool {
  startLine();
  writeAscii(
    "policy refused: expected at most 4,096 plugin configurations and 1,024 key servers alive in one VM; old ones end with their connections",
  );
  return false;
}

/** The whole text was not JSON, so there is no pointer yet: the byte where reading stopped stands for it. */
export function refuseText(stoppedAt: i32, expected: string): bool {
  startRefusal();
  writeAscii("byte ");
  writeDecimal(stoppedAt);
  writeAscii(": expected ");
  writeAscii(expected);
  return false;
}

/** The message of the last refusal; valid until the next line is composed. */
export function refusal(): Span {
  return line();
}

function startRefusal(): void {
  startLine();
  writeAscii(subject);
  if (cluster != ABSENT) {
    writeAscii(" from cluster ");
    writeMasked(cluster, SHOWN);
    writeAscii(", path ");
    writeMasked(path, SHOWN);
  }
  writeAscii(" refused at ");
}

/** RFC 6901: found by descending from the root to the container that holds `node`. */
function writePointer(document: JsonDocument, node: JsonNode): void {
  let container = ROOT;
  while (container != node && container != NO_NODE) {
    container = writeStep(document, container, node);
  }
}

/** Writes the step from `container` towards `node` and gives where it leads. */
function writeStep(document: JsonDocument, container: JsonNode, node: JsonNode): JsonNode {
  let index = 0;
  for (let n = document.firstIn(container); n != NO_NODE; n = document.nextIn(container, n), index++) {
    const next = document.nextIn(container, n);
    if (next != NO_NODE && next <= node) continue;
    writeByte(Char.Slash);
    if (document.kind(n) != JsonKind.Name) {
      writeDecimal(index);
      return n;
    }
    writePointerName(document.textOf(n));
    return n == node ? node : document.valueOf(n);
  }
  return NO_NODE;
}

function writePointerName(name: Span): void {
  for (let i = 0; i < min(lengthOf(name), SHOWN); i++) {
    const byte = byteAt(name, i);
    if (byte == Char.Tilde) writeAscii("~0");
    else if (byte == Char.Slash) writeAscii("~1");
    else writeByte(byte > Char.Space && byte < Char.Delete && byte != Char.Quote ? byte : Char.QuestionMark);
  }
}

/** One row of the distance table; no distance that is kept needs more than a byte. */
const row: Span = spanOf(takeForever(MAX_NAME + 1), MAX_NAME + 1);

/** Levenshtein distance; 255 when either name is too long to be compared. */
function distanceBetween(left: Span, right: Span): i32 {
  const width = lengthOf(left);
  if (width > MAX_NAME || lengthOf(right) > MAX_NAME) return 255;
  for (let j = 0; j <= width; j++) setByte(row, j, j);
  for (let i = 0; i < lengthOf(right); i++) {
    let diagonal = byteAt(row, 0);
    setByte(row, 0, i + 1);
    for (let j = 1; j <= width; j++) {
      const above = byteAt(row, j);
      const replaced = diagonal + (byteAt(left, j - 1) == byteAt(right, i) ? 0 : 1);
      setByte(row, j, min(replaced, min(above, byteAt(row, j - 1)) + 1));
      diagonal = above;
    }
  }
  return byteAt(row, width);
}
