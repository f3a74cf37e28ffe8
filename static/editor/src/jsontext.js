// JSON as a person typed it: where each value stands, and the smallest change of the text that changes one value.
// Comments and layout elsewhere stay as they are (docs/decisions/0009). Pure: no editor, no page.

const SPACE = /(?:[ \t\r\n\ufeff]+|\/\/[^\n]*|\/\*[\s\S]*?\*\/|#[^\n]*)*/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.])/y;
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const WORD = /(?:true|false|null)\b/y;
const DEEPEST = 100;

class Broken extends Error {}

/** The tree, or null where the text is no JSON even with comments and commas too many allowed. */
export function parse(text) {
  try {
    const reader = { text, at: 0 };
    skip(reader);
    const root = value(reader, 0);
    skip(reader);
    return reader.at === text.length ? root : null;
  } catch (error) {
    if (error instanceof Broken) return null;
    throw error;
  }
}

function take(reader, pattern) {
  pattern.lastIndex = reader.at;
  const found = pattern.exec(reader.text);
  if (!found) return null;
  reader.at = pattern.lastIndex;
  return found[0];
}

function skip(reader) {
  take(reader, SPACE);
}

function value(reader, depth) {
  if (depth > DEEPEST) throw new Broken();
  const from = reader.at;
  const char = reader.text[from];
  if (char === "{") return members(reader, depth);
  if (char === "[") return items(reader, depth);
  const word = take(reader, STRING) ?? take(reader, NUMBER) ?? take(reader, WORD);
  if (word === null) throw new Broken();
  const read = JSON.parse(word);
  return { type: read === null ? "null" : typeof read, from, to: reader.at, value: read };
}

function members(reader, depth) {
  const node = { type: "object", from: reader.at, to: 0, members: [] };
  reader.at += 1;
  for (;;) {
    skip(reader);
    if (reader.text[reader.at] === "}") break;
    const from = reader.at;
    const key = take(reader, STRING);
    if (key === null) throw new Broken();
    skip(reader);
    if (reader.text[reader.at] !== ":") throw new Broken();
    reader.at += 1;
    skip(reader);
    const member = { key: JSON.parse(key), from, node: value(reader, depth + 1), comma: -1 };
    node.members.push(member);
    if (!comma(reader, member, "}")) break;
  }
  return close(reader, node, node.members);
}

function items(reader, depth) {
  const node = { type: "array", from: reader.at, to: 0, items: [] };
  reader.at += 1;
  for (;;) {
    skip(reader);
    if (reader.text[reader.at] === "]") break;
    const from = reader.at;
    const item = { from, node: value(reader, depth + 1), comma: -1 };
    node.items.push(item);
    if (!comma(reader, item, "]")) break;
  }
  return close(reader, node, node.items);
}

function comma(reader, part, end) {
  skip(reader);
  if (reader.text[reader.at] === ",") {
    part.comma = reader.at;
    reader.at += 1;
    return true;
  }
  if (reader.text[reader.at] !== end) throw new Broken();
  return false;
}

function close(reader, node) {
  reader.at += 1;
  node.to = reader.at;
  return node;
}

/** The parts of an object or array; none of anything else. */
function parts(node) {
  return node.members || node.items || [];
}

function partAt(node, step) {
  if (node.members) return node.members.find((member) => member.key === step);
  return node.items && typeof step === "number" ? node.items[step] : undefined;
}

/** The node at a path of keys and indexes; undefined where there is none. */
export function find(root, path) {
  let node = root;
  for (const step of path) node = node && partAt(node, step)?.node;
  return node || undefined;
}

/** The plain value of a node. */
export function plain(node) {
  if (node.members) return Object.fromEntries(node.members.map((member) => [member.key, plain(member.node)]));
  if (node.items) return node.items.map((item) => plain(item.node));
  return node.value;
}

/** A path as the server's problems write it: a.b[0]["x y"]. */
export function told(path) {
  return path.reduce((text, step) => {
    if (typeof step === "number") return `${text}[${step}]`;
    if (!/^[A-Za-z_][\w-]*$/.test(step)) return `${text}[${JSON.stringify(step)}]`;
    return text ? `${text}.${step}` : step;
  }, "");
}

/** The changes ({from, to, insert}, in order, not overlapping) that put `value` at `path`, making what is missing on
 * the way; an index that is the list's length appends. None where the text cannot be read or leads elsewhere. */
export function set(text, path, wanted) {
  const root = parse(text);
  if (!root) return [];
  let node = root;
  for (let depth = 0; depth < path.length; depth += 1) {
    const part = partAt(node, path[depth]);
    if (!part) return add(text, node, path[depth], build(path.slice(depth + 1), wanted));
    node = part.node;
  }
  const old = text.slice(node.from, node.to);
  return [{ from: node.from, to: node.to, insert: written(wanted, indentAt(text, node.from), !old.includes("\n") && isList(node)) }];
}

/** The changes that take away what is at `path`: its text and one comma. */
export function remove(text, path) {
  const root = parse(text);
  if (!root || !path.length) return [];
  const parent = find(root, path.slice(0, -1));
  const part = parent && partAt(parent, path[path.length - 1]);
  if (!part) return [];
  const all = parts(parent);
  const index = all.indexOf(part);
  const changes = [];
  const before = all[index - 1];
  if (part.comma < 0 && before) changes.push({ from: before.comma, to: before.comma + 1, insert: "" });
  let from = part.from;
  while (from > 0 && " \t".includes(text[from - 1])) from -= 1;
  let wholeLine = text[from - 1] === "\n";
  const end = part.node.to;
  // a comment between the value and its comma stays, so the comma goes by itself
  const straight = part.comma >= 0 && !text.slice(end, part.comma).trim();
  let to = straight ? part.comma + 1 : end;
  let rest = to;
  while (rest < text.length && " \t\r".includes(text[rest])) rest += 1;
  wholeLine = wholeLine && text[rest] === "\n";
  if (wholeLine) {
    from -= 1;
    if (text[from - 1] === "\r") from -= 1;
    to = text[rest - 1] === "\r" ? rest - 1 : rest;
  } else {
    if (!before || part.comma >= 0) from = part.from;
    if (straight) while (to < text.length && text[to] === " ") to += 1;
  }
  changes.push({ from, to, insert: "" });
  if (part.comma >= 0 && !straight) changes.push({ from: part.comma, to: part.comma + 1, insert: "" });
  return changes.filter((change, place) => place === 0 || change.from >= changes[place - 1].to);
}

/** The changes that exchange two neighbours of the list at `path`. */
export function swap(text, path, first, second) {
  const root = parse(text);
  const list = root && find(root, path);
  const [one, two] = [list?.items?.[Math.min(first, second)], list?.items?.[Math.max(first, second)]];
  if (!one || !two || one === two) return [];
  return [
    { from: one.node.from, to: one.node.to, insert: text.slice(two.node.from, two.node.to) },
    { from: two.node.from, to: two.node.to, insert: text.slice(one.node.from, one.node.to) },
  ];
}

/** The text after changes. */
export function apply(text, changes) {
  let at = 0;
  let made = "";
  for (const change of changes) {
    made += text.slice(at, change.from) + change.insert;
    at = change.to;
  }
  return made + text.slice(at);
}

function isList(node) {
  return node.type === "array" || node.type === "object";
}

function build(path, wanted) {
  return path.reduceRight((inner, step) => (typeof step === "number" ? [inner] : { [step]: inner }), wanted);
}

function add(text, node, step, wanted) {
  if (!isList(node) || (node.type === "object") === (typeof step === "number")) return [];
  if (node.type === "array" && step !== node.items.length) return [];
  const name = node.type === "object" ? `${JSON.stringify(step)}: ` : "";
  const all = parts(node);
  const outer = indentAt(text, node.from);
  const last = all[all.length - 1];
  if (!last) {
    const indent = `${outer}  `;
    const inner = text.slice(node.from + 1, node.to - 1);
    const insert = `\n${indent}${name}${written(wanted, indent)}\n${outer}`;
    // an empty pair of brackets is filled; a comment in it stays before what is added
    const kept = inner.trim() ? inner.replace(/\s+$/, "") : "";
    return [{ from: node.from + 1 + kept.length, to: node.to - 1, insert }];
  }
  const end = last.node.to;
  const after = commentAfter(text, end, node.to);
  const first = text.slice(node.from, last.from).includes("\n");
  const lines = first || after !== end;
  const indent = first ? indentAt(text, last.from) : `${outer}  `;
  const join = last.comma >= 0 ? "" : ",";
  const insert = lines ? `\n${indent}${name}${written(wanted, indent)}` : ` ${name}${written(wanted, outer, true)}`;
  if (last.comma >= 0) return [{ from: last.comma + 1, to: last.comma + 1, insert }];
  if (after === end) return [{ from: end, to: end, insert: join + insert }];
  return [{ from: end, to: end, insert: join }, { from: after, to: after, insert }];
}

/** The end of a comment that stands on the line of the last value, behind it; `end` where there is none. */
function commentAfter(text, end, limit) {
  const found = /^[ \t]*(?:\/\/[^\n]*|#[^\n]*|(?:\/\*[^\n]*?\*\/[ \t]*)+)/.exec(text.slice(end, limit - 1));
  return found && found[0].trim() ? end + found[0].replace(/[ \t\r]+$/, "").length : end;
}

/** The white space that the line of a place begins with. */
function indentAt(text, at) {
  const start = text.lastIndexOf("\n", at - 1) + 1;
  return /^[ \t]*/.exec(text.slice(start, at))[0];
}

function written(wanted, indent, inline = false) {
  if (inline) return oneLine(wanted);
  return JSON.stringify(wanted, null, 2).replaceAll("\n", `\n${indent}`);
}

function oneLine(wanted) {
  if (Array.isArray(wanted)) return `[${wanted.map(oneLine).join(", ")}]`;
  if (wanted && typeof wanted === "object") {
    const inner = Object.entries(wanted).map(([key, member]) => `${JSON.stringify(key)}: ${oneLine(member)}`);
    return inner.length ? `{ ${inner.join(", ")} }` : "{}";
  }
  return JSON.stringify(wanted);
}
