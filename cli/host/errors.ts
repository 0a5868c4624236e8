/** The module cannot be loaded or started, as Envoy would refuse it too. */
export class LoadError extends Error {
  override readonly name = "LoadError";
}

/** Thrown by a host function into the guest: the guest traps, as when Envoy's V8 raises a trap. */
export class GuestTrap extends Error {
  override readonly name = "GuestTrap";
}
