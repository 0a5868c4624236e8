// A list that is written once, while a policy is loaded, and then only read. Its zero value is empty.

import { Region } from "./region";

@unmanaged
export class Link<T> {
  item: T;
  next: Link<T> | null;
}

@unmanaged
export class List<T> {
  first: Link<T> | null;
  private last: Link<T> | null;
  count: i32;

  /** Adds `item` at the end; the link lives in `region`. */
  append(item: T, region: Region): void {
    const link = region.make<Link<T>>();
    link.item = item;
    const last = this.last;
    if (last == null) this.first = link;
    else last.next = link;
    this.last = link;
    this.count++;
  }
}
