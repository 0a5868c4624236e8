// Who is behind a forwarder: a gateway that ends mTLS and says in `x-forwarded-client-cert` whom it saw. Its word is taken only while
// it is itself the live peer, and only as far as Envoy vouches for where in the header its word stands.

import { Span, ABSENT, FAILED, equals, lengthOf } from "../host/span";
import { Reason } from "../decision/reason";
import { Forwarding, Policy, hasText } from "../policy/policy";
import { Presenter } from "./presenter";
import { Xfcc, XfccElement } from "./xfcc";

const xfcc = Xfcc.make();

/** True when the live peer is one whose word about its clients the policy takes. */
export function isForwarder(policy: Policy, presenter: Presenter): bool {
  return policy.forwarding != Forwarding.None && hasText(policy.forwarders, presenter.spiffeId);
}

/**
 * Makes the presenter whoever the live peer, a forwarder, speaks for.
 * @param header the one `x-forwarded-client-cert` of the request; absent when there is none
 */
export function becomeForwarded(policy: Policy, presenter: Presenter, header: Span): Reason {
  const live = presenter.spiffeId;
  presenter.becomeClientOf(live);
  if (lengthOf(header) == 0) return Reason.caller_absent;
  if (!xfcc.parse(header)) return Reason.xfcc_malformed;
  const isAppended = policy.forwarding == Forwarding.AppendForward;
  // Envoy has added the live peer itself; were it somebody else, the header would not be what the policy takes it for.
  if (isAppended && !equals(xfcc.element(xfcc.count - 1).uri, live)) return Reason.xfcc_mismatch;
  return takeCallers(policy, presenter, xfcc.count - (isAppended ? 2 : 1), live);
}

/** From the element at `place` back to the first client that is no forwarder itself: each forwarder speaks for the one before it. */
function takeCallers(policy: Policy, presenter: Presenter, place: i32, live: Span): Reason {
  let writer = live;
  for (let i = place; i >= 0; i--) {
    if (hasWrittenBefore(i, writer)) return Reason.xfcc_mismatch;
    const reason = takeCaller(presenter, xfcc.element(i), writer);
    if (reason != Reason.ok || !hasText(policy.forwarders, presenter.spiffeId)) return reason;
    writer = presenter.spiffeId;
    presenter.becomeClientOf(live);
  }
  return Reason.caller_absent;
}

/**
 * Envoy writes names from certificates as they are, so that one with a comma in it looks like an element more. A forwarder writes one
 * element, and its real one stands before what a name pretends.
 */
function hasWrittenBefore(place: i32, writer: Span): bool {
  for (let i = 0; i < place; i++) {
    if (equals(xfcc.element(i).by, writer)) return true;
  }
  return false;
}

/** An element is the forwarder's own word when `By` names the forwarder; Envoy leaves `By` out where it has no URI SAN. */
function takeCaller(presenter: Presenter, element: XfccElement, live: Span): Reason {
  if (element.by != ABSENT && !equals(element.by, live)) return Reason.xfcc_mismatch;
  if (element.uri == FAILED) return Reason.spiffe_id_malformed;
  if (element.hash == FAILED) return Reason.certificate_digest_malformed;
  const reason = presenter.setUriSan(element.uri);
  if (reason != Reason.ok) return reason == Reason.spiffe_id_absent ? Reason.caller_absent : reason;
  return element.hash == ABSENT ? Reason.ok : presenter.setCertificateDigest(element.hash);
}
