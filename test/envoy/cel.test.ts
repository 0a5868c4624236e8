import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { hold, send } from "./support/answers.ts";
import { allowed, denied } from "./support/decide.ts";
import { keySet, startKeyLaboratory } from "./support/key-laboratory.ts";
import { requestsWait } from "./support/requests-wait.ts";
import { testedEnvoys } from "./support/versions.ts";
import { makeWorld, webClaims } from "./support/world.ts";

const world = await makeWorld();
const token = await world.issuer.sign(webClaims());
const keys = send(keySet(world.issuer));

/** What the expression has to say, and to whom. */
const rules = [
  {
    name: "orders",
    bind: [
      {
        cel: "connection.mtls && connection.tls_version == 'TLSv1.3' && request.path.startsWith('/orders') && !has(request.headers.nosuch)",
      },
    ],
  },
];

describe("a CEL expression", () => {
  for (const version of testedEnvoys()) {
    it(`is evaluated by Envoy ${version}, and narrows the default binding`, async (test) => {
      const { present } = await startKeyLaboratory(test, version, world, { answer: keys, policy: { rules } });
      assert.deepEqual(await present(world.web, token, "/orders/1"), allowed);
      assert.deepEqual(await present(world.web, token, "/other"), denied(401, "expression_not_true"));
      assert.deepEqual(await present(world.thief, token, "/orders/1"), denied(401, "spiffe_mismatch"));
    });

    it(`is judged on arrival for a request that waits for keys, Envoy ${version}`, async (test) => {
      const held = hold(keys);
      const options = { answer: held.answer, policy: { rules } };
      const { envoy, present } = await startKeyLaboratory(test, version, world, options);
      const decisions = [present(world.web, token, "/orders/1"), present(world.web, token, "/other")];
      await requestsWait(envoy, 2);
      held.release();
      assert.deepEqual(await Promise.all(decisions), [allowed, denied(401, "expression_not_true")]);
    });
  }
});
