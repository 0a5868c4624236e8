// The examples of RFC 7520, RFC 7797 and RFC 8037. What they sign is prose: no token.

import { it } from "node:test";
import { without } from "../filter/support/json.ts";
import type { Jwk } from "../filter/support/keys.ts";
import { policy } from "../filter/support/policies.ts";
import { PolicyDesk } from "../filter/support/refusal.ts";
import { ACCEPTED, Agreement, POLICY_REFUSED } from "./support/agreement.ts";
import { describeSuite, readFiles } from "./support/cases.ts";
import { JwsJudge } from "./support/jws.ts";
import type { SuitePath } from "./suites.ts";

interface Example {
  readonly input: { readonly key: Jwk | readonly Jwk[] };
  readonly output: { readonly compact?: string; readonly json?: object };
}

const SUITES: readonly SuitePath[] = [
  "rfc7520-cookbook/jws",
  "rfc7520-cookbook/rfc7797",
  "rfc7520-cookbook/curve25519",
];

const KEYS = "rfc7520-cookbook/jwk";

/** The examples come with private keys; a verifier has the public half. A symmetric key has none. */
function publicHalf(jwk: Jwk): Jwk {
  return without(jwk, "d", "p", "q", "dp", "dq", "qi");
}

for (const path of SUITES) {
  describeSuite(path, () => {
    it("each is a good JWS to the filter, or listed as none", () => {
      const agreement = new Agreement(path);
      for (const [name, contents] of readFiles(path, ".json")) {
        const { input, output } = JSON.parse(contents.toString("utf8")) as Example;
        const judge = new JwsJudge([input.key].flat().map(publicHalf));
        agreement.note(name, true, judge.outcomeOf(output.compact ?? JSON.stringify(output.json)));
      }
      agreement.assertComplete();
    });
  });
}

describeSuite(KEYS, () => {
  it("each may be in a policy, or is listed as one that may not", () => {
    const agreement = new Agreement(KEYS);
    const desk = new PolicyDesk();
    for (const [name, contents] of readFiles(KEYS, ".json")) {
      const keys = [JSON.parse(contents.toString("utf8")) as Jwk];
      const { accepted } = desk.offer(
        policy({ issuers: { one: { issuer: "joe", keys: { jwks: { keys } } } } }),
      );
      agreement.note(name, true, accepted ? ACCEPTED : POLICY_REFUSED);
    }
    agreement.assertComplete();
  });
});
