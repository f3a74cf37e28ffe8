// The form drawn from a kind's schema, two ways with the JSON text: what is typed here changes that value's text and
// nothing else, and what is typed there shows here. It is never sent; the text is.

import { freshId, make, scalar } from "./controls.js";
import { find, parse, plain, remove, set, swap, told } from "./jsontext.js";
import * as schemas from "./schema.js";

// A template's body is given in one of these ways: the others are not offered beside it.
const BODIES = ["file_content_template", "file_content_template_multiline", "json_template"];

function rivals(node, key) {
  const present = node.members.map((member) => member.key).filter((name) => BODIES.includes(name));
  return present.length ? !present.includes(key) : key === "file_content_template";
}

export function drawForm(editor, place, offers) {
  let root = null;
  let drawn = null;
  let shown = [];
  let templates = [];
  const errors = new Map();

  const change = (changes) => editor.change(changes);
  const context = (path, more) => ({
    path,
    readOnly: editor.readOnly,
    offers,
    form: editor.textarea.form,
    write: (value) => change(set(editor.text(), path, value)),
    writeText(text) {
      const node = root && find(root, path);
      if (node) change([{ from: node.from, to: node.to, insert: text }]);
      else change(set(editor.text(), path, JSON.parse(text)));
    },
    clear: () => change(remove(editor.text(), path)),
    source: (node) => editor.text().slice(node.from, node.to),
    register: (at, inner) => templates.push({ path: told(at), editor: inner }),
    list: datalist,
    ...more,
  });

  function datalist(key) {
    const known = offers();
    const fields = (known.fields || []).filter((field) => !field.table).map((field) => field.id);
    const keys = (known.keys || []).map((one) => one.key);
    const names = /schema_id$|_field$|^field$/.test(key) ? fields : /reference_key$/.test(key) && !/^response_|^export_reference_key$/.test(key) ? keys : null;
    if (!names || !names.length) return null;
    const id = `offered-${names === fields ? "fields" : "keys"}`;
    if (!document.getElementById(id)) place.after(make("datalist", { id }, ...names.map((name) => make("option", { value: name }))));
    return id;
  }

  /** One value with its name, its help and its error. */
  function field(path, schema, needed) {
    const whole = offers().schema;
    const own = schemas.followed(schema, whole);
    const key = path[path.length - 1];
    const id = freshId();
    const help = own.description || schemas.variants(schema, whole)[0].description || "";
    const error = make("p", { class: "desk-form__error", id: `${id}-error`, hidden: true });
    const described = [help && `${id}-help`, `${id}-error`].filter(Boolean).join(" ");
    const text = typeof key === "number" ? String(key + 1) : key;
    const box = make("div", { class: "desk-form__field", "data-path": told(path) });
    const note = help ? make("small", { id: `${id}-help` }, help) : "";
    let control = null;
    let variant = null;

    function build(node) {
      variant = schemas.variantOf(schema, whole, node);
      control = scalar({ ...own, ...variant, default: own.default ?? undefined }, whole, path, context(path, { id, describedby: described, needed, label: told(path) }), node);
      const mark = needed ? make("span", { class: "desk-form__needed", title: "required" }, " *") : "";
      if (control) {
        box.replaceChildren(make("label", { for: id }, text, mark), control.element, note, error);
      } else {
        control = compound(path, schema, variant, node, needed);
        const legend = make("legend", {}, text, mark);
        box.replaceChildren(make("fieldset", { class: "desk-form__group", id, "aria-describedby": described }, legend, note, control.element, error));
      }
    }

    return {
      element: box,
      update(node) {
        if (!control || (node && schemas.variantOf(schema, whole, node) !== variant && !sameShape(schema, whole, node, variant))) build(node);
        control.update(node);
        errors.set(told(path), { error, input: document.getElementById(id) || box.querySelector(`#${id}`), box });
      },
    };
  }

  function sameShape(schema, whole, node, variant) {
    return JSON.stringify(schemas.variantOf(schema, whole, node)) === JSON.stringify(variant);
  }

  function compound(path, schema, variant, node, needed) {
    if (variant.type === "array") return list(path, variant);
    if (variant.properties) return group(path, schema, variant, needed);
    return map(path, variant);
  }

  /** An object with known keys; one that may be left out is added and taken away as a whole. */
  function group(path, schema, variant, needed) {
    const whole = offers().schema;
    const element = make("div", { class: "desk-form__parts" });
    const required = new Set(variant.required || []);
    const mark = schemas.tag(variant);
    let inner = null;
    return {
      element,
      update(node) {
        if (path.length && !node && !needed) {
          inner = null;
          element.replaceChildren(button("Add", `Add ${told(path)}`, () => change(set(editor.text(), path, schemas.blank(schema, whole)))));
          return;
        }
        if (!inner) {
          inner = Object.entries(variant.properties).map(([key, property]) => ({ key, part: tagged(mark, key, path, schema) || field([...path, key], property, required.has(key)) }));
          const away = path.length && !needed && typeof path[path.length - 1] !== "number" ? [button("Take away", `Take away ${told(path)}`, () => change(remove(editor.text(), path)))] : [];
          element.replaceChildren(...inner.map((one) => one.part.element), ...away);
        }
        for (const { key, part } of inner) {
          part.element.hidden = Boolean(node) && BODIES.includes(key) && rivals(node, key);
          if (!part.element.hidden) part.update(node && find(node, [key]));
        }
      },
    };
  }

  /** The choice between the variants of a union that a constant tells apart. */
  function tagged(mark, key, path, schema) {
    const whole = offers().schema;
    const all = schemas.variants(schema, whole);
    if (!mark || mark[0] !== key || all.length < 2) return null;
    const id = freshId();
    const select = make("select", { class: "desk-input", id, disabled: editor.readOnly });
    select.append(...all.map((one) => make("option", { value: schemas.tag(one)[1] }, String(schemas.tag(one)[1]))));
    select.addEventListener("change", () => {
      const chosen = all.find((one) => schemas.tag(one)[1] === select.value);
      const now = root && find(root, path) ? plain(find(root, path)) : {};
      const kept = Object.fromEntries(Object.entries(now).filter(([name]) => chosen.properties[name] && name !== key));
      change(set(editor.text(), path, { ...schemas.blank(chosen, whole), ...kept, [key]: select.value }));
    });
    const element = make("div", { class: "desk-form__field" }, make("label", { for: id }, key), select);
    return { element, update: (node) => node && (select.value = plain(node)) };
  }

  function list(path, variant) {
    const items = make("div", { class: "desk-form__parts" });
    const whole = offers().schema;
    const add = button("Add one", `Add one to ${told(path)}`, () => {
      const node = root && find(root, path);
      const one = schemas.blank(variant.items, whole);
      change(node ? set(editor.text(), [...path, node.items.length], one) : set(editor.text(), path, [one]));
    });
    let parts = [];
    return {
      element: make("div", {}, items, add),
      update(node) {
        const found = node?.items || [];
        if (parts.length !== found.length) {
          parts = found.map((_, index) => field([...path, index], variant.items, true));
          items.replaceChildren(...parts.map((part, index) => make("div", { class: "desk-form__item" }, part.element, moves(path, index, found.length))));
        }
        found.forEach((item, index) => parts[index].update(item.node));
        if (variant.maxItems && add.disabled !== undefined) add.disabled = editor.readOnly || found.length >= variant.maxItems;
      },
    };
  }

  function moves(path, index, length) {
    const name = `${told(path)} ${index + 1}`;
    const all = [button("Take away", `Take away ${name}`, () => change(remove(editor.text(), [...path, index])))];
    if (index > 0) all.unshift(button("Up", `Move ${name} up`, () => change(swap(editor.text(), path, index - 1, index))));
    if (index < length - 1) all.unshift(button("Down", `Move ${name} down`, () => change(swap(editor.text(), path, index, index + 1))));
    return make("div", { class: "desk-row" }, ...all);
  }

  /** An object whose keys are free: headers, namespaces, form fields. */
  function map(path, variant) {
    const value = typeof variant.additionalProperties === "object" ? variant.additionalProperties : {};
    const rows = make("div", { class: "desk-form__parts" });
    const name = make("input", { class: "desk-input", "aria-label": `New name in ${told(path)}`, placeholder: "name", disabled: editor.readOnly });
    const add = () => {
      if (name.value.trim()) change(set(editor.text(), [...path, name.value.trim()], schemas.blank(value, offers().schema)));
      name.value = "";
    };
    name.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      add();
    });
    let keys = "";
    let parts = [];
    return {
      element: make("div", {}, rows, editor.readOnly ? "" : make("div", { class: "desk-row desk-form__add" }, name, button("Add", `Add to ${told(path)}`, add))),
      update(node) {
        const found = node?.members || [];
        if (keys !== JSON.stringify(found.map((member) => member.key))) {
          keys = JSON.stringify(found.map((member) => member.key));
          parts = found.map((member) => field([...path, member.key], value, true));
          const away = (key) => button("Take away", `Take away ${told([...path, key])}`, () => change(remove(editor.text(), [...path, key])));
          rows.replaceChildren(...parts.map((part, index) => make("div", { class: "desk-form__item" }, part.element, make("div", { class: "desk-row" }, away(found[index].key)))));
        }
        found.forEach((member, index) => parts[index].update(member.node));
      },
    };
  }

  function button(text, label, act) {
    const made = make("button", { type: "button", class: "desk-button is-small", "aria-label": label, disabled: editor.readOnly }, text);
    made.addEventListener("click", act);
    return made;
  }

  return {
    templates: () => templates.filter((one) => one.editor.wrap.isConnected),
    redraw() {
      errors.clear();
      templates = [];
      drawn = null;
      this.follow();
    },
    follow() {
      const known = offers();
      if (!known.schema) return;
      root = parse(editor.text());
      if (!known.schema.properties) place.replaceChildren(make("p", { class: "desk-quiet" }, "This kind has no form. Its JSON is all there is."));
      else if (!root || root.type !== "object") note();
      else {
        if (!drawn) {
          drawn = group([], known.schema, known.schema, true);
          place.replaceChildren(drawn.element);
        }
        place.classList.remove("is-stale");
        drawn.update(root);
        this.tell(shown);
      }
    },
    tell(problems) {
      shown = problems;
      for (const { error, input } of errors.values()) {
        error.hidden = true;
        if (input) input.removeAttribute("aria-invalid");
      }
      for (const problem of problems) nearest(problem);
    },
  };

  function note() {
    if (drawn) place.classList.add("is-stale");
    else place.replaceChildren(make("p", { class: "desk-quiet" }, "The JSON cannot be read yet; mend it first."));
  }

  function nearest(problem) {
    let path = problem.path.replace(/^config\.?/, "");
    while (path && !errors.has(path)) path = path.slice(0, Math.max(path.lastIndexOf("."), path.lastIndexOf("["), 0));
    const found = errors.get(path);
    if (!found) return;
    found.error.textContent = found.error.hidden ? problem.message : `${found.error.textContent} ${problem.message}`;
    found.error.className = `desk-form__error is-${problem.severity}`;
    found.error.hidden = false;
    if (found.input) found.input.setAttribute("aria-invalid", "true");
  }
}
