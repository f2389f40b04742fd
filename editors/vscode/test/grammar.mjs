// The TextMate grammar, with VS Code's own tokenizer: node test/grammar.mjs REPOSITORY
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const oniguruma = require("vscode-oniguruma");
const { Registry, parseRawGrammar, INITIAL } = require("vscode-textmate");
const repository = process.argv[2];

await oniguruma.loadWASM(readFileSync(require.resolve("vscode-oniguruma/release/onig.wasm")).buffer);
const path = new URL("../syntaxes/chaos.tmLanguage.json", import.meta.url).pathname;
const registry = new Registry({
  onigLib: Promise.resolve({
    createOnigScanner: (sources) => new oniguruma.OnigScanner(sources),
    createOnigString: (text) => new oniguruma.OnigString(text),
  }),
  loadGrammar: async () => parseRawGrammar(readFileSync(path, "utf8"), path),
});
const grammar = await registry.loadGrammar("source.chaos");

function tokens(text) {
  let stack = INITIAL;
  const found = [];
  for (const line of text.split("\n")) {
    const result = grammar.tokenizeLine(line, stack);
    stack = result.ruleStack;
    for (const token of result.tokens) found.push([line.slice(token.startIndex, token.endIndex), token.scopes.at(-1)]);
  }
  return { found, stack };
}

const is = (text, word, scope) => {
  const { found } = tokens(text);
  const token = found.find(([t]) => t === word);
  assert(token, `\`${word}\` is no token of \`${text}\`: ${JSON.stringify(found)}`);
  assert.equal(token[1], scope, `\`${word}\` of \`${text}\``);
};
is("experiment slow-ledger {", "experiment", "keyword.declaration.chaos");
is("experiment slow-ledger {", "slow-ledger", "entity.name.type.chaos");
is("  service: checkout", "service", "variable.other.property.chaos");
is("  network.delay(x, latency: 300ms)", "delay", "entity.name.function.chaos");
is("  network.delay(x, latency: 300ms)", "ms", "keyword.other.unit.chaos");
is("  wait 3m // why", "wait", "keyword.control.chaos");
is("  wait 3m // why", "// why", "comment.line.double-slash.chaos");
is("/// What holds.", "/// What holds.", "comment.block.documentation.chaos");
is("metric p(of: Service): Percent {", "Percent", "entity.name.type.chaos");
is('  a: "x ${of.name} y"', "${", "punctuation.section.embedded.begin.chaos");
is('  prometheus: """\n    sum(rate(x[1m]))\n  """', "sum", "support.function.promql");
is("  date: 2022-03-14", "2022-03-14", "constant.numeric.date.chaos");
is("  expect a: b and not c", "and", "keyword.operator.word.chaos");
// `for-each` and `wait-long` are names, not words of the language.
is("  let wait-long = 3m", "wait-long", "variable.other.chaos");

// Every text ends where it begins: no file leaves a string or an embedded query open.
for (const folder of ["examples", "stdlib"]) {
  for (const name of readdirSync(`${repository}/${folder}`).filter((n) => n.endsWith(".chaos"))) {
    const { stack } = tokens(readFileSync(`${repository}/${folder}/${name}`, "utf8"));
    assert.equal(stack.depth, 1, `${folder}/${name} leaves something open`);
  }
}
console.log("the colours are right");
