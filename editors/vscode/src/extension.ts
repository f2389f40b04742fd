// Perturb in VS Code: starts the language server and shows what its commands answer. Nothing here knows the language.

import { execFile } from "node:child_process";
import * as path from "node:path";
import * as vscode from "vscode";
import { LanguageClient, LanguageClientOptions, ServerOptions } from "vscode-languageclient/node";

/** What a code lens, or nothing, names. */
interface Asked {
  uri?: string;
  experiment?: string;
}

/** What the server answers to `perturb.plan`. */
interface PlanAnswer {
  title: string;
  worstCase: string;
  picture: string;
  text: string;
}

let client: LanguageClient | undefined;

function program(): string {
  return vscode.workspace.getConfiguration("perturb").get<string>("path") || "perturb";
}

async function start(): Promise<void> {
  const server: ServerOptions = { command: program(), args: ["lsp"] };
  const options: LanguageClientOptions = {
    documentSelector: [{ scheme: "file", language: "chaos" }],
    // The commands of lenses are this extension's own: it shows what the server answers.
    initializationOptions: { ownCommands: true },
  };
  client = new LanguageClient("perturb", "Perturb", server, options);
  try {
    await client.start();
  } catch (error) {
    const choice = await vscode.window.showErrorMessage(
      `The program \`${program()}\` cannot be started: ${String(error)}`,
      "Open the setting",
    );
    if (choice) {
      await vscode.commands.executeCommand("workbench.action.openSettings", "perturb.path");
    }
  }
}

/** The document that a command is about. */
function documentOf(asked: Asked | undefined): vscode.Uri | undefined {
  if (asked?.uri) {
    return vscode.Uri.parse(asked.uri);
  }
  const editor = vscode.window.activeTextEditor;
  return editor?.document.languageId === "chaos" ? editor.document.uri : undefined;
}

/** The experiment that is meant: the one that the lens names, else the last that begins above the cursor. */
function experimentOf(asked: Asked | undefined): string {
  if (asked?.experiment) {
    return asked.experiment;
  }
  const editor = vscode.window.activeTextEditor;
  if (!editor) {
    return "";
  }
  const head = editor.document.getText(new vscode.Range(new vscode.Position(0, 0), editor.selection.active));
  const names = [...head.matchAll(/^experiment\s+([a-z][a-z0-9-]*)/gm)];
  return names.at(-1)?.[1] ?? "";
}

async function ask<T>(command: string, asked: Asked | undefined): Promise<T | undefined> {
  const uri = documentOf(asked);
  if (!client || !uri) {
    void vscode.window.showInformationMessage("Open a .chaos file first.");
    return undefined;
  }
  const argument = { uri: client.code2ProtocolConverter.asUri(uri), experiment: experimentOf(asked) };
  try {
    return await client.sendRequest<T>("workspace/executeCommand", { command, arguments: [argument] });
  } catch (error) {
    void vscode.window.showWarningMessage(error instanceof Error ? error.message : String(error));
    return undefined;
  }
}

function escaped(text: string): string {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
}

let panel: vscode.WebviewPanel | undefined;

/** The plan: its timeline as a picture, then its sentences. No script runs in it. */
async function plan(asked: Asked | undefined): Promise<void> {
  const answer = await ask<PlanAnswer>("perturb.plan", asked);
  if (!answer) {
    return;
  }
  if (!panel) {
    panel = vscode.window.createWebviewPanel("perturbPlan", "Plan", { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true });
    panel.onDidDispose(() => (panel = undefined));
  }
  panel.title = answer.title;
  panel.webview.html = `<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>
  pre { font-family: var(--vscode-editor-font-family); font-size: var(--vscode-editor-font-size); line-height: 1.25; }
  p { font-weight: bold; }
</style></head>
<body><p>${escaped(answer.worstCase)}</p><pre>${escaped(answer.picture)}</pre><pre>${escaped(answer.text)}</pre></body></html>`;
}

function run(args: string[], cwd: string): Promise<{ text: string; failed: boolean }> {
  return new Promise((resolve) => {
    execFile(program(), args, { cwd, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      resolve({ text: error ? `${stderr}${stdout}` : stdout, failed: error !== null });
    });
  });
}

/** The text of what was last compiled, as a document that nobody can write. */
class Manifests implements vscode.TextDocumentContentProvider {
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  private readonly texts = new Map<string, string>();
  readonly onDidChange = this.changed.event;

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.texts.get(uri.toString()) ?? "";
  }

  put(uri: vscode.Uri, text: string): void {
    this.texts.set(uri.toString(), text);
    this.changed.fire(uri);
  }
}

const manifests = new Manifests();

async function compile(asked: Asked | undefined): Promise<void> {
  const uri = documentOf(asked);
  if (!uri) {
    return;
  }
  const engine = vscode.workspace.getConfiguration("perturb").get<string>("compile.engine") ?? "chaos-mesh";
  const file = uri.fsPath;
  await vscode.workspace.textDocuments.find((d) => d.uri.toString() === uri.toString())?.save();
  const { text, failed } = await run(["compile", "--engine", engine, "-o", "-", path.basename(file)], path.dirname(file));
  const shown = failed ? text.replace(/^/gm, "# ") : text;
  const target = vscode.Uri.parse(`perturb-manifests:${path.basename(file, ".chaos")}.${engine}.yaml`);
  manifests.put(target, shown);
  const document = await vscode.workspace.openTextDocument(target);
  await vscode.languages.setTextDocumentLanguage(document, "yaml");
  await vscode.window.showTextDocument(document, { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true });
}

/** Runs the program in a terminal, where its colours and questions are. */
function inTerminal(args: string[], cwd: string): void {
  const name = "Perturb";
  const terminal = vscode.window.terminals.find((t) => t.name === name) ?? vscode.window.createTerminal({ name, cwd });
  terminal.show(true);
  const quoted = [program(), ...args].map((a) => (/^[\w./:-]+$/.test(a) ? a : `"${a.replace(/(["\\$`])/g, "\\$1")}"`));
  terminal.sendText(quoted.join(" "));
}

function withFile(f: (file: string, asked: Asked | undefined) => void): (asked?: Asked) => void {
  return (asked) => {
    const uri = documentOf(asked);
    if (uri) {
      f(uri.fsPath, asked);
    }
  };
}

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const command = vscode.commands.registerCommand;
  context.subscriptions.push(
    command("perturb.plan", plan),
    command("perturb.compile", compile),
    command("perturb.check", withFile((file) => inTerminal(["check", file], path.dirname(file)))),
    command(
      "perturb.simulate",
      withFile((file, asked) => {
        const experiment = experimentOf(asked);
        inTerminal(["simulate", file, ...(experiment ? ["--experiment", experiment] : [])], path.dirname(file));
      }),
    ),
    command("perturb.restart", async () => {
      await client?.stop();
      await start();
    }),
    vscode.workspace.registerTextDocumentContentProvider("perturb-manifests", manifests),
  );
  await start();
}

export async function deactivate(): Promise<void> {
  await client?.stop();
}
