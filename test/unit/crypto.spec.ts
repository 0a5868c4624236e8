import { makeForever, resetArena } from "../../assembly/host/arena";
import { ABSENT, lengthOf, slice } from "../../assembly/host/span";
import {
  Algorithm,
  algorithmNamed,
  fieldBytes,
  hashOf,
  includes,
  isVerifiedHere,
  setOf,
} from "../../assembly/crypto/algorithm";
import { signatureToDer } from "../../assembly/crypto/ecdsa";
import { Jwk, KeyFault, KeyUse, readJwk } from "../../assembly/crypto/jwk";
import { hmacSha256 } from "../../assembly/crypto/hmac";
import { thumbprintOf } from "../../assembly/crypto/thumbprint";
import { decodeBase64url } from "../../assembly/text/base64url";
import { finishDigest, sha256, startDigest, updateDigest } from "../../assembly/crypto/sha256";
import { JsonDocument, ROOT } from "../../assembly/text/json";
import { parseJson } from "../../assembly/text/json_parser";
import { fromHex, hex, text, utf8 } from "./support";

const document = JsonDocument.forever(64);
const key = makeForever<Jwk>();

const X = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
const Y = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";

function read(jwk: string): KeyFault {
  resetArena();
  assert(parseJson(document, utf8(jwk)), "the test's key is JSON");
  return readJwk(document, ROOT, KeyUse.Signature, false, key);
}

function ec(members: string): string {
  return '{"kty":"EC","crv":"P-256","x":"' + X + '","y":"' + Y + '"' + members + "}";
}

function rsa(modulus: string, exponent: string): string {
  return '{"kty":"RSA","n":"' + modulus + '","e":"' + exponent + '"}';
}

describe("the algorithm table", () => {
  test("knows what it verifies and nothing else", () => {
    const known = ["RS256", "RS384", "RS512", "ES256", "ES384", "ES512"];
    for (let i = 0; i < known.length; i++) {
      const algorithm = algorithmNamed(utf8(known[i]));
      expect(algorithm).not.toBe(Algorithm.None, known[i]);
      expect(hashOf(algorithm)).toBe("sha" + known[i].substring(2));
      expect(includes(setOf(algorithm), algorithm)).toBe(true);
    }
    const unknown = ["none", "None", "", "HS256", "es256", "ES256K", "RS256 ", "RS1"];
    for (let i = 0; i < unknown.length; i++) {
      expect(algorithmNamed(utf8(unknown[i]))).toBe(Algorithm.None, unknown[i]);
    }
  });

  test("no set holds an algorithm that is not verified here", () => {
    const elsewhere = ["PS256", "PS384", "PS512"];
    for (let i = 0; i < elsewhere.length; i++) {
      const algorithm = algorithmNamed(utf8(elsewhere[i]));
      expect(algorithm).toBe(Algorithm.EnvoyOnly, elsewhere[i]);
      expect(isVerifiedHere(algorithm)).toBe(false);
      expect(setOf(algorithm)).toBe(0);
      expect(includes(u32.MAX_VALUE, algorithm)).toBe(false);
      expect(hashOf(algorithm)).toBe("");
    }
    expect(setOf(Algorithm.None)).toBe(0);
    expect(includes(u32.MAX_VALUE, Algorithm.None)).toBe(false);
    expect(hashOf(Algorithm.None)).toBe("");
    expect(fieldBytes(Algorithm.RS256)).toBe(0);
  });
});

describe("SHA-256", () => {
  test("digests the examples of FIPS 180", () => {
    expect(hex(sha256(ABSENT))).toBe("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    expect(hex(sha256(utf8("abc")))).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    expect(hex(sha256(utf8("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")))).toBe(
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
    );
  });

  test("is the same at every split into two parts", () => {
    const message = utf8("0123456789abcdef".repeat(12) + "tail");
    const whole = hex(sha256(message));
    for (let i = 0; i <= lengthOf(message); i++) {
      startDigest();
      updateDigest(slice(message, 0, i));
      updateDigest(slice(message, i, lengthOf(message)));
      expect(hex(finishDigest())).toBe(whole);
    }
  });
});

