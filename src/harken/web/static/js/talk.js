/** A caregiver speaks to a room from afar. It counts as a voice, never as being there. */
import { call, HubError, post } from "./api.js";
import { announce, el, say, toast } from "./dom.js";
import { PHRASES } from "./sing.js";

const LONGEST_S = 30;

/**
 * Open the sheet.
 *
 * @param {import("./types.js").LiveRoom} room
 * @param {HTMLElement} from  what gets the focus back
 */
export function talk(room, from) {
  const path = `/api/rooms/${encodeURIComponent(room.id)}/say`;
  /** @param {() => Promise<any>} send @param {string} done */
  const tell = async (send, done) => {
    try {
      await send();
      toast(done, { seconds: 5 });
    } catch (error) {
      toast(error instanceof HubError ? error.message : String(error), { bad: true });
    }
  };
  const record = el("button", { type: "button", class: "button fill thumb" }, "Hold to speak");
  /** @type {MediaRecorder | null} */
  let recorder = null;
  let held = false;
  const begin = async () => {
    if (recorder || held) return;
    held = true;
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
      const pieces = /** @type {Blob[]} */ ([]);
      const taking = new MediaRecorder(stream);
      taking.ondataavailable = (event) => pieces.push(event.data);
      taking.onstop = () => {
        stream.getTracks().forEach((track) => track.stop());
        recorder = null;
        say(record, "Hold to speak");
        const clip = new Blob(pieces, { type: (taking.mimeType || "audio/webm").split(";")[0] });
        if (clip.size) tell(() => call("POST", path, clip, { timeoutMs: 30_000 }), `Played in ${room.name}.`);
      };
      taking.start();
      recorder = taking;
      say(record, "Speak… let go to send");
      announce("Recording.");
      setTimeout(end, LONGEST_S * 1000);
      if (!held) end();
    } catch {
      toast("This page may not use the microphone here. A phrase still works.", { bad: true });
      held = false;
    }
  };
  const end = () => {
    held = false;
    if (recorder?.state === "recording") recorder.stop();
  };
  record.addEventListener("pointerdown", begin);
  record.addEventListener("pointerup", end);
  record.addEventListener("pointercancel", end);
  record.addEventListener("contextmenu", (event) => event.preventDefault());
  record.addEventListener("keydown", (event) => {
    if (event.key === " " || event.key === "Enter") {
      event.preventDefault();
      if (!event.repeat) (recorder ? end : begin)();
    }
  });
  const sheet = el(
    "dialog", { class: "sheet", "aria-labelledby": "sheet-title" },
    el("h2", { id: "sheet-title" }, `Speak to ${room.name}`),
    el("p", { class: "soft" }, "The device in the room plays it. It counts as a voice from afar."),
    el("div", { class: "row" }, ...Object.entries(PHRASES).map(([phrase, text]) => el("button", {
      type: "button", class: "button",
      onclick: () => tell(() => post(path, { phrase }), `Said in ${room.name}: “${text}”`),
    }, text))),
    el(
      "div", { class: "row" },
      el("button", {
        type: "button", class: "button", onclick: () => tell(() => post(path, { phrase: "lullaby" }), "A lullaby is being played."),
      }, "Lullaby"),
      el("button", {
        type: "button", class: "button", onclick: () => tell(() => post(path, { phrase: "stop" }), "Stopped."),
      }, "Stop playing"),
    ),
    "mediaDevices" in navigator && "MediaRecorder" in globalThis ? record : null,
    el("button", { type: "button", class: "button", onclick: () => sheet.close() }, "Close"),
  );
  sheet.addEventListener("close", () => {
    end();
    sheet.remove();
    from.focus();
  });
  document.body.append(sheet);
  sheet.showModal();
}
