import { fileURLToPath } from "node:url";
import type { JWK } from "jose";
import { issuer } from "../../../envoy/setup/materials.ts";
import { type Config, typeUrl } from "./config.ts";

const filterFile = fileURLToPath(new URL("../../../build/holdfast.wasm", import.meta.url));

const wasmFilter = typeUrl("envoy.extensions.filters.http.wasm.v3.Wasm");

/** What a VM and its plugin may be given beside the policy. */
export interface PluginOptions {
  /** The VM's environment. Plugins that share a VM share the environment of the first. */
  readonly environment?: Readonly<Record<string, string>>;
  /** The VM, by the name that Envoy knows it by: plugins of one name and code share it. Absent: the filter's own name. */
  readonly vmId?: string;
  /** Envoy's switch for a filter that wants to see a body while it holds the headers back. */
  readonly allowOnHeadersStopIteration?: boolean;
}

/** holdfast with a policy: an object, or text as it stands. */
export function holdfast(policy: object | string, options: PluginOptions = {}): Config {
  return wasm({
    ...options,
    name: "holdfast",
    code: { filename: filterFile },
    failurePolicy: "FAIL_RELOAD",
    configuration: {
      "@type": typeUrl("google.protobuf.StringValue"),
      value: typeof policy === "string" ? policy : JSON.stringify(policy),
    },
  });
}

/** The message in which Envoy is given a filter apart from its listener. */
export const typedExtensionConfig = "envoy.config.core.v3.TypedExtensionConfig";

/** holdfast, as a file says that Envoy watches: a `typedExtensionConfig`, which can be replaced on its own. */
export function discovered(watchedFile: string): Config {
  return {
    name: "holdfast",
    config_discovery: {
      config_source: { path_config_source: { path: watchedFile } },
      type_urls: [wasmFilter],
    },
  };
}

export interface WasmOptions extends PluginOptions {
  /** Also of the VM: filters of one name and code share it, and its failure. */
  readonly name: string;
  /** Plugins with the same one share data. Default: the name. */
  readonly vmId?: string;
  /** An Envoy `DataSource`. */
  readonly code: Config;
  /** What Envoy does with requests once a VM has trapped. */
  readonly failurePolicy: "FAIL_RELOAD" | "FAIL_CLOSED";
  readonly configuration?: Config;
}

/** A Wasm filter that Envoy runs in V8. */
export function wasm(options: WasmOptions): Config {
  const {
    name,
    vmId = name,
    code,
    failurePolicy,
    configuration,
    environment,
    allowOnHeadersStopIteration,
  } = options;
  return {
    name,
    typed_config: {
      "@type": wasmFilter,
      config: {
        name,
        root_id: name,
        failure_policy: failurePolicy,
        vm_config: {
          vm_id: vmId,
          runtime: "envoy.wasm.runtime.v8",
          code: { local: code },
          ...(environment !== undefined && { environment_variables: { key_values: environment } }),
        },
        ...(configuration !== undefined && { configuration }),
        ...(allowOnHeadersStopIteration !== undefined && {
          allow_on_headers_stop_iteration: allowOnHeadersStopIteration,
        }),
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

/** Gives every request dynamic metadata, by namespace. */
export function setMetadata(metadata: Readonly<Record<string, object>>): Config {
  return {
    name: "envoy.filters.http.set_metadata",
    typed_config: {
      "@type": typeUrl("envoy.extensions.filters.http.set_metadata.v3.Config"),
      metadata: Object.entries(metadata).map(([metadata_namespace, value]) => ({
        metadata_namespace,
        value,
      })),
    },
  };
}

/**
 * Gives every request filter state objects, made from texts.
 * @param factory what makes them: strings, where nothing else is said
 */
export function setFilterState(objects: Readonly<Record<string, string>>, factory = "envoy.string"): Config {
  return {
    name: "envoy.filters.http.set_filter_state",
    typed_config: {
      "@type": typeUrl("envoy.extensions.filters.http.set_filter_state.v3.Config"),
      on_request_headers: Object.entries(objects).map(([object_key, text]) => ({
        object_key,
        factory_key: factory,
        format_string: { text_format_source: { inline_string: text } },
      })),
    },
  };
}
