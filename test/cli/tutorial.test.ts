// docs/tutorial.md does what it says.

import assert from "node:assert/strict";
import { it } from "node:test";
import { follow, readPage } from "./page.ts";

const page = readPage("tutorial.md");

it("every command of the tutorial runs, and shows what the page shows", () => follow(page));

it("the tutorial goes the whole way: token, check, explain, test and replay", () => {
  const scripts = page.steps.map((step) => (step.kind === "run" ? step.script : "")).join("");
  for (const command of ["token key", "token jwt", "check", "explain", "test", "replay"])
    assert.match(scripts, new RegExp(`^holdfast ${command} `, "m"));
});
