import assert from "node:assert/strict";
import { createPublicKey, generateKeyPairSync, sign } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { describe, it } from "node:test";
import { readBytesFields } from "../../cli/host/foreign/protobuf.ts";
import { verifySignature } from "../../cli/host/foreign/verify-signature.ts";
import { Status } from "../../cli/host/index.ts";
import { OUT, probe, returned } from "./support/probe.ts";
import { offCurve } from "./support/off-curve.ts";
import { signatureArguments } from "./support/signature-arguments.ts";
import type { SignatureArguments } from "./support/signature-arguments.ts";

const VALID = Buffer.from("0801", "hex");
const text = Buffer.from("header.payload");
const FAILED = "Failed to verify digest. Error code: 0";
const NO_KEY = "Failed to initialize digest verify.";

// SubjectPublicKeyInfo of a P-256 key: a header of 26 bytes, then the uncompressed point.
const P256_HEADER_BYTES = 26;

const p256 = generateKeyPairSync("ec", { namedCurve: "P-256" });
const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });

function spki(key: KeyObject): Buffer {
  return key.export({ format: "der", type: "spki" });
}

function good(pair: { publicKey: KeyObject; privateKey: KeyObject }, hash = "sha256"): SignatureArguments {
  return { hash, key: spki(pair.publicKey), signature: sign(hash, text, pair.privateKey), text };
}

/** The error text of the answer; proto3 leaves a false result out, so nothing else may be there. */
function errorOf(args: SignatureArguments): string {
  const answer = Buffer.from(verifySignature(signatureArguments(args)) ?? []);
  const fields = readBytesFields(answer);
  assert.deepEqual([...(fields?.keys() ?? [])], [2]);
  assert.equal(answer[0], 0x12);
  return fields?.get(2)?.toString() ?? "";
}

describe("verify_signature accepts, with exactly the bytes 08 01,", () => {
  const accepted: readonly (readonly [string, SignatureArguments])[] = [
    ["RSA PKCS#1 v1.5 with SHA-256", good(rsa)],
    ["RSA PKCS#1 v1.5 with SHA-384", good(rsa, "sha384")],
    ["RSA PKCS#1 v1.5 with SHA-512", good(rsa, "sha512")],
    ["RSA PKCS#1 v1.5 with SHA-1", good(rsa, "sha1")],
    ["RSA of 1024 bits: there is no minimum", good(generateKeyPairSync("rsa", { modulusLength: 1024 }))],
    ["ECDSA on P-256 with DER", good(p256)],
    ["ECDSA on P-384", good(generateKeyPairSync("ec", { namedCurve: "P-384" }), "sha384")],
    ["ECDSA on P-521", good(generateKeyPairSync("ec", { namedCurve: "P-521" }), "sha512")],
    ["a curve with any hash: they are not tied", good(p256, "sha512")],
    ["a hash name in upper case", { ...good(p256), hash: "SHA256" }],
    [
      "bytes after the key",
      { ...good(p256), key: Buffer.concat([spki(p256.publicKey), Buffer.from("tail")]) },
    ],
  ];
  for (const [what, args] of accepted) {
    it(what, () => {
      assert.deepEqual(Buffer.from(verifySignature(signatureArguments(args)) ?? []), VALID);
    });
  }

  it("arguments with unknown fields, and the last of two", () => {
    const args = Buffer.concat([
      Buffer.from("0a036d6435" + "2803" + "310000000000000000" + "3d00000000" + "435005" + "44", "hex"),
      signatureArguments(good(p256)),
    ]);
    assert.deepEqual(Buffer.from(verifySignature(args) ?? []), VALID);
  });
});

