import { once } from "node:events";
import { Agent, request, type IncomingMessage } from "node:http";
import { buffer } from "node:stream/consumers";
import type { Teardown } from "../../../envoy/process/teardown.ts";
import { assembleSignatureDesk, REPLY_BASE } from "../guests/signature-desk.ts";
import { wasm } from "./filters.ts";
import { startLaboratory } from "./laboratory.ts";
import { listener } from "./listener.ts";

/** What came of a call of `verify_signature`. */
export interface SignatureAnswer {
  /** Of the ABI: 0 is Ok. */
  readonly status: number;
  /** VerifySignatureResult, a character a byte; empty when the call failed. */
  readonly result: string;
}

const NAME = "signature-desk";
const CONNECTIONS = 4;

/** Puts arguments to the `verify_signature` of a running Envoy, over a few connections that stay open. */
export class SignatureDesk {
  readonly #port: number;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });

  private constructor(port: number) {
    this.#port = port;
  }

  /** Starts one of `testedEnvoys`, which `teardown` ends. */
  static async start(version: string, teardown: Teardown): Promise<SignatureDesk> {
    const code = { inline_bytes: Buffer.from(assembleSignatureDesk()).toString("base64") };
    const filters = [wasm({ name: NAME, code, failurePolicy: "FAIL_CLOSED" })];
    const envoy = await startLaboratory(
      version,
      { listeners: [listener({ name: NAME, filters })] },
      teardown,
    );
    const desk = new SignatureDesk(envoy.port(NAME));
    teardown.defer(() => {
      desk.#agent.destroy();
    });
    return desk;
  }

  /** @param argumentBytes VerifySignatureArguments */
  async ask(argumentBytes: Buffer): Promise<SignatureAnswer> {
    const sent = request({ method: "POST", host: "127.0.0.1", port: this.#port, agent: this.#agent });
    sent.end(argumentBytes);
    const [response] = (await once(sent, "response")) as [IncomingMessage];
    const result = (await buffer(response)).toString("latin1");
    return { status: (response.statusCode ?? 0) - REPLY_BASE, result };
  }
}
