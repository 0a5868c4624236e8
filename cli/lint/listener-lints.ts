// What a policy takes for granted of its listener, and the listener does not do.

import type { Value } from "../value.ts";
import {
  clientTrafficOf,
  forwardsOtherwise as forwardsOtherwiseInGateway,
  resumptionOf,
  validatesNobody,
} from "./client-traffic-policy.ts";
import { seatOf } from "./envoy-seat.ts";
import { validationOf, tlsOf } from "./listener-tls.ts";
import { isIstioPlugin, concerns } from "./istio.ts";
import { bindsOf, type Finding, type Lint, presenterFrom, type Subject } from "./subject.ts";

export const listenerLints: readonly Lint[] = [
  {
    id: "listener-unvalidated",
    level: "warning",
    what: '`"validatedBy": "listener"` where the listener does not require and validate client certificates',
    find: isNotValidated,
  },
  {
    id: "resumption-denied",
    level: "warning",
    what: '`"validatedBy": "envoy"` where TLS sessions can be resumed: those who resume are denied',
    find: deniesWhoResumes,
  },
  {
    id: "resumption-unexamined",
    level: "note",
    what: "TLS sessions that can be resumed after the certificate has ended, without `examineCertificate`",
    find: outlivesCertificate,
  },
  {
    id: "forwarded-certificate",
    level: "warning",
    what: "`forward_client_cert_details` of the listener is not what the policy says of it",
    find: forwardsOtherwise,
  },
  {
    id: "address-from-header",
    level: "warning",
    what: "a `network` binding on addresses where Envoy takes them from `x-forwarded-for`",
    find: readsAddressFromHeader,
  },
  {
    id: "no-tls-inspector",
    level: "warning",
    what: "a `network` binding on `serverNames` at a listener without `tls_inspector`",
    find: seesNoServerName,
  },
];

function isNotValidated(subject: Subject): Finding[] {
  const { policy, found } = subject;
  if (presenterFrom(policy) !== "peer" || policy.presenter?.validatedBy !== "listener") return [];
  if (isIstioPlugin(found.container?.kind)) return takesPlaintextInIstio(subject);
  const traffic = clientTrafficOf(found.container, subject.scene);
  if (traffic.length > 0) return traffic.flatMap(validatesNobody);
  const chain = seatOf(found.container)?.chain;
  if (chain === undefined) return [];
  const tls = tlsOf(chain);
  if (tls === undefined) {
    const message =
      'the listener has no TLS: nobody can show a certificate, and every token is denied (peer_absent); "validatedBy": "listener" takes a DownstreamTlsContext with require_client_certificate and a validation_context';
    return [{ message, place: chain.place }];
  }
  return tls === "unknown" ? [] : [...doesNotValidate(tls), ...doesNotRequire(tls, policy)];
}

function doesNotValidate(tls: Value): Finding[] {
  const validation = validationOf(tls);
  if (validation === "elsewhere") return [];
  if (validation?.trusts !== true) {
    const message =
      'nothing says which certificates are trusted, so anybody can write any SPIFFE ID into one of his own: "validatedBy": "listener" takes a validation_context with a trusted_ca, or a SPIFFE validator';
    return [{ message, place: (validation?.context ?? tls).place }];
  }
  const untrusted = validation.context.get("trust_chain_verification");
  if (untrusted?.text === "ACCEPT_UNTRUSTED") {
    const message =
      'ACCEPT_UNTRUSTED lets self-signed certificates in, with any SPIFFE ID: "validatedBy": "listener" takes VERIFY_TRUST_CHAIN, the default';
    return [{ message, place: untrusted.place }];
  }
  const expired = validation.context.get("allow_expired_certificate");
  if (expired?.isTrue !== true) return [];
  const message =
    'certificates that have ended are let in: a key that was stolen long ago is still good; take allow_expired_certificate out, or set "examineCertificate"';
  return [{ message, place: expired.place }];
}

function doesNotRequire(tls: Value, { issuers = {} }: Subject["policy"]): Finding[] {
  const required = tls.get("require_client_certificate");
  const takesOutsiders = Object.values(issuers).some(
    ({ borders }) => borders?.["outside"] !== undefined && borders["outside"] !== "deny",
  );
  if (required?.isTrue === true || takesOutsiders) return [];
  const message =
    'clients may come without a certificate, and every token of theirs is denied (peer_absent): "validatedBy": "listener" takes require_client_certificate: true';
  return [{ message, place: (required ?? tls).place }];
}

/** In Istio PeerAuthentication decides what a listener takes. */
function takesPlaintextInIstio({ found: { container }, scene }: Subject): Finding[] {
  if (container === undefined) return [];
  return scene.manifests
    .filter((manifest) => manifest.kind === "PeerAuthentication" && concerns(manifest, container.manifest))
    .flatMap(({ root }) => {
      const spec = root.get("spec");
      const ports = spec?.get("portLevelMtls")?.children.map((port) => port.get("mode")) ?? [];
      return [spec?.get("mtls", "mode"), ...ports].flatMap((mode) => {
        if (mode === undefined || !/^(PERMISSIVE|DISABLE)$/.test(mode.text)) return [];
        const message = `mode is ${mode.text}: requests come without a certificate, and every token of theirs is denied (peer_absent); "validatedBy": "listener" takes STRICT`;
        return [{ message, place: mode.place }];
      });
    });
}

