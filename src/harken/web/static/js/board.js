/** The wall of a nursery: who waits longest, and is loudest, comes first. */
import { byId, el, say } from "./dom.js";
import { start } from "./shell.js";
import { stateWord, unheardReason, urgency } from "./stages.js";
import { clock, decibels, hubNow, roughly, since, span } from "./time.js";

/** @typedef {import("./types.js").LiveRoom} LiveRoom */

/** @type {LiveRoom[]} */
let rooms = [];
let connected = true;
/** @type {Map<string, {root: HTMLElement, name: HTMLElement, word: HTMLElement, clock: HTMLElement, who: HTMLElement}>} */
const cards = new Map();
const board = byId("board", HTMLElement);

/** @param {LiveRoom} room */
function cardOf(room) {
  const known = cards.get(room.id);
  if (known) return known;
  const parts = {
    name: el("h2", { class: "name" }), word: el("p", { class: "word" }),
    clock: el("p", { class: "clock", role: "timer", "aria-live": "off" }), who: el("p", { class: "about" }),
  };
  const root = el("li", { class: "room" }, parts.name, parts.word, parts.clock, parts.who);
  const made = { root, ...parts };
  cards.set(room.id, made);
  return made;
}

function draw() {
  const now = hubNow();
  const sorted = [...rooms].sort(urgency);
  const nodes = sorted.map((room) => {
    const card = cardOf(room);
    const { episode } = room;
    card.root.dataset.state = connected ? room.state : "stale";
    card.root.classList.toggle("small", room.state === "calm" || room.state === "off");
    const children = room.children.map((one) => one.name).join(", ");
    say(card.name, children ? `${children} · ${room.name}` : room.name);
    say(card.word, connected ? stateWord(room) : "Not connected");
    const from = (room.state === "crying" && episode?.onset) || (room.state === "unheard" && room.unheard_since) || room.since;
    const seconds = from ? since(from, now) : 0;
    const long = room.state === "calm" || room.state === "off";
    say(card.clock, !from || !connected ? "" : long ? roughly(seconds) : span(seconds));
    say(card.who, connected ? who(room) : "");
    return card.root;
  });
  if (nodes.some((node, i) => board.children[i] !== node) || board.children.length !== nodes.length) {
    board.replaceChildren(...nodes);
  }
  const crying = rooms.filter((room) => room.state === "crying").length;
  const alone = rooms.filter((room) => room.state === "crying" && !room.episode?.there.length).length;
  const unheard = rooms.filter((room) => room.state === "unheard").length;
  say(byId("count", HTMLElement), [
    crying ? `${crying} crying, ${alone} with nobody there` : "Nobody is crying", unheard ? `${unheard} not heard` : "",
  ].filter(Boolean).join(" · "));
}

/** @param {LiveRoom} room */
function who(room) {
  const { episode } = room;
  if (room.state === "unheard") {
    return `since ${clock(room.unheard_since)}${room.unheard_reason ? `: ${unheardReason(room)}` : ""}`;
  }
  if (!episode) return "";
  const arms = episode.there.filter((one) => one.manner !== "voice").at(-1);
  const voice = episode.there.filter((one) => one.manner === "voice").at(-1);
  const going = episode.going.at(-1);
  if (arms) return `${arms.name ?? "Somebody"} is there since ${clock(arms.at)}`;
  if (going) return `${going.name ?? "Somebody"} is on the way since ${clock(going.at)}`;
  if (voice) return `A voice from afar at ${clock(voice.at)}`;
  const level = room.level_dbfs === null ? "" : ` · ${decibels(room.level_dbfs)}`;
  return `Nobody is going yet${level}`;
}

start({
  state: (what) => {
    rooms = what.rooms;
    draw();
  },
  link: (is) => {
    connected = is;
    draw();
  },
});
setInterval(draw, 1000);
