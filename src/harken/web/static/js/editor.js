/** Lists of things that can be added, changed and removed: one form for all of them. */
import { del, HubError, list, patch, post } from "./api.js";
import { el, field, select, toast } from "./dom.js";

/**
 * @typedef {object} Field
 * @property {string} name
 * @property {string} label
 * @property {"text" | "number" | "date" | "time" | "select" | "check" | "several" | "numbers" | "url" | "rows"} type
 * @property {string} [hint]
 * @property {() => [string, string][]} [options]
 * @property {Record<string, any>} [attributes]
 * @property {any} [value]  of something new
 * @property {boolean} [onlyNew]  cannot be changed later
 * @property {boolean} [secret]  the hub never tells it; empty leaves it as it was
 * @property {(values: Record<string, any>) => boolean} [when]  whether it is asked at all
 * @property {Field[]} [fields]  of each row; what is left empty in it is left out
 * @property {string} [row]  what one of the rows is called
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
        if (one.when) show(inputs.get(one.name)?.node, one.when(all));
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

/** @param {HTMLElement | undefined} node @param {boolean} asked */
function show(node, asked) {
  if (!node) return;
  node.hidden = !asked;
  // What is not asked must not hold the form up by being required.
  if (node instanceof HTMLFieldSetElement) node.disabled = !asked;
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
  if (one.type === "rows") return rowsOf(one, value);
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

/**
 * @param {Field} one
 * @param {any[] | null} value  null: not known, and stays as it is
 * @returns {{read: () => any[] | null, node: HTMLElement}}
 */
function rowsOf(one, value) {
  const fields = one.fields ?? [];
  /** @type {{read: () => Record<string, any>, node: HTMLFieldSetElement}[]} */
  let rows = [];
  const place = el("div", {});
  const more = el("button", { type: "button", class: "button", onclick: () => add(null) }, `Add ${one.row}`);

  /** @param {any} item */
  function add(item) {
    /** @type {Map<string, {read: () => any, node: HTMLElement}>} */
    const inputs = new Map(fields.map((each) => [each.name, inputOf(each, item)]));
    const values = () => Object.fromEntries([...inputs].map(([name, each]) => [name, each.read()]));
    const ask = () => {
      for (const each of fields) {
        if (each.when) show(inputs.get(each.name)?.node, each.when(values()));
      }
    };
    const made = {
      read: () => {
        const all = values();
        return Object.fromEntries(fields
          .filter((each) => (!each.when || each.when(all)) && ![null, "", false].includes(all[each.name]))
          .map((each) => [each.name, all[each.name]]));
      },
      node: el(
        "fieldset", { class: "item", oninput: ask }, el("legend", {}), ...[...inputs.values()].map((each) => each.node),
        el("div", { class: "row" }, el("button", { type: "button", class: "button", onclick: () => remove() }, "Take out")),
      ),
    };
    const remove = () => {
      rows = rows.filter((each) => each !== made);
      made.node.remove();
      number();
      more.focus();
    };
    rows.push(made);
    place.append(made.node);
    ask();
    number();
    if (!item) /** @type {HTMLElement | null} */ (made.node.querySelector("input, select"))?.focus();
  }

  function number() {
    rows.forEach((each, i) => {
      const legend = /** @type {HTMLElement} */ (each.node.querySelector("legend"));
      legend.textContent = `${i + 1}.`;
    });
  }

  for (const item of value ?? []) add(item);
  return {
    read: () => value && rows.map((each) => each.read()),
    node: el(
      "fieldset", { class: "form" }, el("legend", {}, one.label), one.hint && el("small", {}, one.hint),
      place, el("div", { class: "row" }, more),
    ),
  };
}
