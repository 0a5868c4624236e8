import { Span, byteAt, lengthOf } from "../host/span";

/** FNV-1a, 32 bits, begun with `seed`. Anybody can make values collide: use it only where that costs nobody else. */
export function fnv1a(bytes: Span, seed: u32): u32 {
  let hash: u32 = (2166136261 ^ seed) * 16777619;
  for (let i = 0; i < lengthOf(bytes); i++) hash = (hash ^ byteAt(bytes, i)) * 16777619;
  return hash ^ (hash >> 15);
}
