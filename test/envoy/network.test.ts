// The `network` binding over real connections: where they come from, and in which way.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import type { TcpSocketConnectOpts } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { ConnectionOptions } from "node:tls";
import { readDecision } from "../../envoy/attempts/read-evidence.ts";
import type { Credential } from "../../envoy/identity/authority.ts";
import type { EnvoyProcess } from "../../envoy/process/envoy-process.ts";
import { makeRunFolder } from "../../envoy/process/run-folder.ts";
import { Teardown } from "../../envoy/process/teardown.ts";
import { spiffeIds } from "../../envoy/setup/materials.ts";
import { adaptedListener } from "./support/adapted-listener.ts";
import { connectTls, getOver } from "./support/client.ts";
import { type Config, typeUrl } from "./support/config.ts";
import { allowed, bearer, denied } from "./support/decide.ts";
import { eventually } from "./support/eventually.ts";
import { discovered, holdfast, typedExtensionConfig } from "./support/filters.ts";
import { startLaboratory } from "./support/laboratory.ts";
import { mtls } from "./support/listener.ts";
import { assertNoVmFailed } from "./support/no-vm-failed.ts";
import { publishResource } from "./support/publish-resource.ts";
import { testedEnvoys } from "./support/versions.ts";
import { inlineKeys, makePolicy, makeWorld, webClaims } from "./support/world.ts";

const world = await makeWorld();
const { bundle } = world.authority;
const webToken = await world.issuer.sign(webClaims());
const thiefToken = await world.issuer.sign(webClaims({ sub: spiffeIds.thief }));
const withAddress = await world.issuer.sign(webClaims({ ip: "127.0.0.2" }));

const transport = mtls({ server: world.server, bundle });
const tlsInspector = {
  name: "envoy.filters.listener.tls_inspector",
  typed_config: {
    "@type": typeUrl("envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector"),
  },
};

function boundTo(network: object, presenter: object = {}): Config {
  return holdfast(
    makePolicy(inlineKeys(world.issuer), {
      presenter: { validatedBy: "listener", ...presenter },
      rules: [{ name: "all", bind: [{ network }] }],
    }),
  );
}

/** A listener that binds to the network; `manager` adds to its HttpConnectionManager. */
function bound(name: string, network: object, manager: Config = {}, presenter: object = {}): Config {
  return adaptedListener({ name, filters: [boundTo(network, presenter)], transport }, { manager });
}

/** The only address that the binding admits. */
const sources = ["127.0.0.2/32"];
/** Clients behind proxies of our own. */
const clients = { sources: ["192.0.2.0/24"] };
const direct = { use_remote_address: true };
const behindOneProxy = { use_remote_address: true, xff_num_trusted_hops: 1 };
const trusting = { trustForwardedFor: true };

const listeners = [
  bound("sources", { sources }, direct),
  bound("address claim", { addressClaim: "ip" }, direct),
  bound("header decides", { sources }),
  bound("header decides and is trusted", clients, {}, trusting),
  bound("behind one proxy", clients, behindOneProxy),
  bound("behind one proxy that is trusted", clients, behindOneProxy, trusting),
  { ...bound("server name", { serverNames: ["orders.example.org"] }), listener_filters: [tlsInspector] },
  bound("server name not inspected", { serverNames: ["orders.example.org"] }),
  bound("TLS 1.3", { minTlsVersion: "TLSv1.3" }),
  bound("TLS 1.2", { minTlsVersion: "TLSv1.2" }),
];

/** A request: web's with its own token from 127.0.0.1, where nothing else is said. */
interface Attempt {
  readonly credential?: Credential;
  readonly token?: string;
  readonly tls?: ConnectionOptions & Pick<TcpSocketConnectOpts, "localAddress">;
  /** The values of `x-forwarded-for`, one for each header. */
  readonly forwardedFor?: readonly string[];
}

const listed = { localAddress: "127.0.0.2" };

async function ask(envoy: EnvoyProcess, listenerName: string, attempt: Attempt = {}) {
  const { credential = world.web, token = webToken, tls = {}, forwardedFor = [] } = attempt;
  const requestId = randomUUID();
  const socket = await connectTls({ port: envoy.port(listenerName), credential, bundle }, tls);
  const forwarded = forwardedFor.flatMap((value) => ["x-forwarded-for", value]);
  await getOver(socket, "/orders/1", ["x-request-id", requestId, ...bearer(token), ...forwarded]);
  return readDecision(envoy, requestId);
}

