/** Nursery: makes this device the ears of a room, and says plainly when it is not heard. */
import { canStayAwake, stayAwake, staysAwake } from "./alarm.js";
import { announce, byId, el, say, select } from "./dom.js";
import { remember, remembered, snapshot, start } from "./shell.js";
import { hushRoom, lullaby, PHRASES, play, speak } from "./sing.js";
import { clock, decibels, hubNow, span } from "./time.js";

const FRAME_S = 0.08;
/** Seconds of sound that are kept while the hub is away. */
const KEPT_S = 10;
/** Bytes under way on the socket above which sound waits here in place of there. */
const UNDER_WAY = 16 * 1024;
/** Seconds without a word from the hub after which this device does not count as heard. */
const HUB_SILENT_S = 3;
/** Seconds after which a socket that the hub says nothing on is given up for a new one. */
const HUB_GONE_S = 6;
/** Seconds of nothing but zeros after which the microphone counts as dead. */
const ZEROS_S = 5;
/** Seconds without a touch after which the screen goes dark. */
const DIM_AFTER_S = 60;
const RETRY_S = [0.5, 1, 2, 3, 5];

/** @typedef {{level_dbfs: number | null, heard: boolean, state: string, cry: number | null}} Hearing */

const main = byId("main", HTMLElement);
const word = byId("word", HTMLElement);
const why = byId("why", HTMLElement);
const listenButton = byId("listen", HTMLButtonElement);
const dimButton = byId("dim", HTMLButtonElement);
const level = byId("level", HTMLElement);
const levelText = byId("level-text", HTMLElement);

let room = main.dataset.room || new URLSearchParams(location.search).get("room") || "";
/** Whether a person wants this device to listen. */
let wanted = false;
/** @type {AudioContext | null} */
let context = null;
/** @type {MediaStream | null} */
let stream = null;
/** @type {MediaStreamTrack | null} */
let track = null;
/** @type {WebSocket | null} */
let socket = null;
/** @type {ArrayBuffer[]} */
let queue = [];
let seq = 0;
let dropped = 0;
let failures = 0;
/** @type {Hearing | null} */
let hearing = null;
let hearingAt = 0;
let zeros = 0;
let heardSince = 0;
/** @type {string | null} why the microphone gives nothing */
let microphoneSays = null;
/** @type {string | null} why the hub takes nothing */
let hubSays = null;
/** @type {number | null} */
let notHeardSince = null;
/** Smallest seen difference between the hub's clock and the audio clock, s. */
let clockOffset = Infinity;
let touchedAt = Date.now();
/** @type {HTMLButtonElement | null} */
let dark = null;
const played = new Set();

async function begin() {
  if (!navigator.mediaDevices?.getUserMedia) {
    microphoneSays = "This address is not secure, so the browser gives no microphone. Open the page "
      + "by its https:// address (harken serve --https shows it), or on the hub itself.";
    wanted = true;
    return draw();
  }
  wanted = true;
  microphoneSays = null;
  draw();
  try {
    stream = await navigator.mediaDevices.getUserMedia({
      audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false, channelCount: 1 },
    });
  } catch (error) {
    const name = error instanceof DOMException ? error.name : "";
    microphoneSays = {
      NotAllowedError: "The browser may not use the microphone. Allow it in the address bar or in the browser’s settings, then tap Listen.",
      NotFoundError: "This device has no microphone.",
      NotReadableError: "Another app holds the microphone. Close it, then tap Listen.",
    }[name] ?? "The microphone could not be opened.";
    return draw();
  }
  [track] = stream.getAudioTracks();
  track.onended = () => {
    microphoneSays = "The microphone was taken away or unplugged.";
    draw();
    setTimeout(restart, 3000);
  };
  track.onmute = () => {
    microphoneSays = "The phone has muted the microphone: a call, or another app.";
    draw();
  };
  track.onunmute = () => {
    microphoneSays = null;
    draw();
  };
  context = new AudioContext({ latencyHint: "interactive" });
  context.onstatechange = draw;
  await context.audioWorklet.addModule(new URL("./capture.js", import.meta.url));
  const capture = new AudioWorkletNode(context, "capture", { numberOfOutputs: 0 });
  capture.port.onmessage = (event) => take(event.data);
  context.createMediaStreamSource(stream).connect(capture);
  await context.resume().catch(() => {});
  clockOffset = Infinity;
  heardSince = Date.now();
  connect();
  stayAwake(true);
  remember("listening", room);
  draw();
}

