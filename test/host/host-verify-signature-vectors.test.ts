import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readBytesFields } from "../../cli/host/foreign/protobuf.ts";
import { verifySignature } from "../../cli/host/foreign/verify-signature.ts";
import { signatureArguments } from "./support/signature-arguments.ts";
import { vectors } from "./support/vectors.ts";

interface EnvoyCase {
  readonly name: string;
  readonly request_protobuf_hex: string;
  readonly wasm_status: string;
  readonly error_contains: string;
  readonly result: boolean;
}

describe("Envoy's own verify_signature cases", () => {
  const cases = vectors("envoy-verify-signature/verify_signature.json") as EnvoyCase[] | undefined;
  if (cases === undefined)
    it("7 cases", { skip: "7 cases skipped: the folder of published vectors is absent" });
  for (const { name, request_protobuf_hex, wasm_status, error_contains, result } of cases ?? []) {
    it(name, () => {
      const answer = verifySignature(Buffer.from(request_protobuf_hex, "hex"));
      if (answer === undefined) {
        assert.ok(wasm_status.includes("BadArgument"));
        return;
      }
      assert.ok(wasm_status.includes("Ok"));
      assert.equal(Buffer.from(answer).toString("hex") === "0801", result);
      const error = readBytesFields(Buffer.from(answer))?.get(2)?.toString() ?? "";
      assert.equal(error, error_contains);
    });
  }
});

interface WycheproofFile {
  readonly testGroups: readonly {
    readonly publicKeyDer: string;
    readonly sha: string;
    readonly tests: readonly {
      readonly tcId: number;
      readonly msg: string;
      readonly sig: string;
      readonly result: "valid" | "acceptable" | "invalid";
    }[];
  }[];
}

// The one "acceptable" case of each RSA file leaves out the NULL of the DigestInfo, which BoringSSL refuses.
const WYCHEPROOF: readonly (readonly [file: string, cases: number])[] = [
  ["ecdsa_secp256r1_sha256_test.json", 484],
  ["ecdsa_secp384r1_sha384_test.json", 504],
  ["ecdsa_secp521r1_sha512_test.json", 542],
  ["rsa_signature_2048_sha256_test.json", 259],
  ["rsa_signature_2048_sha384_test.json", 258],
  ["rsa_signature_2048_sha512_test.json", 259],
  ["rsa_signature_3072_sha256_test.json", 259],
  ["rsa_signature_4096_sha256_test.json", 258],
  ["rsa_signature_4096_sha512_test.json", 259],
];

describe("Wycheproof", () => {
  for (const [file, count] of WYCHEPROOF) {
    const content = vectors(`wycheproof/${file}`) as WycheproofFile | undefined;
    if (content === undefined) {
      it(file, { skip: `${count} cases skipped: the folder of published vectors is absent` });
      continue;
    }
    it(file, () => {
      const wrong: string[] = [];
      let seen = 0;
      for (const { publicKeyDer, sha, tests } of content.testGroups) {
        for (const { tcId, msg, sig, result } of tests) {
          seen += 1;
          const valid = holds(sha, publicKeyDer, sig, msg);
          if (valid !== (result === "valid")) wrong.push(`${tcId} is ${valid}, expected ${result}`);
        }
      }
      assert.deepEqual(wrong, []);
      assert.equal(seen, count);
    });
  }
});

function holds(sha: string, key: string, signature: string, text: string): boolean {
  const answer = verifySignature(
    signatureArguments({
      hash: sha.replace("-", ""),
      key: Buffer.from(key, "hex"),
      signature: Buffer.from(signature, "hex"),
      text: Buffer.from(text, "hex"),
    }),
  );
  return Buffer.from(answer ?? []).toString("hex") === "0801";
}
