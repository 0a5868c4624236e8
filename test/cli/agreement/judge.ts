import { acceptance, type Refusal, refusalIn } from "../../../cli/acceptance.ts";
import { Host, type Plugin, Vm } from "../../../cli/host/index.ts";

/** What the seeds name. */
const SECRETS = ["NONCE_SECRET", "AS_SECRET", "AS_TOKEN"];
const NODE = { metadata: { NAMESPACE: "default", SERVICE_ACCOUNT: "default" } };

/** Judges as `acceptance` does, by one VM for all policies that can do with its environment: a VM for each takes its time. */
export class Judge {
  readonly #module: WebAssembly.Module;
  readonly #host = new Host({ node: NODE });
  readonly #plugin: Plugin;

  constructor(module: WebAssembly.Module) {
    this.#module = module;
    const environment = Object.fromEntries(SECRETS.map((name) => [name, "not-a-secret-".repeat(4)]));
    this.#plugin = Vm.start(this.#host, module, { environment }).configure();
  }

  refusal(policy: string): Refusal | undefined {
    if (this.#plugin.configure(policy)) return undefined;
    const said = this.#host.logs.at(-1)?.message ?? "";
    return said.includes("a variable of the VM") ? acceptance(this.#module, policy).refusal : refusalIn(said);
  }
}