async function restart() {
  if (!wanted) return;
  stream?.getTracks().forEach((one) => one.stop());
  await context?.close().catch(() => {});
  await begin();
}

function end() {
  wanted = false;
  remember("listening", null);
  stream?.getTracks().forEach((one) => one.stop());
  context?.close().catch(() => {});
  socket?.close(1000, "stopped by a person");
  stream = context = socket = track = null;
  queue = [];
  hearing = null;
  stayAwake(false);
  brighten();
  draw();
}

/** @param {{pcm: ArrayBuffer, start: number, peak: number}} frame */
function take({ pcm, start: startS, peak }) {
  // The audio clock does not run like the wall clock. A message may come late but never early,
  // so the smallest difference is the true one; it may grow slowly, as clocks drift.
  const now = hubNow() / 1000;
  clockOffset = Math.min(clockOffset + 0.000_02 * FRAME_S, now - (startS + FRAME_S));
  zeros = peak === 0 ? zeros + FRAME_S : 0;
  const frame = new ArrayBuffer(12 + pcm.byteLength);
  const head = new DataView(frame);
  head.setUint32(0, seq, true);
  head.setFloat64(4, startS + clockOffset, true);
  new Uint8Array(frame, 12).set(new Uint8Array(pcm));
  seq = (seq + 1) >>> 0;
  queue.push(frame);
  if (queue.length > KEPT_S / FRAME_S) {
    queue.shift();
    dropped += 1;
  }
  pump();
}

function pump() {
  while (queue.length && socket?.readyState === WebSocket.OPEN && socket.bufferedAmount < UNDER_WAY) {
    socket.send(/** @type {ArrayBuffer} */ (queue.shift()));
  }
}

function connect() {
  if (!wanted || !room || (socket && socket.readyState <= WebSocket.OPEN)) return;
  const address = new URL(`/api/rooms/${encodeURIComponent(room)}/sound`, location.href);
  address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  address.searchParams.set("name", navigator.userAgent.includes("Mobile") ? "phone" : "browser");
  const mine = new WebSocket(address);
  mine.binaryType = "arraybuffer";
  socket = mine;
  let opened = false;
  mine.onopen = () => {
    opened = true;
    hearingAt = Date.now();
    pump();
  };
  mine.onmessage = (event) => {
    const what = JSON.parse(event.data);
    if (what.say) onSay(what.say);
    if ("heard" in what) {
      failures = 0;
      hubSays = null;
      hearing = what;
      hearingAt = Date.now();
      drawLevel();
    }
  };
  mine.onclose = (event) => closed(mine, opened, event.code, event.reason);
}

/**
 * @param {WebSocket} mine
 * @param {boolean} opened
 * @param {number} code
 * @param {string} reason
 */
function closed(mine, opened, code, reason) {
  if (socket !== mine) return;
  socket = null;
  hearing = null;
  let wait = RETRY_S[Math.min(failures, RETRY_S.length - 1)];
  failures += 1;
  if (code === 4409) {
    hubSays = reason || "Another device is this room’s ears already.";
    wait = 10;
  } else if (code === 4410) {
    hubSays = "Another page of this device took over, or it was signed out.";
    wait = 20;
  } else if (code === 1008) {
    hubSays = "This device may not listen in this room.";
    wait = 20;
  } else if (opened || code === 1006) {
    hubSays = `The hub is not reached. Sound is kept for ${KEPT_S} seconds and sent when it is back.`;
  }
  draw();
  setTimeout(connect, wait * 1000);
}

