// What the proxy remembers from other requests: what was taken back, who came first, which proofs are spent.

import type { Progress } from "./progress.ts";
import { headersNamed, holding, type Scene, type Step } from "./scene.ts";

const PROOF_HEADERS = ["dpop", "workload-proof-token"];

export function stateSteps(scene: Scene, progress: Progress): Step[] {
  const { policy, issuer, rule, request, outcome } = scene;
  const line = (name: string, holds: boolean | undefined, good: string): Step[] =>
    holds === undefined
      ? []
      : [{ step: "state", name, says: holds ? good : outcome.reason, ...holding(holds) }];
  const isRevocable = policy.revoked !== undefined || issuer?.statusLists !== undefined;
  const isPresenterRevoked = progress.held("presenterRevoked") === false;
  const hasProof = PROOF_HEADERS.some((header) => headersNamed(request.headers, header).length > 0);
  const bindsFirstUse = rule?.bind?.some((binding) => "firstUse" in binding) === true;
  const isHeldFirst = outcome.bindings.some(({ method }) => method === "firstUse");
  return [
    ...(isRevocable
      ? line("revocation", isPresenterRevoked ? false : progress.held("revoked"), "nothing was taken back")
      : []),
    ...(bindsFirstUse && isHeldFirst
      ? line("first use", progress.held("firstUse"), "nobody else has shown the token")
      : []),
    ...(hasProof && (outcome.reason === "ok" || progress.held("replay") === false)
      ? line("replay", progress.held("replay"), "the proof was not used before")
      : []),
  ];
}
