import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Teardown } from "./teardown.ts";

/**
 * Makes a folder for one run, readable by this user alone. It holds private keys, so it is removed by `teardown`, and
 * without one (an uncaught error) when this process exits.
 */
export async function makeRunFolder(teardown: Teardown): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-"));
  const remove = () => {
    rmSync(folder, { recursive: true, force: true });
  };
  process.once("exit", remove);
  teardown.defer(() => {
    process.off("exit", remove);
    remove();
  });
  return folder;
}
