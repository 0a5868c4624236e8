const MAX_BYTES = 2048;
const MAX_TRUST_DOMAIN = 255;
/** https://github.com/spiffe/spiffe/blob/main/standards/SPIFFE-ID.md, section 2: no escapes, no empty segments. */
const SHAPE = /^spiffe:\/\/([a-z0-9._-]+)((?:\/[A-Za-z0-9._-]+)*)$/;

/** The trust domain of a SPIFFE ID, by the filter's strict reading; undefined for anything else. */
export function trustDomainOf(id: string): string | undefined {
  const [, domain = "", path = ""] = SHAPE.exec(id) ?? [];
  const hasDots = path.split("/").some((segment) => segment === "." || segment === "..");
  if (domain === "" || domain.length > MAX_TRUST_DOMAIN || id.length > MAX_BYTES || hasDots) return undefined;
  return domain;
}

/** Whether it names more than a trust domain. */
export function isWorkloadId(id: string): boolean {
  const domain = trustDomainOf(id);
  return domain !== undefined && id.length > `spiffe://${domain}`.length;
}

/** Whether it can be the name of a trust domain. */
export function isTrustDomain(name: string): boolean {
  return trustDomainOf(`spiffe://${name}`) === name;
}
