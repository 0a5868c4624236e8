/** An Envoy configuration, or a part of one. */
export type Config = Record<string, unknown>;

/** The full name of one of Envoy's configuration messages. */
export function typeUrl(message: string): string {
  return `type.googleapis.com/${message}`;
}
