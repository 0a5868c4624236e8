// Each fact about the presenter, as the connection shows it: present, absent or malformed. Nothing is judged here.

import { X509Certificate } from "node:crypto";
import { DEFAULT_ADDRESS } from "../host/properties/connection.ts";
import { trustDomainOf } from "../spiffe-id.ts";
import { headersNamed, type Scene, type Step } from "./scene.ts";

const XFCC = "x-forwarded-client-cert";
const TUNNEL_PRINCIPAL = "filter_state.io.istio.peer_principal";
const XFCC_REASONS = ["xfcc_malformed", "xfcc_mismatch"];

type Fact = Pick<Step, "says" | "found">;

export function evidenceSteps(scene: Scene): Step[] {
  const facts = factsOf(scene);
  return Object.entries(facts).flatMap(([name, fact]) =>
    fact === undefined ? [] : [{ step: "evidence", name, ...fact }],
  );
}

function factsOf(scene: Scene): Readonly<Record<string, Fact | undefined>> {
  const { policy, request } = scene;
  switch (policy.presenter?.from) {
    case "waypoint": {
      const principal = request.properties?.[TUNNEL_PRINCIPAL];
      return { "tunnel principal": spiffeId(typeof principal === "string" ? principal : undefined) };
    }
    case "self":
      return {
        "own workload": present(scene.outcome.record.presenter),
        authority: present(request.authority),
      };
    default:
      return { ...connectionFacts(scene), ...forwarderFacts(scene) };
  }
}

function connectionFacts(scene: Scene): Readonly<Record<string, Fact | undefined>> {
  const { policy, request, issuer } = scene;
  const peer = request.peer ?? {};
  const showsCertificate = peer.certPem !== undefined || policy.presenter?.examineCertificate === true;
  return {
    mTLS: peer.mtls === true ? { says: "present" } : { says: "absent" },
    validated: validation(scene),
    "SPIFFE ID": spiffeId(peer.uriSan),
    "certificate digest": digest(peer.certSha256),
    certificate: showsCertificate ? certificate(scene) : undefined,
    address: address(peer.address),
    SNI: present(peer.sni),
    "own SPIFFE ID": issuer?.acceptedBy === undefined ? undefined : spiffeId(peer.localUriSan),
  };
}

function validation({ policy, request: { peer }, envoy }: Scene): Fact {
  if (peer?.mtls !== true) return { says: "absent" };
  if (policy.presenter?.validatedBy === "listener")
    return { says: "present", found: "asserted by the policy, of the listener" };
  if (envoy === "1.37") return { says: "absent", found: "Envoy 1.37 does not say it" };
  return peer.validated === true
    ? { says: "present", found: "said by Envoy" }
    : { says: "absent", found: "Envoy says no" };
}

function spiffeId(id: string | undefined): Fact {
  if (id === undefined || id === "") return { says: "absent" };
  return { says: trustDomainOf(id) === undefined ? "malformed" : "present", found: id };
}

function digest(hex: string | undefined): Fact {
  if (hex === undefined || hex === "") return { says: "absent" };
  const thumbprint = thumbprintOf(hex);
  return thumbprint === undefined
    ? { says: "malformed", found: "expected 64 lowercase hex digits" }
    : { says: "present", found: `x5t#S256 ${thumbprint}` };
}

/** As `cnf` has it (RFC 8705); undefined for what is no SHA-256 in hex. */
export function thumbprintOf(hex: string | undefined): string | undefined {
  return hex !== undefined && /^[0-9a-f]{64}$/.test(hex)
    ? Buffer.from(hex, "hex").toString("base64url")
    : undefined;
}

function certificate({ request: { peer }, envoy }: Scene): Fact {
  if (envoy === "1.37") return { says: "absent", found: "Envoy 1.37 does not show it" };
  if (peer?.certPem === undefined) return { says: "absent" };
  try {
    const { validFrom, validTo } = new X509Certificate(peer.certPem);
    return { says: "present", found: `good from ${validFrom} to ${validTo}` };
  } catch {
    return { says: "malformed" };
  }
}

function address(given: string | undefined): Fact {
  if (given === undefined)
    return { says: "present", found: `${DEFAULT_ADDRESS}, since the request has none` };
  if (!/^(\d+\.\d+\.\d+\.\d+|\[[0-9a-f:.]+\]):\d+$/i.test(given)) return { says: "malformed", found: given };
  const isForwarded = given.endsWith(":0");
  return { says: "present", found: isForwarded ? `${given}, from x-forwarded-for` : given };
}

function present(value: string | undefined): Fact {
  return value === undefined || value === "" ? { says: "absent" } : { says: "present", found: value };
}

/** Whose word about other workloads came along, and whether it counts. */
function forwarderFacts({ policy, request, outcome }: Scene): Readonly<Record<string, Fact | undefined>> {
  const sent = headersNamed(request.headers, XFCC);
  const forwarders = policy.presenter?.forwarders;
  if (forwarders === undefined)
    return { XFCC: sent.length === 0 ? undefined : { says: "present", found: "not read: no forwarders" } };
  const { forwarder } = outcome.record;
  const isForwarder = forwarders.includes(request.peer?.uriSan ?? "");
  const isMalformed = sent.length > 0 && XFCC_REASONS.includes(outcome.reason);
  const read = isForwarder ? {} : { found: "not read: the live peer is no forwarder" };
  const xfcc = isMalformed ? { says: "malformed" } : { says: "present", ...read };
  return { forwarder: present(forwarder), XFCC: sent.length === 0 ? { says: "absent" } : xfcc };
}
