/** Settings: people, rooms, duty, ways to tell, plans, devices, privacy. */
import { del, get, HubError, list, post, put } from "./api.js";
import { byId, el, field, say, select, toast } from "./dom.js";
import { complain, editor } from "./editor.js";
import { start } from "./shell.js";
import { CHANNELS, tapped } from "./stages.js";
import { clock, when } from "./time.js";

/** @type {import("./types.js").Snapshot | null} */
let snap = null;
/** @type {any[]} */
let rooms = [];
/** @type {any[]} */
let children = [];
/** @type {any[]} */
let people = [];

/** @param {string} name */
const place = (name) => /** @type {HTMLElement} */ (document.querySelector(`[data-list="${name}"]`));
/** @type {() => [string, string][]} */
const roomOptions = () => rooms.map((one) => [one.id, one.name]);
/** @type {() => [string, string][]} */
const peopleOptions = () => people.map((one) => [one.id, one.name]);
/** @param {any[]} all @param {string | null} id */
const nameIn = (all, id) => all.find((one) => one.id === id)?.name ?? "";

/** @type {[string, string][]} */
const EARS = [
  ["browser", "A phone, tablet or browser in the room"], ["microphone", "A microphone of the hub’s machine"],
  ["camera", "A network camera (RTSP)"], ["off", "Nothing for now"],
];
/** @type {[string, string][]} */
const WAYS = [
  ["page", "The open page"], ["push", "Push to phones"], ["speaker", "The hub’s loudspeaker"],
  ["apprise", "A message (ntfy, Pushover, Signal, Telegram, e-mail …)"], ["mqtt", "Home Assistant (MQTT)"], ["webhook", "A webhook"],
];
/** @type {[string, string][]} */
const MEASURED = [["heart_rate", "Heart rate"], ["oxygen", "Oxygen"], ["room_temperature", "Room temperature"], ["movement", "Movement"]];
/** @type {[string, string][]} */
const ROLES = [["caregiver", "Caregiver"], ["viewer", "Viewer"], ["owner", "Owner"]];

