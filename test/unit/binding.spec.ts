import { makeForever, resetArena } from "../../assembly/host/arena";
import { Region } from "../../assembly/host/region";
import { ABSENT, Span } from "../../assembly/host/span";
import { proveBindings } from "../../assembly/binding/bind";
import { methodName, trail } from "../../assembly/binding/trail";
import { Reason, reasonName } from "../../assembly/decision/reason";
import { MetadataClaims } from "../../assembly/evidence/jwt_authn";
import { Presenter } from "../../assembly/evidence/presenter";
import { Binding, MAX_WINDOW, Method, Policy, Rotation, Rule } from "../../assembly/policy/policy";
import { JsonDocument } from "../../assembly/text/json";
import { parseJson } from "../../assembly/text/json_parser";
import { VerifiedClaims } from "../../assembly/token/verified_claims";
import { utf8 } from "./support";

const WEB = "spiffe://example.org/ns/shop/sa/web";
const OTHER = "spiffe://example.org/ns/shop/sa/thief";
const DIGEST_HEX = "0380ed2f626650c840b2f263e6d2b29fae12ab39ae5db32b25ad27efad72e6fd";
const OTHER_HEX = "1380ed2f626650c840b2f263e6d2b29fae12ab39ae5db32b25ad27efad72e6fd";
const THUMBPRINT = "A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0"; // RFC 8705, appendix A

const region = makeForever<Region>();
const presenter = Presenter.make();
const policy = Policy.make(region);
const document = JsonDocument.forever(64);
const metadata = makeForever<MetadataClaims>();

function claims(json: string): VerifiedClaims {
  assert(parseJson(document, utf8(json)), "the test's claims are JSON");
  metadata.document = document;
  return VerifiedClaims.byMetadata(metadata);
}

function present(id: string, digestHex: string): void {
  presenter.clear();
  presenter.setUriSan(utf8(id));
  presenter.setCertificateDigest(utf8(digestHex));
}

function ruleWith(method: Method, claim: Span): Rule {
  const rule = Rule.make(region);
  const binding = Binding.make(region);
  binding.method = method;
  binding.claim = claim;
  rule.bind.bindings.append(binding, region);
  return rule;
}

function held(json: string, rule: Rule): string {
  resetArena();
  return reasonName(proveBindings(claims(json), policy, rule, null, presenter));
}

const byDefault = Rule.make(region);
byDefault.bind.bindsByDefault = true;
const byCertificate = ruleWith(Method.Certificate, ABSENT);
const byWorkload = ruleWith(Method.Claim, utf8("workload"));

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

describe("a certificate's rotation", () => {
  test("lets nothing pass where nothing is known of the past", () => {
    const rule = ruleWith(Method.Certificate, ABSENT);
    const rotation = region.make<Rotation>();
    rotation.claim = utf8("sub");
    rotation.window = MAX_WINDOW;
    rule.bind.rotation = rotation;
    const json = '{"sub":"' + WEB + '","iat":1,"cnf":{"x5t#S256":"' + THUMBPRINT + '"}}';
    present(WEB, OTHER_HEX);
    expect(held(json, rule)).toBe("certificate_mismatch");
    present(WEB, DIGEST_HEX);
    expect(held(json, rule)).toBe("ok");
    presenter.clear();
    expect(held(json, rule)).toBe("certificate_digest_absent");
  });

  test("that was never filled in lets nothing pass", () => {
    const rule = ruleWith(Method.Certificate, ABSENT);
    rule.bind.rotation = region.make<Rotation>();
    presenter.clear();
    presenter.setCertificateDigest(utf8(OTHER_HEX));
    expect(held('{"":"","cnf":{"x5t#S256":"' + THUMBPRINT + '"}}', rule)).toBe("certificate_mismatch");
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

describe("the trail of what was held", () => {
  test("keeps methods and reasons in order, and says whether anything ties the token", () => {
    trail.clear();
    trail.note(Method.Pattern, Reason.ok, false);
    expect(trail.isBound).toBe(false);
    trail.note(Method.Client, Reason.client_mismatch, true);
    expect(trail.isBound).toBe(false, "what does not hold ties nothing");
    trail.note(Method.Confirmation, Reason.ok, true);
    expect(trail.isBound).toBe(true);
    expect(trail.count).toBe(3);
    expect(methodName(trail.methodAt(0))).toBe("spiffe");
    expect(trail.reasonAt(1)).toBe(Reason.client_mismatch);
    expect(methodName(trail.methodAt(2))).toBe("cnf");
    trail.clear();
    expect(trail.count).toBe(0);
    expect(trail.isBound).toBe(false);
  });

  test("has room for 64 steps, and loses none that ties", () => {
    trail.clear();
    for (let i = 0; i < 70; i++) trail.note(Method.Pattern, Reason.ok, false);
    trail.note(Method.Claim, Reason.ok, true);
    expect(trail.count).toBe(64);
    expect(trail.isBound).toBe(true);
    trail.clear();
  });
});
