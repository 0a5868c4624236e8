// Whom to ask about opaque tokens, and how to show that one may.  https://www.rfc-editor.org/rfc/rfc7662#section-2.1

import { ascii } from "../host/arena";
import { equalsAscii } from "../host/span";
import { JsonKind, JsonNode, NO_NODE } from "../text/json";
import { Introspector, Issuer, Proof } from "./policy";
import { document, hasOnly, isName, isText, orParent, readDuration, region } from "./reader";
import { refuse } from "./refusal";
import { endpoint, readEndpoint } from "./endpoint";

/** Seconds. */
const DEFAULT_CACHE_FOR: i64 = 30;
const MAX_CACHE_FOR: i64 = 60 * 60;

const UNVERIFIED_MEMBERS = ascii("header presenters acceptedBy borders egress introspection");
const INTROSPECTION_MEMBERS = ascii("cluster path authority credentials cacheFor");
const CREDENTIALS_MEMBERS = ascii("clientId secretFrom bearerFrom");
const EXPECTED =
  '"credentials": { "clientId": "...", "secretFrom": "VARIABLE" } or { "bearerFrom": "VARIABLE" }; never the secret itself';

export function readIntrospection(issuer: Issuer, node: JsonNode): bool {
  const server = document.member(node, "introspection");
  if (equalsAscii(document.stringOf(server), "upstream")) return leaveToUpstream(issuer, node);
  if (document.kind(server) != JsonKind.Object)
    return refuse(
      document,
      server,
      '{ "cluster": "...", "path": "/..." } to be asked, or "upstream": nobody is',
    );
  const iss = document.member(node, "issuer");
  if (!hasOnly(server, INTROSPECTION_MEMBERS) || !readEndpoint(server)) return false;
  if (iss != NO_NODE && !isText(iss))
    return refuse(document, iss, 'the "iss" that the server\'s answers must have');
  const introspector = region.make<Introspector>();
  introspector.cluster = endpoint.cluster;
  introspector.authority = endpoint.authority;
  introspector.path = endpoint.path;
  introspector.issuer = region.copy(document.stringOf(iss));
  issuer.introspector = introspector;
  issuer.proof = Proof.Introspection;
  return (
    readCacheFor(introspector, server) &&
    readCredentials(introspector, document.member(server, "credentials"))
  );
}

/** Nobody here knows what the token says. */
function leaveToUpstream(issuer: Issuer, node: JsonNode): bool {
  issuer.proof = Proof.Upstream;
  return hasOnly(node, UNVERIFIED_MEMBERS);
}

function readCacheFor(introspector: Introspector, node: JsonNode): bool {
  introspector.cacheFor = readDuration(node, "cacheFor", DEFAULT_CACHE_FOR);
  if (introspector.cacheFor >= 1 && introspector.cacheFor <= MAX_CACHE_FOR) return true;
  return refuse(document, document.member(node, "cacheFor"), 'a duration from "1s" to "1h"');
}

function readCredentials(introspector: Introspector, node: JsonNode): bool {
  if (node == NO_NODE) return true;
  if (document.kind(node) != JsonKind.Object) return refuse(document, node, EXPECTED);
  if (!hasOnly(node, CREDENTIALS_MEMBERS)) return false;
  const clientId = document.member(node, "clientId");
  const isBasic = clientId != NO_NODE;
  const secret = document.member(node, isBasic ? "secretFrom" : "bearerFrom");
  if (document.countIn(node) != (isBasic ? 2 : 1) || secret == NO_NODE)
    return refuse(document, node, EXPECTED);
  if (isBasic && !isText(clientId)) return refuse(document, clientId, "the client's ID");
  if (!isName(document.stringOf(secret)))
    return refuse(
      document,
      orParent(secret, node),
      "the name of an environment variable, not the secret itself",
    );
  introspector.clientId = region.copy(document.stringOf(clientId));
  introspector.secretFrom = region.copy(document.stringOf(secret));
  introspector.secretNode = secret;
  return true;
}

/** The variable with the secret is not there. */
export function refuseSecret(introspector: Introspector): bool {
  return refuse(
    document,
    introspector.secretNode,
    "a variable of the VM (vm_config.environment_variables; Istio: vmConfig.env) with 1 to 4,096 bytes, for bearerFrom visible ASCII with no line break at its end",
  );
}
