// Callers without a SPIFFE ID, at listeners that let them come as far as the filter.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Authority, type Credential, selfSign } from "../../envoy/identity/authority.ts";
import type { EnvoyProcess } from "../../envoy/process/envoy-process.ts";
import { Teardown } from "../../envoy/process/teardown.ts";
import { audience, issuer, spiffeIds } from "../../envoy/setup/materials.ts";
import { adaptedListener } from "./support/adapted-listener.ts";
import { connectTls, getOver, obtainSession } from "./support/client.ts";
import type { Config } from "./support/config.ts";
import { decidePlaintext } from "./support/decide-plaintext.ts";
import { allowed, bearer, denied } from "./support/decide.ts";
import { exchange } from "./support/exchange.ts";
import { holdfast } from "./support/filters.ts";
import { startLaboratory } from "./support/laboratory.ts";
import { type MtlsOptions, listener, mtls } from "./support/listener.ts";
import { assertNoVmFailed } from "./support/no-vm-failed.ts";
import { TwoHops } from "./support/two-hops.ts";
import { mainTestedEnvoy, testedEnvoys } from "./support/versions.ts";
import { inlineKeys, makePolicy, makeWorld, validity, webClaims } from "./support/world.ts";

const world = await makeWorld();
const { web } = world;
const { bundle } = world.authority;
/** Certificates that name nobody: two that our authority vouches for, and one that nobody does. */
const outsider = await world.authority.issue();
const neighbour = await world.authority.issue();
const unknown = await selfSign(validity);
const stranger = await (await Authority.create("example.org", validity)).issue();
const pretender = await selfSign(validity, spiffeIds.web);

const boundTo = ({ thumbprint }: Credential, sub = "alice") =>
  world.issuer.sign(webClaims({ sub, cnf: { "x5t#S256": thumbprint } }));
const outsidersToken = await boundTo(outsider);
const webToken = await world.issuer.sign(webClaims());

const loopback = "127.0.0.0/8";

interface OutsideOptions {
  readonly name: string;
  /** The issuer's border `outside`: open when absent. */
  readonly outside?: unknown;
  readonly presenters?: readonly string[];
  readonly bind?: readonly object[];
  /** Absent: the listener. */
  readonly validatedBy?: string;
  readonly forwarders?: object;
  /** Beside its certificates; absent: plaintext. */
  readonly tls?: Partial<MtlsOptions>;
  /** Members of its HttpConnectionManager. */
  readonly manager?: Config;
}

function outside(options: OutsideOptions): Config {
  const { name, outside = {}, presenters, bind, validatedBy = "listener", forwarders, tls } = options;
  const policy = makePolicy(undefined, {
    presenter: { validatedBy, ...forwarders },
    issuers: {
      idp: {
        issuer,
        audiences: [audience],
        keys: inlineKeys(world.issuer),
        borders: { outside },
        ...(presenters !== undefined && { presenters }),
      },
    },
    ...(bind !== undefined && { rules: [{ name: "all", bind }] }),
  });
  const transport = mtls({ server: world.server, bundle, ...tls });
  return adaptedListener(
    { name, filters: [holdfast(policy)], ...(tls !== undefined && { transport }) },
    { manager: options.manager ?? {} },
  );
}

const unsaid = holdfast(makePolicy(inlineKeys(world.issuer)));
const optional = { requiresCertificate: false };
const listeners = [
  outside({ name: "closed", outside: "deny", tls: optional }),
  listener({
    name: "unsaid",
    filters: [unsaid],
    transport: mtls({ server: world.server, bundle, ...optional }),
  }),
  listener({ name: "unsaid plaintext", filters: [unsaid] }),
  outside({ name: "open", tls: {} }),
  outside({ name: "asks for no certificate", tls: optional }),
  outside({ name: "Envoy validates", tls: optional, validatedBy: "envoy" }),
  outside({ name: "takes any", tls: { ...optional, acceptUntrusted: true }, validatedBy: "envoy" }),
  outside({ name: "plaintext" }),
  outside({ name: "closed plaintext", outside: "deny" }),
  outside({
    name: "asks for an address",
    outside: { bind: [{ network: { sources: ["192.0.2.0/24"] } }] },
    tls: {},
  }),
  outside({ name: "open to an address", bind: [{ network: { sources: [loopback] } }] }),
  outside({ name: "lists presenters", presenters: ["spiffe://example.org/**"], tls: optional }),
];

/** Listeners that a caller may come to without a certificate, and yet over TLS. */
const withoutCertificate = ["asks for no certificate", "Envoy validates", "takes any"];

