// How far one token has travelled, as far as one worker sees: when it was here last, who has shown it, who has accepted it.

import { makeForever } from "../host/arena";
import { Table, tableForever } from "../host/table";

/** Different ones that are told apart. */
const MOST: i32 = 5;

@unmanaged
class Hash {
  value: u32;
}

/** A few hashes, each once. */
@unmanaged
export class Distinct {
  count: i32;
  private hashes: Table<Hash>;

  static make(): Distinct {
    const distinct = makeForever<Distinct>();
    distinct.hashes = tableForever<Hash>(MOST);
    return distinct;
  }

  /** True when it was not there before, and there was room for it. */
  add(hash: u32): bool {
    for (let i = 0; i < this.count; i++) {
      if (this.hashes.at(i).value == hash) return false;
    }
    if (this.count == MOST) return false;
    this.hashes.at(this.count++).value = hash;
    return true;
  }
}

@unmanaged
export class Reach {
  /** Milliseconds since 1970 when it was last used; 0: never before. */
  usedAt: i64;
  presenters: Distinct;
  services: Distinct;

  static make(): Reach {
    const reach = makeForever<Reach>();
    reach.presenters = Distinct.make();
    reach.services = Distinct.make();
    return reach;
  }

  clear(): void {
    this.usedAt = 0;
    this.presenters.count = 0;
    this.services.count = 0;
  }
}