describe("an ECDSA signature", () => {
  test("becomes two minimal INTEGERs", () => {
    const r = "00".repeat(31) + "01";
    const s = "00".repeat(30) + "ff00";
    expect(hex(signatureToDer(Algorithm.ES256, fromHex(r + s)))).toBe("3008" + "020101" + "020300ff00");
    const order = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632550";
    expect(hex(signatureToDer(Algorithm.ES256, fromHex(order + r)))).toBe(
      "3026" + "022100" + order + "020101",
    );
  });

  test("of another length, zero, or not below the order is none", () => {
    const one = "00".repeat(31) + "01";
    const zero = "00".repeat(32);
    const order = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
    expect(signatureToDer(Algorithm.ES256, ABSENT)).toBe(ABSENT);
    expect(signatureToDer(Algorithm.ES256, fromHex(one))).toBe(ABSENT);
    expect(signatureToDer(Algorithm.ES256, fromHex(one + one + "00"))).toBe(ABSENT);
    expect(signatureToDer(Algorithm.ES256, fromHex(zero + one))).toBe(ABSENT);
    expect(signatureToDer(Algorithm.ES256, fromHex(one + zero))).toBe(ABSENT);
    expect(signatureToDer(Algorithm.ES256, fromHex(order + one))).toBe(ABSENT);
    expect(signatureToDer(Algorithm.ES256, fromHex(one + "ff".repeat(32)))).toBe(ABSENT);
    expect(signatureToDer(Algorithm.ES384, fromHex(one + one))).toBe(ABSENT);
    expect(signatureToDer(Algorithm.RS256, fromHex(one + one))).toBe(ABSENT);
  });

  test("of P-384 is measured by its own order", () => {
    const one = "00".repeat(47) + "01";
    const order =
      "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973";
    expect(hex(signatureToDer(Algorithm.ES384, fromHex(one + one)))).toBe("3006020101020101");
    expect(signatureToDer(Algorithm.ES384, fromHex(order + one))).toBe(ABSENT);
  });

  test("of P-521 needs lengths of two bytes", () => {
    const one = "00".repeat(65) + "01";
    const order =
      "01ff" + "ff".repeat(31) + "fa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409";
    const below = order.substring(0, 130) + "08";
    expect(hex(signatureToDer(Algorithm.ES512, fromHex(one + one)))).toBe("3006020101020101");
    expect(hex(signatureToDer(Algorithm.ES512, fromHex(below + below)))).toBe(
      "308188" + "0242" + below + "0242" + below,
    );
    expect(signatureToDer(Algorithm.ES512, fromHex(order + one))).toBe(ABSENT);
    expect(signatureToDer(Algorithm.ES512, fromHex("02" + one.substring(2) + one))).toBe(ABSENT);
  });
});

