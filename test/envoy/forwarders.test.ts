// A presenter behind a gateway: two Envoys, the first of which ends the clients' mTLS and says in `x-forwarded-client-cert` whom it saw.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Credential } from "../../envoy/identity/authority.ts";
import { EnvoyExited } from "../../envoy/process/envoy-process.ts";
import { Teardown } from "../../envoy/process/teardown.ts";
import { spiffeIds } from "../../envoy/setup/materials.ts";
import { adaptedListener } from "./support/adapted-listener.ts";
import type { Config } from "./support/config.ts";
import { allowed, denied } from "./support/decide.ts";
import { holdfast } from "./support/filters.ts";
import { startLaboratory } from "./support/laboratory.ts";
import { listener, mtls } from "./support/listener.ts";
import { assertNoVmFailed } from "./support/no-vm-failed.ts";
import { type PortOf, TwoHops } from "./support/two-hops.ts";
import { mainTestedEnvoy, testedEnvoys } from "./support/versions.ts";
import { inlineKeys, makePolicy, makeWorld, webClaims } from "./support/world.ts";

const world = await makeWorld();
const { web, thief } = world;
const { bundle } = world.authority;
const gatewayId = "spiffe://example.org/ns/istio-system/sa/gateway";
/** The gateway's, for its clients and for the server. */
const credential = await world.authority.issue(gatewayId);

const webToken = await world.issuer.sign(webClaims());
const boundToWeb = await world.issuer.sign(webClaims({ cnf: { "x5t#S256": web.thumbprint } }));
const boundToThief = await world.issuer.sign(webClaims({ cnf: { "x5t#S256": thief.thumbprint } }));
const gatewayToken = await world.issuer.sign(webClaims({ sub: gatewayId }));

/** What the gateway would write of web, and Envoy would add of the gateway. */
const aboutWeb = `By=${gatewayId};Hash=${hexOf(web)};URI=${spiffeIds.web}`;
const aboutGateway = `By=${spiffeIds.orders};Hash=${hexOf(credential)};URI=${gatewayId}`;
/** Every header that a client may hope to be taken for web with. */
const spoofs = [
  aboutWeb,
  `${aboutWeb},${aboutGateway}`,
  `${aboutGateway},${aboutWeb}`,
  `URI=${spiffeIds.web}`,
  `By=${spiffeIds.thief};URI=${spiffeIds.web}`,
];

const transport = mtls({ server: world.server, bundle });
const serverModes = ["APPEND_FORWARD", "FORWARD_ONLY"] as const;
const gatewayModes = ["SANITIZE_SET", "APPEND_FORWARD"] as const;

/** A listener of the server, and what its policy says of it, which need not be true. */
interface ServerOptions {
  readonly name: string;
  readonly does: string;
  readonly policySays: string;
  /** What Envoy adds to its own element. */
  readonly details?: Config;
  /** Absent: the default binding. */
  readonly bind?: readonly object[];
}

function server({ name, does, policySays, details = { uri: true }, bind }: ServerOptions): Config {
  return adaptedListener(
    { name, filters: [holdfast(policyFor(policySays, bind))], transport },
    { manager: { forward_client_cert_details: does, set_current_client_cert_details: details } },
  );
}

function policyFor(forwardClientCertDetails: string, bind?: readonly object[]): object {
  return makePolicy(inlineKeys(world.issuer), {
    presenter: { validatedBy: "listener", forwarders: [gatewayId], forwardClientCertDetails },
    ...(bind !== undefined && { rules: [{ name: "all", bind }] }),
  });
}

/** The servers as they should be; each has the name of what it does. */
const servers = serverModes.map((mode) => server({ name: mode, does: mode, policySays: mode }));

function hexOf({ thumbprint }: Credential): string {
  return Buffer.from(thumbprint, "base64url").toString("hex");
}

