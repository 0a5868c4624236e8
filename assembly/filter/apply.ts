// The one place that answers a client.

import { ascii } from "../host/arena";
import { closeStream, sendReply } from "../host/call";
import { onePair } from "../host/pairs";
import { Span, ABSENT } from "../host/span";
import { line, startLine, writeAscii, writeByte } from "../host/writer";
import { Char } from "../text/ascii";
import { Decision, Verdict } from "../decision/decision";
import { Answer, answerTo, grpcStatus, httpStatus, reasonName } from "../decision/reason";

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

const UNAUTHENTICATED = ascii("unauthenticated");
const INVALID_TOKEN = ascii("invalid_token");
const INVALID_REQUEST = ascii("invalid_request");
const UNAVAILABLE = ascii("unavailable");
const FORBIDDEN = ascii("forbidden");

export function apply(decision: Decision): Action {
  // In observe mode nothing that the client or the upstream sees may differ.
  if (decision.verdict != Verdict.Deny && decision.verdict != Verdict.Close) return Action.Continue;
  const answer = answerTo(decision.reason);
  const details = detailsOf(decision);
  const sent = sendReply(
    <i32>httpStatus(answer),
    details,
    bodyOf(answer),
    challengeOf(answer),
    <i32>grpcStatus(answer),
  );
  // No answer must not become no verdict: without it the stream would wait, or be resumed by somebody else.
  if (!sent) closeStream();
  return Action.Stop;
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

function bodyOf(answer: Answer): Span {
  switch (answer) {
    case Answer.Unauthenticated:
      return UNAUTHENTICATED;
    case Answer.InvalidToken:
      return INVALID_TOKEN;
    case Answer.InvalidRequest:
      return INVALID_REQUEST;
    case Answer.Unavailable:
      return UNAVAILABLE;
    default:
      return FORBIDDEN;
  }
}

function challenge(value: string): Span {
  return onePair("www-authenticate", value);
}
