import { Status } from "../abi.ts";
import type { Guest } from "../guest.ts";
import { unsigned } from "./host-function.ts";
import type { HostFunctions } from "./host-function.ts";

export function metrics(guest: Guest): HostFunctions {
  const { memory, metrics: ids } = guest;
  return {
    proxy_define_metric: (type: number, name: number, nameSize: number, idOut: number) => {
      const text = memory.text(unsigned(name), unsigned(nameSize));
      if (text === undefined) return Status.InvalidMemoryAccess;
      const id = ids.define(unsigned(type), text);
      if (id === undefined) return Status.BadArgument;
      return memory.setU32(unsigned(idOut), id) ? Status.Ok : Status.InvalidMemoryAccess;
    },

    proxy_increment_metric: (id: number, offset: bigint) => ids.increment(unsigned(id), Number(offset)),

    proxy_record_metric: (id: number, value: bigint) =>
      ids.record(unsigned(id), Number(BigInt.asUintN(64, value))),

    proxy_get_metric: (id: number, out: number) => {
      const metric = ids.get(unsigned(id));
      if (typeof metric === "number") return metric;
      return memory.setU64(unsigned(out), BigInt(metric.value)) ? Status.Ok : Status.InvalidMemoryAccess;
    },
  };
}
