// What `certificate` may say: nothing, or how a token may outlive its certificate.

import { ascii } from "../../host/arena";
import { ABSENT } from "../../host/span";
import { JsonNode, NO_NODE } from "../../text/json";
import { parseClaimPath } from "../claim_path";
import { Bind, Binding, MAX_WINDOW, Method, Policy, PresenterFrom, Rotation } from "../policy";
import { document, hasOnly, orParent, readDuration, region } from "../reader";
import { refuse } from "../refusal";

const MEMBERS = ascii("rotation");
const ROTATION_MEMBERS = ascii("claim window");

export function readCertificate(
  binding: Binding,
  node: JsonNode,
  bind: Bind,
  policy: Policy,
  isOuter: bool,
): bool {
  binding.method = Method.Certificate;
  if (policy.from != PresenterFrom.Peer)
    return refuse(document, node, 'no certificate binding but with "peer": nothing else sees a certificate');
  if (!hasOnly(node, MEMBERS)) return false;
  const rotation = document.member(node, "rotation");
  if (rotation == NO_NODE) return true;
  if (!isOuter)
    return refuse(document, rotation, 'no rotation within an "anyOf": it says how cnf may be proven');
  return readRotation(bind, rotation);
}

function readRotation(bind: Bind, node: JsonNode): bool {
  if (!hasOnly(node, ROTATION_MEMBERS)) return false;
  const rotation = region.make<Rotation>();
  const claim = document.member(node, "claim");
  rotation.claim = parseClaimPath(document.stringOf(claim), region);
  if (rotation.claim == ABSENT)
    return refuse(
      document,
      orParent(claim, node),
      '"claim": the path to the claim with the full SPIFFE ID of the token\'s workload, such as "sub"',
    );
  rotation.window = readDuration(node, "window", -1);
  if (rotation.window < 1 || rotation.window > MAX_WINDOW)
    return refuse(
      document,
      orParent(document.member(node, "window"), node),
      '"window": for how long the certificate may be another one, from "1s" to "24h"',
    );
  bind.rotation = rotation;
  return true;
}
