// Which server a policy wants asked, as keys and introspection both name it.

import { makeForever } from "../host/arena";
import { Span, byteAt, indexOf, lengthOf } from "../host/span";
import { Char, isVisible } from "../text/ascii";
import { JsonNode, NO_NODE } from "../text/json";
import { document, isText, orParent, region } from "./reader";
import { refuse } from "./refusal";

/** Bytes of a path or an authority, at most. */
const MAX_ENDPOINT_BYTES: i32 = 2048;

@unmanaged
class Endpoint {
  cluster: Span;
  authority: Span;
  path: Span;
}

/** What `readEndpoint` read last, in the policy's region. */
export const endpoint = makeForever<Endpoint>();

/** Reads `cluster`, `path` and `authority` of an object. */
export function readEndpoint(node: JsonNode): bool {
  const cluster = document.member(node, "cluster");
  const path = document.member(node, "path");
  const authority = document.member(node, "authority");
  if (!isText(cluster))
    return refuse(document, orParent(cluster, node), '"cluster": the name of an Envoy cluster');
  if (!isRequestPath(document.stringOf(path)))
    return refuse(document, orParent(path, node), '"path": a path on that server, such as "/jwks"');
  if (authority != NO_NODE && !isHost(document.stringOf(authority)))
    return refuse(document, authority, 'the server\'s name, such as "idp.example" or "idp.example:8443"');
  endpoint.cluster = region.copy(document.stringOf(cluster));
  endpoint.path = region.copy(document.stringOf(path));
  endpoint.authority = authority == NO_NODE ? endpoint.cluster : region.copy(document.stringOf(authority));
  return true;
}

/** Starts with a slash and has only what may stand in a request line. */
function isRequestPath(text: Span): bool {
  return byteAt(text, 0) == Char.Slash && isPrintable(text);
}

function isHost(text: Span): bool {
  return lengthOf(text) > 0 && isPrintable(text) && indexOf(text, Char.Slash, 0) < 0;
}

function isPrintable(text: Span): bool {
  if (lengthOf(text) > MAX_ENDPOINT_BYTES) return false;
  for (let i = 0; i < lengthOf(text); i++) {
    if (!isVisible(byteAt(text, i))) return false;
  }
  return true;
}