const lists = {
  rooms: editor(place("rooms"), {
    path: "/api/rooms", one: "a room",
    fields: [
      { name: "name", label: "Name", type: "text", attributes: { required: true, maxLength: 80 } },
      { name: "ear", label: "What listens", type: "select", options: () => EARS, value: "browser" },
      {
        name: "source", label: "Its address", type: "url", secret: true, value: "", attributes: { maxLength: 2000 },
        hint: "mic: for the usual microphone, mic:NAME for another, rtsp://… for a camera. Empty leaves it as it was.",
        when: (values) => values.ear === "microphone" || values.ear === "camera",
      },
      { name: "listening", label: "Listen in this room", type: "check", value: true },
      {
        name: "ring_after", label: "Ring after crying for (seconds)", type: "number", value: 3,
        attributes: { min: 0, max: 3600, step: 1, required: true }, hint: "0 rings at the first sign.",
      },
      {
        name: "ring_at_once_dbfs", label: "Ring at once when louder than (dBFS)", type: "number", value: -15,
        attributes: { min: -200, max: 0, step: 1, required: true }, hint: "0 is the loudest there is; −60 is a quiet room.",
      },
    ],
    says: (one) => [
      nameOf(EARS, one.ear), one.source, one.listening ? `rings after ${one.ring_after ?? 3} s` : "not listening",
      one.threshold ? `threshold ${one.threshold.toFixed(2)}` : "",
    ].filter(Boolean).join(" · "),
    acts: (one) => [
      el("a", { class: "button", href: `/hears/${encodeURIComponent(one.id)}` }, "What it hears now"),
      one.ear === "browser" && el("a", { class: "button", href: `/nursery?room=${encodeURIComponent(one.id)}` }, "Make this device its ears"),
    ],
    loaded: (all) => {
      rooms = all;
      drawDuties();
      drawDrills();
    },
  }),
  channels: editor(place("channels"), {
    path: "/api/channels", one: "a way to tell you",
    fields: [
      { name: "kind", label: "What", type: "select", options: () => WAYS, value: "apprise", onlyNew: true },
      { name: "name", label: "Name", type: "text", attributes: { required: true, maxLength: 80 } },
      { name: "caregiver", label: "For whom", type: "select", options: () => [["", "Everybody"], ...peopleOptions()] },
      {
        name: "url", label: "Address", type: "url", secret: true, value: "", attributes: { maxLength: 2000 },
        hint: "ntfys://server/topic?priority=max, pover://user@token?priority=emergency, mqtt://user:password@host, https://… It is a secret and is not shown again.",
        when: (values) => ["apprise", "mqtt", "webhook"].includes(values.kind),
      },
      {
        name: "sensors", label: "Sensors", type: "rows", row: "a sensor", value: [],
        hint: "A sock, a belt or a thermometer that speaks on this broker: its numbers are drawn in the Journal and never judged, and no alarm comes of them.",
        // null: the hub has what no form can show, and keeps it.
        when: (values) => values.kind === "mqtt" && values.sensors !== null,
        fields: [
          { name: "topic", label: "Topic", type: "text", attributes: { required: true, maxLength: 200 }, hint: "Like sock/pulse, without + and #." },
          { name: "what", label: "What it measures", type: "select", options: () => MEASURED, value: "heart_rate" },
          { name: "fahrenheit", label: "It speaks in °F", type: "check", when: (values) => values.what === "room_temperature" },
          { name: "key", label: "Key of the number", type: "text", attributes: { maxLength: 200 }, hint: "Where it says more than a number, as JSON: like spo2, or sensor.pulse. Else empty." },
          { name: "child", label: "Of whom", type: "select", options: () => [["", "Nobody"], ...children.map((one) => /** @type {[string, string]} */ ([one.id, one.name]))] },
          { name: "room", label: "In which room", type: "select", options: () => [["", "No room"], ...roomOptions()] },
          { name: "source", label: "What to call it", type: "text", attributes: { maxLength: 80 }, hint: "Empty: the last part of the topic." },
          { name: "at_key", label: "Key of its time", type: "text", attributes: { maxLength: 200 }, hint: "Empty: it speaks of now." },
        ],
      },
      { name: "enabled", label: "In use", type: "check", value: true },
    ],
    says: (one) => [
      nameOf(WAYS, one.kind).split(" (")[0], one.url, one.sensors?.length && (one.sensors.length === 1 ? "1 sensor" : `${one.sensors.length} sensors`), one.caregiver ? `for ${nameIn(people, one.caregiver)}` : "for everybody",
      one.enabled ? "" : "not in use",
    ].filter(Boolean).join(" · "),
    acts: (one) => [testButton(one)],
  }),
  children: editor(place("children"), {
    path: "/api/children", one: "a child",
    fields: [
      { name: "name", label: "Name", type: "text", attributes: { required: true, maxLength: 80 } },
      { name: "born", label: "Born", type: "date" },
      { name: "due", label: "Due date, if born early", type: "date", hint: "Age then counts from it." },
      { name: "room", label: "Sleeps in", type: "select", options: () => [["", "No room"], ...roomOptions()] },
    ],
    says: (one) => [one.born && `born ${one.born}`, one.room && `sleeps in ${nameIn(rooms, one.room)}`].filter(Boolean).join(" · "),
    loaded: (all) => {
      children = all;
      drawJoinForm();
    },
  }),
  caregivers: editor(place("caregivers"), {
    path: "/api/caregivers", one: "a person",
    fields: [
      { name: "name", label: "Name", type: "text", attributes: { required: true, maxLength: 80 } },
      { name: "role", label: "May", type: "select", options: () => ROLES, value: "caregiver" },
      {
        name: "children", label: "Sees these children", type: "several", options: () => children.map((one) => [one.id, one.name]),
        value: [], when: (values) => values.role === "viewer",
      },
    ],
    says: (one) => nameOf(ROLES, one.role).toLowerCase(),
    loaded: (all) => {
      people = all;
      drawDuties();
      drawJoinForm();
    },
  }),
  plans: editor(place("plans"), {
    path: "/api/plans", one: "a plan",
    fields: [
      { name: "name", label: "Name", type: "text", value: "Our plan", attributes: { required: true, maxLength: 80 } },
      { name: "room", label: "Room", type: "select", options: roomOptions, onlyNew: true },
      { name: "caregiver", label: "Whose choice", type: "select", options: () => [["", "The household’s"], ...peopleOptions()], onlyNew: true },
      {
        name: "waits", label: "Minutes before each visit", type: "numbers", value: [120, 180, 300], attributes: { required: true, inputMode: "decimal" },
        hint: "For example 2, 3, 5. The last one repeats.",
      },
      { name: "longer_each_night", label: "Longer each night (seconds)", type: "number", value: 0, attributes: { min: 0, max: 3600, step: 10 } },
      { name: "most_s", label: "Give way after crying for (seconds)", type: "number", value: 900, attributes: { min: 0, max: 1800, step: 30 } },
      { name: "most_dbfs", label: "Give way when louder than (dBFS)", type: "number", value: -15, attributes: { min: -200, max: 0, step: 1 } },
    ],
    says: (one) => `${nameIn(rooms, one.room)} · visits after ${one.waits.map((/** @type {number} */ s) => s / 60).join(", ")} min${one.active_since ? ` · in force since ${when(one.active_since)}` : ""}`,
    acts: (one) => planActs(one),
  }),
};

