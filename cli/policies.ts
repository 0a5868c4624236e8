import { Failure } from "./failure.ts";
import { hasEnvoyImage } from "./envoy-images.ts";
import { didYouMean } from "./nearest-name.ts";
import { isPolicy, looksLikeJson, type Manifest, readManifests, standsAlone } from "./manifests.ts";
import type { Place, Value } from "./value.ts";

/** A policy as it was found, alone or in what loads it. */
export interface FoundPolicy {
  readonly file: string;
  /** What the filter would get. */
  readonly text: string;
  /** What it stands in; undefined for a policy that stands alone. */
  readonly container: Container | undefined;
  /** Where the value of this JSON pointer is; of one inside a text, where the text is. */
  at(pointer: string): Place;
}

/** What loads a policy. */
export interface Container {
  /** The Kubernetes kind; `Envoy` for an Envoy's own configuration. */
  readonly kind: string;
  readonly manifest: Manifest;
  /** The map that the policy stands in: a WasmPlugin's `spec`, or an Envoy filter's `typed_config`. */
  readonly holder: Value;
}

/** What loads holdfast, and has no policy that could be read. */
export interface BarePlugin {
  readonly place: Place;
  /** Where the policy should be, as its members are called. */
  readonly expected: string;
  /** A member whose name is nearly that. */
  readonly misspelt: string | undefined;
}

/** All that some files have: policies, and what is around them. */
export interface Contents {
  readonly policies: readonly FoundPolicy[];
  readonly bare: readonly BarePlugin[];
  readonly manifests: readonly Manifest[];
}

const WASM_FILTER = /envoy\.extensions\.filters\.http\.wasm\.v3\.Wasm$/;

/**
 * Every policy in these files. Beside others a file may have none if it is a Kubernetes manifest, or says which Envoy runs:
 * what it says can matter to their policies.
 * @throws Failure when there is none in a file that should have one, or a file is no YAML
 */
export function findPolicies(files: readonly string[]): Contents {
  const read = files.map((file) => {
    const manifests = readManifests(file);
    return { file, manifests, policies: manifests.flatMap(policiesIn), bare: manifests.flatMap(bareIn) };
  });
  const has = ({ policies, bare }: Pick<Contents, "policies" | "bare">) =>
    policies.length > 0 || bare.length > 0;
  const someHave = read.some(has);
  for (const one of read) if (!has(one) && !(someHave && one.manifests.some(isContext))) nothingIn(one.file);
  return {
    policies: read.flatMap(({ policies }) => policies),
    bare: read.flatMap(({ bare }) => bare),
    manifests: read.flatMap(({ manifests }) => manifests),
  };
}

/** Those of one file that has been read. @throws Failure when it is no YAML */
export function policiesOf(file: string, text: string): readonly FoundPolicy[] {
  return readManifests(file, text).flatMap(policiesIn);
}

/** Where a policy is refused. */
export function placeIn(
  found: FoundPolicy,
  { pointer, offset }: { readonly pointer?: string; readonly offset?: number },
): Place {
  if (pointer !== undefined || offset === undefined) return found.at(pointer ?? "");
  if (found.container !== undefined) return found.at("");
  const before = found.text.slice(0, offset).split("\n");
  return { file: found.file, line: before.length, column: (before.at(-1) ?? "").length + 1 };
}

function nothingIn(file: string): never {
  throw new Failure(
    `${file}: no policy; expected one with "issuers", or a WasmPlugin, EnvoyFilter, EnvoyExtensionPolicy or Envoy bootstrap that holds one`,
  );
}

function isContext({ root, kind }: Manifest): boolean {
  return (root.has("apiVersion") && kind !== "") || hasEnvoyImage(root);
}

function policiesIn(manifest: Manifest): FoundPolicy[] {
  const { file, text, root, kind } = manifest;
  if (standsAlone(root)) {
    const at = (pointer: string) => placeAt(root, pointer);
    return [{ file, text: looksLikeJson(text) ? text : root.toJson(), container: undefined, at }];
  }
  return [...root.all()].flatMap((holder) =>
    heldIn(holder).map((value) => ({
      file,
      text: value.isScalar ? value.text : value.toJson(),
      container: { kind: kind === "" ? "Envoy" : kind, manifest, holder },
      at: (pointer: string) => (value.isScalar ? value.place : placeAt(value, pointer)),
    })),
  );
}

/** Each map that loads holdfast, as its names and files say, and holds no policy. */
function bareIn({ root, kind }: Manifest): BarePlugin[] {
  if (standsAlone(root)) return [];
  const plugins = [...root.all()].flatMap((map): (readonly [Value, string, readonly string[]])[] => {
    if (!map.isMap) return [];
    if (kind === "WasmPlugin" && map.name === "spec" && map.parent?.parent === undefined)
      return [[map, "pluginConfig", [root.get("metadata", "name")?.text ?? ""]]];
    if (kind === "TrafficExtension" && map.name === "wasm")
      return [[map, "pluginConfig", [root.get("metadata", "name")?.text ?? ""]]];
    if (WASM_FILTER.test(map.get("@type")?.text ?? ""))
      return [[map, "config.configuration.value", [map.parent?.get("name")?.text ?? ""]]];
    if (WASM_FILTER.test(map.get("type_url")?.text ?? ""))
      return [[map, "value.config.configuration.value", [map.parent?.get("name")?.text ?? ""]]];
    if (kind === "EnvoyExtensionPolicy" && map.has("name") && map.has("code")) return [[map, "config", []]];
    return [];
  });
  return plugins
    .filter(([map, , names]) => heldIn(map).length === 0 && (names.some(isOurs) || loadsUs(map)))
    .map(([map, expected]) => ({
      place: map.place,
      expected,
      misspelt: map.children.find(({ name }) => name !== expected && didYouMean(name, [expected]) !== "")
        ?.name,
    }));
}

const NAMES_OF_CODE = new Set(["name", "image", "url", "uri", "filename"]);

function loadsUs(map: Value): boolean {
  return [...map.all()].some(({ name, text }) => NAMES_OF_CODE.has(name) && isOurs(text));
}

function isOurs(name: string): boolean {
  return /holdfast/i.test(name);
}

/** The policies that stand right in this map. */
function heldIn(map: Value): Value[] {
  if (!map.isMap) return [];
  const held = [map.get("pluginConfig")];
  if (WASM_FILTER.test(map.get("@type")?.text ?? "")) held.push(configurationIn(map));
  if (WASM_FILTER.test(map.get("type_url")?.text ?? "")) held.push(configurationIn(map.get("value")));
  // Of Envoy Gateway's extension policies.
  if (map.has("name") && map.has("code")) held.push(map.get("config"));
  return held.filter((value) => value !== undefined).filter((one) => isPolicy(one) || isPolicyText(one.text));
}

/** `config.configuration.value`: a text, or a struct. */
function configurationIn(filter: Value | undefined): Value | undefined {
  return filter?.get("config", "configuration", "value");
}

function isPolicyText(text: string): boolean {
  return /^\s*\{/.test(text) && /"(issuers|rules|presenter)"/.test(text);
}

/** The place that a JSON pointer leads to, or the nearest one above it. */
function placeAt(root: Value, pointer: string): Place {
  let value = root;
  for (const part of pointer.split("/").slice(1)) {
    const next = value.get(part.replaceAll("~1", "/").replaceAll("~0", "~"));
    if (next === undefined) break;
    value = next;
  }
  return value.place;
}
