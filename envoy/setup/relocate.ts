import { parse, stringify } from "yaml";

/** Where the configurations expect their files. */
const setupFolder = "/etc/holdfast";

/** Where things are on this machine. */
export interface Relocation {
  /** The folder that stands in the place of /etc/holdfast. */
  readonly folder: string;
  /** Endpoint ports of the configuration and the ports that were taken instead. */
  readonly ports: ReadonlyMap<number, number>;
}

/** A parsed configuration, or a part of one. */
type Node = string | number | boolean | null | readonly Node[] | { readonly [key: string]: Node };

/**
 * Rewrites an Envoy configuration for this machine: everything on the loopback interface, listeners and the admin page
 * on any free port, endpoints on the port that was taken for theirs, files where they are. Nothing else changes.
 * @throws Error when an endpoint's port was not taken by anyone.
 */
export function relocate(configuration: string, relocation: Relocation): string {
  const rewritten = rewrite(parse(configuration) as Node, relocation, false);
  return stringify(rewritten, { aliasDuplicateObjects: false, lineWidth: 0 });
}

function rewrite(node: Node, relocation: Relocation, inEndpoint: boolean): Node {
  if (typeof node === "string") return rewritePath(node, relocation.folder);
  if (Array.isArray(node)) return node.map((item: Node) => rewrite(item, relocation, inEndpoint));
  if (node === null || typeof node !== "object") return node;
  const rewritten: Record<string, Node> = {};
  for (const [key, value] of Object.entries(node)) {
    rewritten[key] =
      key === "socket_address"
        ? rewriteAddress(value as { port_value: number }, relocation.ports, inEndpoint)
        : rewrite(value, relocation, inEndpoint || key === "endpoint");
  }
  return rewritten;
}

function rewriteAddress(
  { port_value }: { port_value: number },
  ports: ReadonlyMap<number, number>,
  inEndpoint: boolean,
): Node {
  if (!inEndpoint) return { address: "127.0.0.1", port_value: 0 };
  const port = ports.get(port_value);
  if (port === undefined) throw new Error(`nobody listens on port ${port_value} of the configuration`);
  return { address: "127.0.0.1", port_value: port };
}

function rewritePath(text: string, folder: string): string {
  return text.startsWith(`${setupFolder}/`) ? folder + text.slice(setupFolder.length) : text;
}

/** The fixed port of each listener in a configuration, by the listener's name. */
export function readFixedPorts(configuration: string): Map<string, number> {
  const { static_resources } = parse(configuration) as Bootstrap;
  return new Map(
    static_resources.listeners.map(({ name, address }) => [name, address.socket_address.port_value]),
  );
}

/** The part of an Envoy bootstrap that is read here. */
interface Bootstrap {
  readonly static_resources: {
    readonly listeners: readonly {
      readonly name: string;
      readonly address: { readonly socket_address: { readonly port_value: number } };
    }[];
  };
}
