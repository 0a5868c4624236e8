import { Status } from "../abi.ts";
import type { Guest } from "../guest.ts";
import { unsigned } from "./host-function.ts";
import type { HostFunctions } from "./host-function.ts";

export function sharedData(guest: Guest): HostFunctions {
  const { memory } = guest;
  const store = guest.host.sharedData;
  return {
    proxy_get_shared_data: (
      key: number,
      keySize: number,
      valueOut: number,
      sizeOut: number,
      casOut: number,
    ) => {
      const name = memory.text(unsigned(key), unsigned(keySize));
      if (name === undefined) return Status.InvalidMemoryAccess;
      const stored = store.get(guest.vmId, name);
      if (stored === undefined) return Status.NotFound;
      const status = guest.returnBytes(stored.value, unsigned(valueOut), unsigned(sizeOut));
      if (status !== Status.Ok) return status;
      return memory.setU32(unsigned(casOut), stored.cas) ? Status.Ok : Status.InvalidMemoryAccess;
    },

    proxy_set_shared_data: (key: number, keySize: number, value: number, valueSize: number, cas: number) => {
      const name = memory.text(unsigned(key), unsigned(keySize));
      const bytes = memory.copy(unsigned(value), unsigned(valueSize));
      if (name === undefined || bytes === undefined) return Status.InvalidMemoryAccess;
      return store.set(guest.vmId, name, bytes, unsigned(cas));
    },
  };
}
