// Makes bad policies of good ones, the same ones each time: a step takes a member away, renames it, gives it another type or value,
// puts one where it does not belong, or spells a string a little differently.

import type { Json } from "../../filter/support/json.ts";

type Place = readonly (string | number)[];

/** What other types look like. */
const OTHERS: readonly unknown[] = [
  ...[
    null,
    true,
    false,
    0,
    1,
    -1,
    1.5,
    65_535,
    65_536,
    1_000_001,
    1e15,
    "",
    "x",
    [],
    {},
    [""],
    ["x"],
    { x: 1 },
  ],
  ...["deny", "upstream", "jwt_authn", "routed", "none", "strip", "observe", "self", "waypoint", "wit-svid"],
];
/** What the grammars of names, paths, hosts, addresses, claims and durations are made of, and what they may not have. */
const TOKENS: readonly string[] = [
  ...[
    "/",
    "//",
    ".",
    "..",
    "/./",
    "/../",
    "%2e",
    "%20",
    "%2F",
    "%C3%A9",
    "%c3",
    "%7B",
    "%3b",
    "%",
    ";",
    "?",
    "#",
  ],
  ...[
    "\\",
    "{",
    "}",
    "{a}",
    "{a.b}",
    "{*}",
    "{**}",
    "{}",
    "*",
    "**",
    "*.",
    "/*",
    "/**",
    "spiffe://",
    "cluster.local",
  ],
  ...[
    "{trustDomain}",
    "https://",
    "http://",
    "HTTPS://",
    "ftp://",
    ":",
    ":443",
    ":0",
    ":65536",
    "@",
    "[::1]",
    "[",
    "]",
  ],
  ...[
    "::",
    ":ffff:",
    "1.2.3.4",
    "256",
    "/8",
    "/0",
    "/32",
    "/33",
    "/128",
    "/129",
    "08",
    "kubernetes.io",
    '"',
    '"a.b"',
    "a.",
  ],
  ...[
    "é",
    "\0",
    " ",
    "A",
    "GET",
    "get",
    "-",
    "_",
    "x-",
    "X-",
    "x_holdfast-",
    "x-envoy-",
    "x-request-id",
    "host",
    "authorization",
  ],
  ...[
    "s",
    "m",
    "h",
    "0",
    "1",
    "5",
    "9",
    "24",
    "60",
    "300",
    "301",
    "3600",
    "3601",
    "86400",
    "604801",
    "168",
    "d",
    "=",
  ],
];

/** Numbers from 0 to 1 that are the same for the same seed (mulberry32). */
export function chanceFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), 1 | state);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
}

export class Mutator {
  readonly #chance: () => number;
  readonly #seeds: readonly Json[];
  /** Every member's name, and every value that some seed has under it. */
  readonly #values = new Map<string, unknown[]>();

  constructor(seeds: readonly Json[], seed: number) {
    this.#seeds = seeds;
    this.#chance = chanceFrom(seed);
    for (const one of seeds) this.#collect(one);
  }

  /** The text of a policy that is a few steps away from a good one. */
  next(): string {
    let policy: unknown = structuredClone(this.#one(this.#seeds));
    const steps = this.#chance() < 0.7 ? 1 : 2 + Math.floor(this.#chance() * 2);
    for (let i = 0; i < steps; i++) policy = this.#step(policy);
    return this.#respell(JSON.stringify(policy));
  }

  #step(policy: unknown): unknown {
    const place = this.#one(placesIn(policy));
    const found = at(policy, place);
    if (typeof found === "string" && this.#chance() < 0.6)
      return this.#put(policy, place, this.#edited(found));
    const steps: readonly (() => unknown)[] = [
      () => this.#remove(policy, place),
      () => this.#rename(policy, place),
      () => this.#put(policy, place, this.#one(OTHERS)),
      () => this.#put(policy, place, this.#grown(found)),
      () => this.#add(policy, place),
      () => this.#put(policy, place, this.#one(this.#values.get(this.#name()) ?? [])),
      () => this.#put(policy, place, this.#one(this.#values.get(String(place.at(-1) ?? "")) ?? OTHERS)),
    ];
    return this.#one(steps)();
  }

  #remove(policy: unknown, place: Place): unknown {
    const holder = at(policy, place.slice(0, -1));
    const last = place.at(-1);
    if (Array.isArray(holder)) holder.splice(Number(last), 1);
    else if (isObject(holder)) Reflect.deleteProperty(holder, String(last));
    return policy;
  }