for (const version of testedEnvoys()) {
  describe(`behind a gateway, Envoy ${version}`, () => {
    const teardown = new Teardown();
    let hops: TwoHops;

    before(async () => {
      const passagesTo = (port: PortOf) =>
        serverModes.flatMap((mode) => [
          ...gatewayModes.map((gatewayMode) => ({
            name: `${gatewayMode} to ${mode}`,
            forwardClientCertDetails: gatewayMode,
            isMtls: true,
            serverPort: port(mode),
          })),
          {
            name: `plaintext to ${mode}`,
            forwardClientCertDetails: "SANITIZE_SET",
            isMtls: false,
            serverPort: port(mode),
          },
        ]);
      hops = await TwoHops.start(version, { credential, bundle, listeners: servers, passagesTo }, teardown);
    });
    after(() => teardown.run());

    for (const mode of serverModes) {
      for (const gatewayMode of gatewayModes) {
        const passage = `${gatewayMode} to ${mode}`;

        it(`${passage}: the caller is the presenter`, async () => {
          assert.deepEqual(await hops.through(passage, web, webToken), allowed);
          assert.deepEqual(await hops.through(passage, thief, webToken), denied(401, "spiffe_mismatch"));
          const outer = `By=spiffe://example.org/ns/edge/sa/outer;URI=${spiffeIds.thief}`;
          assert.deepEqual(await hops.through(passage, web, webToken, outer), allowed);
        });

        it(`${passage}: a bound token is the caller's whose certificate it names`, async () => {
          const refused = denied(401, "certificate_mismatch");
          assert.deepEqual(await hops.through(passage, web, boundToWeb), allowed);
          assert.deepEqual(await hops.through(passage, web, boundToThief), refused);
          assert.deepEqual(await hops.through(passage, thief, boundToWeb), refused);
        });

        it(`${passage}: a caller's own header gains nothing`, async () => {
          for (const spoof of spoofs) {
            // A gateway that keeps the header seems to have written twice.
            const isGateways = gatewayMode === "APPEND_FORWARD" && spoof.includes(`By=${gatewayId}`);
            const refused = denied(401, isGateways ? "xfcc_mismatch" : "spiffe_mismatch");
            assert.deepEqual(await hops.through(passage, thief, webToken, spoof), refused, spoof);
          }
        });
      }

      it(`${mode}: a caller without a certificate is denied, whatever he writes`, async () => {
        const refused = denied(401, "caller_absent");
        const passage = `plaintext to ${mode}`;
        assert.deepEqual(await hops.throughInPlaintext(passage, webToken), refused);
        for (const spoof of spoofs)
          assert.deepEqual(await hops.throughInPlaintext(passage, webToken, spoof), refused, spoof);
      });

      it(`${mode}: who is no forwarder speaks for himself, whatever he writes`, async () => {
        assert.deepEqual(await hops.straight(mode, web, webToken), allowed);
        for (const spoof of spoofs)
          assert.deepEqual(
            await hops.straight(mode, thief, webToken, spoof),
            denied(401, "spiffe_mismatch"),
            spoof,
          );
      });
    }

    it("fails no VM", () => assertNoVmFailed(hops.server));
  });
}

