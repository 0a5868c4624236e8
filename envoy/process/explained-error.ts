/** An error whose message is written for the user: what failed, where, and what to do. Printed without a stack. */
export class ExplainedError extends Error {
  override readonly name: string = "ExplainedError";
}
