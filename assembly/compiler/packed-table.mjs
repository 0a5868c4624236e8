// Makes the compiler store wasm-crypto's table of points with two bytes a limb instead of eight, and spread it out when a VM starts:
// docs/adr/0009-packed-table.md.

import { Transform } from "assemblyscript/transform";

const TABLE = "~lib/wasm-crypto/assembly/precomp.ts";
/** Coordinates of a point, and limbs of a coordinate. */
const COORDINATES = 3;
const LIMBS = 16;
const LARGEST_LIMB = 0xffff;

export default class PackedTable extends Transform {
  afterParse(parser) {
    const place = parser.sources.findIndex(({ normalizedPath }) => normalizedPath === TABLE);
    if (place < 0) throw new Error(`no ${TABLE}: adapt assembly/compiler/packed-table.mjs`);
    const written = parser.sources[place];
    // The parser takes no file twice.
    parser.donelog.delete(written.internalPath);
    parser.parseFile(spreadOut(limbsIn(written.text)), TABLE, false);
    parser.sources[place] = parser.sources.pop();
    if (parser.sources[place].normalizedPath !== TABLE)
      throw new Error("this AssemblyScript parses in another way: adapt assembly/compiler/packed-table.mjs");
  }
}

/** Every limb of the table, in order. */
function limbsIn(text) {
  const [, table] = /^\s*export const precompBase: i64\[\]\[\]\[\] = (\[[^]*\]);?\s*$/.exec(text) ?? [];
  const points = JSON.parse(table ?? "null");
  const isTable = points?.every(
    (point) =>
      point.length === COORDINATES &&
      point.every((coordinate) => coordinate.length === LIMBS && coordinate.every(isLimb)),
  );
  if (!isTable) throw new Error(`${TABLE} has another form: adapt assembly/compiler/packed-table.mjs`);
  return points.flat(2);
}

function isLimb(number) {
  return Number.isInteger(number) && number >= 0 && number <= LARGEST_LIMB;
}

/** The same table in AssemblyScript, from a static array that it is copied out of. */
function spreadOut(limbs) {
  return `
    const limbs: StaticArray<u16> = [${limbs.join()}];
    function spreadOut(): i64[][][] {
      const points: i64[][][] = [];
      for (let next = 0; next < limbs.length; ) {
        const point: i64[][] = [];
        for (let c = 0; c < ${COORDINATES}; c++) {
          const coordinate = new Array<i64>(${LIMBS});
          for (let l = 0; l < ${LIMBS}; l++) coordinate[l] = limbs[next++];
          point.push(coordinate);
        }
        points.push(point);
      }
      return points;
    }
    export const precompBase: i64[][][] = spreadOut();`;
}
