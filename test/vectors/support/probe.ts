// Compiles the probe twice, as the release is built and with all of AssemblyScript's checks, and calls it.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";
import { without } from "../../filter/support/json.ts";
import { verifySignature } from "../../../cli/host/foreign/verify-signature.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const ENTRY = "test/vectors/probe/index.ts";
// With a configuration of its own, which is empty: from asconfig.json the compiler would take the filter's entry too.
const OUTPUT = ["--baseDir", ROOT, "--config", "test/vectors/probe/asconfig.json", "--outFile", "probe.wasm"];

/** The span that stands for a failed reading: assembly/host/span.ts. */
const FAILED = 1n << 32n;
const STATUS_OK = 0;
const STATUS_BAD_ARGUMENT = 2;

type Options = Readonly<Record<string, unknown>>;
type Call = (...args: (number | bigint)[]) => number | bigint;

/** As in assembly/crypto/jwk.ts. */
export const KeyFault = { None: 0, Secret: 1, Malformed: 2, Unusable: 3, EnvoyOnly: 4 } as const;
export const KeyUse = { Signature: 0, JwtSvid: 1, WitSvid: 2 } as const;
/** As in assembly/crypto/signature.ts. */
export const SignatureCheck = { Unknown: 0, Malformed: 1, Invalid: 2, Valid: 3 } as const;

/** Stands for a value that is there and cannot be read. */
export const MALFORMED = Symbol("malformed");
export type Evidence = string | typeof MALFORMED | undefined;

/** One element of x-forwarded-client-cert, as in assembly/evidence/xfcc.ts. */
export interface ForwardedElement {
  readonly by: Evidence;
  readonly hash: Evidence;
  readonly uri: Evidence;
  readonly cert: Evidence;
}

/** As in assembly/evidence/certificate.ts; times in seconds since 1970. */
export interface ReadCertificate {
  readonly notBefore: number;
  readonly notAfter: number;
  readonly uriNames: number;
  readonly firstUri: Evidence;
  readonly digest: Buffer;
}

export class Probe {
  readonly name: string;
  /** What `verify_signature` answers instead of the truth, while it is set. */
  feignedAnswer: Uint8Array | undefined;
  readonly #exports: WebAssembly.Exports;

  private constructor(name: string, module: WebAssembly.Module) {
    this.name = name;
    const verifySignature = (...args: (number | bigint)[]): number => this.#verifySignature(args.map(Number));
    const env = Object.fromEntries(
      WebAssembly.Module.imports(module).map(({ name }) => [
        name,
        name === "proxy_call_foreign_function" ? verifySignature : () => unexpected(name),
      ]),
    );
    this.#exports = new WebAssembly.Instance(module, { env }).exports;
    this.#call("_initialize");
  }

  static async compile(name: string, options: Options): Promise<Probe> {
    let binary: Uint8Array | undefined;
    const { error } = await asc.main([ENTRY, ...argumentsOf(options), ...OUTPUT], {
      writeFile: (file: string, contents: Uint8Array | string) => {
        if (file.endsWith(".wasm")) binary = Buffer.from(contents as Uint8Array);
      },
    });
    if (error !== null || binary === undefined)
      throw new Error(`the probe does not compile: ${String(error)}`);
    return new Probe(name, new WebAssembly.Module(binary));
  }

  trustDomain(id: Uint8Array): string | undefined {
    return this.#text("trustDomain", id)?.toString("latin1");
  }

  acceptsTrustDomain(name: Uint8Array): boolean {
    return this.#number("acceptsTrustDomain", name) === 1;
  }

  /** Undefined when it is refused. */
  base64url(text: Uint8Array): Buffer | undefined {
    const span = this.#span("base64url", text);
    return span === FAILED ? undefined : this.#bytes(span);
  }

  /** Undefined when it is refused, or when nothing comes out. */
  inflate(zlib: Uint8Array, limit: number): Buffer | undefined {
    return this.#text("inflated", zlib, limit);
  }

  acceptsJson(text: Uint8Array): boolean {
    return this.#number("acceptsJson", text) === 1;
  }

  jsonString(text: Uint8Array): Buffer | undefined {
    return this.#text("jsonString", text);
  }

  derSignature(algorithm: string, signature: Uint8Array): Buffer | undefined {
    return this.#text("derSignature", Buffer.concat([Buffer.from(algorithm), signature]), algorithm.length);
  }

  digestInParts(text: Uint8Array, split: number): Buffer | undefined {
    return this.#text("digestInParts", text, split);
  }

  /** A KeyFault; with `None` the key is the one that {@link verify} takes. */
  readKey(jwk: object, use: number = KeyUse.Signature): number {
    return this.#number("readKey", Buffer.from(JSON.stringify(jwk)), use);
  }

  publicKey(): Buffer {
    return this.#bytes(this.#spanOf("publicKey"));
  }

  /** Of the key that was read last. */
  keyThumbprint(): Buffer {
    return this.#bytes(this.#spanOf("keyThumbprint"));
  }

  areOneUri(one: string, other: string): boolean {
    return this.#number("areOneUri", Buffer.from(one + other), Buffer.byteLength(one)) === 1;
  }

  keyTakes(algorithm: string): boolean {
    return this.#number("keyTakes", Buffer.from(algorithm)) === 1;
  }

