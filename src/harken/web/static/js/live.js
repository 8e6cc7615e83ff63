/**
 * What goes on, as the hub tells it, and whether the hub is there at all.
 *
 * Read with fetch and not with EventSource: the hub's heartbeat is a comment, which EventSource
 * swallows, and a connection that has died silently must be noticed.
 */
import { hubNow } from "./time.js";

/** Seconds without a byte after which the page says that it is not connected. */
const STALE_S = 15;
const RETRY_S = [0.3, 1, 2, 3, 5];

/**
 * @typedef {object} Handlers
 * @property {(snapshot: import("./types.js").Snapshot) => void} state
 * @property {(alert: import("./types.js").Alert) => void} [alert]
 * @property {(what: any) => void} [say]
 * @property {(problem: any) => void} [problem]
 * @property {(connected: boolean, lastHeard: number) => void} link  `lastHeard` is hub time, ms
 * @property {() => void} signedOut
 */

/**
 * Listen to the hub until the page goes away.
 *
 * @param {Handlers} handlers
 */
export function listen(handlers) {
  let lastByte = Date.now();
  let lastHeard = hubNow();
  let connected = false;
  let told = false;
  let failures = 0;
  let over = false;
  /** @type {AbortController | null} */
  let current = null;
  /** @type {(() => void) | null} */
  let wake = null;

  const lost = () => {
    if (connected || !told) {
      connected = false;
      told = true;
      handlers.link(false, lastHeard);
    }
  };
  const alive = () => {
    lastByte = Date.now();
    lastHeard = hubNow();
    if (!connected) {
      connected = true;
      told = true;
      handlers.link(true, lastHeard);
    }
  };
  const check = () => {
    if (Date.now() - lastByte > STALE_S * 1000) {
      lost();
      current?.abort();
      lastByte = Date.now();
    }
  };
  const tryNow = () => {
    check();
    if (!connected) {
      failures = 0;
      wake?.();
    }
  };

  /** @param {string} block one message of the stream */
  const read = (block) => {
    let name = "message";
    const data = [];
    for (const line of block.split("\n")) {
      if (line.startsWith("event:")) name = line.slice(6).trim();
      else if (line.startsWith("data:")) data.push(line.slice(5).replace(/^ /, ""));
    }
    if (!data.length) return;
    const what = JSON.parse(data.join("\n"));
    if (name === "state") handlers.state(what);
    else if (name === "alert") handlers.alert?.(what);
    else if (name === "say") handlers.say?.(what);
    else if (name === "problem") handlers.problem?.(what);
  };

  const once = async () => {
    current = new AbortController();
    lastByte = Date.now();
    const response = await fetch("/api/live", {
      headers: { Accept: "text/event-stream", "X-Harken": "1" },
      credentials: "same-origin", cache: "no-store", signal: current.signal,
    });
    if (response.status === 401 || response.status === 403) {
      over = true;
      handlers.signedOut();
      return;
    }
    if (!response.ok || !response.body) throw new Error(`live: ${response.status}`);
    const reader = response.body.getReader();
    const decoder = new TextDecoder();
    let text = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      alive();
      failures = 0;
      text += decoder.decode(value, { stream: true }).replace(/\r/g, "");
      for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
        const block = text.slice(0, end);
        text = text.slice(end + 2);
        try {
          read(block);
        } catch (error) {
          console.error(error);
        }
      }
    }
  };

  const run = async () => {
    while (!over) {
      try {
        await once();
      } catch {
        // Said by `lost` below; the next try follows.
      }
      if (over) return;
      // The first try after an end comes at once and in silence: a hub that restarts quickly
      // is no news. From the second on, the page says so.
      if (failures > 0) lost();
      const wait = RETRY_S[Math.min(failures, RETRY_S.length - 1)];
      failures += 1;
      await new Promise((done) => {
        wake = () => done(null);
        setTimeout(done, wait * 1000);
      });
      wake = null;
    }
  };

  setInterval(check, 1000);
  addEventListener("online", tryNow);
  addEventListener("offline", () => {
    // A hub on this very machine is still there: ask rather than believe.
    fetch("/healthz", { cache: "no-store", signal: AbortSignal.timeout(3000) }).catch(() => {
      lost();
      current?.abort();
    });
  });
  addEventListener("pageshow", tryNow);
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") tryNow();
  });
  run();
}
