// Every outcome of a request, and what it means to the client: the one table. It imports nothing, so every room may name a
// reason; it is plain TypeScript too, so the tools and the documents are made from the same file.
// A reason's name is public (logs, metrics, response-code details): names and numbers are never reused.

export enum Reason {
  // Steps answer `ok` to go on. As an outcome: every check held.
  ok = 0,
  // The rule asks for no token.
  token_not_required = 1,
  // The rule makes the token optional, and there is none.
  token_optional_absent = 2,
  // A holdfast before this one in the proxy has judged the token.
  judged_before = 3,
  // Nobody here can verify the token; it is shown by whoever showed it first.
  token_unverified = 4,

  // Nothing can be known now.
  policy_absent = 10,
  host_unavailable = 11,
  streams_full = 12,
  revocations_absent = 13,
  revocations_stale = 14,

  // The request.
  path_ambiguous = 20,
  no_rule = 21,
  method_ambiguous = 22,
  authority_ambiguous = 23,
  header_ambiguous = 24,
  early_data = 25,

  // The credential.
  token_absent = 30,
  scheme_unsupported = 31,
  token_duplicate = 32,
  token_in_query = 33,
  authorization_malformed = 34,
  token_too_large = 35,
  token_malformed = 36,
  token_header_malformed = 37,
  token_header_forbidden = 38,
  token_type_unsupported = 39,
  token_payload_malformed = 40,
  issuer_unknown = 41,
  algorithm_unsupported = 42,
  algorithm_mismatch = 43,
  key_unknown = 44,
  key_ambiguous = 45,
  signature_malformed = 46,
  signature_invalid = 47,
  jwt_authn_absent = 48,
  jwt_authn_mismatch = 49,
  keys_absent = 50,
  keys_stale = 51,
  keys_busy = 52,
  dpop_unbound = 53,
  failures_exceeded = 54,
  token_inactive = 55,
  introspection_unavailable = 56,
  introspection_busy = 57,
  answer_pending = 58,
  key_unconfirmed = 59,

  // The claims.
  claim_malformed = 60,
  expiry_absent = 61,
  token_expired = 62,
  token_not_yet_valid = 63,
  token_issued_in_future = 64,
  audience_mismatch = 65,
  issued_at_absent = 66,
  token_too_old = 67,
  lifetime_too_long = 68,
  id_token = 69,
  claim_absent = 70,
  claim_forbidden = 71,
  subject_malformed = 72,
  token_revoked = 73,
  status_malformed = 74,
  status_list_unknown = 75,
  status_not_valid = 76,

  // The presenter.
  peer_absent = 80,
  peer_not_validated = 81,
  spiffe_id_absent = 82,
  spiffe_id_malformed = 83,
  certificate_digest_absent = 84,
  certificate_digest_malformed = 85,
  caller_absent = 86,
  xfcc_malformed = 87,
  xfcc_mismatch = 88,
  connection_malformed = 89,
  certificate_hidden = 90,
  certificate_unreadable = 91,
  certificate_ambiguous = 92,
  certificate_expired = 93,
  presenter_revoked = 94,
  certificate_revoked = 95,

  // The boundary.
  trust_domain_foreign = 100,
  presenter_not_admitted = 101,
  border_closed = 102,
  cluster_unknown = 103,
  service_not_admitted = 104,
  egress_host_not_admitted = 105,
  listener_not_outbound = 106,

  // The bindings.
  cnf_malformed = 120,
  cnf_unsupported = 121,
  certificate_unbound = 122,
  certificate_mismatch = 123,
  spiffe_claim_absent = 124,
  spiffe_claim_malformed = 125,
  spiffe_mismatch = 126,
  client_absent = 128,
  client_malformed = 129,
  client_unknown = 130,
  client_mismatch = 131,
  actor_absent = 132,
  actor_malformed = 133,
  actor_mismatch = 134,
  prior_actor_mismatch = 135,
  kubernetes_mismatch = 136,
  pod_claim_absent = 147,
  pod_unknown = 148,
  pod_mismatch = 149,
  no_alternative_held = 137,
  source_not_admitted = 138,
  source_claim_absent = 139,
  source_claim_malformed = 140,
  source_mismatch = 141,
  server_name_mismatch = 142,
  tls_version_too_low = 143,
  local_port_mismatch = 144,
  source_unknown = 145,
  expression_not_true = 146,

