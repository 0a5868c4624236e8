// Bundles the command into one file beside the filter, so that the two travel together.

import { build } from "esbuild";

await build({
  entryPoints: ["cli/main.ts"],
  outfile: "build/holdfast.mjs",
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node20",
  logLevel: "warning",
  // Some of what is bundled is CommonJS, and asks for Node's own modules.
  banner: {
    js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
  },
});
