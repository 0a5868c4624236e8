import { fileURLToPath } from "node:url";
import type { JWK } from "jose";
import { issuer } from "../../../envoy/setup/materials.ts";
import { type Config, typeUrl } from "./config.ts";

const filterFile = fileURLToPath(new URL("../../../build/holdfast.wasm", import.meta.url));

/** holdfast with a policy: an object, or text as it stands. */
export function holdfast(policy: object | string): Config {
  return wasm({
    name: "holdfast",
    code: { filename: filterFile },
    failurePolicy: "FAIL_RELOAD",
    configuration: {
      "@type": typeUrl("google.protobuf.StringValue"),
      value: typeof policy === "string" ? policy : JSON.stringify(policy),
    },
  });
}

export interface WasmOptions {
  /** Also of the VM: filters of one name and code share it, and its failure. */
  readonly name: string;
  /** An Envoy `DataSource`. */
  readonly code: Config;
  /** What Envoy does with requests once a VM has trapped. */
  readonly failurePolicy: "FAIL_RELOAD" | "FAIL_CLOSED";
  readonly configuration?: Config;
}

/** A Wasm filter that Envoy runs in V8. */
export function wasm({ name, code, failurePolicy, configuration }: WasmOptions): Config {
  return {
    name,
    typed_config: {
      "@type": typeUrl("envoy.extensions.filters.http.wasm.v3.Wasm"),
      config: {
        name,
        root_id: name,
        failure_policy: failurePolicy,
        vm_config: { vm_id: name, runtime: "envoy.wasm.runtime.v8", code: { local: code } },
        ...(configuration !== undefined && { configuration }),
      },
    },
  };
}

/** Envoy's own token filter: every request needs a token of our issuer. `provider` adds to how it is found and left. */
export function jwtAuthn(keys: readonly JWK[], provider: Config): Config {
  return {
    name: "envoy.filters.http.jwt_authn",
    typed_config: {
      "@type": typeUrl("envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication"),
      providers: { idp: { issuer, local_jwks: { inline_string: JSON.stringify({ keys }) }, ...provider } },
      rules: [{ match: { prefix: "/" }, requires: { provider_name: "idp" } }],
    },
  };
}
