// Whether the Envoy that will run is new enough, where the user or a file says which one it is.

import { envoyImages, envoyInImage, envoyOfRevision, type EnvoyVersion } from "../envoy-images.ts";
import { type Finding, type Lint, type Policy, presenterFrom, type Subject } from "./subject.ts";

export const versionLints: readonly Lint[] = [
  {
    id: "envoy-too-old",
    level: "warning",
    what: 'an Envoy below 1.37, or below 1.40 for `examineCertificate` and `"validatedBy": "envoy"`, by `--envoy`, an image or the label `istio.io/rev`',
    find: isTooOld,
  },
];

/** What the filter needs of any Envoy. */
const LEAST_MINOR = 37;
/** Since when Envoy shows the peer's certificate, and whether it was validated. */
const CERTIFICATE_MINOR = 40;

function isTooOld({ policy, found, scene }: Subject): Finding[] {
  const [needed, why, pointer] = neededBy(policy);
  const complain = (envoy: EnvoyVersion | undefined) =>
    envoy === undefined || envoy.major > 1 || envoy.minor >= needed
      ? undefined
      : `Envoy ${envoy.major}.${envoy.minor} is too old: ${why} takes 1.${needed} or later`;
  if (scene.envoy !== undefined) {
    const message = complain(scene.envoy);
    return message === undefined ? [] : [{ message, place: found.at(pointer) }];
  }
  const revision = found.container?.manifest.root.get("metadata", "labels", "istio.io/rev");
  const said = [
    ...(revision === undefined ? [] : [[revision, envoyOfRevision(revision.text)] as const]),
    ...scene.manifests
      .flatMap(({ root }) => envoyImages(root))
      .map((image) => [image, envoyInImage(image.text)] as const),
  ];
  return said.flatMap(([value, envoy]) => {
    const message = complain(envoy);
    return message === undefined ? [] : [{ message, place: value.place }];
  });
}

function neededBy(policy: Policy): readonly [minor: number, why: string, pointer: string] {
  const { examineCertificate, validatedBy = "envoy" } = policy.presenter ?? {};
  if (examineCertificate === true)
    return [CERTIFICATE_MINOR, '"examineCertificate"', "/presenter/examineCertificate"];
  if (presenterFrom(policy) === "peer" && validatedBy === "envoy")
    return [
      CERTIFICATE_MINOR,
      '"validatedBy": "envoy", the default, which denies everybody before (peer_not_validated) and',
      "/presenter/validatedBy",
    ];
  return [LEAST_MINOR, "holdfast", ""];
}
