// The extension compiles, and the official tool packages what belongs in it and nothing else.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, rmSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";

const run = (program, ...args) => execFileSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
run("node_modules/.bin/tsc", "-p", ".", "--noEmit");
const listed = run("node_modules/.bin/vsce", "ls", "--no-dependencies").trim().split("\n").filter((l) => !l.includes(" ")).sort();
const folder = mkdtempSync(`${tmpdir()}/perturb-vsix-`);
try {
  run("node_modules/.bin/vsce", "package", "--no-dependencies", "--out", `${folder}/perturb.vsix`);
  assert(existsSync(`${folder}/perturb.vsix`));
} finally {
  rmSync(folder, { recursive: true });
}
const wanted = ["LICENSE", "README.md", "language-configuration.json", "out/extension.js", "package.json", "snippets/chaos.json", "syntaxes/chaos.tmLanguage.json"];
assert.deepEqual(run("node_modules/.bin/vsce", "ls", "--no-dependencies").trim().split("\n").filter((l) => /^[\w./-]+$/.test(l)).sort(), wanted, listed.join(" "));

// What package.json promises is there, and each command is registered.
const manifest = JSON.parse(readFileSync("package.json", "utf8"));
const source = readFileSync("src/extension.ts", "utf8");
for (const { command } of manifest.contributes.commands) assert(source.includes(`"${command}"`), `${command} is not registered`);
for (const { path } of [...manifest.contributes.grammars, ...manifest.contributes.snippets]) assert(existsSync(path), path);
for (const file of ["language-configuration.json", "snippets/chaos.json", "syntaxes/chaos.tmLanguage.json"]) JSON.parse(readFileSync(file, "utf8"));
console.log("the package is whole");
