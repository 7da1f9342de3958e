// util.time. Behaviour: "Time helpers in util.time" of the AppSync developer guide; formats are those of Java's
// DateTimeFormatter in English. Text that does not fit its format gives null.

// Regional time zones, which the engine lacks: Python adds each when it is first asked for, then repeats the invocation.
const zones = new Map();

function addZone(name, transitions) {
  zones.set(name, parseJson(transitions));
}

const MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
  "November", "December"];
const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const DAY_LENGTH = 86400000;

const padded = (number, width) => `${number < 0 ? "-" : ""}${String(Math.abs(number)).padStart(width, "0")}`;

function fixedOffset(name) {
  if (/^(?:Z|UTC|GMT|UT)$/.test(name)) return 0;
  const parts = /^(?:UTC|GMT|UT)?([+-])(\d{1,2})(?::?(\d{2}))?(?::?(\d{2}))?$/.exec(name);
  if (parts === null) return null;
  const seconds = Number(parts[2]) * 3600 + Number(parts[3] ?? 0) * 60 + Number(parts[4] ?? 0);
  return parts[1] === "-" ? -seconds : seconds;
}

// The offset in seconds and the abbreviation that hold in a zone at a moment.
function zoneAt(name, milliseconds) {
  const fixed = fixedOffset(name);
  if (fixed !== null) return { offset: fixed, abbreviation: fixed === 0 ? "UTC" : offsetText(fixed, ":") };
  const transitions = zones.get(name);
  if (transitions === undefined) throw { mark: MISSING_ZONE, zone: name };
  let low = 0;
  let high = transitions.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (transitions[middle][0] <= milliseconds) low = middle;
    else high = middle - 1;
  }
  return { offset: transitions[low][1], abbreviation: transitions[low][2] };
}

// A local time that occurs twice is the earlier one, and one that is skipped moves forward, as in Java.
function utcOfLocal(local, zone) {
  const before = zoneAt(zone, local - DAY_LENGTH).offset * 1000;
  const after = zoneAt(zone, local + DAY_LENGTH).offset * 1000;
  const fits = (offset) => zoneAt(zone, local - offset).offset * 1000 === offset;
  if (fits(before) || !fits(after)) return local - before;
  return local - after;
}

function offsetText(seconds, separator, style = "full") {
  const sign = seconds < 0 ? "-" : "+";
  const minutes = Math.trunc(Math.abs(seconds) / 60);
  const rest = minutes % 60;
  const hours = padded(Math.trunc(minutes / 60), 2);
  return style === "short" && rest === 0 ? `${sign}${hours}` : `${sign}${hours}${separator}${padded(rest, 2)}`;
}

function localizedOffset(seconds, short) {
  if (seconds === 0) return "GMT";
  const text = offsetText(seconds, ":");
  return `GMT${short ? text.replace(/^([+-])0/, "$1").replace(/:00$/, "") : text}`;
}

// A pattern's letters and literals, such as [["yyyy"], ["-", true]].
function tokens(pattern) {
  const found = [];
  const parts = String(pattern).match(/'(?:[^']|'')*'|([a-zA-Z])\1*|[^a-zA-Z']+|'/g) ?? [];
  for (const part of parts) {
    if (part === "''") found.push({ literal: "'" });
    else if (part.startsWith("'")) found.push({ literal: part.slice(1, -1).replace(/''/g, "'") });
    else if (/^[a-zA-Z]/.test(part)) found.push({ letter: part[0], count: part.length });
    else found.push({ literal: part.replace(/[[\]]/g, "") });
  }
  return found;
}

const named = (names, index, count) => (count === 5 ? names[index][0] : count === 4 ? names[index] : names[index].slice(0, 3));

function year(value, count) {
  return count === 2 ? padded(value % 100, 2) : padded(value, count);
}

const dayOfYear = (date) => Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / DAY_LENGTH) + 1;

