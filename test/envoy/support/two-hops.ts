import type { Decision } from "../../../envoy/attempts/list-attempts.ts";
import type { Credential } from "../../../envoy/identity/authority.ts";
import type { EnvoyProcess } from "../../../envoy/process/envoy-process.ts";
import type { Teardown } from "../../../envoy/process/teardown.ts";
import type { Config } from "./config.ts";
import { decidePlaintext } from "./decide-plaintext.ts";
import { bearer, decide } from "./decide.ts";
import { type GatewayOptions, type Passage, startGateway } from "./gateway.ts";
import { startLaboratory } from "./laboratory.ts";

/** The port that a listener of the server took. */
export type PortOf = (listener: string) => number;

export interface TwoHopsOptions extends Pick<GatewayOptions, "credential" | "bundle"> {
  /** The server's. */
  readonly listeners: readonly Config[];
  readonly passagesTo: (port: PortOf) => readonly Passage[];
}

/** A server's Envoy, a gateway before it, and what the server decides of requests by either way. */
export class TwoHops {
  readonly server: EnvoyProcess;
  readonly #gateway: EnvoyProcess;
  readonly #bundle: string;

  private constructor(server: EnvoyProcess, gateway: EnvoyProcess, bundle: string) {
    this.server = server;
    this.#gateway = gateway;
    this.#bundle = bundle;
  }

  /** Starts one of `testedEnvoys` twice. `teardown` ends both. */
  static async start(version: string, options: TwoHopsOptions, teardown: Teardown): Promise<TwoHops> {
    const { credential, bundle, listeners, passagesTo } = options;
    const server = await startLaboratory(version, { listeners }, teardown);
    const passages = passagesTo((name) => server.port(name));
    const gateway = await startGateway(version, { credential, bundle, passages }, teardown);
    return new TwoHops(server, gateway, bundle);
  }

  /**
   * Through a passage of the gateway.
   * @param spoof what the client itself writes into `x-forwarded-client-cert`
   */
  through(passage: string, credential: Credential, token: string, spoof?: string): Promise<Decision> {
    return this.#present(this.#gateway.port(passage), credential, token, spoof);
  }

  /** Through a passage that asks for no certificate. */
  throughInPlaintext(passage: string, token: string, spoof?: string): Promise<Decision> {
    const headers = {
      authorization: `Bearer ${token}`,
      ...(spoof !== undefined && { "x-forwarded-client-cert": spoof }),
    };
    return decidePlaintext(this.server, this.#gateway.port(passage), headers);
  }

  /** To a listener of the server, past the gateway. */
  straight(listener: string, credential: Credential, token: string, spoof?: string): Promise<Decision> {
    return this.#present(this.server.port(listener), credential, token, spoof);
  }

  #present(port: number, credential: Credential, token: string, spoof?: string): Promise<Decision> {
    const headers = spoof === undefined ? [] : ["x-forwarded-client-cert", spoof];
    return decide(this.server, { port, credential, bundle: this.#bundle }, [...bearer(token), ...headers]);
  }
}
