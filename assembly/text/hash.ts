import { Span, byteAt, lengthOf } from "../host/span";

/** FNV-1a, 32 bits, begun with `seed`. Anybody can make values collide: use it only where that costs nobody else. */
export function fnv1a(bytes: Span, seed: u32): u32 {
  const length = lengthOf(bytes);
  let hash = startHash(seed);
  for (let i = 0; i < length; i++) hash = addToHash(hash, byteAt(bytes, i));
  return finishHash(hash);
}

/** `fnv1a` byte by byte, for whoever wants it of each beginning of a text: `startHash`, `addToHash`, and `finishHash` at any time. */
export function startHash(seed: u32): u32 {
  return (2166136261 ^ seed) * 16777619;
}

export function addToHash(hash: u32, byte: i32): u32 {
  return (hash ^ byte) * 16777619;
}

export function finishHash(hash: u32): u32 {
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
