const SLOTS = 1024;
const MAX_CACHED_BYTES = 128;

/**
 * Turns bytes of the guest into latin1 strings (one character per byte) without making a new string for bytes
 * seen lately: property paths, header names and metric names are the same few on every request.
 */
export class Interner {
  // A direct-mapped cache: bounded by construction, a collision costs one decoding.
  readonly #slots: string[] = new Array<string>(SLOTS).fill("");

  read(bytes: Buffer, start: number, end: number): string {
    if (end - start > MAX_CACHED_BYTES) return bytes.toString("latin1", start, end);
    let hash = 0x811c9dc5;
    for (let i = start; i < end; i++) hash = Math.imul(hash ^ (bytes[i] ?? 0), 0x01000193);
    const slot = (hash ^ (hash >>> 15)) & (SLOTS - 1);
    const known = this.#slots[slot] ?? "";
    if (sameBytes(known, bytes, start, end)) return known;
    const text = bytes.toString("latin1", start, end);
    this.#slots[slot] = text;
    return text;
  }
}

function sameBytes(text: string, bytes: Buffer, start: number, end: number): boolean {
  if (text.length !== end - start) return false;
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) !== bytes[start + i]) return false;
  return true;
}
