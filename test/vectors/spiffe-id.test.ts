import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { policy, policyWithRule } from "../filter/support/policies.ts";
import { PolicyDesk } from "../filter/support/refusal.ts";
import { Scene, reasonOf } from "../filter/support/scene.ts";
import { without } from "../filter/support/json.ts";
import type { Json } from "../filter/support/json.ts";
import { CLAIMS, key, token, tokenOfText } from "../filter/support/tokens.ts";
import { AUDIENCE, ISSUER, WEB, web } from "../filter/support/world.ts";
import { ACCEPTED, Agreement, POLICY_REFUSED } from "./support/agreement.ts";
import { describeSuite, readCases } from "./support/cases.ts";
import { probes } from "./support/probe.ts";

interface IdCase {
  readonly name: string;
  readonly input_hex: string;
  readonly valid: boolean;
  readonly trust_domain?: string;
  readonly path?: string;
}

const IDS = "spiffe-id/spiffe_id_parse.json";
const DOMAINS = "spiffe-id/trust_domain_parse.json";

const HEADER = JSON.stringify({ alg: "ES256", kid: "k1" });

function policyWithSvids(trustDomain: string): Json {
  const keys = { jwks: { keys: [{ ...key.jwk, use: "jwt-svid" }] } };
  const svids = { kind: "jwt-svid", issuer: ISSUER, trustDomain, audiences: [AUDIENCE], keys };
  return { presenter: { validatedBy: "listener" }, issuers: { svids } };
}

/** The claims as JSON, with the bytes of `subject` as they are where JSON lets them be. */
function payloadWith(subject: Buffer): Buffer {
  const [before = "", after = ""] = JSON.stringify({ ...CLAIMS, sub: "?" }).split("?");
  const escaped = [...subject].map((byte) =>
    byte < 0x20 || byte === 0x22 || byte === 0x5c
      ? `\\u00${byte.toString(16).padStart(2, "0")}`
      : String.fromCharCode(byte),
  );
  return Buffer.from(before + escaped.join("") + after, "latin1");
}

const nameOf = ({ name }: IdCase, index: number): string => `#${index + 1} ${name}`;

describeSuite(IDS, () => {
  const cases = readCases(IDS) as readonly IdCase[];

  for (const probe of probes) {
    it(`each is parsed as published: ${probe.name}`, () => {
      for (const one of cases) {
        const id = Buffer.from(one.input_hex, "hex");
        const expected = one.valid ? one.trust_domain : undefined;
        assert.equal(probe.trustDomain(id), expected, `${one.name}: ${one.input_hex}`);
      }
    });
  }

  it("each in the peer's certificate is taken or malformed, through the whole filter", () => {
    const agreement = new Agreement(IDS);
    const open = new Scene(without(policy(), "trustDomain"));
    const peerWithout = without({ ...web }, "uriSan");
    cases.forEach((one, index) => {
      const properties = { "connection.uri_san_peer_certificate": Buffer.from(one.input_hex, "hex") };
      const reason = reasonOf(open.present(token(), { peer: peerWithout, properties })) ?? "";
      // A good ID is not the one that the token is for.
      const outcome = reason === "spiffe_mismatch" ? ACCEPTED : reason;
      const fitting = one.input_hex === "" ? "spiffe_id_absent" : "spiffe_id_malformed";
      agreement.note(nameOf(one, index), one.valid, outcome, fitting);
    });
    agreement.assertComplete();
  });

  it("each as the subject of a JWT-SVID is a workload's, or malformed", () => {
    const scenes = new Map<string, Scene>();
    const sceneFor = (trustDomain: string): Scene => {
      const known = scenes.get(trustDomain);
      const scene = known ?? new Scene(policyWithSvids(trustDomain));
      scenes.set(trustDomain, scene);
      return scene;
    };
    for (const { name, input_hex, valid, trust_domain = "trustdomain", path = "" } of cases) {
      const token = tokenOfText(HEADER, payloadWith(Buffer.from(input_hex, "hex")));
      const reason = reasonOf(sceneFor(trust_domain).present(token)) ?? "";
      // A good ID is not the peer's.
      const wanted =
        valid && path !== "" ? ["spiffe_mismatch"] : ["subject_malformed", "token_payload_malformed"];
      assert.ok(wanted.includes(reason), `${name}: ${input_hex}: ${reason}`);
    }
  });
});

describeSuite(DOMAINS, () => {
  const cases = readCases(DOMAINS) as readonly IdCase[];

  for (const probe of probes) {
    it(`each name is accepted or refused as published: ${probe.name}`, () => {
      const agreement = new Agreement(DOMAINS);
      cases.forEach((one, index) => {
        const isTaken = probe.acceptsTrustDomain(Buffer.from(one.input_hex, "hex"));
        agreement.note(nameOf(one, index), one.valid, isTaken ? ACCEPTED : POLICY_REFUSED, POLICY_REFUSED);
      });
      agreement.assertComplete();
    });
  }

  it("each as `trustDomain` of a policy is accepted or refused alike", () => {
    const agreement = new Agreement(DOMAINS);
    const desk = new PolicyDesk();
    const MARK = "the trust domain";
    const [before = "", after = ""] = JSON.stringify(policy({ trustDomain: MARK })).split(MARK);
    cases.forEach((one, index) => {
      const escaped = JSON.stringify(Buffer.from(one.input_hex, "hex").toString("latin1")).slice(1, -1);
      const { accepted } = desk.offer(Buffer.from(before + escaped + after, "latin1"));
      agreement.note(nameOf(one, index), one.valid, accepted ? ACCEPTED : POLICY_REFUSED, POLICY_REFUSED);
    });
    agreement.assertComplete();
  });
});

describe("what go-spiffe leaves open", () => {
  // https://github.com/spiffe/spiffe/blob/main/standards/SPIFFE-ID.md#23-maximum-spiffe-id-length
  it("an ID has at most 2,048 bytes, a trust domain 255", () => {
    for (const probe of probes) {
      const idOf = (bytes: number) => Buffer.from("spiffe://example.org/".padEnd(bytes, "a"));
      assert.equal(probe.trustDomain(idOf(2048)), "example.org");
      assert.equal(probe.trustDomain(idOf(2049)), undefined);
      assert.equal(probe.acceptsTrustDomain(Buffer.from("a".repeat(255))), true);
      assert.equal(probe.acceptsTrustDomain(Buffer.from("a".repeat(256))), false);
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
