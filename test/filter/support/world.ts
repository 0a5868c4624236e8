// The one small world that the tests live in: a time, an issuer, workloads and their certificates.

import { createHash } from "node:crypto";
import type { Peer } from "../../../cli/host/index.ts";

/** Seconds since 1970. */
export const NOW = 1_800_000_000;
export const TRUST_DOMAIN = "example.org";
export const ISSUER = "https://idp.example.org";
export const AUDIENCE = "orders";

/** Whom the tokens are meant for, and who else has a good certificate of the same trust domain. */
export const WEB = "spiffe://example.org/ns/shop/sa/web";
export const THIEF = "spiffe://example.org/ns/shop/sa/thief";

const WEB_DIGEST = createHash("sha256").update("the certificate of web").digest();
const OTHER_DIGEST = createHash("sha256").update("a newer certificate of web").digest();

/** What `cnf.x5t#S256` has to be for web's certificate. */
export const WEB_THUMBPRINT = WEB_DIGEST.toString("base64url");
export const OTHER_THUMBPRINT = OTHER_DIGEST.toString("base64url");

export const web: Peer = { mtls: true, validated: true, uriSan: WEB, certSha256: WEB_DIGEST.toString("hex") };
export const thief: Peer = {
  mtls: true,
  validated: true,
  uriSan: THIEF,
  certSha256: createHash("sha256").update("the certificate of thief").digest("hex"),
};
export const plaintext: Peer = {};
