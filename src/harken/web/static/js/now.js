/** Now: how each room is, who was told, who is going; and one button for the thumb. */
import {
  allowSound, buzz, canStayAwake, isRinging, ring, ringingKeys, sample, silence, soundReady, stayAwake,
  staysAwake, stopRinging, title, watchAlarm,
} from "./alarm.js";
import { post } from "./api.js";
import { announce, byId, el, fill, say, toast } from "./dom.js";
import { outbox } from "./outbox.js";
import { remember, remembered, start } from "./shell.js";
import {
  ATTEMPTS, attemptName, CHANNELS, NEEDS, OUTCOMES, stageOf, stateWord, tapped, unheardReason, urgency,
  withTaps,
} from "./stages.js";
import { clock, clockSeconds, hubNow, roughly, since, span, spoken, uuid7, when } from "./time.js";

/** @typedef {import("./types.js").Snapshot} Snapshot */
/** @typedef {import("./types.js").LiveRoom} LiveRoom */
/** @typedef {import("./types.js").LiveEpisode} LiveEpisode */
/** @typedef {import("./types.js").PageEvent} PageEvent */
/** @typedef {import("./types.js").Alert} Alert */

/** Seconds that a tap is shown from memory after the hub took it, until its snapshot shows it. */
const OVERLAP_S = 4;
/** Seconds without the hub after which this page rings for itself. */
const LOST_RINGS_AFTER_S = 15;
/** ms in which a second tap on the big button is taken for a bounce. */
const BOUNCE_MS = 900;
/** Minutes after an episode in which it is asked what helped. */
const ASK_AFTER_MIN = 20;

/** @type {{key: string, asks: string, why: string}[]} the questions to ask oneself when a baby cries */
const FOUR = JSON.parse(document.getElementById("four")?.textContent ?? "[]");

/** @type {Snapshot | null} */
let snap = null;
/** Whether what is on the screen is what the hub says now. */
let live = false;
/** @type {boolean | null} null until the first answer or the first failure */
let connected = null;
let lastHeard = hubNow();
/** @type {string | null} */
let chosen = null;
/** @type {Map<string, {event: PageEvent, until: number}>} */
const accepted = new Map();
/** Taps of this browser, newest last, so that each can be undone and known as one's own. */
/** @type {PageEvent[]} */
const mine = remembered("mine") ?? [];
/** @type {Map<string, number>} per room: when this phone was last asked to ring, hub time */
const asked = new Map();
/** @type {Set<string>} episodes for which this phone was told to be quiet, with the asking time */
const hushed = new Set();
/** @type {Map<string, string>} */
const before = new Map();
/** @type {Map<string, Card>} */
const cards = new Map();

const dock = byId("dock", HTMLElement);
const place = byId("rooms", HTMLElement);

/** One room's card: made once, then only its texts change. */
class Card {
  constructor() {
    this.name = el("h2", { class: "name" });
    this.word = el("p", { class: "word" });
    this.clock = el("p", { class: "clock", role: "timer", "aria-live": "off" });
    this.about = el("p", { class: "about" });
    this.people = el("div", { class: "people" });
    this.choose = el("div", {});
    this.root = el(
      "section", { class: "room" }, this.name, this.word, this.clock, this.about, this.people,
      this.choose,
    );
  }
}

/** @param {{caregiver: string | null, event: string}} entry */
const isMine = (entry) =>
  mine.some((one) => one.id === entry.event) ||
  (entry.caregiver !== null && entry.caregiver === snap?.me.caregiver);

/** @returns {boolean} whether this device's taps count */
const cares = () => snap?.me.role === "owner" || snap?.me.role === "caregiver";

/** @returns {LiveRoom[]} with what was tapped here and is not in the snapshot yet */
function rooms() {
  if (!snap) return [];
  const now = Date.now();
  for (const [id, one] of accepted) if (one.until < now) accepted.delete(id);
  const waiting = outbox.pending.filter((one) => !accepted.has(one.id));
  const ids = new Set(waiting.map((one) => one.id));
  const taps = [...[...accepted.values()].map((one) => one.event), ...waiting];
  const me = snap.me;
  return snap.rooms.map((room) => withTaps(room, taps, ids, me));
}

/**
 * Send a tap, and offer to take it back.
 *
 * @param {string} kind
 * @param {LiveRoom} room
 * @param {Record<string, any>} data
 * @param {string} says
 */
