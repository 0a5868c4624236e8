// Proofs of every shape: each is refused with a reason, none traps, and none is taken for the one that it was made from.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { asHeader, assertNeverAllowed } from "./support/hostile.ts";
import { ALGORITHMS, makeKey } from "./support/keys.ts";
import { ProofScene, boundToken, clientKey, proof } from "./support/proofs.ts";
import { assertAllowed } from "./support/scene.ts";
import { tokenOf, tokenOfText } from "./support/tokens.ts";
import { thief } from "./support/world.ts";

const compact = boundToken();
/** Others' proofs are judged although one's own have been bad too often: everybody is somebody else here. */
let presenters = 0;

function assertRefused(scene: ProofScene, proofs: string | readonly string[], what: string): void {
  const uriSan = `spiffe://example.org/ns/hostile/sa/${presenters++ % 1000}`;
  const stream = scene.prove(compact, proofs, { peer: { ...thief, uriSan } });
  assertNeverAllowed(stream, what);
  const reason = stream.filterState("wasm.holdfast.reason") ?? "";
  assert.match(reason, /^(proof_|failures_exceeded$)/, what);
  assert.equal(scene.host.vmFailures, 0, what);
}

describe("a good proof", () => {
  for (const algorithm of ALGORITHMS) {
    const key = makeKey(algorithm);
    const bound = boundToken({}, key);

    it(`of ${algorithm} is not allowed with any bit of it changed`, () => {
      const scene = new ProofScene();
      const good = proof(bound, { key });
      for (let i = 0; i < good.length; i++) {
        for (let bit = 0; bit < 8; bit++) {
          const bytes = Buffer.from(good);
          bytes[i] = (bytes[i] ?? 0) ^ (1 << bit);
          assertNeverAllowed(scene.prove(bound, asHeader(bytes)), `byte ${i}, bit ${bit}`);
        }
      }
      assert.equal(scene.host.vmFailures, 0);
      scene.now += 100;
      assertAllowed(scene.prove(bound, good), "none of them has spent it");
    });
  }

  it("is not allowed cut anywhere, or with anything after it", () => {
    const scene = new ProofScene();
    const good = proof(compact);
    for (let length = 0; length < good.length; length++)
      assertRefused(scene, good.slice(0, length), `first ${length} bytes`);
    for (let from = 1; from < good.length; from++)
      assertRefused(scene, good.slice(from), `from byte ${from}`);
    for (let byte = 1; byte < 256; byte++)
      if (byte !== 10 && byte !== 13)
        assertRefused(scene, good + String.fromCharCode(byte), `byte ${byte} appended`);
    assertAllowed(scene.prove(compact, good));
  });
});

describe("what only looks like a proof", () => {
  const scene = new ProofScene();
  const [header = "", payload = ""] = proof(compact).split(".");
  const textOf = (part: string) => Buffer.from(part, "base64url").toString();

  it("with any JSON as its header is refused", () => {
    fc.assert(
      fc.property(fc.json(), (json) => {
        assertRefused(scene, tokenOfText(json, textOf(payload), clientKey), json);
      }),
      { numRuns: 500, seed: 1 },
    );
  });

  it("with any JSON as its payload is refused", () => {
    fc.assert(
      fc.property(fc.json(), (json) => {
        assertRefused(scene, tokenOfText(textOf(header), json, clientKey), json);
      }),
      { numRuns: 500, seed: 2 },
    );
  });

  it("with any value as a member of its header, its key or its claims is refused, or taken for what it says", () => {
    const members = ["typ", "alg", "jwk", "crit", "jku", "kid"];
    const claims = ["jti", "htm", "htu", "iat", "ath", "nonce"];
    const [said, wanted] = [JSON.parse(textOf(header)) as object, JSON.parse(textOf(payload)) as object];
    const value = fc.jsonValue();
    const any = (names: readonly string[]) => fc.dictionary(fc.constantFrom(...names), value);
    fc.assert(
      fc.property(any(members), any(claims), any(["kty", "crv", "x", "y", "n", "e", "d"]), (a, b, c) => {
        const jwk = { ...(said as { jwk: object }).jwk, ...c };
        const sent = tokenOf({ ...said, jwk, ...a }, { ...wanted, ...b }, clientKey);
        scene.prove(compact, sent, { peer: thief });
        assert.equal(scene.host.vmFailures, 0);
      }),
      { numRuns: 1_000, seed: 3 },
    );
  });

  it("of any bytes is refused", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.uint8Array({ maxLength: 40 }), (first, second) => {
        assertRefused(scene, asHeader(first), "bytes");
        assertRefused(scene, [asHeader(first), asHeader(second)], "two of them");
        assertRefused(scene, `${header}.${payload}.${asHeader(second)}`, "as a signature");
        assertRefused(scene, `${header}.${asHeader(first)}.${asHeader(second)}`, "as a payload");
      }),
      { numRuns: 500, seed: 4 },
    );
  });

  it("of a megabyte is refused, and so are a thousand of them", () => {
    assertRefused(scene, "a".repeat(1_000_000), "a megabyte");
    assertRefused(scene, ".".repeat(100_000), "dots only");
    assertRefused(
      scene,
      Array.from({ length: 1_000 }, () => `${header}.${payload}.AAAA`),
      "a thousand",
    );
  });

  it("nested as deep as it may be, and deeper, is refused", () => {
    for (const depth of [31, 32, 33, 1_000, 5_000]) {
      const nested = "[".repeat(depth) + "]".repeat(depth);
      assertRefused(
        scene,
        tokenOfText(`{"typ":"dpop+jwt","jwk":${nested}}`, textOf(payload), clientKey),
        `${depth}`,
      );
      assertRefused(scene, tokenOfText(textOf(header), `{"jti":${nested}}`, clientKey), `${depth}`);
    }
  });

  it("has not harmed anybody", () => {
    assertAllowed(scene.prove(compact, proof(compact)));
  });
});

it("any htu is the request's, or another's", () => {
  const scene = new ProofScene();
  const pieces = [
    "https",
    "http",
    ":",
    "/",
    "//",
    "orders.example",
    "@",
    "?",
    "#",
    "%",
    "%2",
    "%41",
    ".",
    "..",
    ":443",
    "[",
    "]",
    "\\",
    " ",
    "é",
    "\u0000",
  ];
  const uri = fc.array(fc.constantFrom(...pieces), { maxLength: 12 }).map((parts) => parts.join(""));
  const short = fc.oneof(
    uri,
    uri.map((text) => `https://orders.example/${text}`),
    fc.string(),
    fc.webUrl(),
  );
  fc.assert(
    fc.property(short, (htu) => {
      const stream = scene.prove(compact, proof(compact, { claims: { htu } }), { path: "/some/thing/else" });
      const reason = stream.filterState("wasm.holdfast.reason") ?? "";
      assert.match(reason, /^proof_(target_mismatch|claim_malformed)$/, htu);
    }),
    { numRuns: 2_000, seed: 5 },
  );
});
