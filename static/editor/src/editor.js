// Turns every <textarea data-editor="json|jinja|xml"> into an editor that highlights, lints and completes.
//
// The textarea stays the truth: it is what the form sends, and it follows every keystroke. Without JavaScript the
// page still works. Attributes read here:
//   data-editor        the language
//   data-check-url     where the text is checked while typing: a POST of the whole form, answered {"problems": [...]}
//   data-completions   id of a <script type="application/json"> with {"fields": [...], "keys": [...]}
//   data-templates     id of an element that shows the templates inside a JSON config as editors of their own
//   readonly           highlighting only

import { autocompletion, completeFromList } from "@codemirror/autocomplete";
import { indentWithTab } from "@codemirror/commands";
import { jinja, jinjaCompletionSource } from "@codemirror/lang-jinja";
import { json, jsonLanguage, jsonParseLinter } from "@codemirror/lang-json";
import { xml } from "@codemirror/lang-xml";
import { HighlightStyle, indentUnit, syntaxHighlighting, syntaxTree } from "@codemirror/language";
import { linter, lintGutter } from "@codemirror/lint";
import { EditorState } from "@codemirror/state";
import { Decoration, EditorView, keymap, MatchDecorator, ViewPlugin } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { basicSetup } from "codemirror";

const colours = HighlightStyle.define([
  { tag: [tags.propertyName, tags.attributeName], color: "var(--ed-name)" },
  { tag: [tags.string, tags.attributeValue], color: "var(--ed-string)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--ed-number)" },
  { tag: [tags.keyword, tags.operatorKeyword, tags.controlKeyword, tags.definitionKeyword], color: "var(--ed-keyword)" },
  { tag: [tags.tagName, tags.typeName], color: "var(--ed-keyword)" },
  { tag: [tags.variableName, tags.function(tags.variableName)], color: "var(--ed-name)" },
  { tag: [tags.comment, tags.meta], color: "var(--ed-quiet)", fontStyle: "italic" },
  { tag: [tags.brace, tags.squareBracket, tags.punctuation, tags.separator], color: "var(--ed-quiet)" },
  { tag: tags.invalid, color: "var(--ed-wrong)" },
]);

