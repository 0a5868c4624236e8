import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { endWithThisProcess } from "../../envoy/process/end-with-this-process.ts";
import { ExplainedError } from "../../envoy/process/explained-error.ts";
import { type Config, typeUrl } from "../../test/envoy/support/config.ts";
import type { Column } from "../column.ts";
import { wasmFile } from "../envoy/filters.ts";
import type { Setting } from "../group.ts";

/** Filters of others, which are measured when their files are named. See README.md here for what each has to do. */
const WASM_PEERS = [
  { variable: "BENCH_RUST_WASM", id: "rust", title: "Rust Wasm filter, no signature" },
  { variable: "BENCH_GO_WASM", id: "go", title: "Go Wasm filter, no signature" },
] as const;
const OPA = "BENCH_OPA";

/** The variables that name what is not measured otherwise. */
export const peerVariables: readonly string[] = [...WASM_PEERS.map(({ variable }) => variable), OPA];

/** The columns of the peers that the environment names. */
export async function peerColumns(
  setting: Setting,
  column: (id: string, title: string, filters: readonly Config[]) => Column,
): Promise<Column[]> {
  const columns = WASM_PEERS.flatMap(({ variable, id, title }) => {
    const file = fileOf(setting.env, variable);
    return file === undefined ? [] : [column(id, title, [wasmFile(id, file)])];
  });
  const opa = fileOf(setting.env, OPA);
  if (opa === undefined) return columns;
  const { port, pid } = await startOpa(opa, setting);
  const made = column("opa", "OPA, ext_authz, no signature", [extAuthz()]);
  return [...columns, { ...made, clusters: { opa: port }, helper: pid }];
}

function fileOf(env: NodeJS.ProcessEnv, variable: string): string | undefined {
  const file = env[variable];
  if (file === undefined || file === "") return undefined;
  if (!existsSync(file))
    throw new ExplainedError(
      `${variable}: there is no file ${file}. Name one, or unset it; bench/peers/README.md says what it has to be.`,
    );
  return file;
}

const POLICY = `
package envoy.authz

default allow := false

allow if {
  [_, token] := split(input.attributes.request.http.headers.authorization, " ")
  [_, payload, _] := io.jwt.decode(token)
  payload.sub == input.attributes.source.principal
}
`;

/** Starts OPA with its Envoy plugin, as a process beside Envoy. */
async function startOpa(
  binary: string,
  { folder, teardown }: Setting,
): Promise<{ port: number; pid: number }> {
  const policy = join(folder, "policy.rego");
  await writeFile(policy, POLICY);
  const port = await freePort();
  const plugin = "plugins.envoy_ext_authz_grpc";
  const child = spawn(
    binary,
    [
      ...["run", "--server", "--addr", "127.0.0.1:0", "--log-level", "error", "--disable-telemetry"],
      ...["--set", `${plugin}.addr=127.0.0.1:${port}`, "--set", `${plugin}.path=envoy/authz/allow`, policy],
    ],
    { stdio: ["ignore", "ignore", "inherit"] },
  );
  endWithThisProcess(child);
  teardown.defer(() => void child.kill("SIGKILL"));
  await once(child, "spawn");
  // It has no page that says when its plugin listens.
  await sleep(2_000);
  if (child.exitCode !== null || child.pid === undefined)
    throw new ExplainedError(`${OPA}: ${binary} ended at once; it has to be OPA with its Envoy plugin.`);
  return { port, pid: child.pid };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

function extAuthz(): Config {
  return {
    name: "envoy.filters.http.ext_authz",
    typed_config: {
      "@type": typeUrl("envoy.extensions.filters.http.ext_authz.v3.ExtAuthz"),
      transport_api_version: "V3",
      grpc_service: { envoy_grpc: { cluster_name: "opa" }, timeout: "1s" },
    },
  };
}
