// The publish page: how the last documents fare under the draft, asked for a few at a time, and their differences when
// somebody opens them.
(() => {
  "use strict";

  const AT_ONCE = 4;

  function ask(url, values) {
    const body = new FormData();
    const token = document.querySelector("input[name=csrfmiddlewaretoken]");
    if (token) body.set("csrfmiddlewaretoken", token.value);
    for (const [name, value] of Object.entries(values)) body.set(name, value);
    return fetch(url, { method: "POST", body, headers: { Accept: "application/json" } });
  }

  async function compare(place) {
    const told = document.getElementById("comparison-told");
    const progress = place.querySelector("progress");
    const rows = place.querySelector("[data-rows]");
    const counts = new Map();
    const { url } = place.dataset;
    const say = (text) => (told.textContent = text);
    try {
      let { documents: left } = await (await ask(url, {})).json();
      const all = left.length;
      if (!all) say("There is no document to compare yet.");
      progress.max = Math.max(all, 1);
      while (left.length) {
        const reply = await ask(url, { documents: left.slice(0, AT_ONCE).join(",") });
        if (!reply.ok && reply.status !== 429) throw new Error(`The comparison answered ${reply.status}.`);
        const { rows: done, left: undone } = await reply.json();
        if (reply.status === 429) await new Promise((again) => setTimeout(again, 1000));
        for (const row of done) {
          rows.insertAdjacentHTML("beforeend", row.html);
          counts.set(row.verdict, (counts.get(row.verdict) || 0) + 1);
        }
        left = [...undone, ...left.slice(AT_ONCE)];
        progress.value = all - left.length;
        say(`${all - left.length} of ${all} documents: ${[...counts].map(([verdict, count]) => `${count} ${verdict}`).join(", ")}`);
      }
    } catch (error) {
      say(error.message.startsWith("The comparison") ? error.message : "The comparison could not be finished; the server did not answer.");
    }
    progress.hidden = true;
  }

  async function open(details, url) {
    const place = details.querySelector("[aria-live]");
    if (details.dataset.fetched) return;
    details.dataset.fetched = "yes";
    try {
      const reply = await ask(url, { documents: details.dataset.compared, whole: "yes" });
      const { rows } = await reply.json();
      if (!rows.length) throw new Error("busy");
      place.innerHTML = rows[0].html;
    } catch {
      delete details.dataset.fetched;
      place.textContent = "This could not be compared just now. Close it and open it again.";
    }
  }

  document.addEventListener("DOMContentLoaded", () => {
    const place = document.getElementById("comparison");
    if (!place) return;
    place.addEventListener("toggle", (event) => event.target.open && open(event.target, place.dataset.url), true);
    compare(place);
  });
})();
