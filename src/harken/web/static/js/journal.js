/** Journal: a day as a strip and a list; add, correct and remove, always as new events. */
import { get, HubError, list } from "./api.js";
import { byId, el, field, say, select, svg, toast } from "./dom.js";
import { outbox } from "./outbox.js";
import { drawSeries } from "./series.js";
import { snapshot, start } from "./shell.js";
import { ATTEMPTS, attemptName, OUTCOMES } from "./stages.js";
import { byThisPhone, clock, dayName, hubNow, instant, isoDay, roughly, span, uuid7 } from "./time.js";

/**
 * @typedef {object} Care
 * @property {string} event
 * @property {string} what
 * @property {string} at
 * @property {string | null} until
 * @property {string | null} room
 * @property {string | null} child
 * @property {string | null} caregiver
 * @property {string | null} side
 * @property {number | null} ml
 * @property {string | null} food
 * @property {boolean | null} wet
 * @property {boolean | null} solid
 * @property {string | null} name
 * @property {string | null} dose
 * @property {number | null} celsius
 * @property {string | null} text
 */
/** @typedef {{id: string, name: string, room?: string | null}} Child */

/** @type {[string, string][]} */
const KINDS = [
  ["sleep", "Sleep"], ["feed", "Feed"], ["nappy", "Nappy"], ["carry", "Carrying"],
  ["medicine", "Medicine"], ["temperature", "Temperature"], ["note", "Note"],
];
const LASTING = ["sleep", "feed", "carry"];
const main = byId("main", HTMLElement);
const form = byId("add", HTMLFormElement);
const place = byId("list", HTMLElement);

let dayStarts = "07:00";
let day = asDay(new URLSearchParams(location.search).get("day") ?? "");
/** @type {any[]} */
let episodes = [];
/** @type {Care[]} */
let care = [];
/** @type {Child[]} */
let children = [];
/** @type {import("./series.js").Series[]} */
let series = [];
let seriesAsked = -Infinity;
let mayWrite = false;
/** @type {string | null} */
let adding = null;

/** @param {string} text of an address, so anything @returns {string} a day, or nothing */
function asDay(text) {
  return /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(`${text}T12:00:00Z`)) ? text : "";
}

/** @param {string} iso @param {number} days */
function shifted(iso, days) {
  const at = new Date(`${iso}T12:00:00Z`);
  at.setUTCDate(at.getUTCDate() + days);
  return at.toISOString().slice(0, 10);
}

/** @returns {[number, number]} ms; a day has 23 or 25 hours where the clocks change */
const bounds = () => [instant(day, dayStarts).getTime(), instant(shifted(day, 1), dayStarts).getTime()];

/** @param {string | null} id */
const who = (id) => snapshot()?.caregivers.find((one) => one.id === id)?.name ?? null;
/** @param {string | null} id */
const childName = (id) => children.find((one) => one.id === id)?.name ?? "";

async function load() {
  const [from, to] = bounds();
  const ask = `from=${encodeURIComponent(new Date(from).toISOString())}&to=${encodeURIComponent(new Date(to).toISOString())}`;
  // What began the evening before and goes on belongs to the strip as well.
  const early = encodeURIComponent(new Date(from - 12 * 3_600_000).toISOString());
  try {
    const [newEpisodes, newCare, newChildren] = await Promise.all([
      list(`/api/episodes?${ask}`),
      list(`/api/care?from=${early}&to=${encodeURIComponent(new Date(to).toISOString())}`),
      list("/api/children"),
    ]);
    episodes = newEpisodes;
    care = newCare.filter((one) => Date.parse(one.at) >= from || (one.until && Date.parse(one.until) > from));
    children = newChildren;
    draw();
    await loadSeries(ask);
  } catch (error) {
    place.replaceChildren(el("li", {}, error instanceof HubError ? error.message : String(error)));
  }
}

