// What the proxy knows of itself: node metadata, as Istio writes them. They are the same for as long as the proxy lives.

import { ascii } from "../host/arena";
import { readProperty } from "../host/call";
import { Region } from "../host/region";
import { Span, ABSENT, FAILED, lengthOf, startsWith } from "../host/span";
import { line, startLine, writeAscii, writeBytes } from "../host/writer";
import { refuseSelf } from "../policy/load";
import { Border, Policy, PresenterFrom, crossingOf } from "../policy/policy";
import { isPathSegment } from "../text/spiffe_id";

const NAMESPACE = ascii("xds\0node\0metadata\0NAMESPACE");
const SERVICE_ACCOUNT = ascii("xds\0node\0metadata\0SERVICE_ACCOUNT");
const NODE_ID = ascii("xds\0node\0id");
const GATEWAY = ascii("router~");
const WAYPOINT = ascii("waypoint~");
const CLUSTER = ascii("xds\0node\0metadata\0CLUSTER_ID");

/** Notes in the policy what it has to know of this proxy. False, with a refusal, when it cannot do without and is not told. */
export function resolveSelf(policy: Policy, region: Region): bool {
  if (asksForCluster(policy)) policy.cluster = readText(CLUSTER, region);
  if (policy.from != PresenterFrom.Self) return true;
  if (isOthersProxy(readProperty(NODE_ID))) return refuseSelf();
  const namespace = readText(NAMESPACE, region);
  const account = readText(SERVICE_ACCOUNT, region);
  if (!isPathSegment(namespace) || !isPathSegment(account)) return refuseSelf();
  startLine();
  writeAscii("spiffe://");
  writeBytes(policy.trustDomain);
  writeAscii("/ns/");
  writeBytes(namespace);
  writeAscii("/sa/");
  writeBytes(account);
  policy.self = region.copy(line());
  return true;
}

function asksForCluster(policy: Policy): bool {
  let link = policy.issuers.first;
  while (link != null) {
    if (crossingOf(link.item, Border.Cluster) != null) return true;
    link = link.next;
  }
  return false;
}

/**
 * Istio's gateways and waypoints have outbound listeners, too, and others than their own workload come through these.
 * @param id "<kind>~<address>~<name>~<domain>" in Istio
 */
function isOthersProxy(id: Span): bool {
  return startsWith(id, GATEWAY) || startsWith(id, WAYPOINT);
}

function readText(path: Span, region: Region): Span {
  const text = readProperty(path);
  return text == FAILED || lengthOf(text) == 0 ? ABSENT : region.copy(text);
}
