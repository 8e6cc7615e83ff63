/**
 * What this page does when it must wake somebody: sound, vibration, title; and the screen that
 * stays on. The sound is made here: it begins gently and becomes insistent.
 */
import { say } from "./dom.js";

/** @typedef {"cry" | "lost"} Why */
/** @type {Map<string, {why: Why, began: number}>} */
const ringing = new Map();
/** @type {AudioContext | null} */
let context = null;
/** @type {number | undefined} */
let timer;
/** @type {Set<() => void>} */
const watchers = new Set();

/** @param {() => void} changed  called when sound is allowed or no longer, and on ringing */
export const watchAlarm = (changed) => watchers.add(changed);
const changed = () => watchers.forEach((one) => one());

/** @returns {boolean} whether this page could be heard right now */
export const soundReady = () => context?.state === "running";

/** @returns {boolean} */
export const isRinging = () => ringing.size > 0;

/**
 * Allow sound. A browser wants a tap for this, so call it from one; without a tap it works only
 * where the browser trusts the page already.
 *
 * @returns {Promise<boolean>}
 */
export async function allowSound() {
  try {
    // iOS: plays although the ring switch is on silent, like a video would.
    const session = /** @type {any} */ (navigator).audioSession;
    if (session) session.type = "playback";
    if (!context) {
      context = new AudioContext();
      context.onstatechange = changed;
    }
    await Promise.race([context.resume(), new Promise((done) => setTimeout(done, 500))]);
  } catch {
    // No sound device: soundReady says so.
  }
  changed();
  return soundReady();
}

/** Two soft notes, so that a person hears that it works. */
export function sample() {
  if (!context || !soundReady()) return;
  note(context, 523.25, 0, 0.25, 0.2);
  note(context, 659.25, 0.18, 0.25, 0.2);
}

/**
 * @param {BaseAudioContext} on
 * @param {number} hertz
 * @param {number} after  s from now
 * @param {number} loud  0 to 1
 * @param {number} bright  0 (a wooden bar) to 1 (a bell)
 */
function note(on, hertz, after, loud, bright) {
  const start = on.currentTime + after;
  const out = on.createGain();
  out.connect(on.destination);
  /** @type {[number, number, number][]} partial, share, s to fade */
  const partials = [[1, 1, 0.7], [3.93, 0.12 + 0.3 * bright, 0.25], [2, 0.5 * bright, 0.5]];
  for (const [partial, share, fade] of partials) {
    const tone = on.createOscillator();
    const level = on.createGain();
    tone.frequency.value = hertz * partial;
    level.gain.setValueAtTime(0.0001, start);
    level.gain.exponentialRampToValueAtTime(Math.max(0.0002, loud * share * 0.6), start + 0.012);
    level.gain.exponentialRampToValueAtTime(0.0001, start + fade);
    tone.connect(level).connect(out);
    tone.start(start);
    tone.stop(start + fade + 0.05);
  }
}

/**
 * Vibrate, where the phone can and the browser lets the page (after a first tap).
 *
 * @param {number | number[]} pattern  ms
 */
export function buzz(pattern) {
  if (navigator.userActivation?.hasBeenActive ?? true) navigator.vibrate?.(pattern);
}

function round() {
  clearTimeout(timer);
  if (!ringing.size) return;
  const eldest = [...ringing.values()].sort((a, b) => a.began - b.began)[0];
  const cry = [...ringing.values()].some((one) => one.why === "cry");
  const seconds = (performance.now() - eldest.began) / 1000;
  // Full strength after forty seconds.
  const urge = Math.min(1, seconds / 40);
  if (context && context.state !== "running") context.resume().catch(() => {});
  if (context && soundReady()) {
    const loud = 0.18 + 0.82 * urge;
    const tones = cry ? [523.25, 659.25, 783.99, 1046.5] : [440, 349.23, 293.66];
    tones.slice(0, cry ? (urge > 0.4 ? 4 : 3) : 3).forEach((hertz, i) => {
      note(/** @type {AudioContext} */ (context), hertz, i * (0.2 - 0.06 * urge), loud, urge);
    });
  }
  buzz(urge > 0.5 ? [300, 120, 300, 120, 500] : [200, 150, 200]);
  timer = setTimeout(round, 1000 * (2.6 - 1.5 * urge));
}

/**
 * Ring for something, until `stopRinging` with the same key.
 *
 * @param {string} key
 * @param {Why} why
 */
export function ring(key, why) {
  if (ringing.has(key)) return;
  ringing.set(key, { why, began: performance.now() });
  round();
  changed();
}

/** @param {string} key */
export function stopRinging(key) {
  if (!ringing.delete(key)) return;
  if (!ringing.size) {
    clearTimeout(timer);
    buzz(0);
  }
  changed();
}

export function silence() {
  for (const key of [...ringing.keys()]) stopRinging(key);
}

/** @returns {string[]} */
export const ringingKeys = () => [...ringing.keys()];

let blink = false;

/**
 * The title that a tab or a task list shows.
 *
 * @param {string} text
 * @param {boolean} urgent
 */
export function title(text, urgent) {
  blink = !blink;
  const head = document.querySelector("title");
  if (head) say(head, urgent && blink ? `● ${text}` : text);
}

/** @type {WakeLockSentinel | null} */
let lock = null;
let wanted = false;

/** @returns {boolean} whether the screen is being kept on */
export const staysAwake = () => lock !== null && !lock.released;

/** @returns {boolean} */
export const canStayAwake = () => "wakeLock" in navigator;

/**
 * Keep the screen on, or let it sleep again.
 *
 * @param {boolean} want
 * @returns {Promise<boolean>} whether it is being kept on
 */
export async function stayAwake(want) {
  wanted = want;
  if (!want) {
    await lock?.release().catch(() => {});
    lock = null;
  } else if (!staysAwake() && document.visibilityState === "visible") {
    try {
      lock = await navigator.wakeLock.request("screen");
      lock.addEventListener("release", changed);
    } catch {
      lock = null;
    }
  }
  changed();
  return staysAwake();
}

document.addEventListener("visibilitychange", () => {
  // The browser takes the lock away from a hidden page.
  if (wanted && document.visibilityState === "visible") stayAwake(true);
});
