// `holdfast explain --curl`: a curl line is the request that curl would send.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { policy, policyWithRule } from "../filter/support/policies.ts";
import { token } from "../filter/support/tokens.ts";
import { NOW, WEB } from "../filter/support/world.ts";
import { Files, holdfast } from "./support.ts";

const files = new Files();
const usual = files.write("usual.json", policy());
const compact = token();

describe("a curl line", () => {
  const cases: Readonly<Record<string, readonly [line: string, request: string]>> = {
    "is a GET": ["curl https://orders.example/orders", "GET /orders"],
    "with data is a POST": ["curl -d '{}' https://orders.example/orders", "POST /orders"],
    "with -I is a HEAD": ["curl -I orders.example/orders", "HEAD /orders"],
    "names its method": ["curl -XDELETE https://orders.example/a%2Fb", "DELETE /a%2Fb"],
    "may have options that change nothing": [
      "curl -sSkLv --http2 --cacert ca.pem -o /dev/null --url 'https://orders.example'",
      "GET /",
    ],
    "may have a query without quotes": [
      "curl https://orders.example/a?b=c",
      "GET /a?… (the query is not shown)",
    ],
  };
  for (const [name, [line, expected]] of Object.entries(cases))
    it(name, async () => {
      const { code, out, err } = await holdfast(["explain", "-p", usual, "--curl", line]);
      assert.deepEqual([code, err], [0, ""]);
      assert.match(out, /^ {2}request +(.*)$/m);
      assert.equal(/^ {2}request +(.*)$/m.exec(out)?.[1], expected);
    });

  it("has its host, its scheme and curl's own headers", async () => {
    const attributes = [
      "request.host == 'orders.example:8443'",
      "request.scheme == 'https'",
      "request.headers['accept'] == '*/*'",
      "!('user-agent' in request.headers)",
      "request.headers['content-type'] == 'application/json'",
    ];
    const bind = attributes.map((cel) => ({ cel }));
    const under = files.write("cel.json", policyWithRule({ bind }));
    const line = `curl -A '' -H User-Agent: -H 'Content-Type: application/json' --data @x -H 'authorization: Bearer ${compact}' https://orders.example:8443/`;
    const args = ["--curl", line, "--peer", WEB, "--now", String(NOW)];
    const { out } = await holdfast(["explain", "-p", under, ...args]);
    assert.match(out, /^\+ verdict +allow: ok$/m);
  });

  const refused: Readonly<Record<string, readonly [line: string, err: RegExp]>> = {
    "that is none": ["wget https://a.example", /expected a line that begins with "curl"/],
    "without a URL": ["curl -s", /expected a URL/],
    "with two": ["curl https://a.example https://b.example", /expected one URL/],
    "with an unknown option": ["curl --proxy x https://a.example", /--proxy is not understood here/],
    "with an unknown letter": ["curl -sZ https://a.example", /-Z is not understood here/],
    "with more commands": ["curl https://a.example | jq .", /expected one command and nothing else/],
    "with a variable that is not set": ["curl $NO_SUCH_VARIABLE_HERE", /NO_SUCH_VARIABLE_HERE is not set/],
    "with an open quote": ["curl 'https://a.example", /a quote is not closed/],
    "with a certificate, and nobody named": ["curl -E a.pem https://a.example", /say it with --peer/],
    "with dot segments": ["curl https://a.example/a/../b", /dot segments/],
    "with a user": ["curl https://me@a.example/", /no user in the URL/],
    "for another protocol": ["curl ftp://a.example/", /expected an http or https URL/],
  };
  for (const [flaw, [line, expected]] of Object.entries(refused))
    it(`${flaw} is refused in one line`, async () => {
      const { code, out, err } = await holdfast(["explain", "-p", usual, "--curl", line]);
      assert.deepEqual([code, out], [2, ""]);
      assert.match(err, expected);
      assert.match(err, /^holdfast: [^\n]*\n$/);
    });
});
