// How far an issuer's tokens may travel: who may present them at all, whatever binding holds.

import { Reason } from "../decision/reason";
import { Presenter } from "../evidence/presenter";
import { Issuer } from "../policy/policy";
import { matchesAny } from "../text/spiffe_pattern";

export function checkPresenter(issuer: Issuer, presenter: Presenter): Reason {
  if (issuer.presenters.count == 0) return Reason.ok;
  return matchesAny(issuer.presenters, presenter.spiffeId) ? Reason.ok : Reason.presenter_not_admitted;
}
