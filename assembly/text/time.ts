// Times as X.509 has them: in UTC, to the second, with years up to 2049 in one form and later ones in another.
// https://www.rfc-editor.org/rfc/rfc5280#section-4.1.2.5

import { Span, byteAt, lengthOf, sliceFrom } from "../host/span";
import { Char, isDigit } from "./ascii";

/** What is no time. Every time is later. */
export const NO_TIME: i64 = i64.MIN_VALUE;

/** From 1950 to 2049. */
const UTC_TIME_BYTES: i32 = 13;
const UTC_TIME_PIVOT: i32 = 50;
const GENERALIZED_TIME_BYTES: i32 = 15;
const FIRST_GENERALIZED_YEAR: i32 = 2050;
/** The letter that ends a time in UTC. */
const ZULU: i32 = 0x5a;

/** From 1 January of the year 1 to 1 January 1970. */
const DAYS_BEFORE_1970: i32 = 719162;
const DAY_SECONDS: i64 = 24 * 60 * 60;

/** Seconds since 1970 of a UTCTime, `YYMMDDHHMMSSZ`, negative before; NO_TIME when it is none. */
export function parseUtcTime(text: Span): i64 {
  const year = twoDigits(text, 0);
  if (lengthOf(text) != UTC_TIME_BYTES || year < 0) return NO_TIME;
  return secondsOf(year < UTC_TIME_PIVOT ? 2000 + year : 1900 + year, sliceFrom(text, 2));
}

/** Seconds since 1970 of a GeneralizedTime, `YYYYMMDDHHMMSSZ`, in the year 2050 or later; NO_TIME when it is none. */
export function parseGeneralizedTime(text: Span): i64 {
  const century = twoDigits(text, 0);
  const ofCentury = twoDigits(text, 2);
  if (lengthOf(text) != GENERALIZED_TIME_BYTES || century < 0 || ofCentury < 0) return NO_TIME;
  const year = century * 100 + ofCentury;
  return year < FIRST_GENERALIZED_YEAR ? NO_TIME : secondsOf(year, sliceFrom(text, 4));
}

/** @param rest `MMDDHHMMSSZ` */
function secondsOf(year: i32, rest: Span): i64 {
  const month = twoDigits(rest, 0);
  const day = twoDigits(rest, 2);
  const hour = twoDigits(rest, 4);
  const minute = twoDigits(rest, 6);
  const second = twoDigits(rest, 8);
  if (month < 1 || month > 12 || day < 1 || day > daysIn(month, year)) return NO_TIME;
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) return NO_TIME;
  if (byteAt(rest, 10) != ZULU) return NO_TIME;
  return <i64>daysBefore(year, month, day) * DAY_SECONDS + hour * 3600 + minute * 60 + second;
}

/** Days since 1970, negative before. */
function daysBefore(year: i32, month: i32, day: i32): i32 {
  const past = year - 1;
  let days = past * 365 + past / 4 - past / 100 + past / 400 - DAYS_BEFORE_1970;
  for (let earlier = 1; earlier < month; earlier++) days += daysIn(earlier, year);
  return days + day - 1;
}

function daysIn(month: i32, year: i32): i32 {
  if (month == 2) return isLeap(year) ? 29 : 28;
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

function isLeap(year: i32): bool {
  return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/** -1 when there are no two digits. */
function twoDigits(text: Span, at: i32): i32 {
  const tens = byteAt(text, at);
  const ones = byteAt(text, at + 1);
  return isDigit(tens) && isDigit(ones) ? (tens - Char.Zero) * 10 + ones - Char.Zero : -1;
}
