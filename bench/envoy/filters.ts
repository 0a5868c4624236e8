import { audience } from "../../envoy/setup/materials.ts";
import { type Config, typeUrl } from "../../test/envoy/support/config.ts";
import { jwtAuthn as anyJwtAuthn, wasm } from "../../test/envoy/support/filters.ts";
import type { World } from "../world.ts";

/** What jwt_authn is to do beside verifying. */
export interface JwtAuthnOptions {
  /** Remembers verified tokens, 1,000 of them. */
  readonly caches?: boolean;
  /** Leaves the claims for filters behind it. */
  readonly tells?: boolean;
}

/** Envoy's own filter for tokens, with the issuer's keys in its configuration. */
export function jwtAuthn({ key }: World, { caches = false, tells = false }: JwtAuthnOptions = {}): Config {
  return anyJwtAuthn([key.jwk], {
    audiences: [audience],
    forward: true,
    ...(caches && { jwt_cache_config: { jwt_cache_size: 1_000 } }),
    ...(tells && { payload_in_metadata: "payload" }),
  });
}

/** Lets a request pass when the claim `sub` that jwt_authn has verified is the peer's URI SAN, by CEL. */
export function rbacComparesSub(): Config {
  const field = (operand: object, name: string) => ({ select_expr: { operand, field: name } });
  const root = (name: string) => ({ ident_expr: { name } });
  const entry = (map: object, key: string) => ({
    call_expr: { function: "_[_]", args: [map, { const_expr: { string_value: key } }] },
  });
  const claims = entry(field(root("metadata"), "filter_metadata"), "envoy.filters.http.jwt_authn");
  const sub = entry(entry(claims, "payload"), "sub");
  const san = field(root("connection"), "uri_san_peer_certificate");
  const same = {
    permissions: [{ any: true }],
    principals: [{ any: true }],
    condition: { call_expr: { function: "_==_", args: [sub, san] } },
  };
  return {
    name: "envoy.filters.http.rbac",
    typed_config: {
      "@type": typeUrl("envoy.extensions.filters.http.rbac.v3.RBAC"),
      rules: { action: "ALLOW", policies: { same } },
    },
  };
}

/** The same comparison in Lua; 403 where it does not hold. */
export function luaComparesSub(): Config {
  const script = `
function envoy_on_request(handle)
  local info = handle:streamInfo()
  local claims = info:dynamicMetadata():get("envoy.filters.http.jwt_authn")
  local tls = info:downstreamSslConnection()
  if claims == nil or tls == nil or claims["payload"]["sub"] ~= tls:uriSanPeerCertificate()[1] then
    handle:respond({ [":status"] = "403" }, "")
  end
end`;
  return {
    name: "envoy.filters.http.lua",
    typed_config: {
      "@type": typeUrl("envoy.extensions.filters.http.lua.v3.Lua"),
      default_source_code: { inline_string: script },
    },
  };
}

/** A Wasm filter from a file, in a VM of its own. */
export function wasmFile(name: string, filename: string): Config {
  return wasm({ name, code: { filename }, failurePolicy: "FAIL_RELOAD" });
}
