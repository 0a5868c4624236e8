// What `spiffe` may say: a claim, a template, or patterns.

import { ascii } from "../../host/arena";
import { List } from "../../host/list";
import { Span, ABSENT, byteAt, equalsAscii, indexOf, lengthOf, slice, startsWith } from "../../host/span";
import { line, startLine, writeBytes } from "../../host/writer";
import { Char } from "../../text/ascii";
import { JsonNode, NO_NODE } from "../../text/json";
import { hasPath, trustDomainOf } from "../../text/spiffe_id";
import { parseClaimPath } from "../claim_path";
import { Binding, Method, Piece, Policy } from "../policy";
import { document, hasOnly, isText, orParent, readPatterns, region } from "../reader";
import { refuse } from "../refusal";

const MEMBERS = ascii("claim template patterns");
const SCHEME = ascii("spiffe://");
const SCHEME_AND_DOMAIN = ascii("spiffe://{trustDomain}/");
/** Pieces of a template, at most. */
const MAX_PIECES: i32 = 32;

export function readSpiffe(binding: Binding, node: JsonNode, policy: Policy): bool {
  if (!hasOnly(node, MEMBERS)) return false;
  if (document.countIn(node) != 1) return refuse(document, node, 'one of "claim", "template" and "patterns"');
  if (document.member(node, "patterns") != NO_NODE) {
    binding.method = Method.Pattern;
    return readPatterns(node, "patterns", binding.patterns);
  }
  const template = document.member(node, "template");
  if (template != NO_NODE) return readTemplate(binding, template, policy);
  binding.method = Method.Claim;
  const claim = document.member(node, "claim");
  binding.claim = parseClaimPath(document.stringOf(claim), region);
  return binding.claim != ABSENT || refuseClaim(orParent(claim, node));
}

function refuseClaim(node: JsonNode): bool {
  return refuse(document, node, 'the path to a claim, such as "sub" or "kubernetes.io.namespace"');
}

/** The trust domain is the policy's or spelled out: were it a claim, the token would say whom it trusts. */
function readTemplate(binding: Binding, node: JsonNode, policy: Policy): bool {
  binding.method = Method.Template;
  const text = isText(node) ? document.stringOf(node) : ABSENT;
  const names = startsWith(text, SCHEME_AND_DOMAIN);
  const slash = indexOf(text, Char.Slash, lengthOf(SCHEME));
  const brace = indexOf(text, Char.OpeningBrace, 0);
  const isSpelled = startsWith(text, SCHEME) && slash > lengthOf(SCHEME) && (brace < 0 || slash < brace);
  if (!names && !isSpelled)
    return refuse(document, node, 'a template such as "spiffe://{trustDomain}/ns/{kubernetes.io.namespace}"');
  if (names && policy.trustDomain == ABSENT)
    return refuse(document, node, 'a policy with "trustDomain", or a template that spells it out');
  return readPieces(binding, node, text, policy);
}

function readPieces(binding: Binding, node: JsonNode, text: Span, policy: Policy): bool {
  let at = 0;
  while (at < lengthOf(text)) {
    const piece = region.make<Piece>();
    const isClaim = byteAt(text, at) == Char.OpeningBrace;
    const close = indexOf(text, isClaim ? Char.ClosingBrace : Char.OpeningBrace, at);
    const end = close < 0 ? lengthOf(text) : close;
    if (isClaim && !readHole(piece, slice(text, at + 1, end), close, policy))
      return refuse(document, node, 'in braces "trustDomain" or the path to a claim');
    if (!isClaim) piece.text = region.copy(slice(text, at, end));
    at = isClaim ? end + 1 : end;
    binding.pieces.append(piece, region);
  }
  if (binding.pieces.count > MAX_PIECES) return refuse(document, node, "a template of at most 32 pieces");
  return (
    canBeAnId(binding.pieces) ||
    refuse(
      document,
      node,
      "a template that gives a well-formed SPIFFE ID when each claim is one segment, or a part of one",
    )
  );
}

const EXAMPLE = ascii("x");

/** Tries it with an `x` for every claim. */
function canBeAnId(pieces: List<Piece>): bool {
  startLine();
  let link = pieces.first;
  while (link != null) {
    writeBytes(link.item.claim == ABSENT ? link.item.text : EXAMPLE);
    link = link.next;
  }
  const domain = trustDomainOf(line());
  return domain != ABSENT && hasPath(line(), domain);
}

function readHole(piece: Piece, name: Span, close: i32, policy: Policy): bool {
  if (close < 0) return false;
  piece.isTrustDomain = equalsAscii(name, "trustDomain");
  if (piece.isTrustDomain) piece.text = policy.trustDomain;
  else piece.claim = parseClaimPath(name, region);
  return piece.text != ABSENT || piece.claim != ABSENT;
}
