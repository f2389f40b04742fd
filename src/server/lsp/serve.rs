//! The loop: messages in, answers and findings out.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use gen_lsp_types::{
    DidChangeTextDocumentParams, DidChangeWatchedFilesParams, DidCloseTextDocumentParams, DidOpenTextDocumentParams,
    InitializeParams, PublishDiagnosticsParams, Uri,
};
use lsp_server::{Connection, ErrorCode, Message, Notification, Request, Response};
use serde_json::{Value, json};

use super::answer::{Asked, Refused, document_of, workspace_symbols};
use super::capabilities::{self, Client};
use super::convert::Convert;
use super::document::Document;
use super::library;
use super::project::{Opened, root_of};
use super::queue::Queue;
use super::uri;
use crate::project::Project;
use crate::source::disk::{PROJECT_FILE, slashes};

/// Serves one client over standard input and output until it is gone; whether it said goodbye.
///
/// # Errors
/// What the operating system or the protocol says when messages cannot be read or written.
pub fn serve() -> Result<bool, String> {
    let (connection, threads) = Connection::stdio();
    let (id, params) = connection.initialize_start().map_err(|e| e.to_string())?;
    let params: InitializeParams = serde_json::from_value(params).map_err(|e| e.to_string())?;
    let client = Client::of(&params);
    let about = json!({ "name": "perturb", "version": env!("CARGO_PKG_VERSION") });
    let said = json!({ "capabilities": capabilities::server(&client), "serverInfo": about });
    connection.initialize_finish(id, said).map_err(|e| e.to_string())?;
    let queue = Queue::new(&connection);
    let mut server = Server {
        connection,
        queue,
        client,
        projects: BTreeMap::new(),
        documents: BTreeMap::new(),
        waits: Vec::new(),
        ended: None,
        said_goodbye: false,
    };
    if client.watches {
        server.send(Request::new(1.into(), "client/registerCapability".to_owned(), capabilities::watch()).into());
    }
    for folder in folders(&params) {
        // A folder of the editor that is a project (or in one) is read at once, when nothing else is to be done.
        if let Some(root) = Project::find(&folder) {
            server.waits.push(root);
        }
    }
    let said_goodbye = server.run();
    // The writer ends when nobody can send any more; the reader when the other side is gone.
    drop(server);
    if said_goodbye {
        threads.join().map_err(|e| e.to_string())?;
    }
    Ok(said_goodbye)
}

fn folders(params: &InitializeParams) -> Vec<PathBuf> {
    let params = serde_json::to_value(params).unwrap_or_default();
    let many =
        params.get("workspaceFolders").and_then(Value::as_array).into_iter().flatten().filter_map(|f| f.get("uri"));
    let one = params.get("rootUri");
    let mut uris: Vec<&str> = many.filter_map(Value::as_str).collect();
    if uris.is_empty() {
        uris.extend(one.and_then(Value::as_str));
    }
    uris.into_iter().filter_map(|u| uri::to_path(&Uri(u.to_owned()))).collect()
}

struct Server {
    connection: Connection,
    queue: Queue,
    client: Client,
    projects: BTreeMap<PathBuf, Opened>,
    /// By the address that the client gives.
    documents: BTreeMap<String, Document>,
    /// Projects that are read when nothing else is to be done.
    waits: Vec<PathBuf>,
    /// Whether it has ended, and how.
    ended: Option<bool>,
    said_goodbye: bool,
}

impl Server {
    fn run(&mut self) -> bool {
        while self.ended.is_none() {
            let message = match self.queue.next() {
                Some(message) => message,
                None if self.work() => continue,
                None => match self.queue.wait() {
                    Some(message) => message,
                    None => break,
                },
            };
            match message {
                Message::Request(request) => self.request(request),
                Message::Notification(notification) => self.notification(notification),
                Message::Response(_) => {}
            }
        }
        self.ended.unwrap_or(false)
    }

    fn send(&mut self, message: Message) {
        if self.connection.sender.send(message).is_err() {
            self.ended = Some(false);
        }
    }

    /// Does a small piece of what can wait; whether there was any.
    fn work(&mut self) -> bool {
        if self.queue.is_over() {
            return false;
        }
        let roots: Vec<PathBuf> = self.projects.keys().cloned().collect();
        for root in roots {
            let open = self.open_in(&root);
            if self.projects.get_mut(&root).is_some_and(|project| project.work(&open)) {
                self.tell(&root, None);
                self.tell_settings(&root);
                return true;
            }
        }
        let Some(root) = self.waits.pop() else { return false };
        self.ensure(&root, true);
        true
    }

