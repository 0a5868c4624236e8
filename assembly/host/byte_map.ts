// A small number for each byte value: for questions that are asked once for every byte of a token.

import { takeForever } from "./arena";
import { ByteMap, mapped } from "./byte_map_access";

export { ByteMap, mapped };

/** A map that stays, with `value` for every byte. */
export function makeByteMap(value: u8): ByteMap {
  const map = takeForever(256);
  memory.fill(map, value, 256);
  return map;
}

export function setMapped(map: ByteMap, byte: i32, value: u8): void {
  store<u8>(map + (byte & 0xff), value);
}
