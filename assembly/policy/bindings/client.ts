// What `client` says: for each OAuth client, who may present its tokens.

import { ascii } from "../../host/arena";
import { List } from "../../host/list";
import { Span, ABSENT } from "../../host/span";
import { JsonKind, JsonNode, NO_NODE } from "../../text/json";
import { Binding, Client, Method } from "../policy";
import { document, hasOnly, orParent, readPatternList, region } from "../reader";
import { refuse } from "../refusal";

const MEMBERS = ascii("presenters");
/** Clients of one binding, at most. */
const MAX_CLIENTS: i32 = 1000;

export function readClients(binding: Binding, node: JsonNode): bool {
  binding.method = Method.Client;
  if (!hasOnly(node, MEMBERS)) return false;
  const table = document.member(node, "presenters");
  if (document.kind(table) != JsonKind.Object || document.firstIn(table) == NO_NODE)
    return refuse(
      document,
      orParent(table, node),
      '"presenters": { "<client ID>": ["spiffe://cluster.local/ns/shop/sa/web"] }',
    );
  if (document.countIn(table) > MAX_CLIENTS) return refuse(document, table, "at most 1,000 clients");
  for (let n = document.firstIn(table); n != NO_NODE; n = document.nextIn(table, n)) {
    if (document.textOf(n) == ABSENT) return refuse(document, n, "a client's ID");
    const client = region.make<Client>();
    client.id = region.copy(document.textOf(n));
    client.presenters = region.make<List<Span>>();
    if (!readPatternList(document.valueOf(n), client.presenters)) return false;
    binding.clients.append(client, region);
  }
  return true;
}
