// What is fetched from a server: from where, how often, and for how long without an answer.

import { JsonNode } from "../text/json";
import { endpoint, readEndpoint } from "./endpoint";
import { Fetched, Policy } from "./policy";
import { document, readDuration, region } from "./reader";
import { refuse } from "./refusal";
import { Content, Location } from "./source";

/** Seconds. */
const MAX_REFRESH: i64 = 24 * 60 * 60;
const MAX_STALE_FOR: i64 = 7 * 24 * 60 * 60;

/** Reads `cluster`, `path`, `authority`, `refresh` and `staleFor` of an object; the last two may be left out. */
export function readFetched(
  fetched: Fetched,
  node: JsonNode,
  content: Content,
  refresh: i64,
  staleFor: i64,
  policy: Policy,
): bool {
  const location = region.make<Location>();
  fetched.location = location;
  location.content = content;
  policy.fetched.append(fetched, region);
  if (!readEndpoint(node)) return false;
  location.cluster = endpoint.cluster;
  location.authority = endpoint.authority;
  location.path = endpoint.path;
  location.refresh = readDuration(node, "refresh", refresh);
  if (location.refresh < 1 || location.refresh > MAX_REFRESH)
    return refuse(document, document.member(node, "refresh"), 'a duration from "1s" to "24h"');
  fetched.staleFor = readDuration(node, "staleFor", max(staleFor, location.refresh));
  if (fetched.staleFor >= location.refresh && fetched.staleFor <= MAX_STALE_FOR) return true;
  return refuse(
    document,
    document.member(node, "staleFor"),
    'a duration up to "168h" and not below "refresh": what is older is not used',
  );
}
