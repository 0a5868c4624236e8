// What a request asks of the host is most of what it costs: docs/performance.md says how much that may be.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, it } from "node:test";
import { policy, policyWithRule } from "./support/policies.ts";
import { ProofScene, boundToken, proof, proofPolicy } from "./support/proofs.ts";
import { Scene, assertAllowed, assertDenied, assertWouldDeny } from "./support/scene.ts";
import { token } from "./support/tokens.ts";
import { WEB_THUMBPRINT, thief } from "./support/world.ts";

/** For what they answer, the host asks the VM for memory. */
const GIVE_DATA = [
  "get_header_map_pairs",
  "get_property",
  "get_shared_data",
  "get_buffer_bytes",
  "call_foreign_function",
];

/** A row of the table: at most so many calls, and which. */
interface Limit {
  readonly calls: number;
  readonly withData: number;
  readonly which: ReadonlyMap<string, number>;
}

const limits = readLimits(readFileSync(resolve(import.meta.dirname, "../../docs/performance.md"), "utf8"));

function readLimits(page: string): ReadonlyMap<string, Limit> {
  const [, table = ""] = /<!-- host calls -->([^]*?)<!-- \/host calls -->/.exec(page) ?? [];
  const rows = table.split("\n").filter((line) => line.startsWith("|"));
  return new Map(
    rows.slice(2).map((row): [string, Limit] => {
      const [name = "", calls, withData, which = ""] = row
        .slice(1, -1)
        .split("|")
        .map((cell) => cell.trim());
      const listed = [...which.matchAll(/`(\w+)`(?: (\d+))?/g)];
      const counts = new Map(listed.map(([, call = "", count = "1"]) => [call, Number(count)]));
      return [name, { calls: Number(calls), withData: Number(withData), which: counts }];
    }),
  );
}

function sum(counts: Iterable<readonly [string, number]>, wanted = (_: string) => true): number {
  return [...counts].reduce((total, [name, count]) => total + (wanted(name) ? count : 0), 0);
}

/** Holds what `act` asks of the host to its row of the table. */
function assertWithin(name: string, scene: Scene, act: () => void): void {
  const limit = limits.get(name);
  assert.ok(limit, `docs/performance.md has no row "${name}"`);
  scene.host.calls.resetCounts();
  act();
  const made = [...scene.host.calls.counts()].map(
    ([call, count]) => [call.replace(/^proxy_/, ""), count] as const,
  );
  const said = JSON.stringify(Object.fromEntries(made));
  assert.ok(sum(made) <= limit.calls, said);
  assert.ok(sum(made, (call) => GIVE_DATA.includes(call)) <= limit.withData, said);
  for (const [call, count] of made) assert.ok(count <= (limit.which.get(call) ?? 0), `${call}: ${said}`);
}

describe("a request asks no more of the host than docs/performance.md says", () => {
  it("warm, spiffe", () => {
    const scene = new Scene();
    const compact = token();
    assertAllowed(scene.present(compact));
    assertWithin("warm, `spiffe`", scene, () => {
      assertAllowed(scene.present(compact));
    });
  });

  it("warm, certificate", () => {
    const scene = new Scene(policyWithRule({ bind: [{ certificate: {} }] }));
    const compact = token({ cnf: { "x5t#S256": WEB_THUMBPRINT } });
    assertAllowed(scene.present(compact));
    assertWithin("warm, `certificate`", scene, () => {
      assertAllowed(scene.present(compact));
    });
  });

  it("cold", () => {
    const scene = new Scene();
    assertAllowed(scene.present(token()));
    assertWithin("cold, `spiffe`", scene, () => {
      assertAllowed(scene.present(token({ jti: "another" })));
    });
  });

  it("DPoP", () => {
    const scene = new ProofScene(proofPolicy({}, { rules: [{ name: "all", bind: [{ dpop: {} }] }] }));
    const compact = boundToken();
    assertAllowed(scene.prove(compact, proof(compact)));
    assertWithin("warm, `dpop`, a new proof", scene, () => {
      assertAllowed(scene.prove(compact, proof(compact)));
    });
  });

  it("denied", () => {
    const scene = new Scene();
    const compact = token();
    assertAllowed(scene.present(compact));
    assertWithin("denied, stolen token", scene, () => {
      assertDenied(scene.present(compact, { peer: thief }), "spiffe_mismatch");
    });
    assertWithin("denied, malformed token", scene, () => {
      assertDenied(scene.present("a.b.c"), "token_malformed");
    });
  });

  it("observed", () => {
    const scene = new Scene(policy({ mode: "observe" }));
    const compact = token();
    assertAllowed(scene.present(compact));
    assertWithin("observed, allow", scene, () => {
      assertAllowed(scene.present(compact));
    });
    assertWithin("observed, would deny", scene, () => {
      assertWouldDeny(scene.present(compact, { peer: thief }), "spiffe_mismatch");
    });
  });

  it("health, which needs no token", () => {
    const scene = new Scene(
      policy({ rules: [{ name: "health", when: { path: "/healthz" }, token: "none" }] }),
    );
    const ask = () => scene.ask({ path: "/healthz" }).outcome;
    assert.equal(ask(), "continue");
    assertWithin("health, `token: none`", scene, () => {
      assert.equal(ask(), "continue");
    });
  });
});

it("a warm check makes at most seven calls, of which three give data", () => {
  const limit = limits.get("warm, `spiffe`");
  assert.ok(limit && limit.calls <= 7 && limit.withData <= 3);
});

it("each row adds up", () => {
  for (const [name, { calls, withData, which }] of limits) {
    assert.equal(sum(which), calls, name);
    assert.equal(
      sum(which, (call) => GIVE_DATA.includes(call)),
      withData,
      name,
    );
  }
});
