/** Names are near when at most this many letters have to change, as in the filter. */
const NEAR = 3;

/** `; did you mean "name"?` with the nearest of these names; empty when none is near. */
export function didYouMean(found: string, names: readonly string[]): string {
  const near = names
    .map((name) => ({ name, distance: distanceBetween(found, name) }))
    .filter(({ name, distance }) => distance <= NEAR && distance < name.length)
    .sort((left, right) => left.distance - right.distance);
  return near[0] === undefined ? "" : `; did you mean "${near[0].name}"?`;
}

/** The same; where none is near, which there are. */
export function suggestion(found: string, names: readonly string[]): string {
  const near = didYouMean(found, names);
  return near !== "" || names.length === 0 ? near : `; expected one of ${names.join(", ")}`;
}

/** Levenshtein's. */
function distanceBetween(left: string, right: string): number {
  let row = Array.from({ length: left.length + 1 }, (_, i) => i);
  for (let i = 0; i < right.length; i++) {
    const next = [i + 1];
    for (let j = 1; j <= left.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (left[j - 1] === right[i] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[left.length] ?? 0;
}
