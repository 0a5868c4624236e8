import assert from "node:assert/strict";
import type { EnvoyProcess } from "../../../envoy/process/envoy-process.ts";

/** Fails when a VM of this Envoy trapped: by then it is logged, and reloaded or about to be. */
export async function assertNoVmFailed(envoy: EnvoyProcess): Promise<void> {
  const reloads = await envoy.admin("/stats?filter=^wasm\\..*\\.vm_reload$");
  assert.match(reloads, /vm_reload: \d/, "this Envoy has a counter for VMs that failed");
  assert.doesNotMatch(reloads, /vm_reload: [^0]/);
  assert.doesNotMatch(await envoy.log(), /failed: Uncaught/);
}
