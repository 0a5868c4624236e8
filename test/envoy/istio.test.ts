import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { after, describe, it } from "node:test";
import { WasmPlugin } from "@kubernetes-models/istio/extensions.istio.io/v1alpha1/WasmPlugin";
import { EnvoyFilter } from "@kubernetes-models/istio/networking.istio.io/v1alpha3/EnvoyFilter";
import { PeerAuthentication } from "@kubernetes-models/istio/security.istio.io/v1/PeerAuthentication";
import { RequestAuthentication } from "@kubernetes-models/istio/security.istio.io/v1/RequestAuthentication";
import { parse } from "yaml";
import { Teardown } from "../../envoy/process/teardown.ts";
import { holdfast } from "./support/filters.ts";
import { startLaboratory } from "./support/laboratory.ts";
import { listener } from "./support/listener.ts";
import { shippedBackstop } from "./support/shipped.ts";
import { testedEnvoys } from "./support/versions.ts";

const manifests = new URL("../../envoy/istio/", import.meta.url);

function read(name: string): unknown {
  return parse(readFileSync(new URL(name, manifests), "utf8"));
}

/** As the model's constructor takes it; `validate` then holds it against the schema of Istio 1.29's CRD. */
type Manifest<Model extends new (data: never) => unknown> = ConstructorParameters<Model>[0];

const plugin = read("wasmplugin.yaml") as Manifest<typeof WasmPlugin> & {
  spec: { pluginConfig: { mode: string } };
};
const backstop = read("backstop/backstop.yaml") as Manifest<typeof EnvoyFilter> & {
  spec: { configPatches: { patch: { value: { typed_config: unknown } } }[] };
};

describe("envoy/istio", () => {
  const teardown = new Teardown();
  after(() => teardown.run());

  it("wasmplugin.yaml is a WasmPlugin", () => {
    new WasmPlugin(plugin).validate();
  });

  it("a phase that does not exist would be found", () => {
    const wrong = { ...plugin, spec: { ...plugin.spec, phase: "AUTHX" } } as unknown as typeof plugin;
    assert.throws(() => {
      new WasmPlugin(wrong).validate();
    }, /phase/);
  });

  it("request-authentication.yaml is a RequestAuthentication", () => {
    new RequestAuthentication(
      read("request-authentication.yaml") as Manifest<typeof RequestAuthentication>,
    ).validate();
  });

  it("peer-authentication.yaml is a PeerAuthentication", () => {
    new PeerAuthentication(
      read("peer-authentication.yaml") as Manifest<typeof PeerAuthentication>,
    ).validate();
  });

  it("backstop/backstop.yaml is an EnvoyFilter with the backstop of the demo", () => {
    new EnvoyFilter(backstop).validate();
    const [patch] = backstop.spec.configPatches;
    assert.deepEqual(patch?.patch.value.typed_config, shippedBackstop("enforce")["typed_config"]);
  });

  it("first only observes, and is applied without the backstop, which would block what it lets pass", () => {
    assert.equal(plugin.spec.pluginConfig.mode, "observe");
    const applied = readdirSync(manifests).filter((name) => name.endsWith(".yaml"));
    const kinds = applied.map((name) => (read(name) as { kind: string }).kind);
    assert.deepEqual(kinds.sort(), ["PeerAuthentication", "RequestAuthentication", "WasmPlugin"]);
  });

  it("the plugin reads the header that the request authentication writes", () => {
    const { spec } = read("request-authentication.yaml") as {
      spec: { jwtRules: { outputPayloadToHeader: string }[] };
    };
    assert.ok(
      JSON.stringify(plugin.spec.pluginConfig).includes(`"${spec.jwtRules[0]?.outputPayloadToHeader ?? ""}"`),
    );
  });

  for (const envoy of testedEnvoys()) {
    it(`the pluginConfig is a policy that holdfast takes, Envoy ${envoy}`, async () => {
      const listeners = [listener({ name: "orders", filters: [holdfast(plugin.spec.pluginConfig)] })];
      await startLaboratory(envoy, { listeners }, teardown);
    });
  }
});
