/** The two pages before signing in: joining by a code, and the first run. */
import { HubError, post } from "./api.js";
import { say } from "./dom.js";
import { dress } from "./shell.js";

dress();

/**
 * Only ever a path of the hub's own.
 *
 * @param {unknown} path
 */
function go(path) {
  const address = new URL(typeof path === "string" ? path : "/", location.origin);
  location.assign(address.origin === location.origin ? address.pathname + address.search : "/");
}

/** @returns {string} a name for somebody who gave none */
function thisDevice() {
  const agent = navigator.userAgent;
  if (/iPad|Tablet/.test(agent)) return "Tablet";
  return /Mobi|iPhone|Android/.test(agent) ? "Phone" : "Computer";
}

/**
 * @param {HTMLFormElement} form
 * @param {string} path
 */
function answer(form, path) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const place = /** @type {HTMLElement} */ (form.querySelector("[role=alert]"));
    const button = /** @type {HTMLButtonElement} */ (form.querySelector("button"));
    const values = Object.fromEntries(
      [...new FormData(form)].map(([name, value]) => [name, String(value).trim()]),
    );
    if ("code" in values && !values.name) values.name = thisDevice();
    button.disabled = true;
    try {
      go((await post(path, values))?.next);
    } catch (error) {
      say(place, error instanceof HubError ? error.message : "Something went wrong here. Try again.");
      button.disabled = false;
    }
  });
}

const join = document.getElementById("join");
if (join instanceof HTMLFormElement) {
  answer(join, "/api/join");
  const code = /** @type {HTMLInputElement} */ (document.getElementById("code"));
  const given = decodeURIComponent(location.hash.slice(1));
  if (given) {
    code.value = given;
    // The code must not stay in the history, nor go along when the address is shared.
    history.replaceState(null, "", location.pathname);
  }
  document.getElementById(code.value ? "name" : "code")?.focus();
}

const welcome = document.getElementById("welcome");
if (welcome instanceof HTMLFormElement) {
  answer(welcome, "/api/welcome");
  const zone = /** @type {HTMLInputElement} */ (document.getElementById("zone"));
  zone.value = Intl.DateTimeFormat().resolvedOptions().timeZone || zone.value;
  const code = document.getElementById("setup_code");
  if (code instanceof HTMLInputElement && location.hash) {
    code.value = decodeURIComponent(location.hash.slice(1));
  }
  history.replaceState(null, "", location.pathname);
}
