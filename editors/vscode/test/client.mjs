// VS Code's own protocol library talks to the real server: node test/client.mjs PERTURB PROJECT
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(import.meta.url);
const {
  createProtocolConnection, StreamMessageReader, StreamMessageWriter, InitializeRequest, InitializedNotification,
  DidOpenTextDocumentNotification, DidChangeTextDocumentNotification, PublishDiagnosticsNotification, CompletionRequest,
  HoverRequest, DefinitionRequest, RenameRequest, CodeActionRequest, DocumentSymbolRequest, SemanticTokensRequest,
  InlayHintRequest, CodeLensRequest, FoldingRangeRequest, ExecuteCommandRequest, ShutdownRequest, ExitNotification,
  CallHierarchyPrepareRequest, CallHierarchyIncomingCallsRequest, WorkspaceSymbolRequest, RegistrationRequest,
} = require("vscode-languageserver-protocol/node");

const [perturb, project] = process.argv.slice(2);
const server = spawn(perturb, ["lsp"], { stdio: ["pipe", "pipe", "inherit"], env: { ...process.env, XDG_CACHE_HOME: `${project}/.cache` } });
const connection = createProtocolConnection(new StreamMessageReader(server.stdout), new StreamMessageWriter(server.stdin));
let broken;
connection.onError((error) => (broken = error));
const told = new Map();
let wake = () => {};
connection.onNotification(PublishDiagnosticsNotification.type, (params) => {
  told.set(`${params.uri} ${params.version}`, params.diagnostics);
  wake();
});
let registered = 0;
connection.onRequest(RegistrationRequest.type, (params) => void (registered += params.registrations.length));
connection.listen();

async function findings(uri, version) {
  const end = Date.now() + 90_000;
  while (!told.has(`${uri} ${version}`)) {
    assert(Date.now() < end, `no findings of version ${version}`);
    await new Promise((resolve) => { wake = resolve; setTimeout(resolve, 200); });
  }
  return told.get(`${uri} ${version}`);
}

const root = pathToFileURL(project).href;
const answer = await connection.sendRequest(InitializeRequest.type, {
  processId: process.pid, rootUri: root, workspaceFolders: [{ uri: root, name: "examples" }],
  capabilities: {
    workspace: { didChangeWatchedFiles: { dynamicRegistration: true } },
    textDocument: { completion: { completionItem: { snippetSupport: true } }, publishDiagnostics: { relatedInformation: true } },
  },
});
assert.equal(answer.serverInfo.name, "perturb");
await connection.sendNotification(InitializedNotification.type, {});

const uri = `${root}/slow-dependency.chaos`;
const text = readFileSync(`${project}/slow-dependency.chaos`, "utf8");
const textDocument = { uri };
const position = (at, more = 0) => {
  const head = text.slice(0, text.indexOf(at) + more);
  return { line: head.split("\n").length - 1, character: head.length - head.lastIndexOf("\n") - 1 };
};
await connection.sendNotification(DidOpenTextDocumentNotification.type, { textDocument: { uri, languageId: "chaos", version: 1, text } });
assert.deepEqual(await findings(uri, 1), []);
assert.equal(registered, 1);

// A letter goes, as the editor tells it.
const start = position("latency: 300ms", "latency: 300".length);
const end = { line: start.line, character: start.character + 2 };
await connection.sendNotification(DidChangeTextDocumentNotification.type, {
  textDocument: { uri, version: 2 }, contentChanges: [{ range: { start, end }, text: "" }],
});
const [found] = await findings(uri, 2);
assert.equal(found.code, "P0202");
assert.match(found.codeDescription.href, /P0202\.md$/);
const actions = await connection.sendRequest(CodeActionRequest.type, { textDocument, range: found.range, context: { diagnostics: [found] } });
assert(actions.some((action) => action.title === "`300ms`"), JSON.stringify(actions));
await connection.sendNotification(DidChangeTextDocumentNotification.type, {
  textDocument: { uri, version: 3 }, contentChanges: [{ range: { start, end: start }, text: "ms" }],
});
assert.deepEqual(await findings(uri, 3), []);

const at = (more) => ({ textDocument, position: more });
const completions = await connection.sendRequest(CompletionRequest.type, at(position("jitter: 50ms", 0)));
assert(completions.items.some((item) => item.label === "direction"));
const hover = await connection.sendRequest(HoverRequest.type, at(position("network.delay", 9)));
assert.match(hover.contents.value, /fault network\.delay/);
const definition = await connection.sendRequest(DefinitionRequest.type, at(position("network.delay", 9)));
assert.match(definition.uri, /std\/network\.chaos$/);
const renamed = await connection.sendRequest(RenameRequest.type, { ...at(position("ledger.pods", 2)), newName: "general-ledger" });
assert(Object.keys(renamed.changes).length > 3);
const symbols = await connection.sendRequest(DocumentSymbolRequest.type, { textDocument });
assert.equal(symbols[0].name, "checkout-survives-slow-ledger");
const tokens = await connection.sendRequest(SemanticTokensRequest.type, { textDocument });
assert.equal(tokens.data.length % 5, 0);
const hints = await connection.sendRequest(InlayHintRequest.type, { textDocument, range: { start: { line: 0, character: 0 }, end: { line: 99, character: 0 } } });
assert.deepEqual(hints.map((hint) => hint.label), ["1 of 3", "ends at 5m–6m"]);
assert((await connection.sendRequest(FoldingRangeRequest.type, { textDocument })).length > 3);
const lenses = await connection.sendRequest(CodeLensRequest.type, { textDocument });
const lens = lenses.find((l) => l.command.command === "perturb.plan");
const plan = await connection.sendRequest(ExecuteCommandRequest.type, { command: "perturb.plan", arguments: lens.command.arguments });
assert.match(plan.worstCase, /at most 8m30s in all/);
assert.match(plan.text, /verdict/);
const [item] = await connection.sendRequest(CallHierarchyPrepareRequest.type, at(position("ledger.pods", 2)));
const callers = await connection.sendRequest(CallHierarchyIncomingCallsRequest.type, { item });
assert(callers.some((call) => call.from.name === "checkout-survives-slow-ledger"));
assert((await connection.sendRequest(WorkspaceSymbolRequest.type, { query: "ledger" })).length > 3);

await connection.sendRequest(ShutdownRequest.type);
await connection.sendNotification(ExitNotification.type);
const code = await new Promise((resolve) => server.on("exit", resolve));
assert.equal(code, 0);
assert.equal(broken, undefined);
console.log("the server speaks as VS Code's library does");
