import { type Command, Option } from "commander";
import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, SignJWT } from "jose";
import { Failure } from "../failure.ts";
import { addExamples } from "../options.ts";
import { readJson } from "../read-json.ts";
import { makeProof, makeWorkloadProof, type ProofOptions, type WorkloadProofOptions } from "../proofs.ts";
import { ALGORITHMS, lengthOf, publicPart, readKey, readPrivateKey, secondsOf } from "../signing.ts";
import { certificateThumbprint, writeSvid } from "../svid.ts";

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Keys and tokens to try policies with: what signs them lies about in files, so they are good for nothing else. */
export function addToken(program: Command): void {
  const token = program
    .command("token")
    .summary("make keys, certificates, tokens and proofs to try a policy with")
    .description(
      "Makes keys, certificates, tokens and proofs for tests and demos. The keys are files: never use one for anything else.",
    );
  addKeys(token);
  addTokens(token);
  addProofs(token);
  addExamples(
    token,
    "holdfast token key --kid test > key.json",
    "holdfast token jwks key.json > jwks.json",
    `holdfast token jwt --key key.json --claims '{"iss":"https://idp.example","sub":"spiffe://cluster.local/ns/shop/sa/web"}'`,
    "holdfast token svid spiffe://cluster.local/ns/shop/sa/web --out certs --name web",
  );
}

function addKeys(token: Command): void {
  const key = token
    .command("key")
    .summary("a key pair, as a private JWK")
    .addOption(new Option("--alg <algorithm>", "what it signs with").choices(ALGORITHMS).default("ES256"))
    .option("--kid <id>", "its ID")
    .action(makeKey);
  addExamples(
    key,
    "holdfast token key --kid test > key.json",
    "holdfast token key --alg EdDSA > client.json",
  );
  const jwks = token
    .command("jwks")
    .summary("the public keys of some key pairs, as a policy's keys")
    .argument("<keys...>", "files made by token key")
    .action(showKeys);
  addExamples(jwks, "holdfast token jwks key.json next-key.json > jwks.json");
  const thumbprint = token
    .command("thumbprint")
    .summary("what a token's cnf calls a key (jkt) or a certificate (x5t#S256)")
    .description(
      "The SHA-256 thumbprint of a key (RFC 7638, for cnf.jkt), or of a certificate (RFC 8705, for cnf.x5t#S256).",
    )
    .argument("<file>", "a file made by token key, or a certificate in PEM")
    .action(showThumbprint);
  addExamples(thumbprint, "holdfast token thumbprint client.json", "holdfast token thumbprint certs/web.pem");
  const svid = token
    .command("svid")
    .summary("an X.509-SVID with its key, by a test authority")
    .description(
      "Writes an X.509-SVID and its key, and the authority that has issued it unless there is one, and prints the certificate's thumbprint for cnf.x5t#S256.",
    )
    .argument("<spiffe-id>", "whose it is")
    .option("--out <folder>", "where <name>.pem, <name>-key.pem and the authority go", ".")
    .option("--name <name>", "what the files begin with", "svid")
    .option("--ca <folder>", "where ca.pem and ca-key.pem are already")
    .option("--for <duration>", "for how long it is good, such as 30s, 5m or 8h", "1h")
    .option("--now <seconds>", "when it is issued, in seconds since 1970")
    .action(makeSvid);
  addExamples(
    svid,
    "holdfast token svid spiffe://cluster.local/ns/shop/sa/web --out certs --name web",
    "holdfast token svid spiffe://cluster.local/ns/shop/sa/orders --out more --ca certs",
  );
}

function addTokens(token: Command): void {
  const jwt = token
    .command("jwt")
    .summary("a signed token")
    .requiredOption("--key <file>", "what signs it: a file made by token key")
    .option("--claims <json>", "its claims; @FILE reads them from a file", "{}")
    .option("--typ <type>", "its type, such as at+jwt or wit+jwt", "JWT")
    .option("--for <duration>", "for how long it is good, such as 30s, 5m or 8h", "5m")
    .option("--now <seconds>", "when it is issued, in seconds since 1970")
    .action(makeToken);
  addExamples(
    jwt,
    `holdfast token jwt --key key.json --claims '{"iss":"https://idp.example","aud":"orders"}'`,
    "holdfast token jwt --key key.json --claims @claims.json --typ wit+jwt --for 1h",
  );
}

