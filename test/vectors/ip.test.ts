// IP addresses and ranges against Node's own, on generated texts.

import assert from "node:assert/strict";
import { BlockList, isIP } from "node:net";
import { describe, it } from "node:test";
import fc from "fast-check";
import { probes } from "./support/probe.ts";

const MAPPED = 0xffffn << 32n;

const group = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff }));
const v4 = fc.ipV4();
const mappedV4 = v4.map((text) => `::ffff:${text}`);
/** Groups in full, most with zeros among them. */
const v6 = fc
  .array(group, { minLength: 8, maxLength: 8 })
  .map((groups) => groups.map((value) => value.toString(16)).join(":"))
  .filter((text) => !isMapped(valueOf(text)));

/** Texts that are an address or miss it by little. */
const nearlyIp = fc
  .array(fc.constantFrom(":", "::", ".", "0", "1", "ff", "ffff", "255", "256", "1.2.3.4", "g", "00001"), {
    maxLength: 16,
  })
  .map((parts) => parts.join(""));

/** The 128 bits of an address that Node takes. */
function valueOf(text: string): bigint {
  if (isIP(text) === 4)
    return MAPPED | BigInt(text.split(".").reduce((value, octet) => value * 256 + Number(octet), 0));
  // What a URL makes of it: hexadecimal groups, at most one run of zeros left out.
  const [left = "", right] = new URL(`http://[${text}]`).hostname.slice(1, -1).split("::");
  const groupsOf = (part: string) => (part === "" ? [] : part.split(":"));
  const [before, after] = [groupsOf(left), groupsOf(right ?? "")];
  const zeros = Array<string>(8 - before.length - after.length).fill("0");
  return [...before, ...zeros, ...after].reduce(
    (value, digits) => (value << 16n) | BigInt(`0x${digits}`),
    0n,
  );
}

function isMapped(value: bigint): boolean {
  return value >> 32n === 0xffffn;
}

/** The address with all bits behind the prefix cleared, as an IPv6 address in full or an IPv4 address. */
function network(text: string, prefix: number): string {
  const bits = isIP(text) === 4 ? 32 : 128;
  const free = BigInt(bits - prefix);
  const value = ((BigInt.asUintN(bits, valueOf(text)) >> free) << free).toString(16).padStart(bits / 4, "0");
  if (bits === 32) return [...Buffer.from(value, "hex")].join(".");
  return value.match(/.{4}/g)?.join(":") ?? "";
}

for (const probe of probes) {
  describe(`IP addresses, built as ${probe.name}`, () => {
    it("are what Node takes for one, and have the value that Node sees", () => {
      fc.assert(
        fc.property(fc.oneof(v4, fc.ipV6(), v6, mappedV4, nearlyIp), (text) => {
          assert.equal(probe.ip(text), isIP(text) === 0 ? undefined : valueOf(text), text);
        }),
        { numRuns: 5_000 },
      );
    });

    it("have a port where Envoy writes it", () => {
      fc.assert(
        fc.property(fc.oneof(v4, v6), fc.integer({ min: 0, max: 65_535 }), (text, port) => {
          const written = isIP(text) === 4 ? `${text}:${port}` : `[${text}]:${port}`;
          assert.deepEqual(probe.ipAndPort(written), { ip: valueOf(text), port });
        }),
      );
    });

    it("are in the ranges that Node finds them in", () => {
      const address = fc.oneof(v4, v6);
      fc.assert(
        fc.property(address, address, fc.nat(128), fc.nat(128), (text, other, most, shared) => {
          const prefix = isIP(text) === 4 ? most % 33 : most;
          const range = network(text, prefix);
          const list = new BlockList();
          const familyOf = (ip: string) => (isIP(ip) === 4 ? "ipv4" : "ipv6");
          list.addSubnet(range, prefix, familyOf(range));
          const candidates = [text, other, network(text, isIP(text) === 4 ? shared % 33 : shared)];
          for (const ip of candidates.filter((ip) => familyOf(ip) === familyOf(range)))
            assert.equal(
              probe.ipIsIn(`${range}/${prefix}`, ip),
              list.check(ip, familyOf(ip)),
              `${ip} in ${range}/${prefix}`,
            );
        }),
        { numRuns: 2_000 },
      );
    });

    it("mapped into IPv6 are in the IPv4 ranges that Node finds them in", () => {
      fc.assert(
        fc.property(v4, mappedV4, fc.nat(32), (text, mapped, prefix) => {
          const range = network(text, prefix);
          const list = new BlockList();
          list.addSubnet(range, prefix, "ipv4");
          for (const ip of [mapped, `::ffff:${text}`])
            assert.equal(probe.ipIsIn(`${range}/${prefix}`, ip), list.check(ip, "ipv6"), ip);
        }),
      );
    });

    it("of a range have no bit behind its prefix", () => {
      fc.assert(
        fc.property(fc.oneof(v4, v6), fc.nat(128), (text, most) => {
          const prefix = isIP(text) === 4 ? most % 33 : most;
          const isNetwork = valueOf(network(text, prefix)) === valueOf(text);
          assert.equal(probe.ipIsIn(`${text}/${prefix}`, text), isNetwork ? true : undefined);
        }),
      );
    });
  });
}
