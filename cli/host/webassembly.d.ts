// The part of the WebAssembly JavaScript API in use here. @types/node 20 has none of it, and the DOM library, which
// has all, would bring every browser global along. esbuild's types declare an empty Module, which merges with this one.
// https://webassembly.github.io/spec/js-api/
declare namespace WebAssembly {
  type ExportValue = ((...args: number[]) => number | undefined) | Memory | object;
  type Exports = Readonly<Record<string, ExportValue | undefined>>;
  type ImportValue = (...args: (number | bigint)[]) => number | undefined;
  type Imports = Record<string, Record<string, ImportValue>>;

  interface ModuleExportDescriptor {
    readonly name: string;
    readonly kind: "function" | "table" | "memory" | "global" | "tag";
  }

  interface ModuleImportDescriptor extends ModuleExportDescriptor {
    readonly module: string;
  }

  interface Module {
    readonly [Symbol.toStringTag]: string;
  }

  const Module: {
    new (bytes: Uint8Array): Module;
    exports(module: Module): ModuleExportDescriptor[];
    imports(module: Module): ModuleImportDescriptor[];
  };

  class Instance {
    constructor(module: Module, imports: Imports);
    readonly exports: Exports;
  }

  class Memory {
    constructor(descriptor: { readonly initial: number });
    readonly buffer: ArrayBuffer;
  }

  class RuntimeError extends Error {}
}
