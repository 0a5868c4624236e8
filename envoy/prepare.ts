import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { printCurlLines } from "./attempts/print-curl-lines.ts";
import { makeMaterials } from "./setup/materials.ts";
import { readFixedPorts } from "./setup/relocate.ts";
import { writeSetup } from "./setup/write-setup.ts";

const preparedFolder = fileURLToPath(new URL("../build/setup", import.meta.url));
const adminOrigin = "http://127.0.0.1:9901";

/** Writes the setup that envoy/compose.yaml mounts, and prints curl lines for it. Its tokens are good for `hours`. */
export async function prepare(hours: number, write: (line: string) => void): Promise<void> {
  const materials = await makeMaterials({ now: new Date(), seconds: hours * 3_600 });
  await writeSetup(preparedFolder, materials);
  write(
    `build/setup is ready, for ${hours} hours. Start it: docker compose -f envoy/compose.yaml up -d\nThen try:`,
  );
  const ports = readFixedPorts(await readFile(join(preparedFolder, "caller.yaml"), "utf8"));
  const port = (caller: string) => ports.get(caller) ?? 0;
  printCurlLines({ port, adminOrigin }, materials.tokens, write);
}
