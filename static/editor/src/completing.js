// What is offered while typing: names of the queue's fields, the sandbox's own words, keys and values of the config.
// Everything offered comes from the server's offers (pipelines/completions.py); nothing is listed here.

import { autocompletion } from "@codemirror/autocomplete";
import { syntaxTree } from "@codemirror/language";
import { parse, find } from "./jsontext.js";
import * as schemas from "./schema.js";

const WORD = /^\w*$/;

/** `offers` is a function: they arrive after the editor is there, and change with the kind. */
export function jinjaCompletions(offers) {
  return autocompletion({ override: [(context) => jinjaAt(context.state.sliceDoc(0, context.pos), context.pos, context.explicit, offers())], activateOnTyping: true });
}

export function jsonCompletions(offers) {
  return autocompletion({ override: [(context) => jsonAt(context, offers())] });
}

function option(name, type, detail = "", info = "", extra = {}) {
  return { label: name, type, ...(detail && { detail }), ...(info && { info }), ...extra };
}

const wordOption = (type, detail) => ({ name, doc }) => option(name, type, detail, doc);

/** Completions inside Jinja2, where the text ends at the cursor; `at` is the cursor's place in the document. */
function jinjaAt(before, at, explicit, known) {
  const open = Math.max(before.lastIndexOf("{{"), before.lastIndexOf("{%"));
  if (open < 0 || Math.max(before.lastIndexOf("}}"), before.lastIndexOf("%}")) > open) return null;
  const inside = before.slice(open + 2);
  if ((inside.match(/'/g) || []).length % 2 || (inside.match(/"/g) || []).length % 2) return null;
  const word = /\w*$/.exec(inside)[0];
  const from = at - word.length;
  const head = inside.slice(0, inside.length - word.length);
  const template = known.template || {};
  const answer = (options) => ({ from, options, validFor: WORD });
  if (before[open + 1] === "%" && /^[-+]?\s*$/.test(head)) {
    return answer([...(template.tags || []).map(wordOption("keyword")), ...ends(before.slice(0, open)).map((name) => option(name, "keyword"))]);
  }
  if (/\|\s*$/.test(head)) return answer((template.filters || []).map(wordOption("function", "filter")));
  if (/\bis\s+(?:not\s+)?$/.test(head)) return answer((template.tests || []).map(wordOption("keyword", "test")));
  const path = /((?:[A-Za-z_]\w*(?:\[\d+\])?\.)+)$/.exec(head);
  if (path) return answer(members(path[1].replace(/\[\d+\]/g, "").split(".").filter(Boolean), before, known));
  if (!word && !explicit) return null;
  const names = [...loops(before).keys()].map((name) => option(name, "variable", "of the loop"));
  const set = [...before.matchAll(/\{%-?\s*set\s+(\w+)/g)].map((found) => option(found[1], "variable", "set above"));
  const roots = ["field", "payload", "file"].map((name) => option(name, "variable", "", ROOTS[name]));
  const looping = loops(before).size ? [option("loop", "variable", "of the loop")] : [];
  return answer([...names, ...set, ...roots, ...looping, ...(template.functions || []).map(wordOption("function", "function"))]);
}

const ROOTS = {
  field: "The document's fields: field.document_id; a table is a list of rows.",
  payload: "The document as Rossum's hook payload has it.",
  file: "The original: file.original_file | b64encode.",
};

function members(path, before, known) {
  const template = known.template || {};
  const [root, ...rest] = resolved(path, loops(before));
  if (root === "loop") return (template.loop || []).map(wordOption("property"));
  if (root === "field") return fieldOptions(known, rest[0] || "", rest.length === 0);
  const tree = { payload: template.payload, file: template.file }[root] || {};
  if (!rest.length) return Object.keys(tree).map((name) => option(name, "property"));
  return rest.length === 1 ? (tree[rest[0]] || []).map((name) => option(name, "property")) : [];
}

function fieldOptions(known, table, header) {
  return (known.fields || [])
    .filter((field) => (header ? !field.table : field.table === table))
    .map((field) => option(field.id, "property", field.type, described(field)));
}

function described(field) {
  const at = field.queues && field.queues.length ? `Queues: ${field.queues.join(", ")}` : "";
  return [field.label, field.table && `column of ${field.table}`, at].filter(Boolean).join(" · ");
}

/** The loops that are open at the end of the text: the name of each one's variable, and the path that it walks. */
function loops(before) {
  const open = [];
  const pattern = /\{%-?\s*(?:for\s+(\w+)(?:\s*,\s*\w+)?\s+in\s+([\w.]+)|(endfor)\b)/g;
  for (const found of before.matchAll(pattern)) {
    if (found[3]) open.pop();
    else open.push([found[1], found[2].split(".")]);
  }
  return new Map(open);
}

function resolved(path, open, depth = 0) {
  const walked = open.get(path[0]);
  if (!walked || depth > 8) return path;
  return resolved([...walked, ...path.slice(1)], open, depth + 1);
}

/** What would end the blocks that are open. */
function ends(before) {
  const open = [];
  for (const found of before.matchAll(/\{%-?\s*(end)?(for|if|macro|call|filter|with|block|raw)\b/g)) {
    if (found[1]) open.pop();
    else open.push(found[2]);
  }
  return open.length ? [`end${open[open.length - 1]}`] : [];
}

/** Completions inside a config. */
function jsonAt(context, known) {
  const { state, pos } = context;
  const node = syntaxTree(state).resolveInner(pos, -1);
  const line = state.doc.lineAt(pos);
  const before = state.sliceDoc(Math.max(0, pos - 2000), pos);
  const placeholder = /(@\{|\{secret\.|#\{)[\w.]*$/.exec(before);
  if (placeholder && node.name !== "PropertyName") return placeholders(placeholder, pos, known);
  const path = pathOf(node, state);
  const tree = () => parse(state.doc.toString());
  if (node.name === "PropertyName" || (node.name === "Object" && context.explicit) || (node.name === "⚠" && node.parent?.name === "Object")) {
    const named = node.name === "PropertyName";
    const start = named ? node.from : pos - /"?\w*$/.exec(line.text.slice(0, pos - line.from))[0].length;
    const end = named ? node.to : pos;
    const options = keyOptions(known, named ? path.slice(0, -1) : path, tree(), { start, end, state });
    return { from: state.sliceDoc(start, start + 1) === '"' ? start + 1 : start, options, validFor: WORD };
  }
  if (node.name === "String") {
    const text = state.sliceDoc(node.from + 1, pos);
    const jinja = /\{[{%][^"]*$/.test(text) ? jinjaAt(unescaped(text), pos, context.explicit, known) : null;
    return jinja || valueOptions(known, path, tree(), node.from + 1, closed(node, state) ? node.to - 1 : pos);
  }
  if (context.explicit) {
    const word = context.matchBefore(/\w*/);
    return valueOptions(known, path, tree(), word.from, pos, true);
  }
  return null;
}

function closed(node, state) {
  return node.to - node.from > 1 && state.sliceDoc(node.to - 1, node.to) === '"';
}

function unescaped(text) {
  return text.replaceAll('\\"', "'").replaceAll("\\n", "  ");
}

function placeholders(found, pos, known) {
  const from = pos - found[0].length + found[1].length;
  if (found[1] === "#{") {
    const files = [option("file_content", "variable", "the artifact"), option("original_file", "variable", "the original")];
    return { from, options: files.map(braced), validFor: /^[\w.]*$/ };
  }
  const fields = (known.fields || []).filter((field) => !field.table).map((field) => option(field.id, "variable", field.type, described(field)));
  const others = (known.placeholders || []).map((name) => option(name, "constant", "document"));
  const secrets = (known.secrets || []).map((name) => option(name, "constant", "secret"));
  return { from, options: (found[1] === "@{" ? [...fields, ...others] : secrets).map(braced), validFor: /^[\w.-]*$/ };
}

/** Closes the brace where none stands there. */
function braced(one) {
  const apply = (view, completion, from, to) => {
    const next = view.state.sliceDoc(to, to + 1);
    const insert = next === "}" ? one.label : `${one.label}}`;
    view.dispatch({ changes: { from, to, insert }, selection: { anchor: from + one.label.length + 1 }, userEvent: "input.complete" });
  };
  return { ...one, apply };
}

function keyOptions(known, path, tree, { start, end, state }) {
  const schema = schemas.at(known.schema || {}, path, (at) => tree && find(tree, at));
  const present = new Set((tree && find(tree, path)?.members || []).map((member) => member.key));
  const own = state.sliceDoc(start, end).replaceAll('"', "");
  const colon = /^\s*:/.test(state.sliceDoc(end, end + 20));
  const quotes = state.sliceDoc(start, start + 1) === '"' ? 1 : 0;
  return schemas.variants(schema, known.schema || {}).flatMap((variant) =>
    Object.entries(variant.properties || {})
      .filter(([key]) => !present.has(key) || key === own)
      .map(([key, property]) => {
        const needed = (variant.required || []).includes(key);
        const begins = schemas.blank(property, known.schema);
        const apply = (view, completion, from, to) => {
          const after = view.state.sliceDoc(to, to + 1) === '"' ? to + 1 : to;
          const insert = colon ? JSON.stringify(key) : `${JSON.stringify(key)}: ${JSON.stringify(begins)}`;
          const back = colon || (typeof begins === "object" ? !Object.keys(begins).length : begins !== "") ? 0 : 1;
          const list = !colon && typeof begins === "object" && !Object.keys(begins).length ? 1 : 0;
          view.dispatch({ changes: { from: from - quotes, to: after, insert }, selection: { anchor: from - quotes + insert.length - back - list }, userEvent: "input.complete" });
        };
        const info = schemas.followed(property, known.schema).description;
        return option(key, "property", needed ? "required" : typeName(property, known.schema), info, { apply, boost: needed ? 2 : 0 });
      }),
  );
}

function typeName(property, root) {
  const names = schemas.variants(property, root).map((one) => one.enum?.join(" | ") || one.type || "any");
  return [...new Set(names)].join(" or ");
}

function valueOptions(known, path, tree, from, to, bare = false) {
  const key = [...path].reverse().find((step) => typeof step === "string") || "";
  const schema = schemas.at(known.schema || {}, path, (at) => tree && find(tree, at));
  const quoted = (text) => (bare ? JSON.stringify(text) : text);
  const listed = schemas.choices(schema, known.schema || {}).map((one) => option(typeof one === "string" ? quoted(one) : String(one), "enum", "", schema.description));
  if (/reference_key$/.test(key) || key === "keys") listed.push(...(known.keys || []).map((one) => option(quoted(one.key), "constant", `written by ${one.stage}`)));
  if (/(^|_)schema_id$|_field$|^field$|^path_fields$/.test(key)) {
    listed.push(...(known.fields || []).filter((one) => !one.table).map((one) => option(quoted(one.id), "variable", one.type, described(one))));
  }
  if (key === "run_after" || key === "stage") listed.push(...(known.stages || []).map((name) => option(quoted(name), "constant", "stage")));
  return listed.length ? { from, to, options: listed, validFor: /^[\w ."-]*$/ } : null;
}

/** Keys and indexes from the root to a node of the editor's own tree, which bears with unfinished text. */
function pathOf(node, state) {
  const path = [];
  for (let at = node; at.parent; at = at.parent) {
    const parent = at.parent;
    if (at.name === "Property") {
      const name = at.getChild("PropertyName");
      path.unshift(name ? state.sliceDoc(name.from, name.to).replace(/^"|"$/g, "") : "");
    } else if (parent.name === "Array") {
      let index = 0;
      for (let before = at.prevSibling; before; before = before.prevSibling) if (!/[[\],⚠]/.test(before.name)) index += 1;
      path.unshift(index);
    }
  }
  return path;
}
