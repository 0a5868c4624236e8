import { Host, Vm } from "./host/index.ts";

export interface Refusal {
  /** What was expected there, in the filter's words. */
  readonly message: string;
  /** Where: a JSON pointer; or the byte that the JSON ends to make sense at. */
  readonly pointer?: string;
  readonly offset?: number;
}

const REFUSED_AT_POINTER = /^(?:holdfast: )?\S+ refused at "([^"]*)": (.*)$/s;
const REFUSED_AT_BYTE = /^(?:holdfast: )?\S+ refused at byte (\d+): (.*)$/s;

/** A sidecar's, so that a policy for tokens that leave can be judged: whom it stands beside is not known here. */
const NODE = { metadata: { NAMESPACE: "default", SERVICE_ACCOUNT: "default" } };

/** Whether the filter takes a policy; a cluster that it names is not looked for. */
export function acceptance(module: WebAssembly.Module, policy: string): { readonly refusal?: Refusal } {
  const environment = secretsFor(policy);
  const plugin = Vm.start(new Host({ node: NODE }), module, { environment }).configure({
    configuration: policy,
  });
  if (plugin.accepted) return {};
  return {
    refusal: refusalIn(plugin.logs.at(-1)?.message ?? "the filter refused the policy and did not say why"),
  };
}

/** What a line of the filter's log says. */
export function refusalIn(said: string): Refusal {
  const [, pointer, expected] = REFUSED_AT_POINTER.exec(said) ?? [];
  if (pointer !== undefined) return { pointer, message: `${pointer}: ${expected ?? ""}` };
  const [, byte, what] = REFUSED_AT_BYTE.exec(said) ?? [];
  if (byte !== undefined) return { offset: Number(byte), message: what ?? "" };
  return { message: said };
}

/** Secrets are in the proxy's environment, which is not here: any will do to judge the rest. */
export function secretsFor(policy: string): Record<string, string> {
  const names = policy.matchAll(/"(?:secretFrom|bearerFrom|nonceSecretFrom)"\s*:\s*"([\w.-]+)"/g);
  return Object.fromEntries([...names].map(([, name = ""]) => [name, "not-a-secret-".repeat(4)]));
}
