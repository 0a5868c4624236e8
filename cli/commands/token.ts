import { createHash, randomUUID } from "node:crypto";
import type { Command } from "commander";
import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from "jose";
import { Failure } from "../failure.ts";
import { readFile } from "../read-file.ts";
import { readJson } from "../read-json.ts";
import { ALGORITHMS } from "../signing.ts";

const SECRET_MEMBERS = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Keys and tokens to try policies with: what signs them lies about in files, so they are good for nothing else. */
export function addToken(program: Command): void {
  const token = program
    .command("token")
    .summary("make keys, tokens and proofs to try a policy with")
    .description(
      "Makes keys, tokens and proofs for tests and demos. The keys are files: never use one for anything else.",
    )
    .addHelpText(
      "after",
      '\nExample:\n  holdfast token key --kid test > key.json\n  holdfast token jwks key.json > jwks.json\n  holdfast token jwt --key key.json --claims \'{"iss":"https://idp.example","sub":"spiffe://cluster.local/ns/shop/sa/web"}\'',
    );
  token
    .command("key")
    .summary("a key pair, as a private JWK")
    .option("--alg <algorithm>", `one of ${ALGORITHMS.join(", ")}`, "ES256")
    .option("--kid <id>", "its ID")
    .action(makeKey);
  token
    .command("jwks")
    .summary("the public keys of some key pairs, as a policy's keys")
    .argument("<keys...>", "files made by token key")
    .action(showKeys);
  token
    .command("thumbprint")
    .summary("a key's thumbprint, as cnf.jkt has it (RFC 7638)")
    .argument("<key>", "a file made by token key")
    .action(async (key: string) => {
      say(await calculateJwkThumbprint(readKey(key)));
    });
  token
    .command("jwt")
    .summary("a signed token")
    .requiredOption("--key <file>", "what signs it: a file made by token key")
    .option("--claims <json>", "its claims; @FILE reads them from a file", "{}")
    .option("--typ <type>", "its type, such as at+jwt or wit+jwt", "JWT")
    .option("--for <duration>", "for how long it is good, such as 30s, 5m or 8h", "5m")
    .option("--now <seconds>", "when it is issued, in seconds since 1970")
    .action(makeToken);
  token
    .command("proof")
    .summary("a DPoP proof for one request (RFC 9449)")
    .requiredOption("--key <file>", "the client's: a file made by token key")
    .requiredOption("--token <file>", "the token that it goes with; - for standard input")
    .requiredOption("--url <url>", "what the request is for")
    .option("--method <method>", "and how", "GET")
    .option("--nonce <nonce>", "the nonce that was asked for")
    .option("--now <seconds>", "when it is made, in seconds since 1970")
    .action(makeProof);
}

async function makeKey({ alg, kid }: { readonly alg: string; readonly kid?: string }): Promise<void> {
  if (!ALGORITHMS.includes(alg)) throw new Failure(`--alg ${alg}: expected one of ${ALGORITHMS.join(", ")}`);
  const { privateKey } = await generateKeyPair(alg, { extractable: true });
  say(JSON.stringify({ ...(await exportJWK(privateKey)), alg, ...(kid !== undefined && { kid }) }));
}

function showKeys(files: readonly string[]): void {
  say(JSON.stringify({ keys: files.map((file) => publicPart(readKey(file))) }));
}

interface TokenOptions {
  readonly key: string;
  readonly claims: string;
  readonly typ: string;
  readonly for: string;
  readonly now?: string;
}

async function makeToken({ key: file, claims, typ, for: duration, now }: TokenOptions): Promise<void> {
  const key = readKey(file);
  const iat = secondsOf(now);
  const said = claimsOf(claims);
  const { alg = "", kid } = key;
  const jwt = new SignJWT({ iat, exp: iat + lengthOf(duration), ...said }).setProtectedHeader({
    alg,
    typ,
    ...(kid !== undefined && { kid }),
  });
  say(await jwt.sign(await importJWK(key, alg)));
}

interface ProofOptions {
  readonly key: string;
  readonly token: string;
  readonly url: string;
  readonly method: string;
  readonly nonce?: string;
  readonly now?: string;
}

async function makeProof({ key: file, token, url, method, nonce, now }: ProofOptions): Promise<void> {
  const key = readKey(file);
  const compact = readFile(token).toString("utf8").trim();
  const ath = createHash("sha256").update(compact).digest("base64url");
  if (!URL.canParse(url))
    throw new Failure(`--url ${url}: expected one such as https://orders.example/orders`);
  const claims = {
    htm: method,
    htu: url,
    ath,
    jti: randomUUID(),
    iat: secondsOf(now),
    ...(nonce !== undefined && { nonce }),
  };
  const { alg = "" } = key;
  const jwk = publicPart(key, ["kid", "alg"]);
  const proof = new SignJWT(claims).setProtectedHeader({ alg, typ: "dpop+jwt", jwk });
  say(await proof.sign(await importJWK(key, alg)));
}

function readKey(file: string): JWK {
  const key = readJson(file) as JWK;
  const isKey = typeof key === "object" && typeof key.kty === "string" && ALGORITHMS.includes(key.alg ?? "");
  if (!isKey)
    throw new Failure(`${file}: expected a JWK with "kty" and "alg", as "holdfast token key" makes them`);
  return key;
}

function publicPart(key: JWK, without: readonly string[] = []): JWK {
  return Object.fromEntries(
    Object.entries(key).filter(([name]) => !SECRET_MEMBERS.includes(name) && !without.includes(name)),
  );
}

function claimsOf(text: string): Record<string, unknown> {
  if (text.startsWith("@")) return readJson(text.slice(1)) as Record<string, unknown>;
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    throw new Failure(`--claims ${text}: no JSON`);
  }
}

function secondsOf(now: string | undefined): number {
  const seconds = now === undefined ? Math.floor(Date.now() / 1000) : Number(now);
  if (!Number.isInteger(seconds) || seconds <= 0)
    throw new Failure(`--now ${now ?? ""}: expected seconds since 1970, such as 1800000000`);
  return seconds;
}

function lengthOf(duration: string): number {
  const [, count = "", unit = ""] = /^(\d+)([smh])$/.exec(duration) ?? [];
  const seconds = Number(count) * (UNITS[unit] ?? 0);
  if (seconds === 0) throw new Failure(`--for ${duration}: expected a duration such as 30s, 5m or 8h`);
  return seconds;
}
