// Presenters of several trust domains at listeners that trust the authorities of all of them.

import assert from "node:assert/strict";
import type { TcpSocketConnectOpts } from "node:net";
import { after, before, describe, it } from "node:test";
import type { ConnectionOptions } from "node:tls";
import { Authority, type Credential } from "../../envoy/identity/authority.ts";
import type { EnvoyProcess } from "../../envoy/process/envoy-process.ts";
import { Teardown } from "../../envoy/process/teardown.ts";
import { audience, issuer, spiffeIds } from "../../envoy/setup/materials.ts";
import { adaptedListener } from "./support/adapted-listener.ts";
import { connectTls, getOver } from "./support/client.ts";
import { type Config, typeUrl } from "./support/config.ts";
import { allowed, bearer, denied } from "./support/decide.ts";
import { type Headers, exchange } from "./support/exchange.ts";
import { holdfast } from "./support/filters.ts";
import { startLaboratory } from "./support/laboratory.ts";
import { mtls } from "./support/listener.ts";
import { assertNoVmFailed } from "./support/no-vm-failed.ts";
import { TwoHops } from "./support/two-hops.ts";
import { mainTestedEnvoy, testedEnvoys } from "./support/versions.ts";
import { inlineKeys, makePolicy, makeWorld, validity, webClaims } from "./support/world.ts";

const world = await makeWorld();
const { web, thief } = world;
const inTrustDomain = (domain: string) => spiffeIds.web.replace("example.org", domain);
const partnersWebId = inTrustDomain("partner.example");
const formerWebId = inTrustDomain("former.example");

const partners = await Authority.create("partner.example", validity);
const partnersWeb = await partners.issue(partnersWebId);
const strangersWeb = await partners.issue(inTrustDomain("stranger.example"));
/** Our own authority's, from before our trust domain was renamed. */
const formerWeb = await world.authority.issue(formerWebId);
/** What no authority but ours should issue. */
const pretendedWeb = await partners.issue(spiffeIds.web);

/** Good for whomever the binding `anybody` admits. */
const alices = await world.issuer.sign(webClaims({ sub: "alice" }));
const partnersToken = await world.issuer.sign(webClaims({ sub: partnersWebId }));
const formersToken = await world.issuer.sign(webClaims({ sub: formerWebId }));
const webToken = await world.issuer.sign(webClaims());
const boundTo = ({ thumbprint }: Credential) =>
  world.issuer.sign(webClaims({ sub: "alice", cnf: { "x5t#S256": thumbprint } }));

const bundle = `${world.authority.bundle}\n${partners.bundle}`;
const transport = mtls({ server: world.server, bundle });

/** Every workload of these trust domains, so that only the border decides. */
const anybody = {
  spiffe: {
    patterns: ["example.org", "partner.example", "former.example", "stranger.example"].map(
      (domain) => `spiffe://${domain}/**`,
    ),
  },
};

interface BorderOptions {
  readonly name: string;
  /** The issuer's; absent: it says nothing of borders. */
  readonly borders?: object;
  /** Absent: the default binding. */
  readonly bind?: readonly object[];
  /** Absent: partner.example is federated. */
  readonly trustDomains?: object;
  readonly transport?: Config;
  /** Members of the policy's presenter. */
  readonly presenter?: object;
  /** Members of the listener's HttpConnectionManager. */
  readonly manager?: Config;
}

function border(options: BorderOptions): Config {
  const { name, borders, bind, trustDomains = { federatedTrustDomains: ["partner.example"] } } = options;
  const policy = makePolicy(undefined, {
    ...trustDomains,
    presenter: { validatedBy: "listener", ...options.presenter },
    issuers: {
      idp: {
        issuer,
        audiences: [audience],
        keys: inlineKeys(world.issuer),
        ...(borders !== undefined && { borders }),
      },
    },
    ...(bind !== undefined && { rules: [{ name: "all", bind }] }),
  });
  return adaptedListener(
    { name, filters: [holdfast(policy)], transport: options.transport ?? transport },
    { manager: { use_remote_address: true, ...options.manager } },
  );
}

const sources = [{ network: { sources: ["127.0.0.2/32"] } }];
const bind = [anybody];
const aliases = { trustDomainAliases: ["former.example"] };
const templates = [{ spiffe: { template: "spiffe://{trustDomain}/ns/shop/sa/{client_id}" } }];

