// What every page of the desk does in the browser: local times, tabs, one click once, live attempts, links to lines.
// Everything works without it, only plainer.
(() => {
  "use strict";

  const absolute = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short", timeZone: zone() });
  const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
  const steps = [[60, "second"], [3600, "minute"], [86400, "hour"], [7 * 86400, "day"]];

  function zone() {
    const chosen = document.querySelector('meta[name="time-zone"]');
    return (chosen && chosen.content) || undefined;
  }

  function told(instant) {
    const seconds = (instant - Date.now()) / 1000;
    const away = Math.abs(seconds);
    if (away < 5) return "just now";
    for (let index = 0; index < steps.length; index += 1) {
      const [limit, unit] = steps[index];
      if (away < limit) return relative.format(Math.round(seconds / (index ? steps[index - 1][0] : 1)), unit);
    }
    return absolute.format(instant);
  }

  function localise(root) {
    for (const time of root.querySelectorAll("time[data-moment]")) {
      const instant = new Date(time.dateTime);
      if (Number.isNaN(instant.getTime())) continue;
      if (!time.dataset.exact) time.dataset.exact = time.title;
      time.textContent = told(instant);
      time.title = `${absolute.format(instant)} · ${time.dataset.exact}`;
    }
  }

  // tabs: role=tablist, arrow keys move, the chosen one is remembered in the address where it has a name
  function tabs(root) {
    for (const list of root.querySelectorAll('[role="tablist"]')) {
      const all = [...list.querySelectorAll('[role="tab"]')];
      const choose = (tab, focus) => {
        for (const other of all) {
          const chosen = other === tab;
          other.setAttribute("aria-selected", String(chosen));
          other.tabIndex = chosen ? 0 : -1;
          const panel = document.getElementById(other.getAttribute("aria-controls"));
          if (panel) panel.hidden = !chosen;
        }
        if (focus) tab.focus();
      };
      list.addEventListener("click", (event) => {
        const tab = event.target.closest('[role="tab"]');
        if (!tab) return;
        choose(tab);
        if (list.dataset.named !== undefined) history.replaceState(null, "", `#${tab.id.replace(/^tab-/, "")}`);
      });
      list.addEventListener("keydown", (event) => {
        const at = all.indexOf(document.activeElement);
        const next = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: all.length - 1 }[event.key];
        if (at < 0 || next === undefined) return;
        event.preventDefault();
        choose(all[(next + all.length) % all.length], true);
      });
      const wanted = list.dataset.named !== undefined && all.find((tab) => tab.id === `tab-${location.hash.slice(1)}`);
      choose(wanted || all.find((tab) => tab.getAttribute("aria-selected") === "true") || all[0]);
    }
  }

  // a form that was sent is not sent again by a second click; the server's token decides in any case
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post" || event.defaultPrevented || form.id === "changelist-form") return;
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "yes";
    setTimeout(() => form.querySelectorAll("button").forEach((button) => (button.disabled = true)));
  });
  window.addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    for (const form of document.querySelectorAll("form[data-sent]")) {
      delete form.dataset.sent;
      form.querySelectorAll("button").forEach((button) => (button.disabled = false));
    }
  });

  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-submits]")) event.target.form.requestSubmit();
  });

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const source = document.getElementById(button.dataset.copy);
    const before = button.textContent;
    try {
      await navigator.clipboard.writeText(source ? source.textContent : button.dataset.text || "");
      button.textContent = "Copied";
    } catch {
      button.textContent = "Could not copy";
    }
    setTimeout(() => (button.textContent = before), 1500);
  });

  // a page about something that still moves asks again every few seconds, unless the reader is busy on it
  function live() {
    const region = document.querySelector("[data-live]");
    if (!region) return;
    const busy = () => document.hidden || region.contains(document.activeElement) || region.querySelector("details[open] form");
    const again = async () => {
      const now = document.querySelector("[data-live]");
      if (!now) return;
      if (!busy()) {
        try {
          const reply = await fetch(location.href, { headers: { Accept: "text/html" } });
          const page = new DOMParser().parseFromString(await reply.text(), "text/html");
          const fresh = page.getElementById(now.id);
          if (fresh) {
            const open = [...now.querySelectorAll("details[open][id]")].map((part) => part.id);
            now.replaceWith(fresh);
            open.forEach((id) => document.getElementById(id)?.setAttribute("open", ""));
            prepare(fresh);
          }
        } catch {
          // The server is away for a moment: the next round asks again.
        }
      }
      setTimeout(again, 3000);
    };
    setTimeout(again, 3000);
  }

  // problems beneath an editor, each with a way to its line
  document.addEventListener("editor:problems", (event) => {
    const list = document.getElementById(event.target.dataset.problems || "");
    if (!list) return;
    list.replaceChildren(
      ...event.detail.map((problem) => {
        const item = document.createElement("li");
        item.className = `desk-problem is-${problem.severity}`;
        const text = document.createElement("span");
        text.textContent = [problem.path, problem.message].filter(Boolean).join(": ");
        if (problem.line) {
          const go = document.createElement("button");
          go.type = "button";
          go.textContent = `Line ${problem.line}`;
          go.addEventListener("click", () => event.target.editor.goTo(problem.line));
          item.append(go);
        }
        item.append(text);
        return item;
      }),
    );
    const fine = document.getElementById(`${list.id}-fine`);
    if (fine) fine.hidden = event.detail.length > 0;
  });

  function prepare(root) {
    localise(root);
    tabs(root);
  }

  document.addEventListener("desk:drawn", (event) => prepare(event.detail)); // a page that drew a part of itself anew

  document.addEventListener("DOMContentLoaded", () => {
    prepare(document);
    live();
    document.querySelector(".desk-graph .is-chosen")?.scrollIntoView({ block: "nearest", inline: "center" });
    setInterval(() => localise(document), 30000);
  });
})();
