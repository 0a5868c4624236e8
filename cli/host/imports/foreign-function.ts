import { Status } from "../abi.ts";
import { verifySignature } from "../foreign/verify-signature.ts";
import type { Guest } from "../guest.ts";
import { unsigned } from "./host-function.ts";
import type { HostFunctions } from "./host-function.ts";

/** Takes the arguments and gives the result's bytes, or undefined for BadArgument. */
type ForeignFunction = (args: Buffer) => Uint8Array | undefined;

const FOREIGN_FUNCTIONS: ReadonlyMap<string, ForeignFunction> = new Map([
  ["verify_signature", verifySignature],
]);

export function foreignFunction(guest: Guest): HostFunctions {
  const { memory } = guest;
  return {
    proxy_call_foreign_function: (
      name: number,
      nameSize: number,
      args: number,
      argsSize: number,
      resultOut: number,
      sizeOut: number,
    ) => {
      const text = memory.text(unsigned(name), unsigned(nameSize));
      const bytes = memory.view(unsigned(args), unsigned(argsSize));
      if (text === undefined || bytes === undefined) return Status.InvalidMemoryAccess;
      const call = FOREIGN_FUNCTIONS.get(text);
      if (call === undefined) return Status.NotFound;
      return returnResult(guest, call(bytes), unsigned(resultOut), unsigned(sizeOut));
    },
  };
}

/** Null out-pointers are allowed: the guest does not want the result. A refused call writes 0 and 0. */
function returnResult(
  guest: Guest,
  result: Uint8Array | undefined,
  resultOut: number,
  sizeOut: number,
): Status {
  const { memory } = guest;
  const size = result?.length ?? 0;
  let pointer = 0;
  if (result !== undefined && size > 0 && resultOut !== 0) {
    const allocated = guest.allocate(size);
    if (allocated === undefined) return Status.InvalidMemoryAccess;
    memory.bytes().set(result, (pointer = allocated));
  }
  if (resultOut !== 0 && !memory.setU32(resultOut, pointer)) return Status.InvalidMemoryAccess;
  if (sizeOut !== 0 && !memory.setU32(sizeOut, size)) return Status.InvalidMemoryAccess;
  return result === undefined ? Status.BadArgument : Status.Ok;
}
