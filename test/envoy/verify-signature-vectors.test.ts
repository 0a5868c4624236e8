// Published signatures, put to the verify_signature of a real Envoy: the filter takes its word for whether one holds.

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { readBytesFields } from "../../cli/host/foreign/protobuf.ts";
import { verifySignature } from "../../cli/host/foreign/verify-signature.ts";
import { Teardown } from "../../envoy/process/teardown.ts";
import { vectors } from "../host/support/vectors.ts";
import type { SuitePath } from "../vectors/suites.ts";
import { describeSuite, suiteAt } from "../vectors/support/cases.ts";
import { casesAsDer, casesAsInJws, casesOfTokens, type SignatureCase } from "./support/signature-cases.ts";
import { SignatureDesk, type SignatureAnswer } from "./support/signature-desk.ts";
import { testedEnvoys } from "./support/versions.ts";

const HOLDS: SignatureAnswer = { status: 0, result: "0801" };
const DOES_NOT_HOLD: SignatureAnswer = {
  status: 0,
  result: `1226${Buffer.from("Failed to verify digest. Error code: 0").toString("hex")}`,
};
const BAD_ARGUMENT: SignatureAnswer = { status: 2, result: "" };

interface SignatureSuite {
  readonly path: SuitePath;
  readonly count: number;
  readonly read: () => SignatureCase[];
  /** Cases that are published as invalid, of which Envoy says that they hold. */
  readonly leftToFilter: readonly string[];
}

const JWS = "wycheproof/json_web_signature_test.json";

const SUITES: readonly SignatureSuite[] = [
  asInJws("ES256", "wycheproof/ecdsa_secp256r1_sha256_p1363_test.json"),
  asInJws("ES384", "wycheproof/ecdsa_secp384r1_sha384_p1363_test.json"),
  asInJws("ES512", "wycheproof/ecdsa_secp521r1_sha512_p1363_test.json"),
  asDer("ES256", "wycheproof/ecdsa_secp256r1_sha256_test.json"),
  asDer("ES384", "wycheproof/ecdsa_secp384r1_sha384_test.json"),
  asDer("ES512", "wycheproof/ecdsa_secp521r1_sha512_test.json"),
  asInJws("RS256", "wycheproof/rsa_signature_2048_sha256_test.json"),
  asInJws("RS384", "wycheproof/rsa_signature_2048_sha384_test.json"),
  asInJws("RS512", "wycheproof/rsa_signature_2048_sha512_test.json"),
  asInJws("RS256", "wycheproof/rsa_signature_3072_sha256_test.json"),
  asInJws("RS256", "wycheproof/rsa_signature_4096_sha256_test.json"),
  asInJws("RS512", "wycheproof/rsa_signature_4096_sha512_test.json"),
  { path: JWS, count: 280, read: () => casesOfTokens(JWS), leftToFilter: [] },
];

function asInJws(algorithm: Parameters<typeof casesAsInJws>[1], path: SuitePath): SignatureSuite {
  return { path, count: suiteAt(path).cases, read: () => casesAsInJws(path, algorithm), leftToFilter: [] };
}

function asDer(algorithm: Parameters<typeof casesAsDer>[1], path: SuitePath): SignatureSuite {
  return { path, count: suiteAt(path).cases, read: () => casesAsDer(path, algorithm), leftToFilter: [] };
}

/** The same of the Node host. */
function askNodeHost(argumentBytes: Buffer): SignatureAnswer {
  const result = verifySignature(argumentBytes);
  return result === undefined ? BAD_ARGUMENT : { status: 0, result: Buffer.from(result).toString("hex") };
}

const teardown = new Teardown();
after(() => teardown.run());
void describe; void readBytesFields; void vectors; void HOLDS; void DOES_NOT_HOLD; void describeSuite;
for (const version of testedEnvoys()) {
  it(version, async () => {
    let t = Date.now();
    const lap = (s: string) => { console.log(version, s, Date.now() - t); t = Date.now(); };
    const desk = await SignatureDesk.start(version, teardown);
    lap("start");
    for (const s of SUITES) {
      const cases = s.read();
      lap("read " + s.path);
      const answers = await Promise.all(cases.map(async (c) => desk.ask(c.argumentBytes)));
      lap("asked " + cases.length);
      const node = cases.map((c) => askNodeHost(c.argumentBytes));
      lap("node");
      const count: Record<string, number> = {};
      cases.forEach((c, i) => {
        const a = answers[i]!;
        const k = `${c.isValid} asked=${c.isAsked} ${a.status} ${a.result === "0801" ? "holds" : Buffer.from(a.result, "hex").toString()}`;
        count[k] = (count[k] ?? 0) + 1;
        if (c.isValid !== (a.result === "0801")) console.log("DIFF", c.name, c.isAsked);
        if (JSON.stringify(a) !== JSON.stringify(node[i])) console.log("NODE DIFFERS", c.name, a, node[i]);
      });
      console.log(s.path, count);
    }
  });
}
