import { resetArena, take, takeSpan } from "../../assembly/host/arena";
import { PairReader, onePair } from "../../assembly/host/pairs";
import { Region } from "../../assembly/host/region";
import {
  ABSENT,
  FAILED,
  byteAt,
  doubleOf,
  equals,
  equalsAscii,
  equalsAsciiIgnoreCase,
  indexOf,
  lengthOf,
  setByte,
  slice,
  sliceFrom,
  startsWith,
} from "../../assembly/host/span";
import { tableForever } from "../../assembly/host/table";
import {
  line,
  startLine,
  writeAscii,
  writeBytes,
  writeDecimal,
  writeHex,
  writeMasked,
} from "../../assembly/host/writer";
import { makeForever } from "../../assembly/host/arena";
import { fromHex, text, utf8 } from "./support";

@unmanaged
class Pair {
  left: i32;
  right: i32;
}

const pairs = makeForever<PairReader>();

describe("a span", () => {
  test("has no byte outside itself", () => {
    const span = utf8("ab");
    expect(byteAt(span, 0)).toBe(0x61);
    expect(byteAt(span, 2)).toBe(-1);
    expect(byteAt(span, -1)).toBe(-1);
    expect(byteAt(ABSENT, 0)).toBe(-1);
    expect(byteAt(FAILED, 0)).toBe(-1);
  });

  test("does not write outside itself", () => {
    const span = utf8("abc");
    setByte(slice(span, 0, 1), 1, 0x78);
    setByte(slice(span, 0, 1), -1, 0x78);
    expect(text(span)).toBe("abc");
  });

  test("slices within itself only", () => {
    const span = utf8("abc");
    expect(text(slice(span, 1, 3))).toBe("bc");
    expect(text(sliceFrom(span, 2))).toBe("c");
    expect(slice(span, 2, 4)).toBe(ABSENT);
    expect(slice(span, -1, 2)).toBe(ABSENT);
    expect(slice(span, 2, 1)).toBe(ABSENT);
  });

  test("equals byte for byte at every length", () => {
    for (let i = 0; i < 40; i++) {
      const one = "x".repeat(i);
      expect(equals(utf8(one), utf8(one))).toBe(true);
      expect(equals(utf8(one + "a"), utf8(one + "b"))).toBe(false);
      expect(equals(utf8("a" + one), utf8("b" + one))).toBe(false);
      expect(equals(utf8(one), utf8(one + "x"))).toBe(false);
    }
  });

  test("compares with literals", () => {
    expect(equalsAscii(utf8("sub"), "sub")).toBe(true);
    expect(equalsAscii(utf8("Sub"), "sub")).toBe(false);
    expect(equalsAscii(ABSENT, "")).toBe(true);
    expect(equalsAsciiIgnoreCase(utf8("bEaReR"), "bearer")).toBe(true);
    expect(equalsAsciiIgnoreCase(utf8("[earer"), "{earer")).toBe(false);
    expect(startsWith(utf8("spiffe"), utf8("spi"))).toBe(true);
    expect(startsWith(utf8("sp"), utf8("spi"))).toBe(false);
    expect(indexOf(utf8("a.b.c"), 0x2e, 2)).toBe(3);
    expect(indexOf(utf8("abc"), 0x2e, 0)).toBe(-1);
  });

  test("is a double only in 8 bytes", () => {
    expect(doubleOf(fromHex("000000000000f03f"))).toBe(1.0);
    expect(isNaN(doubleOf(fromHex("0000000000f03f")))).toBe(true);
  });
});

describe("the arena", () => {
  test("gives what was taken back at the reset", () => {
    resetArena();
    const first = take(100);
    resetArena();
    expect(take(100)).toBe(first);
  });

  test("serves more than its block, up to a limit", () => {
    resetArena();
    expect(lengthOf(takeSpan(1024 * 1024))).toBe(1024 * 1024);
    expect(lengthOf(takeSpan(2 * 1024 * 1024))).toBe(2 * 1024 * 1024);
    expect(take(2 * 1024 * 1024)).toBe(0);
    expect(take(-1)).toBe(0);
    expect(take(i32.MAX_VALUE)).toBe(0);
    resetArena();
    expect(lengthOf(takeSpan(2 * 1024 * 1024))).toBe(2 * 1024 * 1024);
    resetArena();
  });
});

