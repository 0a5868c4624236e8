import { makeForever, resetArena } from "../../assembly/host/arena";
import { Span } from "../../assembly/host/span";
import { proveBindings } from "../../assembly/binding/bind";
import { checkTrustDomain } from "../../assembly/boundary/trust_domain";
import { Decision, Verdict, verdictName } from "../../assembly/decision/decision";
import {
  Answer,
  REASON_LIMIT,
  Reason,
  answerTo,
  grpcStatus,
  httpStatus,
  reasonName,
} from "../../assembly/decision/reason";
import { MetadataClaims } from "../../assembly/evidence/jwt_authn";
import { Presenter } from "../../assembly/evidence/presenter";
import { Binding, Method, Mode, Policy, Rule } from "../../assembly/policy/policy";
import { JsonDocument } from "../../assembly/text/json";
import { VerifiedClaims } from "../../assembly/token/verified_claims";
import { ABSENT, FAILED } from "../../assembly/host/span";
import { text, utf8 } from "./support";

const WEB = "spiffe://example.org/ns/shop/sa/web";
const OTHER = "spiffe://example.org/ns/shop/sa/thief";
const DIGEST_HEX = "0380ed2f626650c840b2f263e6d2b29fae12ab39ae5db32b25ad27efad72e6fd";
const OTHER_HEX = "1380ed2f626650c840b2f263e6d2b29fae12ab39ae5db32b25ad27efad72e6fd";
const THUMBPRINT = "A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0"; // RFC 8705, appendix A

const presenter = Presenter.make();
const document = JsonDocument.forever(64);
const metadata = makeForever<MetadataClaims>();

function claims(json: string): VerifiedClaims {
  assert(document.parse(utf8(json)), "the test's claims are JSON");
  metadata.document = document;
  return VerifiedClaims.byMetadata(metadata);
}

function present(id: string, digestHex: string): void {
  presenter.clear();
  presenter.setUriSan(utf8(id));
  presenter.setCertificateDigest(utf8(digestHex));
}

function ruleWith(method: Method, claim: Span): Rule {
  const rule = makeForever<Rule>();
  const binding = makeForever<Binding>();
  binding.method = method;
  binding.claim = claim;
  rule.bindings = binding;
  return rule;
}

function held(json: string, rule: Rule): string {
  resetArena();
  return reasonName(proveBindings(claims(json), rule, presenter));
}

const byDefault = makeForever<Rule>();
const byCertificate = ruleWith(Method.Certificate, ABSENT);
const byWorkload = ruleWith(Method.Spiffe, utf8("workload"));

describe("the default binding", () => {
  test("holds a token without cnf against its subject", () => {
    present(WEB, DIGEST_HEX);
    expect(held('{"sub":"' + WEB + '"}', byDefault)).toBe("ok");
    expect(held('{"sub":"' + OTHER + '"}', byDefault)).toBe("spiffe_mismatch");
    expect(held('{"sub":"' + WEB + '/"}', byDefault)).toBe("spiffe_mismatch");
    expect(held("{}", byDefault)).toBe("spiffe_claim_absent");
    expect(held('{"sub":["' + WEB + '"]}', byDefault)).toBe("spiffe_claim_malformed");
    expect(held('{"sub":"' + WEB + '\\u0000"}', byDefault)).toBe("spiffe_claim_malformed");
  });

  test("nobody is nobody's subject", () => {
    presenter.clear();
    expect(held('{"sub":""}', byDefault)).toBe("spiffe_id_absent");
  });

  test("holds a token with cnf against its cnf", () => {
    present(OTHER, DIGEST_HEX);
    expect(held('{"sub":"x","cnf":{"x5t#S256":"' + THUMBPRINT + '"}}', byDefault)).toBe("ok");
    present(OTHER, OTHER_HEX);
    expect(held('{"sub":"' + OTHER + '","cnf":{"x5t#S256":"' + THUMBPRINT + '"}}', byDefault)).toBe(
      "certificate_mismatch",
    );
  });
});

describe("a token's cnf", () => {
  test("has to be proven whatever the rule asks for", () => {
    present(WEB, OTHER_HEX);
    expect(held('{"workload":"' + WEB + '","cnf":{"x5t#S256":"' + THUMBPRINT + '"}}', byWorkload)).toBe(
      "certificate_mismatch",
    );
  });

  test("denies by each member that nobody here can prove", () => {
    present(WEB, DIGEST_HEX);
    expect(held('{"cnf":{"jkt":"x"}}', byDefault)).toBe("cnf_unsupported");
    expect(held('{"cnf":{"x5t#S256":"' + THUMBPRINT + '","jkt":"x"}}', byDefault)).toBe("cnf_unsupported");
    expect(held('{"cnf":{"X5T#S256":"' + THUMBPRINT + '"}}', byDefault)).toBe("cnf_unsupported");
  });

  test("denies when it cannot be read", () => {
    present(WEB, DIGEST_HEX);
    const flawed = [
      "null",
      "{}",
      "[]",
      '"x"',
      '{"x5t#S256":7}',
      '{"x5t#S256":""}',
      '{"x5t#S256":"' + THUMBPRINT + '="}',
      '{"x5t#S256":"' + THUMBPRINT.substring(1) + '"}',
      '{"x5t#S256":"' + DIGEST_HEX + '"}',
      // The last character's two unused bits are not zero: another spelling of the same bytes.
      '{"x5t#S256":"' + THUMBPRINT.substring(0, 42) + '1"}',
    ];
    for (let i = 0; i < flawed.length; i++)
      expect(held('{"cnf":' + flawed[i] + "}", byDefault)).toBe("cnf_malformed", flawed[i]);
  });
});