  // Proofs of possession.
  proof_absent = 160,
  proof_duplicate = 161,
  proof_malformed = 162,
  proof_type_unsupported = 163,
  proof_algorithm_unsupported = 164,
  proof_key_unusable = 165,
  proof_signature_invalid = 166,
  proof_claim_malformed = 167,
  proof_method_mismatch = 168,
  proof_target_mismatch = 169,
  proof_expired = 170,
  proof_not_yet_valid = 171,
  proof_token_mismatch = 172,
  proof_key_mismatch = 173,
  proof_replayed = 174,
  proof_nonce_absent = 175,
  dpop_scheme_required = 176,
  replay_table_full = 177,
  replay_table_busy = 178,
  replay_unknown = 179,
  proof_lifetime_too_long = 180,
  proof_other_token_mismatch = 181,

  // Who showed the token first.
  first_use_mismatch = 190,
  token_quarantined = 191,
  first_use_full = 192,
  first_use_busy = 193,
}

/** One more than the highest number above. */
export const REASON_LIMIT = 200;

/** The stable name, or an empty string for a number that is no reason. */
export function reasonName(reason: Reason): string {
  switch (reason) {
    case Reason.ok:
      return "ok";
    case Reason.token_not_required:
      return "token_not_required";
    case Reason.token_optional_absent:
      return "token_optional_absent";
    case Reason.judged_before:
      return "judged_before";
    case Reason.policy_absent:
      return "policy_absent";
    case Reason.host_unavailable:
      return "host_unavailable";
    case Reason.streams_full:
      return "streams_full";
    case Reason.path_ambiguous:
      return "path_ambiguous";
    case Reason.no_rule:
      return "no_rule";
    case Reason.method_ambiguous:
      return "method_ambiguous";
    case Reason.authority_ambiguous:
      return "authority_ambiguous";
    case Reason.header_ambiguous:
      return "header_ambiguous";
    case Reason.early_data:
      return "early_data";
    case Reason.token_absent:
      return "token_absent";
    case Reason.scheme_unsupported:
      return "scheme_unsupported";
    case Reason.token_duplicate:
      return "token_duplicate";
    case Reason.token_in_query:
      return "token_in_query";
    case Reason.authorization_malformed:
      return "authorization_malformed";
    case Reason.token_too_large:
      return "token_too_large";
    case Reason.token_malformed:
      return "token_malformed";
    case Reason.token_header_malformed:
      return "token_header_malformed";
    case Reason.token_header_forbidden:
      return "token_header_forbidden";
    case Reason.token_type_unsupported:
      return "token_type_unsupported";
    case Reason.token_payload_malformed:
      return "token_payload_malformed";
    case Reason.issuer_unknown:
      return "issuer_unknown";
    case Reason.algorithm_unsupported:
      return "algorithm_unsupported";
    case Reason.algorithm_mismatch:
      return "algorithm_mismatch";
    case Reason.key_unknown:
      return "key_unknown";
    case Reason.key_ambiguous:
      return "key_ambiguous";
    case Reason.signature_malformed:
      return "signature_malformed";
    case Reason.signature_invalid:
      return "signature_invalid";
    case Reason.jwt_authn_absent:
      return "jwt_authn_absent";
    case Reason.jwt_authn_mismatch:
      return "jwt_authn_mismatch";
    case Reason.keys_absent:
      return "keys_absent";
    case Reason.keys_stale:
      return "keys_stale";
    case Reason.keys_busy:
      return "keys_busy";
    case Reason.dpop_unbound:
      return "dpop_unbound";
    case Reason.failures_exceeded:
      return "failures_exceeded";
    case Reason.token_inactive:
      return "token_inactive";
    case Reason.introspection_unavailable:
      return "introspection_unavailable";
    case Reason.introspection_busy:
      return "introspection_busy";
    case Reason.answer_pending:
      return "answer_pending";
    case Reason.key_unconfirmed:
      return "key_unconfirmed";
    case Reason.claim_malformed:
      return "claim_malformed";
    case Reason.expiry_absent:
      return "expiry_absent";
    case Reason.token_expired:
      return "token_expired";
    case Reason.token_not_yet_valid:
      return "token_not_yet_valid";
    case Reason.token_issued_in_future:
      return "token_issued_in_future";
    case Reason.audience_mismatch:
      return "audience_mismatch";
    case Reason.issued_at_absent:
      return "issued_at_absent";
    case Reason.token_too_old:
      return "token_too_old";
    case Reason.lifetime_too_long:
      return "lifetime_too_long";
    case Reason.id_token:
      return "id_token";
    case Reason.claim_absent:
      return "claim_absent";
    case Reason.claim_forbidden:
      return "claim_forbidden";
    case Reason.subject_malformed:
      return "subject_malformed";
    case Reason.token_unverified:
      return "token_unverified";
    case Reason.token_revoked:
      return "token_revoked";
    case Reason.revocations_absent:
      return "revocations_absent";
    case Reason.revocations_stale:
      return "revocations_stale";
    case Reason.status_malformed:
      return "status_malformed";
    case Reason.status_list_unknown:
      return "status_list_unknown";
    case Reason.status_not_valid:
      return "status_not_valid";
    case Reason.peer_absent:
      return "peer_absent";
    case Reason.peer_not_validated:
      return "peer_not_validated";
    case Reason.spiffe_id_absent:
      return "spiffe_id_absent";
    case Reason.spiffe_id_malformed:
      return "spiffe_id_malformed";
    case Reason.certificate_digest_absent:
      return "certificate_digest_absent";
    case Reason.certificate_digest_malformed:
      return "certificate_digest_malformed";
    case Reason.caller_absent:
      return "caller_absent";
    case Reason.xfcc_malformed:
      return "xfcc_malformed";
    case Reason.xfcc_mismatch:
      return "xfcc_mismatch";
    case Reason.connection_malformed:
      return "connection_malformed";
    case Reason.certificate_hidden:
      return "certificate_hidden";
    case Reason.certificate_unreadable:
      return "certificate_unreadable";
    case Reason.certificate_ambiguous:
      return "certificate_ambiguous";
    case Reason.certificate_expired:
      return "certificate_expired";
    case Reason.presenter_revoked:
      return "presenter_revoked";
    case Reason.certificate_revoked:
      return "certificate_revoked";
    case Reason.trust_domain_foreign:
      return "trust_domain_foreign";
    case Reason.presenter_not_admitted:
      return "presenter_not_admitted";
    case Reason.border_closed:
      return "border_closed";
    case Reason.cluster_unknown:
      return "cluster_unknown";
    case Reason.service_not_admitted:
      return "service_not_admitted";
    case Reason.egress_host_not_admitted:
      return "egress_host_not_admitted";
    case Reason.listener_not_outbound:
      return "listener_not_outbound";
    case Reason.cnf_malformed:
      return "cnf_malformed";
    case Reason.cnf_unsupported:
      return "cnf_unsupported";
    case Reason.certificate_unbound:
      return "certificate_unbound";
    case Reason.certificate_mismatch:
      return "certificate_mismatch";
    case Reason.spiffe_claim_absent:
      return "spiffe_claim_absent";
    case Reason.spiffe_claim_malformed:
      return "spiffe_claim_malformed";
    case Reason.spiffe_mismatch:
      return "spiffe_mismatch";
    case Reason.client_absent:
      return "client_absent";
    case Reason.client_malformed:
      return "client_malformed";
    case Reason.client_unknown:
      return "client_unknown";
    case Reason.client_mismatch:
      return "client_mismatch";
    case Reason.actor_absent:
      return "actor_absent";
    case Reason.actor_malformed:
      return "actor_malformed";
    case Reason.actor_mismatch:
      return "actor_mismatch";
    case Reason.prior_actor_mismatch:
      return "prior_actor_mismatch";
    case Reason.kubernetes_mismatch:
      return "kubernetes_mismatch";
    case Reason.pod_claim_absent:
      return "pod_claim_absent";
    case Reason.pod_unknown:
      return "pod_unknown";
    case Reason.pod_mismatch:
      return "pod_mismatch";
    case Reason.no_alternative_held:
      return "no_alternative_held";
    case Reason.source_not_admitted:
      return "source_not_admitted";
    case Reason.source_claim_absent:
      return "source_claim_absent";
    case Reason.source_claim_malformed:
      return "source_claim_malformed";
    case Reason.source_mismatch:
      return "source_mismatch";
    case Reason.server_name_mismatch:
      return "server_name_mismatch";
    case Reason.tls_version_too_low:
      return "tls_version_too_low";
    case Reason.local_port_mismatch:
      return "local_port_mismatch";
    case Reason.source_unknown:
      return "source_unknown";
    case Reason.expression_not_true:
      return "expression_not_true";
    case Reason.proof_absent:
      return "proof_absent";
    case Reason.proof_duplicate:
      return "proof_duplicate";
    case Reason.proof_malformed:
      return "proof_malformed";
    case Reason.proof_type_unsupported:
      return "proof_type_unsupported";
    case Reason.proof_algorithm_unsupported:
      return "proof_algorithm_unsupported";
    case Reason.proof_key_unusable:
      return "proof_key_unusable";
    case Reason.proof_signature_invalid:
      return "proof_signature_invalid";
    case Reason.proof_claim_malformed:
      return "proof_claim_malformed";
    case Reason.proof_method_mismatch:
      return "proof_method_mismatch";
    case Reason.proof_target_mismatch:
      return "proof_target_mismatch";
    case Reason.proof_expired:
      return "proof_expired";
    case Reason.proof_not_yet_valid:
      return "proof_not_yet_valid";
    case Reason.proof_token_mismatch:
      return "proof_token_mismatch";
    case Reason.proof_key_mismatch:
      return "proof_key_mismatch";
    case Reason.proof_replayed:
      return "proof_replayed";
    case Reason.proof_nonce_absent:
      return "proof_nonce_absent";
    case Reason.dpop_scheme_required:
      return "dpop_scheme_required";
    case Reason.replay_table_full:
      return "replay_table_full";
    case Reason.replay_table_busy:
      return "replay_table_busy";
    case Reason.replay_unknown:
      return "replay_unknown";
    case Reason.proof_lifetime_too_long:
      return "proof_lifetime_too_long";
    case Reason.proof_other_token_mismatch:
      return "proof_other_token_mismatch";
    case Reason.first_use_mismatch:
      return "first_use_mismatch";
    case Reason.token_quarantined:
      return "token_quarantined";
    case Reason.first_use_full:
      return "first_use_full";
    case Reason.first_use_busy:
      return "first_use_busy";
    default:
      return "";
  }
}

