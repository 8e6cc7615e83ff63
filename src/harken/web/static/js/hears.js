/** What the hub hears in a room now, and a minute's check that suits its threshold to the room. */
import { get, HubError, list, patch, post } from "./api.js";
import { announce, byId, el, fill, say, svg, toast } from "./dom.js";
import { start } from "./shell.js";
import { stateWord, unheardReason } from "./stages.js";
import { testCry } from "./sing.js";
import { decibels, hubNow } from "./time.js";

/**
 * @typedef {object} Hears
 * @property {number} hop_s
 * @property {(number | string)[]} times
 * @property {number[]} cry
 * @property {number[]} voice
 * @property {number[]} level
 * @property {number} on
 * @property {number} off
 * @property {Record<string, any>} rule
 * @property {string} state
 */

const SPAN_S = 60;
const FLOOR_DBFS = -90;
const main = byId("main", HTMLElement);
const room = main.dataset.room ?? "";
const path = `/api/rooms/${encodeURIComponent(room)}`;
const canvas = byId("graph", HTMLCanvasElement);
const slider = byId("threshold", HTMLInputElement);
/** @type {Hears | null} */
let hears = null;
let touched = false;
let failing = false;

/** @returns {Record<"ink" | "soft" | "hair" | "accent" | "voice" | "level", string>} */
function colours() {
  const style = getComputedStyle(document.documentElement);
  const read = (/** @type {string} */ name) => style.getPropertyValue(name).trim();
  return {
    ink: read("--ink"), soft: read("--soft"), hair: read("--hair"), accent: read("--accent"),
    voice: read("--sleep"), level: read("--feed"),
  };
}

