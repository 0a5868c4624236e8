// A presenter at an ambient waypoint: whom the filter state names that Istio sets at the end of the tunnel. Here a plain Envoy sets it.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { EnvoyProcess } from "../../envoy/process/envoy-process.ts";
import { Teardown } from "../../envoy/process/teardown.ts";
import { spiffeIds } from "../../envoy/setup/materials.ts";
import { adaptedListener } from "./support/adapted-listener.ts";
import { type Config, typeUrl } from "./support/config.ts";
import { decidePlaintext } from "./support/decide-plaintext.ts";
import { allowed, bearer, decide, denied } from "./support/decide.ts";
import { holdfast, setFilterState } from "./support/filters.ts";
import { startLaboratory } from "./support/laboratory.ts";
import { listener, mtls } from "./support/listener.ts";
import { assertNoVmFailed } from "./support/no-vm-failed.ts";
import { testedEnvoys } from "./support/versions.ts";
import { inlineKeys, makePolicy, makeWorld, webClaims } from "./support/world.ts";

const world = await makeWorld();
const { bundle } = world.authority;
const token = await world.issuer.sign(webClaims());
const boundToken = await world.issuer.sign(webClaims({ cnf: { "x5t#S256": world.web.thumbprint } }));

const principalKey = "io.istio.peer_principal";
const atWaypoint = holdfast(makePolicy(inlineKeys(world.issuer), { presenter: { from: "waypoint" } }));

/** Listeners whose requests have this principal, by name: Envoy's format, which may hold variables. */
const ofRequests = (name: string, principal: string) =>
  listener({ name, filters: [setFilterState({ [principalKey]: principal }), atWaypoint] });
const ofConnections = (name: string, principal: string) =>
  adaptedListener({ name, filters: [atWaypoint] }, { networkFilters: [setOnConnection(principal)] });

const listeners = [
  ofRequests("request of web", spiffeIds.web),
  ofRequests("request of thief", spiffeIds.thief),
  ofRequests("request of a foreigner", "spiffe://evil.example/ns/shop/sa/web"),
  // What Envoy makes of %DOWNSTREAM_PEER_URI_SAN% for a peer with two.
  ofRequests("request of two", `${spiffeIds.web},${spiffeIds.thief}`),
  // A tunnel without a certificate: Envoy writes "-" for a value that it does not have.
  ofRequests("request of nobody", "%DOWNSTREAM_PEER_URI_SAN%"),
  ofConnections("connection of web", spiffeIds.web),
  ofConnections("connection of thief", spiffeIds.thief),
  listener({ name: "outside the tunnel", filters: [atWaypoint] }),
  listener({
    name: "outside the tunnel with mTLS",
    filters: [atWaypoint],
    transport: mtls({ server: world.server, bundle }),
  }),
];

/** Sets the principal for a whole connection, and for those that Envoy opens for it, as Istio's waypoint does. */
function setOnConnection(principal: string): Config {
  return {
    name: "envoy.filters.network.set_filter_state",
    typed_config: {
      "@type": typeUrl("envoy.extensions.filters.network.set_filter_state.v3.Config"),
      on_new_connection: [
        {
          object_key: principalKey,
          factory_key: "envoy.string",
          format_string: { text_format_source: { inline_string: principal } },
          shared_with_upstream: "ONCE",
        },
      ],
    },
  };
}

/** Headers with which a client may hope to be taken for web. */
const spoofs = [
  { [principalKey]: spiffeIds.web },
  { "x-forwarded-client-cert": `By=${spiffeIds.orders};URI=${spiffeIds.web}` },
  { baggage: `k8s.namespace.name=shop,k8s.serviceaccount.name=web` },
];

for (const version of testedEnvoys()) {
  describe(`at a waypoint, Envoy ${version}`, () => {
    const teardown = new Teardown();
    let envoy: EnvoyProcess;

    before(async () => {
      envoy = await startLaboratory(version, { listeners }, teardown);
    });
    after(() => teardown.run());

    const present = (name: string, compact = token, headers: Readonly<Record<string, string>> = {}) =>
      decidePlaintext(envoy, envoy.port(name), { authorization: `Bearer ${compact}`, ...headers });

    for (const where of ["request", "connection"]) {
      it(`the presenter is whom the ${where} names`, async () => {
        assert.deepEqual(await present(`${where} of web`), allowed);
        assert.deepEqual(await present(`${where} of thief`), denied(401, "spiffe_mismatch"));
      });

      it(`a token that is bound to a certificate is denied, though the ${where} is its holder's`, async () => {
        const refused = denied(401, "certificate_digest_absent");
        assert.deepEqual(await present(`${where} of web`, boundToken), refused);
      });
    }

    for (const [listenerName, status, reason] of [
      ["request of a foreigner", 403, "trust_domain_foreign"],
      ["request of two", 401, "spiffe_id_malformed"],
      ["request of nobody", 401, "spiffe_id_malformed"],
      ["outside the tunnel", 401, "peer_absent"],
    ] as const) {
      it(`${listenerName}: denied`, async () => {
        assert.deepEqual(await present(listenerName), denied(status, reason));
      });
    }

    it("a certificate shown to the waypoint itself is nobody's", async () => {
      const port = envoy.port("outside the tunnel with mTLS");
      const client = { port, credential: world.web, bundle };
      assert.deepEqual(await decide(envoy, client, bearer(token)), denied(401, "peer_absent"));
    });

    it("what a client writes names nobody", async () => {
      for (const spoof of spoofs) {
        const what = JSON.stringify(spoof);
        const refused = denied(401, "spiffe_mismatch");
        assert.deepEqual(await present("request of thief", token, spoof), refused, what);
        assert.deepEqual(await present("connection of thief", token, spoof), refused, what);
        assert.deepEqual(await present("outside the tunnel", token, spoof), denied(401, "peer_absent"), what);
      }
    });

    it("fails no VM", () => assertNoVmFailed(envoy));
  });
}