    /// The paths of what is open in a project.
    fn open_in(&self, root: &Path) -> Vec<String> {
        self.documents.values().filter(|d| d.project == root).map(|d| d.path.clone()).collect()
    }

    /// Reads a project unless it is read.
    fn ensure(&mut self, root: &Path, has_settings: bool) {
        if self.projects.contains_key(root) {
            return;
        }
        let of_project = self.documents.values().filter(|d| d.project == root);
        let open: Vec<(String, String)> = of_project.map(|d| (d.path.clone(), d.text().to_owned())).collect();
        let mut project = Opened::new(root.to_path_buf(), has_settings, &open);
        project.pending.extend(project.workspace.take_changed());
        self.projects.insert(root.to_path_buf(), project);
        self.tell_settings(root);
    }

    // ------------------------------------------------------------------------------------------------ notifications

    fn notification(&mut self, notification: Notification) {
        let params = notification.params;
        match notification.method.as_str() {
            "exit" => self.ended = Some(self.said_goodbye),
            "textDocument/didOpen" => {
                if let Ok(params) = serde_json::from_value(params) {
                    self.opened(params);
                }
            }
            "textDocument/didChange" => {
                if let Ok(params) = serde_json::from_value(params) {
                    self.changed(params);
                }
            }
            "textDocument/didClose" => {
                if let Ok(params) = serde_json::from_value::<DidCloseTextDocumentParams>(params) {
                    self.closed(&params.text_document.uri.0);
                }
            }
            "textDocument/didSave" => self.refresh(),
            "workspace/didChangeWatchedFiles" => {
                if let Ok(params) = serde_json::from_value(params) {
                    self.watched(&params);
                }
            }
            _ => {}
        }
    }

    fn opened(&mut self, params: DidOpenTextDocumentParams) {
        let item = params.text_document;
        let Some(file) = uri::to_path(&item.uri) else { return };
        let (root, path, has_settings) = match library::module_of(&file) {
            // The library is of whatever project led there.
            Some(module) => match self.projects.keys().next().cloned() {
                Some(root) => (root, module, true),
                None => return,
            },
            None => {
                // Editors may name a file by another way than the one that was found.
                let real = std::fs::canonicalize(&file).unwrap_or(file);
                let (root, has_settings) = root_of(&real);
                let Some(path) = real.strip_prefix(&root).ok().and_then(slashes) else { return };
                (root, path, has_settings)
            }
        };
        let is_library = crate::check::stdlib::is_module(&path);
        let document = Document::new(item.version, root.clone(), path.clone(), item.text);
        let text = document.text().to_owned();
        self.documents.insert(item.uri.0, document);
        self.waits.retain(|w| *w != root);
        if is_library {
            return;
        }
        let is_new = !self.projects.contains_key(&root);
        self.ensure(&root, has_settings);
        let open = self.open_in(&root);
        if let Some(project) = self.projects.get_mut(&root) {
            if !is_new {
                project.edit(&path, &text);
            }
            project.watch(open.into_iter());
            project.judge(&path);
        }
        self.tell(&root, Some(&path));
    }

    fn changed(&mut self, params: DidChangeTextDocumentParams) {
        let identifier = params.text_document;
        let uri = identifier.text_document_identifier.uri.0;
        let Some(document) = self.documents.get_mut(&uri) else { return };
        document.change(identifier.version, params.content_changes, self.client.encoding);
        if crate::check::stdlib::is_module(&document.path) {
            return;
        }
        let (root, path, text) = (document.project.clone(), document.path.clone(), document.text().to_owned());
        let Some(project) = self.projects.get_mut(&root) else { return };
        project.edit(&path, &text);
        // Whoever types on wants to know of the last text, not of this one.
        if self.queue.will_change(&uri) {
            return;
        }
        project.judge(&path);
        self.tell(&root, Some(&path));
    }

    fn closed(&mut self, uri: &str) {
        let Some(document) = self.documents.remove(uri) else { return };
        let root = document.project;
        let open = self.open_in(&root);
        let Some(project) = self.projects.get_mut(&root) else { return };
        project.close(&document.path, &open);
        self.tell(&root, None);
    }