describe("verify_signature answers with an error text and no result for", () => {
  const { signature, ...rest } = good(p256);
  const raw = sign("sha256", text, { key: p256.privateKey, dsaEncoding: "ieee-p1363" });
  const pss = generateKeyPairSync("rsa-pss", { modulusLength: 2048 });
  const compressed = compressedPoint(spki(p256.publicKey));
  const refused: readonly (readonly [string, SignatureArguments, string])[] = [
    ["another text", { ...good(p256), text: Buffer.from("x") }, FAILED],
    [
      "another key",
      { ...good(p256), key: good(generateKeyPairSync("ec", { namedCurve: "P-256" })).key },
      FAILED,
    ],
    ["a signature of raw r and s", { ...rest, signature: raw }, FAILED],
    ["no signature", { ...rest, signature: Buffer.alloc(0) }, FAILED],
    [
      "a byte after the signature",
      { ...rest, signature: Buffer.concat([signature, Buffer.alloc(1)]) },
      FAILED,
    ],
    ["a length in long form where short would do", { ...rest, signature: longForm(signature) }, FAILED],
    ["an RSA signature cut short", { ...good(rsa), signature: good(rsa).signature.subarray(1) }, FAILED],
    ["a hash it does not know", { ...good(p256), hash: "md5" }, "md5 is not supported."],
    ["no hash", { ...good(p256), hash: "" }, " is not supported."],
    ["a key that is none", { ...good(p256), key: Buffer.from("3000", "hex") }, NO_KEY],
    ["an Ed25519 key", { ...rest, signature, key: spki(generateKeyPairSync("ed25519").publicKey) }, NO_KEY],
    ["an RSA-PSS key", { ...rest, signature, key: spki(pss.publicKey) }, NO_KEY],
    ["an RSA exponent of 34 bits", { ...good(rsa), key: rsaKey(2048, 2n ** 33n + 1n) }, NO_KEY],
    ["an RSA exponent that is even", { ...good(rsa), key: rsaKey(2048, 65_538n) }, NO_KEY],
    ["an RSA exponent of 1", { ...good(rsa), key: rsaKey(2048, 1n) }, NO_KEY],
    ["an RSA modulus above 16,384 bits", { ...good(rsa), key: rsaKey(16_392, 65_537n) }, NO_KEY],
    ["an RSA key within those limits", { ...good(rsa), key: rsaKey(16_384, 2n ** 33n - 1n) }, FAILED],
    ["a curve that BoringSSL lacks", good(generateKeyPairSync("ec", { namedCurve: "secp256k1" })), NO_KEY],
    ...["P-256", "P-384", "P-521"].map((namedCurve) => {
      const pair = good(generateKeyPairSync("ec", { namedCurve }));
      return [`a point that is not on ${namedCurve}`, { ...pair, key: offCurve(pair.key) }, NO_KEY] as const;
    }),
    ["a key with a hybrid point", { ...good(p256), key: hybridPoint(spki(p256.publicKey)) }, NO_KEY],
    [
      "an RSA key without its NULL parameters",
      { ...good(rsa), key: withoutNull(spki(rsa.publicKey)) },
      NO_KEY,
    ],
  ];
  for (const [what, args, error] of refused) {
    it(what, () => {
      assert.equal(errorOf(args), error);
    });
  }

  it("but a compressed point is read", () => {
    assert.deepEqual(
      Buffer.from(verifySignature(signatureArguments({ ...rest, signature, key: compressed })) ?? []),
      VALID,
    );
  });
});

