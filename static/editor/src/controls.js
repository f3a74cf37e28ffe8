// The parts of the form that are drawn from a schema: one control for each kind of value. A control has an `element`,
// and `update(node)`, which shows what the text says now; what a person changes is written by `write(value)`.

import { mount } from "./editing.js";
import { parse, plain } from "./jsontext.js";
import * as schemas from "./schema.js";

let number = 0;

export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(key, "");
    else if (value !== false && value !== undefined && value !== null) element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
}

export function freshId() {
  number += 1;
  return `config-${number}`;
}

const TEMPLATES = new Set(["file_content_template", "file_content_template_multiline"]);

/** The control for a single value, or null where the schema is of something that has parts. */
export function scalar(schema, root, path, context, node) {
  const own = schemas.variantOf(schema, root, node);
  const key = path[path.length - 1];
  if (own.enum || own.const !== undefined) return choice(own.enum || [own.const], own, context);
  if (TEMPLATES.has(key)) return template(own.type === "array", path, context);
  if (own.type === "boolean") return choice([true, false], own, context);
  if (own.type === "integer" || own.type === "number") return numeric(own, context);
  if (own.type === "string") return text(own, key, context);
  if (own.type === "array" && simple(own.items, root)) return lines(own, root, context);
  if (own.type === "object" || own.type === "array") return null;
  return raw(own, context);
}

function simple(schema, root) {
  const all = schemas.variants(schema || {}, root);
  return all.every((one) => ["string", "integer", "number"].includes(one.type) && !one.enum);
}

function shown(value) {
  return value === true ? "yes" : value === false ? "no" : String(value);
}

function choice(values, schema, { id, describedby, readOnly, write, clear }) {
  const select = make("select", { class: "desk-input", id, "aria-describedby": describedby, disabled: readOnly });
  const unset = make("option", { value: "" }, schema.default === undefined ? "– choose –" : `${shown(schema.default)} (as it is without it)`);
  select.append(unset, ...values.map((value) => make("option", { value: JSON.stringify(value) }, shown(value))));
  select.addEventListener("change", () => (select.value ? write(JSON.parse(select.value)) : clear()));
  return {
    element: select,
    update(node) {
      const value = node ? JSON.stringify(plain(node)) : "";
      const stranger = select.querySelector("[data-stranger]");
      if (stranger) stranger.remove();
      if (value && !values.some((one) => JSON.stringify(one) === value)) {
        select.append(make("option", { value, "data-stranger": true }, `${value} (not allowed)`));
      }
      select.value = value;
    },
  };
}

function numeric(schema, { id, describedby, readOnly, write, clear }) {
  const input = make("input", {
    class: "desk-input", id, type: "text", inputmode: schema.type === "integer" ? "numeric" : "decimal", "aria-describedby": describedby,
    disabled: readOnly, placeholder: schema.default ?? undefined, autocomplete: "off",
  });
  input.addEventListener("input", () => {
    const given = input.value.trim();
    if (!given) clear();
    else write(/^-?(0|[1-9]\d*)(\.\d+)?$/.test(given) ? Number(given) : given);
  });
  return { element: input, update: (node) => follow(input, node ? String(plain(node) ?? "") : "") };
}

function text(schema, key, { id, describedby, readOnly, write, clear, needed, list }) {
  const area = make("textarea", {
    class: "desk-input desk-form__text", id, rows: 1, spellcheck: "false", "aria-describedby": describedby, disabled: readOnly,
    placeholder: schema.default || undefined, autocomplete: "off",
  });
  const names = list && list(key);
  const element = names ? make("input", { class: "desk-input", id, list: names, "aria-describedby": describedby, disabled: readOnly, autocomplete: "off" }) : area;
  element.addEventListener("input", () => {
    grow(element);
    if (!element.value && !needed) clear();
    else write(element.value);
  });
  return {
    element,
    update(node) {
      const value = node ? plain(node) : "";
      follow(element, typeof value === "string" ? value : JSON.stringify(value));
      grow(element);
    },
  };
}

function grow(area) {
  if (area.tagName !== "TEXTAREA") return;
  area.rows = Math.min(Math.max(area.value.split("\n").length, Math.ceil(area.value.length / 60)), 12) || 1;
}

function lines(schema, root, { id, describedby, readOnly, write, clear }) {
  const item = schemas.variants(schema.items || {}, root)[0];
  const numbers = item.type !== "string";
  const area = make("textarea", {
    class: "desk-input desk-form__text", id, rows: 2, spellcheck: "false", "aria-describedby": describedby, disabled: readOnly,
    placeholder: (schema.default || []).join(", ") || "one a line",
  });
  area.addEventListener("input", () => {
    const given = area.value.split(/\n|,(?=\s*\d+\s*(?:,|\n|$))/).map((each) => each.trim()).filter(Boolean);
    if (!given.length) clear();
    else write(given.map((each) => (numbers && /^-?\d+(\.\d+)?$/.test(each) ? Number(each) : each)));
  });
  return {
    element: area,
    update(node) {
      const listed = node ? plain(node) : [];
      follow(area, Array.isArray(listed) ? listed.map((each) => (typeof each === "string" ? each : JSON.stringify(each))).join("\n") : JSON.stringify(listed));
      area.rows = Math.min(Math.max(area.value.split("\n").length, 1), 8);
    },
  };
}

/** A Jinja2 template, in an editor of its own; a list of lines where the config has it so. */
function template(listed, path, { id, describedby, readOnly, write, offers, label, form, register }) {
  const area = make("textarea", { id, "data-editor": "jinja", "aria-label": label, "aria-describedby": describedby, readonly: readOnly });
  const holder = make("div", {}, area);
  const editor = mount(area, { offers, form, onChange: (typed) => write(listed ? typed.split("\n") : typed) });
  register(path, editor);
  return {
    element: holder,
    update(node) {
      const value = node ? plain(node) : "";
      editor.set(Array.isArray(value) ? value.join("\n") : String(value ?? ""));
    },
  };
}

/** Any JSON: shown as it stands in the text, written once it can be read. */
function raw(schema, { id, describedby, readOnly, writeText, clear, source }) {
  const area = make("textarea", { class: "desk-input is-code desk-form__text", id, rows: 1, spellcheck: "false", "aria-describedby": describedby, disabled: readOnly, placeholder: "JSON" });
  area.addEventListener("input", () => {
    if (!area.value.trim()) clear();
    else if (parse(area.value)) writeText(area.value);
    area.setAttribute("aria-invalid", String(Boolean(area.value.trim()) && !parse(area.value)));
  });
  return {
    element: area,
    update(node) {
      follow(area, node ? source(node) : "");
      area.rows = Math.min(area.value.split("\n").length, 10);
    },
  };
}

function follow(input, value) {
  if (document.activeElement !== input && input.value !== value) input.value = value;
}
