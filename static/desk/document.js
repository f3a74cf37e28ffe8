// The document's page: dialogs instead of what opens beneath a button, and arrow keys among tabs that are links.
// Everything works without it, only plainer.
(() => {
  "use strict";

  let number = 0;

  function asked(details) {
    const form = details.querySelector("form");
    const summary = details.querySelector("summary");
    if (!form || typeof HTMLDialogElement === "undefined") return false;
    number += 1;
    const dialog = document.createElement("dialog");
    dialog.className = "desk desk-dialog";
    dialog.setAttribute("aria-labelledby", `dialog-${number}`);
    const head = document.createElement("div");
    head.className = "desk-dialog__head";
    const title = document.createElement("h2");
    title.id = `dialog-${number}`;
    title.textContent = summary.textContent.trim().replace(/…$/, "");
    const close = document.createElement("button");
    close.type = "button";
    close.className = "desk-button is-small";
    close.textContent = "Close";
    close.addEventListener("click", () => dialog.close());
    head.append(title, close);
    dialog.append(head, form);
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog) dialog.close();
    });
    dialog.addEventListener("close", () => {
      details.append(form);
      dialog.remove();
      summary.focus();
    });
    document.body.append(dialog);
    dialog.showModal();
    form.querySelector("input:not([type=hidden]), select, textarea")?.focus();
    return true;
  }

  // whoever came to correct begins to type: at the first field that is wrong, else at the first. Not before the browser
  // has gone to the address's #chosen, which takes the focus away again.
  window.addEventListener("load", () => requestAnimationFrame(() => {
    const form = document.querySelector("#fields-form");
    const first = form?.querySelector("[aria-invalid=true]") || form?.querySelector("[name^=field-]");
    if (!first || document.activeElement !== document.body) return;
    first.focus({ preventScroll: true });
    first.select?.();
  }));

  document.addEventListener("click", (event) => {
    const summary = event.target.closest("details[data-dialog] > summary");
    if (summary && asked(summary.parentElement)) event.preventDefault();
  });

  document.addEventListener("keydown", (event) => {
    const list = event.target.closest?.("[data-roving]");
    if (!list) return;
    const all = [...list.querySelectorAll("a")];
    const at = all.indexOf(event.target);
    const next = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (at < 0 || next === undefined) return;
    event.preventDefault();
    all[(next + all.length) % all.length].focus();
  });
})();
