// A curl line as the request that curl would send.

import { parse } from "shell-quote";
import { Failure } from "./failure.ts";
import type { HeaderPair } from "./host/index.ts";
import type { RequestRecord } from "./request-record.ts";

/** A request, and whether the line names a client certificate, which only curl can read. */
export interface CurlRequest {
  readonly record: RequestRecord;
  readonly certificate?: string;
}

/** What a line has said so far. */
interface Line {
  method?: string;
  url?: string;
  certificate?: string;
  hasBody: boolean;
  isHead: boolean;
  readonly headers: string[];
}

type Take = (line: Line, value: string) => void;

const header =
  (name: string): Take =>
  (line, value) => {
    line.headers.push(`${name}: ${value}`);
  };
const body: Take = (line) => {
  line.hasBody = true;
};
const nothing: Take = () => undefined;

/** Options with a value. */
const WITH_VALUE: Readonly<Record<string, Take>> = {
  "--request": (line, value) => (line.method = value),
  "--header": (line, value) => {
    line.headers.push(value);
  },
  "--url": takeUrl,
  "--data": body,
  "--data-raw": body,
  "--data-ascii": body,
  "--data-binary": body,
  "--data-urlencode": body,
  "--cert": (line, value) => (line.certificate = value),
  "--user-agent": header("user-agent"),
  "--cookie": header("cookie"),
  "--referer": header("referer"),
  "--oauth2-bearer": (line, value) => {
    line.headers.push(`authorization: Bearer ${value}`);
  },
  "--key": nothing,
  "--cacert": nothing,
  "--output": nothing,
  "--max-time": nothing,
  "--connect-timeout": nothing,
  "--write-out": nothing,
};

/** Options that stand alone: most change nothing of what is sent. */
const ALONE: Readonly<Record<string, Take>> = {
  "--compressed": (line) => {
    line.headers.push("accept-encoding: deflate, gzip");
  },
  "--head": (line) => (line.isHead = true),
  "--silent": nothing,
  "--show-error": nothing,
  "--verbose": nothing,
  "--include": nothing,
  "--fail": nothing,
  "--insecure": nothing,
  "--location": nothing,
  "--http1.1": nothing,
  "--http2": nothing,
  "--no-buffer": nothing,
  "--globoff": nothing,
};

const SHORT: Readonly<Record<string, string>> = {
  X: "--request",
  H: "--header",
  d: "--data",
  E: "--cert",
  A: "--user-agent",
  b: "--cookie",
  e: "--referer",
  o: "--output",
  m: "--max-time",
  w: "--write-out",
  I: "--head",
  s: "--silent",
  S: "--show-error",
  v: "--verbose",
  i: "--include",
  f: "--fail",
  k: "--insecure",
  L: "--location",
  N: "--no-buffer",
  g: "--globoff",
};

