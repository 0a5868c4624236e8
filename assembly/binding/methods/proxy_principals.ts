// The `proxyPrincipals` binding: Athenz lists in `cnf` the proxies that may present a token which is bound to somebody else's
// certificate. As read by libs/java/auth_core/src/main/java/com/yahoo/athenz/auth/token/AccessToken.java of AthenZ/athenz.

import { ABSENT, equals } from "../../host/span";
import { Reason } from "../../decision/reason";
import { Presenter } from "../../evidence/presenter";
import { JsonDocument, JsonKind, JsonNode, NO_NODE } from "../../text/json";

/** @param list the value of `proxy-principals#spiffe`: SPIFFE IDs */
export function proveProxy(document: JsonDocument, list: JsonNode, presenter: Presenter): Reason {
  if (document.kind(list) != JsonKind.Array) return Reason.cnf_malformed;
  let isListed = false;
  for (let n = document.firstIn(list); n != NO_NODE; n = document.nextIn(list, n)) {
    const principal = document.stringOf(n);
    if (principal == ABSENT) return Reason.cnf_malformed;
    if (presenter.spiffeId != ABSENT && equals(principal, presenter.spiffeId)) isListed = true;
  }
  return isListed ? Reason.ok : Reason.certificate_mismatch;
}
