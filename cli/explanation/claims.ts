/** What a token says of itself. */
export type Claims = Readonly<Record<string, unknown>>;

/** Names in a path that are known to have a dot, so that they need no quotes. */
const KNOWN_NAME = "kubernetes.io";

/** The payload of a compact JWT, unverified; undefined for anything else. */
export function claimsOf(token: string): Claims | undefined {
  return jsonOf(token.split(".")[1]);
}

/** One part of a compact JWT as the JSON object that it is; undefined for anything else. */
export function jsonOf(part = ""): Claims | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The claim at a path as a policy writes it: names joined by dots, one with a dot in it in double quotes. */
export function claimAt(claims: Claims, path: string): unknown {
  let value: unknown = claims;
  for (const name of namesIn(path)) {
    if (!isObject(value) || !Object.hasOwn(value, name)) return undefined;
    value = value[name];
  }
  return value;
}

function namesIn(path: string): readonly string[] {
  const parts = path.match(/"[^"]*"|kubernetes\.io(?=\.|$)|[^.]+/g) ?? [];
  return parts.map((part) => (part === KNOWN_NAME ? part : part.replaceAll('"', "")));
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
