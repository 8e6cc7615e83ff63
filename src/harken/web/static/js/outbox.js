/**
 * Taps on their way to the hub.
 *
 * A tap is an event with its own id. It stays in this browser until the hub says that it has
 * it, and is sent again until then; because of the id it counts once, however often it arrives.
 */
import { call, HubError } from "./api.js";

/** @typedef {import("./types.js").PageEvent} PageEvent */
/** @typedef {{event: PageEvent, tries: number}} Waiting */

const LADDER_S = [1, 2, 4, 8, 15];
const STORE = "events";

/** @returns {Promise<IDBDatabase | null>} null where the browser has none (private windows) */
function openDatabase() {
  return new Promise((done) => {
    try {
      const asked = indexedDB.open("harken", 1);
      asked.onupgradeneeded = () => asked.result.createObjectStore(STORE, { keyPath: "id" });
      asked.onsuccess = () => done(asked.result);
      asked.onerror = asked.onblocked = () => done(null);
    } catch {
      done(null);
    }
  });
}

class Outbox {
  /** @type {Map<string, Waiting>} */
  #waiting = new Map();
  /** @type {Set<() => void>} */
  #watchers = new Set();
  /** @type {(event: PageEvent, why: string) => void} */
  onrefused = () => {};
  /** @type {(events: PageEvent[]) => void} */
  onaccepted = () => {};
  /** @type {() => void} */
  onsignedout = () => {};
  /** @type {Promise<IDBDatabase | null>} */
  #database = openDatabase();
  /** @type {number | undefined} */
  #timer;
  #sending = false;
  #again = false;
  #failures = 0;
  /** @type {BroadcastChannel | null} */
  #others = "BroadcastChannel" in globalThis ? new BroadcastChannel("harken-outbox") : null;
  /** Taps that were left from an earlier visit are loaded when this is done. */
  ready;