function deniesWhoResumes(subject: Subject): Finding[] {
  const { policy } = subject;
  const isEnvoy = (policy.presenter?.validatedBy ?? "envoy") === "envoy";
  if (presenterFrom(policy) !== "peer" || !isEnvoy) return [];
  return whereSessionsResume(subject).map(({ place, remedy }) => ({
    message: `clients resume TLS sessions, and Envoy calls no certificate of a resumed one validated: they are denied (peer_not_validated); ${remedy}, or "validatedBy": "listener" if the listener validates`,
    place,
  }));
}

function outlivesCertificate(subject: Subject): Finding[] {
  const { policy } = subject;
  const { validatedBy, examineCertificate } = policy.presenter ?? {};
  if (presenterFrom(policy) !== "peer" || validatedBy !== "listener" || examineCertificate === true)
    return [];
  return whereSessionsResume(subject).map(({ place, remedy }) => ({
    message: `a TLS session can be resumed after its certificate has ended, and is not validated again; set "examineCertificate" (Envoy 1.40 or later), or ${remedy}`,
    place,
  }));
}

function whereSessionsResume({ found: { container }, scene }: Subject) {
  const chain = seatOf(container)?.chain;
  if (chain === undefined) {
    const resumptions = clientTrafficOf(container, scene).map(resumptionOf);
    return resumptions.flatMap((value) =>
      value === undefined ? [] : [{ place: value.place, remedy: "leave resumption out" }],
    );
  }
  const tls = tlsOf(chain);
  if (tls === undefined || tls === "unknown") return [];
  const switches = ["disable_stateless_session_resumption", "disable_stateful_session_resumption"];
  if (switches.every((name) => tls.get(name)?.isTrue === true)) return [];
  return [{ place: tls.place, remedy: `set ${switches.join(" and ")}` }];
}

function forwardsOtherwise({ policy, found, scene }: Subject): Finding[] {
  const expected = policy.presenter?.forwardClientCertDetails;
  if (expected === undefined) return [];
  const manager = seatOf(found.container)?.manager;
  if (manager === undefined)
    return clientTrafficOf(found.container, scene).flatMap((spec) =>
      forwardsOtherwiseInGateway(spec, expected),
    );
  const details = manager.get("forward_client_cert_details");
  const actual = details?.text ?? "SANITIZE";
  if (actual !== expected) {
    const message = `forward_client_cert_details is ${actual}, and the policy reads x-forwarded-client-cert as ${expected} leaves it: it takes somebody else for the caller, or nobody; set both alike`;
    return [{ message, place: (details ?? manager).place }];
  }
  const set = manager.get("set_current_client_cert_details");
  if (expected !== "APPEND_FORWARD" || set?.get("uri")?.isTrue === true) return [];
  const message =
    "Envoy's own element of x-forwarded-client-cert has no URI, so it does not name the forwarder, and what it forwards is denied (xfcc_mismatch); set set_current_client_cert_details: { uri: true }";
  return [{ message, place: (set ?? details ?? manager).place }];
}

function readsAddressFromHeader({ policy, found }: Subject): Finding[] {
  const manager = seatOf(found.container)?.manager;
  if (manager === undefined || policy.presenter?.trustForwardedFor === true) return [];
  const remote = manager.get("use_remote_address");
  if (remote?.isTrue === true) return [];
  return bindsOf(policy).flatMap(([pointer, { network, firstUse }]) => {
    const asks = network?.sources !== undefined || network?.addressClaim !== undefined;
    if (!asks && firstUse?.by !== "address") return [];
    const message =
      'Envoy takes the address from x-forwarded-for where a client sends one, and it does not count then (source_unknown); set use_remote_address: true on the listener, or "trustForwardedFor" where only your own proxies can write that header';
    return [{ message, place: found.at(pointer) }];
  });
}

function seesNoServerName({ policy, found }: Subject): Finding[] {
  const listener = seatOf(found.container)?.listener;
  if (listener === undefined || inspectsTls(listener)) return [];
  return bindsOf(policy).flatMap(([pointer, { network }]) => {
    if (network?.serverNames === undefined) return [];
    const message =
      "the listener has no tls_inspector, so no server name is seen and the binding never holds (server_name_mismatch); add envoy.filters.listener.tls_inspector to its listener_filters";
    return [{ message, place: found.at(pointer) }];
  });
}

/** Envoy puts the inspector in by itself where a filter chain is chosen by what it finds. */
function inspectsTls(listener: Value): boolean {
  const inspectors = listener.get("listener_filters")?.children ?? [];
  const matches = listener.get("filter_chains")?.children.map((chain) => chain.get("filter_chain_match"));
  return (
    inspectors.some((filter) => /tls_?inspector/i.test(filter.toJson())) ||
    matches?.some(
      (match) => match?.has("server_names") === true || match?.has("application_protocols") === true,
    ) === true
  );
}