/** @param {[string, string][]} all @param {string} id */
function nameOf(all, id) {
  return all.find(([one]) => one === id)?.[1] ?? id;
}

/** @param {any} one */
function testButton(one) {
  const button = el("button", { type: "button", class: "button" }, "Test");
  button.addEventListener("click", async () => {
    const item = button.closest(".item");
    button.disabled = true;
    say(button, "Sending…");
    /** @type {{ok: boolean, says: string}} */
    let result;
    try {
      result = await post(`/api/channels/${encodeURIComponent(one.id)}/test`);
    } catch (error) {
      result = { ok: false, says: error instanceof HubError ? error.message : String(error) };
    }
    button.disabled = false;
    say(button, "Test again");
    item?.querySelector(".result")?.remove();
    item?.append(el("p", { class: `result ${result.ok ? "good" : "bad"}`, role: "status" }, `${result.ok ? "It worked" : "It did not work"}: ${result.says}`));
  });
  return button;
}

/** @param {any} one */
function planActs(one) {
  const act = async (/** @type {string} */ kind, /** @type {any} */ data, /** @type {string} */ says) => {
    const room = snap?.rooms.find((each) => each.id === one.room) ?? null;
    const event = tapped(kind, room, data);
    event.room = one.room;
    event.child = null;
    try {
      const answer = await post("/api/events", { sent_at: new Date().toISOString(), events: [event] });
      const why = answer.refused?.[0]?.why;
      if (why) {
        toast(why, { bad: true, seconds: 20, label: "Read about age", act: () => location.assign(`/evidence/waiting?plan=${encodeURIComponent(one.id)}`) });
      } else toast(says, { seconds: 6 });
      setTimeout(lists.plans.load, 500);
    } catch (error) {
      complain(error);
    }
  };
  const data = {
    waits: one.waits, ...(one.caregiver && { caregiver: one.caregiver }),
    ...(one.most_dbfs !== null && { most_dbfs: one.most_dbfs }), ...(one.most_s !== null && { most_s: one.most_s }),
  };
  return [
    one.active_since
      ? el("button", { type: "button", class: "button fill", onclick: () => act("plan_ended", { reason: "ended in Settings" }, "The plan has ended.") }, "End the plan")
      : el("button", { type: "button", class: "button", onclick: () => act("plan_started", data, "The plan is in force. Now says so whenever it holds an alert back.") }, "Start this plan"),
  ];
}

/* Duty. */

const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

async function drawDuties() {
  const where = byId("duties", HTMLElement);
  if (!rooms.length || !people.length || where.contains(document.activeElement)) return;
  const forms = await Promise.all(rooms.map(async (room) => {
    try {
      return dutyForm(room, (await get(`/api/duty/${encodeURIComponent(room.id)}`)).turns ?? []);
    } catch (error) {
      return el("p", { class: "result bad" }, error instanceof HubError ? error.message : String(error));
    }
  }));
  where.replaceChildren(...forms);
}