/**
 * Sensors' numbers come after the rest, and less often: the day does not wait for them.
 *
 * @param {string} ask
 */
async function loadSeries(ask) {
  if (performance.now() - seriesAsked < 60_000) return;
  seriesAsked = performance.now();
  try {
    series = await list(`/api/series?${ask}&step=300`);
  } catch {
    // The day is whole without them; the next minute asks again.
    return;
  }
  drawStrip();
}

/**
 * Send an event, and show the day again when the hub has it.
 *
 * @param {string} kind
 * @param {{room?: string | null, child?: string | null, at?: Date | number | string}} about
 * @param {Record<string, any>} data
 * @param {string} says
 */
function record(kind, { room = null, child = null, at }, data, says) {
  const event = {
    id: uuid7(), kind, room, child, at: at === undefined ? new Date().toISOString() : byThisPhone(at), data,
  };
  outbox.add(event);
  toast(says, kind === "removed" ? {} : {
    label: "Undo", act: () => record("removed", { room, child }, { target: event.id }, "Taken back."),
  });
}

function draw() {
  const today = isoDay(hubNow() - offsetOfDay());
  const noon = instant(day, "12:00");
  say(byId("day", HTMLElement), day === today ? `Today, ${dayName(noon)}` : dayName(noon));
  byId("previous", HTMLAnchorElement).href = `/journal?day=${shifted(day, -1)}`;
  const next = byId("next", HTMLAnchorElement);
  next.href = `/journal?day=${shifted(day, 1)}`;
  next.hidden = day >= today;
  byId("add-panel", HTMLElement).hidden = !mayWrite;
  drawStrip();
  drawList();
  drawKinds();
}

/** @returns {number} ms from midnight to the start of the day */
function offsetOfDay() {
  const [hours, minutes] = dayStarts.split(":").map(Number);
  return (hours * 60 + minutes) * 60_000;
}

function drawStrip() {
  const [from, to] = bounds();
  const where = byId("strip", HTMLElement);
  const width = Math.max(260, where.clientWidth || 320);
  /** @type {[string, (one: Care) => boolean][]} */
  const lanes = [
    ["sleep", (one) => one.what === "sleep"], ["feed", (one) => one.what === "feed"],
    ["care", (one) => !["sleep", "feed"].includes(one.what)],
  ];
  const laneHeight = 26;
  const height = 18 + 46 + lanes.length * (laneHeight + 4) + 4;
  const x = (/** @type {number} */ at) => Math.max(0, Math.min(width, ((at - from) / (to - from)) * width));
  const now = hubNow();
  const parts = [];
  const everyHours = width < 520 ? 6 : 3;
  for (let at = from; at <= to; at += 3_600_000) {
    const hour = Number(clock(at).slice(0, 2));
    if (hour % everyHours) continue;
    parts.push(svg("line", { class: "hour", x1: x(at), x2: x(at), y1: 16, y2: height }));
    if (x(at) < width - 40) parts.push(svg("text", { x: x(at) + 3, y: 12 }, clock(at)));
  }
  parts.push(svg("rect", { class: "lane", x: 0, y: 18, width, height: 42, rx: 8, opacity: 0.6 }));
  for (const one of episodes.filter((each) => !each.drill && !each.false_alarm)) {
    const left = x(Date.parse(one.onset));
    const ended = one.ended_at ?? one.calm_at;
    const right = x(ended ? Math.min(Date.parse(ended), now) : now);
    parts.push(svg("rect", { class: "cry", x: left, y: 20, width: Math.max(3, right - left), height: 38, rx: 2 }));
    const first = (one.responses ?? [])[0];
    if (first) parts.push(svg("line", { class: "answer", x1: x(Date.parse(first.at)), x2: x(Date.parse(first.at)), y1: 18, y2: 60 }));
  }
  lanes.forEach(([name, takes], i) => {
    const y = 66 + i * (laneHeight + 4);
    parts.push(svg("rect", { class: "lane", x: 0, y, width, height: laneHeight, rx: 6, opacity: 0.6 }));
    for (const one of care.filter(takes)) {
      const left = x(Date.parse(one.at));
      const open = LASTING.includes(one.what) && one.what !== "feed" && !one.until;
      const right = x(one.until ? Date.parse(one.until) : open ? Math.min(now, to) : Date.parse(one.at));
      parts.push(svg("rect", {
        class: name === "care" ? "nappy" : name, x: left, y: y + 2, width: Math.max(5, right - left), height: laneHeight - 4, rx: 3,
      }));
    }
  });
  if (now > from && now < to) parts.push(svg("line", { class: "now", x1: x(now), x2: x(now), y1: 16, y2: height }));
  const sums = summary();
  where.replaceChildren(svg("svg", {
    class: "strip", viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": `${dayName(instant(day, "12:00"))}: ${sums}`,
  }, ...parts));
  drawSeries(byId("series", HTMLElement), series, { from, to, width, now }, (one) => children.length > 1 ? childName(one.child) : "");
  say(byId("sums", HTMLElement), `${sums} From the top: cries with the first answer, sleep, feeds, care.`);
}

