// Finds the rules that a path may fall under without asking all of them: each rule has a text that the paths it takes begin
// with, whole segments of it, and a path has only as many such beginnings as it has segments.

import { List } from "../host/list";
import { Region } from "../host/region";
import { Span, ABSENT, equals, lengthOf } from "../host/span";
import { Table, placeTable, tableBytes } from "../host/table";
import { finishHash, fnv1a } from "../text/hash";
import { IndexBucket, IndexEntry, PathMatch, Rule, RuleIndex } from "./policy";

/** @param isDecoded whether paths will be compared with what rules mean, or with what they spell */
export function indexRules(rules: List<Rule>, isDecoded: bool, region: Region): RuleIndex {
  const index = region.make<RuleIndex>();
  index.anywhere = region.make<List<Rule>>();
  index.buckets = region.make<Table<IndexBucket>>();
  placeTable(index.buckets, region.reserve(tableBytes<IndexBucket>(bucketsFor(rules.count))));
  let link = rules.first;
  while (link != null) {
    const rule = link.item;
    addRule(index, rule, isDecoded ? rule.decodedPath : rule.path, region);
    link = link.next;
  }
  return index;
}

/** The entry of a text; null when no rule has it. @param hash of `text`, begun with 0 and not finished */
export function entryOf(index: RuleIndex, text: Span, hash: u32): IndexEntry | null {
  return entryIn(bucketOf(index, finishHash(hash)), text, finishHash(hash));
}

function addRule(index: RuleIndex, rule: Rule, text: Span, region: Region): void {
  if (text == ABSENT) {
    index.anywhere.append(rule, region);
    return;
  }
  const entry = makeEntry(index, text, region);
  const rules = rule.pathMatch == PathMatch.Exact ? entry.exact : entry.below;
  rules.append(rule, region);
}

function makeEntry(index: RuleIndex, text: Span, region: Region): IndexEntry {
  const hash = fnv1a(text, 0);
  const bucket = bucketOf(index, hash);
  const known = entryIn(bucket, text, hash);
  if (known != null) return known;
  const entry = region.make<IndexEntry>();
  entry.text = text;
  entry.hash = hash;
  entry.exact = region.make<List<Rule>>();
  entry.below = region.make<List<Rule>>();
  entry.next = bucket.first;
  bucket.first = entry;
  index.longest = max(index.longest, lengthOf(text));
  return entry;
}

function bucketOf(index: RuleIndex, hash: u32): IndexBucket {
  return index.buckets.at(hash & (index.buckets.capacity - 1));
}

function entryIn(bucket: IndexBucket, text: Span, hash: u32): IndexEntry | null {
  let entry = bucket.first;
  while (entry != null) {
    if (entry.hash == hash && equals(entry.text, text)) return entry;
    entry = entry.next;
  }
  return null;
}

function bucketsFor(rules: i32): i32 {
  let buckets = 1;
  while (buckets < 2 * rules) buckets *= 2;
  return buckets;
}
