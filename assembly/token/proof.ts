// A proof that whoever sends a request has a key: a short JWT, signed with it for this one request. Taken apart, and nothing believed
// yet.  https://www.rfc-editor.org/rfc/rfc9449#section-4.2  https://datatracker.ietf.org/doc/draft-ietf-wimse-wpt/01/

import { makeForever } from "../host/arena";
import {
  Span,
  ABSENT,
  FAILED,
  equalsAsciiIgnoreCase,
  indexOf,
  lengthOf,
  slice,
  sliceFrom,
} from "../host/span";
import { Algorithm, algorithmNamed, isVerifiedHere } from "../crypto/algorithm";
import { Reason } from "../decision/reason";
import { Char } from "../text/ascii";
import { decodeBase64url } from "../text/base64url";
import { JsonDocument, JsonKind, JsonNode, NO_NODE, ROOT } from "../text/json";
import { parseJson } from "../text/json_parser";

/** Values in a proof's header and payload, at most. */
const MAX_VALUES: i32 = 128;
/** Bytes of a proof, at most: one with a 4,096-bit RSA key and signature takes some 1,700. */
const MAX_PROOF_BYTES: i32 = 8 * 1024;

export const enum ProofType {
  /** `dpop+jwt`. */
  Dpop = 0,
  /** `wpt+jwt`. */
  Wpt = 1,
}

@unmanaged
export class UnverifiedProof {
  algorithm: Algorithm;
  signature: Span;
  signingInput: Span;
  header: JsonDocument;
  /** The key that it names, in the header; NO_NODE: none. */
  key: JsonNode;
  claims: JsonDocument;

  static make(): UnverifiedProof {
    const proof = makeForever<UnverifiedProof>();
    proof.header = JsonDocument.forever(MAX_VALUES);
    proof.claims = JsonDocument.forever(MAX_VALUES);
    return proof;
  }

  /** Takes `compact` apart. Spans live until the callback ends. */
  read(compact: Span, type: ProofType): Reason {
    if (lengthOf(compact) > MAX_PROOF_BYTES) return Reason.proof_malformed;
    const first = indexOf(compact, Char.Dot, 0);
    const second = first < 0 ? -1 : indexOf(compact, Char.Dot, first + 1);
    if (second < 0 || indexOf(compact, Char.Dot, second + 1) >= 0) return Reason.proof_malformed;
    const header = decodeBase64url(slice(compact, 0, first));
    const payload = decodeBase64url(slice(compact, first + 1, second));
    this.signature = decodeBase64url(sliceFrom(compact, second + 1));
    this.signingInput = slice(compact, 0, second);
    if (header == FAILED || payload == FAILED || lengthOf(this.signature) == 0) return Reason.proof_malformed;
    if (!isObject(this.header, header) || !isObject(this.claims, payload)) return Reason.proof_malformed;
    return this.readHeader(type);
  }

  /** The text of a claim; absent when it is none. */
  textOf(claim: string): Span {
    return this.claims.stringOf(this.claims.member(ROOT, claim));
  }

  private readHeader(type: ProofType): Reason {
    const header = this.header;
    const typ = header.stringOf(header.member(ROOT, "typ"));
    if (!isTyped(typ, type)) return Reason.proof_type_unsupported;
    if (hasForbiddenMember(header)) return Reason.proof_malformed;
    this.algorithm = algorithmNamed(header.stringOf(header.member(ROOT, "alg")));
    if (!isVerifiedHere(this.algorithm)) return Reason.proof_algorithm_unsupported;
    this.key = header.member(ROOT, "jwk");
    return Reason.ok;
  }
}

function isObject(document: JsonDocument, bytes: Span): bool {
  return bytes != ABSENT && parseJson(document, bytes) && document.kind(ROOT) == JsonKind.Object;
}

/** Media types have no case, and may be spelled out: RFC 7515, section 4.1.9. */
function isTyped(typ: Span, type: ProofType): bool {
  return type == ProofType.Dpop
    ? equalsAsciiIgnoreCase(typ, "dpop+jwt") || equalsAsciiIgnoreCase(typ, "application/dpop+jwt")
    : equalsAsciiIgnoreCase(typ, "wpt+jwt") || equalsAsciiIgnoreCase(typ, "application/wpt+jwt");
}

/** Keys from elsewhere, and processing that is not done here. */
function hasForbiddenMember(header: JsonDocument): bool {
  return (
    header.member(ROOT, "jku") != NO_NODE ||
    header.member(ROOT, "x5u") != NO_NODE ||
    header.member(ROOT, "crit") != NO_NODE ||
    header.member(ROOT, "b64") != NO_NODE
  );
}