function tap(kind, room, data, says) {
  const episode = room.episode?.id;
  const caregiver = snap?.me.caregiver;
  const about = ["confirmed", "removed", "plan_ended", "corrected"].includes(kind)
    ? {}
    : { ...(episode && { episode }), ...(caregiver && { caregiver }) };
  const event = tapped(kind, room, { ...about, ...data });
  mine.push(event);
  mine.splice(0, mine.length - 60);
  remember("mine", mine);
  silence();
  hush(room);
  outbox.add(event);
  buzz(25);
  announce(says);
  if (kind === "removed") toast(says, { seconds: 4 });
  else toast(says, { label: "Undo", act: () => undo(event.id, room) });
  render();
}

/** @param {string} target @param {LiveRoom | undefined} room */
function undo(target, room) {
  if (room) tap("removed", room, { target }, "Taken back.");
}

function undoLast() {
  const gone = new Set(mine.filter((one) => one.kind === "removed").map((one) => one.data.target));
  const last = mine.filter((one) => one.kind !== "removed" && !gone.has(one.id)).at(-1);
  if (!last || Date.now() - Date.parse(last.at) > 3_600_000) return;
  undo(last.id, rooms().find((room) => room.id === last.room));
}

/** @param {LiveRoom} room */
const hush = (room) => hushed.add(`${room.id} ${asked.get(room.id) ?? 0}`);

/** Ring for the rooms that ask for it, and for no other. */
function ringWhereDue() {
  const wanted = new Set();
  for (const room of rooms()) {
    const { episode } = room;
    if (!episode) {
      if (room.state !== "unheard") asked.delete(room.id);
    } else {
      for (const one of episode.told) {
        if (one.caregiver !== null && one.caregiver === snap?.me.caregiver && one.sent) {
          asked.set(room.id, Math.max(asked.get(room.id) ?? 0, Date.parse(one.due ?? one.sent)));
        }
      }
    }
    const at = asked.get(room.id);
    if (at === undefined || hushed.has(`${room.id} ${at}`)) continue;
    if (room.state === "unheard" && !episode) {
      wanted.add(`lost ${room.id}`);
    } else if (episode && room.state === "crying" && !episode.false_alarm && !episode.calm_at) {
      // The hub's clock and a phone's differ by a little: two seconds are the same moment.
      const answered = [...episode.going, ...episode.there].some((one) => Date.parse(one.at) > at - 2000);
      if (!answered) wanted.add(`cry ${room.id}`);
    }
  }
  if (connected === false && (hubNow() - lastHeard) / 1000 > LOST_RINGS_AFTER_S) {
    if (!hushed.has(`hub ${lastHeard}`)) wanted.add("lost hub");
  }
  for (const key of ringingKeys()) if (!wanted.has(key)) stopRinging(key);
  for (const key of wanted) ring(key, key.startsWith("cry") ? "cry" : "lost");
}

/** This phone's own account of a moment. */
function touch() {
  const now = new Date().toISOString();
  return { id: uuid7(), at: now, sent_at: now };
}

/** @param {Alert} alert */
function onAlert(alert) {
  if (!cares()) return;
  const report = (/** @type {string} */ what) =>
    post(`/api/alerts/${encodeURIComponent(alert.alert)}/${what}`, touch()).catch(() => {});
  report("received");
  if (alert.about === "heard" || alert.about === "summary" || alert.about === "push_lost") {
    toast([alert.title, alert.body].filter(Boolean).join(" "), { label: "OK", act: () => {}, seconds: 30 });
  } else if (alert.room) {
    asked.set(alert.room, hubNow());
    chosen = null;
  }
  render();
  if (document.visibilityState === "visible" || soundReady()) report("shown");
}

function render() {
  const all = rooms().sort(urgency);
  if (!snap) return;
  const stale = connected === false || !live;
  place.classList.toggle("many", all.length > 1);
  byId("main", HTMLElement).classList.toggle("wide", all.length > 1);
  const focus = all.find((room) => room.id === chosen && room.episode) ?? all[0];
  const nodes = all.map((room) => drawRoom(room, room.id === focus?.id, all.length, stale));
  if (nodes.some((node, i) => place.children[i] !== node) || place.children.length !== nodes.length) {
    place.replaceChildren(...nodes);
  }
  if (!all.length) place.replaceChildren(firstSteps());
  drawDock(focus ?? null);
  drawProblems();
  drawSwitches();
  ringWhereDue();
  tick();
}

/** @returns {boolean} whether the page came from this phone's memory, and the hub is silent yet */
const isOld = () => !live && Math.abs(Date.now() - Date.parse(snap?.now ?? "")) > 30_000;