    /// Reads what has changed on the disk: for clients that do not tell of it.
    fn refresh(&mut self) {
        if self.client.watches {
            return;
        }
        let roots: Vec<PathBuf> = self.projects.keys().cloned().collect();
        roots.iter().for_each(|root| self.refresh_one(root));
    }

    fn refresh_one(&mut self, root: &Path) {
        let open = self.open_in(root);
        if let Some(project) = self.projects.get_mut(root) {
            project.refresh(&open);
        }
        self.tell(root, None);
    }

    fn watched(&mut self, params: &DidChangeWatchedFilesParams) {
        let files: Vec<PathBuf> = params.changes.iter().filter_map(|change| uri::to_path(&change.uri)).collect();
        let roots: Vec<PathBuf> = self.projects.keys().cloned().collect();
        for root in roots {
            let here: Vec<&PathBuf> = files.iter().filter(|file| file.starts_with(&root)).collect();
            if here.iter().any(|file| file.file_name().is_some_and(|name| name == PROJECT_FILE)) {
                self.restart(&root);
            } else if !here.is_empty() {
                self.refresh_one(&root);
            }
        }
    }

    /// Reads a project again from nothing, as its settings have changed.
    fn restart(&mut self, root: &Path) {
        let Some(before) = self.projects.remove(root) else { return };
        let documents: Vec<(String, PathBuf)> = self
            .documents
            .iter()
            .filter(|(_, d)| d.project == root)
            .map(|(uri, d)| (uri.clone(), root.join(&d.path)))
            .collect();
        let uris = self.uris(root);
        for path in before.told.keys() {
            let uri = uris.get(path).cloned().unwrap_or_else(|| uri::of_path(&root.join(path)));
            self.publish(uri, None, Vec::new());
        }
        // What is open may be of another project now.
        for (uri, file) in documents {
            let Some(document) = self.documents.remove(&uri) else { continue };
            let (root, has_settings) = root_of(&file);
            let Some(path) = file.strip_prefix(&root).ok().and_then(slashes) else { continue };
            let document = Document::new(document.version, root.clone(), path, document.text().to_owned());
            self.documents.insert(uri, document);
            self.ensure(&root, has_settings);
        }
        if root.join(PROJECT_FILE).is_file() {
            self.ensure(root, true);
        }
    }

    // ---------------------------------------------------------------------------------------------------- findings

    fn uris(&self, root: &Path) -> BTreeMap<String, Uri> {
        let of_project = self.documents.iter().filter(|(_, d)| d.project == root);
        of_project.map(|(uri, d)| (d.path.clone(), Uri(uri.clone()))).collect()
    }

    fn publish(&mut self, uri: Uri, version: Option<i32>, diagnostics: Vec<gen_lsp_types::Diagnostic>) {
        let params = PublishDiagnosticsParams { uri, version, diagnostics };
        self.send(Notification::new("textDocument/publishDiagnostics".to_owned(), params).into());
    }

    /// Tells of the findings that may have changed; of `edited` in any case.
    fn tell(&mut self, root: &Path, edited: Option<&str>) {
        let uris = self.uris(root);
        let client = self.client;
        let Some(project) = self.projects.get_mut(root) else { return };
        let mut ready = project.take_ready();
        if let Some(first) = edited.and_then(|path| project.workspace.file(path)).map(|file| project.workspace.id(file))
        {
            // What a person looks at comes first.
            ready.retain(|id| *id != first);
            ready.insert(0, first);
        }
        for id in ready {
            let Some(project) = self.projects.get_mut(root) else { return };
            let Some(path) = project.workspace.sources().get(id).map(|f| f.path.to_string()) else { continue };
            if crate::check::stdlib::is_module(&path) {
                continue;
            }
            let convert = Convert { project, client, uris: &uris };
            let found = project.workspace.found(id);
            let said: Vec<_> = found.iter().map(|d| convert.diagnostic(d)).collect();
            let uri = convert.uri(&path);
            let is_same = project.told.get(&path).map_or(said.is_empty(), |told| *told == said);
            if is_same && edited != Some(path.as_str()) {
                continue;
            }
            if said.is_empty() {
                project.told.remove(&path);
            } else {
                project.told.insert(path.clone(), said.clone());
            }
            let version = self.documents.get(&uri.0).map(|d| d.version);
            self.publish(uri, version, said);
        }
    }

