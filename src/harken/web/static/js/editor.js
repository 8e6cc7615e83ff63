/** Lists of things that can be added, changed and removed: one form for all of them. */
import { del, HubError, list, patch, post } from "./api.js";
import { el, field, select, toast } from "./dom.js";

/**
 * @typedef {object} Field
 * @property {string} name
 * @property {string} label
 * @property {"text" | "number" | "date" | "time" | "select" | "check" | "several" | "numbers" | "url"} type
 * @property {string} [hint]
 * @property {() => [string, string][]} [options]
 * @property {Record<string, any>} [attributes]
 * @property {any} [value]  of something new
 * @property {boolean} [onlyNew]  cannot be changed later
 * @property {boolean} [secret]  the hub never tells it; empty leaves it as it was
 * @property {(values: Record<string, any>) => boolean} [when]  whether it is asked at all
 */
/**
 * @typedef {object} Kind
 * @property {string} path
 * @property {string} one  what one of them is called
 * @property {Field[]} fields
 * @property {(item: any) => string} says  one line about it
 * @property {(item: any) => (Node | false | null)[]} [acts]
 * @property {boolean} [mayAdd]
 * @property {boolean} [mayChange]
 * @property {(items: any[]) => void} [loaded]
 */

/** @param {unknown} error */
export const complain = (error) =>
  toast(error instanceof HubError ? error.message : "Something went wrong on this page.", { bad: true });

/**
 * @param {HTMLElement} place
 * @param {Kind} kind
 * @returns {{load: () => Promise<void>, items: any[]}}
 */
export function editor(place, kind) {
  const self = {
    /** @type {any[]} */
    items: [],
    async load() {
      try {
        self.items = await list(kind.path);
      } catch (error) {
        place.replaceChildren(el("p", { class: "result bad" }, error instanceof HubError ? error.message : String(error)));
        return;
      }
      kind.loaded?.(self.items);
      draw();
    },
  };

  function draw() {
    const opened = place.querySelector("details[open]") && document.activeElement?.closest("form");
    if (opened && place.contains(opened)) return;
    place.replaceChildren(
      ...self.items.map((item) => el(
        "div", { class: "item" },
        el("header", {}, el("strong", {}, item.name), el("span", { class: "soft" }, kind.says(item))),
        el("div", { class: "row" }, ...(kind.acts?.(item) ?? []).filter(Boolean).map((one) => /** @type {Node} */ (one))),
        kind.mayChange !== false && el("details", { class: "more" }, el("summary", {}, "Change", el("span", { class: "only-read" }, ` ${item.name}`)), formOf(item)),
      )),
      kind.mayAdd === false ? "" : el("details", { class: "more" }, el("summary", {}, `Add ${kind.one}`), formOf(null)),
    );
  }

  /** @param {any} item */
  function formOf(item) {
    const fields = kind.fields.filter((one) => !(item && one.onlyNew));
    /** @type {Map<string, {read: () => any, node: HTMLElement}>} */
    const inputs = new Map(fields.map((one) => [one.name, inputOf(one, item)]));
    const values = () => Object.fromEntries([...inputs].map(([name, one]) => [name, one.read()]));
    const form = el("form", {
      class: "form",
      onsubmit: async (/** @type {Event} */ event) => {
        event.preventDefault();
        const all = values();
        const body = Object.fromEntries(fields
          .filter((one) => (!one.when || one.when({ ...item, ...all })) && !(one.secret && item && all[one.name] === ""))
          .map((one) => [one.name, all[one.name]]));
        try {
          if (item) await patch(`${kind.path}/${encodeURIComponent(item.id)}`, body);
          else await post(kind.path, body);
          toast(item ? "Kept." : `Added ${kind.one}.`, { seconds: 4 });
          /** @type {HTMLElement | null} */ (document.activeElement)?.blur();
          await self.load();
        } catch (error) {
          complain(error);
        }
      },
    }, ...[...inputs.values()].map((one) => one.node),
    el("div", { class: "row" }, el("button", { class: "button fill" }, item ? "Keep" : "Add"), item && removal(item)));
    const ask = () => {
      const all = { ...item, ...values() };
      for (const one of fields) {
        if (one.when) /** @type {HTMLElement} */ (inputs.get(one.name)?.node).hidden = !one.when(all);
      }
    };
    form.addEventListener("input", ask);
    ask();
    return form;
  }

  /** @param {any} item */
  function removal(item) {
    const button = el("button", { type: "button", class: "button" }, "Remove");
    button.addEventListener("click", async () => {
      if (button.dataset.sure !== "yes") {
        button.dataset.sure = "yes";
        button.textContent = `Really remove ${item.name}?`;
        return;
      }
      try {
        await del(`${kind.path}/${encodeURIComponent(item.id)}`);
        button.blur();
        await self.load();
      } catch (error) {
        complain(error);
      }
    });
    return button;
  }

  return self;
}

/**
 * @param {Field} one
 * @param {any} item
 * @returns {{read: () => any, node: HTMLElement}}
 */
function inputOf(one, item) {
  const value = item && !one.secret ? item[one.name] : item ? "" : one.value;
  const more = one.attributes ?? {};
  if (one.type === "check") {
    const input = el("input", { type: "checkbox", checked: Boolean(value), ...more });
    return { read: () => input.checked, node: el("label", { class: "tick" }, input, one.label) };
  }
  if (one.type === "select") {
    const input = select(one.options?.() ?? [], value ?? "", more);
    return { read: () => input.value || null, node: field(one.label, input, one.hint) };
  }
  if (one.type === "several") {
    const boxes = (one.options?.() ?? []).map(([id, name]) => {
      const input = el("input", { type: "checkbox", value: id, checked: (value ?? []).includes(id) });
      return { input, node: el("label", { class: "tick" }, input, name) };
    });
    return {
      read: () => boxes.filter(({ input }) => input.checked).map(({ input }) => input.value),
      node: el("fieldset", {}, el("legend", {}, one.label), ...boxes.map(({ node }) => node)),
    };
  }
  const type = one.type === "numbers" || one.type === "url" ? "text" : one.type;
  const shown = one.type === "numbers" ? (value ?? []).map((/** @type {number} */ s) => s / 60).join(", ") : value ?? "";
  const input = el("input", { type, value: String(shown), autocomplete: "off", spellcheck: false, ...more });
  const read = () => {
    const text = input.value.trim();
    if (one.type === "number") return text === "" ? null : Number(text);
    if (one.type === "numbers") return text.split(/[\s,;]+/).filter(Boolean).map((minutes) => Number(minutes) * 60);
    if (one.type === "date" || one.type === "time") return text || null;
    return text;
  };
  return { read, node: field(one.label, input, one.hint) };
}
