// Published signatures, put to the verify_signature of a real Envoy: the filter takes its word for whether one holds.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { readBytesFields } from "../../cli/host/foreign/protobuf.ts";
import { verifySignature } from "../../cli/host/foreign/verify-signature.ts";
import { Teardown } from "../../envoy/process/teardown.ts";
import { vectors } from "../host/support/vectors.ts";
import type { SuitePath } from "../vectors/suites.ts";
import { describeSuite, suiteAt } from "../vectors/support/cases.ts";
import { casesAsDer, casesAsInJws, casesOfTokens } from "./support/signature-cases.ts";
import type { NativeAlgorithm, Refusal, SignatureCase } from "./support/signature-cases.ts";
import { SignatureDesk, type SignatureAnswer } from "./support/signature-desk.ts";
import { testedEnvoys } from "./support/versions.ts";

const STATUS_OK = 0;
const BAD_ARGUMENT: SignatureAnswer = { status: 2, result: "" };
const HOLDS = "\b\u0001";
const DOES_NOT_HOLD = "\u0012&Failed to verify digest. Error code: 0";
const KEY_IS_NONE = "\u0012#Failed to initialize digest verify.";

interface SignatureSuite {
  readonly path: SuitePath;
  /** Of its cases: those of an algorithm that Envoy verifies for the filter. */
  readonly count: number;
  readonly read: () => readonly SignatureCase[];
}

const TOKENS = "wycheproof/json_web_signature_test.json";
const P256 = "wycheproof/ecdsa_secp256r1_sha256_p1363_test.json";
const P384 = "wycheproof/ecdsa_secp384r1_sha384_p1363_test.json";
const P521 = "wycheproof/ecdsa_secp521r1_sha512_p1363_test.json";

const SUITES: readonly SignatureSuite[] = [
  suite(P256, "ES256", casesAsInJws),
  suite(P384, "ES384", casesAsInJws),
  suite(P521, "ES512", casesAsInJws),
  suite("wycheproof/ecdsa_secp256r1_sha256_test.json", "ES256", casesAsDer),
  suite("wycheproof/ecdsa_secp384r1_sha384_test.json", "ES384", casesAsDer),
  suite("wycheproof/ecdsa_secp521r1_sha512_test.json", "ES512", casesAsDer),
  suite("wycheproof/rsa_signature_2048_sha256_test.json", "RS256", casesAsInJws),
  suite("wycheproof/rsa_signature_2048_sha384_test.json", "RS384", casesAsInJws),
  suite("wycheproof/rsa_signature_2048_sha512_test.json", "RS512", casesAsInJws),
  suite("wycheproof/rsa_signature_3072_sha256_test.json", "RS256", casesAsInJws),
  suite("wycheproof/rsa_signature_4096_sha256_test.json", "RS256", casesAsInJws),
  suite("wycheproof/rsa_signature_4096_sha512_test.json", "RS512", casesAsInJws),
  tokens(TOKENS, 280),
  tokens("wycheproof/json_web_crypto_test.json", 28),
  tokens("wycheproof/json_web_key_test.json", 2),
];

/** In the suite of keys: the point is not on its curve, so that the filter passes the key over when it reads the document. */
const OFF_CURVE = "#22 rejectsModifiedKey";

/** Published as invalid, and Envoy says that they hold once they are DER: only the filter's own check refuses them. */
interface LeftToFilter {
  readonly suite: SuitePath;
  readonly comment: string;
  readonly cases: readonly number[];
  readonly check: Refusal;
}

// All of them are r and s of another size than the curve's, too short or with zeros before: as INTEGERs, the right numbers.
const LEFT_TO_FILTER: readonly LeftToFilter[] = [
  {
    suite: P256,
    comment: "incorrect size of signature",
    cases: [121, 123, 125, 127, 129, 131, 133, 135, 145, 147, 149, 151],
    check: "signatureToDer",
  },
  {
    suite: P384,
    comment: "incorrect size of signature",
    cases: [153, 155, 157, 159, 161, 163, 173, 175, 177, 179],
    check: "signatureToDer",
  },
  {
    suite: P521,
    comment: "incorrect size of signature",
    cases: [190, 192, 194, 196, 198, 200, 210, 212, 214, 216],
    check: "signatureToDer",
  },
  { suite: TOKENS, comment: "SignatureTooLong", cases: [379], check: "signatureToDer" },
  { suite: TOKENS, comment: "BufferOverflow", cases: [385], check: "signatureToDer" },
];