for (const version of testedEnvoys()) {
  describe(`callers from outside, Envoy ${version}`, () => {
    const teardown = new Teardown();
    let envoy: EnvoyProcess;
    /** Envoy says whether it validated the peer's certificate since 1.40. */
    let saysValidated: boolean;

    before(async () => {
      envoy = await startLaboratory(version, { listeners }, teardown);
      saysValidated = !/\/1\.37\./.test(await envoy.admin("/server_info"));
    });
    after(() => teardown.run());

    async function present(name: string, credential: Credential, token: string) {
      const client = { port: envoy.port(name), credential, bundle };
      const send = async (headers: readonly string[]) =>
        getOver(await connectTls(client), "/orders/1", headers);
      return (await exchange(envoy, send, bearer(token))).decision;
    }

    async function presentWithoutCertificate(name: string, token: string) {
      const client = { port: envoy.port(name), credential: outsider, bundle };
      const send = async (headers: readonly string[]) =>
        getOver(await connectTls(client, { cert: undefined, key: undefined }), "/orders/1", headers);
      return (await exchange(envoy, send, bearer(token))).decision;
    }

    const presentInPlaintext = (name: string, token: string) =>
      decidePlaintext(envoy, envoy.port(name), { authorization: `Bearer ${token}` });

    it("a token that is bound to a certificate without a name is its holder's where the border is open, and nobody's else", async () => {
      for (const name of ["open", "asks for no certificate"]) {
        assert.deepEqual(await present(name, outsider, outsidersToken), allowed, name);
        const refused = denied(401, "certificate_mismatch");
        assert.deepEqual(await present(name, neighbour, outsidersToken), refused, `${name}: over another`);
        assert.deepEqual(await present(name, web, outsidersToken), refused, `${name}: from within`);
      }
    });

    it("the same token is refused where the border is closed", async () => {
      const refused = denied(403, "border_closed");
      assert.deepEqual(await present("closed", outsider, outsidersToken), refused);
      assert.deepEqual(await presentWithoutCertificate("closed", outsidersToken), refused);
      assert.deepEqual(await presentInPlaintext("closed plaintext", outsidersToken), refused);
    });

    it("the same token is refused where nothing is said of the border", async () => {
      const nameless = await present("unsaid", outsider, outsidersToken);
      assert.deepEqual(nameless, denied(401, "spiffe_id_absent"));
      const refused = denied(401, "peer_absent");
      assert.deepEqual(await presentWithoutCertificate("unsaid", outsidersToken), refused);
      assert.deepEqual(await presentInPlaintext("unsaid plaintext", outsidersToken), refused);
    });

    it("a certificate that Envoy has to vouch for counts where it does", async () => {
      const expected = saysValidated ? allowed : denied(401, "peer_not_validated");
      assert.deepEqual(await present("Envoy validates", outsider, outsidersToken), expected);
      assert.deepEqual(await present("takes any", outsider, outsidersToken), expected);
    });

    it("a certificate that nobody vouches for proves nothing, though a token is bound to it", async () => {
      const refused = denied(401, "peer_not_validated");
      for (const credential of [unknown, stranger])
        assert.deepEqual(await present("takes any", credential, await boundTo(credential)), refused);
      assert.deepEqual(await present("takes any", pretender, webToken), refused);
      await assert.rejects(present("asks for no certificate", stranger, await boundTo(stranger)));
    });

    it("a token that is bound to a certificate is refused without one", async () => {
      const refused = denied(401, "certificate_digest_absent");
      for (const name of withoutCertificate)
        assert.deepEqual(await presentWithoutCertificate(name, outsidersToken), refused, name);
      assert.deepEqual(await presentInPlaintext("plaintext", outsidersToken), refused);
    });

    it("the stolen token of a workload is refused, however its thief comes", async () => {
      const refused = denied(401, "spiffe_id_absent");
      for (const name of withoutCertificate)
        assert.deepEqual(await presentWithoutCertificate(name, webToken), refused, name);
      for (const name of ["open", "asks for no certificate"])
        assert.deepEqual(await present(name, outsider, webToken), refused, name);
      assert.deepEqual(await presentInPlaintext("plaintext", webToken), refused);
      const bound = await boundTo(web, spiffeIds.web);
      assert.deepEqual(await present("open", outsider, bound), denied(401, "certificate_mismatch"));
      const digestless = await presentInPlaintext("plaintext", bound);
      assert.deepEqual(digestless, denied(401, "certificate_digest_absent"));
    });

    it("the workload itself loses nothing by the open border", async () => {
      for (const name of ["open", "asks for no certificate", "lists presenters"])
        assert.deepEqual(await present(name, web, webToken), allowed, name);
    });

    it("a name that is no SPIFFE ID of a workload is not the same as none", async () => {
      for (const name of ["https://partner.example/web", "spiffe://example.org", "urn:web"]) {
        const credential = await world.authority.issue(name);
        const decision = await present("open", credential, await boundTo(credential));
        assert.deepEqual(decision, denied(401, "spiffe_id_malformed"), name);
      }
    });

    for (const protocol of ["TLSv1.3", "TLSv1.2"] as const) {
      it(`stays who it is on a resumed ${protocol} session`, async () => {
        const resume = async (name: string, credential: Credential) => {
          const client = { port: envoy.port(name), credential, bundle };
          const session = await obtainSession(client, protocol);
          const socket = await connectTls(client, { session, maxVersion: protocol });
          assert.ok(socket.isSessionReused(), "the session was resumed");
          const ask = (headers: readonly string[]) => getOver(socket, "/orders/1", headers);
          return (await exchange(envoy, ask, bearer(outsidersToken))).decision;
        };
        assert.deepEqual(await resume("open", outsider), allowed);
        assert.deepEqual(await resume("open", neighbour), denied(401, "certificate_mismatch"));
        // Envoy does not say of a resumed session that it validated.
        assert.deepEqual(await resume("Envoy validates", outsider), denied(401, "peer_not_validated"));
      });
    }

    it("what the border asks for holds on top of the token's own binding", async () => {
      const decision = await present("asks for an address", outsider, outsidersToken);
      assert.deepEqual(decision, denied(401, "source_not_admitted"));
    });

    it("an issuer that lists presenters admits nobody without a name", async () => {
      const decision = await present("lists presenters", outsider, outsidersToken);
      assert.deepEqual(decision, denied(403, "presenter_not_admitted"));
    });

    it("a rule that asks for an address gives a stolen token to nobody there", async () => {
      const decision = await presentInPlaintext("open to an address", webToken);
      assert.deepEqual(decision, denied(401, "spiffe_id_absent"));
    });

    it("fails no VM", () => assertNoVmFailed(envoy));
  });
}

