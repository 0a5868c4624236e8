import { HeaderMapType, Status } from "../abi.ts";
import type { Guest } from "../guest.ts";
import type { HeaderMap } from "../header-map.ts";
import { pairsSize, readPairs, writePairs } from "../pairs.ts";
import { unsigned } from "./host-function.ts";
import type { HostFunctions } from "./host-function.ts";

export function headerMaps(guest: Guest): HostFunctions {
  return { ...readers(guest), ...writers(guest) };
}

function readers(guest: Guest): HostFunctions {
  const { memory } = guest;
  return {
    proxy_get_header_map_value: (
      type: number,
      name: number,
      nameSize: number,
      valueOut: number,
      sizeOut: number,
    ) => {
      if (unsigned(type) > HeaderMapType.Max) return Status.BadArgument;
      const wanted = memory.text(unsigned(name), unsigned(nameSize));
      if (wanted === undefined) return Status.InvalidMemoryAccess;
      const map = headerMap(guest, type);
      if (map === undefined) return Status.BadArgument;
      const value = map.first(wanted);
      if (value === undefined) return Status.NotFound;
      return guest.returnLatin1(value, unsigned(valueOut), unsigned(sizeOut));
    },

    proxy_get_header_map_pairs: (type: number, pairsOut: number, sizeOut: number) => {
      if (unsigned(type) > HeaderMapType.Max) return Status.BadArgument;
      // Unlike the other calls Envoy answers this one also where there is no map: with no pairs.
      return returnPairs(guest, headerMap(guest, type), unsigned(pairsOut), unsigned(sizeOut));
    },

    proxy_get_header_map_size: (type: number, sizeOut: number) => {
      if (unsigned(type) > HeaderMapType.Max) return Status.BadArgument;
      const map = headerMap(guest, type);
      if (map === undefined) return Status.BadArgument;
      return memory.setU32(unsigned(sizeOut), map.byteSize) ? Status.Ok : Status.InvalidMemoryAccess;
    },
  };
}

function writers(guest: Guest): HostFunctions {
  const { memory } = guest;
  const change = (
    type: number,
    name: number,
    nameSize: number,
    value: number,
    valueSize: number,
    apply: (map: HeaderMap, name: string, value: string) => void,
  ) => {
    if (unsigned(type) > HeaderMapType.Max) return Status.BadArgument;
    const key = memory.text(unsigned(name), unsigned(nameSize));
    const text = memory.text(unsigned(value), unsigned(valueSize));
    if (key === undefined || text === undefined) return Status.InvalidMemoryAccess;
    const map = headerMap(guest, type);
    if (map === undefined) return Status.BadArgument;
    apply(map, key, text);
    return Status.Ok;
  };
  return {
    proxy_add_header_map_value: (
      type: number,
      name: number,
      nameSize: number,
      value: number,
      valueSize: number,
    ) => change(type, name, nameSize, value, valueSize, addValue),

    proxy_replace_header_map_value: (
      type: number,
      name: number,
      nameSize: number,
      value: number,
      valueSize: number,
    ) => change(type, name, nameSize, value, valueSize, replaceValue),

    proxy_remove_header_map_value: (type: number, name: number, nameSize: number) =>
      change(type, name, nameSize, 0, 0, removeValue),

    proxy_set_header_map_pairs: (type: number, pairs: number, size: number) => {
      if (unsigned(type) > HeaderMapType.Max) return Status.BadArgument;
      const bytes = memory.view(unsigned(pairs), unsigned(size));
      if (bytes === undefined) return Status.InvalidMemoryAccess;
      const map = headerMap(guest, type);
      if (map === undefined) return Status.BadArgument;
      map.assign(readPairs(bytes));
      return Status.Ok;
    },
  };
}

function addValue(map: HeaderMap, name: string, value: string): void {
  map.add(name, value);
}

function replaceValue(map: HeaderMap, name: string, value: string): void {
  map.replace(name, value);
}

function removeValue(map: HeaderMap, name: string): void {
  map.remove(name);
}

function returnPairs(guest: Guest, map: HeaderMap | undefined, pairsOut: number, sizeOut: number): Status {
  const pairs = map?.pairs ?? [];
  if (pairs.length === 0) return guest.returnSpan(0, 0, pairsOut, sizeOut);
  const size = pairsSize(pairs);
  const pointer = guest.allocate(size);
  if (pointer === undefined) return Status.InvalidMemoryAccess;
  writePairs(pairs, guest.memory.bytes(), pointer);
  return guest.returnSpan(pointer, size, pairsOut, sizeOut);
}

function headerMap(guest: Guest, type: number): HeaderMap | undefined {
  const { stream, root } = guest.context();
  return (stream ?? root)?.headerMap(type);
}
