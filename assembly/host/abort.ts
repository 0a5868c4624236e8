/** Where AssemblyScript's own checks end. Nothing in this filter means to get here: a trap takes down a worker's VM. */
export function abort(_message: string | null, _file: string | null, _line: u32, _column: u32): void {
  unreachable();
}
