// What a policy may not be although its schema says nothing against it. Each rule is known by the filter's message, and has an example
// that a test puts to both. docs/policy.md has the list, made by `npm run docs`.

type Json = Readonly<Record<string, unknown>>;

/** The place that the filter has refused. */
export interface RefusedPlace {
  /** The policy as it was written. */
  readonly text: string;
  /** What stands at the place; undefined where the filter names none. */
  readonly value: unknown;
  readonly policy: unknown;
}

export interface SemanticRule {
  /** What the schema cannot say, for the documents. */
  readonly rule: string;
  /** How the filter's messages go on after "expected". */
  readonly says: readonly string[];
  /** Tells this rule from what the schema says under the same message. */
  readonly only?: (place: RefusedPlace) => boolean;
  /** For each of these messages a policy, or its text, that breaks this rule and no other. */
  readonly examples: readonly (Json | string)[];
}

const EC = {
  kty: "EC",
  crv: "P-256",
  kid: "ec",
  x: "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
  y: "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
};
const FETCHED = { cluster: "idp", path: "/jwks" };
const CORP = { issuer: "https://idp.example", keys: FETCHED };
const SVID = { kind: "jwt-svid", trustDomain: "a.example", audiences: ["orders"], keys: FETCHED };
const UPSTREAM = { introspection: "upstream" };
const AUTHN = { issuer: "https://idp.example", keys: "jwt_authn" };
const FIRST_USE = [{ firstUse: {} }];

const policy = (members: Json): Json => ({
  trustDomain: "cluster.local",
  issuers: { corp: CORP },
  ...members,
});
const rules = (...list: readonly Json[]): Json =>
  policy({ rules: list.map((rule, i) => ({ name: `r${i}`, ...rule })) });
const bind = (...list: readonly Json[]): Json => rules({ bind: list });
const issuers = (entries: Json, ...list: readonly Json[]): Json => ({
  ...(list.length === 0 ? policy({}) : rules(...list)),
  issuers: entries,
});
const keys = (jwks: Json, kind: Json = { issuer: "https://idp.example" }): Json =>
  issuers({ corp: { ...kind, keys: { jwks } } });
const numbered = (count: number, make: (i: number) => unknown) =>
  Array.from({ length: count }, (_, i) => make(i));
const template = (text: string) => bind({ spiffe: { template: text } });

const isTooLongInBytes = ({ value }: RefusedPlace) =>
  typeof value === "string" && Buffer.byteLength(value) > 2048 && Array.from(value).length <= 2048;
const isSpelledOddly = ({ text }: RefusedPlace) => /\d[.eE]|-0/.test(text);

/** A policy with a number that JSON.stringify would write otherwise. */
const numberSpelled = (spelling: string, make: (number: string) => Json) =>
  JSON.stringify(make("NUMBER")).replace('"NUMBER"', spelling);

