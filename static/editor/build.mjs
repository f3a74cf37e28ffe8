// Bundles src/editor.js into editor.js and gathers the licences of everything inside it. Run through build.sh.
import { build } from "esbuild";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const result = await build({
  entryPoints: ["src/editor.js"],
  bundle: true,
  minify: true,
  format: "iife",
  target: ["es2021"],
  outfile: "editor.js",
  legalComments: "none",
  metafile: true,
  banner: { js: "/* Built from src/editor.js by build.sh; licences in LICENSES.txt. Do not edit. */" },
});

const folders = new Set(
  Object.keys(result.metafile.inputs)
    .map((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path))
    .filter(Boolean)
    .map((match) => join("node_modules", match[1])),
);
const parts = [...folders].sort().map((folder) => {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  if (!file) throw new Error(`${name} brings no licence text`);
  return `${name} ${version} (${license})\n\n${readFileSync(join(folder, file), "utf8").trim()}\n`;
});
writeFileSync("LICENSES.txt", parts.join(`\n${"-".repeat(80)}\n\n`));
console.log(`editor.js: ${folders.size} packages inside`);
