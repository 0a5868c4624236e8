import type { RootContext } from "./root-context.ts";
import type { Stream } from "./stream.ts";

/** What a host call can reach from where it was made. */
export interface Context {
  readonly id: number;
  /** The plugin's root context; undefined only for the VM's own context. */
  readonly root: RootContext | undefined;
  /** The stream; undefined outside of one. */
  readonly stream: Stream | undefined;
}

/** The context of the start functions and of the allocator. */
export const VM_CONTEXT: Context = { id: 0, root: undefined, stream: undefined };
