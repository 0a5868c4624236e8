import { makeForever } from "../../assembly/host/arena";
import { Region } from "../../assembly/host/region";
import { borderOf, checkBorder, clusterBorderOf } from "../../assembly/boundary/border";
import { Reason } from "../../assembly/decision/reason";
import { Presenter } from "../../assembly/evidence/presenter";
import { Bind, Border, Crossing, Issuer, Policy } from "../../assembly/policy/policy";
import { utf8 } from "./support";

const region = makeForever<Region>();
const presenter = Presenter.make();

function present(id: string): void {
  presenter.clear();
  if (id.length > 0) presenter.setUriSan(utf8(id));
}

function opening(border: Border, isOpen: bool): Issuer {
  const issuer = Issuer.make(region);
  const crossing = region.make<Crossing>();
  crossing.border = border;
  crossing.isOpen = isOpen;
  crossing.bind = Bind.make(region);
  issuer.crossings.append(crossing, region);
  return issuer;
}

describe("where a presenter stands", () => {
  test("is within, when no border is drawn", () => {
    present("spiffe://example.org/ns/shop/sa/web");
    expect(borderOf(Policy.make(region), presenter)).toBe(Border.Same);
  });

  test("is told by the bytes of its trust domain and by no others", () => {
    const policy = Policy.make(region);
    policy.trustDomain = utf8("example.org");
    policy.trustDomainAliases.append(utf8("old.example.org"), region);
    policy.federatedTrustDomains.append(utf8("partner.example"), region);
    present("spiffe://example.org/web");
    expect(borderOf(policy, presenter)).toBe(Border.Same);
    present("spiffe://old.example.org/web");
    expect(borderOf(policy, presenter)).toBe(Border.Same);
    present("spiffe://partner.example/web");
    expect(borderOf(policy, presenter)).toBe(Border.Federated);
    present("spiffe://example.or/web");
    expect(borderOf(policy, presenter)).toBe(Border.None);
    present("spiffe://an.example.org/web");
    expect(borderOf(policy, presenter)).toBe(Border.None);
    present("");
    expect(borderOf(policy, presenter)).toBe(Border.Outside);
  });

  test("is in another cluster only when both are known", () => {
    const policy = Policy.make(region);
    present("spiffe://example.org/web");
    expect(clusterBorderOf(policy, presenter)).toBe(Border.None);
    policy.cluster = utf8("east");
    expect(clusterBorderOf(policy, presenter)).toBe(Border.None);
    presenter.cluster = utf8("east");
    expect(clusterBorderOf(policy, presenter)).toBe(Border.Same);
    presenter.cluster = utf8("west");
    expect(clusterBorderOf(policy, presenter)).toBe(Border.Cluster);
  });
});

describe("a border", () => {
  test("is closed unless the issuer opens it", () => {
    const issuer = Issuer.make(region);
    expect(checkBorder(issuer, Border.None)).toBe(Reason.trust_domain_foreign);
    expect(checkBorder(issuer, Border.Same)).toBe(Reason.ok);
    for (let border: Border = Border.Cluster; border <= Border.Outside; border++) {
      expect(checkBorder(issuer, border)).toBe(Reason.border_closed);
      expect(checkBorder(opening(border, false), border)).toBe(Reason.border_closed);
      expect(checkBorder(opening(border, true), border)).toBe(Reason.ok);
    }
    expect(checkBorder(opening(Border.Outside, true), Border.Federated)).toBe(Reason.border_closed);
    expect(checkBorder(opening(Border.None, true), Border.None)).toBe(Reason.trust_domain_foreign);
  });
});