/** @param {any} room @param {any[]} turns */
function dutyForm(room, turns) {
  let kept = turns.map((one) => ({ ...one })).sort((a, b) => a.order - b.order);
  const rows = el("div", {});
  const draw = () => rows.replaceChildren(...kept.map((turn, i) => turnRow(turn, i)));
  /** @param {any} turn @param {number} i */
  const turnRow = (turn, i) => {
    const person = select(peopleOptions(), turn.caregiver);
    person.addEventListener("change", () => {
      turn.caregiver = person.value;
    });
    const after = el("input", { type: "number", min: 0, max: 86400, step: 5, value: String(turn.after_s ?? 0) });
    after.addEventListener("input", () => {
      turn.after_s = Number(after.value);
    });
    const [from, until] = ["quiet_from", "quiet_until"].map((name) => {
      const input = el("input", { type: "time", value: turn[name] ?? "" });
      input.addEventListener("input", () => {
        turn[name] = input.value || null;
      });
      return input;
    });
    const days = DAYS.map((day, n) => {
      const input = el("input", { type: "checkbox", checked: !turn.days || turn.days.includes(n) });
      input.addEventListener("change", () => {
        const on = days.map((one, k) => (one.input.checked ? k : -1)).filter((k) => k >= 0);
        turn.days = on.length === 7 ? null : on;
      });
      return { input, node: el("label", { class: "tick" }, input, day) };
    });
    const rotates = el("input", { type: "checkbox", checked: Boolean(turn.rotates) });
    rotates.addEventListener("change", () => {
      turn.rotates = rotates.checked;
    });
    return el(
      "fieldset", { class: "item" }, el("legend", {}, `${i + 1}.`),
      el("div", { class: "two" }, field("Who", person), field("Told after (seconds of crying)", after)),
      el(
        "details", { class: "more" }, el("summary", {}, "Days, quiet hours, turns"),
        el("div", { class: "row" }, ...days.map((one) => one.node)),
        el("div", { class: "two" }, field("Not told from", from), field("until", until)),
        el("label", { class: "tick" }, rotates, "Takes turns: tonight’s first changes from night to night"),
      ),
      el(
        "div", { class: "row" },
        i > 0 && el("button", {
          type: "button", class: "button",
          onclick: () => {
            [kept[i - 1], kept[i]] = [kept[i], kept[i - 1]];
            draw();
          },
        }, "Earlier"),
        el("button", {
          type: "button", class: "button",
          onclick: () => {
            kept = kept.filter((one) => one !== turn);
            draw();
          },
        }, "Take out"),
      ),
    );
  };
  draw();
  return el(
    "form", {
      class: "form item",
      onsubmit: async (/** @type {Event} */ event) => {
        event.preventDefault();
        const body = kept.map(({ caregiver, after_s, days, quiet_from, quiet_until, rotates }, i) => ({
          order: i + 1, caregiver, after_s: after_s ?? 0, days: days ?? null, quiet_from: quiet_from ?? null,
          quiet_until: quiet_until ?? null, rotates: Boolean(rotates),
        }));
        try {
          await put(`/api/duty/${encodeURIComponent(room.id)}`, { turns: body });
          toast(`The duty of ${room.name} is kept.`, { seconds: 4 });
        } catch (error) {
          complain(error);
        }
      },
    },
    el("h3", {}, room.name),
    rows,
    el(
      "div", { class: "row" },
      el("button", {
        type: "button", class: "button",
        onclick: () => {
          const free = people.find((one) => one.role !== "viewer" && !kept.some((turn) => turn.caregiver === one.id)) ?? people[0];
          kept.push({ caregiver: free.id, after_s: kept.length ? (kept.at(-1).after_s ?? 0) + 60 : 0 });
          draw();
        },
      }, "Add somebody"),
      el("button", { class: "button fill" }, "Keep this duty"),
    ),
  );
}

/* Drill. */

function drawDrills() {
  const where = byId("drills", HTMLElement);
  if (where.childElementCount || !rooms.length) return;
  const which = select(roomOptions(), rooms[0].id);
  const report = el("div", { role: "status" });
  const button = el("button", { type: "button", class: "button" }, "Begin a drill");
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      const { drill } = await post(`/api/rooms/${encodeURIComponent(which.value)}/drill`);
      await follow(drill, report);
    } catch (error) {
      complain(error);
    }
    button.disabled = false;
  });
  where.append(
    el("h3", {}, "Drill"),
    el("p", { class: "soft" }, "A test cry, told over every way, as if it were real. It shows phone by phone who rang and after how long."),
    field("Room", which), el("div", { class: "row" }, button), report,
  );
}

