//! A small client of the protocol: messages to the real server and back.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::{Value, json};

/// The longest wait for a message; a busy machine is slow.
const PATIENCE: Duration = Duration::from_secs(120);

/// A client with its server.
pub struct Client {
    server: Child,
    input: Option<ChildStdin>,
    inbox: Receiver<Value>,
    next: i64,
    /// What was last told of each document.
    pub told: BTreeMap<String, Value>,
    /// The answer to `initialize`.
    pub capabilities: Value,
}

impl Client {
    /// Starts the server for a folder.
    pub fn start(root: &Path) -> Self {
        Self::start_with(root, json!({}))
    }

    /// The same, with what the client can do besides.
    pub fn start_with(root: &Path, more: Value) -> Self {
        let mut server = Command::new(env!("CARGO_BIN_EXE_perturb"))
            .arg("lsp")
            .env("XDG_CACHE_HOME", root.join(".cache"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let (sender, inbox) = channel();
        let mut output = BufReader::new(server.stdout.take().unwrap());
        std::thread::spawn(move || {
            while let Some(message) = message(&mut output) {
                if sender.send(message).is_err() {
                    break;
                }
            }
        });
        let input = server.stdin.take();
        let mut client = Self { server, input, inbox, next: 0, told: BTreeMap::new(), capabilities: Value::Null };
        let mut capabilities = json!({ "textDocument": {
            "completion": { "completionItem": { "snippetSupport": true } },
            "publishDiagnostics": { "relatedInformation": true },
        }});
        for (key, value) in more.as_object().into_iter().flatten() {
            capabilities[key] = value.clone();
        }
        let params = json!({ "processId": null, "rootUri": uri(root), "capabilities": capabilities });
        client.capabilities = client.request("initialize", params).unwrap();
        client.notify("initialized", json!({}));
        client
    }

    /// Sends a message as it is.
    pub fn send(&mut self, message: &Value) {
        let text = message.to_string();
        let input = self.input.as_mut().unwrap();
        write!(input, "Content-Length: {}\r\n\r\n{text}", text.len()).unwrap();
        input.flush().unwrap();
    }

    /// Sends a notification.
    pub fn notify(&mut self, method: &str, params: Value) {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }));
    }

    /// Sends a request without waiting; its id.
    pub fn ask(&mut self, method: &str, params: Value) -> i64 {
        self.next += 1;
        self.send(&json!({ "jsonrpc": "2.0", "id": self.next, "method": method, "params": params }));
        self.next
    }

    /// The answer to a request.
    pub fn answer(&mut self, id: i64) -> Result<Value, Value> {
        loop {
            let message = self.receive();
            if message["id"] == id && message.get("method").is_none() {
                return match message.get("error") {
                    Some(error) => Err(error.clone()),
                    None => Ok(message["result"].clone()),
                };
            }
        }
    }

    /// Sends a request and waits for its answer.
    pub fn request(&mut self, method: &str, params: Value) -> Result<Value, Value> {
        let id = self.ask(method, params);
        self.answer(id)
    }

    /// The next message.
    pub fn receive(&mut self) -> Value {
        self.next_within(PATIENCE).expect("the server says something in time")
    }

    /// Takes the next message, if there is one before a quiet server is surely idle.
    pub fn try_receive(&mut self) -> bool {
        self.next_within(PATIENCE / 4).is_some()
    }

    fn next_within(&mut self, patience: Duration) -> Option<Value> {
        let message = self.inbox.recv_timeout(patience).ok()?;
        if message["method"] == "textDocument/publishDiagnostics" {
            let uri = message["params"]["uri"].as_str().unwrap().to_owned();
            self.told.insert(uri, message["params"].clone());
        }
        Some(message)
    }

    /// Opens a document.
    pub fn open(&mut self, path: &Path, text: &str) {
        let document = json!({ "uri": uri(path), "languageId": "chaos", "version": 1, "text": text });
        self.notify("textDocument/didOpen", json!({ "textDocument": document }));
    }

    /// Puts another text into a document.
    pub fn change(&mut self, path: &Path, version: i64, text: &str) {
        let identifier = json!({ "uri": uri(path), "version": version });
        self.notify(
            "textDocument/didChange",
            json!({ "textDocument": identifier, "contentChanges": [{ "text": text }] }),
        );
    }

    /// The findings of a document at a version.
    pub fn findings(&mut self, path: &Path, version: i64) -> Vec<Value> {
        let uri = uri(path);
        loop {
            if let Some(told) = self.told.get(&uri).filter(|told| told["version"] == version) {
                return told["diagnostics"].as_array().unwrap().clone();
            }
            self.receive();
        }
    }

    /// Says goodbye; the exit code.
    pub fn end(mut self) -> Option<i32> {
        self.request("shutdown", Value::Null).unwrap();
        self.notify("exit", Value::Null);
        self.server.wait().unwrap().code()
    }

    /// Is gone without a word; the exit code.
    pub fn vanish(mut self) -> Option<i32> {
        drop(self.input.take());
        self.server.wait().unwrap().code()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // A test that failed leaves no server behind.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// One message; `None` when the server is gone. Anything that is no message is a mistake.
fn message(output: &mut impl BufRead) -> Option<Value> {
    let mut length = None;
    loop {
        let mut line = String::new();
        if output.read_line(&mut line).unwrap() == 0 {
            return None;
        }
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(": ").unwrap_or_else(|| panic!("`{line}` is no header of a message"));
        if name == "Content-Length" {
            length = Some(value.parse::<usize>().unwrap());
        }
    }
    let mut body = vec![0; length.expect("a length")];
    output.read_exact(&mut body).unwrap();
    Some(serde_json::from_slice(&body).expect("JSON"))
}

/// The address of a path.
pub fn uri(path: &Path) -> String {
    format!("file://{}", path.display())
}

/// The position of `at` in a text, `more` bytes behind its begin.
pub fn position(text: &str, at: &str, more: usize) -> Value {
    let offset = text.find(at).unwrap_or_else(|| panic!("`{at}` is not there")) + more;
    let line = text[..offset].matches('\n').count();
    let column = text[..offset].rsplit('\n').next().unwrap().encode_utf16().count();
    json!({ "line": line, "character": column })
}