  /** A SignatureCheck, by the key that was read last and not since overwritten by another call. */
  verify(algorithm: string, signature: Uint8Array, text: Uint8Array): number {
    const all = Buffer.concat([Buffer.from(algorithm), signature, text]);
    const address = this.#put(all);
    return Number(this.#call("verify", address, all.length, algorithm.length, signature.length));
  }

  /** The address as a number of 128 bits, IPv4 as mapped into IPv6; undefined when it is refused. */
  ip(text: string): bigint | undefined {
    return this.#number("readIp", Buffer.from(text)) === 0 ? undefined : this.#ipThatWasRead();
  }

  /** Undefined when it is refused. */
  ipAndPort(text: string): { readonly ip: bigint; readonly port: number } | undefined {
    const port = this.#number("readIpAndPort", Buffer.from(text));
    return port < 0 ? undefined : { ip: this.#ipThatWasRead(), port };
  }

  /** Whether the address is in the range; undefined when the range is refused. */
  ipIsIn(range: string, ip: string): boolean | undefined {
    this.#number("readIp", Buffer.from(ip));
    const isIn = this.#number("ipIsIn", Buffer.from(range));
    return isIn < 0 ? undefined : isIn === 1;
  }

  #ipThatWasRead(): bigint {
    const half = (name: string) => BigInt.asUintN(64, this.#call(name) as bigint);
    return (half("ipHigh") << 64n) | half("ipLow");
  }

  /** Undefined when the header is malformed. */
  forwardedElements(header: Uint8Array): readonly ForwardedElement[] | undefined {
    const count = this.#number("parseXfcc", header);
    if (count < 0) return undefined;
    return Array.from({ length: count }, (_, element) => ({
      by: this.#evidence("xfccBy", element),
      hash: this.#evidence("xfccHash", element),
      uri: this.#evidence("xfccUri", element),
      cert: this.#evidence("xfccCert", element),
    }));
  }

  /** Undefined when the certificate is malformed. */
  certificate(pem: Uint8Array): ReadCertificate | undefined {
    if (this.#number("readCertificate", pem) !== 1) return undefined;
    return {
      notBefore: Number(this.#call("certificateNotBefore")),
      notAfter: Number(this.#call("certificateNotAfter")),
      uriNames: Number(this.#call("certificateUriNames")),
      firstUri: this.#evidence("certificateFirstUri"),
      digest: this.#bytes(this.#spanOf("certificateDigest")),
    };
  }

  #evidence(name: string, ...args: number[]): Evidence {
    const span = this.#spanOf(name, ...args);
    if (span === FAILED) return MALFORMED;
    return span === 0n ? undefined : this.#bytes(span).toString("latin1");
  }

  #spanOf(name: string, ...args: number[]): bigint {
    return BigInt.asUintN(64, this.#call(name, ...args) as bigint);
  }

  #text(name: string, input: Uint8Array, ...rest: number[]): Buffer | undefined {
    const bytes = this.#bytes(this.#span(name, input, ...rest));
    return bytes.length === 0 ? undefined : bytes;
  }

  #span(name: string, input: Uint8Array, ...rest: number[]): bigint {
    this.#call("reset");
    return this.#spanOf(name, this.#put(input), input.length, ...rest);
  }

  #number(name: string, input: Uint8Array, ...rest: number[]): number {
    this.#call("reset");
    return Number(this.#call(name, this.#put(input), input.length, ...rest));
  }

  #put(bytes: Uint8Array): number {
    const address = Number(this.#call("proxy_on_memory_allocate", bytes.length));
    this.#memory().set(bytes, address);
    return address;
  }

  #bytes(span: bigint): Buffer {
    const address = Number(span >> 32n);
    return Buffer.from(this.#memory().subarray(address, address + Number(span & 0xffff_ffffn)));
  }

  #memory(): Buffer {
    return Buffer.from((this.#exports["memory"] as WebAssembly.Memory).buffer);
  }

  #call(name: string, ...args: (number | bigint)[]): number | bigint {
    return (this.#exports[name] as unknown as Call)(...args);
  }

  /** `proxy_call_foreign_function`; the name is not looked at, there is one function only. */
  #verifySignature([, , args = 0, size = 0, addressOut = 0, sizeOut = 0]: number[]): number {
    const result = this.feignedAnswer ?? verifySignature(this.#memory().subarray(args, args + size));
    if (result === undefined) return STATUS_BAD_ARGUMENT;
    const address = this.#put(result);
    this.#memory().writeUInt32LE(address, addressOut);
    this.#memory().writeUInt32LE(result.length, sizeOut);
    return STATUS_OK;
  }
}

function unexpected(name: string): never {
  throw new Error(`a pure function called the host: ${name}`);
}

/** The options of asconfig.json that decide what code comes out, without those that say where it goes. */
function releaseOptions(): Options {
  const config = JSON.parse(readFileSync(`${ROOT}asconfig.json`, "utf8")) as {
    options: Options;
    targets: { release: Options };
  };
  return { ...config.options, ...without(config.targets.release, "outFile") };
}

function argumentsOf(options: Options): string[] {
  return Object.entries(options).flatMap(([name, value]) => {
    if (value === false) return [];
    return value === true ? [`--${name}`] : [`--${name}`, String(value)];
  });
}

export const probes: readonly Probe[] = [
  await Probe.compile("release", releaseOptions()),
  await Probe.compile("debug", {
    ...releaseOptions(),
    runtime: "incremental",
    noAssert: false,
    optimizeLevel: 0,
    debug: true,
  }),
];