/** @param {string} drill @param {HTMLElement} where */
async function follow(drill, where) {
  for (let tries = 0; tries < 90; tries += 1) {
    const report = await get(`/api/drills/${encodeURIComponent(drill)}`);
    const told = report.alerts ?? [];
    /** @param {number | null | undefined} seconds */
    const after = (seconds) => (typeof seconds === "number" ? `${seconds.toFixed(1)} s` : "–");
    const heard = report.heard === false
      ? report.over ? "The room did not hear the test cry. Look at What it hears now." : "Waiting for the room to hear it…"
      : `Heard after ${after(report.detected_after_s)}.${typeof report.acknowledged_after_s === "number" ? ` Somebody was going after ${after(report.acknowledged_after_s)}.` : ""}`;
    where.replaceChildren(
      el("p", {}, heard),
      told.length ? el("div", { class: "scroll", tabIndex: 0, role: "region", "aria-label": "Who rang" }, el(
        "table", {},
        el("thead", {}, el("tr", {}, ...["Who", "By what", "Sent", "Shown", "Result"].map((one) => el("th", { scope: "col" }, one)))),
        el("tbody", {}, ...told.map((/** @type {any} */ one) => el(
          "tr", {}, el("th", { scope: "row" }, one.name ?? "Everybody"), el("td", {}, CHANNELS[one.channel] ?? one.channel ?? ""),
          el("td", {}, after(one.sent_after_s)), el("td", {}, after(one.shown_after_s)),
          el("td", {}, one.failed ? `could not be reached: ${one.failed}` : one.shown_after_s !== null ? "rang" : one.sent_after_s !== null ? "sent, not seen yet" : "being sent"),
        ))),
      )) : "",
    );
    if (report.over) return;
    await new Promise((done) => setTimeout(done, 1000));
  }
}

/* Devices. */

function drawJoinForm() {
  const form = byId("join-code", HTMLFormElement);
  if (form.contains(document.activeElement)) return;
  const role = select([["caregiver", "A caregiver’s phone"], ["nursery", "A device that listens in a room"], ["viewer", "Somebody who may look"], ["owner", "An owner’s phone"]], "caregiver");
  const person = select([["", "Somebody new"], ...peopleOptions()], "");
  const room = select(roomOptions(), rooms[0]?.id);
  const [personField, roomField] = [field("Whose", person), field("Room", room)];
  const boxes = children.map((one) => {
    const input = el("input", { type: "checkbox", value: one.id });
    return { input, node: el("label", { class: "tick" }, input, one.name) };
  });
  const sees = el("fieldset", {}, el("legend", {}, "Sees these children"), ...boxes.map((one) => one.node));
  const ask = () => {
    personField.hidden = role.value === "nursery";
    roomField.hidden = role.value !== "nursery";
    sees.hidden = role.value !== "viewer" || person.value !== "";
  };
  role.addEventListener("change", ask);
  person.addEventListener("change", ask);
  ask();
  form.replaceChildren(
    el("h3", {}, "Let somebody join"), field("What joins", role), personField, roomField, sees,
    el("div", { class: "row" }, el("button", { class: "button fill" }, "Make a code")),
  );
  form.onsubmit = async (event) => {
    event.preventDefault();
    const body = {
      role: role.value,
      ...(role.value !== "nursery" && person.value && { caregiver: person.value }),
      ...(role.value === "nursery" && { room: room.value }),
      ...(role.value === "viewer" && !person.value && { children: boxes.filter((one) => one.input.checked).map((one) => one.input.value) }),
    };
    try {
      showCode(await post("/api/join-codes", body));
    } catch (error) {
      complain(error);
    }
  };
}

/** @param {{code: string, url: string, qr: string, expires: string}} made */
function showCode(made) {
  const safe = made.qr.startsWith("data:image/svg+xml") ? made.qr : `data:image/svg+xml,${encodeURIComponent(made.qr)}`;
  byId("code", HTMLElement).replaceChildren(
    el("img", { class: "qr", src: safe, alt: "The join link as a QR code" }),
    el("p", { class: "code" }, made.code),
    el("p", {}, "Scan it with the other device’s camera, or open ", el("a", { href: made.url }, new URL(made.url, location.href).href.split("#")[0]), ` there and type the code. It works once, until ${clock(made.expires)}.`),
  );
}

