import { Failure } from "../failure.ts";
import { isTrustDomain } from "../spiffe-id.ts";

export const KINDS = ["access-token", "jwt-svid", "wit-svid", "kubernetes"] as const;
export type Kind = (typeof KINDS)[number];

/** What a first policy is made of. */
export interface Answers {
  readonly kind: string;
  readonly issuer: string;
  readonly audience: string;
  readonly jwksCluster: string;
  readonly jwksPath: string;
  readonly trustDomain: string;
}

export type Given = Readonly<Partial<Answers>>;

/** One thing that has to be known. */
export interface Question {
  readonly name: keyof Answers;
  readonly option: string;
  readonly text: string;
  /** What is taken when nobody says otherwise; undefined: somebody has to. */
  readonly usual: (given: Given) => string | undefined;
  /** What is wrong with an answer; undefined for a good one. */
  readonly flaw: (answer: string) => string | undefined;
  /** Whether the kind of token has it at all. */
  readonly isFor?: (kind: string) => boolean;
}

const PATHS: Readonly<Record<Kind, string>> = {
  "access-token": "/.well-known/jwks.json",
  "jwt-svid": "/keys",
  "wit-svid": "/keys",
  kubernetes: "/openid/v1/jwks",
};
/** The other kinds are found by the trust domain of their `sub`. */
const HAVE_ISSUER = ["access-token", "kubernetes"];

const none = () => undefined;
const expected =
  (what: string, isGood: (answer: string) => boolean): Question["flaw"] =>
  (answer) =>
    isGood(answer) ? undefined : `expected ${what}`;

/** In the order in which they are asked. */
export const QUESTIONS: readonly Question[] = [
  {
    name: "kind",
    option: "--kind",
    text: `What are the tokens (${KINDS.join(", ")})?`,
    usual: () => "access-token",
    flaw: expected(`one of ${KINDS.join(", ")}`, (answer) => (KINDS as readonly string[]).includes(answer)),
  },
  {
    name: "issuer",
    option: "--issuer",
    text: 'Who issues them: their "iss"?',
    usual: none,
    flaw: expected("a URL such as https://idp.example", (answer) => URL.canParse(answer)),
    isFor: (kind) => HAVE_ISSUER.includes(kind),
  },
  {
    name: "audience",
    option: "--audience",
    text: 'Who are they for: your service in their "aud" (or in the proof of a WIT)?',
    usual: none,
    flaw: expected("a name", (answer) => answer !== ""),
  },
  {
    name: "jwksCluster",
    option: "--jwks-cluster",
    text: "Which of Envoy's clusters leads to the issuer's keys (in Istio such as outbound|443||idp.example)?",
    usual: none,
    flaw: expected("a name", (answer) => answer !== ""),
  },
  {
    name: "jwksPath",
    option: "--jwks-path",
    text: "At which path are they?",
    usual: ({ kind }) => PATHS[kind as Kind],
    flaw: expected("a path that begins with /", (answer) => answer.startsWith("/")),
  },
  {
    name: "trustDomain",
    option: "--trust-domain",
    text: "Which trust domain are your workloads in?",
    usual: () => "cluster.local",
    flaw: expected("a trust domain such as cluster.local", isTrustDomain),
  },
];

/** Whether a question is to be asked of this kind of token. */
export function isAsked({ isFor }: Question, { kind = "" }: Given): boolean {
  return isFor === undefined || isFor(kind);
}

/** What is left is what is usual. @throws Failure for what is missing, or no good */
export function complete(given: Given): Answers {
  let answers: Given = {};
  const missing: string[] = [];
  for (const question of QUESTIONS) {
    const { name, option, usual, flaw } = question;
    const answer = given[name] ?? usual(answers);
    if (!isAsked(question, answers)) continue;
    const wrong = answer === undefined ? undefined : flaw(answer);
    if (answer === undefined) missing.push(option);
    else if (wrong !== undefined) throw new Failure(`${option} ${answer}: ${wrong}`);
    else answers = { ...answers, [name]: answer };
  }
  if (missing.length > 0) throw new Failure(`expected ${missing.join(", ")}, or a terminal to ask at`);
  return { issuer: "", ...answers } as Answers;
}