  #rename(policy: unknown, place: Place): unknown {
    const holder = at(policy, place.slice(0, -1));
    const name = place.at(-1);
    if (!isObject(holder) || typeof name !== "string") return policy;
    const value = holder[name];
    Reflect.deleteProperty(holder, name);
    const other = this.#one([
      this.#name(),
      name.toLowerCase(),
      name.toUpperCase(),
      `${name}s`,
      this.#edited(name),
    ]);
    set(holder, other, value);
    return policy;
  }

  /** A member that belongs elsewhere, with a value that is good there. */
  #add(policy: unknown, place: Place): unknown {
    const found = at(policy, place);
    const name = this.#name();
    if (isObject(found)) set(found, name, structuredClone(this.#one(this.#values.get(name) ?? [])));
    return policy;
  }

  /** Longer, or with something in it twice. */
  #grown(value: unknown): unknown {
    const count = this.#one([2, 3, 9, 17, 33, 65, 257]);
    if (Array.isArray(value)) {
      const first = value[0] as unknown;
      if (this.#chance() < 0.5 || typeof first !== "string")
        return [...(value as unknown[]), ...(value as unknown[])];
      return Array.from({ length: count }, (_, i) => `${first}${i}`);
    }
    if (typeof value === "number") return this.#one([value + 1, -value, value * 1000, value / 2]);
    if (typeof value !== "string") return value;
    return value.repeat(count).slice(0, this.#one([64, 65, 255, 256, 2048, 2049, 4000]));
  }

  #edited(text: string): string {
    const from = Math.floor(this.#chance() * (text.length + 1));
    const to = this.#chance() < 0.5 ? from : from + Math.ceil(this.#chance() * 4);
    const token = this.#chance() < 0.15 ? "" : this.#one(TOKENS);
    return text.slice(0, from) + token + (this.#chance() < 0.2 ? "" : text.slice(to));
  }

  /** The same, or what no value says: a number spelled otherwise, a name twice. */
  #respell(text: string): string {
    const kind = this.#chance();
    if (kind < 0.01)
      return text.replace(/:(\d+)([,}])/, (_, digits: string, end: string) => `:${digits}.0${end}`);
    if (kind < 0.02) return text.replace(/\{("\w+"):/, (_, name: string) => `{${name}:null,${name}:`);
    return text;
  }

  #put(policy: unknown, place: Place, value: unknown): unknown {
    if (place.length === 0) return structuredClone(value);
    const holder = at(policy, place.slice(0, -1)) as Record<string, unknown>;
    set(holder, String(place.at(-1)), structuredClone(value));
    return policy;
  }

  #name(): string {
    return this.#one([...this.#values.keys()]);
  }

  #one<T>(choices: readonly T[]): T {
    return choices[Math.floor(this.#chance() * choices.length)] as T;
  }

  #collect(value: unknown): void {
    if (Array.isArray(value)) for (const one of value) this.#collect(one);
    if (!isObject(value)) return;
    for (const [name, one] of Object.entries(value)) {
      this.#values.set(name, [...(this.#values.get(name) ?? []), one]);
      this.#collect(one);
    }
  }
}

function placesIn(value: unknown, here: Place = []): Place[] {
  const steps: readonly (string | number)[] = Array.isArray(value)
    ? [...value.keys()]
    : isObject(value)
      ? Object.keys(value)
      : [];
  return [here, ...steps.flatMap((step) => placesIn(at(value, [step]), [...here, step]))];
}

/** The value at a place; undefined where there is none. */
export function at(value: unknown, place: Place): unknown {
  return place.reduce<unknown>(
    (found, step) =>
      typeof found === "object" && found !== null ? (found as Record<string, unknown>)[step] : undefined,
    value,
  );
}

/** As JSON.parse does, for names such as `__proto__`, too. */
function set(holder: Record<string, unknown>, name: string, value: unknown): void {
  Object.defineProperty(holder, name, { value, enumerable: true, writable: true, configurable: true });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