function draw() {
  const pen = canvas.getContext("2d");
  const box = canvas.getBoundingClientRect();
  if (!pen || !box.width) return;
  const ratio = devicePixelRatio || 1;
  const [width, height] = [box.width, box.height];
  if (canvas.width !== Math.round(width * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  const look = colours();
  const split = height * 0.64;
  pen.font = "12px system-ui, sans-serif";
  pen.lineWidth = 1;
  for (let s = 0; s <= SPAN_S; s += 15) {
    const x = width - (s / SPAN_S) * width;
    pen.strokeStyle = look.hair;
    pen.beginPath();
    pen.moveTo(x, 0);
    pen.lineTo(x, height);
    pen.stroke();
    pen.fillStyle = look.soft;
    if (s && s < SPAN_S) pen.fillText(`−${s} s`, x + 4, height - 6);
  }
  pen.fillStyle = look.soft;
  pen.fillText("probability", 8, 16);
  pen.fillText("level, dBFS", 8, split + 18);
  pen.strokeStyle = look.hair;
  pen.strokeRect(0, split, width, 0.5);
  if (!hears?.times.length) return;
  const times = seconds(hears);
  const end = Math.max(times.at(-1) ?? 0, hubNow() / 1000 - 2);
  const x = (/** @type {number} */ t) => width - ((end - t) / SPAN_S) * width;
  const y = (/** @type {number} */ p) => split - 4 - p * (split - 26);
  const wanted = Number(slider.value);
  dashed(pen, width, y(hears.on), look.ink, [6, 4]);
  dashed(pen, width, y(hears.off), look.soft, [2, 4]);
  if (touched) dashed(pen, width, y(wanted), look.accent, [10, 4]);
  line(pen, times, hears.voice, x, y, look.voice, 2, [5, 3]);
  line(pen, times, hears.cry, x, y, look.accent, 2.5, []);
  const low = (/** @type {number} */ dbfs) =>
    height - 4 - (Math.max(0, dbfs - FLOOR_DBFS) / -FLOOR_DBFS) * (height - split - 8);
  line(pen, times, hears.level, x, low, look.level, 1.5, []);
}

/** @param {Hears} what @returns {number[]} unix seconds */
function seconds(what) {
  const { times } = what;
  if (typeof times[0] === "string") return times.map((one) => Date.parse(String(one)) / 1000);
  const plain = /** @type {number[]} */ (times);
  // Seconds of the stream and not of the calendar: the newest is now.
  if ((plain.at(-1) ?? 0) > 1e9) return plain;
  const shift = hubNow() / 1000 - (plain.at(-1) ?? 0);
  return plain.map((one) => one + shift);
}

/** @param {CanvasRenderingContext2D} pen @param {number} width @param {number} y @param {string} colour @param {number[]} dash */
function dashed(pen, width, y, colour, dash) {
  pen.strokeStyle = colour;
  pen.lineWidth = 1.25;
  pen.setLineDash(dash);
  pen.beginPath();
  pen.moveTo(0, y);
  pen.lineTo(width, y);
  pen.stroke();
  pen.setLineDash([]);
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {number[]} times
 * @param {number[]} values
 * @param {(t: number) => number} x
 * @param {(v: number) => number} y
 * @param {string} colour
 * @param {number} wide
 * @param {number[]} dash
 */
function line(pen, times, values, x, y, colour, wide, dash) {
  pen.strokeStyle = colour;
  pen.lineWidth = wide;
  pen.lineJoin = "round";
  pen.setLineDash(dash);
  pen.beginPath();
  let before = -Infinity;
  values.forEach((value, i) => {
    if (value === null || !Number.isFinite(value)) return;
    // A gap in what was heard is a gap in the line.
    if (times[i] - before > 1) pen.moveTo(x(times[i]), y(value));
    else pen.lineTo(x(times[i]), y(value));
    before = times[i];
  });
  pen.stroke();
  pen.setLineDash([]);
}

function describe() {
  if (!hears) return;
  const last = (/** @type {number[]} */ values) => values.at(-1) ?? null;
  const two = (/** @type {number | null} */ value) => (value === null ? "–" : value.toFixed(2));
  const level = last(hears.level);
  const rule = Object.entries(hears.rule ?? {}).filter(([name, value]) =>
    value !== null && typeof value !== "object" && name !== "on" && name !== "off");
  const state = { calm: "calm", bursting: "sounds like crying, not long enough yet", bout: "a cry bout" }[hears.state] ?? hears.state;
  /** What the fields of the bout rule are called here; all of them are seconds.
   * @type {Record<string, string>} */
  const names = {
    min_duration: "Shortest cry", max_gap: "Longest pause within one", smoothing: "Averaged over",
    evidence: "Told after", min_cry: "Crying in it, at least", reach: "Onset sought before",
  };
  /** @type {[string, string][]} */
  const facts = [
    ["P(cry)", two(last(hears.cry))], ["P(adult voice)", two(last(hears.voice))],
    ["Level", level === null ? "–" : decibels(level)], ["State", state],
    ["Begins at", two(hears.on)], ["Ends below", two(hears.off)],
  ];
  fill(byId("facts", HTMLElement), JSON.stringify([facts, rule]), () => [
    ...facts, .../** @type {[string, string][]} */ (rule.map(([name, value]) => [names[name] ?? name.replaceAll("_", " "), `${value} s`])),
  ].map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
  const { cry, on, hop_s: hop } = hears;
  const above = cry.filter((one) => one >= on).length * hop;
  canvas.setAttribute("aria-label",
    `The last minute: P(cry) now ${two(last(hears.cry))}, above the threshold of ${two(hears.on)} for ${above.toFixed(0)} seconds; level ${level === null ? "unknown" : decibels(level)}.`);
  if (!touched) slider.value = String(hears.on);
  preview();
}

function preview() {
  const wanted = Number(slider.value);
  say(byId("threshold-text", HTMLElement), wanted.toFixed(2));
  if (!hears) return;
  const { cry, hop_s: hop, on } = hears;
  const over = (/** @type {number} */ at) => (cry.filter((one) => one >= at).length * hop).toFixed(1);
  say(byId("preview", HTMLElement), touched
    ? `In the last minute ${over(wanted)} s lay above ${wanted.toFixed(2)}; with the present ${on.toFixed(2)} it was ${over(on)} s.`
    : "");
}

async function ask() {
  try {
    hears = await get(`${path}/hears`);
    failing = false;
    describe();
    draw();
  } catch (error) {
    if (!failing) say(byId("word", HTMLElement), error instanceof HubError ? error.message : String(error));
    failing = true;
  }
  setTimeout(ask, document.visibilityState === "visible" ? 400 : 3000);
}

const wait = (/** @type {number} */ seconds) => new Promise((done) => setTimeout(done, seconds * 1000));

async function check() {
  const begin = byId("begin", HTMLButtonElement);
  const progress = byId("progress", HTMLProgressElement);
  const place = byId("suggestion", HTMLElement);
  const steps = [...byId("steps", HTMLElement).children];
  begin.disabled = true;
  progress.hidden = false;
  place.replaceChildren();
  // Made within the tap, or a browser does not let it sound.
  const context = new AudioContext();
  const began = Date.now();
  const ticking = setInterval(() => {
    progress.value = Math.min(60, (Date.now() - began) / 1000);
  }, 250);
  try {
    for (const [i, step] of steps.entries()) {
      steps.forEach((one) => one.removeAttribute("aria-current"));
      step.setAttribute("aria-current", "step");
      announce(step.lastElementChild?.textContent ?? "", "assertive");
      if (i === 2) {
        await context.resume();
        // So that the hub takes what it hears now for a drill, and not for a cry in the record.
        await post(`${path}/say`, { phrase: "test_cry" }).catch(() => {
          toast("The hub can’t be told that this is a test: it may count as a cry.", { seconds: 8 });
        });
        testCry(context, 18);
      }
      await wait(20);
    }
    showSuggestion(place, await post(`${path}/check`));
  } catch (error) {
    toast(error instanceof HubError ? error.message : "The room check stopped.", { bad: true });
  } finally {
    clearInterval(ticking);
    steps.forEach((one) => one.removeAttribute("aria-current"));
    progress.hidden = true;
    begin.disabled = false;
    context.close();
  }
}

/** @param {HTMLElement} place @param {any} answer */
function showSuggestion(place, answer) {
  const suggested = answer.suggested ?? null;
  place.replaceChildren(el(
    "div", { class: answer.ok === false ? "result bad" : "result good" },
    el("p", {}, answer.says ?? (suggested === null ? "The present threshold suits this room." : `A threshold of ${suggested.toFixed(2)} would suit this room.`)),
    typeof answer.test_cry === "number" && el("p", { class: "soft" },
      `Quiet ${decibels(answer.quiet_dbfs ?? 0)}. P(cry) reached ${answer.talking_cry} in quiet and talking, and ${answer.test_cry} in the test cry.`),
    suggested !== null && el("div", { class: "row" }, el("button", {
      type: "button", class: "button fill", onclick: () => keep(suggested),
    }, `Keep ${suggested.toFixed(2)}`)),
  ));
}

/** @param {number} threshold */
async function keep(threshold) {
  try {
    await patch(path, { threshold });
    touched = false;
    toast(`The threshold of this room is ${threshold.toFixed(2)} now.`, { seconds: 5 });
  } catch (error) {
    toast(error instanceof HubError ? error.message : String(error), { bad: true });
  }
}

function legend() {
  const look = colours();
  /** @type {[string, string, string | null][]} */
  const entries = [
    ["P(cry)", look.accent, null], ["P(adult voice)", look.voice, "5 3"], ["level", look.level, null],
    ["a cry begins", look.ink, "6 4"], ["a cry ends", look.soft, "2 4"],
  ];
  byId("legend", HTMLElement).replaceChildren(...entries.map(([name, colour, dash]) => el("li", {},
    svg("svg", { viewBox: "0 0 30 12", "aria-hidden": "true" },
      svg("line", { x1: 0, x2: 30, y1: 6, y2: 6, stroke: colour, "stroke-width": 3, "stroke-dasharray": dash })),
    name)));
}

/** Say what this threshold would have done to the cries and false alarms of the last two weeks. */
async function tune() {
  const wanted = Number(slider.value);
  const place = byId("tuning", HTMLElement);
  try {
    const past = await get(`${path}/tuning?threshold=${wanted}`);
    if (wanted !== Number(slider.value)) return;
    if (!past.cries && !past.false_alarms) {
      say(place, "Nothing was heard here in the last two weeks that it could be tried on.");
      return;
    }
    const of = (/** @type {number} */ n, /** @type {number} */ all, /** @type {string} */ one, /** @type {string} */ many) =>
      `${n} of ${all} ${all === 1 ? one : many}`;
    say(place, `In the last two weeks ${wanted.toFixed(2)} would have missed ${of(past.cries_missed, past.cries, "cry", "cries")}`
      + ` and spared ${of(past.false_alarms_gone, past.false_alarms, "false alarm", "false alarms")}.`
      + ` False wake-ups now: ${past.false_wakeups_a_night} a night.`
      + (wanted < past.now ? " What a lower threshold would have told besides, nobody can know: it was not told." : ""));
  } catch (error) {
    say(place, error instanceof HubError ? error.message : "");
  }
}

slider.addEventListener("change", tune);
slider.addEventListener("input", () => {
  touched = true;
  preview();
  draw();
});
byId("save", HTMLButtonElement).addEventListener("click", () => keep(Number(slider.value)));
byId("begin", HTMLButtonElement).addEventListener("click", check);
addEventListener("resize", draw);
addEventListener("harken:theme", () => setTimeout(() => {
  legend();
  draw();
}));
legend();
start({
  state: (what) => {
    const here = what.rooms.find((one) => one.id === room);
    say(byId("room-name", HTMLElement), here ? `What it hears in ${here.name}` : "What it hears now");
    if (!failing) {
      say(byId("word", HTMLElement), !here ? "This device may not see that room."
        : here.state === "unheard" ? `Not heard: ${unheardReason(here) || "no sound comes"}` : stateWord(here));
    }
  },
});
list("/api/rooms").then((all) => {
  const here = all.find((one) => one.id === room);
  if (here?.threshold && !touched) slider.value = String(here.threshold);
}).catch(() => {}).finally(tune);
ask();
