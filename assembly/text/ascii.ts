// Characters by name, and the classes of them that standards speak of. A byte outside a span is -1 and in no class.

export const enum Char {
  Nul = 0x00,
  Backspace = 0x08,
  Tab = 0x09,
  LineFeed = 0x0a,
  FormFeed = 0x0c,
  CarriageReturn = 0x0d,
  Space = 0x20,
  Quote = 0x22,
  Hash = 0x23,
  Percent = 0x25,
  Ampersand = 0x26,
  Plus = 0x2b,
  Asterisk = 0x2a,
  Comma = 0x2c,
  Dash = 0x2d,
  Dot = 0x2e,
  Slash = 0x2f,
  Zero = 0x30,
  Colon = 0x3a,
  Semicolon = 0x3b,
  Equals = 0x3d,
  QuestionMark = 0x3f,
  At = 0x40,
  UpperA = 0x41,
  UpperE = 0x45,
  OpeningBracket = 0x5b,
  Backslash = 0x5c,
  ClosingBracket = 0x5d,
  Underscore = 0x5f,
  LowerA = 0x61,
  LowerB = 0x62,
  LowerD = 0x64,
  LowerE = 0x65,
  LowerF = 0x66,
  LowerH = 0x68,
  LowerM = 0x6d,
  LowerN = 0x6e,
  LowerR = 0x72,
  LowerS = 0x73,
  LowerT = 0x74,
  LowerU = 0x75,
  LowerX = 0x78,
  OpeningBrace = 0x7b,
  ClosingBrace = 0x7d,
  Tilde = 0x7e,
  Delete = 0x7f,
}

export function isDigit(byte: i32): bool {
  return byte >= 0x30 && byte <= 0x39;
}

export function isUpper(byte: i32): bool {
  return byte >= 0x41 && byte <= 0x5a;
}

export function isLower(byte: i32): bool {
  return byte >= 0x61 && byte <= 0x7a;
}

export function isLetter(byte: i32): bool {
  return isUpper(byte) || isLower(byte);
}

export function isLetterOrDigit(byte: i32): bool {
  return isLetter(byte) || isDigit(byte);
}

/** A character that leaves ink: no space, no control, no byte above ASCII. */
export function isVisible(byte: i32): bool {
  return byte > Char.Space && byte < Char.Delete;
}