function summary() {
  const [from, to] = bounds();
  const real = episodes.filter((one) => !one.drill && !one.false_alarm);
  const answered = real.filter((one) => one.latency_s !== null).length;
  const crying = real.reduce((sum, one) => sum + (one.crying_s ?? 0), 0);
  const slept = care.filter((one) => one.what === "sleep").reduce((sum, one) => {
    const end = one.until ? Date.parse(one.until) : Math.min(hubNow(), to);
    return sum + Math.max(0, Math.min(end, to) - Math.max(Date.parse(one.at), from)) / 1000;
  }, 0);
  const count = (/** @type {string} */ what) => care.filter((one) => one.what === what && Date.parse(one.at) >= from).length;
  const many = (/** @type {number} */ n, /** @type {string} */ one, /** @type {string} */ more) => `${n} ${n === 1 ? one : more}`;
  const counted = [
    count("feed") && many(count("feed"), "feed", "feeds"), count("nappy") && many(count("nappy"), "nappy", "nappies"),
  ].filter(Boolean).join(", ");
  return [
    real.length
      ? `${many(real.length, "cry", "cries")}, ${answered} answered, ${roughly(crying)} of crying.`
      : "No cry was heard.",
    slept ? `Slept ${roughly(slept)}.` : "",
    counted ? `${counted}.` : "",
  ].filter(Boolean).join(" ");
}

function drawList() {
  /** @type {{at: string, draw: () => HTMLElement}[]} */
  const rows = [
    ...episodes.map((one) => ({ at: one.onset, draw: () => drawEpisode(one) })),
    ...care.map((one) => ({ at: one.at, draw: () => drawCare(one) })),
  ];
  rows.sort((a, b) => Date.parse(b.at) - Date.parse(a.at));
  place.replaceChildren(...(rows.length
    ? rows.map((one) => one.draw())
    : [el("li", { class: "soft" }, "Nothing yet.")]));
}