function firstSteps() {
  return el(
    "section", { class: "room" }, el("p", { class: "word" }, "Welcome"),
    el("p", { class: "about" }, "No room is set up that this device may see."),
    el("p", {}, el("a", { class: "button", href: "/settings" }, "Settings")),
  );
}

/**
 * @param {LiveRoom} room
 * @param {boolean} focused
 * @param {number} many
 * @param {boolean} stale
 * @returns {HTMLElement}
 */
function drawRoom(room, focused, many, stale) {
  const card = cards.get(room.id) ?? new Card();
  cards.set(room.id, card);
  const { episode } = room;
  const noCry = room.state === "crying" && episode?.false_alarm;
  const shown = stale && (connected === false || isOld()) ? "stale" : noCry ? "calm" : room.state;
  card.root.dataset.state = shown;
  card.root.classList.toggle("small", many > 1 && ["calm", "off"].includes(shown) && !episode);
  card.root.setAttribute("aria-label", room.name);
  if (many > 1 && focused && episode) card.root.setAttribute("aria-current", "true");
  else card.root.removeAttribute("aria-current");
  fill(card.name, `${room.name}|${room.children.map((one) => one.name).join()}`, () => [
    el("span", {}, room.name),
    el("span", { class: "child" }, room.children.map((one) => one.name).join(", ")),
  ]);
  const unknown = connected === false ? "Not connected" : "Asking…";
  say(card.word, shown === "stale" ? unknown : stateWord(room));
  const level = room.level_dbfs;
  card.root.style.setProperty(
    "--level", level === null ? "0.6" : String(Math.min(1, Math.max(0.3, (level + 60) / 50))),
  );
  drawPeople(card, room, stale);
  const offered = many > 1 && !focused && episode !== null && !stale && !episode.false_alarm;
  fill(card.choose, String(offered), () => [
    offered && el("button", {
      type: "button", class: "button choose",
      onclick: () => {
        chosen = room.id;
        render();
        dock.querySelector("button")?.focus();
      },
    }, `Answer ${room.name}`),
  ]);
  tellChange(room, stale);
  return card.root;
}

/** @param {LiveRoom} room @param {boolean} stale */
function tellChange(room, stale) {
  if (stale) return;
  const going = room.episode?.going.map((one) => one.name).join() ?? "";
  const there = room.episode?.there.map((one) => one.name).join() ?? "";
  const now = [room.state, room.provisional, going, there].join("|");
  const was = before.get(room.id);
  before.set(room.id, now);
  if (was === undefined || was === now) {
    if (was === undefined && room.state === "crying") announce(`${room.name}: crying.`, "assertive");
    return;
  }
  const [state, , wasGoing, wasThere] = was.split("|");
  if (state !== room.state) {
    const urgent = room.state === "crying" || room.state === "unheard";
    announce(`${room.name}: ${stateWord(room)}.`, urgent ? "assertive" : "polite");
  }
  if (wasGoing !== going && going) announce(`${names(room.episode?.going ?? [])} on the way to ${room.name}.`);
  if (wasThere !== there && there) announce(`${names(room.episode?.there ?? [])} in ${room.name}.`);
}

/** @param {{name: string | null}[]} people */
function names(people) {
  const all = [...new Set(people.map((one) => one.name || "Somebody"))];
  return `${all.join(" and ")} ${all.length > 1 ? "are" : "is"}`;
}

/** @param {Card} card @param {LiveRoom} room @param {boolean} stale */
function drawPeople(card, room, stale) {
  const { episode, last } = room;
  const key = JSON.stringify([
    stale, room.state, room.unheard_since, room.unheard_reason, episode && {
      ...episode, crying_s: 0,
    }, last, mine.length, room.ear, selfQuestion(room)?.key,
  ]);
  fill(card.people, key, () => {
    if (stale && connected === false) {
      return [el("p", {}, `At ${clock(lastHeard)} ${room.name} was: ${stateWord(room).toLowerCase()}.`)];
    }
    const parts = [];
    if (room.state === "unheard") {
      parts.push(el(
        "p", { class: "loudly" },
        `Nobody is listening to ${room.name}`,
        room.unheard_since ? ` since ${when(room.unheard_since)}` : "",
        unheardReason(room) ? `: ${unheardReason(room)}.` : ".",
      ));
      if (room.ear === "browser" && cares()) {
        parts.push(el("p", {}, el(
          "a", { class: "button", href: `/nursery?room=${encodeURIComponent(room.id)}` },
          "Make this device the ears",
        )));
      }
    }
    if (room.state === "off") parts.push(el("p", {}, "Listening is switched off in Settings."));
    if (episode) parts.push(...drawEpisode(room, episode));
    else if (last && room.state !== "unheard") parts.push(drawLast(last));
    const question = selfQuestion(room);
    if (question) parts.push(drawQuestion(question));
    return parts;
  });
}