  constructor() {
    this.ready = this.#load();
    addEventListener("online", () => this.flush());
    addEventListener("pageshow", () => this.flush());
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") this.flush();
    });
    this.#others?.addEventListener("message", () => this.#load());
  }

  /** @returns {PageEvent[]} what the hub does not have yet, oldest first */
  get pending() {
    return [...this.#waiting.values()].map((one) => one.event).sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** @param {() => void} changed */
  watch(changed) {
    this.#watchers.add(changed);
  }

  /**
   * Keep an event and send it.
   *
   * @param {PageEvent} event
   */
  async add(event) {
    this.#waiting.set(event.id, { event, tries: 0 });
    this.#changed();
    const kept = this.#keep(event);
    // Not awaited first: a slow disk must not hold back the message that somebody is going.
    this.flush();
    await kept;
    this.#others?.postMessage("changed");
    this.#askForSync();
  }

  /** Send what waits, now. */
  async flush() {
    if (this.#sending) {
      this.#again = true;
      return;
    }
    clearTimeout(this.#timer);
    if (!this.#waiting.size) return;
    this.#sending = true;
    this.#again = false;
    const events = this.pending.slice(0, 100);
    let wait = 0;
    try {
      await this.#send(events);
      this.#failures = 0;
    } catch (error) {
      const status = error instanceof HubError ? error.status : 0;
      if (status === 401) {
        this.onsignedout();
        wait = 30;
      } else if (status === 429) {
        wait = (error instanceof HubError && error.retryAfter) || 5;
      } else if (status >= 400 && status < 500 && status !== 408) {
        await this.#oneByOne(events);
      } else {
        wait = LADDER_S[Math.min(this.#failures, LADDER_S.length - 1)];
        this.#failures += 1;
      }
    } finally {
      this.#sending = false;
    }
    if (this.#waiting.size && (this.#again || !wait)) setTimeout(() => this.flush(), 0);
    else if (this.#waiting.size) this.#timer = setTimeout(() => this.flush(), wait * 1000);
  }

  /** @param {PageEvent[]} events */
  async #send(events) {
    const body = { sent_at: new Date().toISOString(), events };
    for (const one of events) {
      const waiting = this.#waiting.get(one.id);
      if (waiting) waiting.tries += 1;
    }
    const answer = await call("POST", "/api/events", body, { timeoutMs: 8000, keepalive: true });
    const ids = new Set([...(answer.accepted ?? []), ...(answer.known ?? [])]);
    const had = events.filter((one) => ids.has(one.id));
    // First: at no moment may a tap be neither waiting nor with the hub, or the page shows it undone.
    this.onaccepted(had);
    await this.#forget(had);
    for (const { id, why } of answer.refused ?? []) {
      const event = events.find((one) => one.id === id);
      if (event) await this.#refuse(event, why);
    }
  }

  /**
   * One event that the hub cannot read must not hold back the rest.
   *
   * @param {PageEvent[]} events
   */
  async #oneByOne(events) {
    for (const event of events) {
      try {
        await this.#send([event]);
      } catch (error) {
        if (!(error instanceof HubError) || error.status === 0 || error.status >= 500) return;
        if (error.status === 401 || error.status === 429) return;
        await this.#refuse(event, error.message);
      }
    }
  }

  /** @param {PageEvent} event @param {string} why */
  async #refuse(event, why) {
    await this.#forget([event]);
    this.onrefused(event, why);
  }

  /** @param {PageEvent} event */
  async #keep(event) {
    const database = await this.#database;
    if (!database) {
      this.#keepWithoutDatabase();
      return;
    }
    await new Promise((done) => {
      const change = database.transaction(STORE, "readwrite", { durability: "strict" });
      change.objectStore(STORE).put(event);
      change.oncomplete = done;
      change.onerror = change.onabort = () => {
        this.#keepWithoutDatabase();
        done(null);
      };
    });
  }

  /** @param {PageEvent[]} events */
  async #forget(events) {
    if (!events.length) return;
    for (const one of events) this.#waiting.delete(one.id);
    const database = await this.#database;
    this.#keepWithoutDatabase(true);
    if (database) {
      await new Promise((done) => {
        const change = database.transaction(STORE, "readwrite");
        for (const one of events) change.objectStore(STORE).delete(one.id);
        change.oncomplete = change.onerror = change.onabort = done;
      });
    }
    this.#changed();
    this.#others?.postMessage("changed");
  }

  /** @param {boolean} [onlyIfThere] */
  #keepWithoutDatabase(onlyIfThere = false) {
    try {
      if (onlyIfThere && localStorage.getItem("harken.outbox") === null) return;
      localStorage.setItem("harken.outbox", JSON.stringify(this.pending));
    } catch {
      // Nothing on this phone keeps anything; it stays in memory while the page is open.
    }
  }

  async #load() {
    /** @type {PageEvent[]} */
    let kept = [];
    const database = await this.#database;
    if (database) {
      kept = await new Promise((done) => {
        const asked = database.transaction(STORE).objectStore(STORE).getAll();
        asked.onsuccess = () => done(asked.result);
        asked.onerror = () => done([]);
      });
    }
    try {
      kept.push(...JSON.parse(localStorage.getItem("harken.outbox") || "[]"));
    } catch {
      // What cannot be read was not written by this page.
    }
    for (const event of kept) {
      if (!this.#waiting.has(event.id)) this.#waiting.set(event.id, { event, tries: 0 });
    }
    if (database) {
      const there = new Set(kept.map((one) => one.id));
      // Another tab has delivered it.
      for (const [id, one] of this.#waiting) if (!there.has(id) && one.tries) this.#waiting.delete(id);
    }
    this.#changed();
    this.flush();
  }

  #askForSync() {
    // Where the browser can, the service worker sends what is left after the page is closed.
    navigator.serviceWorker?.ready
      .then((worker) => /** @type {any} */ (worker).sync?.register("outbox"))
      .catch(() => {});
  }

  #changed() {
    for (const one of this.#watchers) one();
  }
}

export const outbox = new Outbox();
