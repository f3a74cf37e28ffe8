// Reading a kind's JSON Schema as pydantic writes it: references, unions, and which of them a value is. Pure.

/** The schema with its reference followed; what stands beside the reference (a description) wins. */
export function followed(schema, root) {
  let found = schema || {};
  for (let turns = 0; found.$ref && turns < 20; turns += 1) {
    const name = found.$ref.replace("#/$defs/", "");
    const { $ref, ...beside } = found;
    found = { ...(root.$defs || {})[name], ...beside };
  }
  return found;
}

/** The schemas that a value may follow, null left out. */
export function variants(schema, root) {
  const own = followed(schema, root);
  const listed = own.anyOf || own.oneOf;
  if (!listed) return [own];
  return listed.flatMap((one) => variants(one, root)).filter((one) => one.type !== "null");
}

export function mayBeNull(schema, root) {
  const own = followed(schema, root);
  return (own.anyOf || []).some((one) => followed(one, root).type === "null");
}

function fits(schema, node) {
  const type = schema.const !== undefined ? typeof schema.const : schema.type;
  if (!node || type === undefined) return type === undefined;
  if (type === "integer" || type === "number") return node.type === "number";
  return node.type === type;
}

/** The constant that tells a variant of a union from the others: [key, value], or undefined. */
export function tag(schema) {
  return Object.entries(schema.properties || {})
    .filter(([, property]) => property.const !== undefined)
    .map(([key, property]) => [key, property.const])[0];
}

/** The variant that a node is; the first where it is none of them. */
export function variantOf(schema, root, node) {
  const all = variants(schema, root);
  const named = all.filter((one) => {
    const mark = tag(one);
    const member = mark && node && (node.members || []).find((each) => each.key === mark[0]);
    return member && member.node.value === mark[1];
  });
  return named[0] || all.find((one) => fits(one, node)) || all[0];
}

/** The schema at a path, and the node there, as far as the text has one. Maps and lists lead to their values. */
export function at(root, path, nodeAt) {
  let schema = root;
  for (let depth = 0; depth < path.length; depth += 1) {
    const own = variantOf(schema, root, nodeAt(path.slice(0, depth)));
    const step = path[depth];
    if (typeof step === "number") schema = own.items || {};
    else if (own.properties && own.properties[step]) schema = own.properties[step];
    else schema = typeof own.additionalProperties === "object" ? own.additionalProperties : {};
  }
  return followed(schema, root);
}

/** Every value that a schema's text may have: enums and constants of all its variants. */
export function choices(schema, root) {
  return variants(schema, root).flatMap((one) => one.enum || (one.const !== undefined ? [one.const] : one.type === "boolean" ? [true, false] : []));
}

/** What a new value begins as. */
export function blank(schema, root) {
  const own = variants(schema, root)[0];
  if (own.const !== undefined) return own.const;
  if (own.enum) return own.enum[0];
  if (own.type === "object") {
    const needed = (own.required || []).map((key) => [key, blank((own.properties || {})[key], root)]);
    return Object.fromEntries(needed);
  }
  if (own.type === "array") return (own.minItems || 0) > 0 ? [blank(own.items, root)] : [];
  if (own.type === "boolean") return false;
  if (own.type === "integer" || own.type === "number") return own.minimum || 0;
  return "";
}
