import { describe, it } from "node:test";
import type { HeaderPair } from "../../cli/host/index.ts";
import { policyWithRule } from "./support/policies.ts";
import { Scene, assertAllowed, assertDenied, bearer } from "./support/scene.ts";
import { CLAIMS, base64url, payloadOf, token, tokenOf } from "./support/tokens.ts";

const scene = new Scene();
const good = token();
const HEADER = { alg: "ES256", kid: "k1" };

const authorization = (value: string): HeaderPair => ["authorization", value];

describe("the authorization header", () => {
  it("is `Bearer` in any case, one or more spaces, and a token", () => {
    for (const value of [`Bearer ${good}`, `bearer ${good}`, `BEARER ${good}`, `Bearer    ${good}`])
      assertAllowed(scene.ask({ headers: [authorization(value)] }), value.slice(0, 12));
  });

  it("is found under a name in any case", () => {
    assertAllowed(scene.ask({ headers: [["Authorization", `Bearer ${good}`]] }));
  });

  it("of another scheme is no credential here", () => {
    for (const value of [
      "",
      "Basic d2Vi",
      "Negotiate x",
      "Bearerx",
      `Bearer\t${good}`,
      good,
      `Token ${good}`,
      ` Bearer ${good}`,
    ])
      assertDenied(
        scene.ask({ headers: [authorization(value)] }),
        "scheme_unsupported",
        JSON.stringify(value),
      );
  });

  it("with anything but one token behind the scheme is malformed", () => {
    for (const rest of [
      "",
      " ",
      "  ",
      ` ${good} `,
      ` ${good} x`,
      ` "${good}"`,
      ` ${good};`,
      ` ${good}\xff`,
      " =",
      " =a",
      ` a=${good}`,
    ])
      assertDenied(
        scene.ask({ headers: [authorization(`Bearer${rest}`)] }),
        "authorization_malformed",
        JSON.stringify(rest.slice(0, 8)),
      );
  });

  it("may not be there twice, whatever either says", () => {
    for (const second of [`Bearer ${good}`, "Basic d2Vi", ""]) {
      assertDenied(scene.ask({ headers: [bearer(good), authorization(second)] }), "token_duplicate", second);
      assertDenied(scene.ask({ headers: [authorization(second), bearer(good)] }), "token_duplicate", second);
    }
    assertDenied(scene.ask({ headers: [bearer(good), ["x-between", "y"], bearer(good)] }), "token_duplicate");
  });

  it("may not hold a comma, by which Envoy joins repeated headers", () => {
    for (const value of [
      `Bearer ${good},Bearer ${good}`,
      `Bearer ${good}, Basic x`,
      `Basic x,Bearer ${good}`,
      `Bearer ${good},`,
      ",",
    ])
      assertDenied(scene.ask({ headers: [authorization(value)] }), "token_duplicate", value.slice(0, 12));
  });

  it("is not looked for under other names", () => {
    for (const name of ["proxy-authorization", "x-authorization", "authorization2", "authorizatio"])
      assertDenied(scene.ask({ headers: [[name, `Bearer ${good}`]] }), "token_absent", name);
  });
});

describe("a token in the query", () => {
  it("is refused, beside a good header too, however its name is written", () => {
    for (const query of [
      "access_token=x",
      "access_token",
      "access_token=",
      "a=b&access_token=x",
      "a=b&access_token",
      "&access_token=x",
      "%61ccess_token=x",
      "access%5Ftoken=x",
      "access%5ftoken=x",
      "%61%63%63%65%73%73%5f%74%6f%6b%65%6e=x",
    ]) {
      assertDenied(scene.present(good, { path: `/orders?${query}` }), "token_in_query", query);
      assertDenied(scene.ask({ path: `/orders?${query}` }), "token_in_query", query);
    }
  });

  it("is not seen where there is none", () => {
    for (const query of [
      "",
      "a=access_token",
      "access_tokens=1",
      "my_access_token=1",
      "access-token=1",
      "access_toke",
      "%",
    ])
      assertAllowed(scene.present(good, { path: `/orders?${query}` }), query);
  });

  it("is of no interest to a rule that looks at no token", () => {
    assertAllowed(new Scene(policyWithRule({ token: "none" })).ask({ path: "/?access_token=x" }));
  });
});

describe("an optional token", () => {
  const optional = new Scene(policyWithRule({ token: "optional" }));

  it("may be absent", () => {
    assertAllowed(optional.ask());
  });

  it("has to be good when it is there", () => {
    assertAllowed(optional.present(good));
    assertDenied(optional.present(token({ exp: 1 })), "token_expired");
    assertDenied(optional.ask({ headers: [authorization("")] }), "scheme_unsupported");
    assertDenied(optional.ask({ headers: [bearer(good), bearer(good)] }), "token_duplicate");
    assertDenied(optional.ask({ path: "/?access_token=x" }), "token_in_query");
  });
});

describe("a compact JWS", () => {
  it("has three parts", () => {
    const [head = "", payload = "", tail = ""] = good.split(".");
    for (const parts of [
      [head],
      [head, payload],
      [head, payload, tail, ""],
      [head, payload, tail, tail, tail],
      ["", "", "", ""],
    ])
      assertDenied(scene.present(parts.join(".") || "."), "token_malformed", String(parts.length));
    for (const compact of ["..", `.${payload}.${tail}`])
      assertDenied(scene.present(compact), "token_header_malformed", compact.slice(0, 4));
    assertDenied(scene.present(`${head}..${tail}`), "token_payload_malformed");
    assertDenied(scene.present(`${head}.${payload}.`), "signature_malformed");
  });

  it("has base64url with one spelling only", () => {
    const [head = "", payload = "", tail = ""] = good.split(".");
    for (const compact of [
      `${head}.${payload}.${tail}==`,
      `${head}+.${payload}.${tail}`,
      `${head}.${payload}/.${tail}`,
      `${head}.${payload}.${tail}~`,
    ])
      assertDenied(scene.present(compact), "token_malformed", compact);
    // The last character of 64 bytes holds four unused bits: a lax decoder reads the same signature.
    const stray = tail.slice(0, -1) + String.fromCharCode(tail.charCodeAt(tail.length - 1) + 1);
    assertDenied(scene.present(`${head}.${payload}.${stray}`), "token_malformed");
  });

  it("is of a type that is used for access, or of none", () => {
    for (const typ of ["JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt"])
      assertAllowed(scene.present(tokenOf({ ...HEADER, typ }, CLAIMS)), typ);
    for (const typ of [
      "dpop+jwt",
      "JWE",
      "",
      "JWT ",
      "secevent+jwt",
      "logout+jwt",
      "wit+jwt",
      null,
      1,
      ["JWT"],
    ])
      assertDenied(scene.present(tokenOf({ ...HEADER, typ }, CLAIMS)), "token_type_unsupported", String(typ));
  });

  it("may have header members that decide nothing", () => {
    const extra = { x5t: "x", "x5t#S256": "y", x5c: ["z"], cty: "JWT", iss: "a", nonce: 1 };
    assertAllowed(scene.present(tokenOf({ ...HEADER, ...extra }, CLAIMS)));
  });

  it("has objects for header and payload", () => {
    for (const text of ["[]", '"x"', "1", "null", "true", "", "{"]) {
      const head = `${base64url(text)}.${payloadOf(good)}.AA`;
      assertDenied(scene.present(head), "token_header_malformed", text);
      const payload = `${base64url(JSON.stringify(HEADER))}.${base64url(text)}.AA`;
      assertDenied(scene.present(payload), "token_payload_malformed", text);
    }
  });
});
