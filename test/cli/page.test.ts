// The runner of pages: a page that does not hold has to fail.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { follow, stepsOf } from "./page.ts";

const fence = "```";
const run = (text: string) => follow({ name: "page.md", text, steps: stepsOf(text) });

describe("a page holds", () => {
  const pages: Readonly<Record<string, string>> = {
    "with a command and its output": `${fence}sh\necho one; echo two >&2\n${fence}\n\n${fence}text\none\ntwo\n${fence}\n`,
    "with what differs left open": `${fence}sh\necho "at $$ now"\n${fence}\n\n${fence}text\nat … now\n${fence}\n`,
    "with lines left open": `${fence}sh\nprintf 'a\\nb\\nc\\n'\n${fence}\n\n${fence}text\n…\nc\n${fence}\n`,
    "with a file, and the command on the path": `<!-- file: a.txt -->\n\n${fence}text\nhello\n${fence}\n\n${fence}sh\ncat a.txt\nholdfast --help > help.txt\n${fence}\n\n${fence}text\nhello\n${fence}\n`,
    "with an end that it names": `<!-- ends with 3 -->\n\n${fence}sh\nexit 3\n${fence}\n`,
    "with a block that is not for running": `${fence}console\nexit 1\n${fence}\n\n${fence}text\nanything\n${fence}\n`,
  };
  for (const [what, page] of Object.entries(pages)) it(what, () => run(page));
});

describe("a page does not hold", () => {
  const pages: Readonly<Record<string, readonly [page: string, error: RegExp]>> = {
    "with a command that fails": [
      `\n${fence}sh\nfalse\n${fence}\n`,
      /docs\/page\.md:2: the block ends with 1/,
    ],
    "with one that fails before others": [`${fence}sh\nfalse\necho\n${fence}\n`, /ends with 1/],
    "with one that fails in a pipe": [`${fence}sh\nfalse | cat\n${fence}\n`, /ends with 1/],
    "with one that should fail": [`<!-- ends with 1 -->\n\n${fence}sh\ntrue\n${fence}\n`, /ends with 0/],
    "with other output": [
      `${fence}sh\necho a\n${fence}\n\n${fence}text\nb\n${fence}\n`,
      /something else comes/,
    ],
    "with output that it does not show": [`${fence}sh\necho a\n${fence}\n`, /something else comes/],
    "with more lines than it shows": [
      `${fence}sh\nprintf 'a\\nb\\n'\n${fence}\n\n${fence}text\n…\n${fence.repeat(1)}\n\n${fence}sh\nprintf 'a\\nb\\n'\n${fence}\n\n${fence}text\na…\n${fence}\n`,
      /something else comes/,
    ],
    "with nothing where something is left open": [
      `${fence}sh\necho a\n${fence}\n\n${fence}text\na…\n${fence}\n`,
      /something else comes/,
    ],
    "with a block without an end": [`${fence}sh\ntrue\n`, /without an end/],
  };
  for (const [what, [page, error]] of Object.entries(pages))
    it(what, () => assert.rejects(async () => run(page), error));
});