function suite(
  path: SuitePath,
  algorithm: NativeAlgorithm,
  read: (path: SuitePath, algorithm: NativeAlgorithm) => readonly SignatureCase[],
): SignatureSuite {
  return { path, count: suiteAt(path).cases, read: () => read(path, algorithm) };
}

function tokens(path: SuitePath, count: number): SignatureSuite {
  return { path, count, read: () => casesOfTokens(path) };
}

function leftToFilterOf(path: SuitePath): readonly string[] {
  return LEFT_TO_FILTER.filter(({ suite }) => suite === path).flatMap(({ comment, cases, check }) =>
    cases.map((id) => `#${id} ${comment}: ${check}`),
  );
}

/** The Node host's verify_signature, in the place of Envoy's. */
function askNodeHost(argumentBytes: Buffer): SignatureAnswer {
  const result = verifySignature(argumentBytes);
  if (result === undefined) return BAD_ARGUMENT;
  return { status: STATUS_OK, result: Buffer.from(result).toString("latin1") };
}

/** A case of Envoy's own tests. */
interface EnvoyCase {
  readonly name: string;
  readonly request_protobuf_hex: string;
  readonly wasm_status: string;
  readonly error_contains: string;
  readonly result: boolean;
}

for (const version of testedEnvoys()) {
  describe(`published signatures, Envoy ${version}`, () => {
    const teardown = new Teardown();
    let started: Promise<SignatureDesk> | undefined;

    /** Without published cases no Envoy is started. */
    async function askEnvoy(everything: readonly Buffer[]): Promise<SignatureAnswer[]> {
      started ??= SignatureDesk.start(version, teardown);
      const desk = await started;
      return Promise.all(everything.map((argumentBytes) => desk.ask(argumentBytes)));
    }
    after(() => teardown.run());

    for (const { path, count, read } of SUITES) {
      describeSuite(path, () => {
        let cases: readonly (SignatureCase & { readonly answer: SignatureAnswer })[];

        before(async () => {
          const unanswered = read();
          const answers = await askEnvoy(unanswered.map(({ argumentBytes }) => argumentBytes));
          cases = answers.flatMap((answer, index) => {
            const asked = unanswered[index];
            return asked === undefined ? [] : [{ ...asked, answer }];
          });
        });

        it(`hold or not as published, of ${count} cases, but for what the filter refuses before it asks`, () => {
          assert.equal(cases.length, count);
          const holding = cases.filter(({ answer }) => answer.result === HOLDS);
          const wronglyHolding = holding.filter(({ isValid }) => !isValid);
          assert.deepEqual(
            wronglyHolding.map(({ name, refusedBy }) => `${name}: ${refusedBy ?? "not refused"}`),
            leftToFilterOf(path),
          );
          const others = cases.filter((one) => !holding.includes(one));
          assert.deepEqual(
            others.filter(({ isValid }) => isValid),
            [],
          );
          for (const { name, answer } of others) {
            const result = name === OFF_CURVE ? KEY_IS_NONE : DOES_NOT_HOLD;
            assert.deepEqual(answer, { status: STATUS_OK, result }, name);
          }
        });

        it("are refused by the filter before it asks only where published as invalid", () => {
          const refused = cases.filter(({ isValid, refusedBy }) => isValid && refusedBy !== undefined);
          assert.deepEqual(refused, []);
        });

        it("are answered by the Node host in the same bytes", () => {
          for (const { name, argumentBytes, answer } of cases)
            assert.deepEqual(askNodeHost(argumentBytes), answer, name);
        });
      });
    }

    describe("envoy-verify-signature", () => {
      const cases = vectors("envoy-verify-signature/verify_signature.json") as EnvoyCase[] | undefined;
      if (cases === undefined)
        it("7 cases", { skip: "7 cases skipped: the folder of published vectors is absent" });
      for (const { name, request_protobuf_hex, wasm_status, error_contains, result } of cases ?? []) {
        it(`${name}: as published, and as the Node host answers`, async () => {
          const argumentBytes = Buffer.from(request_protobuf_hex, "hex");
          const [answer] = await askEnvoy([argumentBytes]);
          assert.deepEqual(answer, askNodeHost(argumentBytes));
          if (answer.status === BAD_ARGUMENT.status) {
            assert.match(wasm_status, /BadArgument/);
            return;
          }
          assert.equal(answer.status, STATUS_OK);
          assert.match(wasm_status, /Ok/);
          assert.equal(answer.result === HOLDS, result);
          const error = readBytesFields(Buffer.from(answer.result, "latin1"))?.get(2)?.toString() ?? "";
          assert.equal(error, error_contains);
        });
      }
    });
  });
}