export const SEMANTIC_RULES: readonly SemanticRule[] = [
  {
    rule: "An issuer that a rule or `issuedBefore` names is there.",
    says: ['the name of an entry in "issuers"'],
    examples: [rules({ issuers: ["idp"] })],
  },
  {
    rule: "No two issuers can have the same token.",
    says: ["an issuer that no other entry has", "a trust domain that no other entry without an issuer has"],
    examples: [issuers({ a: CORP, b: CORP }), issuers({ a: SVID, b: SVID })],
  },
  {
    rule: "Aliases and federated trust domains are not our own.",
    says: ['a SPIFFE trust domain without "spiffe://"'],
    only: ({ value, policy: whole }) => value === (whole as Json)["trustDomain"],
    examples: [policy({ trustDomainAliases: ["cluster.local"] })],
  },
  {
    rule: "No trust domain is both an alias and federated.",
    says: ['a trust domain that is not among "trustDomainAliases"'],
    examples: [policy({ trustDomainAliases: ["a.example"], federatedTrustDomains: ["a.example"] })],
  },
  {
    rule: "Each rule has a name of its own.",
    says: ["a name that no earlier rule has"],
    examples: [
      policy({
        rules: [
          { name: "a", when: { path: "/a" } },
          { name: "a", when: { path: "/b" } },
        ],
      }),
    ],
  },
  {
    rule: "No rule takes all the requests of a later one.",
    says: ["a rule that can be reached; the earlier rule "],
    examples: [rules({ when: { pathPrefix: "/a" } }, { when: { path: "/a/b" } })],
  },
  {
    rule: "A rule takes the opaque tokens of one issuer for each header.",
    says: ["at most one issuer with introspection for one header"],
    examples: [issuers({ a: { introspection: FETCHED }, b: { introspection: FETCHED } })],
  },
  {
    rule: "Tokens that only the upstream can verify are bound by `firstUse`, kept, and not asked for an audience.",
    says: [
      '"bind" with "firstUse" in a rule that takes tokens which only the upstream can verify',
      "nothing here: of tokens which only the upstream can verify nobody here knows whom they are for",
      '"keep" for tokens which only the upstream can verify',
    ],
    examples: [
      issuers({ a: UPSTREAM }),
      issuers({ a: UPSTREAM }, { bind: FIRST_USE, audiences: ["orders"] }),
      issuers({ a: UPSTREAM }, { bind: FIRST_USE, forward: { token: "strip" } }),
    ],
  },
  {
    rule: "`firstUse` needs tokens that jwt_authn leaves in the request.",
    says: ['no "firstUse" for tokens that jwt_authn takes out of the request'],
    examples: [issuers({ a: AUTHN }, { bind: FIRST_USE })],
  },
  {
    rule: "A rule that strips refused tokens takes none that jwt_authn has read.",
    says: ['"deny"; "strip" is for tokens that leave'],
    only: ({ policy: whole }) => JSON.stringify(whole).includes('"jwt_authn"'),
    examples: [
      {
        ...issuers({ a: { ...AUTHN, egress: {} } }, { token: "optional", onDeny: "strip" }),
        presenter: { from: "self" },
      },
    ],
  },
  {
    rule: "A header for payloads is no header that tokens or jwt_authn's payloads come in, and no condition of a rule.",
    says: ["a header that no token comes in", 'no "headers" in a "when" that a "payloadHeader" names'],
    examples: [
      issuers({ corp: { ...CORP, header: "x-token" } }, { forward: { payloadHeader: "x-token" } }),
      rules({ when: { headers: ["x-p"] }, forward: { payloadHeader: "x-p" } }),
    ],
  },
  {
    rule: "A payload is forwarded only by rules all of whose issuers have `keys` of our own.",
    says: ["nothing here: only a token whose signature is checked here has a payload"],
    examples: [issuers({ a: AUTHN }, { forward: { payloadHeader: "x-payload" } })],
  },
  {
    rule: "`staleFor` is not below `refresh`.",
    says: ['a duration up to "168h" and not below "refresh"'],
    examples: [issuers({ corp: { ...CORP, keys: { ...FETCHED, refresh: "5m", staleFor: "1m" } } })],
  },
  {
    rule: "An issuer names each status list once.",
    says: ['"uri": the list as tokens name it, each once'],
    only: ({ policy: whole }) => /"uri":("[^"]*").*"uri":\1/s.test(JSON.stringify(whole)),
    examples: [
      issuers({ corp: { ...CORP, statusLists: numbered(2, () => ({ uri: "urn:1", ...FETCHED })) } }),
    ],
  },
  {
    rule: "The lists of `revoked` have at most 10,000 entries together.",
    says: ["at most 10,000 entries"],
    examples: [policy({ revoked: { ids: numbered(6000, String), subjects: numbered(6000, String) } })],
  },
  {
    rule: "A key set has a key that is good for its purpose: on its curve, in its one spelling, for this `use` and `key_ops`.",
    says: [
      "a public key for RS256",
      'a key for JWT-SVIDs, RSA or EC: "use": "jwt-svid"',
      'a key for WIT-SVIDs: "use": "wit-svid"',
      "a key that can be verified here",
    ],
    examples: [
      keys({ keys: [{ ...EC, y: EC.x }] }),
      keys({ keys: [{ ...EC, use: "wit-svid" }] }, SVID),
      keys({ keys: [{ ...EC, use: "jwt-svid" }] }, { kind: "wit-svid", trustDomain: "a.example" }),
      keys({
        keys: [
          { ...EC, y: EC.x },
          { kty: "RSA", alg: "PS256", n: "AQAB", e: "AQAB" },
        ],
      }),
    ],
  },
  {
    rule: "Each key of a set has a `kid` of its own, and those for SVIDs have one.",
    says: [
      'a "kid" that no other key of the set has',
      'a "kid", which SPIFFE demands of every key for tokens',
    ],
    examples: [keys({ keys: [EC, EC] }), keys({ keys: [{ ...EC, kid: undefined }] }, SVID)],
  },
  {
    rule: "A range of addresses has no bit set behind its prefix.",
    says: ['a range such as "10.0.0.0/8"'],
    only: ({ value }) => /\/\d+$/.test(String(value)),
    examples: [bind({ network: { sources: ["10.1.0.0/8"] } })],
  },
  {
    rule: "No claim is bound twice in a list, however it is spelled.",
    says: ["a binding that is not there twice"],
    only: ({ value }) => "claim" in ((value as { readonly spiffe?: object }).spiffe ?? {}),
    examples: [bind({ spiffe: { claim: "sub" } }, { spiffe: { claim: '"sub"' } })],
  },
  {
    rule: "A rule has at most 32 CEL expressions, those in `anyOf` included, and Envoy can read each of them.",
    says: ["at most 32 expressions in a rule", "a CEL expression that Envoy can read"],
    examples: [
      bind({ cel: "true" }, { anyOf: numbered(32, (i) => ({ cel: `${i} > 0` })) }),
      bind({ cel: "request.path ==" }),
    ],
  },
  {
    rule: "The rules ask for at most 64 different headers.",
    says: ["at most 64 different headers in the rules of a policy"],
    examples: [
      rules(
        ...(numbered(9, (i) => ({
          when: { path: `/${i}`, headers: numbered(8, (j) => `x-${i}-${j}`) },
        })) as Json[]),
      ),
    ],
  },
  {
    rule: "A template has at most 32 pieces, and with the policy's trust domain in it is a SPIFFE ID.",
    says: ["a template of at most 32 pieces", "a template that gives a well-formed SPIFFE ID"],
    examples: [
      template(`spiffe://cluster.local/${"{a}b".repeat(17)}`),
      { ...template("spiffe://{trustDomain}/{trustDomain}"), trustDomain: ".." },
    ],
  },
  {
    rule: "Strings have at most 2,048 bytes; the schema counts characters.",
    says: [""],
    only: isTooLongInBytes,
    examples: [rules({ audiences: ["\u00e9".repeat(1025)] })],
  },
  {
    rule: "Whole numbers are written without point and exponent.",
    says: ['"sampleAllowed": one request', "seconds since 1970", "a port, 1 to 65535", "a whole number"],
    only: isSpelledOddly,
    examples: [
      numberSpelled("1e3", (number) => policy({ decisionLog: { sampleAllowed: number } })),
      numberSpelled("17e8", (number) => policy({ revoked: { issuedBefore: { corp: number } } })),
      numberSpelled("443.0", (number) => bind({ network: { localPorts: [number] } })),
      numberSpelled("7.0", (number) =>
        keys({ keys: [{ ...EC, use: "jwt-svid" }], spiffe_sequence: number }, SVID),
      ),
    ],
  },
  {
    rule: "No name stands twice in an object.",
    says: ["each name once in its object"],
    examples: ['{"mode":"observe","mode":"enforce","issuers":{"corp":{"issuer":"a","keys":"jwt_authn"}}}'],
  },
  {
    rule: "The document is strict JSON of at most 1 MiB, 32 levels and about 130,000 values; strings are whole Unicode.",
    says: [
      "strict JSON (no comments",
      "a policy of at most 1 MiB",
      "fewer values: there is room for about 130,000",
    ],
    examples: [
      rules({ audiences: ["\ud800"] }),
      JSON.stringify(policy({})) + " ".repeat(1024 * 1024),
      keys({ keys: [{ ...EC, x5c: numbered(140_000, () => 0) }] }),
    ],
  },
  {
    rule: "A VM fetches from at most 1,024 servers and paths.",
    says: ["at most 4,096 plugin configurations and 1,024 key servers alive in one VM"],
    examples: [
      issuers(
        Object.fromEntries(
          numbered(256, (i) => [
            `i${i}`,
            {
              ...{ issuer: `urn:${i}`, keys: { cluster: "idp", path: `/${i}` } },
              statusLists: numbered(4, (j) => ({ uri: `urn:${j}`, cluster: "idp", path: `/${i}/${j}` })),
            },
          ]) as [string, unknown][],
        ),
      ),
    ],
  },
];
