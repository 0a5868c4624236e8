// The names of a JSON document are looked up in a hash table that has no secret, so anybody can write names that all fall
// into one slot. Each name looks at 64 slots at most: a document that needs more is refused at the first such name, which
// keeps the work linear in its size.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Scene, assertAllowed, assertDenied } from "./support/scene.ts";
import { CLAIMS, token } from "./support/tokens.ts";

/** Of a payload's table: assembly/token/jws.ts. */
const SLOTS = 4096;
const MAX_PROBES = 64;

/** Where a name of the outermost object, whose seed is 0, is looked for first: assembly/text/hash.ts. */
function slotOf(name: string): number {
  let hash = Math.imul(2166136261, 16777619);
  for (const byte of Buffer.from(name)) hash = Math.imul(hash ^ byte, 16777619);
  return (hash ^ (hash >>> 15)) & (SLOTS - 1);
}

/** The first slot of a run that no usual claim falls into. */
function findFreeRun(): number {
  const taken = Object.keys(CLAIMS).map(slotOf);
  for (let start = 0; start + MAX_PROBES < SLOTS; start++) {
    if (!taken.some((slot) => slot >= start && slot <= start + MAX_PROBES)) return start;
  }
  throw new Error(`the claims ${Object.keys(CLAIMS).join()} leave no ${MAX_PROBES} slots free in a row`);
}

/** Claims whose names all fall into one slot. */
function makeCollisions(count: number): Record<string, number> {
  const slot = findFreeRun();
  const claims: Record<string, number> = {};
  let found = 0;
  for (let i = 0; found < count; i++) {
    const name = i.toString(36);
    if (slotOf(name) !== slot) continue;
    claims[name] = 0;
    found++;
  }
  return claims;
}

describe("claims whose names all fall into one slot of the table", () => {
  const scene = new Scene();

  it("are read up to 64", () => {
    assertAllowed(scene.present(token(makeCollisions(MAX_PROBES))));
  });

  for (const count of [MAX_PROBES + 1, 500]) {
    it(`are refused when there are ${count}, and the next token is read as ever`, () => {
      assertDenied(scene.present(token(makeCollisions(count))), "token_payload_malformed");
      assert.equal(scene.host.vmFailures, 0);
      assertAllowed(scene.present(token()));
    });
  }
});
