import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { asHeader, assertNeverAllowed } from "./support/hostile.ts";
import { ALGORITHMS, makeKey } from "./support/keys.ts";
import { policyWithIssuer } from "./support/policies.ts";
import { Scene, assertAllowed, assertDenied } from "./support/scene.ts";
import { CLAIMS, base64url, token, tokenOf, tokenOfText, tokenSignedBy } from "./support/tokens.ts";
import { WEB } from "./support/world.ts";

const MAX_TOKEN_BYTES = 16 * 1024;
const HEADER = JSON.stringify({ alg: "ES256", kid: "k1" });
const ORDER = Buffer.from("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551", "hex");

const scene = new Scene();

describe("a valid token of each algorithm", () => {
  for (const algorithm of ALGORITHMS) {
    const key = makeKey(algorithm);
    const signed = new Scene(policyWithIssuer({ keys: { jwks: { keys: [key.jwk] } } }));
    const good = token({}, key);

    it(`${algorithm}: no flipped bit is allowed`, () => {
      assertAllowed(signed.present(good));
      for (let i = 0; i < good.length; i++) {
        for (let bit = 0; bit < 8; bit++) {
          const bytes = Buffer.from(good);
          bytes[i] = (bytes[i] ?? 0) ^ (1 << bit);
          assertNeverAllowed(signed.present(asHeader(bytes)), `byte ${i}, bit ${bit}`);
        }
      }
    });

    it(`${algorithm}: no truncation and no appended byte is allowed`, () => {
      for (let length = 0; length < good.length; length++)
        assertNeverAllowed(signed.present(good.slice(0, length)), `first ${length} bytes`);
      for (let byte = 1; byte < 256; byte++)
        assertNeverAllowed(signed.present(good + String.fromCharCode(byte)), `byte ${byte} appended`);
    });
  }
});

describe("size", () => {
  /** A good token of exactly that many bytes; base64url of one length in four does not exist, so the header gives way. */
  const padded = (size: number): string => {
    const rest = token().length - base64url(HEADER).length - base64url(JSON.stringify(CLAIMS)).length;
    for (const header of [HEADER, HEADER.replace("}", " }")]) {
      const bytes = Math.floor(((size - rest - base64url(header).length) * 3) / 4);
      const compact = tokenOfText(header, JSON.stringify(CLAIMS).padEnd(bytes));
      if (compact.length === size) return compact;
    }
    throw new Error(`no token has ${size} bytes`);
  };

  it("takes 16 KiB and refuses one byte more", () => {
    const exact = padded(MAX_TOKEN_BYTES);
    assert.equal(exact.length, MAX_TOKEN_BYTES);
    assertAllowed(scene.present(exact));
    assertDenied(scene.present(padded(MAX_TOKEN_BYTES + 1)), "token_too_large");
    assertDenied(scene.present("A".repeat(1_000_000)), "token_too_large");
  });

  it("reads a thousand claims", () => {
    assertAllowed(
      scene.present(token(Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`c${i}`, i])))),
    );
  });

  it("reads 1,024 header pairs and refuses more", () => {
    const others = (count: number) => Array.from({ length: count }, (_, i) => [`x-${i}`, "y"] as const);
    // Besides: four pseudo-headers and `authorization`.
    assertAllowed(scene.present(token(), { headers: others(1024 - 5) }));
    assertDenied(scene.present(token(), { headers: others(1024 - 4) }), "host_unavailable");
  });

  it("survives a megabyte of headers", () => {
    assertAllowed(scene.present(token(), { headers: [["x-large", "y".repeat(1024 * 1024 - 2048)]] }));
  });
});

