// What is legal and unwise in a policy, whatever loads it.

import {
  type Bind,
  type Finding,
  jwtAuthnKeysOf,
  type Lint,
  type Policy,
  presenterFrom,
  type Rule,
  type Subject,
} from "./subject.ts";

export const policyLints: readonly Lint[] = [
  {
    id: "observe-mode",
    level: "warning",
    what: "the policy, or a rule, only observes",
    find: observes,
  },
  {
    id: "no-audience",
    level: "warning",
    what: "an issuer without `audiences`",
    find: hasNoAudience,
  },
  {
    id: "unbound-token",
    level: "warning",
    what: "a rule whose `bind`, or one alternative in it, holds nothing of the token against its presenter",
    find: leavesTokensUnbound,
  },
  {
    id: "rotation-off",
    level: "warning",
    what: "a `certificate` binding without `rotation`: tokens are refused once the certificate rotates",
    find: losesRotatedTokens,
  },
  {
    id: "waypoint-cnf",
    level: "note",
    what: "the default binding at a waypoint, which denies a token whose `cnf` names a certificate",
    find: needsCertificateAtWaypoint,
  },
  {
    id: "metadata-only",
    level: "warning",
    what: "`proxyPrincipals` or `priorActors` for tokens of which only jwt_authn's metadata are read",
    find: readsWhatMetadataLack,
  },
  {
    id: "wit-without-wpt",
    level: "warning",
    what: "an issuer of WITs in a policy without `wpt`",
    find: takesNoProofs,
  },
  {
    id: "routed-origins",
    level: "warning",
    what: '`dpop` with `"origins": "routed"`',
    find: takesProofsForAnyHost,
  },
  {
    id: "unsigned-feed",
    level: "warning",
    what: "a revocation feed that nobody has signed",
    find: believesAnyFeed,
  },
  {
    id: "stale-passes",
    level: "warning",
    what: '`"onStale": "warn"`: while the feed or status list is out, what was taken back passes',
    find: passesWhileStale,
  },
];

function observes({ policy, found }: Subject): Finding[] {
  const finding = (pointer: string, what: string): Finding => ({
    message: `${what} only records what it would deny; set "mode" to "enforce" once the counters say that nobody is denied who should not be`,
    place: found.at(pointer),
  });
  const rules = (policy.rules ?? []).flatMap(({ mode, name = "" }, i) =>
    mode === "observe" ? [finding(`/rules/${i}/mode`, `rule "${name}"`)] : [],
  );
  return policy.mode === "observe" ? [finding("/mode", "the policy"), ...rules] : rules;
}

function hasNoAudience({ policy, found }: Subject): Finding[] {
  return Object.entries(policy.issuers ?? {}).flatMap(([name, issuer]) => {
    const needsNone = isWit(issuer.kind) || issuer.introspection === "upstream";
    if (issuer.audiences !== undefined || needsNone || everyRuleAsks(policy, name)) return [];
    const message = `issuer "${name}" has no "audiences": a token that was issued for another service is good here; name those that mean this one`;
    return [{ message, place: found.at(`/issuers/${name}`) }];
  });
}

/** Whether every rule that takes an issuer's tokens names audiences itself. */
function everyRuleAsks({ issuers = {}, rules }: Policy, name: string): boolean {
  const taking = rules?.filter((rule) => rule.token !== "none" && issuersOf(issuers, rule).includes(name));
  return taking?.every(({ audiences }) => audiences !== undefined) ?? false;
}

function leavesTokensUnbound({ policy, found }: Subject): Finding[] {
  return (policy.rules ?? []).flatMap((rule, i) => {
    const { name = "", bind = [] } = rule;
    const weak = bind.findIndex((one) => !tiesToken(one) && !leavesDefault(one));
    if (weak < 0 || bind.some(tiesToken) || takesWitsOnly(policy, rule)) return [];
    const what = bind[weak]?.anyOf === undefined ? '"bind"' : 'one alternative of "anyOf"';
    const message = `rule "${name}": ${what} asks who comes and not whose the token is: a stolen one is good for whoever else the rule admits; add a binding that reads the token, such as "spiffe" with a "claim"`;
    return [{ message, place: found.at(`/rules/${i}/bind/${weak}`) }];
  });
}

/** Whether a binding holds something that the token says against its presenter: what docs/reach.md calls bound. */
function tiesToken(bind: Bind): boolean {
  if (bind.anyOf !== undefined) return bind.anyOf.every(tiesToken);
  if (bind.spiffe !== undefined) return bind.spiffe.patterns === undefined;
  return !leavesDefault(bind);
}