describe("a JWK", () => {
  test("of P-256 becomes SubjectPublicKeyInfo", () => {
    expect(read(ec(',"kid":"k1"'))).toBe(KeyFault.None);
    expect(text(key.id)).toBe("k1");
    expect(key.algorithms).toBe(setOf(Algorithm.ES256));
    expect(hex(key.publicKey)).toBe(
      "3059301306072a8648ce3d020106082a8648ce3d03010703420004" +
        "7fcdce2770f6c45d4183cbee6fdb4b7b580733357be9ef13bacf6e3c7bd15445" +
        "c7f144cd1bbd9b7e872cdfedb9eeb9f4b3695d6ea90b24ad8a4623288588e5ad",
    );
  });

  test("of RSA permits its three hashes, or the one that it names", () => {
    const modulus = "_".repeat(341) + "w"; // 256 bytes of 0xff
    expect(read(rsa(modulus, "AQAB"))).toBe(KeyFault.None);
    expect(includes(key.algorithms, Algorithm.RS256)).toBe(true);
    expect(includes(key.algorithms, Algorithm.RS512)).toBe(true);
    expect(includes(key.algorithms, Algorithm.ES256)).toBe(false);
    expect(hex(slice(key.publicKey, 0, 33))).toBe(
      "30820122300d06092a864886f70d01010105000382010f003082010a0282010100",
    );
  });

  test("for another purpose is unusable", () => {
    expect(read(ec(',"use":"enc"'))).toBe(KeyFault.Unusable);
    expect(read(ec(',"alg":"ES384"'))).toBe(KeyFault.Unusable);
    expect(read(ec(',"alg":7'))).toBe(KeyFault.Unusable);
    expect(read(ec(',"key_ops":["sign"]'))).toBe(KeyFault.Unusable);
    expect(read(ec(',"key_ops":["sign","verify"]'))).toBe(KeyFault.None);
    expect(read(`{"kty":"OKP","crv":"X25519","x":"${X}"}`)).toBe(KeyFault.Unusable);
    expect(read('{"kty":"EC","crv":"secp256k1","x":"' + X + '","y":"' + Y + '"}')).toBe(KeyFault.Unusable);
  });

  test("with secret material gives the whole set away", () => {
    expect(read('{"kty":"oct","k":"AAAA"}')).toBe(KeyFault.Secret);
    expect(read(ec(',"d":"AAAA"'))).toBe(KeyFault.Secret);
    expect(read(ec(',"qi":"AAAA"'))).toBe(KeyFault.Secret);
  });

  test("that is not exact is malformed", () => {
    expect(read("[]")).toBe(KeyFault.Malformed);
    expect(read("{}")).toBe(KeyFault.Malformed);
    expect(read(ec(',"kid":7'))).toBe(KeyFault.Malformed);
    expect(read('{"kty":"EC","crv":"P-256","x":"' + X + '"}')).toBe(KeyFault.Malformed);
    expect(read('{"kty":"EC","crv":"P-256","x":"AA' + X + '","y":"' + Y + '"}')).toBe(KeyFault.Malformed);
    expect(read('{"kty":"EC","crv":"P-256","x":"' + X + '=","y":"' + Y + '"}')).toBe(KeyFault.Malformed);
    expect(read(rsa("_".repeat(341) + "w", "AQ"))).toBe(KeyFault.Malformed);
    expect(read(rsa("_".repeat(341) + "w", "Ag"))).toBe(KeyFault.Malformed);
    expect(read(rsa("A".repeat(342), "AQAB"))).toBe(KeyFault.Malformed);
  });

  test("of RSA below 2048 bits or above 8192 is unusable", () => {
    expect(read(rsa("_".repeat(340), "AQAB"))).toBe(KeyFault.Unusable);
    expect(read(rsa("_".repeat(1368), "AQAB"))).toBe(KeyFault.Unusable);
  });
});

function mac(key: string, data: string): string {
  return hex(hmacSha256(fromHex(key), fromHex(data)));
}

function thumbprint(jwk: string): string {
  resetArena();
  assert(parseJson(document, utf8(jwk)), "the test's key is JSON");
  return hex(thumbprintOf(document, ROOT));
}

function ofText(digest: string): string {
  return hex(decodeBase64url(utf8(digest)));
}

describe("HMAC-SHA-256, RFC 4231", () => {
  test("section 4.2: test case 1", () => {
    expect(mac("0b".repeat(20), "4869205468657265")).toBe(
      "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
    );
  });

  test("section 4.3: test case 2, a key shorter than the digest", () => {
    expect(mac("4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f")).toBe(
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    );
  });

  test("section 4.4: test case 3, more than a block together", () => {
    expect(mac("aa".repeat(20), "dd".repeat(50))).toBe(
      "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
    );
  });

  test("section 4.5: test case 4", () => {
    expect(mac("0102030405060708090a0b0c0d0e0f10111213141516171819", "cd".repeat(50))).toBe(
      "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
    );
  });

  test("an empty key is a block of zeros, and the whole block counts", () => {
    expect(mac("", "00")).toBe(mac("00".repeat(64), "00"));
    expect(mac("01".repeat(63) + "02", "00") == mac("01".repeat(64), "00")).toBe(false);
  });
});

describe("thumbprints, RFC 7638", () => {
  test("section 3.1, RSA", () => {
    const modulus =
      "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
    const expected = ofText("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    expect(
      thumbprint('{"kty":"RSA","n":"' + modulus + '","e":"AQAB","alg":"RS256","kid":"2011-04-29"}'),
    ).toBe(expected);
    expect(thumbprint('{ "x5c": [], "e": "AQAB", "n": "' + modulus + '", "kty": "\\u0052SA" }')).toBe(
      expected,
    );
  });

  test("RFC 9449, section 6.1, EC", () => {
    expect(
      thumbprint(
        '{"kty":"EC","x":"l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs","y":"9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA","crv":"P-256"}',
      ),
    ).toBe(ofText("0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"));
  });

  test("RFC 8037, appendix A.3, OKP", () => {
    expect(
      thumbprint(
        '{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","use":"sig"}',
      ),
    ).toBe(ofText("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"));
  });
});
