// What is kept of an admitted request so that it can be judged again, and how it is recalled.

import { makeForever } from "../host/arena";
import { PairReader, PairWriter } from "../host/pairs";
import { Span, ABSENT, byteAt, equalsAscii } from "../host/span";
import { evaluateAll } from "../evidence/expressions";
import { Presenter } from "../evidence/presenter";
import { Policy, Rule, headerSpelled } from "../policy/policy";
import { Char } from "../text/ascii";
import { fnv1a } from "../text/hash";
import { inquiry } from "./inquiry";
import { LiveStream, follow, newcomer } from "./live_streams";

const pairs = makeForever<PairReader>();
const kept = makeForever<PairWriter>();

/**
 * Has an admitted request judged again as its rule asks for. False when it cannot be followed.
 * @param headers pairs as they came
 * @param endsAt milliseconds since 1970 when what it was admitted by ends
 */
export function followUp(policy: Policy, rule: Rule, presenter: Presenter, headers: Span, endsAt: i64): bool {
  newcomer.id = inquiry.stream;
  newcomer.root = inquiry.root;
  newcomer.holder = inquiry.holder;
  newcomer.dueAt = inquiry.now + rule.revalidateEvery * 1000;
  newcomer.endsAt = endsAt;
  newcomer.headers = headersThatCount(policy, rule, headers);
  newcomer.expressionsHash = hashOfExpressions(rule);
  evaluateAll(rule, presenter);
  newcomer.trueExpressions = presenter.trueExpressions;
  newcomer.keyThumbprint = presenter.keyThumbprint;
  return follow(newcomer);
}

/** Envoy evaluates an expression in the request's own callback only: what was found then counts, as long as the rule asks the same. */
export function recallExpressions(stream: LiveStream, rule: Rule, presenter: Presenter): void {
  const isSame = stream.expressionsHash == hashOfExpressions(rule);
  presenter.recallExpressions(isSame ? stream.trueExpressions : 0);
}

function hashOfExpressions(rule: Rule): u32 {
  let hash: u32 = 0;
  let link = rule.bind.expressions.first;
  while (link != null) {
    hash = fnv1a(link.item.text, hash);
    link = link.next;
  }
  return hash;
}

/** The header pairs that rules and tokens are read from, and no others; absent when they are too many. */
function headersThatCount(policy: Policy, rule: Rule, headers: Span): Span {
  let count = 0;
  pairs.start(headers);
  while (pairs.next()) if (counts(policy, rule, pairs.name)) count++;
  kept.start(count);
  pairs.start(headers);
  while (pairs.next()) if (counts(policy, rule, pairs.name)) kept.add(pairs.name, pairs.value);
  return kept.finish();
}

function counts(policy: Policy, rule: Rule, name: Span): bool {
  if (byteAt(name, 0) == Char.Colon) return !equalsAscii(name, ":scheme");
  if (equalsAscii(name, "authorization") || equalsAscii(name, "x-forwarded-client-cert")) return true;
  return headerSpelled(policy.headerNames, name) != ABSENT || headerSpelled(rule.headers, name) != ABSENT;
}
