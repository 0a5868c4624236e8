import { fileURLToPath } from "node:url";
import type { JWK } from "jose";
import { issuer } from "../../../envoy/setup/materials.ts";
import { type Config, typeUrl } from "./config.ts";

const filterFile = fileURLToPath(new URL("../../../build/holdfast.wasm", import.meta.url));

/** holdfast with a policy: an object, or text as it stands. */
export function holdfast(policy: object | string): Config {
  return {
    name: "holdfast",
    typed_config: {
      "@type": typeUrl("envoy.extensions.filters.http.wasm.v3.Wasm"),
      config: {
        name: "holdfast",
        root_id: "holdfast",
        failure_policy: "FAIL_RELOAD",
        vm_config: {
          vm_id: "holdfast",
          runtime: "envoy.wasm.runtime.v8",
          code: { local: { filename: filterFile } },
        },
        configuration: {
          "@type": typeUrl("google.protobuf.StringValue"),
          value: typeof policy === "string" ? policy : JSON.stringify(policy),
        },
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
