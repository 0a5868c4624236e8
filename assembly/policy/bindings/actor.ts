// What `actor` may say: whose names for an actor count, and, if the policy wants it, who acted before.

import { ascii } from "../../host/arena";
import { JsonNode } from "../../text/json";
import { Binding, Method } from "../policy";
import { hasOnly, readPatterns, readStrings } from "../reader";

const MEMBERS = ascii("issuers priorActors");

export function readActor(binding: Binding, node: JsonNode): bool {
  binding.method = Method.Actor;
  return (
    hasOnly(node, MEMBERS) &&
    readStrings(node, "issuers", binding.issuers) &&
    readPatterns(node, "priorActors", binding.patterns)
  );
}
