import { makeForever, resetArena } from "../../assembly/host/arena";
import { Reason } from "../../assembly/decision/reason";
import { Credential } from "../../assembly/token/credential";
import { ABSENT } from "../../assembly/host/span";
import { UnverifiedToken } from "../../assembly/token/jws";
import { Reach } from "../../assembly/token/reach";
import { Algorithm } from "../../assembly/crypto/algorithm";
import { text, utf8 } from "./support";

const credential = makeForever<Credential>();
const token = UnverifiedToken.make();

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

function base64url(value: string): string {
  const bytes = Uint8Array.wrap(String.UTF8.encode(value));
  let result = "";
  let bits: i32 = 0;
  let held = 0;
  for (let i = 0; i < bytes.length; i++) {
    bits = (bits << 8) | bytes[i];
    held += 8;
    while (held >= 6) {
      held -= 6;
      result += ALPHABET.charAt((bits >> held) & 63);
    }
    bits &= (1 << held) - 1;
  }
  return held > 0 ? result + ALPHABET.charAt((bits << (6 - held)) & 63) : result;
}

function readToken(header: string, payload: string): Reason {
  resetArena();
  return token.read(utf8(base64url(header) + "." + base64url(payload) + ".c2ln"));
}

function findIn(values: string[], path: string): Reason {
  resetArena();
  credential.clear();
  for (let i = 0; i < values.length; i++) credential.note(utf8(values[i]));
  return credential.find(utf8(path), true);
}

describe("the credential", () => {
  test("is one bearer token, whatever the case of the scheme", () => {
    expect(findIn(["Bearer abc.def.ghi"], "/")).toBe(Reason.ok);
    expect(text(credential.token)).toBe("abc.def.ghi");
    expect(findIn(["bEARER  x=="], "/")).toBe(Reason.ok);
    expect(text(credential.token)).toBe("x==");
  });

  test("is never chosen among several", () => {
    expect(findIn(["Bearer a", "Bearer a"], "/")).toBe(Reason.token_duplicate);
    expect(findIn(["Bearer a,Bearer b"], "/")).toBe(Reason.token_duplicate);
    expect(findIn(["Basic a, Bearer b"], "/")).toBe(Reason.token_duplicate);
    expect(findIn(["Bearer a"], "/?access_token=b")).toBe(Reason.token_in_query);
    expect(findIn([], "/?x=1&access%5Ftoken=b")).toBe(Reason.token_in_query);
    const spellings = [
      "access.token",
      "access+token",
      "ACCESS_TOKEN",
      "access_token[]",
      "access[token",
      "+access_token",
      "%20access_token",
      "access_token%00x",
      "a=b?access_token",
      "access_token%5b0%5d",
      "a%63cess%20token",
    ];
    for (let i = 0; i < spellings.length; i++) {
      expect(findIn([], "/?" + spellings[i] + "=b")).toBe(Reason.token_in_query, spellings[i]);
      expect(findIn([], "/?a=1;" + spellings[i] + "=b")).toBe(Reason.token_in_query, spellings[i]);
    }
    expect(findIn([], "/?access_token")).toBe(Reason.token_in_query);
    expect(findIn([], "/?x=access_token&access_tokens=1")).toBe(Reason.token_absent);
  });

  test("has to be there and well written", () => {
    expect(findIn([], "/")).toBe(Reason.token_absent);
    expect(findIn(["Basic abc"], "/")).toBe(Reason.scheme_unsupported);
    expect(findIn([""], "/")).toBe(Reason.scheme_unsupported);
    expect(findIn(["Bearer"], "/")).toBe(Reason.authorization_malformed);
    expect(findIn(["Bearer "], "/")).toBe(Reason.authorization_malformed);
    expect(findIn(["Bearer a b"], "/")).toBe(Reason.authorization_malformed);
    expect(findIn(["Bearer a\tb"], "/")).toBe(Reason.authorization_malformed);
    expect(findIn(["Bearer ="], "/")).toBe(Reason.authorization_malformed);
    expect(findIn(["Bearer " + "a".repeat(16384)], "/")).toBe(Reason.ok);
    expect(findIn(["Bearer " + "a".repeat(16385)], "/")).toBe(Reason.token_too_large);
  });
});