describe("a rule's binding", () => {
  test("certificate wants a token that names one", () => {
    present(WEB, DIGEST_HEX);
    expect(held('{"cnf":{"x5t#S256":"' + THUMBPRINT + '"}}', byCertificate)).toBe("ok");
    expect(held('{"sub":"' + WEB + '"}', byCertificate)).toBe("certificate_unbound");
  });

  test("spiffe compares the claim that it names", () => {
    present(WEB, DIGEST_HEX);
    expect(held('{"workload":"' + WEB + '","sub":"' + OTHER + '"}', byWorkload)).toBe("ok");
    expect(held('{"sub":"' + WEB + '"}', byWorkload)).toBe("spiffe_claim_absent");
  });

  test("that was never filled in denies", () => {
    present(WEB, DIGEST_HEX);
    expect(held('{"sub":"' + WEB + '"}', ruleWith(Method.Nothing, ABSENT))).toBe("policy_absent");
  });
});

describe("evidence of the presenter", () => {
  test("is present, absent or malformed", () => {
    presenter.clear();
    expect(presenter.setUriSan(ABSENT)).toBe(Reason.spiffe_id_absent);
    expect(presenter.setUriSan(FAILED)).toBe(Reason.host_unavailable);
    expect(presenter.setUriSan(utf8("https://example.org"))).toBe(Reason.spiffe_id_malformed);
    expect(presenter.spiffeId).toBe(ABSENT);
    expect(presenter.setUriSan(utf8(WEB))).toBe(Reason.ok);
    expect(text(presenter.trustDomain)).toBe("example.org");
    expect(presenter.setCertificateDigest(ABSENT)).toBe(Reason.certificate_digest_absent);
    expect(presenter.setCertificateDigest(FAILED)).toBe(Reason.host_unavailable);
    expect(presenter.setCertificateDigest(utf8(DIGEST_HEX.toUpperCase()))).toBe(
      Reason.certificate_digest_malformed,
    );
    expect(presenter.certificateDigest).toBe(ABSENT);
  });
});

describe("the trust domain boundary", () => {
  test("admits its own workloads only, where it is drawn", () => {
    const policy = makeForever<Policy>();
    present(WEB, DIGEST_HEX);
    expect(checkTrustDomain(policy, presenter)).toBe(Reason.ok);
    policy.trustDomain = utf8("example.org");
    expect(checkTrustDomain(policy, presenter)).toBe(Reason.ok);
    policy.trustDomain = utf8("example.or");
    expect(checkTrustDomain(policy, presenter)).toBe(Reason.trust_domain_foreign);
    presenter.clear();
    expect(checkTrustDomain(policy, presenter)).toBe(Reason.trust_domain_foreign);
  });
});

describe("a decision", () => {
  test("denies as long as nothing was decided", () => {
    expect(verdictName(Decision.make().verdict)).toBe("deny");
    expect(makeForever<Rule>().mode).toBe(Mode.Enforce);
  });

  test("denies for every reason but three, and for every number without one", () => {
    const decision = Decision.make();
    for (let reason: Reason = 0; reason < REASON_LIMIT + 10; reason++) {
      decision.combine(reason, Mode.Enforce);
      const allows = reason <= Reason.token_optional_absent;
      expect(decision.verdict == Verdict.Allow).toBe(allows, reasonName(reason));
      decision.combine(reason, Mode.Observe);
      expect(decision.verdict).toBe(allows ? Verdict.Allow : Verdict.WouldDeny);
    }
  });

  test("has a status for every answer", () => {
    expect(answerTo(Reason.token_absent)).toBe(Answer.Unauthenticated);
    expect(<i32>httpStatus(Answer.Unauthenticated)).toBe(401);
    expect(<i32>httpStatus(Answer.InvalidToken)).toBe(401);
    expect(<i32>httpStatus(Answer.InvalidRequest)).toBe(400);
    expect(<i32>httpStatus(Answer.Unavailable)).toBe(503);
    expect(<i32>httpStatus(Answer.Forbidden)).toBe(403);
    expect(<i32>grpcStatus(Answer.InvalidToken)).toBe(16);
    expect(<i32>grpcStatus(Answer.InvalidRequest)).toBe(3);
    expect(<i32>grpcStatus(Answer.Unavailable)).toBe(14);
    expect(<i32>grpcStatus(Answer.Forbidden)).toBe(7);
  });
});