// What each letter writes, from the local time as the UTC fields of a Date.
const WRITERS = {
  y: ({ date }, count) => year(date.getUTCFullYear(), count),
  u: ({ date }, count) => year(date.getUTCFullYear(), count),
  Q: ({ date }, count) => padded(Math.floor(date.getUTCMonth() / 3) + 1, count),
  M: ({ date }, count) => (count > 2 ? named(MONTHS, date.getUTCMonth(), count) : padded(date.getUTCMonth() + 1, count)),
  L: ({ date }, count) => (count > 2 ? named(MONTHS, date.getUTCMonth(), count) : padded(date.getUTCMonth() + 1, count)),
  d: ({ date }, count) => padded(date.getUTCDate(), count),
  D: ({ date }, count) => padded(dayOfYear(date), count),
  E: ({ date }, count) => named(DAYS, date.getUTCDay(), count),
  e: ({ date }, count) => (count > 2 ? named(DAYS, date.getUTCDay(), count) : padded(date.getUTCDay() + 1, count)),
  a: ({ date }) => (date.getUTCHours() < 12 ? "AM" : "PM"),
  h: ({ date }, count) => padded(date.getUTCHours() % 12 || 12, count),
  K: ({ date }, count) => padded(date.getUTCHours() % 12, count),
  H: ({ date }, count) => padded(date.getUTCHours(), count),
  k: ({ date }, count) => padded(date.getUTCHours() || 24, count),
  m: ({ date }, count) => padded(date.getUTCMinutes(), count),
  s: ({ date }, count) => padded(date.getUTCSeconds(), count),
  S: ({ date }, count) => padded(date.getUTCMilliseconds(), 3).padEnd(count, "0").slice(0, count),
  n: ({ date }, count) => padded(date.getUTCMilliseconds() * 1000000, count),
  A: ({ date }, count) => padded(((date.getTime() % DAY_LENGTH) + DAY_LENGTH) % DAY_LENGTH, count),
  V: ({ zone }) => zone,
  z: ({ abbreviation }) => abbreviation,
  O: ({ offset }, count) => localizedOffset(offset, count === 1),
  X: ({ offset }, count) => (offset === 0 ? "Z" : offsetText(offset, count > 2 ? ":" : "", count === 1 ? "short" : "full")),
  x: ({ offset }, count) => offsetText(offset, count > 2 ? ":" : "", count === 1 ? "short" : "full"),
  Z: ({ offset }, count) => (count === 4 ? localizedOffset(offset, false) : offsetText(offset, count === 5 ? ":" : "")),
};

function formatted(milliseconds, pattern, zone = "UTC") {
  const { offset, abbreviation } = zoneAt(zone, milliseconds);
  const moment = { date: new Date(milliseconds + offset * 1000), zone, offset, abbreviation };
  return tokens(pattern).map(({ literal, letter, count }) => {
    if (literal !== undefined) return literal;
    if (!Object.hasOwn(WRITERS, letter)) throw new RangeError(`Unknown pattern letter: ${letter}`);
    return WRITERS[letter](moment, count);
  }).join("");
}

const digits = (count) => (count === 1 ? "\\d+" : `\\d{${count}}`);
const oneOf = (names) => names.join("|");
const shortened = (names) => names.map((name) => name.slice(0, 3));
const OFFSET = "Z|(?:GMT|UTC)?[+-]\\d{1,2}(?::?\\d{2})?(?::?\\d{2})?|GMT|UTC";