/** @param {any} one */
function drawEpisode(one) {
  const about = { room: one.room, child: one.child };
  const badges = [
    one.drill && "drill", one.false_alarm && "not a cry", one.plan?.length ? "under a plan" : "",
    one.something_wrong && "something was wrong", one.provisional && "just begun",
  ].filter(Boolean);
  const helped = (one.soothing ?? []).map((/** @type {any} */ each) => attemptName(each.attempt));
  const first = (one.responses ?? [])[0];
  const course = one.bouts?.find((/** @type {any} */ bout) => bout.course)?.course;
  const courseText = typeof course === "string" ? course : Array.isArray(course?.words) ? course.words.join(", ") : "";
  const text = [
    `Cried ${span(one.crying_s ?? 0)}`,
    courseText,
    one.latency_s !== null && one.latency_s !== undefined
      ? `answered after ${span(one.latency_s)}${first?.caregiver ? ` by ${who(first.caregiver) ?? "somebody"}` : ""}${first?.inferred ? " (a voice was heard)" : ""}`
      : "nobody came before it ended",
    OUTCOMES[one.outcome] ?? one.outcome,
    helped.length ? helped.join(", ") : "",
    one.reason ? `reason: ${one.reason}` : "",
  ].filter(Boolean).join(", ");
  const responses = (one.responses ?? []).map((/** @type {any} */ each) => [
    each.event, each.at, `${who(each.caregiver) ?? "Somebody"} ${each.manner === "voice" ? "spoke from afar" : "was there"}${each.inferred ? " (heard)" : ""}`,
  ]);
  const tried = (one.soothing ?? []).map((/** @type {any} */ each) => [each.event, each.at, `Tried: ${attemptName(each.attempt)}`]);
  const asked = (one.proposed ?? []).filter((/** @type {any} */ each) => !each.confirmed);
  return el(
    "li", { class: "entry" }, el("time", { dateTime: one.onset }, clock(one.onset)),
    el(
      "div", {}, el("p", {}, el("strong", {}, childName(one.child) || "Crying"), `: ${text}. `,
        ...badges.map((each) => el("span", { class: "badge" }, String(each)))),
      ...(one.comments ?? []).map((/** @type {any} */ each) => el("p", { class: "remark" }, `${who(each.caregiver) ?? ""} ${each.text}`.trim())),
      ...asked.map((/** @type {any} */ each) => el(
        "div", { class: "asked" }, el("p", {}, `A voice was heard at ${clock(each.at)}. Was somebody there?`),
        mayWrite && el(
          "div", { class: "row" },
          el("button", { type: "button", class: "button", onclick: () => record("confirmed", about, { target: each.event }, "Noted: somebody was there.") }, "Yes"),
          el("button", { type: "button", class: "button", onclick: () => record("removed", about, { target: each.event }, "Noted: nobody was there.") }, "No"),
        ),
      )),
      mayWrite && el(
        "details", {
          class: "more",
          ontoggle: (/** @type {Event} */ event) => addClips(/** @type {HTMLDetailsElement} */ (event.currentTarget), one.id),
        },
        el("summary", {}, "Add or correct"), episodeForms(one, about, [...responses, ...tried]),
      ),
    ),
  );
}

/**
 * Offer the sound of an episode, where the household keeps it.
 *
 * @param {HTMLDetailsElement} details
 * @param {string} episode
 */
async function addClips(details, episode) {
  if (!details.open || details.dataset.asked) return;
  details.dataset.asked = "yes";
  try {
    const { clips } = await get(`/api/episodes/${encodeURIComponent(episode)}`);
    for (const bout of clips ?? []) {
      details.append(el("audio", {
        controls: true, preload: "none", src: `/api/clips/${encodeURIComponent(bout)}`, "aria-label": "The cry, as it was heard",
      }));
    }
  } catch {
    // No sound is what most households have.
  }
}

/**
 * @param {any} one
 * @param {{room: string | null, child: string | null}} about
 * @param {[string, string, string][]} entries
 */