async function drawDevices() {
  const where = byId("device-list", HTMLElement);
  try {
    const all = await list("/api/devices");
    where.replaceChildren(...all.map((one) => {
      const button = el("button", { type: "button", class: "button" }, one.this ? "Sign out" : "Take away");
      button.addEventListener("click", async () => {
        if (button.dataset.sure !== "yes") {
          button.dataset.sure = "yes";
          say(button, "Really?");
          return;
        }
        try {
          await del(`/api/devices/${encodeURIComponent(one.id)}`);
          if (one.this) location.assign("/join");
          await drawDevices();
        } catch (error) {
          complain(error);
        }
      });
      const kind = { phone: "phone or browser", nursery: "listens", script: "script" }[String(one.kind)] ?? one.kind;
      return el(
        "div", { class: "item" },
        el("header", {}, el("strong", {}, one.name), one.this && el("span", { class: "badge" }, "this device"), el(
          "span", { class: "soft" },
          [kind, nameIn(people, one.caregiver), one.room && nameIn(rooms, one.room), one.last_seen ? `last seen ${when(one.last_seen)}` : "never seen"].filter(Boolean).join(" · "),
        )),
        el("div", { class: "row" }, button),
      );
    }));
  } catch (error) {
    where.replaceChildren(el("p", { class: "soft" }, error instanceof HubError ? error.message : String(error)));
  }
}

function drawTokenForm() {
  const form = byId("token", HTMLFormElement);
  const name = el("input", { required: true, maxLength: 80 });
  form.append(field("What is it for", name), el("div", { class: "row" }, el("button", { class: "button" }, "Make a token")));
  form.onsubmit = async (event) => {
    event.preventDefault();
    try {
      const { token } = await post("/api/tokens", { name: name.value.trim() });
      byId("token-says", HTMLElement).replaceChildren(el("p", { class: "result good" }, "Shown once: ", el("code", {}, token)));
      await drawDevices();
    } catch (error) {
      complain(error);
    }
  };
}

/* Household and privacy. */

async function drawHousehold() {
  let home;
  try {
    home = await get("/api/household");
  } catch (error) {
    complain(error);
    return;
  }
  const owner = snap?.me.role === "owner";
  const keep = async (/** @type {any} */ body, /** @type {string} */ says) => {
    try {
      await put("/api/household", body);
      toast(says, { seconds: 4 });
    } catch (error) {
      complain(error);
    }
  };
  const set = home.settings ?? {};
  const name = el("input", { required: true, maxLength: 80, value: home.name });
  const zone = el("input", { required: true, maxLength: 64, value: home.zone, spellcheck: false });
  const starts = el("input", { type: "time", value: set.day_starts ?? "07:00" });
  const from = el("input", { type: "time", value: set.night_from ?? "" });
  const until = el("input", { type: "time", value: set.night_until ?? "" });
  const pause = el("input", { type: "number", min: 10, max: 1800, step: 10, value: String(set.pause_after_going ?? 120) });
  const questions = el("input", { type: "checkbox", checked: Boolean(set.four_questions) });
  const compare = el("input", { type: "checkbox", checked: Boolean(set.compare_caregivers) });
  const form = byId("household-form", HTMLFormElement);
  form.replaceChildren(
    field("Name", name), field("Time zone", zone, "Like Europe/Berlin. Days and nights are counted in it."),
    field("A day begins at", starts),
    el("div", { class: "two" }, field("Night light from", from, "Pages turn red on black by themselves."), field("until", until)),
    field("“I’m going” holds the others back for (seconds)", pause, "A cry that goes on longer is told to the next."),
    el("label", { class: "tick" }, questions, "Show the four questions to ask oneself when a baby cries"),
    el("small", {}, "What to check is open while somebody is there, and after a cry one of the four is shown, in turn. All are under ", el("a", { href: "/evidence#four" }, "Evidence"), "."),
    el("label", { class: "tick" }, compare, "Show on Insight who answered how, caregiver by caregiver"),
    el("small", {}, "Off unless all of you want it. It is never a ranking, and viewers never see it."),
    el("div", { class: "row" }, el("button", { class: "button fill" }, "Keep")),
  );
  form.onsubmit = (event) => {
    event.preventDefault();
    keep({
      name: name.value.trim(), zone: zone.value.trim(),
      settings: {
        day_starts: starts.value || null, night_from: from.value || null, night_until: until.value || null,
        pause_after_going: Number(pause.value), four_questions: questions.checked,
        compare_caregivers: compare.checked,
      },
    }, "The household is kept.");
  };
  const days = el("input", { type: "number", min: 0, max: 3650, step: 1, value: String(set.keep_audio_days ?? 0) });
  const privacy = byId("privacy-form", HTMLFormElement);
  privacy.replaceChildren(
    field("Keep a clip of each cry for (days)", days, "0 keeps none, and removes what was kept."),
    el("div", { class: "row" }, el("button", { class: "button fill" }, "Keep"), el("button", {
      type: "button", class: "button",
      onclick: async () => {
        try {
          await del("/api/clips");
          toast("Every clip is deleted.", { seconds: 5 });
        } catch (error) {
          complain(error);
        }
      },
    }, "Delete every clip now")),
  );
  privacy.onsubmit = (event) => {
    event.preventDefault();
    keep({ settings: { keep_audio_days: Number(days.value) } }, Number(days.value) ? `Clips are kept for ${days.value} days.` : "No sound is kept.");
  };
  if (!owner) {
    for (const one of [form, privacy]) {
      one.querySelectorAll("input, button").forEach((each) => each.setAttribute("disabled", ""));
      one.append(el("p", { class: "soft" }, "Only an owner changes this."));
    }
    byId("backup", HTMLElement).hidden = true;
  }
}

