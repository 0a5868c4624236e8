import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ExplainedError } from "../envoy/process/explained-error.ts";
import { runCommand } from "../envoy/process/run-command.ts";

const sources = fileURLToPath(new URL("guests/", import.meta.url));
const compiler = fileURLToPath(new URL("../node_modules/assemblyscript/bin/asc.js", import.meta.url));

/**
 * Compiles the empty filter into `folder`, with the optimization of holdfast's own release build.
 * @returns the file
 * @throws ExplainedError when the compiler refuses it.
 */
export async function buildEmptyGuest(folder: string): Promise<string> {
  const file = join(folder, "empty.wasm");
  const { code, output } = await runCommand(process.execPath, [
    compiler,
    // With the compiler's own base folder it would read asconfig.json, and compile holdfast.
    ...["empty.ts", "--baseDir", sources, "--outFile", file],
    ...["--runtime", "stub", "--exportStart", "_initialize", "--optimizeLevel", "2", "--noAssert"],
  ]);
  if (code !== 0)
    throw new ExplainedError(`cannot compile ${sources}empty.ts; run npm ci. It said:\n${output}`);
  return file;
}