const look = EditorView.theme({
  "&": { backgroundColor: "var(--ed-ground)", color: "var(--ed-text)", fontSize: "13px" },
  "&.cm-focused": { outline: "2px solid var(--ed-focus)", outlineOffset: "-1px" },
  ".cm-scroller": { fontFamily: "var(--desk-mono)", lineHeight: "1.55", minHeight: "4.5rem", maxHeight: "34rem" },
  ".cm-gutters": { backgroundColor: "var(--ed-gutter)", color: "var(--ed-quiet)", border: "none" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "var(--ed-line)" },
  ".cm-cursor": { borderLeftColor: "var(--ed-text)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    backgroundColor: "var(--ed-selection)",
  },
  ".cm-template": { color: "var(--ed-keyword)", fontWeight: "600" },
  ".cm-tooltip": { backgroundColor: "var(--ed-ground)", color: "var(--ed-text)", border: "1px solid var(--ed-border)" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { backgroundColor: "var(--ed-focus)", color: "#fff" },
  ".cm-panels": { backgroundColor: "var(--ed-gutter)", color: "var(--ed-text)" },
});

// Jinja2 and @{…} inside JSON strings: a config is JSON, and its interesting part is not.
const inside = new MatchDecorator({
  regexp: /\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}|@\{[^}"]*\}/g,
  decoration: Decoration.mark({ class: "cm-template" }),
});
const templatesInStrings = ViewPlugin.fromClass(
  class {
    constructor(view) {
      this.decorations = inside.createDeco(view);
    }
    update(update) {
      this.decorations = inside.updateDeco(update, this.decorations);
    }
  },
  { decorations: (plugin) => plugin.decorations },
);

function completionsOf(textarea) {
  const source = document.getElementById(textarea.dataset.completions || "");
  const known = source ? JSON.parse(source.textContent) : {};
  return { fields: known.fields || [], keys: known.keys || [] };
}

function jsonCompletions({ fields, keys }) {
  const names = fields.map((field) => ({ label: field, type: "variable", detail: "field" }));
  const settings = keys.map((key) => ({ label: key, type: "property", detail: "setting" }));
  return (context) => {
    const field = context.matchBefore(/(@\{|field\.)\w*/);
    if (field) {
      const start = field.text.startsWith("@{") ? 2 : "field.".length;
      return { from: field.from + start, options: names, validFor: /^\w*$/ };
    }
    const node = syntaxTree(context.state).resolveInner(context.pos, -1);
    if (node.name === "PropertyName" || (context.explicit && node.name === "Object")) {
      const word = context.matchBefore(/\w*/);
      return { from: word.from, options: settings, validFor: /^\w*$/ };
    }
    return null;
  };
}

function language(name, known) {
  if (name === "xml") return [xml()];
  if (name === "jinja") {
    const properties = (path) => (path.length === 1 && path[0] === "field" ? known.fields.map((label) => ({ label, type: "property" })) : []);
    const variables = ["field", "payload", "file"].map((label) => ({ label, type: "variable" }));
    return [jinja(), autocompletion({ override: [jinjaCompletionSource({ properties, variables })] })];
  }
  return [
    json(),
    templatesInStrings,
    jsonLanguage.data.of({ autocomplete: jsonCompletions(known) }),
    jsonLanguage.data.of({ autocomplete: completeFromList(["true", "false", "null"]) }),
  ];
}

function csrf() {
  const field = document.querySelector("input[name=csrfmiddlewaretoken]");
  return field ? field.value : "";
}

async function problemsOf(textarea, text) {
  const body = textarea.form ? new FormData(textarea.form) : new FormData();
  body.set("text", text);
  const reply = await fetch(textarea.dataset.checkUrl, { method: "POST", body, headers: { "X-CSRFToken": csrf() } });
  if (!reply.ok) throw new Error(`The check answered ${reply.status}.`);
  return (await reply.json()).problems;
}

function checking(textarea) {
  const parse = jsonParseLinter();
  const isJson = textarea.dataset.editor === "json";
  return linter(
    async (view) => {
      const text = view.state.doc.toString();
      const local = isJson && text.trim() ? parse(view) : [];
      let problems = [];
      if (textarea.dataset.checkUrl) {
        try {
          problems = await problemsOf(textarea, text);
        } catch (error) {
          problems = [{ message: String(error.message || error), severity: "warning", line: 0, path: "" }];
        }
      }
      textarea.dispatchEvent(new CustomEvent("editor:problems", { bubbles: true, detail: problems }));
      const shown = problems
        .filter((problem) => problem.line)
        .map((problem) => {
          const line = view.state.doc.line(Math.min(problem.line, view.state.doc.lines));
          const indent = line.text.length - line.text.trimStart().length;
          return { from: line.from + indent, to: line.to, severity: problem.severity, message: problem.message };
        });
      return shown.length ? shown : local;
    },
    { delay: 500 },
  );
}

export function mount(textarea, { onChange } = {}) {
  const readOnly = textarea.readOnly || textarea.disabled;
  const wrap = document.createElement("div");
  wrap.className = "editor";
  const changed = EditorView.updateListener.of((update) => {
    if (!update.docChanged) return;
    textarea.value = update.state.doc.toString();
    textarea.dispatchEvent(new Event("input", { bubbles: true }));
    if (onChange) onChange(textarea.value);
  });
  const save = keymap.of([{ key: "Mod-s", preventDefault: true, run: () => (textarea.form && textarea.form.requestSubmit(), true) }]);
  const label = textarea.getAttribute("aria-label") || (textarea.labels && textarea.labels[0] && textarea.labels[0].textContent.trim());
  const view = new EditorView({
    parent: wrap,
    state: EditorState.create({
      doc: textarea.value,
      extensions: [
        basicSetup,
        save,
        keymap.of([indentWithTab]),
        indentUnit.of("  "),
        language(textarea.dataset.editor, completionsOf(textarea)),
        syntaxHighlighting(colours),
        look,
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({ "aria-label": label || "Editor" }),
        EditorState.readOnly.of(readOnly),
        EditorView.editable.of(!readOnly),
        changed,
        readOnly ? [] : [lintGutter(), checking(textarea)],
      ],
    }),
  });
  textarea.hidden = true;
  textarea.after(wrap);
  setTimeout(() => view.requestMeasure(), 50);
  const editor = {
    view,
    textarea,
    set(text) {
      if (text !== view.state.doc.toString()) view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } });
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

// The templates of a template stage, each in a Jinja2 editor of its own; what is typed goes back into the JSON.
function showTemplates(editor, place) {
  const textarea = editor.textarea;
  const readOnly = textarea.readOnly;
  let writing = false;
  let shape = "";

  function parsed() {
    try {
      const config = JSON.parse(textarea.value);
      return Array.isArray(config.export_configs) ? config : null;
    } catch {
      return null;
    }
  }

  function textOf(entry) {
    if (Array.isArray(entry.file_content_template_multiline)) return entry.file_content_template_multiline.join("\n");
    return String(entry.file_content_template ?? "");
  }

  function write(index, text) {
    const config = parsed();
    if (!config || !config.export_configs[index]) return;
    const entry = config.export_configs[index];
    delete entry.file_content_template;
    entry.file_content_template_multiline = text.split("\n");
    writing = true;
    editor.set(JSON.stringify(config, null, 2));
    writing = false;
  }

  function draw() {
    if (writing) return;
    const config = parsed();
    const entries = config ? config.export_configs.filter((entry) => entry && typeof entry === "object") : [];
    const next = JSON.stringify(entries.map((entry) => entry.export_reference_key || entry.export_id || ""));
    if (next === shape && place.children.length) {
      entries.forEach((entry, index) => place.editors[index] && place.editors[index].set(textOf(entry)));
      return;
    }
    shape = next;
    place.replaceChildren();
    place.editors = entries.map((entry, index) => {
      const block = document.createElement("section");
      const title = document.createElement("h3");
      title.className = "desk-label";
      title.textContent = entry.export_reference_key || entry.export_id || `template ${index + 1}`;
      const inner = document.createElement("textarea");
      inner.dataset.editor = "jinja";
      inner.dataset.completions = textarea.dataset.completions || "";
      inner.setAttribute("aria-label", `Template ${title.textContent}`);
      inner.value = textOf(entry);
      inner.readOnly = readOnly;
      block.append(title, inner);
      place.append(block);
      return mount(inner, { onChange: (text) => write(index, text) });
    });
    if (!entries.length) {
      const note = document.createElement("p");
      note.className = "desk-quiet";
      note.textContent = config ? "No template yet: add one to export_configs." : "The JSON cannot be read yet; mend it first.";
      place.append(note);
    }
  }

  draw();
  textarea.addEventListener("input", draw);
}

function start() {
  for (const textarea of document.querySelectorAll("textarea[data-editor]")) {
    const editor = mount(textarea);
    const place = document.getElementById(textarea.dataset.templates || "");
    if (place) showTemplates(editor, place);
  }
}

// unfold hides the page (x-cloak) until its theme is known; an editor that is made before measures nothing.
function whenShown() {
  if (document.documentElement.hasAttribute("x-cloak")) requestAnimationFrame(whenShown);
  else start();
}

if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", whenShown);
else whenShown();