describe(`callers from outside behind a gateway, Envoy ${mainTestedEnvoy()}`, () => {
  const gatewayId = "spiffe://example.org/ns/istio-system/sa/gateway";
  const teardown = new Teardown();
  let hops: TwoHops;

  before(async () => {
    const forwarders = { forwarders: [gatewayId], forwardClientCertDetails: "FORWARD_ONLY" };
    const manager = { forward_client_cert_details: "FORWARD_ONLY" };
    const server = outside({ name: "server", tls: {}, forwarders, manager });
    const passage = (name: string, isMtls: boolean, serverPort: number) => ({
      name,
      forwardClientCertDetails: "SANITIZE_SET",
      isMtls,
      serverPort,
    });
    hops = await TwoHops.start(
      mainTestedEnvoy(),
      {
        credential: await world.authority.issue(gatewayId),
        bundle,
        listeners: [server],
        passagesTo: (port) => [
          passage("mTLS", true, port("server")),
          passage("plaintext", false, port("server")),
        ],
      },
      teardown,
    );
  });
  after(() => teardown.run());

  it("who has a name has it there, too", async () => {
    assert.deepEqual(await hops.through("mTLS", web, webToken), allowed);
    assert.deepEqual(await hops.through("mTLS", world.thief, webToken), denied(401, "spiffe_mismatch"));
  });

  it("who has none cannot present a workload's token, whatever he writes", async () => {
    for (const spoof of [undefined, `By=${gatewayId};URI=${spiffeIds.web}`, `URI=${spiffeIds.web}`]) {
      const plain = await hops.throughInPlaintext("plaintext", webToken, spoof);
      assert.deepEqual(plain, denied(401, "spiffe_id_absent"), spoof);
      const nameless = await hops.through("mTLS", outsider, webToken, spoof);
      assert.deepEqual(nameless, denied(401, "spiffe_id_absent"), spoof);
    }
  });

  it("the gateway's word for a certificate without a name is not taken", async () => {
    const decision = await hops.through("mTLS", outsider, outsidersToken);
    assert.deepEqual(decision, denied(401, "certificate_digest_absent"));
  });

  it("fails no VM", () => assertNoVmFailed(hops.server));
});
