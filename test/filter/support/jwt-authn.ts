// What Envoy's jwt_authn, earlier in the chain, leaves behind of a token that it verified.

import type { HeaderPair, Request } from "../../../cli/host/index.ts";
import { bearer } from "./scene.ts";
import { CLAIMS, payloadOf } from "./tokens.ts";
import type { Json } from "./json.ts";

type Metadata = NonNullable<Request["metadata"]>;

export const PAYLOAD_HEADER = "x-jwt-payload";

/** Dynamic metadata of a verified token with these claims over the usual ones. */
export function verified(claims: Json = {}, metadataKey = "payload"): Metadata {
  return verifiedExactly({ ...CLAIMS, ...claims }, metadataKey);
}

/** Dynamic metadata of a verified token with these claims and no others. */
export function verifiedExactly(claims: Json, metadataKey = "payload"): Metadata {
  return { "envoy.filters.http.jwt_authn": { [metadataKey]: claims } } as Metadata;
}

/** `forward: true` and `forward_payload_header`: the token stays, its payload comes in a header beside it. */
export function forwarded(token: string, payload: string = payloadOf(token)): HeaderPair[] {
  return [bearer(token), [PAYLOAD_HEADER, payload]];
}
