/** Something that the user can mend: one line that says what is wrong, where, and what was expected. */
export class Failure extends Error {
  override readonly name = "Failure";
}