describe("a compact JWS", () => {
  test("is taken apart", () => {
    expect(readToken('{"alg":"ES256","kid":"k"}', '{"iss":"me"}')).toBe(Reason.ok);
    expect(token.algorithm).toBe(Algorithm.ES256);
    expect(text(token.keyId)).toBe("k");
    expect(text(token.claimedIssuer)).toBe("me");
    expect(text(token.signature)).toBe("sig");
  });

  test("has three parts of strict base64url", () => {
    resetArena();
    expect(token.read(utf8("a.b"))).toBe(Reason.token_malformed);
    expect(token.read(utf8("e30.e30.e30.e30"))).toBe(Reason.token_malformed);
    expect(token.read(utf8("e30.e30.e3"))).toBe(Reason.token_malformed);
    expect(token.read(utf8("e30=.e30.e30"))).toBe(Reason.token_malformed);
    expect(token.read(utf8(".."))).toBe(Reason.token_header_malformed);
  });

  test("may not bring its own key, extensions or algorithm", () => {
    expect(readToken('{"alg":"ES256","jwk":{}}', "{}")).toBe(Reason.token_header_forbidden);
    expect(readToken('{"alg":"ES256","jku":"x"}', "{}")).toBe(Reason.token_header_forbidden);
    expect(readToken('{"alg":"ES256","x5u":"x"}', "{}")).toBe(Reason.token_header_forbidden);
    expect(readToken('{"alg":"ES256","crit":[]}', "{}")).toBe(Reason.token_header_forbidden);
    expect(readToken('{"alg":"ES256","b64":false}', "{}")).toBe(Reason.token_header_forbidden);
    expect(readToken('{"alg":"none"}', "{}")).toBe(Reason.algorithm_unsupported);
    expect(readToken('{"alg":"HS256"}', "{}")).toBe(Reason.algorithm_unsupported);
    expect(token.read(utf8(base64url('{"alg":"ES256"}') + ".e30."))).toBe(Reason.signature_malformed);
    expect(readToken('{"alg":null}', "{}")).toBe(Reason.token_header_malformed);
    expect(readToken("{}", "{}")).toBe(Reason.token_header_malformed);
    expect(readToken('{"alg":"ES256","kid":""}', '{"iss":"me"}')).toBe(Reason.token_header_malformed);
  });

  test("says what it is for", () => {
    expect(readToken('{"alg":"ES256","typ":"JWT"}', '{"iss":"me"}')).toBe(Reason.ok);
    expect(readToken('{"alg":"ES256","typ":"application/AT+jwt"}', '{"iss":"me"}')).toBe(Reason.ok);
    expect(readToken('{"alg":"ES256","typ":"dpop+jwt"}', '{"iss":"me"}')).toBe(Reason.token_type_unsupported);
    expect(readToken('{"alg":"ES256","typ":7}', '{"iss":"me"}')).toBe(Reason.token_type_unsupported);
  });

  test("has an object as payload, with or without an issuer", () => {
    expect(readToken('{"alg":"ES256"}', "[]")).toBe(Reason.token_payload_malformed);
    expect(readToken('{"alg":"ES256"}', '{"iss":"a","iss":"b"}')).toBe(Reason.token_payload_malformed);
    expect(readToken('{"alg":"ES256"}', "{}")).toBe(Reason.ok);
    expect(token.claimedIssuer).toBe(ABSENT);
    expect(readToken('{"alg":"ES256"}', '{"iss":7,"sub":"s"}')).toBe(Reason.ok);
    expect(token.claimedIssuer).toBe(ABSENT);
    expect(text(token.claimedSubject)).toBe("s");
  });
});

describe("how far a token has travelled", () => {
  test("counts each of five, and then no more", () => {
    const reach = Reach.make();
    expect(reach.presenters.add(7)).toBe(true);
    expect(reach.presenters.add(7)).toBe(false);
    expect(reach.presenters.add(0)).toBe(true, "a hash may be zero");
    expect(reach.presenters.add(0)).toBe(false);
    for (let hash: u32 = 1; hash <= 3; hash++) expect(reach.presenters.add(hash)).toBe(true);
    expect(reach.presenters.add(9)).toBe(false);
    expect(reach.presenters.count).toBe(5);
    expect(reach.services.count).toBe(0);
  });

  test("is forgotten with the token", () => {
    const reach = Reach.make();
    reach.usedAt = 1;
    reach.presenters.add(7);
    reach.services.add(7);
    reach.clear();
    expect(reach.usedAt).toBe(0);
    expect(reach.presenters.count + reach.services.count).toBe(0);
    expect(reach.presenters.add(7)).toBe(true);
  });
});