function addProofs(token: Command): void {
  const proof = token
    .command("proof")
    .summary("a DPoP proof for one request (RFC 9449)")
    .requiredOption("--key <file>", "the client's: a file made by token key")
    .requiredOption("--token <file>", "the token that it goes with; - for standard input")
    .requiredOption("--url <url>", "what the request is for")
    .option("--method <method>", "and how", "GET")
    .option("--nonce <nonce>", "the nonce that was asked for")
    .option("--now <seconds>", "when it is made, in seconds since 1970")
    .action(async (options: ProofOptions) => {
      say(await makeProof(options));
    });
  addExamples(
    proof,
    "holdfast token proof --key client.json --token token.txt --url https://orders.example/orders",
  );
  const wpt = token
    .command("wpt")
    .summary("a workload proof token for one request (WIMSE)")
    .description("A proof that goes with a WIT, in the header workload-proof-token (docs/bindings/wpt.md).")
    .requiredOption("--key <file>", "the workload's: a file made by token key, named in the WIT's cnf.jwk")
    .requiredOption("--token <file>", "the WIT that it goes with; - for standard input")
    .requiredOption("--audience <audience>", "what the request is for: a URL, or what else the policy takes")
    .option("--access-token <file>", "the token in authorization, if one comes along")
    .option("--txn-token <file>", "the token in txn-token, if one comes along")
    .option("--for <duration>", "for how long it is good, such as 30s or 1m", "30s")
    .option("--now <seconds>", "when it is made, in seconds since 1970")
    .action(async (options: WorkloadProofOptions) => {
      say(await makeWorkloadProof(options));
    });
  addExamples(
    wpt,
    "holdfast token wpt --key client.json --token wit.txt --audience https://orders.example/orders",
  );
}

async function makeKey({ alg, kid }: { readonly alg: string; readonly kid?: string }): Promise<void> {
  const { privateKey } = await generateKeyPair(alg, { extractable: true });
  say(JSON.stringify({ ...(await exportJWK(privateKey)), alg, ...(kid !== undefined && { kid }) }));
}

function showKeys(files: readonly string[]): void {
  say(JSON.stringify({ keys: files.map((file) => publicPart(readKey(file))) }));
}

async function showThumbprint(file: string): Promise<void> {
  say(certificateThumbprint(file) ?? (await calculateJwkThumbprint(readKey(file))));
}

interface SvidOptions {
  readonly out: string;
  readonly name: string;
  readonly ca?: string;
  readonly for: string;
  readonly now?: string;
}

async function makeSvid(spiffeId: string, options: SvidOptions): Promise<void> {
  const now = new Date(secondsOf(options.now) * 1000);
  const validity = { now, seconds: lengthOf(options.for) };
  const { out: folder, name, ca: authority } = options;
  say(await writeSvid({ spiffeId, folder, authority, name, validity }));
}

interface TokenOptions {
  readonly key: string;
  readonly claims: string;
  readonly typ: string;
  readonly for: string;
  readonly now?: string;
}

async function makeToken({ key: file, claims, typ, for: duration, now }: TokenOptions): Promise<void> {
  const key = readPrivateKey(file);
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

function claimsOf(text: string): Record<string, unknown> {
  const claims = text.startsWith("@") ? readJson(text.slice(1)) : jsonOf(text);
  if (typeof claims !== "object" || claims === null || Array.isArray(claims))
    throw new Failure(`--claims ${text}: expected an object, such as {"sub":"alice"}`);
  return claims as Record<string, unknown>;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new Failure(`--claims ${text}: no JSON`);
  }
}
