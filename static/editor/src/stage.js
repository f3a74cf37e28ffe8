// The page of a stage: its JSON, the form beside it, the output for a document as one types, and the marks of both.

import { startDrafts } from "./drafts.js";
import { mount } from "./editing.js";
import { drawForm } from "./form.js";
import { post } from "./posting.js";
import { startPresence } from "./presence.js";

export function startStage(textarea, watch) {
  const stageForm = textarea.form;
  let known = {};
  const offers = () => known;
  const editor = mount(textarea, { offers });
  const place = document.getElementById(textarea.dataset.form || "");
  const form = place && drawForm(editor, place, offers);
  const watching = editor.readOnly ? null : watch(editor);
  const kind = stageForm.querySelector("[name=kind]");

  async function fetchOffers() {
    const url = new URL(textarea.dataset.offersUrl, location.href);
    const stage = stageForm.querySelector("[name=stage]");
    if (stage) url.searchParams.set("stage", stage.value);
    if (kind) url.searchParams.set("kind", kind.value);
    try {
      const reply = await fetch(url, { headers: { Accept: "application/json" } });
      if (reply.ok) known = await reply.json();
    } catch {
      // Without the server nothing is completed; everything else works.
    }
    if (form) form.redraw();
    if (watching) watching.soon();
  }

  const preview = startPreview(stageForm, (marks) => watching && watching.also(marks));

  if (watching) {
    watching.heard((problems) => {
      if (!form) return;
      form.tell(problems);
      for (const template of form.templates()) {
        template.editor.mark(problems.filter((problem) => problem.path === `config.${template.path}`), (problem) => problem.inner);
      }
    });
  }
  textarea.addEventListener("input", () => {
    if (form) form.follow();
    if (watching) watching.soon();
  });
  stageForm.addEventListener("input", (event) => {
    if (event.target.matches("[data-editor=jinja]")) return; // it reached the JSON already
    if (event.target !== textarea && !event.target.closest(".editor") && event.target.name && watching) watching.soon();
    if (event.target.name) preview.soon();
  });
  if (kind) kind.addEventListener("change", fetchOffers);
  startDrafts(stageForm, editor);
  startPresence(stageForm);
  startChoices(document.getElementById("preview-document"));
  fetchOffers();
}

/** The output for the chosen document. The newest request wins: an older one is given up. */
function startPreview(stageForm, mark) {
  const place = document.querySelector("[data-preview-url]");
  if (!place) return { soon() {} };
  const choice = document.getElementById(place.dataset.document);
  const remembered = `waybill:document:${place.dataset.previewUrl}`;
  let waiting = null;
  let running = null;

  const draw = async () => {
    if (running) running.abort();
    running = new AbortController();
    const { signal } = running;
    place.setAttribute("aria-busy", "true");
    const body = new FormData(stageForm);
    body.set("document", choice.value);
    try {
      const { reply, json } = await post(place.dataset.previewUrl, body, signal);
      if (reply.status === 429) return soon(1500);
      if (!reply.ok) throw new Error(`The preview answered ${reply.status}.`);
      place.innerHTML = json.html;
      mark(json.marks);
    } catch (error) {
      if (error.name === "AbortError") return undefined;
      place.textContent = error.message.startsWith("The preview") ? error.message : "The preview could not be fetched; the server did not answer.";
    }
    return place.removeAttribute("aria-busy");
  };
  const soon = (pause = 350) => {
    clearTimeout(waiting);
    waiting = setTimeout(draw, pause);
  };
  choice.value = localStorage.getItem(remembered) || "";
  choice.addEventListener("change", () => {
    if (choice.value) localStorage.setItem(remembered, choice.value);
    else localStorage.removeItem(remembered);
    draw();
  });
  draw();
  return { soon: () => soon() };
}

/** The documents to choose from, found as one types. */
function startChoices(input) {
  const list = input && document.getElementById(input.getAttribute("list"));
  if (!list || !input.dataset.choicesUrl) return;
  let waiting = null;
  const fill = async () => {
    const url = new URL(input.dataset.choicesUrl, location.href);
    url.searchParams.set("q", input.value);
    try {
      const reply = await fetch(url, { headers: { Accept: "application/json" } });
      if (!reply.ok) return;
      const { documents } = await reply.json();
      list.replaceChildren(
        ...documents.map((one) => {
          const option = document.createElement("option");
          option.value = one.external_id;
          option.label = one.about;
          return option;
        }),
      );
    } catch {
      // The list stays as it was.
    }
  };
  input.addEventListener("focus", fill, { once: true });
  input.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(fill, 250);
  });
}
