import { Status } from "../abi.ts";
import type { Guest } from "../guest.ts";
import { unsigned } from "./host-function.ts";
import type { HostFunctions } from "./host-function.ts";

export function properties(guest: Guest): HostFunctions {
  const { memory } = guest;
  return {
    proxy_get_property: (path: number, pathSize: number, valueOut: number, sizeOut: number) => {
      const name = memory.text(unsigned(path), unsigned(pathSize));
      if (name === undefined) return Status.InvalidMemoryAccess;
      const { stream, root } = guest.context();
      const value = (stream ?? root)?.readProperty(name) ?? Status.NotFound;
      if (typeof value === "number") return value;
      return typeof value === "string"
        ? guest.returnUtf8(value, unsigned(valueOut), unsigned(sizeOut))
        : guest.returnBytes(value, unsigned(valueOut), unsigned(sizeOut));
    },

    proxy_set_property: (path: number, pathSize: number, value: number, valueSize: number) => {
      const name = memory.text(unsigned(path), unsigned(pathSize));
      const bytes = memory.copy(unsigned(value), unsigned(valueSize));
      if (name === undefined || bytes === undefined) return Status.InvalidMemoryAccess;
      const { stream } = guest.context();
      if (stream === undefined) return Status.NotFound;
      stream.writeProperty(name, bytes);
      return Status.Ok;
    },
  };
}
