// What Envoy knows of itself, `xds.node.metadata.*`: there in every callback (docs/host.md). The host in Node has no node.

import type { Vm } from "../../../cli/host/index.ts";
import type { Context } from "../../../cli/host/context.ts";

export type NodeMetadata = Readonly<Record<string, string>>;

/** Shows these to every context that the VM makes from here on, until it traps. */
export function showNodeMetadata(vm: Vm, metadata: NodeMetadata): void {
  const known = new Map(
    Object.entries(metadata).map(([name, value]) => [["xds", "node", "metadata", name].join("\0"), value]),
  );
  const guest = vm.liveGuest();
  const register = guest.register.bind(guest);
  guest.register = <T extends Context>(create: (id: number) => T): T => {
    const context = register(create);
    const { root, stream } = context;
    // A stream asks its root context first.
    if (root === undefined || stream !== undefined) return context;
    const read = root.readProperty.bind(root);
    root.readProperty = (path) => known.get(path) ?? read(path);
    return context;
  };
}