/** What the client is told. Zero is the answer for whatever has no row: 403. */
export enum Answer {
  Forbidden = 0,
  /** Not an answer: the request goes on. */
  None = 1,
  /** 401, and a challenge without an error code: RFC 6750, section 3.1. */
  Unauthenticated = 2,
  /** 401 `invalid_token`. */
  InvalidToken = 3,
  /** 400 `invalid_request`. */
  InvalidRequest = 4,
  /** 503: the token may be good, so a client keeps it and tries again. */
  Unavailable = 5,
  /** 401 `invalid_dpop_proof`. */
  InvalidProof = 6,
  /** 401 `use_dpop_nonce`, with one. */
  UseNonce = 7,
  /** 425: what was sent as early data may be a replay.  RFC 8470, section 5.2 */
  TooEarly = 8,
}

export function answerTo(reason: Reason): Answer {
  switch (reason) {
    case Reason.ok:
    case Reason.token_not_required:
    case Reason.token_optional_absent:
    case Reason.judged_before:
    case Reason.token_unverified:
      return Answer.None;
    case Reason.policy_absent:
    case Reason.host_unavailable:
    case Reason.keys_busy:
    case Reason.keys_stale:
    case Reason.keys_absent:
    case Reason.failures_exceeded:
    case Reason.answer_pending:
    case Reason.introspection_busy:
    case Reason.introspection_unavailable:
    case Reason.key_unconfirmed:
    case Reason.replay_table_full:
    case Reason.replay_table_busy:
    case Reason.replay_unknown:
    case Reason.first_use_full:
    case Reason.first_use_busy:
    case Reason.streams_full:
    case Reason.revocations_absent:
    case Reason.revocations_stale:
      return Answer.Unavailable;
    case Reason.path_ambiguous:
    case Reason.method_ambiguous:
    case Reason.authority_ambiguous:
    case Reason.header_ambiguous:
    case Reason.token_duplicate:
    case Reason.token_in_query:
    case Reason.authorization_malformed:
      return Answer.InvalidRequest;
    case Reason.token_absent:
    case Reason.scheme_unsupported:
      return Answer.Unauthenticated;
    case Reason.no_rule:
    case Reason.trust_domain_foreign:
    case Reason.presenter_not_admitted:
    case Reason.border_closed:
    case Reason.cluster_unknown:
    case Reason.service_not_admitted:
    case Reason.egress_host_not_admitted:
    case Reason.listener_not_outbound:
      return Answer.Forbidden;
    case Reason.token_too_large:
    case Reason.token_malformed:
    case Reason.token_header_malformed:
    case Reason.token_header_forbidden:
    case Reason.token_type_unsupported:
    case Reason.token_payload_malformed:
    case Reason.issuer_unknown:
    case Reason.algorithm_unsupported:
    case Reason.algorithm_mismatch:
    case Reason.key_unknown:
    case Reason.key_ambiguous:
    case Reason.signature_malformed:
    case Reason.signature_invalid:
    case Reason.jwt_authn_absent:
    case Reason.jwt_authn_mismatch:
    case Reason.claim_malformed:
    case Reason.expiry_absent:
    case Reason.token_expired:
    case Reason.token_not_yet_valid:
    case Reason.token_issued_in_future:
    case Reason.audience_mismatch:
    case Reason.issued_at_absent:
    case Reason.token_too_old:
    case Reason.lifetime_too_long:
    case Reason.id_token:
    case Reason.peer_absent:
    case Reason.peer_not_validated:
    case Reason.spiffe_id_absent:
    case Reason.spiffe_id_malformed:
    case Reason.certificate_digest_absent:
    case Reason.certificate_digest_malformed:
    case Reason.cnf_malformed:
    case Reason.cnf_unsupported:
    case Reason.certificate_unbound:
    case Reason.certificate_mismatch:
    case Reason.spiffe_claim_absent:
    case Reason.spiffe_claim_malformed:
    case Reason.spiffe_mismatch:
    case Reason.dpop_unbound:
    case Reason.subject_malformed:
    case Reason.claim_forbidden:
    case Reason.claim_absent:
    case Reason.token_inactive:
    case Reason.no_alternative_held:
    case Reason.kubernetes_mismatch:
    case Reason.prior_actor_mismatch:
    case Reason.actor_mismatch:
    case Reason.actor_malformed:
    case Reason.actor_absent:
    case Reason.client_mismatch:
    case Reason.client_unknown:
    case Reason.client_malformed:
    case Reason.client_absent:
    case Reason.connection_malformed:
    case Reason.xfcc_mismatch:
    case Reason.xfcc_malformed:
    case Reason.caller_absent:
    case Reason.local_port_mismatch:
    case Reason.tls_version_too_low:
    case Reason.server_name_mismatch:
    case Reason.source_mismatch:
    case Reason.source_claim_malformed:
    case Reason.source_claim_absent:
    case Reason.source_not_admitted:
    case Reason.source_unknown:
    case Reason.expression_not_true:
    case Reason.certificate_expired:
    case Reason.certificate_ambiguous:
    case Reason.certificate_unreadable:
    case Reason.certificate_hidden:
    case Reason.pod_claim_absent:
    case Reason.pod_unknown:
    case Reason.pod_mismatch:
    case Reason.proof_key_mismatch:
    case Reason.dpop_scheme_required:
    case Reason.token_revoked:
    case Reason.status_malformed:
    case Reason.status_list_unknown:
    case Reason.status_not_valid:
    case Reason.presenter_revoked:
    case Reason.certificate_revoked:
    case Reason.first_use_mismatch:
    case Reason.token_quarantined:
      return Answer.InvalidToken;
    case Reason.proof_absent:
    case Reason.proof_duplicate:
    case Reason.proof_malformed:
    case Reason.proof_type_unsupported:
    case Reason.proof_algorithm_unsupported:
    case Reason.proof_key_unusable:
    case Reason.proof_signature_invalid:
    case Reason.proof_claim_malformed:
    case Reason.proof_method_mismatch:
    case Reason.proof_target_mismatch:
    case Reason.proof_expired:
    case Reason.proof_not_yet_valid:
    case Reason.proof_token_mismatch:
    case Reason.proof_lifetime_too_long:
    case Reason.proof_other_token_mismatch:
    case Reason.proof_replayed:
      return Answer.InvalidProof;
    case Reason.proof_nonce_absent:
      return Answer.UseNonce;
    case Reason.early_data:
      return Answer.TooEarly;
    default:
      return Answer.Forbidden;
  }
}

export function httpStatus(answer: Answer): number {
  switch (answer) {
    case Answer.Unauthenticated:
    case Answer.InvalidToken:
    case Answer.InvalidProof:
    case Answer.UseNonce:
      return 401;
    case Answer.InvalidRequest:
      return 400;
    case Answer.TooEarly:
      return 425;
    case Answer.Unavailable:
      return 503;
    default:
      return 403;
  }
}

/** https://grpc.github.io/grpc/core/md_doc_statuscodes.html */
export function grpcStatus(answer: Answer): number {
  switch (answer) {
    case Answer.Unauthenticated:
    case Answer.InvalidToken:
    case Answer.InvalidProof:
    case Answer.UseNonce:
      return 16; // UNAUTHENTICATED
    case Answer.InvalidRequest:
      return 3; // INVALID_ARGUMENT
    case Answer.TooEarly:
    case Answer.Unavailable:
      return 14; // UNAVAILABLE
    default:
      return 7; // PERMISSION_DENIED
  }
}
