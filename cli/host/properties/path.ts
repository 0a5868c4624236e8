const SEPARATOR = "\0";

/** The parts of a guest's property path; one trailing separator adds no part, as in Envoy. */
export function splitPath(path: string): string[] {
  return (path.endsWith(SEPARATOR) ? path.slice(0, -1) : path).split(SEPARATOR);
}

/** A path as a person writes it ("connection.id"), from the form that the guest asks in. */
export function dotted(path: string): string {
  return path.replaceAll(SEPARATOR, ".");
}
