/**
 * `@peculiar/x509` resolves its providers through tsyringe, which refuses to load without the two readers of the
 * reflect-metadata proposal. Nothing here declares metadata, so that a reader that never finds any is complete.
 * Import this file before `@peculiar/x509`.
 */
Object.assign(Reflect, { getMetadata: findNothing, getOwnMetadata: findNothing });

function findNothing(): undefined {
  return undefined;
}
