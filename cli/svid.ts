// X.509-SVIDs for tests, in files: https://github.com/spiffe/spiffe/blob/main/standards/X509-SVID.md

import { createPrivateKey, X509Certificate } from "node:crypto";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Authority, Validity } from "../envoy/identity/authority.ts";
import { Failure } from "./failure.ts";
import { readFile } from "./read-file.ts";
import { isWorkloadId, trustDomainOf } from "./spiffe-id.ts";

const CA_CERTIFICATE = "ca.pem";
const CA_KEY = "ca-key.pem";
const OWNER_ONLY = 0o600;

export interface SvidPlan {
  readonly spiffeId: string;
  /** Where the certificate and its key go, and an authority that is made for them. */
  readonly folder: string;
  /** Where the authority is; by default in `folder`, made unless it is there. */
  readonly authority: string | undefined;
  /** What the files begin with. */
  readonly name: string;
  readonly validity: Validity;
}

/** Writes `<name>.pem` and `<name>-key.pem`. Answers the certificate's x5t#S256. @throws Failure rather than replacing a file */
export async function writeSvid({ spiffeId, folder, authority, name, validity }: SvidPlan): Promise<string> {
  const domain = trustDomainOf(spiffeId);
  if (domain === undefined || !isWorkloadId(spiffeId))
    throw new Failure(
      `${spiffeId}: expected the SPIFFE ID of a workload, such as spiffe://cluster.local/ns/shop/sa/web`,
    );
  const [certificateFile, keyFile] = [join(folder, `${name}.pem`), join(folder, `${name}-key.pem`)];
  for (const file of [certificateFile, keyFile])
    if (existsSync(file))
      throw new Failure(`${file}: is there already; take it away, or choose another --name`);
  const issuer = await authorityIn(authority ?? folder, domain, validity, authority !== undefined);
  const { certificate, privateKey, thumbprint } = await issuer.issue(spiffeId);
  write(folder, certificateFile, certificate);
  write(folder, keyFile, privateKey);
  return thumbprint;
}

/** RFC 8705 x5t#S256 of a certificate in PEM; undefined for anything else. */
export function certificateThumbprint(file: string): string | undefined {
  const text = readFile(file).toString("utf8");
  if (!text.includes("-----BEGIN CERTIFICATE-----")) return undefined;
  try {
    return Buffer.from(new X509Certificate(text).fingerprint256.replaceAll(":", ""), "hex").toString(
      "base64url",
    );
  } catch {
    throw new Failure(`${file}: no certificate that can be read`);
  }
}

async function authorityIn(
  folder: string,
  domain: string,
  validity: Validity,
  mustBeThere: boolean,
): Promise<Authority> {
  // Certificates take a large library, which no other command has to wait for.
  const { Authority } = await import("../envoy/identity/authority.ts");
  const [certificateFile, keyFile] = [join(folder, CA_CERTIFICATE), join(folder, CA_KEY)];
  if (!mustBeThere && !existsSync(certificateFile) && !existsSync(keyFile)) {
    const made = await Authority.create(domain, validity);
    write(folder, certificateFile, made.bundle);
    write(folder, keyFile, await made.privateKey());
    return made;
  }
  const [certificate, key] = [readFile(certificateFile).toString("utf8"), readFile(keyFile).toString("utf8")];
  checkAuthority(certificateFile, certificate, key, domain);
  return Authority.read(certificate, key, validity);
}

function checkAuthority(file: string, certificate: string, key: string, domain: string): void {
  let read: X509Certificate;
  try {
    read = new X509Certificate(certificate);
    const privateKey = createPrivateKey(key);
    const isP256 = privateKey.asymmetricKeyDetails?.namedCurve === "prime256v1";
    if (!read.ca || !isP256 || !read.checkPrivateKey(privateKey)) throw new Error("another kind");
  } catch {
    throw new Failure(
      `${file}: expected a P-256 authority with its key beside it, as "holdfast token svid" makes them`,
    );
  }
  const names = (read.subjectAltName ?? "").split(", ");
  if (!names.includes(`URI:spiffe://${domain}`))
    throw new Failure(`${file}: is of ${names.join(", ") || "no trust domain"}; expected one of ${domain}`);
}

/** Keys are their owner's. */
function write(folder: string, file: string, text: string): void {
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(file, text, { mode: OWNER_ONLY, flag: "wx" });
  } catch {
    throw new Failure(`${file}: cannot be written`);
  }
}
