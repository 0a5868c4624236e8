import assert from "node:assert/strict";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { parse } from "yaml";
import { makeRunFolder } from "../../envoy/process/run-folder.ts";
import { Teardown } from "../../envoy/process/teardown.ts";
import { fillPolicy } from "../../envoy/setup/fill-policy.ts";
import { makeMaterials } from "../../envoy/setup/materials.ts";
import { readFixedPorts, relocate } from "../../envoy/setup/relocate.ts";
import { writeSetup } from "../../envoy/setup/write-setup.ts";

const configuration = `
static_resources:
  listeners:
    - name: orders
      address: { socket_address: { address: 0.0.0.0, port_value: 8443 } }
      code: { local: { filename: /etc/holdfast/holdfast.wasm } }
      path: /dev/stdout
  clusters:
    - load_assignment:
        endpoints:
          - lb_endpoints:
              - endpoint: { address: { socket_address: { address: upstream, port_value: 9000 } } }
`;

describe("relocate", () => {
  it("moves addresses, ports and files to this machine, and nothing else", () => {
    const relocated: unknown = parse(
      relocate(configuration, { folder: "/run/x", ports: new Map([[9000, 4321]]) }),
    );
    assert.deepEqual(relocated, {
      static_resources: {
        listeners: [
          {
            name: "orders",
            address: { socket_address: { address: "127.0.0.1", port_value: 0 } },
            code: { local: { filename: "/run/x/holdfast.wasm" } },
            path: "/dev/stdout",
          },
        ],
        clusters: [
          {
            load_assignment: {
              endpoints: [
                {
                  lb_endpoints: [
                    { endpoint: { address: { socket_address: { address: "127.0.0.1", port_value: 4321 } } } },
                  ],
                },
              ],
            },
          },
        ],
      },
    });
  });

  it("refuses an endpoint that nobody listens on", () => {
    assert.throws(() => relocate(configuration, { folder: "/run/x", ports: new Map() }), /port 9000/);
  });
});

describe("readFixedPorts", () => {
  it("gives each listener's port by its name", () => {
    assert.deepEqual(readFixedPorts(configuration), new Map([["orders", 8443]]));
  });
});

describe("fillPolicy", () => {
  const policy = `{ "trustDomain": "example.org", "issuers": { "idp": { "issuer": "i", "keys": {} } } }`;
  const keys = [{ kty: "EC", kid: "k1" }];

  it("puts the policy and the keys into every holdfast filter of the shipped configuration", async () => {
    const server = await readFile(new URL("../../envoy/config/server.yaml", import.meta.url), "utf8");
    const filled = fillPolicy(server, policy, keys);
    const policies = [...filled.matchAll(/^ *value: '?(\{.*\})'?$/gm)].map(
      ([, json]) => JSON.parse(json ?? "") as unknown,
    );
    const common = {
      trustDomain: "example.org",
      issuers: { idp: { issuer: "i", keys: { jwks: { keys } } } },
    };
    assert.deepEqual(policies, [
      { ...common, mode: "enforce" },
      { ...common, mode: "observe" },
      { ...common, mode: "enforce" },
    ]);
  });

  it("refuses a configuration without holdfast", () => {
    assert.throws(() => fillPolicy("static_resources: {}", policy, keys), /no holdfast filter/);
  });
});

describe("writeSetup", () => {
  it("lets the user of a container read everything, whatever the umask", async (test) => {
    const teardown = new Teardown();
    test.after(() => teardown.run());
    const folder = join(await makeRunFolder(teardown), "setup");
    const umask = process.umask(0o077);
    test.after(() => process.umask(umask));
    await writeSetup(folder, await makeMaterials({ now: new Date(), seconds: 60 }));

    const modeOf = async (name: string) => (await stat(join(folder, name))).mode & 0o777;
    const names = await readdir(folder, { recursive: true });
    assert.ok(names.includes("tls/web.key") && names.includes("server.yaml"), names.join(" "));
    const modes = await Promise.all(names.map(async (name) => [name, await modeOf(name)]));
    assert.deepEqual(
      Object.fromEntries(modes),
      Object.fromEntries(names.map((name) => [name, name === "tls" ? 0o755 : 0o644])),
    );
    assert.equal(await modeOf("."), 0o755);
  });
});
