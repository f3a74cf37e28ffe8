// Light or dark before the first pixel is drawn: the theme's own script comes after the page, and until then the window
// would be white at night. Follows the system's setting as well, while nobody has chosen: the theme reads it only once.
(() => {
  "use strict";

  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const meta = document.createElement("meta");
  meta.name = "color-scheme";
  document.head.append(meta);

  function stored() {
    try {
      return JSON.parse(localStorage.getItem("adminTheme")) || "auto";
    } catch {
      return "auto";
    }
  }

  let chosen = stored;
  function apply() {
    const now = chosen();
    const dark = now === "dark" || (now === "auto" && system.matches);
    meta.content = dark ? "dark" : "light";
    if (chosen !== stored) root.classList.toggle("dark", dark);
  }

  apply();
  system.addEventListener("change", apply);
  document.addEventListener("alpine:initialized", () => {
    const state = window.Alpine.$data(root);
    if (!("adminTheme" in state)) return;
    chosen = () => state.adminTheme;
    window.Alpine.effect(apply);
  });
})();