function episodeForms(one, about, entries) {
  const text = el("textarea", { maxLength: 4000, rows: 2 });
  const time = el("input", { type: "time", required: true, value: clock(one.onset) });
  const helped = select([["", "Choose"], ...ATTEMPTS], "");
  const reason = el("input", { maxLength: 200, value: one.reason ?? "" });
  const episode = one.id;
  return el(
    "div", { class: "form" },
    el("form", {
      class: "form",
      onsubmit: (/** @type {Event} */ event) => {
        event.preventDefault();
        if (text.value.trim()) record("commented", { ...about, at: later(one) }, { text: text.value.trim(), episode }, "The comment is kept.");
      },
    }, field("Comment", text), el("button", { class: "button" }, "Add the comment")),
    el("form", {
      class: "form",
      onsubmit: (/** @type {Event} */ event) => {
        event.preventDefault();
        record("responded", { ...about, at: near(time.value, one.onset) }, {
          manner: "arrived", source: "tapped", episode, ...(snapshot()?.me.caregiver && { caregiver: snapshot()?.me.caregiver }),
        }, "Noted: you were there.");
      },
    }, field("I was there at", time), el("button", { class: "button" }, "Add that I was there")),
    el("form", {
      class: "form",
      onsubmit: (/** @type {Event} */ event) => {
        event.preventDefault();
        if (helped.value) record("soothed", { ...about, at: later(one) }, { attempt: helped.value, episode }, "Noted.");
      },
    }, field("What helped", helped), el("button", { class: "button" }, "Add what helped")),
    el("form", {
      class: "form",
      onsubmit: (/** @type {Event} */ event) => {
        event.preventDefault();
        if (reason.value.trim()) record("reason_tagged", { ...about, at: later(one) }, { reason: reason.value.trim(), episode }, "Noted.");
      },
    }, field("What it turned out to be", reason), el("button", { class: "button" }, "Add the reason")),
    el(
      "div", { class: "row" },
      !one.false_alarm && el("button", {
        type: "button", class: "button", onclick: () => record("not_a_cry", { ...about, at: later(one) }, { episode }, "Noted: not a cry."),
      }, "It was not a cry"),
    ),
    ...entries.map(([event, at, says]) => el(
      "div", { class: "row" }, el("span", {}, `${clock(at)} ${says}`),
      el("button", { type: "button", class: "button plain", onclick: () => record("removed", about, { target: event }, "Removed.") }, "Remove"),
    )),
  );
}

/** A remark about an episode is made at its end at the latest, and never in the future. @param {any} one */
const later = (one) => Math.min(hubNow(), Date.parse(one.ended_at ?? one.onset));

/** @param {string} time @param {string} onset @returns {Date} the first such time from the onset on */
function near(time, onset) {
  const same = instant(isoDay(onset), time);
  const minute = Math.floor(Date.parse(onset) / 60_000) * 60_000;
  if (same.getTime() === minute) return new Date(onset);
  return same.getTime() < minute ? instant(shifted(isoDay(onset), 1), time) : same;
}

/** @param {Care} one */
function careText(one) {
  const long = one.until ? `, ${roughly((Date.parse(one.until) - Date.parse(one.at)) / 1000)} until ${clock(one.until)}` : "";
  const what = KINDS.find(([id]) => id === one.what)?.[1] ?? one.what;
  const more = [
    one.side && `breast, ${one.side}`, one.ml !== null && `${one.ml} ml`, one.food, one.wet && "wet",
    one.solid && "solid", one.name, one.dose, one.celsius !== null && `${one.celsius} °C`, one.text,
  ].filter(Boolean).join(", ");
  return `${what}${more ? `: ${more}` : ""}${long}`;
}