/** @returns {string | null} why this room is not heard, in plain words; null where it is */
function trouble() {
  if (microphoneSays) return microphoneSays;
  if (!context) return "Starting…";
  if (context.state !== "running") return "The browser has paused the sound. Tap Listen again.";
  if (!track || track.readyState === "ended") return "The microphone has stopped.";
  if (zeros > ZEROS_S) return "The microphone gives nothing but silence. Is it covered by a switch, or muted?";
  if (!socket || socket.readyState !== WebSocket.OPEN) return hubSays ?? "Connecting to the hub…";
  if (Date.now() - hearingAt > HUB_SILENT_S * 1000) return hubSays ?? "The hub has not answered yet.";
  if (!hearing?.heard) return "The hub gets no sound from here yet.";
  return null;
}

function draw() {
  const reason = wanted ? trouble() : null;
  const starting = wanted && reason !== null && Date.now() - heardSince < 4000 && !microphoneSays && !hubSays;
  const state = !wanted ? "idle" : starting ? "starting" : reason ? "unheard" : "heard";
  if (state === "unheard") notHeardSince ??= hubNow();
  else if (state === "heard") notHeardSince = null;
  const was = main.dataset.state;
  main.dataset.state = state;
  const place = snapshot()?.rooms.find((one) => one.id === room)?.name ?? "this room";
  say(word, { idle: "Not listening", starting: "Starting…", unheard: "Not heard", heard: "Listening" }[state] ?? "");
  say(why, {
    idle: `Lay this device near the cot in ${place}, plug it in, and tap Listen.`,
    starting: "Asking for the microphone…",
    unheard: `${place} has not been heard from here since ${clock(notHeardSince ?? hubNow())}. ${reason}`,
    heard: `The hub hears ${place} through this device.${dropped ? ` ${span(dropped * FRAME_S)} min of sound were lost on the way.` : ""}`,
  }[state] ?? "");
  say(listenButton, state === "idle" ? "Listen" : context && context.state !== "running" ? "Listen again" : "Stop listening");
  listenButton.classList.toggle("fill", state === "idle" || state === "unheard");
  dimButton.hidden = !wanted;
  byId("plug", HTMLElement).hidden = !wanted || staysAwake() || !canStayAwake();
  if (was !== state && was) {
    if (state === "unheard") announce(`Not heard. ${reason}`, "assertive");
    if (state === "heard") announce("The room is heard.");
  }
  if (dark) {
    dark.classList.toggle("bad", state === "unheard");
    say(/** @type {Element} */ (dark.querySelector(".word")), state === "unheard" ? "Not heard" : clock(hubNow()));
    say(/** @type {Element} */ (dark.querySelector(".what")), state === "unheard" ? reason ?? "" : "Listening. Tap to wake.");
  }
  drawLevel();
}

function drawLevel() {
  const fresh = hearing && Date.now() - hearingAt < HUB_SILENT_S * 1000 ? hearing : null;
  const dbfs = fresh?.level_dbfs ?? null;
  const share = dbfs === null ? 0 : Math.max(0, Math.min(1, (dbfs + 70) / 65));
  level.style.setProperty("--level", share.toFixed(3));
  dark?.style.setProperty("--level", String(0.15 + share));
  const cry = fresh?.state === "bout" || fresh?.state === "crying" ? " · crying" : "";
  say(levelText, dbfs === null ? "The hub hears nothing from here." : `The hub hears ${decibels(dbfs)}${cry}`);
}

