// How the editor looks: colours by the names that the page's stylesheet gives them, so that light and dark follow it.

import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { Decoration, EditorView, MatchDecorator, ViewPlugin } from "@codemirror/view";
import { tags } from "@lezer/highlight";

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

const theme = EditorView.theme({
  "&": { backgroundColor: "var(--ed-ground)", color: "var(--ed-text)", fontSize: "13px" },
  "&.cm-focused": { outline: "2px solid var(--ed-focus)", outlineOffset: "-1px" },
  ".cm-scroller": { fontFamily: "var(--desk-mono)", lineHeight: "1.55", minHeight: "4.5rem", maxHeight: "var(--ed-height, 34rem)" },
  ".cm-gutters": { backgroundColor: "var(--ed-gutter)", color: "var(--ed-quiet)", border: "none" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "var(--ed-line)" },
  ".cm-cursor": { borderLeftColor: "var(--ed-text)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    backgroundColor: "var(--ed-selection)",
  },
  ".cm-template": { color: "var(--ed-keyword)", fontWeight: "600" },
  ".cm-tooltip": { backgroundColor: "var(--ed-ground)", color: "var(--ed-text)", border: "1px solid var(--ed-border)", maxWidth: "min(34rem, 92vw)" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { backgroundColor: "var(--ed-focus)", color: "#fff" },
  ".cm-tooltip-autocomplete ul li[aria-selected] .cm-completionDetail": { color: "#fff" },
  ".cm-completionDetail": { color: "var(--ed-quiet)", fontStyle: "normal", marginLeft: "1em" },
  ".cm-completionInfo": { padding: "6px 10px", fontFamily: "inherit" },
  ".cm-panels": { backgroundColor: "var(--ed-gutter)", color: "var(--ed-text)" },
});

export const look = [syntaxHighlighting(colours), theme];

// Jinja2 and @{…} inside JSON strings: a config is JSON, and its interesting part is not.
const inside = new MatchDecorator({
  regexp: /\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}|@\{[^}"]*\}/g,
  decoration: Decoration.mark({ class: "cm-template" }),
});
export const templatesInStrings = ViewPlugin.fromClass(
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