/** @param {Care} one */
function drawCare(one) {
  const about = { room: one.room, child: one.child };
  const running = ["sleep", "carry"].includes(one.what) && !one.until;
  const acts = el("div", { class: "acts", hidden: true });
  const open = el("button", {
    type: "button", class: "button plain", "aria-expanded": "false", "aria-label": `Change ${careText(one)}, ${clock(one.at)}`,
    onclick: () => {
      acts.hidden = !acts.hidden;
      open.setAttribute("aria-expanded", String(!acts.hidden));
    },
  }, "Change");
  acts.append(el(
    "div", { class: "row" },
    el("button", {
      type: "button", class: "button",
      onclick: (/** @type {Event} */ event) => {
        const made = careForm(one.what, one);
        acts.append(made);
        /** @type {HTMLElement} */ (event.currentTarget).remove();
        made.querySelector("input")?.focus();
      },
    }, "Correct"),
    el("button", {
      type: "button", class: "button", onclick: () => record("removed", about, { target: one.event }, "Removed."),
    }, "Remove"),
  ));
  return el(
    "li", { class: "entry care" }, el("time", { dateTime: one.at }, clock(one.at)),
    el(
      "div", {},
      el("p", {}, careText(one), running ? " · going on" : "", children.length > 1 && one.child ? ` · ${childName(one.child)}` : "",
        one.caregiver ? el("span", { class: "soft" }, ` · ${who(one.caregiver) ?? ""}`) : null),
      mayWrite && running && el(
        "div", { class: "row" },
        el("button", {
          type: "button", class: "button fill",
          onclick: () => record("corrected", about, { target: one.event, data: { until: byThisPhone(hubNow()) } }, "Stopped."),
        }, "Stop now"),
      ),
    ),
    mayWrite && open,
    mayWrite && acts,
  );
}

function drawKinds() {
  const where = byId("kinds", HTMLElement);
  if (where.childElementCount) return;
  where.append(...KINDS.map(([what, name]) => el("button", {
    type: "button", class: "button chip", "aria-pressed": "false", data: { what },
    onclick: () => {
      adding = adding === what ? null : what;
      for (const one of where.children) one.setAttribute("aria-pressed", String(/** @type {HTMLElement} */ (one).dataset.what === adding));
      form.hidden = adding === null;
      form.replaceChildren(...(adding ? careFields(adding, null) : []));
      if (adding) /** @type {HTMLElement | null} */ (form.querySelector("input, select, textarea"))?.focus();
    },
  }, name)));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!adding) return;
    if (!save(form, adding, null, /** @type {SubmitEvent} */ (event).submitter?.dataset.now === "yes")) return;
    adding = null;
    form.hidden = true;
    for (const one of where.children) one.setAttribute("aria-pressed", "false");
  });
}

/** @param {string} what @param {Care} one */
function careForm(what, one) {
  const made = el("form", {
    class: "form",
    onsubmit: (/** @type {Event} */ event) => {
      event.preventDefault();
      save(made, what, one, false);
    },
  }, ...careFields(what, one));
  return made;
}

/**
 * @param {string} what
 * @param {Care | null} one  what is corrected, or null for a new entry
 * @returns {HTMLElement[]}
 */
function careFields(what, one) {
  const input = (/** @type {Record<string, any>} */ with_) => el("input", with_);
  const today = isoDay(hubNow());
  const parts = [];
  if (children.length > 1) {
    parts.push(field("Child", select(children.map((child) => [child.id, child.name]), one?.child ?? children[0].id, { name: "child" })));
  }
  parts.push(el(
    "div", { class: "two" },
    field("Day", input({ type: "date", name: "day", required: true, max: today, value: one ? isoDay(one.at) : day < today ? day : today })),
    field("From", input({ type: "time", name: "from", required: true, value: one ? clock(one.at) : clock(hubNow()) })),
    LASTING.includes(what) ? field("Until", input({ type: "time", name: "until", value: one?.until ? clock(one.until) : "" }), "Empty while it goes on.") : null,
  ));
  if (what === "feed") {
    parts.push(el(
      "div", { class: "two" },
      field("Breast", select([["", "No"], ["left", "Left"], ["right", "Right"], ["both", "Both"]], one?.side ?? "", { name: "side" })),
      field("Bottle, ml", input({ type: "number", name: "ml", min: 0, max: 1000, step: 5, inputMode: "numeric", value: one?.ml ?? "" })),
      field("Food", input({ name: "food", maxLength: 200, value: one?.food ?? "" })),
    ));
  }
  if (what === "nappy") {
    parts.push(
      el("label", { class: "tick" }, input({ type: "checkbox", name: "wet", checked: one?.wet ?? true }), "Wet"),
      el("label", { class: "tick" }, input({ type: "checkbox", name: "solid", checked: one?.solid ?? false }), "Solid"),
    );
  }
  if (what === "medicine") {
    parts.push(el(
      "div", { class: "two" }, field("Medicine", input({ name: "name", maxLength: 200, required: true, value: one?.name ?? "" })),
      field("Dose", input({ name: "dose", maxLength: 200, value: one?.dose ?? "" })),
    ));
  }
  if (what === "temperature") {
    parts.push(field("Temperature, °C", input({
      type: "number", name: "celsius", min: 30, max: 45, step: 0.1, required: true, inputMode: "decimal", value: one?.celsius ?? "",
    })));
  }
  parts.push(field("Remark", el("textarea", { name: "text", rows: 2, maxLength: 4000, value: one?.text ?? "", required: what === "note" })));
  const startable = !one && ["sleep", "carry"].includes(what);
  parts.push(el(
    "div", { class: "row" },
    startable && el("button", { class: "button fill", data: { now: "yes" } }, "Start now"),
    el("button", { class: startable ? "button" : "button fill" }, one ? "Keep the correction" : "Add"),
  ));
  return parts;
}

