import assert from "node:assert/strict";
import { it } from "node:test";
import type { Json } from "../filter/support/json.ts";
import { PolicyDesk } from "../filter/support/refusal.ts";
import { ACCEPTED, Agreement, POLICY_REFUSED } from "./support/agreement.ts";
import { describeSuite, readCases } from "./support/cases.ts";
import { KeyFault, KeyUse, probes } from "./support/probe.ts";

interface BundleCase {
  readonly file: string;
  readonly valid: boolean;
  /** Of a valid one also how many keys it has for tokens. */
  readonly reason: string;
}

const BUNDLES = "trust-bundles/expected.json";

type Kind = "jwt-svid" | "wit-svid";

/** The tokens that a bundle is for; a whole bundle may be for both. */
const kindOf = (file: string): Kind => (file.startsWith("exp_bundle_witbundle_") ? "wit-svid" : "jwt-svid");

/** What a workload is handed: plain JWK sets, where the call that hands them out says what they are for. */
const HAS_NO_USE = /^(bundle_jwtbundle|exp_bundle_witbundle)_/;

function issuerOf(kind: Kind, jwks: unknown): Json {
  const audiences = kind === "jwt-svid" ? { audiences: ["a"] } : {};
  return { kind, trustDomain: "example.org", ...audiences, keys: { jwks } };
}

function readBundle(file: string): { readonly keys: readonly Json[] } {
  return readCases(`trust-bundles/${file}`) as { readonly keys: readonly Json[] };
}

describeSuite(BUNDLES, () => {
  // The other cases are X.509-SVIDs. Envoy validates the peer's.
  const cases = (readCases(BUNDLES) as readonly BundleCase[]).filter(({ file }) => file.endsWith(".json"));
  const desk = new PolicyDesk();
  const outcomeOf = (kind: Kind, jwks: unknown): string => {
    const rules = { presenter: { validatedBy: "listener" }, issuers: { one: issuerOf(kind, jwks) } };
    return desk.offer(rules).accepted ? ACCEPTED : POLICY_REFUSED;
  };

  it("each may be the keys of its kind of token, or may not, as for go-spiffe", () => {
    const agreement = new Agreement(BUNDLES);
    for (const { file, valid } of cases)
      agreement.note(file, valid, outcomeOf(kindOf(file), readBundle(file)), POLICY_REFUSED);
    agreement.assertComplete();
  });

  it("the plain sets may be or not as published in a bundle too", () => {
    const handed = cases.filter(({ file }) => HAS_NO_USE.test(file));
    assert.ok(handed.length > 0);
    for (const { file, valid } of handed) {
      const keys = readBundle(file).keys.map((key) => ({ ...key, use: kindOf(file) }));
      assert.equal(outcomeOf(kindOf(file), { keys }), valid ? ACCEPTED : POLICY_REFUSED, file);
    }
  });

  it("a bundle for two kinds of token has the keys of each", () => {
    const file = "bundle_spiffebundle_testdata/spiffebundle_valid_with_wit.json";
    const bundle = readBundle(file);
    const reason = cases.find((one) => one.file === file)?.reason ?? "";
    for (const [kind, use] of [
      ["jwt-svid", KeyUse.JwtSvid],
      ["wit-svid", KeyUse.WitSvid],
    ] as const) {
      assert.equal(outcomeOf(kind, bundle), ACCEPTED, kind);
      for (const probe of probes) {
        const found = bundle.keys.filter((key) => probe.readKey(key, use) === KeyFault.None);
        assert.ok(reason.includes(`${found.length} ${kind}`), `${found.length} of "${reason}"`);
      }
    }
  });
});
