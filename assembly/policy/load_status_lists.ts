// The status lists that an issuer's tokens may name: what a token says is only compared with them, and never followed.

import { ascii } from "../host/arena";
import { JsonKind, JsonNode, NO_NODE } from "../text/json";
import { readFetched } from "./load_fetched";
import { readOnStale } from "./load_revoked";
import { Issuer, Policy, Proof, StatusSource, statusSourceOf } from "./policy";
import { REFUSED, document, hasOnly, isText, orParent, region } from "./reader";
import { refuse } from "./refusal";
import { signersOf } from "./signers";
import { Content } from "./source";

const MEMBERS = ascii("uri cluster path authority refresh staleFor onStale");
const MAX_LISTS: i32 = 16;
/** Seconds. */
const DEFAULT_REFRESH: i64 = 5 * 60;
const DEFAULT_STALE_FOR: i64 = 15 * 60;

export function readStatusLists(issuer: Issuer, list: JsonNode, policy: Policy): bool {
  if (list == NO_NODE) return true;
  if (issuer.proof != Proof.Signature)
    return refuse(document, list, 'nothing here without "keys" of our own, which lists are signed with, too');
  if (document.kind(list) != JsonKind.Array || document.firstIn(list) == NO_NODE)
    return refuse(document, list, 'a list such as [{ "uri": "...", "cluster": "...", "path": "/..." }]');
  if (document.countIn(list) > MAX_LISTS) return refuse(document, list, "at most 16 status lists");
  for (let n = document.firstIn(list); n != NO_NODE; n = document.nextIn(list, n)) {
    if (!readStatusList(issuer, n, policy)) return false;
  }
  return true;
}

function readStatusList(issuer: Issuer, node: JsonNode, policy: Policy): bool {
  if (!hasOnly(node, MEMBERS)) return false;
  const uri = document.member(node, "uri");
  if (!isText(uri) || statusSourceOf(issuer, document.stringOf(uri)) != null)
    return refuse(document, orParent(uri, node), '"uri": the list as tokens name it, each once');
  const source = StatusSource.make(region);
  source.uri = region.copy(document.stringOf(uri));
  if (!readFetched(source.fetched, node, Content.StatusList, DEFAULT_REFRESH, DEFAULT_STALE_FOR, policy))
    return false;
  source.fetched.location!.subject = source.uri;
  source.fetched.location!.signers = region.copy(signersOf(issuer.keys!));
  const passesStale = readOnStale(node);
  source.passesStale = passesStale == 1;
  issuer.statusLists.append(source, region);
  return passesStale != REFUSED;
}
