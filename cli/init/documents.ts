import { Document } from "yaml";
import type { Answers } from "./questions.ts";

/** A first policy: it only observes. */
export function policyFor(answers: Answers): object {
  const { kind, audience, trustDomain } = answers;
  return {
    mode: "observe",
    trustDomain,
    presenter: { from: "peer", validatedBy: "listener" },
    ...(kind === "wit-svid" && { wpt: { audiences: [audience] } }),
    issuers: { main: issuerFor(answers) },
    // Their `sub` is no SPIFFE ID, which the default compares.
    ...(kind === "kubernetes" && { rules: [{ name: "default", bind: [{ kubernetes: {} }] }] }),
  };
}

function issuerFor({ kind, issuer, audience, jwksCluster, jwksPath, trustDomain }: Answers): object {
  const authority = hostOf(jwksCluster);
  const keys = { cluster: jwksCluster, path: jwksPath, ...(authority !== undefined && { authority }) };
  switch (kind) {
    case "jwt-svid":
      return { kind, trustDomain, audiences: [audience], keys };
    case "wit-svid":
      return { kind, trustDomain, keys };
    case "kubernetes":
      return { kind, issuer, audiences: [audience], keys };
    default:
      return { issuer, audiences: [audience], keys };
  }
}

/** Of one of Istio's clusters: `outbound|443||idp.example`. Its own name would be no host. */
function hostOf(cluster: string): string | undefined {
  const [direction, , , host] = cluster.split("|");
  return direction === "outbound" && host !== "" ? host : undefined;
}

/** The same policy for Istio. */
export function manifestFor(policy: object): string {
  const document = new Document({
    apiVersion: "extensions.istio.io/v1alpha1",
    kind: "WasmPlugin",
    metadata: { name: "holdfast", namespace: "default" },
    spec: {
      selector: { matchLabels: { app: "orders" } },
      url: "oci://registry.example.org/holdfast:0.1.0",
      phase: "AUTHN",
      // Without it Istio loads the plugin for what the workload sends, too.
      match: [{ mode: "SERVER" }],
      failStrategy: "FAIL_RELOAD",
      pluginConfig: policy,
    },
  });
  document.commentBefore =
    " Put in your own namespace, label and image.\n" +
    ' The workload has to take mTLS only (PeerAuthentication STRICT): that is what validatedBy "listener" relies on.';
  return document.toString({ lineWidth: 0 });
}
