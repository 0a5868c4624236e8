import { ABSENT, EMPTY, FAILED } from "../../assembly/host/span";
import { Reason } from "../../assembly/decision/reason";
import { Presenter } from "../../assembly/evidence/presenter";
import { text, utf8 } from "./support";

const WEB = "spiffe://example.org/ns/shop/sa/web";
const DIGEST_HEX = "0380ed2f626650c840b2f263e6d2b29fae12ab39ae5db32b25ad27efad72e6fd";

const presenter = Presenter.make();

describe("evidence of the presenter", () => {
  test("is present, absent or malformed", () => {
    presenter.clear();
    expect(presenter.setUriSan(ABSENT)).toBe(Reason.spiffe_id_absent);
    expect(presenter.setUriSan(EMPTY)).toBe(Reason.spiffe_id_absent);
    expect(presenter.setUriSan(FAILED)).toBe(Reason.host_unavailable);
    expect(presenter.setUriSan(utf8("https://example.org"))).toBe(Reason.spiffe_id_malformed);
    expect(presenter.setUriSan(utf8("spiffe://example.org"))).toBe(Reason.spiffe_id_malformed);
    expect(presenter.spiffeId).toBe(ABSENT);
    expect(presenter.trustDomain).toBe(ABSENT);
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
