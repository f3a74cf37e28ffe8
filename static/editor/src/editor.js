// Turns every <textarea data-editor="json|jinja|xml"> into an editor that highlights, lints and completes, and makes
// the page of a stage of what stands around one.
//
// Attributes read here:
//   data-editor        the language
//   data-check-url     where the text is checked while typing: a POST of the whole form, answered {"problems": [...]}
//   data-offers-url    where the names to complete and the config's schema are fetched (stage.js)
//   data-form          id of an element that shows the form drawn from that schema (form.js)
//   readonly           highlighting only
// The page's own parts are told of problems by the event "editor:problems" on the textarea.

import { jsonParseLinter } from "@codemirror/lang-json";
import { mount } from "./editing.js";
import * as jsontext from "./jsontext.js";
import { post } from "./posting.js";
import { startStage } from "./stage.js";

const PAUSE = 400;

/** Marks what is wrong while somebody types: what the browser sees by itself, what the server's check finds, and what
 * others (the preview) add by `also`. */
function watch(editor) {
  const { textarea } = editor;
  const parse = jsonParseLinter();
  let waiting = null;
  let running = null;
  let checked = [];
  let added = [];
  let listener = () => {};

  function show() {
    const local = !checked.length && textarea.dataset.editor === "json" && editor.text().trim() ? parse(editor.view) : [];
    const seen = new Set(checked.map((problem) => `${problem.line}:${problem.path}`));
    const all = [...checked, ...added.filter((problem) => !seen.has(`${problem.line}:${problem.path}`))];
    const own = local.map((one) => ({ path: "", message: one.message, severity: one.severity, line: editor.view.state.doc.lineAt(one.from).number, inner: 0 }));
    const shown = all.length ? all : own;
    editor.mark(shown);
    textarea.dispatchEvent(new CustomEvent("editor:problems", { bubbles: true, detail: shown }));
    listener(shown);
  }

  async function check() {
    if (!textarea.dataset.checkUrl) return show();
    if (running) running.abort();
    running = new AbortController();
    const mine = running;
    try {
      const { reply, json } = await post(textarea.dataset.checkUrl, new FormData(textarea.form), mine.signal);
      checked = reply.ok ? json.problems : [broken(`The check answered ${reply.status}.`)];
    } catch (error) {
      if (error.name === "AbortError") return undefined;
      checked = [broken("The check could not be asked; the server did not answer.")];
    }
    return show();
  }

  return {
    soon() {
      clearTimeout(waiting);
      waiting = setTimeout(check, PAUSE);
    },
    also(problems) {
      added = problems;
      show();
    },
    heard: (act) => (listener = act),
  };
}

function broken(message) {
  return { path: "", message, severity: "warning", line: 0, inner: 0 };
}

function start() {
  for (const textarea of document.querySelectorAll("textarea[data-editor]")) {
    if (textarea.dataset.offersUrl) {
      startStage(textarea, watch);
      continue;
    }
    const editor = mount(textarea);
    if (editor.readOnly) continue;
    const watching = watch(editor);
    textarea.addEventListener("input", () => watching.soon());
    watching.soon();
  }
}

window.waybillEditor = { mount, jsontext };

// unfold hides the page (x-cloak) until its theme is known; an editor that is made before measures nothing.
function whenShown() {
  if (document.documentElement.hasAttribute("x-cloak")) requestAnimationFrame(whenShown);
  else start();
}

if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", whenShown);
else whenShown();
