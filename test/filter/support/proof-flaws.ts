// What can be wrong with a proof of any kind, and what may look wrong and is not.

import type { Json } from "./json.ts";
import { ORIGIN, clientKey } from "./proofs.ts";
import type { ProofOptions } from "./proofs.ts";
import { tokenOf, tokenOfText } from "./tokens.ts";

/** What is other than in a good proof, or what is sent instead of one. */
export type Flawed = ProofOptions | string | readonly string[];
export type Flaws = Readonly<Record<string, Flawed>>;

export const withHeader = (members: Json): ProofOptions => ({ header: members });
export const withClaims = (members: Json): ProofOptions => ({ claims: members });

export const isOptions = (flawed: Flawed): flawed is ProofOptions =>
  typeof flawed === "object" && !Array.isArray(flawed);

/** A claim with each of these values: flaws are named by both. */
export function claimAs(what: string, name: string, values: Readonly<Record<string, unknown>>): Flaws {
  return Object.fromEntries(
    Object.entries(values).map(([which, value]) => [`${which} ${what}`, withClaims({ [name]: value })]),
  );
}

/** The texts of header and payload. */
export function textsOf(compact: string): readonly [header: string, payload: string] {
  const [header = "", payload = ""] = compact.split(".");
  return [Buffer.from(header, "base64url").toString(), Buffer.from(payload, "base64url").toString()];
}

/** What is no proof: each is made of a good one, and where it is signed, by its key. */
export function malformed(good: string, another: string): Flaws {
  const [header = "", payload = "", signature = ""] = good.split(".");
  const [headerText, payloadText] = textsOf(good);
  const ofText = (head: string, text: string) => tokenOfText(head, text, clientKey);
  const having = (head: Json, claims: Json = {}) =>
    tokenOf(
      { ...(JSON.parse(headerText) as Json), ...head },
      { ...(JSON.parse(payloadText) as Json), ...claims },
      clientKey,
    );
  return {
    "nothing in the header": "",
    "two in one header": `${good},${another}`,
    "two in one header, with a blank": `${good}, ${another}`,
    "a scheme before it": `DPoP ${good}`,
    "two parts": `${header}.${payload}`,
    "four parts": `${good}.${signature}`,
    "five parts": `${good}..`,
    "no signature": `${header}.${payload}.`,
    "no payload": `${header}..${signature}`,
    "no header": `.${payload}.${signature}`,
    padding: `${good}=`,
    "a blank at its end": `${good} `,
    "standard base64": good.replace(/\./g, "+"),
    "a header that is no JSON": ofText("{", payloadText),
    "a header that is a list": ofText(`[${headerText}]`, payloadText),
    "a payload that is no JSON": ofText(headerText, `${payloadText},`),
    "a payload that is a text": ofText(headerText, '"jti"'),
    "an algorithm given twice": ofText(headerText.replace("{", '{"alg":"ES256",'), payloadText),
    "a claim given twice": ofText(headerText, payloadText.replace("{", '{"jti":"x",')),
    "more than 8 KiB": having({}, { padding: "x".repeat(8 * 1024) }),
    "129 values": having({}, { many: Array.from({ length: 129 }, () => 0) }),
    "a key elsewhere": having({ jku: "https://client.example/jwks" }),
    "a certificate elsewhere": having({ x5u: "https://client.example/certificate" }),
    "something critical": having({ crit: ["exp"], exp: 1 }),
    "a payload that is not encoded": having({ b64: true }),
  };
}

/** Algorithms that are no good with a P-256 key. */
export const WRONG_ALGORITHMS: Flaws = {
  "no algorithm": withHeader({ alg: undefined }),
  none: withHeader({ alg: "none" }),
  None: withHeader({ alg: "None" }),
  HS256: withHeader({ alg: "HS256" }),
  PS256: withHeader({ alg: "PS256" }),
  ES256K: withHeader({ alg: "ES256K" }),
  "ES256 in lower case": withHeader({ alg: "es256" }),
  "a list of algorithms": withHeader({ alg: ["ES256"] }),
  "that of another curve": withHeader({ alg: "ES384" }),
  "that of another type of key": withHeader({ alg: "RS256" }),
};

export const WRONG_IDS: Flaws = claimAs("jti", "jti", {
  no: undefined,
  "a number as": 1,
  "an empty": "",
  "257 bytes of": "j".repeat(257),
});