/**
 * @param {HTMLFormElement} from
 * @param {string} what
 * @param {Care | null} one
 * @param {boolean} startNow
 * @returns {boolean}
 */
function save(from, what, one, startNow) {
  const values = new FormData(from);
  const text = (/** @type {string} */ name) => String(values.get(name) ?? "").trim();
  const at = startNow ? new Date(hubNow()) : one && clock(one.at) === text("from") && isoDay(one.at) === text("day")
    ? new Date(one.at) : instant(text("day"), text("from"));
  if (at.getTime() > hubNow() + 60_000) {
    toast("That is in the future.", { bad: true });
    return false;
  }
  /** @type {Record<string, any>} */
  const data = {};
  if (text("until") && !startNow) {
    let until = instant(text("day"), text("until"));
    if (until <= at) until = instant(shifted(text("day"), 1), text("until"));
    data.until = byThisPhone(until);
  }
  for (const name of ["side", "food", "name", "dose", "text"]) if (text(name)) data[name] = text(name);
  for (const name of ["ml", "celsius"]) if (text(name)) data[name] = Number(text(name));
  if (what === "nappy") {
    data.wet = values.has("wet");
    data.solid = values.has("solid");
  }
  const child = text("child") || one?.child || children[0]?.id || null;
  const room = one?.room ?? children.find((each) => each.id === child)?.room ?? snapshot()?.rooms[0]?.id ?? null;
  if (one) {
    for (const name of /** @type {(keyof Care)[]} */ (["until", "side", "ml", "food", "name", "dose", "celsius", "text"])) {
      if (one[name] !== null && data[name] === undefined) data[name] = null;
    }
    record("corrected", { room, child }, { target: one.event, at: byThisPhone(at), data }, "Corrected.");
  } else {
    const caregiver = snapshot()?.me.caregiver;
    record("care", { room, child, at }, { what, ...(caregiver && { caregiver }), ...data }, "Added.");
  }
  return true;
}

outbox.onaccepted = () => load();
start({
  state: (what) => {
    mayWrite = what.me.role === "owner" || what.me.role === "caregiver";
  },
});
(async () => {
  try {
    dayStarts = (await get("/api/household"))?.settings?.day_starts || dayStarts;
  } catch {
    // The usual start of a day will do.
  }
  day ||= isoDay(hubNow() - offsetOfDay()) || main.dataset.day || "";
  await load();
  addEventListener("resize", drawStrip);
  // What others add, and cries that end, come in by themselves while nobody types.
  setInterval(() => {
    const busy = main.querySelector("details.more[open], .acts:not([hidden])") || document.activeElement?.closest("form");
    if (document.visibilityState === "visible" && !busy) load();
  }, 15_000);
})();
