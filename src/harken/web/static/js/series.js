/** Sensors' numbers under the day's strip: small lines, gaps left open, and the same in words. */
import { el, svg } from "./dom.js";
import { clock, roughly } from "./time.js";

/**
 * @typedef {object} Step
 * @property {string} at
 * @property {number} mean
 * @property {number} low
 * @property {number} high
 * @property {number} n
 */
/**
 * @typedef {object} Series
 * @property {string} id
 * @property {string} what
 * @property {string} title
 * @property {string} unit
 * @property {string} source
 * @property {string | null} room
 * @property {string | null} child
 * @property {number} step_s
 * @property {Step[]} steps
 */

const HEIGHT = 46;
const TOP = 6;
/** A gap in words is one that is longer than this. */
const TOLD_S = 15 * 60;

/** @param {number} value */
const short = (value) => String(Math.abs(value) < 100 ? Math.round(value * 10) / 10 : Math.round(value));

/**
 * Put the steps together that follow each other.
 *
 * @param {Series} series
 * @returns {Step[][]}
 */
export function runs(series) {
  /** @type {Step[][]} */
  const found = [];
  // A sensor that speaks once a quarter of an hour has no gap after each word.
  const apart = series.steps.slice(1).map((one, i) => Date.parse(one.at) - Date.parse(series.steps[i].at)).sort((a, b) => a - b);
  const usual = Math.max(series.step_s * 1000, apart[Math.floor(apart.length / 2)] ?? 0);
  let last = -Infinity;
  for (const one of series.steps) {
    const at = Date.parse(one.at);
    if (at - last > usual * 1.5) found.push([]);
    found[found.length - 1].push(one);
    last = at;
  }
  return found;
}

/**
 * Say what a series shows.
 *
 * @param {Series} series
 * @param {number} until ms; when the day ends, or now
 * @param {string} whose name of the child, where there are several
 * @returns {string}
 */
export function words(series, until, whose = "") {
  const unit = series.unit ? (series.unit === "%" ? " %" : ` ${series.unit}`) : "";
  const count = series.steps.reduce((sum, one) => sum + one.n, 0);
  const mean = series.steps.reduce((sum, one) => sum + one.mean * one.n, 0) / count;
  const low = Math.min(...series.steps.map((one) => one.low));
  const high = Math.max(...series.steps.map((one) => one.high));
  const pieces = runs(series);
  const step = series.step_s * 1000;
  const end = (/** @type {Step[]} */ run) => Math.min(until, Date.parse(run[run.length - 1].at) + step);
  const gaps = pieces.slice(1)
    .map((run, i) => /** @type {[number, number]} */ ([end(pieces[i]), Date.parse(run[0].at)]))
    .filter(([from, to]) => to - from > TOLD_S * 1000);
  const longest = [...gaps].sort((a, b) => (b[1] - b[0]) - (a[1] - a[0])).slice(0, 2).sort((a, b) => a[0] - b[0]);
  const silent = gaps.reduce((sum, [from, to]) => sum + (to - from), 0) / 1000;
  const between = `from ${clock(pieces[0][0].at)} to ${clock(end(pieces[pieces.length - 1]))}`;
  const told = longest.map(([from, to]) => `${clock(from)} to ${clock(to)}`).join(" and ");
  return [
    `${series.title} (${[whose, series.source].filter(Boolean).join(", ")}): ${short(low)} to ${short(high)}${unit}, mean ${short(mean)}, ${between}.`,
    gaps.length === 0 ? "" : gaps.length > longest.length
      ? `${gaps.length} gaps, ${roughly(silent)} in all, the longest ${told}.`
      : `No readings ${told}.`,
  ].filter(Boolean).join(" ");
}

/**
 * Draw every series under the strip, by the same hours.
 *
 * @param {HTMLElement} where
 * @param {Series[]} every
 * @param {{from: number, to: number, width: number, now: number}} day  times in ms
 * @param {(one: Series) => string} whose name of the child, where there are several
 */
export function drawSeries(where, every, { from, to, width, now }, whose) {
  const x = (/** @type {number} */ at) => Math.max(0, Math.min(width, ((at - from) / (to - from)) * width));
  const parts = every.filter((one) => one.steps.length).map((one) => {
    const values = one.steps.flatMap((step) => [step.low, step.high]);
    const low = Math.min(...values);
    const high = Math.max(...values);
    const y = (/** @type {number} */ value) => high === low
      ? HEIGHT / 2 : TOP + (1 - (value - low) / (high - low)) * (HEIGHT - 2 * TOP);
    const middle = (/** @type {Step} */ step) => x(Date.parse(step.at) + one.step_s * 500);
    const point = (/** @type {Step} */ step, /** @type {number} */ value) => `${middle(step).toFixed(1)},${y(value).toFixed(1)}`;
    const shapes = runs(one).flatMap((run) => {
      const line = run.map((step) => point(step, step.mean));
      if (run.length === 1) return [svg("circle", { class: "mean-dot", cx: middle(run[0]), cy: y(run[0].mean), r: 1.6 })];
      const band = [...run.map((step) => point(step, step.high)), ...[...run].reverse().map((step) => point(step, step.low))];
      return [
        svg("polygon", { class: "band", points: band.join(" ") }),
        svg("polyline", { class: "mean", points: line.join(" ") }),
      ];
    });
    const says = words(one, Math.min(now, to), whose(one));
    return el(
      "div", { class: "series", data: { what: one.what } },
      svg(
        "svg", { class: "strip", viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT, role: "img", "aria-label": says },
        svg("rect", { class: "lane", x: 0, y: 0, width, height: HEIGHT, rx: 6, opacity: 0.6 }), ...shapes,
        svg("text", { class: "scale", x: 3, y: 12 }, short(high)),
        svg("text", { class: "scale", x: 3, y: HEIGHT - 3 }, high === low ? "" : short(low)),
      ),
      el("p", { class: "soft", "aria-hidden": "true" }, says),
    );
  });
  where.replaceChildren(...parts);
  where.hidden = parts.length === 0;
}
