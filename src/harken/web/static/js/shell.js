/** What all signed-in pages share: the light, the menu, the link to the hub, the service worker. */
import { announce, byId, say, toast } from "./dom.js";
import { outbox } from "./outbox.js";
import { listen } from "./live.js";
import { clock, learnClock } from "./time.js";

/** @typedef {import("./types.js").Snapshot} Snapshot */

/** @type {Snapshot | null} */
let latest = null;

/** @returns {Snapshot | null} what the hub said last, or what the page was sent with */
export const snapshot = () => latest;

/** @param {string} key @returns {any} */
export function remembered(key) {
  try {
    return JSON.parse(localStorage.getItem(`harken.${key}`) ?? "null");
  } catch {
    return null;
  }
}

/** @param {string} key @param {any} value */
export function remember(key, value) {
  try {
    localStorage.setItem(`harken.${key}`, JSON.stringify(value));
  } catch {
    // A browser that keeps nothing still shows what goes on.
  }
}

/** Set up the menu and the light. */
export function dress() {
  const menu = document.getElementById("menu");
  if (menu instanceof HTMLDetailsElement) {
    const wide = matchMedia("(min-width: 62rem)");
    const open = () => {
      menu.open = wide.matches;
    };
    open();
    wide.addEventListener("change", open);
    document.addEventListener("click", (event) => {
      if (!wide.matches && !menu.contains(/** @type {Node} */ (event.target))) menu.open = false;
    });
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !wide.matches) menu.open = false;
    });
  }
  const theme = document.getElementById("theme");
  if (theme instanceof HTMLSelectElement) {
    try {
      theme.value = localStorage.getItem("harken.theme") || "auto";
    } catch {
      theme.value = "auto";
    }
    theme.addEventListener("change", () => {
      try {
        localStorage.setItem("harken.theme", theme.value);
      } catch {
        document.documentElement.dataset.theme = theme.value;
      }
      dispatchEvent(new Event("harken:theme"));
    });
  }
  // On the address http://name.local there is no service worker; everything else works.
  navigator.serviceWorker?.register("/sw.js").catch(() => {});
}

export function toJoin() {
  location.assign("/join");
}

/**
 * Start a page: dress it, show what it was sent with, and keep it up to date.
 *
 * @param {object} with_
 * @param {(snapshot: Snapshot, fresh: boolean) => void} with_.state  `fresh`: from the live link
 * @param {(alert: import("./types.js").Alert) => void} [with_.alert]
 * @param {(what: any) => void} [with_.say]
 * @param {(connected: boolean, lastHeard: number) => void} [with_.link]
 */
export function start({ state, alert, say: onsay, link }) {
  dress();
  const sent = document.getElementById("state")?.textContent;
  const first = sent ? JSON.parse(sent) : remembered("snapshot");
  if (first?.household) {
    latest = first;
    learnZone(first);
    state(first, false);
  }
  outbox.onsignedout = () => say(byId("lost", HTMLElement), "This device is not signed in any more.");
  outbox.onrefused = (event, why) => toast(`The hub did not take “${event.kind}”: ${why}`, { bad: true });
  listen({
    state: (what) => {
      learnClock(what.now, what.household?.zone);
      learnZone(what);
      latest = what;
      remember("snapshot", what);
      state(what, true);
    },
    alert,
    say: onsay,
    problem: (what) => {
      if (what?.text) announce(what.text, "assertive");
    },
    link: (connected, lastHeard) => {
      const banner = byId("lost", HTMLElement);
      if (connected) {
        if (!banner.hidden) announce("Connected again.");
        banner.hidden = true;
        banner.replaceChildren();
        outbox.flush();
      } else {
        const strong = document.createElement("strong");
        strong.textContent = `Not connected since ${clock(lastHeard)}`;
        banner.replaceChildren(
          strong, "This page hears nothing from the hub. It keeps trying, and keeps what you tap.",
        );
        banner.hidden = false;
      }
      link?.(connected, lastHeard);
    },
    signedOut: toJoin,
  });
}

/** @param {Snapshot} what */
function learnZone(what) {
  const { night_from: from, night_until: until } = what.settings ?? {};
  const zone = what.household?.zone;
  try {
    const next = JSON.stringify(from && until ? [from, until, zone] : []);
    if (localStorage.getItem("harken.night") !== next) {
      localStorage.setItem("harken.night", next);
      dispatchEvent(new Event("harken:theme"));
    }
  } catch {
    // See `remember`.
  }
}
