// How many groups a hint fits, as its rule is typed. Without it the page says so after saving.
(() => {
  "use strict";

  document.addEventListener("DOMContentLoaded", () => {
    const place = document.querySelector("output[data-fits-url]");
    const form = place && place.closest("form");
    if (!form) return;
    let waiting = null;
    const ask = async () => {
      const query = new URLSearchParams();
      for (const name of ["pattern", "reason", "code", "destination"]) query.set(name, form.elements[name]?.value || "");
      if (![...query.values()].some(Boolean)) return;
      try {
        const reply = await fetch(`${place.dataset.fitsUrl}?${query}`, { headers: { Accept: "application/json" } });
        if (reply.ok) place.textContent = (await reply.json()).said;
      } catch {
        // The server is away for a moment: the next key asks again.
      }
    };
    const soon = () => {
      clearTimeout(waiting);
      waiting = setTimeout(ask, 300);
    };
    form.addEventListener("input", soon);
    form.addEventListener("change", soon);
    soon();
  });
})();
