import type { JWK } from "jose";
import { isScalar, parseDocument, visit } from "yaml";

/** A holdfast policy, as far as it is changed here. */
interface Policy {
  readonly issuers: Record<string, { readonly keys: unknown }>;
}

/**
 * Puts the whole policy into an Envoy configuration: each holdfast `configuration` keeps what it sets itself, the rest
 * comes from `policyJson`, and every issuer gets `keys`.
 * @throws Error when the configuration has no holdfast filter.
 */
export function fillPolicy(configuration: string, policyJson: string, keys: readonly JWK[]): string {
  const policy = withKeys(JSON.parse(policyJson) as Policy, keys);
  const document = parseDocument(configuration);
  let filled = 0;
  visit(document, {
    Map(_, node) {
      const value = node.get("value", true);
      if (!String(node.get("@type")).endsWith("/google.protobuf.StringValue") || !isScalar(value)) return;
      const changes = JSON.parse(String(value.value)) as Partial<Policy>;
      value.value = JSON.stringify({ ...policy, ...changes });
      filled += 1;
    },
  });
  if (filled === 0) throw new Error("the Envoy configuration has no holdfast filter");
  return document.toString({ lineWidth: 0 });
}

function withKeys(policy: Policy, keys: readonly JWK[]): Policy {
  const issuers = Object.entries(policy.issuers).map(([name, issuer]) => [
    name,
    { ...issuer, keys: { jwks: { keys } } },
  ]);
  return { ...policy, issuers: Object.fromEntries(issuers) as Policy["issuers"] };
}
