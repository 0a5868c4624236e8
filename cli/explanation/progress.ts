import type { ReasonName } from "../../docs/reference/reason-notes.ts";
import type { Outcome } from "../proxy.ts";

/**
 * The steps of a request in the order of assembly/filter/request.ts, and the reasons that each ends with. Reasons that several steps end
 * with (`host_unavailable`, `claim_malformed`) are left out: of them it cannot be told how far the request came.
 */
const STEPS = {
  request: ["path_ambiguous", "no_rule", "method_ambiguous", "authority_ambiguous", "header_ambiguous"],
  credential: [
    ...["token_absent", "scheme_unsupported", "token_in_query", "authorization_malformed", "token_too_large"],
    ...["token_malformed", "token_header_malformed", "token_header_forbidden", "token_type_unsupported"],
    ...["token_payload_malformed", "issuer_unknown", "token_duplicate", "jwt_authn_absent"],
    ...["token_not_required", "token_optional_absent"],
  ],
  presenter: [
    ...["peer_absent", "peer_not_validated", "spiffe_id_absent", "spiffe_id_malformed", "caller_absent"],
    ...["xfcc_malformed", "xfcc_mismatch", "listener_not_outbound"],
  ],
  presenterRevoked: ["presenter_revoked"],
  trustDomain: ["trust_domain_foreign"],
  border: ["border_closed", "cluster_unknown"],
  presenters: ["presenter_not_admitted"],
  acceptedBy: ["service_not_admitted"],
  examined: ["certificate_hidden", "certificate_unreadable", "certificate_ambiguous", "certificate_expired"],
  signature: [
    ...["algorithm_unsupported", "algorithm_mismatch", "key_unknown", "key_ambiguous", "key_unconfirmed"],
    ...["signature_malformed", "signature_invalid", "jwt_authn_mismatch", "keys_absent", "keys_stale"],
    ...["keys_busy", "failures_exceeded", "token_inactive", "introspection_unavailable"],
    ...["introspection_busy", "answer_pending"],
  ],
  kind: ["id_token", "claim_forbidden", "subject_malformed"],
  exp: ["expiry_absent", "token_expired"],
  nbf: ["token_not_yet_valid"],
  iat: ["token_issued_in_future", "issued_at_absent"],
  maxAge: ["token_too_old"],
  maxLifetime: ["lifetime_too_long"],
  audience: ["audience_mismatch"],
  egress: ["egress_host_not_admitted"],
  revoked: [
    ...["token_revoked", "certificate_revoked", "status_malformed", "status_list_unknown"],
    ...["status_not_valid", "revocations_absent", "revocations_stale"],
  ],
  proof: [
    ...["proof_absent", "proof_duplicate", "proof_malformed", "proof_type_unsupported"],
    ...["proof_algorithm_unsupported", "proof_key_unusable", "proof_signature_invalid"],
    ...["proof_claim_malformed", "proof_method_mismatch", "proof_target_mismatch", "proof_expired"],
    ...["proof_not_yet_valid", "proof_token_mismatch", "proof_nonce_absent", "dpop_scheme_required"],
    ...["proof_lifetime_too_long", "proof_other_token_mismatch"],
  ],
  // Whatever a binding ends with is in the record.
  bindings: [],
  firstUse: ["first_use_mismatch", "token_quarantined", "first_use_full", "first_use_busy"],
  replay: ["proof_replayed", "replay_table_full", "replay_table_busy", "replay_unknown"],
} as const satisfies Readonly<Record<string, readonly ReasonName[]>>;

export type StepName = keyof typeof STEPS;

const NAMES = Object.keys(STEPS) as readonly StepName[];
/** These end a request without anything being wrong. */
const ENDS_WELL = ["token_not_required", "token_optional_absent"];

/** How far a request came. */
export class Progress {
  readonly #reason: string;
  /** The step that the request ended with; -1 where that cannot be told. */
  readonly #end: number;

  constructor({ reason, bindings }: Outcome) {
    this.#reason = reason;
    const isByBinding = bindings.some(({ held, reason: why }) => !held && why === reason);
    this.#end = NAMES.findIndex((name) =>
      isByBinding && !isOf("firstUse", reason) ? name === "bindings" : isOf(name, reason),
    );
  }

  /** Whether a step held; undefined when the request did not come to it, or nobody can say. */
  held(step: StepName): boolean | undefined {
    if (this.#reason === "ok") return true;
    const at = NAMES.indexOf(step);
    if (this.#end < 0 || at > this.#end) return undefined;
    if (at < this.#end) return true;
    return ENDS_WELL.includes(this.#reason) ? undefined : false;
  }
}

function isOf(step: StepName, reason: string): boolean {
  return (STEPS[step] as readonly string[]).includes(reason);
}
