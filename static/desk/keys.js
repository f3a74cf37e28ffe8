// The keyboard of the desk, for any page: what a page offers it says by data attributes.
//   data-row             a row that j and k move between; Enter opens the link marked data-open in it, x chooses it
//   data-key="r"         a button, link, field or summary that the key r presses, follows, focuses or opens
//   data-key-label="…"   how the help (?) calls it; else its own text
//   data-list            around a list: the boxes data-choose in it, and the forms data-bulk beside it
//   data-lean            a GET form that does not send what was left empty
// And ?walk=… in the address goes along with each form of the page (exports/admin/lists/walking.py).
(() => {
  "use strict";

  const typing = (place) => place.closest("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable=true], .cm-editor");
  const seen = (place) => !place.disabled && place.getClientRects().length > 0;
  const rows = () => [...document.querySelectorAll("[data-row]")].filter(seen);
  let at = null;

  function go(row) {
    if (!row) return;
    if (at) at.classList.remove("is-at");
    at = row;
    at.classList.add("is-at");
    at.scrollIntoView({ block: "nearest" });
    const link = at.querySelector("[data-open], a");
    if (link) link.focus({ preventScroll: true });
  }

  function move(step) {
    const all = rows();
    const now = all.indexOf(at);
    go(all[now < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(Math.max(now + step, 0), all.length - 1)]);
  }

  function press(place) {
    if (place.matches("input:not([type=checkbox]), textarea, select")) {
      place.focus();
      if (place.select) place.select();
    } else if (place.matches("summary")) {
      place.parentElement.open = !place.parentElement.open;
      const first = place.parentElement.open && place.parentElement.querySelector("input:not([type=hidden]), select, textarea");
      (first || place).focus();
    } else place.click();
  }

  // The offers of the page; those of the row that was moved to come before those of the whole page.
  function offers() {
    const found = new Map();
    for (const place of [...(at ? at.querySelectorAll("[data-key]") : []), ...document.querySelectorAll("[data-key]")]) {
      if (!found.has(place.dataset.key) && seen(place) && (!place.closest("[data-row]") || place.closest("[data-row]") === at)) found.set(place.dataset.key, place);
    }
    return found;
  }

  function help() {
    let dialog = document.querySelector(".desk-keys");
    if (dialog) dialog.remove();
    dialog = document.createElement("dialog");
    dialog.className = "desk-keys";
    dialog.setAttribute("aria-labelledby", "keys-title");
    const title = document.createElement("h2");
    title.id = "keys-title";
    title.textContent = "Keys of this page";
    const list = document.createElement("dl");
    const told = [];
    if (rows().length) told.push(["j", "Next row"], ["k", "Previous row"], ["Enter", "Open it"]);
    if (document.querySelector("[data-row] [data-choose]")) told.push(["x", "Select it"]);
    for (const [key, place] of offers()) told.push([key, place.dataset.keyLabel || place.textContent.trim()]);
    told.push(["?", "This help"], ["Esc", "Close it"]);
    for (const [key, text] of told) {
      const term = document.createElement("dt");
      const cap = document.createElement("kbd");
      cap.textContent = key;
      term.append(cap);
      const meaning = document.createElement("dd");
      meaning.textContent = text;
      list.append(term, meaning);
    }
    const close = document.createElement("button");
    close.className = "desk-button";
    close.textContent = "Close";
    close.addEventListener("click", () => dialog.close());
    dialog.append(title, list, close);
    document.body.append(dialog);
    dialog.showModal();
  }

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.key === "Escape") {
      const open = event.target.closest("details.desk-menu[open], details.desk-filterpanel[open]");
      if (open) {
        open.open = false;
        open.querySelector("summary").focus();
      } else if (typing(event.target)) event.target.blur();
      return;
    }
    if (typing(event.target) || document.querySelector("dialog[open]")) return;
    const place = offers().get(event.key);
    const own = { j: () => move(1), k: () => move(-1), "?": help, x: () => at && at.querySelector("[data-choose]")?.click() }[event.key];
    if (own && (event.key === "?" || rows().length)) own();
    else if (event.key === "Enter" && at && event.target === document.body) at.querySelector("[data-open], a")?.click();
    else if (place) press(place);
    else return;
    event.preventDefault();
  });

  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details.desk-menu[open]")) if (!menu.contains(event.target)) menu.open = false;
  });

  // choosing rows: how many, and "all that match" instead of them
  function choosing(list) {
    const some = list.querySelector('[data-bulk="chosen"]');
    const all = list.querySelector('[data-bulk="all"]');
    if (!some || !all) return;
    const boxes = [...list.querySelectorAll("[data-choose]")];
    const whole = list.querySelector("[data-choose-page]");
    const everything = some.querySelector("[data-choose-all]");
    const total = Number(list.querySelector("[data-total]").dataset.total);
    const draw = () => {
      const chosen = boxes.filter((box) => box.checked).length;
      boxes.forEach((box) => box.closest("tr").classList.toggle("is-chosen", box.checked));
      some.querySelector("[data-chosen]").textContent = chosen ? `${chosen} selected` : "None selected";
      some.querySelectorAll("button[name]").forEach((button) => (button.disabled = !chosen));
      if (whole) {
        whole.checked = chosen === boxes.length;
        whole.indeterminate = chosen > 0 && chosen < boxes.length;
      }
      everything.hidden = chosen !== boxes.length || total <= boxes.length;
    };
    const show = (every) => {
      all.hidden = !every;
      some.hidden = every;
      all.querySelector("[data-choose-some]").hidden = !every;
    };
    list.addEventListener("change", (event) => {
      if (event.target === whole) boxes.forEach((box) => (box.checked = whole.checked));
      if (event.target === whole || boxes.includes(event.target)) {
        show(false);
        draw();
      }
    });
    everything.addEventListener("click", () => show(true));
    all.querySelector("[data-choose-some]").addEventListener("click", () => show(false));
    show(false);
    draw();
    window.addEventListener("pageshow", draw);
  }

  document.addEventListener("submit", (event) => {
    if (!event.target.matches("[data-lean]")) return;
    const empty = [...event.target.elements].filter((field) => field.name && !field.value && !field.disabled);
    empty.forEach((field) => (field.disabled = true));
    setTimeout(() => empty.forEach((field) => (field.disabled = false)));
  });

  // one press, one file; but another file may be asked for afterwards without reloading the page
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches("[data-again]")) return;
    setTimeout(() => {
      delete form.dataset.sent;
      form.querySelectorAll("button").forEach((button) => (button.disabled = false));
    }, 1500);
  });

  function walk() {
    const list = new URLSearchParams(location.search).get("walk");
    if (list === null) return;
    for (const form of document.querySelectorAll(".desk form[method=post]")) {
      if (form.elements.walk) continue;
      const field = document.createElement("input");
      Object.assign(field, { type: "hidden", name: "walk", value: list });
      form.append(field);
    }
  }

  // what is opened from a list remembers it, so that the next one can follow
  function lead(list) {
    for (const link of list.querySelectorAll("a[data-open]")) link.search = new URLSearchParams({ walk: list.dataset.walk });
  }

  document.addEventListener("DOMContentLoaded", () => {
    document.querySelectorAll("[data-list]").forEach(choosing);
    document.querySelectorAll("[data-walk]").forEach(lead);
    walk();
  });
})();
