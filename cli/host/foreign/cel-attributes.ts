import { celUint } from "@bufbuild/cel";
import type { CelInput } from "@bufbuild/cel";
import { create } from "@bufbuild/protobuf";
import { TimestampSchema } from "@bufbuild/protobuf/wkt";
import { HeaderMapType } from "../abi.ts";
import type { Context } from "../context.ts";
import type { HeaderMap } from "../header-map.ts";
import type { Stream } from "../stream.ts";
import { isList, isMap } from "../properties/value.ts";
import type { PropertyValue } from "../properties/value.ts";

/** Undefined when the bytes are of another type. */
type Decode = (bytes: Buffer) => CelInput | undefined;

const WORD_BYTES = 8;
const NANOSECONDS = 1_000_000_000n;

const text: Decode = (bytes) => bytes.toString("utf8");
const bool: Decode = (bytes) => bytes[0] === 1;
const int = word((bytes) => bytes.readBigInt64LE());
const uint = word((bytes) => celUint(bytes.readBigUInt64LE()));
const time = word((bytes) => {
  const nanoseconds = bytes.readBigInt64LE();
  return create(TimestampSchema, {
    seconds: nanoseconds / NANOSECONDS,
    nanos: Number(nanoseconds % NANOSECONDS),
  });
});

function word(decode: Decode): Decode {
  return (bytes) => (bytes.length === WORD_BYTES ? decode(bytes) : undefined);
}

/**
 * The attributes that an expression reaches, each with the type that it has there: what `proxy_get_property` gives is
 * bytes without one. (envoy, source/extensions/filters/common/expr/context.cc)
 */
const ATTRIBUTES = {
  request: {
    path: text,
    url_path: text,
    query: text,
    host: text,
    scheme: text,
    method: text,
    referer: text,
    useragent: text,
    id: text,
    protocol: text,
    time,
  },
  connection: {
    id: uint,
    mtls: bool,
    requested_server_name: text,
    tls_version: text,
    uri_san_peer_certificate: text,
    uri_san_local_certificate: text,
    sha256_peer_certificate_digest: text,
    peer_certificate: text,
    peer_certificate_valid: bool,
  },
  source: { address: text, port: int },
} satisfies Record<string, Record<string, Decode>>;

const PLUGIN_ATTRIBUTES = ["plugin_name", "plugin_root_id", "plugin_vm_id"] as const;

/** The variables of an expression that is evaluated in this context; outside of a stream, only those of the plugin. */
export function attributesOf(context: Context): Record<string, CelInput> {
  const { root, stream } = context;
  const variables: Record<string, CelInput> = {};
  for (const name of PLUGIN_ATTRIBUTES) {
    const value = root?.readProperty(name);
    if (typeof value === "string") variables[name] = value;
  }
  if (stream === undefined) return variables;
  const headers = headerValues(stream.headerMap(HeaderMapType.RequestHeaders));
  variables["request"] = partsOf("request", stream).set("headers", headers);
  variables["connection"] = partsOf("connection", stream);
  variables["source"] = partsOf("source", stream);
  variables["metadata"] = new Map([["filter_metadata", celInputOf(stream.metadata)]]);
  // Envoy gives the objects of other filters, and those of Wasm, as bytes.
  variables["filter_state"] = new Map<string, CelInput>(stream.filterStates);
  return variables;
}

function partsOf(attribute: keyof typeof ATTRIBUTES, stream: Stream): Map<string, CelInput> {
  const parts = new Map<string, CelInput>();
  for (const [part, decode] of Object.entries<Decode>(ATTRIBUTES[attribute])) {
    const bytes = stream.readProperty(`${attribute}\0${part}`);
    const value = typeof bytes === "number" ? undefined : decode(Buffer.from(bytes as Uint8Array));
    if (value !== undefined) parts.set(part, value);
  }
  return parts;
}

/** Header names are found in either case. */
class HeaderValues extends Map<string, string> {
  override get(name: string): string | undefined {
    return super.get(name.toLowerCase());
  }
}

function headerValues(headers: HeaderMap | undefined): HeaderValues {
  const values = new HeaderValues();
  for (const [name] of headers?.pairs ?? []) {
    const value = headers?.joined(name) ?? "";
    values.set(name.toLowerCase(), Buffer.from(value, "latin1").toString("utf8"));
  }
  return values;
}

function celInputOf(value: PropertyValue): CelInput {
  if (isList(value)) return value.map(celInputOf);
  if (!isMap(value)) return value;
  return new Map(Object.entries(value).map(([key, item]) => [key, celInputOf(item)]));
}
