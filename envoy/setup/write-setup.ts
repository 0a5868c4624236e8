import { chmod, copyFile, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ExplainedError } from "../process/explained-error.ts";
import { fillPolicy } from "./fill-policy.ts";
import type { Materials } from "./materials.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

/**
 * Writes all that the two Envoys and the upstream read into `folder`, which is made anew and which everyone may read.
 * docker compose mounts this folder; the demo starts from the same files.
 * @throws ExplainedError when the filter or the upstream has not been built.
 */
export async function writeSetup(folder: string, materials: Materials): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(join(folder, "tls"), { recursive: true });
  await copyBuilt(folder);
  await writeConfigurations(folder, materials);
  await writeIdentities(join(folder, "tls"), materials);
  await letEveryoneRead(folder);
}

/** What `npm run build` makes: the filter, and the upstream as one file that needs no packages. */
async function copyBuilt(folder: string): Promise<void> {
  for (const name of ["holdfast.wasm", "upstream.mjs"]) {
    await copyFile(join(root, "build", name), join(folder, name)).catch((failure: unknown) => {
      throw new ExplainedError(
        `cannot read what has to be built first (${String(failure)}). Build it: npm run build`,
      );
    });
  }
}

async function writeConfigurations(folder: string, materials: Materials): Promise<void> {
  const source = join(root, "envoy", "config");
  const keys = [materials.issuerKey.jwk];
  const server = await readFile(join(source, "server.yaml"), "utf8");
  const policy = await readFile(join(source, "policy.json"), "utf8");
  await writeFile(join(folder, "server.yaml"), fillPolicy(server, policy, keys));
  await copyFile(join(source, "caller.yaml"), join(folder, "caller.yaml"));
  await writeFile(join(folder, "jwks.json"), JSON.stringify({ keys }));
}

async function writeIdentities(folder: string, materials: Materials): Promise<void> {
  await writeFile(join(folder, "ca.pem"), materials.bundle);
  for (const [name, credential] of Object.entries(materials.workloads)) {
    await writeFile(join(folder, `${name}.pem`), credential.certificate);
    await writeFile(join(folder, `${name}.key`), credential.privateKey);
  }
}

/**
 * Sets the modes whatever the umask is: in a container Envoy runs as a user of its own and has to read the private keys,
 * too. They are made for one run and worth nothing outside the demo.
 */
async function letEveryoneRead(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    await chmod(join(entry.parentPath, entry.name), entry.isDirectory() ? 0o755 : 0o644);
  }
}