/** @param {LiveRoom} room @param {LiveEpisode} episode @returns {HTMLElement[]} */
function drawEpisode(room, episode) {
  const parts = [];
  if (episode.drill) parts.push(el("p", { class: "held" }, "This is a drill."));
  if (episode.false_alarm) parts.push(el("p", {}, "Marked: not a cry."));
  const afar = episode.there.filter((one) => one.manner === "voice");
  const arms = episode.there.filter((one) => one.manner !== "voice");
  if (arms.length) {
    parts.push(el(
      "p", { class: "coming" }, `${names(arms)} there`, ` since ${clock(arms[0].at)}`,
      arms.some((one) => one.source === "heard") ? " (a voice was heard)" : "", waits(arms),
    ));
  }
  const still = episode.going.filter((one) => !arms.some((other) => other.name === one.name));
  if (still.length) {
    parts.push(el("p", { class: "coming" }, `${names(still)} on the way`, ` since ${clock(still[0].at)}`, waits(still)));
  }
  if (afar.length) {
    parts.push(el("p", {}, `A voice from afar at ${clock(afar.at(-1)?.at)}. Nobody’s arms yet.`));
  }
  if (!still.length && !arms.length && !episode.calm_at && !episode.false_alarm) {
    parts.push(el("p", { class: "coming" }, "Nobody is going yet."));
  }
  if (episode.plan) {
    parts.push(el(
      "div", { class: "held" },
      el("p", {}, el("strong", {}, `Held by your plan: visit ${episode.plan.visit} in `, countdown(episode.plan.until))),
      el("button", {
        type: "button", class: "button", data: { focus: "plan" },
        onclick: () => tap("plan_ended", room, { reason: "ended by a tap" }, "The plan has ended."),
      }, "End the plan"),
    ));
  }
  for (const one of episode.proposed) {
    parts.push(el(
      "div", { class: "asked" },
      el("p", {}, `A voice was heard at ${clock(one.at)}. Was somebody there?`),
      el(
        "div", { class: "row" },
        el("button", {
          type: "button", class: "button", data: { focus: `yes ${one.event}` },
          onclick: () => tap("confirmed", room, { target: one.event }, "Noted: somebody was there."),
        }, "Yes"),
        el("button", {
          type: "button", class: "button", data: { focus: `no ${one.event}` },
          onclick: () => tap("removed", room, { target: one.event }, "Noted: nobody was there."),
        }, "No"),
      ),
    ));
  }
  const told = toldByPerson(episode);
  if (told.length) {
    parts.push(el("ul", { class: "told", "aria-label": "Who was told" }, ...told));
  }
  if (episode.next && !episode.calm_at && !episode.false_alarm) {
    parts.push(el(
      "p", { class: "next" }, `${episode.next.name ?? "Everybody"} is told next, in `, countdown(episode.next.at),
    ));
  }
  const log = episodeLog(room, episode);
  if (log.length) {
    parts.push(el(
      "details", { class: "log", open: false }, el("summary", { data: { focus: "log" } }, `What was done (${log.length})`),
      el("ul", {}, ...log),
    ));
  }
  return parts;
}

/** @param {{waiting?: boolean}[]} entries */
const waits = (entries) =>
  entries.some((one) => one.waiting) ? el("span", { class: "waiting" }, " · waiting to be sent") : null;

/** @param {string} until */
const countdown = (until) =>
  el("span", { class: "num", data: { until } }, span(Math.max(0, (Date.parse(until) - hubNow()) / 1000)));

/** @param {LiveEpisode} episode @returns {HTMLElement[]} */
function toldByPerson(episode) {
  /** @type {Map<string, import("./types.js").Told[]>} */
  const people = new Map();
  for (const one of episode.told) {
    const who = one.name || "Everybody";
    people.set(who, [...(people.get(who) ?? []), one]);
  }
  return [...people].map(([who, all]) => {
    const first = all.map((one) => one.sent ?? one.due).filter(Boolean).sort()[0];
    /** @type {Map<string, string>} */
    const hows = new Map();
    for (const one of all) {
      const name = CHANNELS[one.channel] ?? one.channel;
      hows.set(name, one.shown
        ? `shown ${clockSeconds(one.shown)}`
        : one.failed ? "could not be reached" : one.sent ? "sent, not seen yet" : "being sent");
    }
    return el(
      "li", {}, el("strong", {}, who), el("span", {}, `told ${clock(first)}`),
      el("span", { class: "how" }, [...hows].map(([name, how]) => `${name}: ${how}`).join(" · ")),
    );
  });
}