/** Signatures by nobody. */
export function wrongSignatures(good: string, another: string): Flaws {
  const [header = "", payload = ""] = good.split(".");
  const signedBy = (signature: string) => `${header}.${payload}.${signature}`;
  return {
    "another proof's signature": signedBy(another.split(".")[2] ?? ""),
    "a short signature": signedBy(Buffer.alloc(63, 1).toString("base64url")),
    "a signature of zeros": signedBy(Buffer.alloc(64).toString("base64url")),
  };
}

/** No http or https URI of a resource. */
export const NO_TARGETS: Readonly<Record<string, string>> = {
  "a path": "/orders",
  "no scheme": "//orders.example/orders",
  "another scheme": "wss://orders.example/orders",
  "one slash": "https:/orders.example/orders",
  "no host": "https:///orders",
  "a port alone": "https://:443/orders",
  "a user": "https://orders.example@evil.example/orders",
  "a broken escape": `${ORIGIN}/orders%4`,
};

/** What is not `/orders` at `ORIGIN`, close as it may be. */
export const OTHER_TARGETS: Readonly<Record<string, string>> = {
  "another host": "https://evil.example/orders",
  "a host that ends in ours": "https://evil.orders.example/orders",
  "a host that begins with ours": "https://orders.example.evil.example/orders",
  "a dot after the host": "https://orders.example./orders",
  "an escape in the host": "https://orders%2Eexample/orders",
  "another port": "https://orders.example:8443/orders",
  "the other scheme's port": "https://orders.example:80/orders",
  "the port with a zero": "https://orders.example:0443/orders",
  "two colons before the port": "https://orders.example::443/orders",
  http: "http://orders.example/orders",
  "http at the port of https": "http://orders.example:443/orders",
  "another path": `${ORIGIN}/order`,
  "a path in other case": `${ORIGIN}/Orders`,
  "a slash at the end": `${ORIGIN}/orders/`,
  "a path below": `${ORIGIN}/orders/1`,
  "two slashes": `${ORIGIN}//orders`,
  "no path": ORIGIN,
  "an escaped slash": `${ORIGIN}%2Forders`,
  "a blank before": `${ORIGIN}/%20orders`,
};

/** Origins of a policy, some of them spelled otherwise. */
export const SPELLED_ORIGINS = [
  ORIGIN,
  "http://orders.shop:8080",
  "http://plain.example:80",
  "HTTPS://Spelled.Example:443/",
  "https://[2001:DB8::1]:8443",
];

/** The path of a request, and a URI that is that of the same resource at one of `SPELLED_ORIGINS`. */
export const SAME_TARGETS: Readonly<Record<string, readonly [path: string, uri: string]>> = {
  "without the query": ["/orders?state=open", `${ORIGIN}/orders`],
  "with a query of its own": ["/orders?state=open", `${ORIGIN}/orders?state=closed`],
  "with a fragment": ["/orders", `${ORIGIN}/orders#last`],
  "with a question mark in a fragment": ["/orders", `${ORIGIN}/orders#?`],
  "with the port of https": ["/orders", "https://orders.example:443/orders"],
  "with an empty port": ["/orders", "https://orders.example:/orders"],
  "with its host in other case": ["/orders", "https://Orders.EXAMPLE/orders"],
  "with its scheme in other case": ["/orders", "HTTPS://orders.example/orders"],
  "with an escape of a letter": ["/orders", `${ORIGIN}/%6Frders`],
  "with an escape of a tilde": ["/~web", `${ORIGIN}/%7Eweb`],
  "with an escape in the request": ["/%7eweb", `${ORIGIN}/~web`],
  "with escapes in other case": ["/a%c3%a4", `${ORIGIN}/a%C3%A4`],
  "with dot segments": ["/orders", `${ORIGIN}/a/./../orders`],
  "with more dot segments than there are": ["/orders", `${ORIGIN}/../../orders`],
  "with escaped dot segments": ["/orders", `${ORIGIN}/a/%2E%2e/orders`],
  "without a path": ["/", ORIGIN],
  "without a path, and with a query": ["/", `${ORIGIN}?a=/orders`],
  "by plain http where that is an origin": ["/orders", "http://orders.shop:8080/orders"],
  "at the default port where that is an origin": ["/orders", "http://plain.example/orders"],
  "at an origin that was spelled otherwise": ["/orders", "https://spelled.example/orders"],
  "at an address": ["/orders", "https://[2001:db8::1]:8443/orders"],
};
