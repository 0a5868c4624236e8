import { Span, byteAt, lengthOf } from "../host/span";

/** FNV-1a, 32 bits, begun with `seed`. Anybody can make values collide: use it only where that costs nobody else. */
export function fnv1a(bytes: Span, seed: u32): u32 {
  let hash: u32 = (2166136261 ^ seed) * 16777619;
  for (let i = 0; i < lengthOf(bytes); i++) hash = (hash ^ byteAt(bytes, i)) * 16777619;
  return hash ^ (hash >> 15);
}

let seed: u32 = 0;

/** Makes `secretHash` this VM's own. Zero is no seed. */
export function seedHash(value: u32): void {
  if (seed == 0) seed = value;
}

/**
 * A hash that nobody outside can foretell, for sharing tables among holders: nobody chooses whose neighbour he is. It is other in
 * every VM, so it is for memory and not for what several VMs read.
 */
export function secretHash(bytes: Span): u32 {
  return fnv1a(bytes, seed);
}
