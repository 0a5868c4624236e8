import type { Value } from "./value.ts";

export interface EnvoyVersion {
  readonly major: number;
  readonly minor: number;
}

/** Istio 1.N is built on Envoy 1.(N + 8): 1.29 on 1.37. */
const ENVOY_MINUS_ISTIO = 8;

/** `envoyproxy/envoy:v1.40.0`, `envoyproxy/envoy:distroless-v1.37.2` */
const ENVOY_IMAGE = /(?:^|\/)envoy(?:-\w+)*:(?:[a-z-]+-)?v?(\d+)\.(\d+)/;
/** `docker.io/istio/proxyv2:1.29.0-distroless` */
const ISTIO_IMAGE = /(?:^|\/)proxyv2:v?1\.(\d+)/;
/** `1-29-0`; a name such as `stable` says no version. */
const ISTIO_REVISION = /^v?1-(\d+)(?:-|$)/;

/** `1.40`, `v1.40.0`; undefined for what is no version. */
export function parseEnvoyVersion(text: string): EnvoyVersion | undefined {
  const [, major, minor] = /^v?(\d+)\.(\d+)(?:\.\d+)?$/.exec(text) ?? [];
  return major === undefined ? undefined : { major: Number(major), minor: Number(minor) };
}

/** Which Envoy an image has; undefined for other images, and for tags that do not say. */
export function envoyInImage(image: string): EnvoyVersion | undefined {
  const [, istio] = ISTIO_IMAGE.exec(image) ?? [];
  if (istio !== undefined) return envoyOfIstio(istio);
  const [, major, minor] = ENVOY_IMAGE.exec(image) ?? [];
  return major === undefined ? undefined : { major: Number(major), minor: Number(minor) };
}

/** Which Envoy a revision of Istio has, by the label `istio.io/rev`. */
export function envoyOfRevision(revision: string): EnvoyVersion | undefined {
  const [, istio] = ISTIO_REVISION.exec(revision) ?? [];
  return istio === undefined ? undefined : envoyOfIstio(istio);
}

/** Of each document that was looked through: many policies can be in one. */
const found = new WeakMap<Value, readonly Value[]>();

/** The images in a document that say which Envoy runs. */
export function envoyImages(root: Value): readonly Value[] {
  const known = found.get(root);
  if (known !== undefined) return known;
  const images = [...root.all()].filter(
    ({ name, text }) => name === "image" && envoyInImage(text) !== undefined,
  );
  found.set(root, images);
  return images;
}

export function hasEnvoyImage(root: Value): boolean {
  return envoyImages(root).length > 0;
}

function envoyOfIstio(minor: string): EnvoyVersion {
  return { major: 1, minor: Number(minor) + ENVOY_MINUS_ISTIO };
}
