import { Status } from "../abi.ts";
import type { Context } from "../context.ts";
import { createExpression, deleteExpression, evaluateExpression } from "../foreign/cel-functions.ts";
import { verifySignature } from "../foreign/verify-signature.ts";
import type { Guest } from "../guest.ts";
import { unsigned } from "./host-function.ts";
import type { HostFunctions } from "./host-function.ts";

/** Takes the arguments and the context whose callback runs, and gives the result's bytes or a status. */
type ForeignFunction = (args: Buffer, context: Context) => Uint8Array | Status;

const FOREIGN_FUNCTIONS: ReadonlyMap<string, ForeignFunction> = new Map<string, ForeignFunction>([
  ["verify_signature", (args) => verifySignature(args) ?? Status.BadArgument],
  ["expr_create", createExpression],
  ["expr_evaluate", evaluateExpression],
  ["expr_delete", deleteExpression],
]);

const NOTHING = new Uint8Array();

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
      return returnResult(guest, call(bytes, guest.callingContext), unsigned(resultOut), unsigned(sizeOut));
    },
  };
}

/** Null out-pointers are allowed: the guest does not want the result. A refused call writes 0 and 0. */
function returnResult(guest: Guest, result: Uint8Array | Status, resultOut: number, sizeOut: number): Status {
  const { memory } = guest;
  const bytes = typeof result === "number" ? NOTHING : result;
  let pointer = 0;
  if (bytes.length > 0 && resultOut !== 0) {
    const allocated = guest.allocate(bytes.length);
    if (allocated === undefined) return Status.InvalidMemoryAccess;
    memory.bytes().set(bytes, (pointer = allocated));
  }
  if (resultOut !== 0 && !memory.setU32(resultOut, pointer)) return Status.InvalidMemoryAccess;
  if (sizeOut !== 0 && !memory.setU32(sizeOut, bytes.length)) return Status.InvalidMemoryAccess;
  return typeof result === "number" ? result : Status.Ok;
}