const DEFAULT_PORTS: Readonly<Record<string, string>> = { http: ":80", https: ":443" };
/** A quote that nothing closes, once all that are closed are gone. */
const CLOSED = /\\[\s\S]|\$'(?:\\[\s\S]|[^'\\])*'|"(?:\\[\s\S]|[^"\\])*"|'[^']*'/g;

/** @throws Failure with what is not understood */
export function readCurl(text: string): CurlRequest {
  const [program, ...words] = wordsOf(text);
  if (program !== "curl") return fail('expected a line that begins with "curl"');
  const line: Line = { hasBody: false, isHead: false, headers: [] };
  const rest = words.flatMap(splitShort);
  while (rest.length > 0) takeWord(line, rest);
  if (line.url === undefined) return fail("expected a URL");
  const record = recordOf(line, line.url);
  return { record, ...(line.certificate !== undefined && { certificate: line.certificate }) };
}

function wordsOf(text: string): string[] {
  if (/['"]/.test(text.replace(CLOSED, ""))) return fail("a quote is not closed");
  const joined = text.trim().replace(/\\\r?\n/g, " ");
  return parse(joined, variable).map((word) => {
    if (typeof word === "string") return word;
    if ("op" in word && word.op === "glob") return (word as { readonly pattern: string }).pattern;
    return fail("expected one command and nothing else; quote what has & ; | < > ( ) or # in it");
  });
}

function variable(name: string): string {
  return process.env[name] ?? fail(`the variable ${name} is not set`);
}

/** `-sSXPOST` is `-s -S -X POST`. */
function splitShort(word: string): readonly string[] {
  if (!/^-[^-]/.test(word)) return [word];
  const words: string[] = [];
  for (let i = 1; i < word.length; i++) {
    const long = SHORT[word.charAt(i)];
    if (long === undefined) return fail(`-${word.charAt(i)} is not understood here`);
    words.push(long);
    if (long in ALONE) continue;
    if (i + 1 < word.length) words.push(word.slice(i + 1));
    break;
  }
  return words;
}

function takeWord(line: Line, rest: string[]): void {
  const word = rest.shift() ?? "";
  if (!word.startsWith("--")) {
    takeUrl(line, word);
    return;
  }
  const alone = Object.hasOwn(ALONE, word) ? ALONE[word] : undefined;
  if (alone !== undefined) {
    alone(line, "");
    return;
  }
  const take = Object.hasOwn(WITH_VALUE, word) ? WITH_VALUE[word] : undefined;
  if (take === undefined) fail(`${word} is not understood here`);
  take(line, rest.shift() ?? fail(`${word}: expected a value`));
}

function takeUrl(line: Line, url: string): void {
  if (line.url !== undefined) fail("expected one URL");
  line.url = url;
}

function recordOf(line: Line, url: string): RequestRecord {
  const { scheme, authority, path } = placeOf(url);
  const headers = headersOf(line);
  const host = headers.find(([name]) => name === "host")?.[1];
  return {
    method: line.method ?? (line.isHead ? "HEAD" : line.hasBody ? "POST" : "GET"),
    scheme,
    authority: host ?? authority,
    path,
    headers: headers.filter(([name]) => name !== "host"),
  };
}

/** As it stands: an escape that was resolved here would be judged as another path. */
function placeOf(url: string): {
  readonly scheme: string;
  readonly authority: string;
  readonly path: string;
} {
  const [, scheme = "http", authority = "", rest = ""] =
    /^(?:([a-z]+):\/\/)?([^/?#]+)([^#]*)/i.exec(url) ?? [];
  const plain = scheme.toLowerCase();
  const port = DEFAULT_PORTS[plain];
  if (port === undefined || authority === "") return fail("expected an http or https URL");
  if (authority.includes("@")) return fail("no user in the URL, please: put credentials into -H");
  const path = rest.startsWith("/") ? rest : `/${rest}`;
  if (/\/\.\.?(\/|$)/.test(path.split("?")[0] ?? ""))
    return fail("the path has dot segments, which curl takes out: expected the path that it sends");
  if (/[{}[\]]/.test(path))
    return fail("the URL has brackets, of which curl makes several URLs: expected one");
  return {
    scheme: plain,
    authority: authority.endsWith(port) ? authority.slice(0, -port.length) : authority,
    path,
  };
}

/** What curl sends by itself, unless the line says otherwise: `-H "accept:"` takes a header away, `-H "x;"` sends an empty one. */
function headersOf(line: Line): HeaderPair[] {
  const given = line.headers.map((text) => pairOf(text));
  const usual: HeaderPair[] = [
    ["user-agent", "curl"],
    ["accept", "*/*"],
    ...(line.hasBody ? [["content-type", "application/x-www-form-urlencoded"] as const] : []),
  ];
  const names = new Set(given.map(({ name }) => name));
  return [
    ...usual.filter(([name]) => !names.has(name)),
    ...given.flatMap(({ name, value }): HeaderPair[] => (value === undefined ? [] : [[name, value]])),
  ];
}

function pairOf(text: string): { readonly name: string; readonly value?: string } {
  if (/^[^:;\s]+;\s*$/.test(text)) return { name: text.slice(0, text.indexOf(";")).toLowerCase(), value: "" };
  const colon = text.indexOf(":", 1);
  if (colon < 0) fail("a header: expected a name, a colon and a value");
  const value = text.slice(colon + 1).trim();
  return { name: text.slice(0, colon).trim().toLowerCase(), ...(value !== "" && { value }) };
}

/** The line may have a token in it, so no more of it is shown than the name of an option. */
function fail(what: string): never {
  throw new Failure(`--curl: ${what}`);
}