/** @param {LiveRoom} room @param {LiveEpisode} episode @returns {HTMLElement[]} */
function episodeLog(room, episode) {
  /** @type {{event: string, at: string, text: string, waiting?: boolean}[]} */
  const entries = [
    ...episode.going.map((one) => ({ ...one, text: `${one.name || "Somebody"}: I’m going` })),
    ...episode.there.map((one) => ({
      ...one,
      text: one.manner === "voice" ? `${one.name || "Somebody"}: a voice from afar` : `${one.name || "Somebody"}: I’m here`,
    })),
    ...episode.soothing.map((one) => ({ ...one, text: `${one.name || "Somebody"}: ${attemptName(one.attempt)}` })),
    ...episode.checks.map((one) => ({
      ...one, text: `Looked at: ${NEEDS.find(([id]) => id === one.need)?.[1].toLowerCase() ?? one.need}`,
    })),
  ];
  const gone = new Set(mine.filter((one) => one.kind === "removed").map((one) => one.data.target));
  for (const one of mine) {
    const says = { calmed: "Calm", not_a_cry: "Not a cry", something_wrong: "Something is wrong" }[one.kind];
    if (says && one.data.episode === episode.id && !gone.has(one.id)) {
      entries.push({ event: one.id, at: one.at, text: says });
    }
  }
  const pending = new Set(outbox.pending.map((one) => one.id));
  return entries
    .sort((a, b) => Date.parse(a.at) - Date.parse(b.at))
    .map((one) => el(
      "li", {},
      el("span", {}, `${clockSeconds(one.at)} ${one.text}`,
        pending.has(one.event) && el("span", { class: "waiting" }, " · waiting to be sent")),
      cares() && el("button", {
        type: "button", class: "button plain", data: { focus: `undo ${one.event}` },
        "aria-label": `Undo: ${one.text}`,
        onclick: () => undo(one.event, room),
      }, "Undo"),
    ));
}

/** @param {import("./types.js").LastEpisode} last */
function drawLast(last) {
  const outcome = OUTCOMES[last.outcome] ?? last.outcome;
  const answered = last.latency_s === null
    ? "nobody came first"
    : `answered in ${span(last.latency_s)}${last.answered_by ? ` by ${last.answered_by}` : ""}`;
  const helped = last.helped ? `, ${attemptName(last.helped)}` : "";
  return el(
    "p", { class: "soft" }, `Last cry ${when(last.onset)}: ${span(last.crying_s)} of crying, `,
    last.outcome === "stopped_unanswered" ? outcome : `${answered}, ${outcome}${helped}`, ".",
  );
}

/**
 * One of the four questions, the next in turn after each cry, where the household wants them.
 *
 * @param {LiveRoom} room
 * @returns {{key: string, asks: string, why: string} | null}
 */
function selfQuestion(room) {
  if (!FOUR.length || !snap?.settings.four_questions || !cares()) return null;
  // Nobody is to read while a baby cries.
  if (snap.rooms.some((one) => one.episode || one.state === "crying")) return null;
  const over = snap.rooms.flatMap(({ id, last }) =>
    last?.ended_at && !last.false_alarm && !last.drill ? [{ room: id, episode: last.id, at: Date.parse(last.ended_at) }] : []);
  const newest = over.sort((a, b) => b.at - a.at)[0];
  if (newest?.room !== room.id || hubNow() - newest.at > ASK_AFTER_MIN * 60_000) return null;
  const before = remembered("question");
  const { episode } = newest;
  const now = before?.episode === episode
    ? before
    : { episode, turn: ((before?.turn ?? -1) + 1) % FOUR.length, closed: false };
  if (now !== before) remember("question", now);
  return now.closed ? null : FOUR[now.turn];
}

/** @param {{key: string, asks: string, why: string}} question */
function drawQuestion(question) {
  return el(
    "section", { class: "asked", "aria-label": "A question to ask oneself" },
    el("p", {}, el("strong", {}, question.asks)),
    el("p", { class: "soft" }, question.why),
    el(
      "div", { class: "row" },
      el("button", {
        type: "button", class: "button", data: { focus: "question" },
        onclick: () => {
          remember("question", { ...remembered("question"), closed: true });
          render();
        },
      }, "Close"),
      el("a", { class: "button", href: `/evidence#four-${question.key}` }, "All four"),
    ),
  );
}

