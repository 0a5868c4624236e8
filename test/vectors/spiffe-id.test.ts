import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { policy, policyWithRule } from "../filter/support/policies.ts";
import { PolicyDesk } from "../filter/support/refusal.ts";
import { Scene, reasonOf } from "../filter/support/scene.ts";
import { without } from "../filter/support/json.ts";
import { token } from "../filter/support/tokens.ts";
import { WEB, web } from "../filter/support/world.ts";
import { describeCases, readCases } from "./support/cases.ts";
import { probes } from "./support/probe.ts";

interface IdCase {
  readonly name: string;
  readonly input_hex: string;
  readonly valid: boolean;
  readonly trust_domain?: string;
  readonly path?: string;
}

const MAX_ID_BYTES = 2048;
const MAX_TRUST_DOMAIN_BYTES = 255;

const IDS = "spiffe-id/spiffe_id_parse.json";
const DOMAINS = "spiffe-id/trust_domain_parse.json";

/** go-spiffe knows no limits of length; the standard does (section 2.3). */
function isWithinLimits({ input_hex, trust_domain = "" }: IdCase): boolean {
  return input_hex.length / 2 <= MAX_ID_BYTES && trust_domain.length <= MAX_TRUST_DOMAIN_BYTES;
}

/** A workload's ID has a path (X509-SVID, section 5.2); any other ID may do without. */
function isWorkload({ path = "" }: IdCase): boolean {
  return path !== "";
}

describeCases(IDS, 535, () => {
  const cases = readCases(IDS) as IdCase[];

  for (const probe of probes) {
    it(`each is parsed as published: ${probe.name}`, () => {
      for (const one of cases) {
        const id = Buffer.from(one.input_hex, "hex");
        const expected = one.valid && isWithinLimits(one) ? one.trust_domain : undefined;
        assert.equal(probe.trustDomain(id), expected, `${one.name}: ${one.input_hex}`);
      }
    });
  }

  it("each in the peer's certificate is taken or malformed, through the whole filter", () => {
    const open = new Scene(without(policy(), "trustDomain"));
    const peerWithout = without({ ...web }, "uriSan");
    for (const one of cases) {
      const properties = { "connection.uri_san_peer_certificate": Buffer.from(one.input_hex, "hex") };
      const reason = reasonOf(open.present(token(), { peer: peerWithout, properties }));
      const isGood = one.valid && isWithinLimits(one) && isWorkload(one);
      const refusal = one.input_hex === "" ? "spiffe_id_absent" : "spiffe_id_malformed";
      assert.equal(reason, isGood ? "spiffe_mismatch" : refusal, `${one.name}: ${one.input_hex}`);
    }
  });
});

describeCases(DOMAINS, 267, () => {
  const cases = readCases(DOMAINS) as IdCase[];
  // go-spiffe takes a whole ID for its trust domain too; to us a trust domain is a name and nothing else.
  const isId = ({ input_hex }: IdCase): boolean => Buffer.from(input_hex, "hex").includes(":/");
  const isName = (one: IdCase): boolean =>
    one.valid && !isId(one) && one.input_hex.length / 2 <= MAX_TRUST_DOMAIN_BYTES;

  for (const probe of probes) {
    it(`each name is accepted or refused as published, an ID never: ${probe.name}`, () => {
      for (const one of cases) {
        const name = Buffer.from(one.input_hex, "hex");
        assert.equal(probe.acceptsTrustDomain(name), isName(one), one.input_hex);
        if (isId(one))
          assert.equal(probe.trustDomain(name), one.valid ? one.trust_domain : undefined, one.input_hex);
      }
    });
  }

  it("each as `trustDomain` of a policy is accepted or refused alike", () => {
    const desk = new PolicyDesk();
    const MARK = "the trust domain";
    const [before = "", after = ""] = JSON.stringify(policy({ trustDomain: MARK })).split(MARK);
    for (const one of cases) {
      const escaped = JSON.stringify(Buffer.from(one.input_hex, "hex").toString("latin1")).slice(1, -1);
      const text = Buffer.from(before + escaped + after, "latin1");
      assert.equal(desk.offer(text).accepted, isName(one), one.input_hex);
    }
  });
});

describe("a claim", () => {
  it("is never compared with an ID that was not well-formed", () => {
    const scene = new Scene(policyWithRule({ bind: [{ spiffe: { claim: "sub" } }] }));
    const uriSan = `${WEB}/`;
    assert.equal(
      reasonOf(scene.present(token({ sub: uriSan }), { peer: { ...web, uriSan } })),
      "spiffe_id_malformed",
    );
  });
});
