// One editor: a textarea with highlighting, completion and marks. The textarea stays the truth: it is what the form
// sends, and it follows every keystroke; without JavaScript the page still works.

import { closeBrackets } from "@codemirror/autocomplete";
import { indentWithTab } from "@codemirror/commands";
import { jinja } from "@codemirror/lang-jinja";
import { json } from "@codemirror/lang-json";
import { xml } from "@codemirror/lang-xml";
import { indentUnit } from "@codemirror/language";
import { lintGutter, setDiagnostics } from "@codemirror/lint";
import { EditorState, Transaction } from "@codemirror/state";
import { EditorView, keymap } from "@codemirror/view";
import { basicSetup } from "codemirror";
import { jinjaCompletions, jsonCompletions } from "./completing.js";
import { look, templatesInStrings } from "./look.js";

function language(name, offers) {
  if (name === "xml") return [xml()];
  if (name === "jinja") return [jinja(), closeBrackets(), jinjaCompletions(offers)];
  return [json(), templatesInStrings, jsonCompletions(offers)];
}

function labelOf(textarea) {
  const label = textarea.labels && textarea.labels[0];
  return textarea.getAttribute("aria-label") || (label && label.textContent.trim()) || "Editor";
}

/** Mounts an editor over the textarea. `offers` gives what is completed; `onChange(text)` follows what is typed here,
 * not what `set` and `change` write. */
export function mount(textarea, { offers = () => ({}), onChange = null, form = textarea.form } = {}) {
  const readOnly = textarea.readOnly || textarea.disabled;
  const wrap = document.createElement("div");
  wrap.className = "editor";
  const changed = EditorView.updateListener.of((update) => {
    if (!update.docChanged) return;
    textarea.value = update.state.doc.toString();
    const ours = update.transactions.some((each) => each.annotation(Transaction.userEvent) === "set");
    if (!ours && onChange) onChange(textarea.value);
    textarea.dispatchEvent(new Event("input", { bubbles: true }));
  });
  const save = keymap.of([{ key: "Mod-s", preventDefault: true, run: () => (form && form.requestSubmit(), true) }]);
  const view = new EditorView({
    parent: wrap,
    state: EditorState.create({
      doc: textarea.value,
      extensions: [
        language(textarea.dataset.editor, offers),
        basicSetup,
        save,
        keymap.of([indentWithTab]),
        indentUnit.of("  "),
        look,
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({ "aria-label": labelOf(textarea) }),
        EditorState.readOnly.of(readOnly),
        EditorView.editable.of(!readOnly),
        changed,
        readOnly ? [] : [lintGutter()],
      ],
    }),
  });
  textarea.hidden = true;
  textarea.after(wrap);
  view.scrollDOM.tabIndex = 0; // what scrolls can be reached by the keyboard
  view.scrollDOM.setAttribute("role", "group");
  view.scrollDOM.setAttribute("aria-label", `${labelOf(textarea)}, scrolled`);
  setTimeout(() => view.requestMeasure(), 50);
  const editor = {
    view,
    textarea,
    wrap,
    readOnly,
    text: () => view.state.doc.toString(),
    set(text) {
      const now = view.state.doc.toString();
      if (text === now) return;
      const [from, ends] = common(now, text);
      const changes = { from, to: now.length - ends, insert: text.slice(from, text.length - ends) };
      view.dispatch({ changes, userEvent: "set" });
    },
    change(changes) {
      if (changes.length) view.dispatch({ changes, userEvent: "set" });
    },
    mark(problems, lineOf = (problem) => problem.line) {
      view.dispatch(setDiagnostics(view.state, problems.filter(lineOf).map((problem) => diagnostic(view, problem, lineOf(problem)))));
    },
    goTo(number) {
      const line = view.state.doc.line(Math.max(1, Math.min(number, view.state.doc.lines)));
      view.dispatch({ selection: { anchor: line.from }, effects: EditorView.scrollIntoView(line.from, { y: "center" }) });
      view.focus();
    },
  };
  textarea.editor = editor;
  return editor;
}

/** How many characters two texts share at their beginnings and at their ends: what stands between is what changed. */
function common(one, two) {
  const most = Math.min(one.length, two.length);
  let from = 0;
  while (from < most && one[from] === two[from]) from += 1;
  let ends = 0;
  while (ends < most - from && one[one.length - 1 - ends] === two[two.length - 1 - ends]) ends += 1;
  return [from, ends];
}

function diagnostic(view, problem, number) {
  const line = view.state.doc.line(Math.min(number, view.state.doc.lines));
  const indent = line.text.length - line.text.trimStart().length;
  return { from: Math.min(line.from + indent, line.to), to: line.to, severity: problem.severity, message: problem.message };
}