/** @param {LiveRoom | null} room */
function drawDock(room) {
  // What lies under a finger stays until it is lifted: a button that is replaced loses its tap.
  if (pressed) return;
  const may = snap !== null && cares();
  const stage = room && may ? stageOf(room, isMine) : "none";
  const late = room && may && stage === "none" ? lateAsk(room) : null;
  const hushing = isRinging();
  const waiting = outbox.pending.length;
  const show = stage !== "none" || late !== null || hushing || waiting > 0;
  dock.hidden = !show;
  if (!show || !room || !snap) {
    dock.dataset.key = "";
    dock.replaceChildren();
    return;
  }
  const others = room.episode ? [...room.episode.going, ...room.episode.there].some((one) => !isMine(one)) : false;
  const many = snap.rooms.length > 1;
  const about = late ?? room.episode?.id ?? "";
  const key = [stage, room.id, about, hushing, waiting, others, many, room.state].join("|");
  fill(dock, key, () => {
    const parts = [];
    if (hushing) {
      parts.push(el("button", {
        type: "button", class: "button", data: { focus: "hush" },
        onclick: () => {
          silence();
          for (const one of snap?.rooms ?? []) hush(one);
          hushed.add(`hub ${lastHeard}`);
          render();
        },
      }, "Silence this phone"));
    }
    if (stage === "go" || stage === "here") parts.push(...thumbStage(room, stage, others, many));
    if (stage === "helped" || stage === "after") parts.push(...helpedStage(room, about, stage));
    if (late) parts.push(...helpedStage(room, late, "late"));
    if (waiting) {
      parts.push(el(
        "p", { class: "waiting soft", role: "status" },
        `${waiting} ${waiting === 1 ? "tap is" : "taps are"} waiting to be sent. They are kept on this phone.`,
      ));
    }
    return parts;
  });
  for (const chip of /** @type {NodeListOf<HTMLElement>} */ (dock.querySelectorAll("[data-attempt], [data-need]"))) {
    const { attempt, need } = chip.dataset;
    const on = (attempt ? triedNow(room, about) : checkedNow(room, about)).has(attempt ?? need ?? "");
    chip.setAttribute("aria-pressed", String(on));
  }
}

/**
 * @param {LiveRoom} room
 * @param {"go" | "here"} stage
 * @param {boolean} others
 * @param {boolean} many
 */
function thumbStage(room, stage, others, many) {
  const go = stage === "go";
  const label = go ? (others ? "I’m going too" : "I’m going") : "I’m here";
  return [
    el(
      "div", { class: "small-acts" },
      go && el("button", {
        type: "button", class: "button", data: { focus: "already" }, "aria-keyshortcuts": "h",
        onclick: () => here(room),
      }, "I’m already here"),
      el("button", {
        type: "button", class: "button", data: { focus: "not" },
        onclick: () => tap("not_a_cry", room, {}, "Noted: not a cry."),
      }, "Not a cry"),
      el("button", {
        type: "button", class: "button", data: { focus: "wrong" },
        onclick: () => tap("something_wrong", room, {}, "Noted: something is wrong. No plan holds this cry."),
      }, "Something is wrong"),
      el("button", {
        type: "button", class: "button", data: { focus: "talk" },
        onclick: (/** @type {Event} */ event) => openTalk(room, /** @type {HTMLElement} */ (event.currentTarget)),
      }, "Speak to the room"),
    ),
    thumb(label, many ? room.name : "", go ? "g" : "h", !(others && go), () => (go ? going(room) : here(room))),
  ];
}

/**
 * The one big button. What it means changes under the thumb, so a second tap that follows at
 * once is the first one's bounce and not an answer.
 *
 * @param {string} label
 * @param {string} under
 * @param {string} key
 * @param {boolean} filled
 * @param {() => void} act
 */
function thumb(label, under, key, filled, act) {
  return el("button", {
    type: "button", class: filled ? "button fill thumb" : "button thumb",
    data: { focus: "thumb" }, "aria-keyshortcuts": key,
    onclick: () => {
      if (performance.now() - thumbedAt < BOUNCE_MS) return;
      thumbedAt = performance.now();
      act();
    },
  }, label, under && el("small", {}, under));
}
let thumbedAt = -Infinity;
let pressed = false;

