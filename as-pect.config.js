/** Unit tests of the filter's rooms. Host functions answer "unimplemented": what is tested here needs no host. */
const UNIMPLEMENTED = 12;

export default {
  entries: ["test/unit/*.spec.ts"],
  include: [],
  disclude: [/node_modules/],
  outputBinary: false,
  async instantiate(memory, createImports, instantiate, binary) {
    const env = { memory };
    const wasi = {};
    for (const { module, name } of WebAssembly.Module.imports(new WebAssembly.Module(binary))) {
      if (name.startsWith("proxy_")) env[name] = () => UNIMPLEMENTED;
      else if (module === "wasi_snapshot_preview1") wasi[name] = () => UNIMPLEMENTED;
    }
    return instantiate(binary, createImports({ env, wasi_snapshot_preview1: wasi }));
  },
};
