import "reflect-metadata";
import { createHash, webcrypto } from "node:crypto";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";

const p256 = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
/** Clocks of two machines may differ a little: a certificate is valid from a minute before it is made. */
const backdateMs = 60_000;

/** A certificate with its private key, both PEM. */
export interface Credential {
  readonly certificate: string;
  readonly privateKey: string;
  /** RFC 8705 x5t#S256: base64url of the SHA-256 of the certificate's DER. */
  readonly thumbprint: string;
}

/** When a certificate is made and how long it is good. */
export interface Validity {
  readonly now: Date;
  readonly seconds: number;
}

/** A certificate authority of one SPIFFE trust domain. */
export class Authority {
  readonly #keys: webcrypto.CryptoKeyPair;
  readonly #certificate: X509Certificate;
  readonly #validity: Validity;

  private constructor(keys: webcrypto.CryptoKeyPair, certificate: X509Certificate, validity: Validity) {
    this.#keys = keys;
    this.#certificate = certificate;
    this.#validity = validity;
  }

  /** An authority whose own certificate, and every one that it issues, has the same validity. */
  static async create(trustDomain: string, validity: Validity): Promise<Authority> {
    const keys = await generateKeys();
    const certificate = await X509CertificateGenerator.createSelfSigned({
      name: `O=${trustDomain}`,
      keys,
      signingAlgorithm: p256,
      ...period(validity),
      extensions: [
        new BasicConstraintsExtension(true, 0, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
        uris([`spiffe://${trustDomain}`]),
        await SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    });
    return new Authority(keys, certificate, validity);
  }

  /**
   * An authority from before, by its certificate and key.
   * @param privateKey PKCS #8, PEM; P-256
   * @throws when they cannot be read, or are of another kind
   */
  static async read(certificate: string, privateKey: string, validity: Validity): Promise<Authority> {
    const pkcs8 = PemConverter.decodeFirst(privateKey);
    const signingKey = await webcrypto.subtle.importKey("pkcs8", pkcs8, p256, true, ["sign"]);
    const read = new X509Certificate(certificate);
    const publicKey = await webcrypto.subtle.importKey("spki", read.publicKey.rawData, p256, true, [
      "verify",
    ]);
    return new Authority({ privateKey: signingKey, publicKey }, read, validity);
  }

  /** The same authority, whose further certificates have another validity. */
  withValidity(validity: Validity): Authority {
    return new Authority(this.#keys, this.#certificate, validity);
  }

  /** The certificate that validates all others, PEM. */
  get bundle(): string {
    return this.#certificate.toString("pem");
  }

  /** What signs all others, PKCS #8 PEM: for whoever goes on with the same authority another time. */
  async privateKey(): Promise<string> {
    return privateKeyPem(this.#keys.privateKey);
  }

  /** Issues a certificate with these URI SANs: one SPIFFE ID makes an X.509-SVID; none, or a bad one, is for tests. */
  async issue(...uriSans: readonly string[]): Promise<Credential> {
    const keys = await generateKeys();
    const certificate = await X509CertificateGenerator.create({
      subject: "O=workload",
      issuer: this.#certificate.subject,
      publicKey: keys.publicKey,
      signingKey: this.#keys.privateKey,
      signingAlgorithm: p256,
      ...period(this.#validity),
      extensions: [
        ...leafExtensions(uriSans),
        await AuthorityKeyIdentifierExtension.create(this.#keys.publicKey),
      ],
    });
    return toCredential(certificate, keys);
  }
}

/** A certificate that only vouches for itself, with any URI SANs it likes. */
export async function selfSign(validity: Validity, ...uriSans: readonly string[]): Promise<Credential> {
  const keys = await generateKeys();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: "O=workload",
    keys,
    signingAlgorithm: p256,
    ...period(validity),
    extensions: leafExtensions(uriSans),
  });
  return toCredential(certificate, keys);
}

function leafExtensions(uriSans: readonly string[]): Extension[] {
  const extensions: Extension[] = [
    new BasicConstraintsExtension(false, undefined, true),
    new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
    new ExtendedKeyUsageExtension([ExtendedKeyUsage.clientAuth, ExtendedKeyUsage.serverAuth]),
  ];
  if (uriSans.length > 0) extensions.push(uris(uriSans));
  return extensions;
}

function uris(values: readonly string[]): Extension {
  return new SubjectAlternativeNameExtension(values.map((value) => ({ type: "url", value })));
}

function period({ now, seconds }: Validity): { notBefore: Date; notAfter: Date } {
  return {
    notBefore: new Date(now.getTime() - backdateMs),
    notAfter: new Date(now.getTime() + seconds * 1000),
  };
}

async function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(p256, true, ["sign", "verify"]);
}

async function toCredential(
  certificate: X509Certificate,
  keys: webcrypto.CryptoKeyPair,
): Promise<Credential> {
  return {
    certificate: certificate.toString("pem"),
    privateKey: await privateKeyPem(keys.privateKey),
    thumbprint: createHash("sha256").update(Buffer.from(certificate.rawData)).digest("base64url"),
  };
}

async function privateKeyPem(key: webcrypto.CryptoKey): Promise<string> {
  return PemConverter.encode(await webcrypto.subtle.exportKey("pkcs8", key), PemConverter.PrivateKeyTag);
}