    /// Tells what is wrong with `perturb.toml`.
    fn tell_settings(&mut self, root: &Path) {
        let Some(project) = self.projects.get_mut(root) else { return };
        let uris = BTreeMap::new();
        let convert = Convert { project, client: self.client, uris: &uris };
        let (found, map) = project.found_in_settings();
        let said: Vec<_> = found
            .filter_map(|d| {
                let file = map.get(d.span.file)?;
                Some(gen_lsp_types::Diagnostic {
                    range: self.client.encoding.range(file, d.span),
                    ..convert.diagnostic(d)
                })
            })
            .collect();
        if project.told.get(PROJECT_FILE).map_or(said.is_empty(), |told| *told == said) {
            return;
        }
        if said.is_empty() {
            project.told.remove(PROJECT_FILE);
        } else {
            project.told.insert(PROJECT_FILE.to_owned(), said.clone());
        }
        self.publish(uri::of_path(&root.join(PROJECT_FILE)), None, said);
    }

    // ---------------------------------------------------------------------------------------------------- requests

    fn request(&mut self, request: Request) {
        let id = request.id.clone();
        if self.queue.is_cancelled(&id) {
            return self.send(cancelled(&request).into());
        }
        match request.method.as_str() {
            "shutdown" => {
                self.said_goodbye = true;
                return self.send(Response::new_ok(id, Value::Null).into());
            }
            _ if self.said_goodbye => {
                let code = ErrorCode::InvalidRequest as i32;
                return self.send(Response::new_err(id, code, "the server was shut down".to_owned()).into());
            }
            "workspace/symbol" => return self.workspace_symbol(request),
            _ => {}
        }
        let Some(uri) = document_of(&request.method, &request.params) else {
            return self.send(unknown(&request).into());
        };
        if self.queue.will_change(&uri) {
            return self.send(stale(&request).into());
        }
        if request.method == "textDocument/codeAction" {
            self.settle(&uri);
        }
        let answer = self.about_document(&uri, &request);
        // What came while this was computed counts as well.
        let response = if self.queue.is_cancelled(&id) {
            cancelled(&request)
        } else if self.queue.will_change(&uri) {
            stale(&request)
        } else {
            match answer {
                Ok(value) => Response::new_ok(id, value),
                Err(Refused::Unknown) => unknown(&request),
                Err(Refused::Params(why)) => Response::new_err(id, ErrorCode::InvalidParams as i32, why),
                Err(Refused::Reason(why)) => Response::new_err(id, ErrorCode::RequestFailed as i32, why),
            }
        };
        self.send(response.into());
    }

    /// Looks at a document with all rules: what can be mended is asked for where something was just found.
    fn settle(&mut self, uri: &str) {
        let Some(document) = self.documents.get(uri) else { return };
        let (root, path) = (document.project.clone(), document.path.clone());
        if let Some(project) = self.projects.get_mut(&root) {
            project.lint(&path);
        }
        self.tell(&root, None);
    }

    fn about_document(&self, uri: &str, request: &Request) -> Result<Value, Refused> {
        // A request about what is not open has no answer.
        let Some(document) = self.documents.get(uri) else { return Ok(Value::Null) };
        let Some(project) = self.projects.get(&document.project) else { return Ok(Value::Null) };
        let Some(file) = project.workspace.file(&document.path) else { return Ok(Value::Null) };
        let uris = self.uris(&document.project);
        let convert = Convert { project, client: self.client, uris: &uris };
        Asked { convert, document, file }.answer(&request.method, request.params.clone())
    }

    fn workspace_symbol(&mut self, request: Request) {
        let mut all = Vec::new();
        for (root, project) in &self.projects {
            let uris = self.uris(root);
            let convert = Convert { project, client: self.client, uris: &uris };
            match workspace_symbols(&convert, request.params.clone()) {
                Ok(found) => all.extend(found),
                Err(_) => {
                    return self.send(
                        Response::new_err(request.id, ErrorCode::InvalidParams as i32, "no query".to_owned()).into(),
                    );
                }
            }
        }
        self.send(Response::new_ok(request.id, all).into());
    }
}

fn cancelled(request: &Request) -> Response {
    Response::new_err(request.id.clone(), ErrorCode::RequestCanceled as i32, "cancelled".to_owned())
}

fn stale(request: &Request) -> Response {
    Response::new_err(request.id.clone(), ErrorCode::ContentModified as i32, "the document has changed".to_owned())
}

fn unknown(request: &Request) -> Response {
    let why = format!("`{}` is not answered", request.method);
    Response::new_err(request.id.clone(), ErrorCode::MethodNotFound as i32, why)
}