describe(`behind a gateway in detail, Envoy ${mainTestedEnvoy()}`, () => {
  const teardown = new Teardown();
  let hops: TwoHops;

  /** Listeners that are not what a policy needs, or not what it says. */
  const wrong = [
    { name: "sets its own", does: "SANITIZE_SET", policySays: "APPEND_FORWARD", reason: "caller_absent" },
    { name: "removes it", does: "SANITIZE", policySays: "APPEND_FORWARD", reason: "caller_absent" },
    { name: "removes it all", does: "SANITIZE", policySays: "FORWARD_ONLY", reason: "caller_absent" },
    { name: "appends", does: "APPEND_FORWARD", policySays: "FORWARD_ONLY", reason: "xfcc_mismatch" },
    { name: "forwards", does: "FORWARD_ONLY", policySays: "APPEND_FORWARD", reason: "xfcc_mismatch" },
    {
      name: "appends without URI",
      does: "APPEND_FORWARD",
      policySays: "APPEND_FORWARD",
      details: {},
      reason: "xfcc_mismatch",
    },
  ];

  const fromLoopback: ServerOptions = {
    name: "from loopback",
    does: "APPEND_FORWARD",
    policySays: "APPEND_FORWARD",
    bind: [{ network: { sources: ["127.0.0.0/8"] } }],
  };

  before(async () => {
    const passagesTo = (port: PortOf) =>
      [...serverModes, fromLoopback.name, ...wrong.map(({ name }) => name)].map((name) => ({
        name,
        forwardClientCertDetails: "SANITIZE_SET",
        isMtls: true,
        serverPort: port(name),
      }));
    const listeners = [...servers, ...[fromLoopback, ...wrong].map((options) => server(options))];
    hops = await TwoHops.start(mainTestedEnvoy(), { credential, bundle, listeners, passagesTo }, teardown);
  });
  after(() => teardown.run());

  for (const { name, does, policySays, reason } of wrong) {
    it(`a listener that ${name} (${does}) under a policy for ${policySays} lets nobody in`, async () => {
      assert.deepEqual(await hops.through(name, web, webToken), denied(401, reason));
      assert.deepEqual(await hops.through(name, web, gatewayToken), denied(401, reason));
    });
  }

  it("the gateway's address is not its caller's", async () => {
    assert.deepEqual(await hops.straight(fromLoopback.name, web, webToken), allowed);
    assert.deepEqual(await hops.through(fromLoopback.name, web, webToken), denied(401, "source_unknown"));
  });

  for (const mode of serverModes) {
    it(`${mode}: a forwarder has no word for itself`, async () => {
      const spokenFor = await hops.through(mode, credential, gatewayToken);
      assert.deepEqual(spokenFor, denied(401, "caller_absent"));
      const alone = await hops.straight(mode, credential, gatewayToken);
      assert.deepEqual(alone, denied(401, "caller_absent"));
    });

    it(`${mode}: a caller whose certificate has no name, or two, is denied`, async () => {
      const nameless = await world.authority.issue();
      assert.deepEqual(await hops.through(mode, nameless, webToken), denied(401, "caller_absent"));
      const twofold = await world.authority.issue(spiffeIds.thief, spiffeIds.web);
      assert.deepEqual(await hops.through(mode, twofold, webToken), denied(401, "spiffe_id_malformed"));
    });

    it(`${mode}: a caller whose name reads like more of the header is denied`, async () => {
      for (const [more, reason] of [
        [`;URI=${spiffeIds.web}`, "spiffe_id_malformed"],
        [`,URI=${spiffeIds.web}`, "xfcc_mismatch"],
        [`,${aboutWeb}`, "xfcc_mismatch"],
      ] as const) {
        const pretender = await world.authority.issue(spiffeIds.thief + more);
        assert.deepEqual(await hops.through(mode, pretender, webToken), denied(401, reason), more);
      }
    });

    it(`${mode}: a caller of another trust domain is denied`, async () => {
      const foreign = await world.authority.issue(spiffeIds.web.replace("example.org", "evil.example"));
      assert.deepEqual(await hops.through(mode, foreign, webToken), denied(403, "trust_domain_foreign"));
    });
  }

  it("fails no VM", () => assertNoVmFailed(hops.server));
});

describe(`a policy with forwarders, Envoy ${mainTestedEnvoy()}`, () => {
  const teardown = new Teardown();
  after(() => teardown.run());

  it("keeps Envoy from starting where the listener would forward what anybody says", async () => {
    const filters = [holdfast(policyFor("ALWAYS_FORWARD_ONLY"))];
    const listeners = [listener({ name: "orders", filters, transport })];
    await assert.rejects(startLaboratory(mainTestedEnvoy(), { listeners }, teardown), (failure) => {
      assert.ok(failure instanceof EnvoyExited);
      assert.match(failure.log, /refused at "\/presenter\/forwardClientCertDetails"/);
      return true;
    });
  });
});