/* This device. */

/** @param {string} text @returns {Uint8Array<ArrayBuffer>} */
function keyBytes(text) {
  const plain = atob(text.replace(/-/g, "+").replace(/_/g, "/").padEnd(Math.ceil(text.length / 4) * 4, "="));
  return Uint8Array.from(plain, (one) => one.charCodeAt(0));
}

async function pushState() {
  const says = byId("push-says", HTMLElement);
  const [on, off] = [byId("push-on", HTMLButtonElement), byId("push-off", HTMLButtonElement)];
  const apple = /iPhone|iPad/.test(navigator.userAgent) && !matchMedia("(display-mode: standalone)").matches;
  if (!("serviceWorker" in navigator) || !("PushManager" in globalThis)) {
    on.disabled = true;
    say(says, !isSecureContext
      ? "This address is not secure (https), so the browser gives no push here. The open page works all the same."
      : apple ? "On this device push works only from the home screen: Share, Add to Home Screen, then open Harken from there."
        : "This browser has no push. The open page works all the same.");
    return;
  }
  const worker = await Promise.race([navigator.serviceWorker.ready, new Promise((done) => setTimeout(done, 3000, null))]);
  const there = worker ? await /** @type {ServiceWorkerRegistration} */ (worker).pushManager.getSubscription() : null;
  on.hidden = there !== null;
  off.hidden = there === null;
  on.disabled = Notification.permission === "denied";
  say(says, Notification.permission === "denied"
    ? "Notifications are blocked for this address. Allow them in the browser’s settings first."
    : there ? "Push is on. Try it under Ways to tell you." : "Push is off on this device.");
}

byId("push-on", HTMLButtonElement).addEventListener("click", async () => {
  const says = byId("push-says", HTMLElement);
  try {
    if ((await Notification.requestPermission()) !== "granted") {
      await pushState();
      return;
    }
    const worker = await navigator.serviceWorker.ready;
    const { key } = await get("/api/push/key");
    const made = await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: keyBytes(key) });
    await post("/api/push/subscriptions", made.toJSON());
    await pushState();
  } catch (error) {
    say(says, error instanceof HubError ? error.message
      : "The browser’s push service did not answer. It needs the internet; some browsers have it switched off.");
  }
});
byId("push-off", HTMLButtonElement).addEventListener("click", async () => {
  const worker = await navigator.serviceWorker.ready;
  const there = await worker.pushManager.getSubscription();
  await there?.unsubscribe();
  await del("/api/push/subscriptions").catch(complain);
  await pushState();
});

/** @type {any} */
let installing = null;
addEventListener("beforeinstallprompt", (event) => {
  event.preventDefault();
  installing = event;
  byId("install", HTMLButtonElement).hidden = false;
});
byId("install", HTMLButtonElement).addEventListener("click", () => installing?.prompt());
byId("sign-out", HTMLButtonElement).addEventListener("click", async () => {
  await post("/api/sign-out").catch(() => {});
  localStorage.removeItem("harken.snapshot");
  location.assign("/join");
});

let drawn = false;
start({
  state: (what) => {
    snap = what;
    if (drawn) return;
    drawn = true;
    // A child is shown with the name of its room.
    Promise.all([lists.rooms.load().then(() => lists.children.load()), lists.caregivers.load()])
      .then(() => Promise.all([lists.channels.load(), lists.plans.load(), drawDevices(), drawHousehold()]));
  },
});
drawTokenForm();
pushState();
