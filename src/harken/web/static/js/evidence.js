/** Evidence: one's own notes on claims, and links that open what they point into. */
import { HubError, post } from "./api.js";
import { announce, el, field, toast } from "./dom.js";
import { dress } from "./shell.js";
import { tapped } from "./stages.js";

/** @type {[string, string][]} */
const RATINGS = JSON.parse(document.getElementById("ratings")?.textContent ?? "[]");

/** @typedef {{text: string, rating: string, events: string[]}} Note */

dress();
addEventListener("hashchange", reveal);
reveal();

/** Open what holds the place that the address points to; not every browser does so by itself. */
function reveal() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const shut = target?.closest("details:not([open])") ?? target?.querySelector("[data-claims]:not([open])");
  if (!(target && shut instanceof HTMLDetailsElement)) return;
  shut.open = true;
  target.scrollIntoView();
}

for (const place of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(".own"))) {
  show(place, {
    text: place.querySelector(".text")?.textContent ?? "",
    rating: place.dataset.rating ?? "",
    events: (place.dataset.events ?? "").split(" ").filter(Boolean),
  });
}

/**
 * Show a note, and the button that opens it.
 *
 * @param {HTMLElement} place
 * @param {Note} note
 * @returns {HTMLButtonElement}
 */
function show(place, note) {
  const { claim = "" } = place.dataset;
  const is = note.text || note.rating;
  const label = is ? "Change your note" : "Add a note";
  const button = el("button", {
    type: "button", class: "button plain", "aria-label": `${label} on ${claim}`,
    onclick: () => edit(place, note),
  }, label);
  const rated = RATINGS.find(([key]) => key === note.rating)?.[1];
  place.replaceChildren(
    ...(is
      ? [el("p", { class: "mine" }, el("strong", {}, "Your note:"), rated ? ` ${rated}.` : "", ` ${note.text}`)]
      : []),
    button,
  );
  return button;
}

/** @param {HTMLElement} place @param {Note} note */
function edit(place, note) {
  const text = el("textarea", { maxLength: 2000, value: note.text });
  let { rating } = note;
  const chips = RATINGS.map(([value, shown]) => el("button", {
    type: "button", class: "button chip", "aria-pressed": String(value === rating), data: { value },
    onclick: () => {
      rating = value === rating ? "" : value;
      for (const chip of chips) chip.setAttribute("aria-pressed", String(chip.dataset.value === rating));
    },
  }, shown));
  const close = () => show(place, note).focus();
  const form = el(
    "form", { class: "form" },
    el(
      "fieldset", { class: "form" }, el("legend", {}, "How much does it convince you?"),
      el("div", { class: "chips wide" }, ...chips),
    ),
    field("Your note", text, "Only you are shown it."),
    el(
      "div", { class: "row" },
      el("button", { class: "button fill" }, "Keep"),
      el("button", { type: "button", class: "button", onclick: close }, "Leave it as it was"),
      note.events.length > 0 && el("button", {
        type: "button", class: "button",
        onclick: () => send(place, note, { text: "", rating: "", events: [] }),
      }, "Remove"),
    ),
  );
  form.onsubmit = (event) => {
    event.preventDefault();
    const next = { text: text.value.trim(), rating, events: note.events };
    if (next.text === note.text && next.rating === note.rating) close();
    else send(place, note, next);
  };
  place.replaceChildren(form);
  text.focus();
}

/**
 * Keep a note, or take all of it back where it is empty; and offer to undo that.
 *
 * @param {HTMLElement} place
 * @param {Note} note
 * @param {Note} next
 */
async function send(place, note, next) {
  const claim = place.dataset.claim ?? "";
  const empty = !next.text && !next.rating;
  const events = empty
    ? note.events.map((target) => tapped("removed", null, { target }))
    : [tapped("claim_noted", null, {
        claim, ...(next.text && { text: next.text }), ...(next.rating && { rating: next.rating }),
      })];
  if (!(await told(events))) return;
  const now = empty
    ? { text: "", rating: "", events: [] }
    : { ...next, events: [...note.events, events[0].id] };
  show(place, now).focus();
  announce(empty ? "Your note is removed." : "Your note is kept.");
  toast(empty ? "Your note is removed." : "Your note is kept.", {
    label: "Undo",
    act: async () => {
      if (!(await told(events.map((one) => tapped("removed", null, { target: one.id }))))) return;
      show(place, note).focus();
      toast("Taken back.", { seconds: 4 });
    },
  });
}

/**
 * @param {import("./types.js").PageEvent[]} events
 * @returns {Promise<boolean>} whether the hub has them on its disk
 */
async function told(events) {
  try {
    const answer = await post("/api/events", { sent_at: new Date().toISOString(), events });
    const why = answer.refused?.[0]?.why;
    if (why) toast(why, { bad: true });
    return !why;
  } catch (error) {
    toast(error instanceof HubError ? error.message : "Something went wrong on this page.", { bad: true });
    return false;
  }
}