/** With nothing but these in a rule's `bind` the default binding has to hold as well. */
function leavesDefault({ cel, network }: Bind): boolean {
  return cel !== undefined || (network !== undefined && network.addressClaim === undefined);
}

/** No WIT is good without a proof of its key. */
function takesWitsOnly({ issuers = {} }: Policy, rule: Rule): boolean {
  return issuersOf(issuers, rule).every((name) => isWit(issuers[name]?.kind));
}

function issuersOf(issuers: object, rule: Rule): readonly string[] {
  return rule.issuers ?? Object.keys(issuers);
}

function isWit(kind: string | undefined): boolean {
  return kind === "wit" || kind === "wit-svid";
}

function losesRotatedTokens({ policy, found }: Subject): Finding[] {
  return (policy.rules ?? []).flatMap(({ name = "", bind = [] }, i) =>
    bind.flatMap((one, j) => {
      if (one.certificate === undefined || one.certificate.rotation !== undefined) return [];
      const message = `rule "${name}": a token is refused once its workload's certificate rotates (SPIRE: every 30 minutes); see "rotation"`;
      return [{ message, place: found.at(`/rules/${i}/bind/${j}`) }];
    }),
  );
}

function needsCertificateAtWaypoint({ policy, found }: Subject): Finding[] {
  if (presenterFrom(policy) !== "waypoint") return [];
  const rules = policy.rules ?? [{ name: "default" }];
  return rules.flatMap(({ name = "", bind, token }, i) => {
    if (bind !== undefined || token === "none") return [];
    const message = `rule "${name}" has no "bind": a waypoint sees no certificate, so a token whose "cnf" names one is denied, and every other needs the presenter's SPIFFE ID as its "sub"; write a "bind" if your tokens are others`;
    return [{ message, place: found.at(policy.rules === undefined ? "/presenter/from" : `/rules/${i}`) }];
  });
}

function readsWhatMetadataLack({ policy, found }: Subject): Finding[] {
  const { issuers = {} } = policy;
  return (policy.rules ?? []).flatMap((rule, i) => {
    const blind = issuersOf(issuers, rule).find((name) => {
      const keys = jwtAuthnKeysOf(issuers[name] ?? {});
      return keys !== undefined && keys.payloadHeader === undefined;
    });
    if (blind === undefined) return [];
    return (rule.bind ?? []).flatMap(({ proxyPrincipals, actor }, j) => {
      if (proxyPrincipals === undefined && actor?.priorActors === undefined) return [];
      const what = proxyPrincipals === undefined ? "earlier actors" : "a list of proxies";
      const message = `rule "${rule.name ?? ""}": jwt_authn's metadata do not show ${what}, so tokens of issuer "${blind}" that have some are denied; give its "jwt_authn" a "payloadHeader"`;
      return [{ message, place: found.at(`/rules/${i}/bind/${j}`) }];
    });
  });
}

function takesNoProofs({ policy, found }: Subject): Finding[] {
  if (policy.wpt !== undefined) return [];
  return Object.entries(policy.issuers ?? {}).flatMap(([name, { kind = "" }]) => {
    if (!isWit(kind)) return [];
    const message = `issuer "${name}" is of kind "${kind}", whose tokens are good with a proof only, and the policy judges none: all are denied; add "wpt"`;
    return [{ message, place: found.at(`/issuers/${name}/kind`) }];
  });
}

function takesProofsForAnyHost({ policy, found }: Subject): Finding[] {
  if (policy.dpop?.origins !== "routed") return [];
  const message =
    '"routed" takes a proof for whatever host the client has called: whoever makes it call another one that leads here can use that proof; name your own origins';
  return [{ message, place: found.at("/dpop/origins") }];
}

function believesAnyFeed({ policy, found }: Subject): Finding[] {
  if (policy.revoked?.feed?.unsigned !== true) return [];
  const message =
    'nobody signs this feed: whoever answers in its server\'s place gives back every token that was taken back; sign it, and name the key in its "keys"';
  return [{ message, place: found.at("/revoked/feed/unsigned") }];
}

function passesWhileStale({ policy, found }: Subject): Finding[] {
  const lists = Object.entries(policy.issuers ?? {}).flatMap(([name, { statusLists = [] }]) =>
    statusLists.map(({ onStale }, i) => [`/issuers/${name}/statusLists/${i}/onStale`, onStale] as const),
  );
  const all = [...lists, ["/revoked/feed/onStale", policy.revoked?.feed?.onStale] as const];
  return all.flatMap(([pointer, onStale]) => {
    if (onStale !== "warn") return [];
    const message =
      'while the server does not answer, tokens that were taken back since pass: whoever can cut it off chooses when; leave "onStale" at "deny" unless an outage is worse';
    return [{ message, place: found.at(pointer) }];
  });
}
