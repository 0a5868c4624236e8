// The `client` binding: the OAuth client that the token was issued to is run by this presenter, as the policy's table has it.
// https://www.rfc-editor.org/rfc/rfc9068#section-2.2  https://openid.net/specs/openid-connect-core-1_0.html#IDToken (azp)

import { ascii } from "../../host/arena";
import { List } from "../../host/list";
import { ABSENT, equals } from "../../host/span";
import { Reason } from "../../decision/reason";
import { Presenter } from "../../evidence/presenter";
import { Client } from "../../policy/policy";
import { NO_NODE } from "../../text/json";
import { matchesAny } from "../../text/spiffe_pattern";
import { VerifiedClaims } from "../../token/verified_claims";

export const CLIENT_ID = ascii("client_id");
export const AZP = ascii("azp");

export function proveClient(claims: VerifiedClaims, clients: List<Client>, presenter: Presenter): Reason {
  const byId = claims.at(CLIENT_ID);
  const byAzp = claims.at(AZP);
  if (byId == NO_NODE && byAzp == NO_NODE) return Reason.client_absent;
  const id = claims.document.stringOf(byId == NO_NODE ? byAzp : byId);
  const other = claims.document.stringOf(byAzp == NO_NODE ? byId : byAzp);
  // Two claims that name two clients are no name.
  if (id == ABSENT || !equals(id, other)) return Reason.client_malformed;
  if (presenter.spiffeId == ABSENT) return Reason.spiffe_id_absent;
  let link = clients.first;
  while (link != null) {
    const client = link.item;
    if (equals(client.id, id))
      return matchesAny(client.presenters, presenter.spiffeId) ? Reason.ok : Reason.client_mismatch;
    link = link.next;
  }
  return Reason.client_unknown;
}