describe("verify_signature refuses with BadArgument", () => {
  const whole = signatureArguments(good(p256));
  const refused: readonly (readonly [string, Buffer])[] = [
    ["arguments without a key", signatureArguments({ ...good(p256), key: Buffer.alloc(0) })],
    ["nothing at all", Buffer.alloc(0)],
    ["a field that runs past the end", whole.subarray(0, whole.length - 1)],
    ["a hash name that is not UTF-8", Buffer.concat([Buffer.from("0a01ff", "hex"), whole.subarray(8)])],
    ["field number 0", Buffer.concat([whole, Buffer.from("0200", "hex")])],
    ["a wire type that does not exist", Buffer.concat([whole, Buffer.from("2f", "hex")])],
    ["a varint of eleven bytes", Buffer.concat([whole, Buffer.from("28" + "ff".repeat(10) + "01", "hex")])],
    ["a tag above 32 bits", Buffer.concat([whole, Buffer.from("828080801000", "hex")])],
    ["groups 101 deep", Buffer.concat([whole, Buffer.alloc(101, 0x43), Buffer.alloc(101, 0x44)])],
    ["a group that is never closed", Buffer.concat([whole, Buffer.from("43", "hex")])],
    ["a group closed under another number", Buffer.concat([whole, Buffer.from("434c", "hex")])],
  ];
  for (const [what, args] of refused) {
    it(what, () => {
      assert.equal(verifySignature(args), undefined);
    });
  }
});

describe("proxy_call_foreign_function", () => {
  const args = signatureArguments(good(p256));

  it("returns the result's bytes", () => {
    const result = probe({
      call: "proxy_call_foreign_function",
      args: ["verify_signature", args, OUT, OUT + 4],
    });
    assert.equal(result.status, Status.Ok);
    assert.deepEqual(returned(result), VALID);
  });

  it("with null out-pointers gives the status alone and never allocates", () => {
    const result = probe({
      call: "proxy_call_foreign_function",
      args: ["verify_signature", args, 0, 0],
      allocator: "trap",
    });
    assert.equal(result.status, Status.Ok);
    assert.equal(result.host.vmFailures, 0);
    assert.equal(result.memory.readUInt32LE(0), 0);
  });

  it("that is refused writes 0 and 0, unlike other calls", () => {
    const result = probe({
      call: "proxy_call_foreign_function",
      args: ["verify_signature", "\xff", OUT, OUT + 4],
    });
    assert.equal(result.status, Status.BadArgument);
    assert.deepEqual(result.words.slice(0, 2), [0, 0]);
  });

  it("of an unknown name is NotFound", () => {
    const result = probe({ call: "proxy_call_foreign_function", args: ["make_coffee", args, OUT, OUT + 4] });
    assert.equal(result.status, Status.NotFound);
  });
});

/** A key that can be parsed but has no private half: its modulus is all ones. */
function rsaKey(bits: number, exponent: bigint): Buffer {
  const digits = exponent.toString(16);
  const e = Buffer.from(digits.padStart(digits.length + (digits.length % 2), "0"), "hex");
  const n = Buffer.alloc(bits / 8, 0xff);
  const key = { kty: "RSA", n: n.toString("base64url"), e: e.toString("base64url") };
  return spki(createPublicKey({ key, format: "jwk" }));
}

function hybridPoint(der: Buffer): Buffer {
  const hybrid = Buffer.from(der);
  hybrid[P256_HEADER_BYTES] = 0x06 | ((der.at(-1) ?? 0) & 1);
  return hybrid;
}

function compressedPoint(der: Buffer): Buffer {
  const point = Buffer.from(der.subarray(P256_HEADER_BYTES, P256_HEADER_BYTES + 33));
  point[0] = 0x02 | ((der.at(-1) ?? 0) & 1);
  const header = Buffer.from(der.subarray(0, P256_HEADER_BYTES));
  header[1] = 0x39;
  header[P256_HEADER_BYTES - 2] = 0x22;
  return Buffer.concat([header, point]);
}

/** A DER sequence with its length in long form, which only BER allows for short ones. */
function longForm(der: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([0x30, 0x81]), der.subarray(1)]);
}

/** SubjectPublicKeyInfo of a 2048-bit RSA key without the NULL after the algorithm. */
function withoutNull(der: Buffer): Buffer {
  const algorithm = Buffer.from("300b06092a864886f70d010101", "hex");
  const body = Buffer.concat([algorithm, der.subarray(19)]);
  return Buffer.concat([Buffer.from([0x30, 0x82, body.length >> 8, body.length & 0xff]), body]);
}
