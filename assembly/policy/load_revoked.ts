// The policy's `revoked`.

import { ascii, takeSpan } from "../host/arena";
import { Span, lengthOf } from "../host/span";
import { decodeInto } from "../text/base64url";
import { parseDecimal } from "../text/decimal";
import { JsonKind, JsonNode, NO_NODE, ROOT } from "../text/json";
import { isWorkloadId } from "../text/spiffe_id";
import { DIGEST_BYTES } from "../crypto/sha256";
import { Policy, issuerNamed } from "./policy";
import { document, hasOnly, isText, region } from "./reader";
import { refuse } from "./refusal";
import { IssuedBefore, Revocations, RevokedBy } from "./revocations";

const MEMBERS = ascii("ids subjects keys tokens presenters certificates issuedBefore");
/** Entries of all lists together. */
const MAX_ENTRIES: i32 = 10_000;

export function readRevoked(policy: Policy): bool {
  const node = document.member(ROOT, "revoked");
  if (node == NO_NODE) return true;
  if (!hasOnly(node, MEMBERS)) return false;
  const count = countEntries(node);
  if (count > MAX_ENTRIES) return refuse(document, node, "at most 10,000 entries");
  const revocations = Revocations.make(count, region);
  policy.revocations = revocations;
  return (
    readList(revocations, document.member(node, "ids"), RevokedBy.Id) &&
    readList(revocations, document.member(node, "subjects"), RevokedBy.Subject) &&
    readList(revocations, document.member(node, "keys"), RevokedBy.Key) &&
    readList(revocations, document.member(node, "tokens"), RevokedBy.Token) &&
    readList(revocations, document.member(node, "presenters"), RevokedBy.Presenter) &&
    readList(revocations, document.member(node, "certificates"), RevokedBy.Certificate) &&
    readIssuedBefore(revocations, document.member(node, "issuedBefore"), policy)
  );
}

function countEntries(node: JsonNode): i32 {
  let count = 0;
  for (let n = document.firstIn(node); n != NO_NODE; n = document.nextIn(node, n))
    count += document.countIn(document.valueOf(n));
  return count;
}

function readList(revocations: Revocations, list: JsonNode, by: RevokedBy): bool {
  if (list == NO_NODE) return true;
  if (document.kind(list) != JsonKind.Array) return refuse(document, list, "a list");
  for (let n = document.firstIn(list); n != NO_NODE; n = document.nextIn(list, n)) {
    if (!isText(n) || !isOfKind(document.stringOf(n), by)) return refuse(document, n, expectedOf(by));
    revocations.add(by, region.copy(document.stringOf(n)), region);
  }
  return true;
}

function isOfKind(text: Span, by: RevokedBy): bool {
  if (by == RevokedBy.Presenter) return isWorkloadId(text);
  if (by != RevokedBy.Token && by != RevokedBy.Certificate) return true;
  const digest = takeSpan(DIGEST_BYTES);
  return lengthOf(digest) == DIGEST_BYTES && decodeInto(text, digest);
}

function expectedOf(by: RevokedBy): string {
  switch (by) {
    case RevokedBy.Presenter:
      return "a workload's SPIFFE ID";
    case RevokedBy.Token:
    case RevokedBy.Certificate:
      return "a SHA-256 in base64url, 43 characters";
    default:
      return "a string that is not empty and not too long";
  }
}

function readIssuedBefore(revocations: Revocations, node: JsonNode, policy: Policy): bool {
  if (node == NO_NODE) return true;
  if (document.kind(node) != JsonKind.Object) return refuse(document, node, '{ "<issuer>": 1700000000 }');
  for (let n = document.firstIn(node); n != NO_NODE; n = document.nextIn(node, n)) {
    const value = document.valueOf(n);
    const before = region.make<IssuedBefore>();
    before.time = document.kind(value) == JsonKind.Number ? parseDecimal(document.textOf(value)) : -1;
    if (issuerNamed(policy.issuers, document.textOf(n)) == null)
      return refuse(document, n, 'the name of an entry in "issuers"');
    if (before.time < 1) return refuse(document, value, "seconds since 1970");
    before.issuer = region.copy(document.textOf(n));
    revocations.issuedBefore.append(before, region);
  }
  return true;
}
