// Other tokens that come with a workload's: its proof speaks of them, so that nobody puts another in their place.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { HeaderPair } from "../../cli/host/index.ts";
import type { Json } from "./support/json.ts";
import { issuer } from "./support/policies.ts";
import { withClaims as claims } from "./support/proof-flaws.ts";
import { digest } from "./support/proofs.ts";
import { assertAllowed, assertDenied, bearer } from "./support/scene.ts";
import {
  INVALID_TOKEN,
  WorkloadScene,
  wit,
  witIssuer,
  workloadPolicy,
  workloadProof,
} from "./support/workload-proofs.ts";

const compact = wit();
const scene = new WorkloadScene();

describe("the other tokens of a request", () => {
  const access = "2YotnFZFEjr1zCsicMWpAA";
  const transaction = "a.transaction.token";
  const ath = digest(access);
  const tth = digest(transaction);
  const txn: HeaderPair = ["txn-token", transaction];
  const oth = (members: unknown) => ({ oth: members });

  type Case = readonly [headers: readonly HeaderPair[], claims: Json];

  const GOOD: Readonly<Record<string, Case>> = {
    "an access token, and its ath": [[bearer(access)], { ath }],
    "an access token by the scheme DPoP": [[["authorization", `DPoP ${access}`]], { ath }],
    "an access token by a scheme in other case": [[["authorization", `bEARER ${access}`]], { ath }],
    "an access token after more blanks": [[["authorization", `Bearer   ${access}`]], { ath }],
    "credentials that are no token": [[["authorization", "Basic dXNlcg=="]], {}],
    "a transaction token, and its tth": [[txn], { tth }],
    "a transaction token in a header in other case": [[["Txn-Token", transaction]], { tth }],
    "both, and both digests": [[bearer(access), txn], { ath, tth }],
    "a header, and its digest": [[["x-subject", "alice"]], oth({ "x-subject": digest("alice") })],
    "a header with blanks around its value": [
      [["x-subject", " \t alice\t "]],
      oth({ "x-subject": digest("alice") }),
    ],
    "a header with blanks in its value": [
      [["x-subject", "alice  bob"]],
      oth({ "x-subject": digest("alice  bob") }),
    ],
    "several headers": [
      [
        ["x-a", "1"],
        ["x-b", "2"],
        ["x-c", "3"],
      ],
      oth({ "x-b": digest("2"), "x-a": digest("1") }),
    ],
    "what its digests are in, too": [
      [bearer(access), txn],
      { ath, tth, ...oth({ authorization: digest(`Bearer ${access}`), "txn-token": tth }) },
    ],
  };
  for (const [name, [headers, said]] of Object.entries(GOOD))
    it(`may be ${name}`, () => {
      assertAllowed(scene.prove(compact, workloadProof(compact, claims(said)), { headers }));
    });

  const REFUSED: Readonly<Record<string, Case>> = {
    "an access token without its ath": [[bearer(access)], {}],
    "an access token that somebody has put in another's place": [[bearer("mF_9.B5f-4.1JqM")], { ath }],
    "an access token by the scheme DPoP that is another": [[["authorization", "DPoP other"]], { ath }],
    "an access token without its ath, by a scheme in other case": [
      [["authorization", `BEARER ${access}`]],
      {},
    ],
    "an access token that was taken out": [[], { ath }],
    "credentials that are no token, in place of one": [[["authorization", "Basic dXNlcg=="]], { ath }],
    "an access token whose ath is of the whole header": [
      [bearer(access)],
      { ath: digest(`Bearer ${access}`) },
    ],
    "an access token whose ath has padding": [[bearer(access)], { ath: `${ath}=` }],
    "an access token whose ath is empty": [[bearer(access)], { ath: "" }],
    "an access token whose ath is null": [[bearer(access)], { ath: null }],
    "an access token whose ath is a list": [[bearer(access)], { ath: [ath] }],
    "an access token whose digest is in tth": [[bearer(access)], { tth: ath }],
    "no access token, and an ath of null": [[], { ath: null }],
    "no access token, and the ath of nothing": [[], { ath: digest("") }],
    "a transaction token without its tth": [[txn], {}],
    "another transaction token": [[["txn-token", "another.transaction.token"]], { tth }],
    "a transaction token that was taken out": [[], { tth }],
    "no transaction token, and the tth of nothing": [[], { tth: digest("") }],
    "two transaction tokens": [[txn, ["txn-token", "other"]], { tth }],
    "the same transaction token twice": [[txn, txn], { tth }],
    "two transaction tokens, and no tth": [[txn, txn], {}],
    "a transaction token whose digest is in ath": [[txn], { ath: tth }],
    "a header that was changed": [[["x-subject", "bob"]], oth({ "x-subject": digest("alice") })],
    "a header that was taken out": [[], oth({ "x-subject": digest("alice") })],
    "a header that is empty": [[["x-subject", ""]], oth({ "x-subject": digest("") })],
    "a header of blanks": [[["x-subject", "  "]], oth({ "x-subject": digest("") })],
    "a header that is there twice": [
      [
        ["x-subject", "alice"],
        ["x-subject", "alice"],
      ],
      oth({ "x-subject": digest("alice") }),
    ],
    "a header that was put beside the other": [
      [
        ["x-subject", "alice"],
        ["x-subject", "bob"],
      ],
      oth({ "x-subject": digest("alice, bob") }),
    ],
    "one of several headers that was changed": [
      [
        ["x-a", "1"],
        ["x-b", "3"],
      ],
      oth({ "x-a": digest("1"), "x-b": digest("2") }),
    ],
    "a header whose digest is of its blanks, too": [
      [["x-subject", " alice "]],
      oth({ "x-subject": digest(" alice ") }),
    ],
    "a header that it names in other case": [[["x-subject", "alice"]], oth({ "X-Subject": digest("alice") })],
    "a header without a name": [[], oth({ "": digest("") })],
    "a header whose digest is null": [[["x-subject", "alice"]], oth({ "x-subject": null })],
    "a header whose digest is a list": [[["x-subject", "alice"]], oth({ "x-subject": [digest("alice")] })],
    "another transaction token, spelled as some servers read it": [[txn, ["txn_token", "other"]], { tth }],
    "a transaction token in that spelling only": [[["txn_token", "other"]], {}],
    "a header beside one that some servers take for it": [
      [
        ["x-a", "1"],
        ["x_a", "2"],
      ],
      oth({ "x-a": digest("1") }),
    ],
    "an access token after a tab": [[["authorization", "Bearer\tother"]], {}],
    "an access token behind other credentials": [[["authorization", "Basic dXNlcg==, Bearer other"]], {}],
    "oth as a list": [[["x-subject", "alice"]], oth([digest("alice")])],
    "oth as a text": [[], oth("x-subject")],
    "oth as null": [[], oth(null)],
    "oth as a number": [[], oth(0)],
    "oth as false": [[], oth(false)],
  };
  for (const [name, [headers, said]] of Object.entries(REFUSED))
    it(`may not be ${name}`, () => {
      const stream = scene.prove(compact, workloadProof(compact, claims(said)), { headers });
      assertDenied(stream, "proof_other_token_mismatch");
      const { status, headers: answered, body } = stream.reply ?? {};
      assert.deepEqual([status, answered, body?.toString()], [401, [INVALID_TOKEN], "invalid_token"]);
    });

  it("are in one authorization header", () => {
    const twice = scene.prove(compact, workloadProof(compact, claims({ ath })), {
      headers: [bearer(access), bearer(access)],
    });
    assertDenied(twice, "token_duplicate");
  });

  it("are second credentials where the rule takes tokens from authorization, too", () => {
    const both = new WorkloadScene(workloadPolicy({}, { issuers: { wits: witIssuer(), idp: issuer() } }));
    assertAllowed(both.prove(compact, workloadProof(compact)));
    const sent = workloadProof(compact, claims({ ath }));
    assertDenied(both.prove(compact, sent, { headers: [bearer(access)] }), "token_duplicate");
  });
});