/** @param {LiveRoom} room */
const going = (room) => tap("acknowledged", room, {}, "You are going.");
/** @param {LiveRoom} room */
const here = (room) => tap("responded", room, { manner: "arrived", source: "tapped" }, "You are there.");
/** @param {LiveRoom} room */
const calm = (room) => tap("calmed", room, {}, "Calm.");

/**
 * @param {LiveRoom} room
 * @param {string} episode
 * @param {"helped" | "after" | "late"} stage
 */
function helpedStage(room, episode, stage) {
  return [
    el("h2", { id: "helped" }, "What helped?"),
    el("div", { class: "chips stage-chips", role: "group", "aria-labelledby": "helped" }, ...ATTEMPTS.map(([attempt, shown]) =>
      el("button", {
        type: "button", class: "button chip", "aria-pressed": "false",
        data: { attempt, focus: `attempt ${attempt}` },
        onclick: () => {
          const was = triedNow(room, episode).get(attempt);
          if (was) undo(was, room);
          else tap("soothed", room, { attempt, episode }, `${shown}.`);
        },
      }, shown))),
    stage !== "late" && el(
      "details", { class: "more", open: snap?.settings.four_questions && stage === "helped" ? true : null },
      el("summary", { data: { focus: "needs" } }, "What did you check?"),
      el("div", { class: "chips stage-chips", role: "group", "aria-label": "What did you check?" }, ...NEEDS.map(([need, shown]) =>
        el("button", {
          type: "button", class: "button chip", "aria-pressed": "false",
          data: { need, focus: `need ${need}` },
          onclick: () => {
            const was = checkedNow(room, episode).get(need);
            if (was) undo(was, room);
            else tap("checked", room, { need, episode }, `${shown}: checked.`);
          },
        }, shown))),
    ),
    stage === "helped" && thumb("Calm", "", "c", true, () => calm(room)),
    stage === "late" && el("button", {
      type: "button", class: "button", data: { focus: "done" },
      onclick: () => {
        remember("asked", [...(remembered("asked") ?? []), episode].slice(-20));
        render();
      },
    }, "Done"),
  ];
}

/** @param {LiveRoom} room @param {string} episode @returns {Map<string, string>} attempt → event */
function triedNow(room, episode) {
  return marked(room, episode, "soothed", "attempt", room.episode?.soothing ?? []);
}

/** @param {LiveRoom} room @param {string} episode @returns {Map<string, string>} need → event */
function checkedNow(room, episode) {
  return marked(room, episode, "checked", "need", room.episode?.checks ?? []);
}

/**
 * @param {LiveRoom} room
 * @param {string} episode
 * @param {string} kind
 * @param {string} what
 * @param {any[]} there
 */
function marked(room, episode, kind, what, there) {
  const found = new Map(room.episode?.id === episode ? there.map((one) => [one[what], one.event]) : []);
  const gone = new Set(mine.filter((one) => one.kind === "removed").map((one) => one.data.target));
  for (const one of mine) {
    if (one.kind === kind && one.data.episode === episode && !gone.has(one.id)) found.set(one.data[what], one.id);
  }
  for (const [name, event] of found) if (gone.has(event)) found.delete(name);
  return found;
}

/** @param {LiveRoom} room @returns {string | null} the episode that is over and was not told about */
function lateAsk(room) {
  const { last } = room;
  if (!last || room.episode || last.latency_s === null || last.helped || !last.ended_at) return null;
  if (since(last.ended_at) > ASK_AFTER_MIN * 60) return null;
  return (remembered("asked") ?? []).includes(last.id) ? null : last.id;
}

/** @param {LiveRoom} room @param {HTMLElement} from */
async function openTalk(room, from) {
  const { talk } = await import("./talk.js");
  talk(room, from);
}

function drawProblems() {
  const where = byId("problems", HTMLElement);
  const all = snap?.problems ?? [];
  where.hidden = !all.length;
  fill(where, JSON.stringify(all), () => all.map((one) =>
    el("li", {}, one.text, one.since ? ` (since ${when(one.since)})` : "")));
}

function drawSwitches() {
  const sound = byId("sound", HTMLButtonElement);
  const ready = soundReady();
  sound.classList.toggle("fill", !ready);
  say(sound, ready ? "Sound is on" : "Turn on sound");
  const awake = byId("awake", HTMLButtonElement);
  awake.hidden = !canStayAwake();
  awake.setAttribute("aria-pressed", String(staysAwake()));
  say(awake, staysAwake() ? "The screen stays on" : "Keep the screen on");
}

