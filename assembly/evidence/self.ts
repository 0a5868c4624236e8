// What the proxy knows of itself: node metadata, as Istio writes them. They are the same for as long as the proxy lives.

import { ascii } from "../host/arena";
import { readProperty } from "../host/call";
import { Region } from "../host/region";
import { Span, ABSENT, FAILED, byteAt, lengthOf, startsWith } from "../host/span";
import { line, startLine, writeAscii, writeBytes } from "../host/writer";
import { refuseExamination, refuseSelf } from "../policy/load";
import { Border, Policy, PresenterFrom, crossingOf } from "../policy/policy";
import { isPathSegment } from "../text/spiffe_id";

const NAMESPACE = ascii("xds\0node\0metadata\0NAMESPACE");
const SERVICE_ACCOUNT = ascii("xds\0node\0metadata\0SERVICE_ACCOUNT");
const MAJOR = ascii("xds\0node\0user_agent_build_version\0version\0major_number");
const MINOR = ascii("xds\0node\0user_agent_build_version\0version\0minor_number");
const NODE_ID = ascii("xds\0node\0id");
const GATEWAY = ascii("router~");
const WAYPOINT = ascii("waypoint~");
const CLUSTER = ascii("xds\0node\0metadata\0CLUSTER_ID");

/** The Envoy whose attributes begin to show the peer's certificate. */
const FIRST_MAJOR: i32 = 1;
const FIRST_MINOR: i32 = 40;

/** Notes in the policy what it has to know of this proxy. False, with a refusal, when it cannot do without and is not told. */
export function resolveSelf(policy: Policy, region: Region): bool {
  if (policy.examinesCertificate && hidesCertificates()) return refuseExamination();
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

/** True for an Envoy that says of itself that it is too old; of one that says nothing it shows on the first request. */
function hidesCertificates(): bool {
  const major = readProperty(MAJOR);
  const minor = readProperty(MINOR);
  if (lengthOf(major) == 0 || lengthOf(minor) == 0) return false;
  const isOlder = byteAt(major, 0) < FIRST_MAJOR || byteAt(minor, 0) < FIRST_MINOR;
  return isOlder && byteAt(major, 0) <= FIRST_MAJOR;
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