/** Validates each trust domain's certificates by the authority of that trust domain, and by no other. */
const spiffeTransport = withValidator(transport, {
  name: "envoy.tls.cert_validator.spiffe",
  typed_config: {
    "@type": typeUrl("envoy.extensions.transport_sockets.tls.v3.SPIFFECertValidatorConfig"),
    trust_domains: [
      { name: "example.org", trust_bundle: { inline_string: world.authority.bundle } },
      { name: "partner.example", trust_bundle: { inline_string: partners.bundle } },
    ],
  },
});

const listeners = [
  border({ name: "says nothing", bind }),
  border({ name: "denies", bind, borders: { federated: "deny" } }),
  border({ name: "is open", bind, borders: { federated: {} } }),
  border({ name: "is open to whom the token names", borders: { federated: {} } }),
  border({ name: "asks for a source", bind, borders: { federated: { bind: sources } } }),
  border({ name: "asks for a certificate", bind, borders: { federated: { bind: [{ certificate: {} }] } } }),
  border({ name: "knows no other", bind, trustDomains: {} }),
  border({ name: "has an alias", trustDomains: aliases }),
  border({ name: "has an alias in templates", trustDomains: aliases, bind: templates }),
  border({ name: "validates by trust domain", transport: spiffeTransport }),
];

function withValidator(socket: Config, validator: Config): Config {
  const { typed_config: tls } = socket as { typed_config: { common_tls_context: Config } };
  return {
    ...socket,
    typed_config: {
      ...tls,
      common_tls_context: {
        ...tls.common_tls_context,
        validation_context: { custom_validator_config: validator },
      },
    },
  };
}

for (const version of testedEnvoys()) {
  describe(`borders between trust domains, Envoy ${version}`, () => {
    const teardown = new Teardown();
    let envoy: EnvoyProcess;

    before(async () => {
      envoy = await startLaboratory(version, { listeners }, teardown);
    });
    after(() => teardown.run());

    /** @param localAddress where the presenter comes from */
    async function present(name: string, credential: Credential, token: string, localAddress = "127.0.0.1") {
      const client = { port: envoy.port(name), credential, bundle: world.authority.bundle };
      const from: ConnectionOptions & Pick<TcpSocketConnectOpts, "localAddress"> = { localAddress };
      const send = async (headers: Headers) => getOver(await connectTls(client, from), "/orders/1", headers);
      return (await exchange(envoy, send, bearer(token))).decision;
    }

    for (const name of ["says nothing", "denies"]) {
      it(`where the issuer ${name}: a token that is accepted within is refused across the border`, async () => {
        assert.deepEqual(await present(name, web, alices), allowed);
        assert.deepEqual(await present(name, partnersWeb, alices), denied(403, "border_closed"));
      });
    }

    it("where the border is open: the same token is accepted within and across", async () => {
      assert.deepEqual(await present("is open", web, alices), allowed);
      assert.deepEqual(await present("is open", partnersWeb, alices), allowed);
    });

    it("where the border is open: a token still belongs to whom it names", async () => {
      const name = "is open to whom the token names";
      assert.deepEqual(await present(name, partnersWeb, partnersToken), allowed);
      assert.deepEqual(await present(name, partnersWeb, webToken), denied(401, "spiffe_mismatch"));
      assert.deepEqual(await present(name, web, partnersToken), denied(401, "spiffe_mismatch"));
    });

    it("what the border asks of the network holds across it and not within", async () => {
      const name = "asks for a source";
      assert.deepEqual(await present(name, partnersWeb, alices, "127.0.0.2"), allowed);
      assert.deepEqual(await present(name, partnersWeb, alices), denied(401, "source_not_admitted"));
      assert.deepEqual(await present(name, web, alices), allowed);
    });

    it("what the border asks of the certificate holds across it and not within", async () => {
      const name = "asks for a certificate";
      assert.deepEqual(await present(name, partnersWeb, await boundTo(partnersWeb)), allowed);
      assert.deepEqual(await present(name, partnersWeb, alices), denied(401, "certificate_unbound"));
      assert.deepEqual(await present(name, web, alices), allowed);
      const stolen = await present(name, partnersWeb, await boundTo(web));
      assert.deepEqual(stolen, denied(401, "certificate_mismatch"));
    });

    for (const name of ["is open", "knows no other", "has an alias"]) {
      it(`a stranger's trust domain is refused where the policy ${name}`, async () => {
        assert.deepEqual(await present(name, strangersWeb, alices), denied(403, "trust_domain_foreign"));
      });
    }

    it("a trust domain that is named nowhere is a stranger's, be it ours by another name or a partner's", async () => {
      const refused = denied(403, "trust_domain_foreign");
      assert.deepEqual(await present("knows no other", formerWeb, alices), refused);
      assert.deepEqual(await present("knows no other", partnersWeb, alices), refused);
      assert.deepEqual(await present("has an alias", partnersWeb, partnersToken), refused);
      assert.deepEqual(await present("is open", formerWeb, alices), refused);
    });

    it("an alias is within, and its workloads are not those of the other name", async () => {
      const name = "has an alias";
      assert.deepEqual(await present(name, formerWeb, formersToken), allowed);
      assert.deepEqual(await present(name, web, webToken), allowed);
      assert.deepEqual(await present(name, formerWeb, webToken), denied(401, "spiffe_mismatch"));
      assert.deepEqual(await present(name, web, formersToken), denied(401, "spiffe_mismatch"));
    });

    it("an alias is what {trustDomain} means for who has it", async () => {
      const name = "has an alias in templates";
      const token = await world.issuer.sign(webClaims({ sub: "alice", client_id: "web" }));
      assert.deepEqual(await present(name, formerWeb, token), allowed);
      assert.deepEqual(await present(name, web, token), allowed);
      assert.deepEqual(await present(name, thief, token), denied(401, "spiffe_mismatch"));
      assert.deepEqual(await present(name, strangersWeb, token), denied(403, "trust_domain_foreign"));
    });

    // Which authority signed is not to be seen from within a filter: docs/host.md.
    it("a partner's authority can name our workloads where the listener has one bundle for all, and only there", async () => {
      assert.deepEqual(await present("is open to whom the token names", pretendedWeb, webToken), allowed);
      const name = "validates by trust domain";
      assert.deepEqual(await present(name, web, webToken), allowed);
      assert.deepEqual(await present(name, partnersWeb, partnersToken), denied(403, "border_closed"));
      await assert.rejects(present(name, pretendedWeb, webToken), "Envoy refuses the certificate");
    });

    it("fails no VM", () => assertNoVmFailed(envoy));
  });
}

