export type HeaderPair = readonly [name: string, value: string];

/**
 * Envoy's header map as a filter sees it: ordered, names lower case, duplicates kept.
 *
 * Names and values are latin1 strings, one character per byte, as node:http has them.
 */
export class HeaderMap {
  readonly #pairs: HeaderPair[];

  /** @throws RangeError when a name or value has a character above U+00FF. */
  constructor(pairs: Iterable<HeaderPair> = []) {
    this.#pairs = [];
    for (const [name, value] of pairs) this.add(name, value);
  }

  get pairs(): readonly HeaderPair[] {
    return this.#pairs;
  }

  /** The first value of that name; the guest's single-value read sees no more. */
  first(name: string): string | undefined {
    const wanted = name.toLowerCase();
    return this.#pairs.find(([known]) => known === wanted)?.[1];
  }

  /** All values of that name joined by a comma, as the property `request.headers.<name>` gives them. */
  joined(name: string): string | undefined {
    const wanted = name.toLowerCase();
    const values = this.#pairs.filter(([known]) => known === wanted).map(([, value]) => value);
    return values.length === 0 ? undefined : values.join(",");
  }

  add(name: string, value: string): void {
    this.#pairs.push([requireLatin1(name).toLowerCase(), requireLatin1(value)]);
  }

  /** Removes every value of that name and adds the new one at the end, as HeaderMapImpl::setCopy does. */
  replace(name: string, value: string): void {
    this.remove(name);
    this.add(name, value);
  }

  /** Removes every value of that name. */
  remove(name: string): void {
    const wanted = name.toLowerCase();
    for (let i = this.#pairs.length - 1; i >= 0; i--)
      if (this.#pairs[i]?.[0] === wanted) this.#pairs.splice(i, 1);
  }

  assign(pairs: readonly HeaderPair[]): void {
    this.#pairs.length = 0;
    for (const [name, value] of pairs) this.add(name, value);
  }

  /** Sum of the lengths of names and values, in bytes. */
  get byteSize(): number {
    return this.#pairs.reduce((size, [name, value]) => size + name.length + value.length, 0);
  }
}

function requireLatin1(text: string): string {
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) > 0xff) {
      const place = JSON.stringify(text.slice(0, 40));
      throw new RangeError(
        `header text ${place} has a character above U+00FF at ${i}: header bytes are latin1 here; ` +
          `write Buffer.from(text, "utf8").toString("latin1")`,
      );
    }
  }
  return text;
}
