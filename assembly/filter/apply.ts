// The one place that answers a client.

import { ascii, makeForever } from "../host/arena";
import { closeStream, sendReply } from "../host/call";
import { PairWriter, onePair, twoPairs } from "../host/pairs";
import { Span, ABSENT, lengthOf } from "../host/span";
import { line, startLine, writeAscii, writeByte } from "../host/writer";
import { Char } from "../text/ascii";
import { Decision, Verdict } from "../decision/decision";
import { Dpop } from "../policy/policy";
import { makeNonce } from "../state/nonce";
import { proofWindowFor } from "../state/proof_window";
import { Answer, answerTo, Reason, grpcStatus, httpStatus, reasonName } from "../decision/reason";

/** What a callback tells the host about the request. */
export const enum Action {
  Continue = 0,
  /**
   * The request goes no further, and nor does its body. This is the ABI's StopAllIterationAndWatermark: with the plain stop, 1,
   * and `allow_on_headers_stop_iteration`, Envoy sends a request on as soon as its body arrives (docs/host.md).
   */
  Stop = 4,
}

// Header pairs in the ABI's form, each list made once. https://www.rfc-editor.org/rfc/rfc6750#section-3
const CHALLENGE = challenge('Bearer realm="holdfast"');
const CHALLENGE_INVALID_TOKEN = challenge('Bearer realm="holdfast", error="invalid_token"');
const CHALLENGE_INVALID_REQUEST = challenge('Bearer realm="holdfast", error="invalid_request"');

// The same where proofs of possession are judged.  https://www.rfc-editor.org/rfc/rfc9449#section-7.1
const CHALLENGE_BOTH = twoPairs(
  "www-authenticate",
  'Bearer realm="holdfast"',
  "www-authenticate",
  'DPoP realm="holdfast", algs="ES256 ES384 ES512 RS256 RS384 RS512 EdDSA"',
);
const CHALLENGE_DPOP_TOKEN = challenge(
  'DPoP realm="holdfast", error="invalid_token", algs="ES256 ES384 ES512 RS256 RS384 RS512 EdDSA"',
);
const CHALLENGE_PROOF = challenge(
  'DPoP realm="holdfast", error="invalid_dpop_proof", algs="ES256 ES384 ES512 RS256 RS384 RS512 EdDSA"',
);
const USE_NONCE = ascii(
  'DPoP realm="holdfast", error="use_dpop_nonce", algs="ES256 ES384 ES512 RS256 RS384 RS512 EdDSA"',
);
const WWW_AUTHENTICATE = ascii("www-authenticate");
const DPOP_NONCE = ascii("dpop-nonce");
const CACHE_CONTROL = ascii("cache-control");
const NO_STORE = ascii("no-store");

const pairs = makeForever<PairWriter>();

const UNAUTHENTICATED = ascii("unauthenticated");
const INVALID_TOKEN = ascii("invalid_token");
const INVALID_REQUEST = ascii("invalid_request");
const INVALID_PROOF = ascii("invalid_dpop_proof");
const USE_DPOP_NONCE = ascii("use_dpop_nonce");
const UNAVAILABLE = ascii("unavailable");
const TOO_EARLY = ascii("too_early");
const FORBIDDEN = ascii("forbidden");

/**
 * @param dpop how proofs are judged; null: they are not
 * @param isDpop whether the client has sent its token with the scheme `DPoP`
 * @param now seconds since 1970; 0: not known
 */
export function apply(decision: Decision, dpop: Dpop | null, isDpop: bool, now: i64): Action {
  // In observe mode nothing that the client or the upstream sees may differ.
  if (decision.verdict != Verdict.Deny && decision.verdict != Verdict.Close) return Action.Continue;
  const answer = answerFor(decision.reason, isDpop);
  const details = detailsOf(decision);
  const sent = sendReply(
    <i32>httpStatus(answer),
    details,
    bodyOf(answer),
    dpop == null ? challengeOf(answer) : challengesOf(answer, isDpop, dpop, now),
    <i32>grpcStatus(answer),
  );
  // No answer must not become no verdict: without it the stream would wait, or be resumed by somebody else.
  if (!sent) closeStream();
  return Action.Stop;
}

/** `invalid_dpop_proof` is for those who sent one: a workload's proof has no error code of its own. */
function answerFor(reason: Reason, isDpop: bool): Answer {
  const answer = answerTo(reason);
  return answer == Answer.InvalidProof && !isDpop ? Answer.InvalidToken : answer;
}

/** `%RESPONSE_CODE_DETAILS%`, in the manner of Envoy's own filters. */
function detailsOf(decision: Decision): Span {
  startLine();
  writeAscii(decision.verdict == Verdict.Close ? "holdfast_closed{" : "holdfast_denied{");
  writeAscii(reasonName(decision.reason));
  writeByte(Char.ClosingBrace);
  return line();
}

function challengeOf(answer: Answer): Span {
  switch (answer) {
    case Answer.Unauthenticated:
      return CHALLENGE;
    case Answer.InvalidToken:
      return CHALLENGE_INVALID_TOKEN;
    case Answer.InvalidRequest:
      return CHALLENGE_INVALID_REQUEST;
    default:
      return ABSENT;
  }
}

/**
 * The challenges where proofs are judged: whoever comes without a token learns of both schemes, and whoever comes with one of his own.
 * https://www.rfc-editor.org/rfc/rfc9449#section-7.1
 */
function challengesOf(answer: Answer, isDpop: bool, dpop: Dpop, now: i64): Span {
  switch (answer) {
    case Answer.Unauthenticated:
      return CHALLENGE_BOTH;
    case Answer.InvalidToken:
      return isDpop ? CHALLENGE_DPOP_TOKEN : CHALLENGE_INVALID_TOKEN;
    case Answer.InvalidProof:
      return CHALLENGE_PROOF;
    case Answer.UseNonce:
      return nonceChallenge(makeNonce(dpop.nonceKey, proofWindowFor(false).since, now));
    default:
      return challengeOf(answer);
  }
}

function nonceChallenge(nonce: Span): Span {
  if (lengthOf(nonce) == 0) return CHALLENGE_PROOF;
  pairs.start(3);
  pairs.add(WWW_AUTHENTICATE, USE_NONCE);
  pairs.add(DPOP_NONCE, nonce);
  // Whoever got it from a cache would get an old one: RFC 9449, section 8.2.
  pairs.add(CACHE_CONTROL, NO_STORE);
  return pairs.finish();
}

function bodyOf(answer: Answer): Span {
  switch (answer) {
    case Answer.Unauthenticated:
      return UNAUTHENTICATED;
    case Answer.InvalidToken:
      return INVALID_TOKEN;
    case Answer.InvalidProof:
      return INVALID_PROOF;
    case Answer.UseNonce:
      return USE_DPOP_NONCE;
    case Answer.InvalidRequest:
      return INVALID_REQUEST;
    case Answer.Unavailable:
      return UNAVAILABLE;
    case Answer.TooEarly:
      return TOO_EARLY;
    default:
      return FORBIDDEN;
  }
}

function challenge(value: string): Span {
  return onePair("www-authenticate", value);
}