describe(`borders behind a gateway, Envoy ${mainTestedEnvoy()}`, () => {
  const gatewayId = "spiffe://example.org/ns/istio-system/sa/gateway";
  const teardown = new Teardown();
  let hops: TwoHops;

  before(async () => {
    const behindGateway = {
      bind,
      presenter: { forwarders: [gatewayId], forwardClientCertDetails: "FORWARD_ONLY" },
      manager: { forward_client_cert_details: "FORWARD_ONLY" },
    };
    hops = await TwoHops.start(
      mainTestedEnvoy(),
      {
        credential: await world.authority.issue(gatewayId),
        bundle,
        listeners: [
          border({ name: "closed", ...behindGateway }),
          border({ name: "open", ...behindGateway, borders: { federated: {} } }),
        ],
        passagesTo: (port) =>
          ["closed", "open"].map((name) => ({
            name,
            forwardClientCertDetails: "SANITIZE_SET",
            isMtls: true,
            serverPort: port(name),
          })),
      },
      teardown,
    );
  });
  after(() => teardown.run());

  it("the border is the caller's, not the gateway's", async () => {
    assert.deepEqual(await hops.through("closed", web, alices), allowed);
    assert.deepEqual(await hops.through("closed", partnersWeb, alices), denied(403, "border_closed"));
    assert.deepEqual(await hops.through("open", partnersWeb, alices), allowed);
    assert.deepEqual(await hops.through("open", strangersWeb, alices), denied(403, "trust_domain_foreign"));
  });

  it("a caller from across it cannot write himself within", async () => {
    const spoof = `By=${gatewayId};URI=${spiffeIds.web}`;
    assert.deepEqual(await hops.through("closed", partnersWeb, alices, spoof), denied(403, "border_closed"));
  });

  it("fails no VM", () => assertNoVmFailed(hops.server));
});