for (const version of testedEnvoys()) {
  describe(`the network, Envoy ${version}`, () => {
    const teardown = new Teardown();
    let envoy: EnvoyProcess;
    let watchedFile: string;

    before(async () => {
      watchedFile = join(await makeRunFolder(teardown), "filter.json");
      await publishPorts([1]);
      const ports = adaptedListener(
        { name: "local port", filters: [discovered(watchedFile)], transport },
        {},
      );
      envoy = await startLaboratory(version, { listeners: [...listeners, ports] }, teardown);
    });
    after(() => teardown.run());

    const publishPorts = (localPorts: readonly number[]) =>
      publishResource(watchedFile, typedExtensionConfig, boundTo({ localPorts }));
    const present = (listenerName: string, attempt?: Attempt) => ask(envoy, listenerName, attempt);

    it("sources: admits the addresses that are listed, and not whose token it is", async () => {
      assert.deepEqual(await present("sources", { tls: listed }), allowed);
      assert.deepEqual(await present("sources"), denied(401, "source_not_admitted"));
      const stolen = { credential: world.thief, tls: listed };
      assert.deepEqual(await present("sources", stolen), denied(401, "spiffe_mismatch"));
      assert.deepEqual(await present("sources", { ...stolen, token: thiefToken }), allowed);
    });

    it("address claim: admits the address that the token names", async () => {
      assert.deepEqual(await present("address claim", { token: withAddress, tls: listed }), allowed);
      const elsewhere = await present("address claim", { token: withAddress });
      assert.deepEqual(elsewhere, denied(401, "source_mismatch"));
      assert.deepEqual(await present("address claim", { tls: listed }), denied(401, "source_claim_absent"));
    });

    it("x-forwarded-for changes nothing where Envoy uses the connection's address", async () => {
      const forwardedFor = ["127.0.0.2"];
      assert.deepEqual(await present("sources", { forwardedFor }), denied(401, "source_not_admitted"));
      assert.deepEqual(await present("sources", { forwardedFor: ["10.0.0.1"], tls: listed }), allowed);
    });

    it("x-forwarded-for makes the address unknown where Envoy would use it", async () => {
      const unknown = denied(401, "source_unknown");
      for (const forwardedFor of [["127.0.0.2"], ["10.0.0.1, 127.0.0.2"], ["10.0.0.1", "127.0.0.2"]]) {
        const what = JSON.stringify(forwardedFor);
        assert.deepEqual(await present("header decides", { forwardedFor }), unknown, what);
        assert.deepEqual(await present("header decides", { forwardedFor, tls: listed }), unknown, what);
      }
      assert.deepEqual(await present("header decides", { tls: listed }), allowed);
      assert.deepEqual(await present("header decides"), denied(401, "source_not_admitted"));
    });

    it("x-forwarded-for is believed where the policy says so", async () => {
      const from = (...forwardedFor: string[]) => present("header decides and is trusted", { forwardedFor });
      const refused = denied(401, "source_not_admitted");
      assert.deepEqual(await from("192.0.2.7"), allowed);
      assert.deepEqual(await from("198.51.100.1"), refused);
      assert.deepEqual(await from("192.0.2.7, 198.51.100.1"), refused, "the last one counts");
      assert.deepEqual(await from(), refused, "without it, the connection's address counts");
    });

    it("x-forwarded-for is believed as far as proxies of one's own wrote it", async () => {
      const from = (...forwardedFor: string[]) =>
        present("behind one proxy that is trusted", { forwardedFor });
      const refused = denied(401, "source_not_admitted");
      assert.deepEqual(await from("192.0.2.7"), allowed);
      assert.deepEqual(await from("198.51.100.1, 192.0.2.7"), allowed);
      assert.deepEqual(await from("192.0.2.7, 198.51.100.1"), refused, "what the client wrote");
      assert.deepEqual(await from("192.0.2.7", "198.51.100.1"), refused, "what the client wrote");
      assert.deepEqual(await from(), refused);
      const unsaid = await present("behind one proxy", { forwardedFor: ["192.0.2.7"] });
      assert.deepEqual(unsaid, denied(401, "source_unknown"));
    });

    it("server name: admits who asked for a name that is listed", async () => {
      const refused = denied(401, "server_name_mismatch");
      const asking = (servername: string) => present("server name", { tls: { servername } });
      assert.deepEqual(await asking("orders.example.org"), allowed);
      assert.deepEqual(await asking("other.example.org"), refused);
      assert.deepEqual(await present("server name"), refused);
    });

    it("server name: admits nobody where the listener has no tls_inspector, without which Envoy shows no name", async () => {
      const tls = { servername: "orders.example.org" };
      const unseen = await present("server name not inspected", { tls });
      assert.deepEqual(unseen, denied(401, "server_name_mismatch"));
    });

    it("TLS version: admits the one that is named, and newer ones", async () => {
      const old: ConnectionOptions = { maxVersion: "TLSv1.2" };
      assert.deepEqual(await present("TLS 1.3"), allowed);
      assert.deepEqual(await present("TLS 1.3", { tls: old }), denied(401, "tls_version_too_low"));
      assert.deepEqual(await present("TLS 1.2"), allowed);
      assert.deepEqual(await present("TLS 1.2", { tls: old }), allowed);
    });

    it("local port: admits connections to those that are listed", async () => {
      assert.deepEqual(await present("local port"), denied(401, "local_port_mismatch"));
      // Envoy chose the port, so that a policy can name it only now.
      await publishPorts([1, envoy.port("local port")]);
      await eventually("the port of the listener is admitted", async () => {
        const { status } = await present("local port");
        return status === allowed.status;
      });
    });

    it("fails no VM", () => assertNoVmFailed(envoy));
  });
}
