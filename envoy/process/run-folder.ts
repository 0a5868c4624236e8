import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Teardown } from "./teardown.ts";

/** Makes a folder for one run, readable by this user alone; `teardown` removes it. */
export async function makeRunFolder(teardown: Teardown): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-"));
  teardown.defer(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
