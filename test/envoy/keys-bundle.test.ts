import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { hasGrown } from "../../envoy/attempts/read-evidence.ts";
import { TokenIssuer } from "../../envoy/identity/token-issuer.ts";
import { audience, claimsFor, spiffeIds } from "../../envoy/setup/materials.ts";
import { send } from "./support/answers.ts";
import { allowed, denied } from "./support/decide.ts";
import { eventually } from "./support/eventually.ts";
import { everybodyFetched, fetchedKeys, startKeyLaboratory } from "./support/key-laboratory.ts";
import type { Answer } from "./support/scripted-server.ts";
import { mainTestedEnvoy } from "./support/versions.ts";
import { makeWorld, validity } from "./support/world.ts";

const world = await makeWorld();
const { web, thief } = world;
const old = await TokenIssuer.create("svid-1", "ES256", "jwt-svid");
const fresh = await TokenIssuer.create("svid-2", "ES256", "jwt-svid");
const partner = await TokenIssuer.create("partner-1", "ES256", "jwt-svid");
const x509 = await TokenIssuer.create("x509-1", "ES256", "x509-svid");
const plain = await TokenIssuer.create("plain-1");

/** A JWT-SVID of the workload `web`, which has no issuer. */
function svid(key: TokenIssuer, sub: string = spiffeIds.web): Promise<string> {
  const { aud = audience, exp = 0 } = claimsFor(sub, validity);
  return key.sign({ sub, aud, exp });
}

interface Bundle {
  readonly keys: readonly TokenIssuer[];
  readonly sequence?: number;
  /** Seconds. */
  readonly refreshHint?: number;
}

function bundle({ keys, sequence, refreshHint }: Bundle): object {
  return {
    keys: keys.map(({ jwk }) => jwk),
    ...(sequence !== undefined && { spiffe_sequence: sequence }),
    ...(refreshHint !== undefined && { spiffe_refresh_hint: refreshHint }),
  };
}

function svidsFrom(trustDomain: string, source: object): object {
  return { kind: "jwt-svid", trustDomain, audiences: [audience], keys: source };
}

describe(`SPIFFE bundles, Envoy ${mainTestedEnvoy()}`, { concurrency: 4 }, () => {
  it("are trusted for the keys that they publish for JWT-SVIDs, and no others", async (test) => {
    const { present } = await startKeyLaboratory(test, mainTestedEnvoy(), world, {
      answer: send(bundle({ keys: [x509, old, plain], sequence: 1 })),
      policy: { issuers: { svid: svidsFrom("example.org", fetchedKeys()) } },
    });
    assert.deepEqual(await present(web, await svid(old)), allowed);
    assert.deepEqual(await present(thief, await svid(old)), denied(401, "spiffe_mismatch"));
    assert.deepEqual(await present(web, await svid(x509)), denied(401, "key_unknown"));
    assert.deepEqual(await present(web, await svid(plain)), denied(401, "key_unknown"));
  });

  it("are trusted for their own trust domain, and no other", async (test) => {
    const bundles: Readonly<Record<string, Answer>> = {
      "/ours": send(bundle({ keys: [old] })),
      "/partner": send(bundle({ keys: [partner] })),
    };
    const { present } = await startKeyLaboratory(test, mainTestedEnvoy(), world, {
      answer: (request, response) => bundles[request.path]?.(request, response),
      policy: {
        trustDomain: undefined,
        issuers: {
          ours: svidsFrom("example.org", { cluster: "idp", path: "/ours" }),
          partner: svidsFrom("partner.example", { cluster: "idp", path: "/partner" }),
        },
      },
    });
    const visitor = "spiffe://partner.example/ns/shop/sa/web";
    assert.deepEqual(await present(web, await svid(old)), allowed);
    assert.deepEqual(await present(web, await svid(partner)), denied(401, "key_unknown"));
    assert.deepEqual(await present(web, await svid(old, visitor)), denied(401, "key_unknown"));
    assert.deepEqual(await present(web, await svid(partner, visitor)), denied(401, "spiffe_mismatch"));
    const nowhere = await svid(old, "spiffe://elsewhere.example/web");
    assert.deepEqual(await present(web, nowhere), denied(401, "issuer_unknown"));
  });

  it("never go back to an earlier sequence number", async (test) => {
    const { envoy, server, present } = await startKeyLaboratory(test, mainTestedEnvoy(), world, {
      answer: send(bundle({ keys: [old], sequence: 7 })),
      policy: { issuers: { svid: svidsFrom("example.org", fetchedKeys({ refresh: "1s" })) } },
    });
    assert.deepEqual(await present(web, await svid(old)), allowed);
    server.answerWith(send(bundle({ keys: [fresh], sequence: 6 })));
    assert.ok(await hasGrown(envoy, "wasmcustom.holdfast.keys.refused", 2));
    assert.deepEqual(await present(web, await svid(old)), allowed);
    assert.deepEqual(await present(web, await svid(fresh)), denied(503, "key_unconfirmed"));

    server.answerWith(send(bundle({ keys: [fresh], sequence: 8 })));
    const token = await svid(fresh);
    await eventually("a later one is taken", async () => (await present(web, token)).status === 200);
    assert.deepEqual(await present(web, await svid(old)), denied(401, "key_unknown"));
  });

  it("are fetched as often as they ask for", async (test) => {
    const { server, present } = await startKeyLaboratory(test, mainTestedEnvoy(), world, {
      answer: send(bundle({ keys: [old], refreshHint: 1 })),
      policy: { issuers: { svid: svidsFrom("example.org", fetchedKeys()) } },
    });
    assert.deepEqual(await present(web, await svid(old)), allowed);
    await everybodyFetched(server);
  });
});