/** Once a second: what counts up or down. */
function tick() {
  if (!snap) return;
  const now = hubNow();
  let first = "";
  let urgent = false;
  for (const room of rooms().sort(urgency)) {
    const card = cards.get(room.id);
    if (!card) continue;
    const { episode } = room;
    let time = "";
    let about = "";
    if (card.root.dataset.state === "stale") {
      about = "";
    } else if (room.state === "crying" && episode && !episode.false_alarm) {
      time = span(since(episode.onset, now));
      about = ["since", clockSeconds(episode.onset), episode.course && `· ${episode.course}`,
        room.provisional && !episode.told.length && "· the first sign of it; phones do not ring yet",
      ].filter(Boolean).join(" ");
    } else if (room.state === "crying") {
      time = room.since ? span(since(room.since, now)) : "";
      about = episode?.false_alarm ? ""
        : episode?.told.length ? "the first sign of it" : "the first sign of it; phones do not ring yet";
    } else if (room.state === "pausing") {
      time = room.since ? span(since(room.since, now)) : "";
      about = episode ? `quiet; cried ${span(episode.crying_s)} from ${clock(episode.onset)}` : "";
    } else if (room.state === "calm" && room.since) {
      time = roughly(since(room.since, now));
      about = `since ${when(room.since)}`;
    }
    card.clock.classList.toggle("slow", room.state === "calm");
    say(card.clock, time);
    card.clock.setAttribute("aria-label", time && room.since ? spoken(since(episode?.onset ?? room.since, now)) : "");
    say(card.about, about);
    card.about.hidden = !about;
    const line = `${stateWord(room)}${time && room.state !== "calm" ? ` ${time}` : ""} · ${room.name}`;
    first ||= line;
    urgent ||= (room.state === "crying" && !episode?.there.length) || room.state === "unheard";
  }
  for (const one of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-until]"))) {
    say(one, span(Math.max(0, (Date.parse(one.dataset.until ?? "") - now) / 1000)));
  }
  if (connected === false) title(`Not connected since ${clock(lastHeard)}`, true);
  else title(first || "Harken", urgent);
}

/** @param {KeyboardEvent} event */
function onKey(event) {
  const typing = event.target instanceof Element && event.target.closest("input, select, textarea");
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  const all = rooms().sort(urgency);
  const room = all.find((one) => one.id === chosen && one.episode) ?? all[0];
  if (event.key === "u" && cares()) undoLast();
  if (!room || !cares()) return;
  const stage = stageOf(room, isMine);
  if (event.key === "g" && stage === "go") going(room);
  if (event.key === "h" && (stage === "go" || stage === "here")) here(room);
  if (event.key === "c" && stage === "helped") calm(room);
}

outbox.onaccepted = (events) => {
  for (const event of events) accepted.set(event.id, { event, until: Date.now() + OVERLAP_S * 1000 });
  setTimeout(render, OVERLAP_S * 1000 + 100);
};
outbox.watch(() => render());
watchAlarm(() => {
  drawSwitches();
  const all = rooms().sort(urgency);
  drawDock(all.find((room) => room.id === chosen && room.episode) ?? all[0] ?? null);
});

byId("sound", HTMLButtonElement).addEventListener("click", async () => {
  if (await allowSound()) {
    sample();
    toast("Sound is on. This page can wake you while it is open.", { seconds: 5 });
  } else {
    toast("This browser gives no sound. Use another phone, or a loudspeaker in Settings.", { bad: true });
  }
});
byId("awake", HTMLButtonElement).addEventListener("click", async () => {
  const on = await stayAwake(!staysAwake());
  remember("awake", on);
});
byId("dock", HTMLElement).addEventListener("pointerdown", () => {
  pressed = true;
}, { passive: true });
for (const kind of ["pointerup", "pointercancel"]) addEventListener(kind, () => {
  if (!pressed) return;
  pressed = false;
  // After the click that follows.
  setTimeout(render, 0);
}, { passive: true });
// Any first tap will do for a browser that waits for one.
addEventListener("pointerdown", () => {
  if (!soundReady() && remembered("sound") === true) allowSound();
}, { passive: true });
watchAlarm(() => {
  if (soundReady()) remember("sound", true);
});
addEventListener("keydown", onKey);
if (remembered("awake")) stayAwake(true);
if (remembered("sound")) allowSound();

start({
  state: (what, fresh) => {
    snap = what;
    live = live || fresh;
    render();
  },
  alert: onAlert,
  say: () => {},
  link: (is, heard) => {
    connected = is;
    lastHeard = heard;
    render();
  },
});
setInterval(() => {
  tick();
  ringWhereDue();
}, 1000);
