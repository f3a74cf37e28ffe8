// Light or dark before the first pixel is drawn: the theme's own script comes after the page, and until then the window
// would be white at night. Follows the system's setting as well, while nobody has chosen.
(() => {
  "use strict";

  const system = matchMedia("(prefers-color-scheme: dark)");
  const meta = document.createElement("meta");
  meta.name = "color-scheme";
  document.head.append(meta);

  function chosen() {
    try {
      return JSON.parse(localStorage.getItem("adminTheme")) || "auto";
    } catch {
      return "auto";
    }
  }

  const scheme = (name) => (name === "auto" ? (system.matches ? "dark" : "light") : name);
  meta.content = scheme(chosen());

  // the theme reads the system's setting once; a choice there and back makes it look again
  system.addEventListener("change", () => {
    meta.content = scheme(chosen());
    const state = window.Alpine && window.Alpine.$data(document.documentElement);
    if (!state || state.adminTheme !== "auto") return;
    state.adminTheme = meta.content;
    window.Alpine.nextTick(() => (state.adminTheme = "auto"));
  });
})();
