// How far the issuer's tokens may travel, and where this one is.

import { trustDomainOf } from "../spiffe-id.ts";
import type { Progress, StepName } from "./progress.ts";
import { holding, type Issuer, type Scene, type Step } from "./scene.ts";

export function boundarySteps(scene: Scene, progress: Progress): Step[] {
  const { policy, issuer, rule, outcome, request, claims } = scene;
  const { presenter, border } = outcome.record;
  const line = (step: StepName, name: string, expected: string, found: string | undefined): Step => {
    const holds = progress.held(step);
    const says = holds === undefined ? "not looked at" : holds ? "holds" : "does not hold";
    const shown = found === undefined ? {} : { found };
    return { step: "boundary", name, says, expected, ...shown, ...holding(holds) };
  };
  if (issuer === undefined) return [];
  const domains = trustDomainsOf(scene);
  const audiences = [issuer.audiences, rule?.audiences].filter((list) => list !== undefined);
  const aud = claims?.["aud"];
  const said = aud === undefined ? "no aud" : `aud ${JSON.stringify(aud)}`;
  const found = claims === undefined ? undefined : `${said}${scene.isVerified ? "" : " (unverified)"}`;
  return [
    ...(domains === undefined
      ? []
      : [line("trustDomain", "trust domain", domains, trustDomainOf(presenter ?? ""))]),
    ...(border === undefined ? [] : [line("border", "border", borderRule(issuer, border), border)]),
    ...(issuer.presenters === undefined
      ? []
      : [line("presenters", "presenters", oneOf(issuer.presenters), presenter)]),
    ...(issuer.acceptedBy === undefined
      ? []
      : [line("acceptedBy", "acceptedBy", oneOf(issuer.acceptedBy), request.peer?.localUriSan ?? "absent")]),
    ...(audiences.length === 0
      ? []
      : [line("audience", "audience", audiences.map(oneOf).join(", and "), found)]),
    ...(policy.presenter?.from === "self"
      ? [line("egress", "egress", 'a host of "egress"', request.authority ?? "localhost")]
      : []),
  ];
}

/** Undefined in a policy that takes any, or for a presenter without an identity. */
function trustDomainsOf({ policy, outcome }: Scene): string | undefined {
  const { trustDomain, trustDomainAliases = [], federatedTrustDomains = [] } = policy;
  if (trustDomain === undefined || outcome.record.presenter === undefined) return undefined;
  return oneOf([trustDomain, ...trustDomainAliases, ...federatedTrustDomains]);
}

function borderRule({ borders = {} }: Issuer, border: string): string {
  const own = borders[border];
  if (own === "deny") return "closed by the policy";
  if (own !== undefined) {
    const count = own.bind?.length ?? 0;
    return count === 0 ? "open" : `open, with ${count} ${count === 1 ? "binding" : "bindings"} more`;
  }
  return border === "same" || border === "cluster"
    ? "no border"
    : "closed, since the policy does not open it";
}

export function oneOf(texts: readonly string[]): string {
  return texts.length === 1 ? (texts[0] ?? "") : `one of ${texts.join(", ")}`;
}