describe("a region", () => {
  test("keeps copies and zeroed records until it is released", () => {
    const region = makeForever<Region>();
    const copy = region.copy(utf8("kept"));
    const record = region.make<Pair>();
    expect(record.left + record.right).toBe(0);
    for (let i = 0; i < 1000; i++) region.copy(utf8("something longer than that"));
    expect(lengthOf(region.copy(utf8("x".repeat(20000))))).toBe(20000);
    expect(text(copy)).toBe("kept");
    region.release();
    expect(text(region.copy(utf8("again")))).toBe("again");
    region.release();
  });
});

describe("a table", () => {
  test("never leaves itself", () => {
    const table = tableForever<Pair>(2);
    table.at(1).right = 7;
    expect(table.at(1).right).toBe(7);
    expect(table.at(2).right).toBe(0);
    expect(table.at(-1).right).toBe(0);
  });
});

describe("header pairs", () => {
  test("are read in order, empty values too", () => {
    const two = fromHex(
      "02000000" + "01000000" + "02000000" + "01000000" + "00000000" + "6100" + "787900" + "6200" + "00",
    );
    pairs.start(two);
    expect(pairs.next()).toBe(true);
    expect(text(pairs.name)).toBe("a");
    expect(text(pairs.value)).toBe("xy");
    expect(pairs.next()).toBe(true);
    expect(text(pairs.name)).toBe("b");
    expect(pairs.value).toBe(ABSENT);
    expect(pairs.next()).toBe(false);
    expect(pairs.ok).toBe(true);
  });

  test("that do not add up are not read", () => {
    const broken = [
      "",
      "0100",
      "01000000",
      "01000000" + "01000000" + "01000000" + "6100" + "78",
      "01000000" + "ffffffff" + "01000000" + "6100" + "7800",
      "01000000" + "01000000" + "ffffff7f" + "6100" + "7800",
      "ffffffff" + "01000000" + "01000000" + "6100" + "7800",
      "01040000" + "01000000" + "01000000" + "6100" + "7800",
    ];
    for (let i = 0; i < broken.length; i++) {
      pairs.start(broken[i].length == 0 ? ABSENT : fromHex(broken[i]));
      while (pairs.next()) {}
      expect(pairs.ok).toBe(false, broken[i]);
    }
  });

  test("are written as they are read", () => {
    pairs.start(onePair("www-authenticate", "Bearer"));
    expect(pairs.next()).toBe(true);
    expect(text(pairs.name)).toBe("www-authenticate");
    expect(text(pairs.value)).toBe("Bearer");
    expect(pairs.next()).toBe(false);
    expect(pairs.ok).toBe(true);
  });
});

describe("the line writer", () => {
  test("writes text, numbers and hex", () => {
    startLine();
    writeAscii("n=");
    writeDecimal(0);
    writeAscii(" ");
    writeDecimal(1234567890123);
    writeAscii(" ");
    writeHex(fromHex("00abff"), 2);
    expect(text(line())).toBe("n=0 1234567890123 00ab");
  });

  test("masks what could break out of a line, and cuts what is too long", () => {
    startLine();
    writeMasked(utf8('a"b\\c\nd\u00e9'), 64);
    expect(text(line())).toBe("a?b?c?d??");
    startLine();
    writeMasked(utf8("abcdef"), 3);
    expect(text(line())).toBe("abc...");
  });

  test("drops what does not fit", () => {
    startLine();
    for (let i = 0; i < 300; i++) writeBytes(utf8("x".repeat(100)));
    expect(lengthOf(line())).toBe(24576);
  });
});
