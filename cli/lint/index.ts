import type { FoundPolicy } from "../policies.ts";
import type { Report } from "../report.ts";
import { backstopLints } from "./backstop-lints.ts";
import { jwtAuthnLints } from "./jwt-authn-lints.ts";
import { listenerLints } from "./listener-lints.ts";
import { neighbourLints } from "./neighbour-lints.ts";
import { pluginLints } from "./plugin-lints.ts";
import { policyLints } from "./policy-lints.ts";
import { type Lint, policyOf, type Scene } from "./subject.ts";
import { versionLints } from "./version-lints.ts";

/** All that is legal and unwise, in the order of docs/command.md. */
export const LINTS: readonly Lint[] = [
  ...policyLints,
  ...pluginLints,
  ...backstopLints,
  ...listenerLints,
  ...jwtAuthnLints,
  ...neighbourLints,
  ...versionLints,
];

/**
 * @param found a policy that the filter accepts
 * @param scene what was given with it
 */
export function lint(found: FoundPolicy, scene: Scene): Report[] {
  const subject = { policy: policyOf(found), found, scene };
  return LINTS.flatMap(({ id, level, find }) =>
    find(subject).map((finding) => ({
      level: finding.level ?? level,
      rule: id,
      message: finding.message,
      ...finding.place,
    })),
  );
}
