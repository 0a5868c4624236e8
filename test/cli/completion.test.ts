// `holdfast completion`: what a shell offers is what the command takes.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { describe, it } from "node:test";
import { Files, holdfast } from "./support.ts";

const files = new Files();
const { out: bash } = await holdfast(["completion", "bash"]);
const script = files.write("completion.bash", bash);

/** What bash offers for the last of these words. */
function offered(...words: readonly string[]): readonly string[] {
  const line = [
    `source ${script}`,
    'COMP_WORDS=("$@")',
    "COMP_CWORD=$(($# - 1))",
    "_holdfast",
    'printf "%s\\n" "${COMPREPLY[@]}"',
  ].join("\n");
  const out = execFileSync("bash", ["-c", line, "bash", "holdfast", ...words], { encoding: "utf8" });
  return out.split("\n").filter((word) => word !== "");
}

describe("bash offers", () => {
  const cases: Readonly<Record<string, readonly [words: readonly string[], offers: readonly string[]]>> = {
    commands: [["re"], ["replay"]],
    "commands of a command": [
      ["token", ""],
      ["key", "jwks", "thumbprint", "svid", "jwt", "proof", "wpt", "help"],
    ],
    options: [["explain", "--pe"], ["--peer"]],
    "options of a command of a command": [
      ["token", "key", "--"],
      ["--alg", "--kid", "--help"],
    ],
    "options after others": [["explain", "--peer", "spiffe://a/b", "--cu"], ["--curl"]],
    "choices of an option": [
      ["test", "--envoy", ""],
      ["1.37", "1.37.0", "1.40", "1.40.0"],
    ],
    "choices of an argument": [["completion", "f"], ["fish"]],
    "commands to ask help for": [["help", "exp"], ["explain"]],
    "files, by offering nothing, for an option with any value": [["explain", "--policy", "re"], []],
    "files, by offering nothing, for arguments": [["check", ""], []],
  };
  for (const [name, [words, expected]] of Object.entries(cases))
    it(name, () => {
      assert.deepEqual(offered(...words), expected);
    });

  it("every command that there is", async () => {
    const { out } = await holdfast(["--help"]);
    const listed = [...out.matchAll(/^ {2}([a-z]+) .*$/gm)]
      .map(([, name]) => name)
      .filter((name) => name !== "holdfast");
    assert.deepEqual(offered(""), listed);
  });
});

for (const shell of ["zsh", "fish"])
  it(`${shell} gets the same commands, options and choices`, async () => {
    const { code, out } = await holdfast(["completion", shell]);
    assert.equal(code, 0);
    const flag = shell === "fish" ? (name: string) => `-l ${name} ` : (name: string) => `--${name}:`;
    for (const text of ["token key", "wpt", "1.37.0", "EdDSA", flag("curl"), flag("trust-domain")])
      assert.ok(out.includes(text), text);
  });

it("another shell is refused in one line", async () => {
  const { code, out, err } = await holdfast(["completion", "csh"]);
  assert.deepEqual([code, out], [2, ""]);
  assert.match(err, /^holdfast: .*csh.*bash, zsh, fish.*\n$/);
});
