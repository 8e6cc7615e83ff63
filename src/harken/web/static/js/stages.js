/** What a tap means in a room's present state. No page here: data in, data out. */
import { hubNow, uuid7 } from "./time.js";

/** @typedef {import("./types.js").LiveRoom} LiveRoom */
/** @typedef {import("./types.js").LiveEpisode} LiveEpisode */
/** @typedef {import("./types.js").Me} Me */
/** @typedef {import("./types.js").PageEvent} PageEvent */
/** @typedef {"none" | "go" | "here" | "helped" | "after"} Stage */

/** @type {[string, string][]} */
export const ATTEMPTS = [
  ["hold", "Hold"], ["carry", "Carry"], ["feed", "Feed"], ["rock", "Rock"],
  ["swaddle", "Swaddle"], ["nappy", "Nappy"], ["pat", "Pat"], ["voice", "Voice"],
  ["song", "Song"], ["medicine", "Medicine"], ["other", "Other"],
];

/** @type {[string, string][]} */
export const NEEDS = [
  ["hunger", "Hungry"], ["nappy", "Nappy"], ["tired", "Tired"], ["wind", "Wind"],
  ["pain", "Pain, teeth"], ["temperature", "Hot, cold"], ["ill", "Ill"], ["company", "Company"],
];

/** @type {Record<string, string>} */
export const OUTCOMES = {
  soothed: "soothed",
  settled_alone: "settled alone",
  stopped_unanswered: "stopped, unanswered",
  still_crying: "still crying",
};

/** @type {Record<string, string>} */
export const CHANNELS = {
  page: "open page", push: "phone push", speaker: "loudspeaker", apprise: "message", mqtt: "smart home",
  webhook: "webhook",
};

/** @type {Record<string, string>} in a sentence: "soothed, held" */
const PAST = {
  hold: "held", carry: "carried", feed: "fed", rock: "rocked", swaddle: "swaddled",
  nappy: "nappy changed", pat: "patted", voice: "a voice", song: "a song", medicine: "medicine",
  other: "something else",
};

/** @param {string} attempt */
export const attemptName = (attempt) => PAST[attempt] ?? attempt;

/**
 * An event that a tap makes.
 *
 * @param {string} kind
 * @param {LiveRoom | null} room
 * @param {Record<string, any>} [data]
 * @returns {PageEvent}
 */
export function tapped(kind, room, data = {}) {
  const child = room?.children.length === 1 ? room.children[0].id : null;
  // The phone's own clock: the hub corrects it by `sent_at`.
  return { id: uuid7(), kind, at: new Date().toISOString(), room: room?.id ?? null, child, data };
}

/**
 * Show a room as it will be once the hub has the taps that wait.
 *
 * @param {LiveRoom} room
 * @param {PageEvent[]} taps  that the hub's snapshot does not hold yet
 * @param {Set<string>} waiting  ids of those that the hub does not have
 * @param {Me} me
 * @returns {LiveRoom}
 */
export function withTaps(room, taps, waiting, me) {
  const mine = taps.filter((tap) => tap.room === room.id);
  if (!mine.length || !room.episode) return room;
  /** @type {LiveEpisode} */
  const episode = structuredClone(room.episode);
  const lists = [episode.going, episode.there, episode.soothing, episode.checks, episode.proposed];
  const known = new Set(lists.flat().map((one) => one.event));
  for (const tap of mine) {
    if (known.has(tap.id)) continue;
    const entry = {
      event: tap.id, caregiver: me.caregiver, name: me.name, at: tap.at, waiting: waiting.has(tap.id),
    };
    if (tap.kind === "acknowledged") episode.going.push(entry);
    else if (tap.kind === "responded") {
      episode.there.push({ ...entry, manner: tap.data.manner, source: "tapped" });
    } else if (tap.kind === "soothed") episode.soothing.push({ ...entry, attempt: tap.data.attempt });
    else if (tap.kind === "checked") {
      episode.checks.push({ ...entry, need: tap.data.need, found: tap.data.found ?? null });
    } else if (tap.kind === "calmed") episode.calm_at = tap.at;
    else if (tap.kind === "not_a_cry") episode.false_alarm = true;
    else if (tap.kind === "plan_ended") episode.plan = null;
    else if (tap.kind === "confirmed") {
      const found = episode.proposed.find((one) => one.event === tap.data.target);
      if (found) episode.there.push({ ...entry, at: found.at, manner: "arrived", source: "heard" });
      episode.proposed = episode.proposed.filter((one) => one !== found);
    }
  }
  for (const tap of mine.filter((one) => one.kind === "removed")) {
    const gone = (/** @type {{event: string}} */ one) => one.event !== tap.data.target;
    episode.going = episode.going.filter(gone);
    episode.there = episode.there.filter(gone);
    episode.soothing = episode.soothing.filter(gone);
    episode.checks = episode.checks.filter(gone);
    episode.proposed = episode.proposed.filter(gone);
    const target = mine.find((one) => one.id === tap.data.target);
    if (target?.kind === "calmed") episode.calm_at = room.episode.calm_at;
    if (target?.kind === "not_a_cry") episode.false_alarm = room.episode.false_alarm;
  }
  return { ...room, episode };
}

/**
 * What the big button is for.
 *
 * @param {LiveRoom} room
 * @param {(entry: {caregiver: string | null, event: string}) => boolean} isMine
 * @returns {Stage}
 */
export function stageOf(room, isMine) {
  const { episode } = room;
  if (!episode || episode.false_alarm || room.state === "off") return "none";
  if (episode.calm_at) return "after";
  // Talking to a baby from afar is not being there: the button stays.
  if (episode.there.some((one) => isMine(one) && one.manner === "arrived")) return "helped";
  if (episode.going.some(isMine)) return "here";
  return "go";
}

/**
 * Which room comes first: who waits longest without anybody, then who is loudest.
 *
 * @param {LiveRoom} a
 * @param {LiveRoom} b
 * @returns {number}
 */
export function urgency(a, b) {
  return rank(a) - rank(b) || onset(a) - onset(b) || (b.level_dbfs ?? -99) - (a.level_dbfs ?? -99);
}

/** @param {LiveRoom} room @returns {number} */
function rank(room) {
  const { episode } = room;
  if (room.state === "crying" && !episode?.false_alarm) {
    if (episode?.there.length) return 3;
    return episode?.going.length ? 2 : 0;
  }
  if (room.state === "unheard") return 1;
  if (episode && !episode.calm_at && !episode.false_alarm) return 4;
  return room.state === "off" ? 6 : 5;
}

/** @param {LiveRoom} room */
const onset = (room) => Date.parse(room.episode?.onset ?? "") || hubNow();

/**
 * @param {LiveRoom} room
 * @returns {string} the word that fills the card
 */
export function stateWord(room) {
  if (room.state === "crying" && room.episode?.false_alarm) return "No cry";
  if (room.state === "crying") return room.provisional ? "Crying?" : "Crying";
  if (room.state === "pausing") return room.episode?.calm_at ? "Calm" : "Quiet";
  if (room.state === "unheard") return "Not heard";
  if (room.state === "off") return "Off";
  return "Calm";
}

/**
 * @param {LiveRoom} room
 * @returns {string} why the room is not heard, without its name before it and a stop behind it
 */
export function unheardReason(room) {
  const reason = (room.unheard_reason ?? "").trim().replace(/\.$/, "");
  return reason.startsWith(`${room.name}: `) ? reason.slice(room.name.length + 2) : reason;
}
