// What each reason means to an operator. The compiler holds this against the table in assembly/decision/reason.ts: a reason
// without a note does not compile.

import type { Reason } from "../../assembly/decision/reason.ts";

export type ReasonName = keyof typeof Reason;

export interface ReasonNote {
  readonly means: string;
  readonly next: string;
}

export const NOTES: Readonly<Record<ReasonName, ReasonNote>> = {
  ok: { means: "Every check held.", next: "" },
  token_not_required: { means: 'The rule says `"token": "none"`; nothing was looked at.', next: "" },
  token_optional_absent: { means: 'The rule says `"token": "optional"` and there is no token.', next: "" },
  judged_before: {
    means: "A holdfast before this one in the proxy has allowed the request for the same token.",
    next: "",
  },

  token_unverified: {
    means:
      "Nobody here can verify the token; it was let pass since nobody else has shown it before (`firstUse`).",
    next: "",
  },

  policy_absent: {
    means: "The filter has no policy for this request, or a binding that it does not know.",
    next: "Look in Envoy's log for a refused policy; restart the worker if there is none and report it.",
  },
  host_unavailable: {
    means:
      "Envoy did not answer, or answered with something impossible, when it was asked for a fact or a signature check; or the request has more than 1,024 headers.",
    next: "Check that Envoy's version is supported and that the plugin's capability list is not restricted.",
  },
  streams_full: {
    means:
      "The rule has its requests judged again, and so many go on already, in this worker or of this presenter, that one more could not be followed.",
    next: "See the limits; ask for fewer streams at once, or for `revalidate` under fewer rules.",
  },

  path_ambiguous: {
    means:
      "The path has no plain reading (an empty or dot segment, a backslash, a broken escape, an escaped slash), or its readings fall under different rules (escaped letters, parameters after `;`).",
    next: "Send the plain path. Envoy's `normalize_path` and `merge_slashes` help clients that cannot.",
  },
  method_ambiguous: {
    means: "The method is not in capital letters, so rules and servers may disagree about it.",
    next: "Send the method as its standard writes it.",
  },
  authority_ambiguous: {
    means: "The authority is no plain host with or without a port.",
    next: "Send the host name that the service has.",
  },
  header_ambiguous: {
    means:
      "A rule asks for a header, and the request has one whose name differs in `_` and `-` only: for a server that reads them alike the request would fall under another rule.",
    next: "Send the header as it is spelled in the policy, or not at all.",
  },
  early_data: {
    means:
      "The request was sent as TLS early data, which anybody who has seen it can send again, and no nonce protects it.",
    next: "A client sends it again once the handshake is over, as 425 tells it to (RFC 8470).",
  },
  no_rule: {
    means: "No rule of the policy takes this request.",
    next: "Add a rule; a last rule without `when` takes everything else.",
  },

  token_absent: {
    means: "The rule wants a token and there is none.",
    next: "Send `authorization: Bearer`. If jwt_authn took it out of the request: name the issuer with `keys: jwt_authn`, and set jwt_authn's `payload_in_metadata`.",
  },
  scheme_unsupported: {
    means: "The `authorization` header has another scheme than Bearer.",
    next: "Send a bearer token.",
  },
  token_duplicate: {
    means:
      "Two `authorization` headers, a comma in one, or tokens of two issuers of which jwt_authn verified at least one: it cannot be said which credential counts.",
    next: "Send exactly one.",
  },
  token_in_query: {
    means: "The query has an `access_token`. Query strings are logged, and RFC 6750 allows one place only.",
    next: "Send the token in the header.",
  },
  authorization_malformed: { means: "What follows `Bearer` is no token.", next: "Look at the client." },
  token_too_large: { means: "The token is longer than 16 KiB.", next: "Ask the issuer for fewer claims." },
  token_malformed: {
    means: "Not three parts of strict base64url, so no JWS in compact form.",
    next: "Opaque tokens and encrypted ones are not read by this version.",
  },
  token_header_malformed: {
    means: "The token's header is not strict JSON, or lacks what a JWS has.",
    next: "Look at the issuer.",
  },
  token_header_forbidden: {
    means: "The header brings its own key (`jku`, `jwk`, `x5u`) or asks for an extension (`crit`, `b64`).",
    next: "No issuer of access tokens needs these; treat it as an attack until shown otherwise.",
  },
  token_type_unsupported: {
    means: "`typ` names a token made for another purpose.",
    next: "Send the access token: `typ` is absent, `JWT` or `at+jwt`.",
  },
  token_payload_malformed: {
    means: "The claims are not one strict JSON object.",
    next: "Look at the issuer.",
  },
  issuer_unknown: {
    means:
      "`iss` is absent, or no issuer that the rule takes; or jwt_authn verified and removed a token of such an issuer.",
    next: "Compare `iss` with the policy byte for byte; a slash at the end counts. With jwt_authn also its `payload_in_metadata` with `metadataKey`.",
  },
  algorithm_unsupported: {
    means: "`alg` is none that the filter verifies: RS256, RS384, RS512, ES256, ES384, ES512, EdDSA.",
    next: 'For PS256, PS384 or PS512 let Envoy verify: `"keys": "jwt_authn"`. `none` and HMAC are never taken.',
  },
  algorithm_mismatch: {
    means: "The key is not for the token's `alg`.",
    next: "Look at the key set; it decides, never the token.",
  },
  key_unknown: {
    means: "No key of the issuer has the token's `kid`.",
    next: "Put the issuer's current keys into the policy.",
  },
  key_ambiguous: {
    means: "The token has no `kid`, and several keys could have signed it.",
    next: "Have the issuer set `kid`.",
  },
  signature_malformed: {
    means: "The signature is empty, has the wrong length, or numbers outside the curve's order.",
    next: "Look at the issuer.",
  },
  signature_invalid: {
    means: "The signature does not hold.",
    next: "A forged or damaged token, or a wrong key in the policy.",
  },
  jwt_authn_absent: {
    means:
      "The policy leaves verification to jwt_authn, which verified no token of this issuer on this request.",
    next: "Check that jwt_authn comes first, covers the route and sets `payload_in_metadata`.",
  },
  jwt_authn_mismatch: {
    means: "jwt_authn verified a token, but it cannot be shown to be the one in the header.",
    next: "Set `forward_payload_header` (Istio: `outputPayloadToHeader`) and name it as `payloadHeader`.",
  },
  keys_absent: {
    means: "The issuer's keys could not be fetched yet.",
    next: "Look at the log: is there a cluster of that name, and does the path answer with a key set?",
  },
  keys_stale: {
    means: "The issuer's keys were last confirmed longer than `staleFor` ago.",
    next: "Look at `keys.failed`, `keys.refused` and the log: the key server is out, or answers with what is no key set.",
  },
  keys_busy: {
    means: "Too many requests wait for this issuer's keys at once, in all or from this presenter.",
    next: "Look at `keys.failed` and the log: why does the key server not answer?",
  },
  dpop_unbound: {
    means:
      "The token came with the scheme `DPoP`, or under a rule with the binding `dpop`, and no `cnf.jkt` in it names a key.",
    next: "Send it as `Bearer`, or have the issuer bind it (RFC 9449).",
  },
  failures_exceeded: {
    means:
      "Too many tokens of this presenter had a bad signature: 100 at once, one more every 100 ms. Tokens that were verified before still pass.",
    next: "Somebody with this identity sends forged or damaged tokens: find out who.",
  },
  token_inactive: {
    means: "The introspection server says that the token is not active.",
    next: "The client needs a new token; a token that was just issued may have been asked about too early.",
  },
  introspection_unavailable: {
    means:
      "The introspection server could not be asked, did not answer in time, or answered with something else.",
    next: "Look at the log: the cluster, the status, and the credentials in the VM environment.",
  },
  introspection_busy: {
    means: "Too many tokens are being asked about at once, in all or for this presenter.",
    next: "Look at `introspection.asked`: does somebody send made-up tokens, or is the server slow?",
  },
  answer_pending: {
    means:
      "In observe mode only: keys, or what an introspection server says, are on their way, and an observed request does not wait.",
    next: "Nothing: with the rule enforced the request would have waited for the answer.",
  },
  key_unconfirmed: {
    means:
      "The token names a key that is not among the issuer's, and the key server cannot say at present whether it has it by now.",
    next: "Look at `keys.failed` and the log; clients keep their tokens.",
  },

  claim_malformed: {
    means:
      "`exp`, `nbf` or `iat` is no whole number of seconds, `aud` no string or list of strings, or `typ` null.",
    next: "Look at the issuer; fractions of a second are not taken.",
  },
  expiry_absent: { means: "The token has no `exp`.", next: "A token that never ends is not taken." },
  token_expired: {
    means: "`exp` plus the clock skew is past.",
    next: "Get a new token; compare clocks if that happens at once.",
  },
  token_not_yet_valid: { means: "`nbf` minus the clock skew is ahead.", next: "Compare clocks." },
  token_issued_in_future: { means: "`iat` minus the clock skew is ahead.", next: "Compare clocks." },
  audience_mismatch: {
    means: "`aud` has none of the issuer's, or none of the rule's audiences.",
    next: "The token was meant for another service.",
  },
  issued_at_absent: {
    means: "The policy limits the age or the lifetime of this issuer's tokens, and the token has no `iat`.",
    next: "Have the issuer set `iat`, or take the limit away.",
  },
  token_too_old: {
    means:
      "`iat` plus the issuer's `maxAge` and the clock skew is past, though the token itself is still good.",
    next: "Get a new token.",
  },
  lifetime_too_long: {
    means: "From `iat` to `exp` it is longer than the issuer's `maxLifetime`.",
    next: "Have the issuer write shorter tokens.",
  },
  id_token: {
    means:
      "An ID token (`nonce`, `at_hash`, `c_hash`, or `typ` ID): it tells a client who logged in, and opens nothing.",
    next: "Send the access token.",
  },
  claim_absent: {
    means: "The token lacks a claim that its kind demands.",
    next: "Compare the token with the table of kinds in policy.md.",
  },
  claim_forbidden: {
    means: "The token has a claim that its kind must not have, as `aud` in a WIT-SVID.",
    next: "Compare the token with the table of kinds in policy.md.",
  },
  subject_malformed: {
    means:
      "The token's `sub` is not what its kind demands: a SPIFFE ID of a workload in the issuer's `trustDomain`, or the account that its Kubernetes claims name.",
    next: "Look at who issued the token, and for what.",
  },
  token_revoked: {
    means:
      "The token was taken back before its time: the policy's `revoked` has its ID, its subject, its key, itself, or all tokens of its issuer from before some time.",
    next: "A client fetches a new token, unless its subject is what was revoked.",
  },

  peer_absent: {
    means: "No client certificate on this connection.",
    next: "Call over mTLS. In Istio: PeerAuthentication STRICT.",
  },
  peer_not_validated: {
    means: "Envoy does not say that the client certificate was validated on this connection.",
    next: "See `presenter.validatedBy`: Envoy says it since 1.40, and never for a resumed TLS session.",
  },
  spiffe_id_absent: {
    means: "The client certificate has no URI SAN.",
    next: "Issue an X.509-SVID to the client.",
  },
  spiffe_id_malformed: {
    means:
      "The certificate's URI SAN is no SPIFFE ID by the strict grammar, or names a trust domain and no workload in it.",
    next: "Look at the certificate authority.",
  },
  certificate_digest_absent: {
    means: "Envoy does not show the certificate's digest.",
    next: "Check Envoy's version.",
  },
  certificate_digest_malformed: { means: "What Envoy shows as the digest is none.", next: "Report it." },

  trust_domain_foreign: {
    means: "The presenter is of another trust domain than the policy's.",
    next: "Leave `trustDomain` out if the listener is to admit federated peers.",
  },
  caller_absent: {
    means: "The live peer is a forwarder, and does not say who its client is.",
    next: "The gateway has to take client certificates and forward them with `uri`; see set_current_client_cert_details.",
  },
  xfcc_malformed: {
    means: "`x-forwarded-client-cert` is there more than once, or is not as Envoy writes it.",
    next: "Look at what stands between the forwarder and this proxy.",
  },
  xfcc_mismatch: {
    means:
      "`x-forwarded-client-cert` does not name the live peer where it has to: as its last element, or as the writer (`By`) of the caller's.",
    next: "Check the listener's `forward_client_cert_details` against the policy's `forwardClientCertDetails`.",
  },
  connection_malformed: {
    means: "Envoy's `source.address` or `destination.address` is no IP address with a port.",
    next: "A listener on a Unix socket has no addresses: take `network` out of its rules.",
  },
  certificate_hidden: {
    means: "The policy wants to see the peer's certificate, and Envoy does not show it.",
    next: "Envoy shows it from 1.40 on; on an older one take examineCertificate out.",
  },
  certificate_unreadable: {
    means: "The live peer's certificate cannot be read, or is not the one whose digest Envoy shows.",
    next: "Look at the certificate with openssl x509.",
  },
  certificate_ambiguous: {
    means: "The live peer's certificate names no URI, or more than one; SPIFFE allows one.",
    next: "Look at what the authority issues.",
  },
  certificate_expired: {
    means: "The live peer's certificate is over, or not good yet, on a connection that was kept open.",
    next: "The client has to connect anew with its renewed SVID; see max_connection_duration.",
  },
  presenter_revoked: {
    means: "The policy's `revoked` has the presenter's SPIFFE ID.",
    next: "Find out why; take the entry out when the workload is whole again.",
  },
  certificate_revoked: {
    means: "The policy's `revoked` has the presenter's certificate.",
    next: "A new SVID passes again.",
  },
  presenter_not_admitted: {
    means: "The presenter is none of those to whom the issuer's tokens may travel.",
    next: "If he should be, add him to the issuer's `presenters`.",
  },
  border_closed: {
    means:
      "The presenter stands across a border (another cluster, a federated trust domain, outside the mesh) that the issuer's tokens do not cross.",
    next: "If they should, open it in the issuer's `borders`.",
  },
  cluster_unknown: {
    means:
      "The issuer's tokens cross clusters under conditions, and the mesh does not say which cluster the presenter is in, or which one this proxy is in.",
    next: "At a waypoint, see that Istio's peer metadata come from workload discovery and that the node metadata have `CLUSTER_ID`.",
  },
  service_not_admitted: {
    means:
      "This service is none of those that accept the issuer's tokens, or Envoy does not show its own certificate.",
    next: "If it should be, add its SPIFFE ID to the issuer's `acceptedBy`.",
  },
  egress_host_not_admitted: {
    means: "The token was about to leave for a host that neither its issuer nor its audience is for.",
    next: "If it may go there, add the host to the issuer's `egress`.",
  },
  listener_not_outbound: {
    means:
      "The policy takes the local workload for the presenter, and the request came through a listener that is not outbound.",
    next: "Load this policy at outbound listeners only; they have `traffic_direction: OUTBOUND`.",
  },

  cnf_malformed: { means: "The token's `cnf` cannot be read.", next: "Look at the issuer." },
  cnf_unsupported: {
    means: "`cnf` has a member that this version cannot prove.",
    next: "Such a token is never taken as a bearer token.",
  },
  certificate_unbound: {
    means: "The rule wants a certificate-bound token; this one names no certificate.",
    next: "Have the issuer bind it: RFC 8705.",
  },
  certificate_mismatch: {
    means: "The token names another certificate than the live one.",
    next: "A token in other hands; or the workload's SVID rotated and the token did not: see `rotation` of `certificate`.",
  },
  spiffe_claim_absent: {
    means: "The token lacks the claim that names its workload.",
    next: "Look at the rule's `bind` and at the issuer.",
  },
  spiffe_claim_malformed: {
    means: "The claim is no string, or has a NUL in it.",
    next: "Look at the issuer.",
  },
  spiffe_mismatch: {
    means: "The token is for another workload than the one that presents it.",
    next: "A token in other hands: find out how it got there.",
  },
  client_absent: {
    means: "The rule wants an OAuth client, and the token names none in `client_id` or `azp`.",
    next: "Look at the issuer's settings: RFC 9068 demands `client_id`.",
  },
  client_malformed: {
    means: "`client_id` and `azp` are no strings, or name two clients.",
    next: "Look at who issued the token.",
  },
  client_unknown: {
    means: "The token's OAuth client is not in the policy's table.",
    next: "Add the client to `presenters` of the binding, if it should be known.",
  },
  client_mismatch: {
    means: "The token's OAuth client is none that this presenter runs.",
    next: "The token was issued to another client: find out how it got here.",
  },
  actor_absent: {
    means: "The rule wants an actor, and the token has no `act`.",
    next: "The token was not exchanged for this caller (RFC 8693).",
  },
  actor_malformed: {
    means: "The token's `act` has no `sub`, or is no chain of objects of at most 8.",
    next: "Look at the issuer's token exchange.",
  },
  actor_mismatch: {
    means:
      "The token's current actor, `act.sub`, is not the presenter, or is named by somebody whose names do not count.",
    next: "The token was exchanged for another workload: find out how it got here. For another issuer of actor names see `issuers`.",
  },
  prior_actor_mismatch: {
    means: "An actor within the token's `act` is none that `priorActors` names.",
    next: "Follow the chain of token exchanges.",
  },
  kubernetes_mismatch: {
    means: "The token's Kubernetes service account is not the presenter's.",
    next: "The token was issued to another workload: find out how it got here.",
  },
  pod_claim_absent: {
    means: "The token names no pod.",
    next: "Use a token that is bound to its pod, as projected tokens are, or leave `pod` out.",
  },
  pod_unknown: {
    means: "The mesh does not say which pod the presenter is.",
    next: "See that the waypoint's peer metadata come from workload discovery.",
  },
  pod_mismatch: {
    means: "The token is another pod's.",
    next: "A token that was copied from one replica to another is refused here; that is the point of `pod`.",
  },
  no_alternative_held: {
    means: "None of the bindings of an `anyOf` holds.",
    next: "Find out which one should, and try it alone.",
  },
  source_not_admitted: {
    means: "The connection comes from an address outside the binding's `sources`.",
    next: "If it should be inside, correct the ranges; and see what Envoy takes for the client's address.",
  },
  source_claim_absent: {
    means: "The claim that should hold an IP address is not in the token.",
    next: "Check `addressClaim`, or the issuer's settings.",
  },
  source_claim_malformed: {
    means: "The claim that should hold an IP address does not.",
    next: "Look at who issued the token.",
  },
  source_mismatch: {
    means: "The token's own address is not the one that the connection comes from.",
    next: "The token was issued to somebody elsewhere; or a proxy is in between.",
  },
  server_name_mismatch: {
    means: "The connection's server name (SNI) is none that the binding lists.",
    next: "Look at how the client connects.",
  },
  tls_version_too_low: {
    means: "The connection has an older TLS version than the binding wants, or none.",
    next: "Look at the client, and at the listener's tls_params.",
  },
  local_port_mismatch: {
    means: "The request came in on a local port that the binding does not list.",
    next: "Look at the listener, and at `localPorts`.",
  },
  source_unknown: {
    means:
      "The caller's address is not known: a forwarder is in between, or Envoy has it from `x-forwarded-for`, which any client may have written.",
    next: "Set `use_remote_address: true` on the listener; behind proxies of your own, with `xff_num_trusted_hops`, also `presenter.trustForwardedFor`.",
  },
  expression_not_true: {
    means: "A CEL expression of the rule is not true of the request, or Envoy could not evaluate it.",
    next: "Try the expression in Envoy's access log or RBAC; an absent attribute is an error, so ask `has(...)` first.",
  },
  proof_absent: {
    means: "The token is bound to a key, and no proof of that key is there.",
    next: "A client sends a `dpop` header with a proof made for this very request, a workload with a WIT a `workload-proof-token`.",
  },
  proof_duplicate: {
    means: "There is more than one proof.",
    next: "Send exactly one `dpop` or `workload-proof-token` header.",
  },
  proof_malformed: {
    means:
      "The proof is no compact JWS with a JSON header and payload, is over 8 KiB, or has a header member that it must not have.",
    next: "Look at what the client makes proofs with.",
  },
  proof_type_unsupported: {
    means: "The proof's `typ` is not `dpop+jwt`, or a workload's not `wpt+jwt`.",
    next: "Look at what the client makes proofs with.",
  },
  proof_algorithm_unsupported: {
    means: "The proof's `alg` is none that is verified here, or does not fit its key.",
    next: "The challenge lists the algorithms.",
  },
  proof_key_unusable: {
    means: "The proof has no public key in `jwk`, or one that is private, malformed, or too weak.",
    next: "Look at the client; if the key is private, it has lost it.",
  },
  proof_signature_invalid: {
    means: "The proof's signature does not hold.",
    next: "Look at what the client makes proofs with.",
  },
  proof_claim_malformed: {
    means:
      "The proof lacks `jti`, `htm`, `htu` or `iat` (a workload's: `jti`, `aud` or `exp`), has one of the wrong type (times are whole numbers), or an `htu` that is no http URI.",
    next: "Look at what the client makes proofs with.",
  },
  proof_method_mismatch: {
    means: "The proof is for another method.",
    next: "A proof is made for one request.",
  },
  proof_target_mismatch: {
    means: "The proof is for another path, or for an origin that is none of the policy's.",
    next: "See that `origins` in the policy are what clients call the service by.",
  },
  proof_expired: {
    means: "The proof is too old, or past an `exp` of its own.",
    next: "Make a proof for each request; compare the clocks.",
  },
  proof_not_yet_valid: {
    means: "The proof is from the future, or before an `nbf` of its own.",
    next: "Compare the clocks.",
  },
  proof_token_mismatch: {
    means: "The proof's `ath` (a workload's: `wth`) is not this token's.",
    next: "A proof is made for one token.",
  },
  proof_key_mismatch: {
    means: "The proof is by another key than the one that the token is bound to.",
    next: "If this is not a client's mistake, somebody holds a stolen token.",
  },
  proof_replayed: {
    means: "The proof was here before.",
    next: "If this is not a client's mistake, somebody has seen a request and sent it again.",
  },
  proof_nonce_absent: {
    means: "The proof has to have a nonce of this proxy's, and has none, or one that is over.",
    next: "A client takes the nonce from `DPoP-Nonce` and tries again; nothing is wrong. If it goes on, the client reaches another replica each time.",
  },
  dpop_scheme_required: {
    means: "The token is bound to a key, and came as a bearer token.",
    next: "Send it with the scheme `DPoP`.",
  },
  replay_table_full: {
    means: "There is no room to remember the proof, so it cannot be told that it is new.",
    next: "See `holdfast.replay.used`; a shorter `maxAge` frees room sooner.",
  },
  replay_table_busy: {
    means: "Other workers wrote to the same part of the replay table all the while.",
    next: "Try again; if it lasts, somebody floods.",
  },
  replay_unknown: {
    means:
      "The proxy started a moment ago, or its policy takes proofs for longer than before: nobody knows whether the workload's proof was spent.",
    next: "Try again after `maxLifetime` and twice `clockSkew`; shorter ones make it sooner.",
  },
  revocations_absent: {
    means:
      "What was taken back, or the issuer's status list, has never been fetched since the proxy started.",
    next: "Look at `holdfast.revocations.failed` and `.refused`, and at the log: it says why.",
  },
  revocations_stale: {
    means:
      "The revocation feed, or the issuer's status list, was last confirmed longer than `staleFor` ago, or is over by its own word.",
    next: "Look at its server; `onStale` says whether requests wait for it.",
  },
  status_malformed: {
    means:
      "The token names no status list and no index that can be read, or one that the list does not have.",
    next: "Look at the issuer; if it uses another mechanism, leave `statusLists` out.",
  },
  status_list_unknown: {
    means: "The token names a status list that is none of its issuer's `statusLists`.",
    next: "Add the list if it is the issuer's. What a token names is never followed.",
  },
  status_not_valid: {
    means:
      "The issuer's status list says that the token is not valid: taken back, suspended, or something of the issuer's own.",
    next: "Ask the issuer; the client needs another token.",
  },
  first_use_mismatch: {
    means: "Another presenter has shown this token before, and it is his.",
    next: "If both are meant to use it, name them in `sharedBy`. Otherwise it is stolen: by this one, or by whoever came first.",
  },
  token_quarantined: {
    means: "Two presenters have shown this token, so that neither may use it.",
    next: "Find out how it came into two hands; let its issuer take it back, and get a new one.",
  },
  first_use_full: {
    means: "There is no room to note whose the token is.",
    next: "Ask for tokens that live shorter, or for fewer; bind them by something else.",
  },
  first_use_busy: {
    means: "Other workers wrote to the same part of the table all the while.",
    next: "Try again; if it lasts, somebody floods.",
  },
  proof_lifetime_too_long: {
    means: "The workload's proof is good for longer than the policy's `maxLifetime`.",
    next: "Make proofs that end sooner; compare the clocks.",
  },
  proof_other_token_mismatch: {
    means: "The workload's proof speaks of other tokens (`ath`, `tth`, `oth`) than those that came along.",
    next: "If this is not a workload's mistake, somebody has put another token into its request.",
  },
};
