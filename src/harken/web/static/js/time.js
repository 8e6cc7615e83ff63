/** Times as the hub sees them, in the household's zone; and figures as they are read. */

let offsetMs = 0;
/** @type {string | undefined} */
let zone;

/**
 * Learn the hub's clock and zone: this phone's may be wrong.
 *
 * @param {string} now  ISO 8601
 * @param {string} [name]  IANA zone
 */
export function learnClock(now, name) {
  offsetMs = Date.parse(now) - Date.now();
  if (!name) return;
  try {
    new Intl.DateTimeFormat("en-GB", { timeZone: name });
    zone = name;
  } catch {
    zone = undefined;
  }
}

/** @returns {number} ms since 1970, by the hub's clock */
export const hubNow = () => Date.now() + offsetMs;

/**
 * Give an instant as this phone's clock would have shown it. Times in events are by the phone's
 * clock, and the hub takes off by how much it is wrong; a time that a person typed must survive that.
 *
 * @param {Date | number | string} at
 * @returns {string} ISO 8601
 */
export function byThisPhone(at) {
  const wrong = Math.abs(offsetMs) > 2000 ? offsetMs : 0;
  return new Date(new Date(at).getTime() - wrong).toISOString();
}

/** @returns {string | undefined} the household's zone */
export const householdZone = () => zone;

/** @param {string | number | Date} at @param {Intl.DateTimeFormatOptions} how */
const format = (at, how) => new Intl.DateTimeFormat("en-GB", { timeZone: zone, ...how }).format(new Date(at));

/** @param {string | number | Date | null | undefined} at @returns {string} like 02:14 */
export const clock = (at) =>
  at === null || at === undefined ? "–" : format(at, { hour: "2-digit", minute: "2-digit" });

/** @param {string | number | Date} at @returns {string} like 02:14:09 */
export const clockSeconds = (at) =>
  format(at, { hour: "2-digit", minute: "2-digit", second: "2-digit" });

/** @param {string | number | Date} at @returns {string} like Tuesday 3 March */
export const dayName = (at) => format(at, { weekday: "long", day: "numeric", month: "long" });

/** @param {string | number | Date} at @returns {string} like 2026-03-03, in the household's zone */
export function isoDay(at) {
  const parts = new Intl.DateTimeFormat("en-CA", {
    timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit",
  }).format(new Date(at));
  return parts.slice(0, 10);
}

/** @param {string | number} at @returns {string} 02:14, or with the day where it is not today */
export function when(at) {
  return isoDay(at) === isoDay(hubNow())
    ? clock(at)
    : `${format(at, { weekday: "short", day: "numeric", month: "short" })}, ${clock(at)}`;
}

/** @param {string} iso @param {number} [now] @returns {number} seconds since, at least 0 */
export const since = (iso, now = hubNow()) => Math.max(0, (now - Date.parse(iso)) / 1000);

/** @param {number} seconds @returns {string} like 0:14, 12:03 or 1:02:03 */
export function span(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (/** @type {number} */ n) => String(n).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  return hours
    ? `${hours}:${two(minutes)}:${two(whole % 60)}`
    : `${minutes}:${two(whole % 60)}`;
}

/** @param {number} seconds @returns {string} like 2 h 14 min, for what is not urgent */
export function roughly(seconds) {
  if (seconds < 60) return "less than a minute";
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48
    ? `${hours} h${minutes % 60 ? ` ${minutes % 60} min` : ""}`
    : `${Math.floor(hours / 24)} days`;
}

/** @param {number} seconds @returns {string} in words, for a screen reader */
export function spoken(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const parts = [
    [Math.floor(whole / 3600), "hour"], [Math.floor((whole % 3600) / 60), "minute"],
    [whole < 3600 ? whole % 60 : 0, "second"],
  ];
  const said = parts
    .filter(([n]) => n)
    .map(([n, unit]) => `${n} ${unit}${n === 1 ? "" : "s"}`);
  return said.join(" ") || "0 seconds";
}

/**
 * Turn a local date and time in the household's zone into an instant.
 *
 * @param {string} day  YYYY-MM-DD
 * @param {string} time  HH:MM
 * @returns {Date}
 */
export function instant(day, time) {
  const asUtc = Date.parse(`${day}T${time}:00Z`);
  // Twice, so that a night on which the clocks change comes out right.
  let guess = asUtc - zoneOffset(asUtc);
  guess = asUtc - zoneOffset(guess);
  return new Date(guess);
}

/** @param {number} at @returns {number} ms that the household's wall clock is ahead of UTC */
function zoneOffset(at) {
  const parts = Object.fromEntries(
    new Intl.DateTimeFormat("en-GB", {
      timeZone: zone, hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit",
      hour: "2-digit", minute: "2-digit", second: "2-digit",
    }).formatToParts(new Date(at)).map((one) => [one.type, one.value]),
  );
  const wall = Date.parse(
    `${parts.year}-${parts.month}-${parts.day}T${parts.hour}:${parts.minute}:${parts.second}Z`,
  );
  return wall - Math.floor(at / 1000) * 1000;
}

/**
 * A UUIDv7 (RFC 9562): the id that makes a tap count once, however often it is sent.
 *
 * @returns {string}
 */
export function uuid7() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  let ms = Date.now();
  for (let i = 5; i >= 0; i -= 1) {
    bytes[i] = ms % 256;
    ms = Math.floor(ms / 256);
  }
  bytes[6] = 0x70 | (bytes[6] & 0x0f);
  bytes[8] = 0x80 | (bytes[8] & 0x3f);
  const hex = [...bytes].map((one) => one.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)]
    .join("-");
}

/** @param {number} level @returns {string} like −32 dBFS */
export const decibels = (level) => `${level < 0 ? "−" : ""}${Math.abs(Math.round(level))} dBFS`;