/** @param {any} what */
async function onSay(what) {
  if (what.room && what.room !== room) return;
  if (what.id) {
    if (played.has(what.id)) return;
    played.add(what.id);
  }
  try {
    if (what.phrase === "test_cry") {
      say(byId("said", HTMLElement), "A phone plays a test cry for the room check.");
      return;
    }
    if (what.phrase === "stop") hushRoom();
    else if (what.phrase === "lullaby") {
      const on = context ?? new AudioContext();
      await on.resume();
      lullaby(on);
    } else if (what.url) await play(what.url);
    else if (what.phrase) speak(PHRASES[what.phrase] ?? String(what.phrase));
    announce(`Playing: ${what.phrase ?? "a voice"}`);
  } catch {
    say(byId("said", HTMLElement), "Something was to be played here, but this browser would not.");
  }
}

function darken() {
  if (dark || !wanted) return;
  dark = el(
    "button", { type: "button", class: "dim", onclick: brighten },
    el("span", { class: "word" }), el("span", { class: "pulse" }), el("span", { class: "what" }),
  );
  document.body.append(dark);
  dark.focus();
  draw();
}

function brighten() {
  touchedAt = Date.now();
  const gone = dark;
  dark = null;
  gone?.remove();
  if (gone) dimButton.focus();
}

listenButton.addEventListener("click", () => {
  if (wanted && context && context.state !== "running") context.resume().then(draw);
  else if (wanted && !microphoneSays) end();
  else begin();
});
dimButton.addEventListener("click", darken);
for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, () => {
  touchedAt = Date.now();
});
document.addEventListener("visibilitychange", () => {
  if (!wanted) return;
  if (document.visibilityState === "visible") {
    stayAwake(true);
    context?.resume().catch(() => {});
    connect();
    const gone = remembered("hidden_at");
    if (gone) {
      say(byId("said", HTMLElement), `This page was in the background from ${clock(gone)} to ${clock(hubNow())}. A phone may stop the microphone then.`);
    }
  } else {
    remember("hidden_at", hubNow());
  }
});
addEventListener("online", connect);
addEventListener("pagehide", () => socket?.close(1000, "page closed"));

/** @type {HTMLSelectElement | null} */
let picker = null;

start({
  state: (what) => {
    const known = what.rooms.map((one) => one.id);
    if (!room || !known.includes(room)) room = what.rooms[0]?.id ?? room;
    const place = byId("pick-room", HTMLElement);
    const may = what.rooms.filter((one) => one.ear === "browser");
    if (what.me.role !== "nursery" && may.length > 1 && !picker) {
      picker = select(may.map((one) => [one.id, one.name]), room, { id: "room" });
      picker.addEventListener("change", () => {
        room = picker?.value ?? room;
        socket?.close(1000, "another room");
        draw();
      });
      place.append(el("label", { htmlFor: "room", class: "label" }, "Room"), picker);
      if (!may.some((one) => one.id === room)) room = may[0].id;
    }
    const here = what.rooms.find((one) => one.id === room);
    say(byId("room-name", HTMLElement), here?.name ?? "No room");
    const other = here && here.ear !== "browser";
    say(byId("other-ear", HTMLElement), other
      ? `${here.name} is not set to be heard by a phone. Choose “A phone, tablet or browser” for it in Settings first.` : "");
    draw();
  },
  say: onSay,
});
setInterval(() => {
  const open = socket?.readyState === WebSocket.OPEN ? socket : null;
  if (open && Date.now() - hearingAt > HUB_GONE_S * 1000) {
    // A dead link does not close by itself for minutes.
    closed(open, true, 1006, "");
    open.close();
  }
  draw();
  if (wanted && !dark && Date.now() - touchedAt > DIM_AFTER_S * 1000) darken();
}, 500);
if (remembered("listening") === room && room) {
  // After a reload at night nobody is there to tap: go on if the browser lets us.
  navigator.permissions?.query({ name: /** @type {PermissionName} */ ("microphone") })
    .then((is) => {
      if (is.state === "granted") begin();
    })
    .catch(() => {});
}
draw();