describe("JSON that two readers may read as two documents", () => {
  const body = JSON.stringify(CLAIMS).slice(1);

  const assertMalformed = (payload: string | Buffer) => {
    assertDenied(
      scene.present(tokenOfText(HEADER, payload)),
      "token_payload_malformed",
      payload.toString("latin1"),
    );
  };
  const withMember = (text: string) => `{"more":${text},${body}`;

  it("is nested 32 deep and no deeper", () => {
    const nested = (depth: number) => withMember("[".repeat(depth - 1) + "]".repeat(depth - 1));
    assertAllowed(scene.present(tokenOfText(HEADER, nested(32))));
    assertMalformed(nested(33));
    assertMalformed(withMember('{"a":'.repeat(32) + "1" + "}".repeat(32)));
    assertMalformed(withMember("[".repeat(8000)));
  });

  it("has a name twice", () => {
    for (const twice of [
      `{"sub":"${WEB}",${body}`,
      `{"\\u0073ub":"${WEB}",${body}`,
      `{"s\\u0075\\u0062":"${WEB}",${body}`,
      withMember('{"a":1,"a":1}'),
      withMember('[[{"b":[{"\\u0061":1,"a":2}]}]]'),
      withMember('{"/":1,"\\/":2}'),
      withMember('{"":1,"":2}'),
      withMember('{"\u{1F600}":1,"\\ud83d\\ude00":2}'),
    ])
      assertMalformed(twice);
    assertAllowed(scene.present(tokenOfText(HEADER, withMember('[{"a":1},{"a":{"a":2}}]'))));
  });

  it("has half a surrogate pair", () => {
    for (const text of [
      "\\ud800",
      "\\udc00",
      "\\ud800\\ud800",
      "\\udc00\\ud800",
      "\\ud800x",
      "\\ud800\\u0041",
    ])
      assertMalformed(withMember(`"${text}"`));
  });

  it("is not UTF-8", () => {
    for (const hex of [
      "80",
      "c080",
      "c0af",
      "c1bf",
      "e08080",
      "eda080",
      "edbfbf",
      "f0808080",
      "f4908080",
      "ff",
      "c3",
    ]) {
      const text = Buffer.from(withMember('"?"'))
        .toString("latin1")
        .replace("?", Buffer.from(hex, "hex").toString("latin1"));
      assertMalformed(Buffer.from(text, "latin1"));
    }
  });

  it("is followed, preceded or interrupted by something", () => {
    const whole = `{${body}`;
    for (const text of [
      `${whole}x`,
      `${whole}{}`,
      `${whole}\0`,
      `\ufeff${whole}`,
      `\v${whole}`,
      `[${whole}]`,
      "null",
      '""',
      "",
    ])
      assertNeverAllowed(scene.present(tokenOfText(HEADER, text)), JSON.stringify(text));
    for (const text of [
      "01",
      "+1",
      "1.",
      ".5",
      "1e",
      "0x1",
      "NaN",
      "-",
      "'a'",
      '"\t"',
      '"\\x"',
      '"\\u12g4"',
      "nul",
      "[1,]",
      "{,}",
    ])
      assertMalformed(withMember(text));
  });

  it("is random", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        assertNeverAllowed(scene.present(tokenOfText(HEADER, Buffer.from(bytes))), "payload");
        assertNeverAllowed(scene.present(tokenOfText(Buffer.from(bytes), JSON.stringify(CLAIMS))), "header");
      }),
      { seed: 1, numRuns: 500 },
    );
  });
});

describe("an ECDSA signature", () => {
  const one = Buffer.alloc(32);
  one[31] = 1;
  const zero = Buffer.alloc(32);
  const highest = Buffer.alloc(32, 0xff);
  const belowOrder = Buffer.from(ORDER);
  belowOrder[31] = (belowOrder[31] ?? 0) - 1;

  it("whose r or s is out of range is not even asked about", () => {
    for (const [r, s] of [
      [zero, zero],
      [zero, one],
      [one, zero],
      [ORDER, one],
      [one, ORDER],
      [highest, one],
      [one, highest],
    ] as const) {
      scene.host.calls.resetCounts();
      assertDenied(scene.present(tokenSignedBy(Buffer.concat([r, s]))), "signature_malformed");
      assert.equal(scene.host.calls.count("proxy_call_foreign_function"), 0);
    }
    for (const [r, s] of [
      [one, one],
      [belowOrder, belowOrder],
    ] as const)
      assertDenied(scene.present(tokenSignedBy(Buffer.concat([r, s]))), "signature_invalid");
  });

  it("of any other length is malformed", () => {
    for (const length of [1, 31, 32, 63, 65, 70, 72, 96, 128, 4096])
      assertDenied(
        scene.present(tokenSignedBy(Buffer.alloc(length, 1))),
        "signature_malformed",
        String(length),
      );
    assertDenied(scene.present(tokenSignedBy("")), "signature_malformed");
  });
});

describe("a header by which a token would choose how it is judged", () => {
  it("names no algorithm that is not a strong signature", () => {
    const names = ["none", "None", "nOnE", "HS256", "HS384", "HS512", "ES521", "ES256K", "PS256", "RS1"];
    for (const alg of [...names, "es256", "Es256", "ES256 ", "ES256\0", ""])
      assertDenied(scene.present(tokenOf({ alg, kid: "k1" }, CLAIMS)), "algorithm_unsupported", alg);
    for (const alg of [null, 1, ["ES256"], {}, undefined])
      assertDenied(
        scene.present(tokenOf({ alg, kid: "k1" }, CLAIMS)),
        "token_header_malformed",
        JSON.stringify(alg),
      );
  });

  it("brings no key and asks for no extension", () => {
    for (const name of ["jku", "jwk", "x5u", "crit", "b64"])
      for (const value of ["https://evil.example", {}, [], true, false, null, ""])
        assertDenied(
          scene.present(tokenOf({ alg: "ES256", kid: "k1", [name]: value }, CLAIMS)),
          "token_header_forbidden",
          JSON.stringify({ [name]: value }),
        );
    const spelled = `{"alg":"ES256","kid":"k1","\\u006aku":"https://evil.example"}`;
    assertDenied(scene.present(tokenOfText(spelled, JSON.stringify(CLAIMS))), "token_header_forbidden");
  });

  it("says a name once", () => {
    for (const header of [
      '{"alg":"ES256","alg":"ES256","kid":"k1"}',
      '{"alg":"none","\\u0061lg":"ES256","kid":"k1"}',
      '{"alg":"ES256","kid":"k1","kid":"k2"}',
    ])
      assertDenied(
        scene.present(tokenOfText(header, JSON.stringify(CLAIMS))),
        "token_header_malformed",
        header,
      );
  });
});
