// The home page in the browser: its parts are fetched anew every half minute, the arrow keys move along a chart, and
// the server is told the browser's time zone where the account names none. Without it the page is whole, only still.
(() => {
  "use strict";

  const EVERY = 30000;
  const place = () => document.querySelector("[data-home]");

  // one column of a chart is in the tab order; the arrow keys lead to the others
  function reachable(root) {
    for (const chart of root.querySelectorAll("[data-chart]")) {
      chart.querySelectorAll("a.chart-column").forEach((column, index) => column.setAttribute("tabindex", index ? "-1" : "0"));
    }
  }

  document.addEventListener("keydown", (event) => {
    const column = event.target.closest("a.chart-column");
    if (!column) return;
    const all = [...column.closest("[data-chart]").querySelectorAll("a.chart-column")];
    const at = all.indexOf(column);
    const next = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    const chosen = all[Math.min(Math.max(next, 0), all.length - 1)];
    column.setAttribute("tabindex", "-1");
    chosen.setAttribute("tabindex", "0");
    chosen.focus();
  });

  // a reader who is on the page with keyboard, mouse button or selection is not disturbed
  const busy = (now) => now.contains(document.activeElement) || !getSelection().isCollapsed || now.querySelector("details[open]");

  async function draw(now) {
    const reply = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (!reply.ok) return;
    const fresh = new DOMParser().parseFromString(await reply.text(), "text/html").querySelector("[data-home]");
    if (!fresh || busy(now)) return;
    const chosen = now.querySelector('[role="tab"][aria-selected="true"]')?.id;
    for (const tab of fresh.querySelectorAll('[role="tab"]')) tab.setAttribute("aria-selected", String(tab.id === chosen));
    now.replaceWith(fresh); // in one go and without a transition: nothing flickers, and nothing moves for those who mind
    reachable(fresh);
    document.dispatchEvent(new CustomEvent("desk:drawn", { detail: fresh }));
  }

  async function again() {
    const now = place();
    if (now && !document.hidden && !busy(now)) {
      try {
        await draw(now);
      } catch {
        // The server is away for a moment: the next round asks again.
      }
    }
  }

  function tellZone() {
    const now = place();
    const chosen = document.querySelector('meta[name="time-zone"]')?.content;
    const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
    if (!now || chosen || !own || own === now.dataset.zone) return;
    document.cookie = `zone=${own}; path=/; max-age=31536000; SameSite=Lax${location.protocol === "https:" ? "; Secure" : ""}`;
    again();
  }

  document.addEventListener("DOMContentLoaded", () => {
    if (!place()) return;
    reachable(document);
    tellZone();
    setInterval(again, EVERY);
    document.addEventListener("visibilitychange", () => document.hidden || again());
  });
})();
