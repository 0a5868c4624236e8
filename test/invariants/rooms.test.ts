import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { test } from "node:test";

/** The rooms of the filter from the ground up: a file imports from its own room and from those before it. */
const ROOMS = [
  "host",
  "text",
  "crypto",
  "policy",
  "evidence",
  "token",
  "state",
  "boundary",
  "binding",
  "decision",
  "telemetry",
  "filter",
  "index.ts",
];

/** Imports nothing, so every room may name a reason. */
const LEAF = "decision/reason.ts";

/** What calls Envoy. All the rest takes records and needs no host. */
const HOST_CALLS = ["host/call.ts", "host/abi.ts"];
const MAY_CALL_HOST = [
  /^host\//,
  /^crypto\/signature\.ts$/,
  /^evidence\/(examine|expressions|gather|jwt_authn|self)\.ts$/,
  /^state\//,
  /^telemetry\//,
  /^filter\//,
  /^index\.ts$/,
];

const assembly = resolve(import.meta.dirname, "../../assembly");

interface Import {
  readonly from: string;
  readonly to: string;
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => relative(assembly, join(entry.parentPath, entry.name)));
}

function importsOf(file: string): Import[] {
  const source = readFileSync(join(assembly, file), "utf8");
  return [...source.matchAll(/^(?:import|export)\b[^;]*?["'](\.[^"']*)["'];/gms)].map((match) => ({
    from: file,
    to: `${relative(assembly, resolve(assembly, dirname(file), match[1] ?? ""))}.ts`,
  }));
}

function roomOf(file: string): number {
  const room = ROOMS.indexOf(file.split("/")[0] ?? "");
  assert.notEqual(room, -1, `${file} is in no room: add the room to ROOMS, or move the file`);
  return room;
}

const files = filesIn(assembly);
const imports = files.flatMap(importsOf);

test("the import lines are found at all", () => {
  assert.ok(files.length > 30, `${files.length} files`);
  assert.ok(imports.length > 100, `${imports.length} imports`);
});

test("imports go one way, from a room to those below it", () => {
  const upward = imports.filter(({ from, to }) => to !== LEAF && roomOf(to) > roomOf(from));
  assert.deepEqual(upward, []);
});

test("the table of reasons imports nothing", () => {
  assert.deepEqual(importsOf(LEAF), []);
});

test("only the adapters call the host", () => {
  const stray = imports.filter(
    ({ from, to }) => HOST_CALLS.includes(to) && !MAY_CALL_HOST.some((pattern) => pattern.test(from)),
  );
  assert.deepEqual(stray, []);
});

test("what proves something is made in one file only", () => {
  const makersOf = (record: string) =>
    files.filter((file) =>
      new RegExp(`(?:<|new )${record}\\b`).test(readFileSync(join(assembly, file), "utf8")),
    );
  assert.deepEqual(makersOf("VerifiedClaims"), ["token/verified_claims.ts"]);
  assert.deepEqual(makersOf("MetadataClaims"), ["evidence/jwt_authn.ts"]);
  assert.deepEqual(makersOf("VerifiedProof"), ["token/verified_proof.ts"]);
});
