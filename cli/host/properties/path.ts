const SEPARATOR = "\0";
const FILTER_STATE = "filter_state.";

/** The parts of a guest's property path; one trailing separator adds no part, as in Envoy. */
export function splitPath(path: string): string[] {
  return (path.endsWith(SEPARATOR) ? path.slice(0, -1) : path).split(SEPARATOR);
}

/**
 * A path as a person writes it ("connection.id") in the form the guest asks in. A name after `filter_state.` is one
 * part, dots and all. A path that already has NULs is taken as it is, for parts that contain a dot.
 */
export function joinPath(dotted: string): string {
  if (dotted.includes(SEPARATOR)) return dotted;
  if (dotted.startsWith(FILTER_STATE)) return `filter_state${SEPARATOR}${dotted.slice(FILTER_STATE.length)}`;
  return dotted.replaceAll(".", SEPARATOR);
}