// What each letter reads: a regular expression, and the field that its text sets.
const READERS = {
  y: (count) => [digits(count), (fields, text) => (fields.year = count === 2 ? 2000 + Number(text) : Number(text))],
  M: (count) => count > 2
    ? [oneOf(count === 4 ? MONTHS : shortened(MONTHS)), (fields, text) =>
      (fields.month = MONTHS.findIndex((name) => name.startsWith(text)) + 1)]
    : [digits(count), (fields, text) => (fields.month = Number(text))],
  d: (count) => [digits(count), (fields, text) => (fields.day = Number(text))],
  D: (count) => [digits(count), (fields, text) => Object.assign(fields, { month: 1, day: Number(text), dayOfYear: true })],
  E: (count) => [oneOf(count === 4 ? DAYS : shortened(DAYS)), () => {}],
  a: () => ["AM|PM", (fields, text) => (fields.afternoon = text === "PM")],
  h: (count) => [digits(count), (fields, text) => (fields.hour = Number(text) % 12)],
  H: (count) => [digits(count), (fields, text) => (fields.hour = Number(text))],
  k: (count) => [digits(count), (fields, text) => (fields.hour = Number(text) % 24)],
  m: (count) => [digits(count), (fields, text) => (fields.minute = Number(text))],
  s: (count) => [digits(count), (fields, text) => (fields.second = Number(text))],
  S: (count) => [`\\d{${count}}`, (fields, text) => (fields.millisecond = Number(text.padEnd(3, "0").slice(0, 3)))],
  V: () => ["[A-Za-z0-9_+\\-/]+", (fields, text) => (fields.zone = text)],
  z: () => ["[A-Za-z0-9_+\\-/]+", (fields, text) => (fields.zone = text)],
  Z: () => [OFFSET, (fields, text) => (fields.zone = text)],
};
Object.assign(READERS, { u: READERS.y, L: READERS.M, K: READERS.h, X: READERS.Z, x: READERS.Z, O: READERS.Z });

function readFields(text, pattern) {
  const setters = [];
  const source = tokens(pattern).map(({ literal, letter, count }) => {
    if (literal !== undefined) return literal.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
    if (!Object.hasOwn(READERS, letter)) throw new RangeError(`Unknown pattern letter: ${letter}`);
    const [expression, set] = READERS[letter](count);
    setters.push(set);
    return `(${expression})`;
  }).join("");
  const found = new RegExp(`^${source}$`).exec(String(text));
  if (found === null) return null;
  const fields = { year: 1970, month: 1, day: 1, hour: 0, minute: 0, second: 0, millisecond: 0 };
  setters.forEach((set, index) => set(fields, found[index + 1]));
  if (fields.afternoon) fields.hour += 12;
  return fields;
}

function epochOf(fields, zone) {
  const { year: fullYear, month, day, hour, minute, second, millisecond } = fields;
  const date = new Date(Date.UTC(2000, month - 1, day, hour, minute, second, millisecond));
  date.setUTCFullYear(fullYear, month - 1, day);
  const exists = fields.dayOfYear || (date.getUTCMonth() === month - 1 && date.getUTCDate() === day);
  if (!exists || hour > 23 || minute > 59 || second > 59) return null;
  return utcOfLocal(date.getTime(), zone);
}

function parseFormatted(text, pattern, zone) {
  const fields = readFields(text, pattern);
  const where = fields?.zone ?? zone;
  return fields === null || where === undefined ? null : epochOf(fields, where);
}

const ISO8601 = /^(\d{4})-(\d{2})-(\d{2})(?:T(\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?)?(Z|[+-]\d{2}(?::?\d{2})?(?::?\d{2})?)?$/;

function parseIso8601(text) {
  const found = ISO8601.exec(String(text));
  if (found === null) return null;
  const [year_, month, day, hour, minute, second] = found.slice(1, 7).map((part) => Number(part ?? 0));
  const millisecond = Number((found[7] ?? "").padEnd(3, "0").slice(0, 3));
  return epochOf({ year: year_, month, day, hour, minute, second, millisecond }, found[8] ?? "UTC");
}

const time = {
  nowISO8601: () => new Date(invocation.now).toISOString(),
  nowEpochSeconds: () => Math.floor(invocation.now / 1000),
  nowEpochMilliSeconds: () => Math.floor(invocation.now),
  nowFormatted: (pattern, zone) => formatted(Math.floor(invocation.now), pattern, zone),
  parseFormattedToEpochMilliSeconds: parseFormatted,
  parseISO8601ToEpochMilliSeconds: parseIso8601,
  epochMilliSecondsToSeconds: (milliseconds) => Math.floor(milliseconds / 1000),
  epochMilliSecondsToISO8601: (milliseconds) => new Date(milliseconds).toISOString(),
  epochMilliSecondsToFormatted: formatted,
};
