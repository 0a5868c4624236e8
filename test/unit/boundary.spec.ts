import { makeForever } from "../../assembly/host/arena";
import { checkTrustDomain } from "../../assembly/boundary/trust_domain";
import { Reason } from "../../assembly/decision/reason";
import { Presenter } from "../../assembly/evidence/presenter";
import { Policy } from "../../assembly/policy/policy";
import { utf8 } from "./support";

const presenter = Presenter.make();

describe("the trust domain boundary", () => {
  test("admits its own workloads only, where it is drawn", () => {
    const policy = makeForever<Policy>();
    presenter.setUriSan(utf8("spiffe://example.org/ns/shop/sa/web"));
    expect(checkTrustDomain(policy, presenter)).toBe(Reason.ok);
    policy.trustDomain = utf8("example.org");
    expect(checkTrustDomain(policy, presenter)).toBe(Reason.ok);
    policy.trustDomain = utf8("example.or");
    expect(checkTrustDomain(policy, presenter)).toBe(Reason.trust_domain_foreign);
    presenter.clear();
    expect(checkTrustDomain(policy, presenter)).toBe(Reason.trust_domain_foreign);
  });
});
