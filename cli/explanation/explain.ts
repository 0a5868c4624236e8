// Puts into words what the filter has decided. The verdict is the filter's; what stands around it is read from policy and request, and
// where something cannot be known from these, nothing is said.

import { calculateJwkThumbprint } from "jose";
import type { EnvoyVersion } from "../host/index.ts";
import type { Outcome } from "../proxy.ts";
import type { RequestRecord } from "../request-record.ts";
import { boundarySteps } from "./boundary.ts";
import { isObject, jsonOf } from "./claims.ts";
import { claimsFor, describeTokens } from "./credential.ts";
import { evidenceSteps } from "./evidence.ts";
import { lifetimeSteps } from "./lifetime.ts";
import { judge, type Judged, planBindings } from "./plan.ts";
import { Progress } from "./progress.ts";
import { type Relation, relationOf, type Stage } from "./relation.ts";
import { headersNamed, type Policy, type Scene, type Step } from "./scene.ts";
import { stateSteps } from "./state.ts";

/** What was decided, by which policy, of which request. */
export interface Decided {
  readonly policy: Policy;
  readonly request: RequestRecord;
  readonly outcome: Outcome;
  /** Seconds since 1970. */
  readonly now: number;
  readonly envoy: EnvoyVersion;
}

/** The steps of one request, in the order in which the filter takes them. */
export async function explainSteps(decided: Decided): Promise<readonly Step[]> {
  const progress = new Progress(decided.outcome);
  const scene = sceneOf(decided, progress);
  const { policy, request, outcome, now, isVerified } = scene;
  const { verdict, reason, rule, record } = outcome;
  const tokens = describeTokens(policy, request.headers ?? [], now, isVerified);
  return [
    { step: "request", says: `${request.method ?? "GET"} ${withoutQuery(request.path ?? "/")}` },
    { step: "rule", says: rule ?? "none takes it", ...(rule === null && { holds: false }) },
    { step: "credential", says: tokens },
    ...(record.issuer === undefined ? [] : [{ step: "issuer", says: record.issuer }]),
    ...evidenceSteps(scene),
    { step: "presenter", says: presenterOf(scene) },
    ...boundarySteps(scene, progress),
    ...lifetimeSteps(scene, progress),
    ...(await bindingSteps(scene)),
    ...stateSteps(scene, progress),
    { step: "verdict", says: `${verdict}: ${reason}`, holds: verdict === "allow" },
  ];
}

function sceneOf({ policy, request, outcome, now, envoy }: Decided, progress: Progress): Scene {
  const { record, rule: name, bindings } = outcome;
  const issuer = policy.issuers?.[record.issuer ?? ""];
  const rule = policy.rules === undefined ? {} : policy.rules.find((one) => one.name === name);
  const isUnknown = issuer?.introspection === "upstream";
  const wasProven =
    progress.held("signature") === true ||
    bindings.length > 0 ||
    record.age !== undefined ||
    record.presenters !== undefined;
  return {
    ...{ policy, request, outcome, now, envoy, issuer },
    rule: name === null ? undefined : rule,
    claims: claimsFor(issuer, request.headers ?? []),
    isVerified: wasProven && !isUnknown && record.issuer !== undefined,
  };
}

async function bindingSteps(scene: Scene): Promise<Step[]> {
  const { rule, issuer, outcome, claims } = scene;
  const trail = outcome.bindings;
  // Nobody knows what would have been held: there is no token, or it says nothing.
  if (rule === undefined || issuer === undefined || (claims === undefined && trail.length === 0)) return [];
  const border = issuer.borders?.[outcome.record.border ?? ""];
  const crossing = typeof border === "object" ? border.bind : undefined;
  const hasConfirmation = trail[0]?.method === "cnf" || claims?.["cnf"] !== undefined;
  const stage = await stageOf(scene);
  return judge(planBindings(rule.bind, crossing, hasConfirmation), trail).map((judged) =>
    bindingStep(judged, relationOf(judged.planned, stage)),
  );
}

function bindingStep({ planned, result }: Judged, relation: Relation): Step {
  const name = planned.from === "border" ? `${planned.method} (border)` : planned.method;
  if (result === undefined) return { step: "binding", name, says: "not looked at", ...relation };
  const says = result.held ? "holds" : `does not hold: ${result.reason ?? ""}`;
  return { step: "binding", name, says, ...relation, holds: result.held };
}

async function stageOf(scene: Scene): Promise<Stage> {
  const { request, claims } = scene;
  const [proof = ""] = headersNamed(request.headers, "dpop");
  const cnf = claims?.["cnf"];
  return {
    ...scene,
    proofKey: await thumbprintOf(jsonOf(proof.split(".")[0])?.["jwk"]),
    namedKey: await thumbprintOf(isObject(cnf) ? cnf["jwk"] : undefined),
  };
}

/** RFC 7638; undefined for what is no key. */
async function thumbprintOf(jwk: unknown): Promise<string | undefined> {
  if (!isObject(jwk)) return undefined;
  try {
    return await calculateJwkThumbprint(jwk);
  } catch {
    return undefined;
  }
}

function presenterOf({ outcome: { record }, request: { peer } }: Scene): string {
  if (record.presenter !== undefined) return record.presenter;
  if (record.unvalidatedPresenter !== undefined)
    return `${record.unvalidatedPresenter} (nobody has validated its certificate)`;
  if (peer?.uriSan !== undefined) return `${peer.uriSan} (was not looked at)`;
  return peer?.mtls === true ? "a certificate without a SPIFFE ID" : "nobody: no client certificate";
}

/** Some clients put tokens into it. */
function withoutQuery(path: string): string {
  const query = path.indexOf("?");
  return query < 0 ? path : `${path.slice(0, query)}?… (the query is not shown)`;
}
