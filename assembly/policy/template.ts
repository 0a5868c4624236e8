// Path templates: a path is taken apart once, and each template asked about its segments.

import { List } from "../host/list";
import { Span, ABSENT, equals, indexOf, lengthOf, slice } from "../host/span";
import { tableForever } from "../host/table";
import { Char } from "../text/ascii";
import { Segment, SegmentKind } from "./policy";

/** Segments of a template, at most. */
export const MAX_SEGMENTS: i32 = 32;

@unmanaged
class Part {
  text: Span;
}

/** The first segments of the path at hand: one more than a template can have. */
const parts = tableForever<Part>(MAX_SEGMENTS + 1);
/** -1 while the path was not taken apart. */
let partCount: i32 = 0;
let path: Span = ABSENT;

/** Names the path that templates are to be asked about. */
export function startPath(text: Span): void {
  path = text;
  partCount = -1;
}

/** True when a template takes the path at hand. @param isDecoded whether it is to be compared with what templates mean */
export function takesSegments(template: List<Segment>, isDecoded: bool): bool {
  if (partCount < 0) takeApart();
  let i = 0;
  let link = template.first;
  while (link != null) {
    const segment = link.item;
    if (i == partCount) return false;
    if (segment.kind == SegmentKind.Rest) return true;
    if (!takesText(segment, parts.at(i).text, isDecoded)) return false;
    i++;
    link = link.next;
  }
  return i == partCount;
}

function takeApart(): void {
  partCount = 0;
  let at = 1;
  while (at <= lengthOf(path) && partCount < parts.capacity) {
    const slash = indexOf(path, Char.Slash, at);
    const end = slash < 0 ? lengthOf(path) : slash;
    parts.at(partCount++).text = slice(path, at, end);
    at = end + 1;
  }
}

function takesText(segment: Segment, text: Span, isDecoded: bool): bool {
  if (segment.kind == SegmentKind.Any) return lengthOf(text) > 0;
  return equals(isDecoded ? segment.decodedText : segment.text, text);
}

/** True when `earlier` takes every path that `later` does. */
export function coversSegments(earlier: List<Segment>, later: List<Segment>): bool {
  let left = earlier.first;
  let right = later.first;
  while (left != null && right != null) {
    if (left.item.kind == SegmentKind.Rest) return true;
    if (!coversSegment(left.item, right.item)) return false;
    left = left.next;
    right = right.next;
  }
  return left == null && right == null;
}

/** `earlier` is not `Rest`. */
function coversSegment(earlier: Segment, later: Segment): bool {
  if (later.kind == SegmentKind.Literal) return takesText(earlier, later.decodedText, true);
  return later.kind == SegmentKind.Any && earlier.kind == SegmentKind.Any;
}

/** True when a template takes everything below what it takes. */
export function endsInRest(template: List<Segment>): bool {
  let link = template.first;
  while (link != null) {
    if (link.item.kind == SegmentKind.Rest) return true;
    link = link.next;
  }
  return false;
}
