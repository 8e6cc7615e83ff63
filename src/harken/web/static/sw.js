/**
 * The service worker: Now opens without a network, a push becomes a notification that can be
 * answered at once, and taps that were left behind are sent when there is a network again.
 * Nothing under /api is ever kept.
 */
(() => {
  const worker = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (self));
  // The hub fills in these two when it serves this file.
  const CACHE = "harken-__VERSION__";
  const FILES = __FILES__;

  const SHELL = "/";
  /** What Now needs to open without a network; the rest comes when it is asked for. */
  const NEEDED = /(css\/harken\.css|js\/(theme|now|shell|stages|dom|time|api|outbox|live|alarm|sing|talk|nursery|capture)\.js|icons\/harken(-192\.png|\.svg))$/;

  worker.addEventListener("install", (event) => {
    event.waitUntil((async () => {
      const cache = await caches.open(CACHE);
      await cache.addAll(FILES.filter((one) => NEEDED.test(one)));
      await keepShell(await fetch(SHELL, { credentials: "same-origin" })).catch(() => {});
      await worker.skipWaiting();
    })());
  });

  worker.addEventListener("activate", (event) => {
    event.waitUntil((async () => {
      for (const name of await caches.keys()) {
        if (name.startsWith("harken-") && name !== CACHE) await caches.delete(name);
      }
      await worker.clients.claim();
    })());
  });

  /**
   * Keep Now as it came, if it is Now and not a way to the join page.
   *
   * @param {Response} response
   */
  async function keepShell(response) {
    if (!response.ok || response.redirected) return;
    if (!(response.headers.get("Content-Type") ?? "").includes("text/html")) return;
    const cache = await caches.open(CACHE);
    await cache.put(SHELL, response.clone());
  }

  worker.addEventListener("fetch", (event) => {
    const { request } = event;
    const address = new URL(request.url);
    if (request.method !== "GET" || address.origin !== worker.location.origin) return;
    if (address.pathname.startsWith("/static/")) {
      event.respondWith(caches.match(request).then((kept) => kept ?? fetch(request)));
    } else if (request.mode === "navigate" && address.pathname === SHELL) {
      event.respondWith(openNow(event));
    }
  });

  /** @param {FetchEvent} event @returns {Promise<Response>} from the hub, or from this phone */
  async function openNow(event) {
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), 4000);
    try {
      const response = await fetch(event.request, { signal: stop.signal });
      event.waitUntil(keepShell(response.clone()));
      return response;
    } catch (error) {
      const kept = await caches.match(SHELL);
      if (kept) return kept;
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * Tell the hub what became of an alert. It counts only with its own time.
   *
   * @param {string} alert
   * @param {"received" | "shown" | "clicked" | "going"} what
   * @returns {Promise<Response>}
   */
  function report(alert, what, id = uuid7(), at = new Date().toISOString()) {
    return fetch(`/api/alerts/${encodeURIComponent(alert)}/${what}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Harken": "1" },
      credentials: "same-origin",
      body: JSON.stringify({ id, at, sent_at: new Date().toISOString() }),
    });
  }

  worker.addEventListener("push", (event) => {
    /** @type {any} */
    let message = {};
    try {
      message = event.data?.json() ?? {};
    } catch {
      message = { title: "Harken", body: event.data?.text() };
    }
    event.waitUntil((async () => {
      const { alert } = message;
      if (alert) report(alert, "received").catch(() => {});
      const over = ["heard", "summary", "push_lost"].includes(message.about);
      await worker.registration.showNotification(message.title || "Harken", /** @type {any} */ ({
        body: message.body || "",
        tag: message.episode || (message.room ? `room ${message.room}` : alert),
        renotify: true,
        requireInteraction: Boolean(message.urgent),
        silent: false,
        vibrate: message.urgent ? [300, 150, 300, 150, 600] : [150],
        timestamp: message.onset ? Date.parse(message.onset) : Date.now(),
        icon: FILES.find((one) => one.endsWith("icons/harken-192.png")),
        badge: FILES.find((one) => one.endsWith("icons/harken-badge.png")),
        actions: over ? [] : message.actions ?? [],
        data: message,
      }));
      if (alert) await report(alert, "shown").catch(() => {});
    })());
  });

  worker.addEventListener("notificationclick", (event) => {
    const message = event.notification.data ?? {};
    event.notification.close();
    event.waitUntil((async () => {
      const { alert } = message;
      if (event.action === "going" && alert) {
        if (await going(message)) return;
      } else if (alert) {
        report(alert, "clicked").catch(() => {});
      }
      await open(message.url || "/");
    })());
  });

  /**
   * "I'm going" from the notification. Where the hub cannot be reached, the tap is kept like any
   * other, under the same id, so that it counts once.
   *
   * @param {any} message
   * @returns {Promise<boolean>} whether the hub has it
   */
  async function going(message) {
    const id = uuid7();
    const at = new Date().toISOString();
    try {
      const response = await report(message.alert, "going", id, at);
      if (response.ok) return true;
    } catch {
      // Kept below.
    }
    const data = message.episode ? { episode: message.episode } : {};
    await keep({ id, kind: "acknowledged", at, room: message.room ?? null, child: null, data });
    await /** @type {any} */ (worker.registration).sync?.register("outbox").catch(() => {});
    return false;
  }

  /** @param {string} path one of the hub's own */
  async function open(path) {
    const address = new URL(path, worker.location.origin);
    if (address.origin !== worker.location.origin) address.href = worker.location.origin;
    for (const client of await worker.clients.matchAll({ type: "window", includeUncontrolled: true })) {
      if (new URL(client.url).pathname === address.pathname) {
        await client.focus();
        return;
      }
    }
    await worker.clients.openWindow(address.href);
  }

  worker.addEventListener("pushsubscriptionchange", (event) => {
    const change = /** @type {any} */ (event);
    change.waitUntil((async () => {
      const old = change.oldSubscription;
      const made = change.newSubscription
        ?? (old && await worker.registration.pushManager.subscribe(old.options));
      if (!made) return;
      await fetch("/api/push/subscriptions", {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-Harken": "1" },
        credentials: "same-origin",
        body: JSON.stringify(made.toJSON()),
      });
    })());
  });

  worker.addEventListener("sync", (event) => {
    const asked = /** @type {any} */ (event);
    if (asked.tag === "outbox") asked.waitUntil(sendWaiting());
  });

  /** @returns {Promise<IDBDatabase>} the one of outbox.js */
  function database() {
    return new Promise((done, failed) => {
      const asked = indexedDB.open("harken", 1);
      asked.onupgradeneeded = () => asked.result.createObjectStore("events", { keyPath: "id" });
      asked.onsuccess = () => done(asked.result);
      asked.onerror = () => failed(asked.error);
    });
  }

  /**
   * @param {IDBTransactionMode} mode
   * @param {(store: IDBObjectStore) => IDBRequest | void} act
   * @returns {Promise<any>}
   */
  async function inStore(mode, act) {
    const opened = await database();
    return new Promise((done, failed) => {
      const change = opened.transaction("events", mode);
      const asked = act(change.objectStore("events"));
      change.oncomplete = () => done(asked?.result);
      change.onerror = change.onabort = () => failed(change.error);
    });
  }

  /** @param {any} event */
  const keep = (event) => inStore("readwrite", (store) => store.put(event));

  async function sendWaiting() {
    const events = (await inStore("readonly", (store) => store.getAll())) ?? [];
    if (!events.length) return;
    const response = await fetch("/api/events", {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Harken": "1" },
      credentials: "same-origin",
      body: JSON.stringify({ sent_at: new Date().toISOString(), events: events.slice(0, 100) }),
    });
    if (!response.ok) throw new Error(`events: ${response.status}`);
    const answer = await response.json();
    await inStore("readwrite", (store) => {
      for (const id of [...answer.accepted, ...answer.known]) store.delete(id);
    });
  }

  /** @returns {string} like uuid7 of time.js; a classic worker cannot import it */
  function uuid7() {
    const hex = [...crypto.getRandomValues(new Uint8Array(10))]
      .map((one) => one.toString(16).padStart(2, "0")).join("");
    const ms = Date.now().toString(16).padStart(12, "0");
    const variant = (0x8 | (parseInt(hex[3], 16) & 0x3)).toString(16);
    return `${ms.slice(0, 8)}-${ms.slice(8)}-7${hex.slice(0, 3)}-${variant}${hex.slice(4, 7)}-${hex.slice(7, 19)}`;
  }
})();
