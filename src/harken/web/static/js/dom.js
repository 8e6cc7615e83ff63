/** What every page needs to put text on the screen. Text is only ever text: nothing is parsed. */

/**
 * Make an element.
 *
 * Properties that the element has are set as such (`onclick`, `disabled`, `value`); the rest
 * become attributes. `null`, `undefined` and `false` leave an attribute out.
 *
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, any>} [with_]
 * @param {...(Node | string | null | undefined | false)} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function el(tag, with_ = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(with_)) {
    if (value === null || value === undefined) continue;
    if (name === "class") made.className = value;
    else if (name === "data") Object.assign(made.dataset, value);
    else if (name in made && !name.startsWith("aria")) /** @type {any} */ (made)[name] = value;
    else if (value !== false) made.setAttribute(name, value === true ? "" : String(value));
  }
  made.append(...children.filter((one) => one !== null && one !== undefined && one !== false));
  return made;
}

/**
 * Make an SVG element.
 *
 * @param {string} tag
 * @param {Record<string, string | number | null | undefined>} [with_]
 * @param {...(Node | string)} children
 * @returns {SVGElement}
 */
export function svg(tag, with_ = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(with_)) {
    if (value !== null && value !== undefined) made.setAttribute(name, String(value));
  }
  made.append(...children);
  return made;
}

/**
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} kind
 * @returns {T}
 */
export function byId(id, kind) {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`the page has no ${kind.name} #${id}`);
  return found;
}

/**
 * Set a text only where it changes, so that a screen reader and the layout are left in peace.
 *
 * @param {Element} element
 * @param {string} text
 */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Put children in place of what is there, unless `key` says that nothing changed.
 *
 * @param {HTMLElement} parent
 * @param {string} key
 * @param {() => (Node | string | null | undefined | boolean)[]} make  what is falsy is left out
 */
export function fill(parent, key, make) {
  if (parent.dataset.key === key) return;
  parent.dataset.key = key;
  const opened = [...parent.querySelectorAll("details[open] > summary[data-focus]")].map(
    (one) => /** @type {HTMLElement} */ (one).dataset.focus,
  );
  const focused = parent.contains(document.activeElement)
    ? /** @type {HTMLElement} */ (document.activeElement).dataset.focus
    : undefined;
  parent.replaceChildren(
    ...make().filter(Boolean).map((one) => /** @type {Node | string} */ (one)),
  );
  for (const one of /** @type {NodeListOf<HTMLElement>} */ (
    parent.querySelectorAll("details > summary[data-focus]")
  )) {
    if (opened.includes(one.dataset.focus)) /** @type {any} */ (one.parentElement).open = true;
  }
  if (focused) {
    /** @type {HTMLElement | null} */ (
      parent.querySelector(`[data-focus="${CSS.escape(focused)}"]`)
    )?.focus();
  }
}

/**
 * Tell a screen reader.
 *
 * @param {string} text
 * @param {"polite" | "assertive"} [how]
 */
export function announce(text, how = "polite") {
  const region = document.getElementById(how === "polite" ? "told-politely" : "told-at-once");
  if (!region) return;
  // The same text twice is said twice only if it is a new node.
  region.replaceChildren(el("p", {}, text));
}

/** @type {number | undefined} */
let toastTimer;

/**
 * Say something for a while at the edge of the page, with at most one thing to do about it.
 *
 * @param {string} text
 * @param {{label?: string, act?: () => void, seconds?: number, bad?: boolean}} [with_]
 */
export function toast(text, { label, act, seconds = 10, bad = false } = {}) {
  const place = document.getElementById("toast");
  if (!place) return;
  clearTimeout(toastTimer);
  const close = () => place.replaceChildren();
  const button =
    label && act
      ? el("button", {
          type: "button",
          class: "toast-act",
          onclick: () => {
            close();
            act();
          },
        }, label)
      : el("button", { type: "button", class: "toast-act", onclick: close }, "Close");
  place.replaceChildren(el("div", { class: bad ? "toast bad" : "toast" }, el("p", {}, text), button));
  toastTimer = setTimeout(close, seconds * 1000);
}

/**
 * A line in a form: a label, what is filled in, and a hint.
 *
 * @param {string} label
 * @param {HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement} input
 * @param {string} [hint]
 * @returns {HTMLElement}
 */
export function field(label, input, hint) {
  fieldCount += 1;
  input.id ||= `field-${fieldCount}`;
  /** @type {HTMLElement[]} */
  const parts = [el("label", { htmlFor: input.id }, label), input];
  if (hint) {
    const id = `${input.id}-hint`;
    input.setAttribute("aria-describedby", id);
    parts.push(el("small", { id }, hint));
  }
  return el("div", { class: "field" }, ...parts);
}
let fieldCount = 0;

/**
 * @param {[string, string][]} options  value and what is shown
 * @param {string} [value]
 * @param {Record<string, any>} [with_]
 * @returns {HTMLSelectElement}
 */
export function select(options, value, with_ = {}) {
  const made = el(
    "select", with_, ...options.map(([one, shown]) => el("option", { value: one }, shown)),
  );
  if (value !== undefined) made.value = value;
  return made;
}
