// Classic and blocking on purpose: the colours must be right before the first paint,
// and a white flash at 3 a.m. is not right. Everything else is a module.
(() => {
  /** @param {string} key */
  const kept = (key) => {
    try {
      return localStorage.getItem(key);
    } catch {
      return null;
    }
  };
  /** @param {string} text @returns {number} minutes after midnight */
  const minutes = (text) => {
    const [hours, rest] = text.split(":").map(Number);
    return hours * 60 + (rest || 0);
  };
  const isNight = () => {
    try {
      const [from, until, zone] = JSON.parse(kept("harken.night") || "[]");
      if (!from || !until) return false;
      const format = new Intl.DateTimeFormat("en-GB", {
        hour: "2-digit", minute: "2-digit", timeZone: zone || undefined,
      });
      const now = minutes(format.format(new Date()));
      const [a, b] = [minutes(from), minutes(until)];
      return a <= b ? now >= a && now < b : now >= a || now < b;
    } catch {
      return false;
    }
  };
  const paint = () => {
    const wanted = kept("harken.theme") || "auto";
    const dark = matchMedia("(prefers-color-scheme: dark)").matches;
    const theme = wanted !== "auto" ? wanted : isNight() ? "night" : dark ? "dark" : "day";
    const root = document.documentElement;
    if (root.dataset.theme === theme) return;
    root.dataset.theme = theme;
    const colour = { day: "#f7f1e6", dark: "#17130f", night: "#000000" }[theme] || "#f7f1e6";
    document.querySelector('meta[name="theme-color"]')?.setAttribute("content", colour);
  };
  paint();
  setInterval(paint, 30_000);
  addEventListener("harken:theme", paint);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);
})();
