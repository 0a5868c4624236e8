import { writeBytesField } from "../../../cli/host/foreign/protobuf.ts";

export interface SignatureArguments {
  readonly hash: string;
  /** SubjectPublicKeyInfo, DER. */
  readonly key: Uint8Array;
  readonly signature: Uint8Array;
  readonly text: Uint8Array;
}

/** VerifySignatureArguments as a guest encodes them: fields 1 to 4, empty ones left out. */
export function signatureArguments({ hash, key, signature, text }: SignatureArguments): Buffer {
  const fields = [Buffer.from(hash), key, signature, text];
  return Buffer.concat(
    fields.flatMap((value, index) =>
      value.length > 0 ? [writeBytesField(index + 1, Buffer.from(value))] : [],
    ),
  );
}
