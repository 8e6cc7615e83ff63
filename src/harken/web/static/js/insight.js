/**
 * Insight: the numbers come with the page; this draws the pictures as they come into sight, and
 * says when something was written down since, so that old numbers never pass for new ones.
 */
import { announce, byId, el, say } from "./dom.js";
import { start } from "./shell.js";

const CHECK_MS = 4000;
const RETRY_MS = 1500;

let etag = "";
let query = "";
let checking = false;
let known = "";
/** @type {number | undefined} */
let timer;

const main = () => byId("main", HTMLElement);

/** Take over what the page was made from. */
function learn() {
  ({ etag = "", query = "" } = main().dataset);
}

const watched = new IntersectionObserver((seen) => {
  for (const one of seen) {
    if (!one.isIntersecting) continue;
    watched.unobserve(one.target);
    draw(/** @type {HTMLElement} */ (one.target));
  }
}, { rootMargin: "400px" });

/** Draw what is in sight, and the rest when it comes into sight or is opened. */
function drawAll() {
  for (const one of document.querySelectorAll("figure[data-chart]")) watched.observe(one);
}

/** @param {HTMLElement} figure */
async function draw(figure) {
  const caption = figure.querySelector("figcaption");
  const wide = Math.round(figure.clientWidth || main().clientWidth || 340);
  const width = Math.max(280, Math.min(760, Math.floor(wide / 20) * 20));
  const { chart = "", change, series } = figure.dataset;
  const which = change ? `&change=${encodeURIComponent(change)}` : series ? `&series=${encodeURIComponent(series)}` : "";
  const about = `${query}&width=${width}${which}`;
  figure.setAttribute("aria-busy", "true");
  try {
    const response = await fetch(`/api/insight/charts/${encodeURIComponent(chart)}?${about}`, {
      headers: { "X-Harken": "1" }, credentials: "same-origin", cache: "no-store",
    });
    if (!response.ok) throw new Error(await reason(response));
    const title = unescape_(response.headers.get("X-Title") ?? "");
    const picture = new DOMParser().parseFromString(await response.text(), "image/svg+xml").documentElement;
    if (caption) say(caption, title);
    const note = /** @type {HTMLElement | null} */ (figure.querySelector(".note"));
    if (note) {
      say(note, unescape_(response.headers.get("X-Note") ?? ""));
      note.hidden = !note.textContent;
    }
    if (picture instanceof SVGElement && !picture.dataset.empty && picture.tagName === "svg") {
      figure.querySelector("svg")?.remove();
      figure.querySelector("figcaption")?.after(document.importNode(picture, true));
    } else {
      figure.classList.add("empty");
      figure.hidden = Boolean(figure.dataset.optional);
    }
  } catch (error) {
    figure.classList.add("empty");
    if (caption) say(caption, `No picture: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    figure.removeAttribute("aria-busy");
  }
}

/** @param {Response} response @returns {Promise<string>} */
async function reason(response) {
  try {
    return (await response.json()).error ?? `the hub answered ${response.status}`;
  } catch {
    return `the hub answered ${response.status}`;
  }
}

/** A header is ASCII: what is not comes as a number. @param {string} text */
const unescape_ = (text) => text.replace(/&#(\d+);/g, (_, code) => String.fromCodePoint(Number(code)));

/** Ask whether the numbers still hold. @param {boolean} show  put new ones in place at once */
async function check(show) {
  if (checking || document.visibilityState !== "visible") return;
  checking = true;
  try {
    const response = await fetch(`/api/insight?${query}`, {
      headers: { "X-Harken": "1", "If-None-Match": etag }, credentials: "same-origin", cache: "no-store",
    });
    if (response.status === 304 || !response.ok) return;
    if (show) await renew();
    else offer();
  } catch {
    // The banner says that the hub is not reached; the numbers say of when they are.
  } finally {
    checking = false;
  }
}

/** Say that there is news, and let the reader choose when the page changes under them. */
function offer() {
  const news = byId("news", HTMLElement);
  if (!news.hidden) return;
  news.replaceChildren(
    "Something was written down since. ",
    el("button", { type: "button", class: "button", onclick: () => renew() }, "Show new numbers"),
  );
  news.hidden = false;
}

/** Put new numbers in the place of the old ones, where the reader is. */
async function renew() {
  const response = await fetch(location.href, { credentials: "same-origin", cache: "no-store", headers: { Accept: "text/html" } });
  if (!response.ok) return;
  const made = new DOMParser().parseFromString(await response.text(), "text/html").getElementById("main");
  if (!made) return;
  const opened = [...document.querySelectorAll("details.more")].map((one) => /** @type {HTMLDetailsElement} */ (one).open);
  const focus = document.activeElement?.closest("section[id]")?.id;
  const place = scrollY;
  main().replaceWith(document.importNode(made, true));
  document.querySelectorAll("details.more").forEach((one, i) => {
    /** @type {HTMLDetailsElement} */ (one).open = opened[i] ?? false;
  });
  scrollTo(0, place);
  if (focus) /** @type {HTMLElement | null} */ (document.querySelector(`#${focus} summary, #${focus} a`))?.focus({ preventScroll: true });
  learn();
  drawAll();
  if (main().dataset.fresh === "yes") announce("New numbers.");
  else setTimeout(() => check(true), RETRY_MS);
}

learn();
drawAll();
start({
  state: (what, fresh) => {
    // A level that moves is no news; a cry, an answer or an entry is.
    const now = JSON.stringify(what.rooms.map((room) => [room.id, room.state, room.episode?.id ?? null, room.episode?.there.length ?? 0]));
    if (fresh && known && now !== known) {
      clearTimeout(timer);
      timer = setTimeout(() => check(false), CHECK_MS);
    }
    known = now;
  },
});
if (main().dataset.fresh !== "yes") check(true);
document.addEventListener("visibilitychange", () => check(false));
setInterval(() => check(false), 300_000);
