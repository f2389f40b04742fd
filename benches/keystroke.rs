//! How long an editor waits, in a workspace of 500 files, measured at the real server over its standard input and output;
//! exits with 1 when a bound is missed.
//!
//! `cargo bench -p perturb-benches --bench keystroke [-- NAME…]`. A gate that is missed is measured again, twice at
//! most: a bound says what the program can do, not how busy the machine is. Beside each time stands that of a round
//! trip that asks for nothing, measured in turn with it: what the machine and two pipes cost alone.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use perturb::source::FileId;
use perturb::syntax;
use serde_json::{Value, json};

/// Files of the workspace, `perturb.toml` aside.
const FILES: usize = 500;
/// Edits of each kind: the 99th percentile of fewer says little.
const EDITS: usize = 300;

struct Gate {
    name: &'static str,
    what: &'static str,
    unit: &'static str,
    most: f64,
    measure: fn(&Path) -> (f64, String),
}

const GATES: &[Gate] = &[
    Gate { name: "appears", what: "a letter goes, an error comes: p99", unit: "ms", most: 5.0, measure: appears },
    Gate { name: "goes", what: "the letter comes back, the error goes: p99", unit: "ms", most: 5.0, measure: goes },
    Gate { name: "brace", what: "a brace goes, and comes back: p99", unit: "ms", most: 5.0, measure: brace },
    Gate {
        name: "shared",
        what: "a letter in the file that all others import: p99",
        unit: "ms",
        most: 5.0,
        measure: shared,
    },
    Gate { name: "cold", what: "start to first findings of the opened file", unit: "ms", most: 150.0, measure: cold },
    Gate { name: "memory", what: "peak memory, all files judged and edited", unit: "MiB", most: 80.0, measure: memory },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path());
    let mut missed = 0;
    for gate in GATES.iter().filter(|g| arguments.is_empty() || arguments.iter().any(|a| a == g.name)) {
        let mut passed = false;
        for _ in 0..3 {
            let (value, details) = (gate.measure)(folder.path());
            passed = value <= gate.most;
            let verdict = if passed { "ok    " } else { "MISSED" };
            println!(
                "{verdict} {:8} {value:8.2} {} (at most {}): {}; {details}",
                gate.name, gate.unit, gate.most, gate.what
            );
            if passed {
                break;
            }
        }
        missed += usize::from(!passed);
    }
    println!("{}", if missed == 0 { "all gates hold".to_owned() } else { format!("{missed} gates missed") });
    if missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A workspace as a company of 50 teams has it: a catalogue, what is measured, where things run, and experiments.
fn write(root: &Path) {
    let put = |name: &str, text: &str| std::fs::write(root.join(name), text).expect("written");
    put("perturb.toml", "[project]\nname = \"workspace\"\n");
    put(
        "measures.chaos",
        "/// Share of requests answered without a server error.\nmetric success-rate(of: Service, over: Duration = 1m): Percent {\n  prometheus: \"\"\"\n    sum(rate(http_requests_total{app=\"${of.name}\",code!~\"5..\"}[${over}]))\n    / sum(rate(http_requests_total{app=\"${of.name}\"}[${over}]))\n  \"\"\"\n  unit: ratio, window: over\n}\n\nmetric p99(of: Service, over: Duration = 1m): Duration {\n  prometheus: \"histogram_quantile(0.99, sum(rate(latency_bucket{app=\\\"${of.name}\\\"}[${over}])) by (le))\"\n  unit: s, window: over\n}\n",
    );
    put(
        "environments.chaos",
        "import \"catalogue.chaos\".{platform}\n\ncluster stg-1 { context: \"stg-1\", engines: [chaos-mesh, litmus], prometheus: \"http://prometheus:9090\" }\ncluster prd-1 { context: \"prd-1\", engines: [chaos-mesh], prometheus: \"http://prometheus:9090\" }\nenvironment staging { clusters: [stg-1] }\nenvironment production { clusters: [prd-1], protected: true }\n\npolicy production-safety {\n  environments: [production]\n  only on mon..thu 10:00..16:00 in \"Asia/Jakarta\"\n  approval by platform\n  require experiment.duration <= 30m because \"somebody watches\"\n  require experiment.blast-radius <= 60% because \"customers are there\"\n}\n",
    );
    let mut catalogue = String::from("//! Who owns what.\n\nteam platform { contact: \"#platform\" }\n");
    for number in 0..60 {
        let _ = write!(
            catalogue,
            "\n/// Service number {number}.\nservice s{number} {{\n  owner: platform, tier: critical, replicas: 4, depends-on: [s{}]\n  pods: pods(namespace: \"team-{}\", labels: {{ app: \"s{number}\" }})\n}}\n",
            (number + 7) % 60,
            number / 4
        );
    }
    put("catalogue.chaos", &catalogue);
    for number in 0..FILES - 3 {
        put(&format!("experiment-{number}.chaos"), &experiment(number));
    }
}

fn experiment(number: usize) -> String {
    // No two tell the same: a duplicate is a finding of its own.
    let (own, other, long) = (number % 60, (number + 7) % 60, 120 + number);
    format!(
        r#"//! What s{own} bears, part {number}.

import std.{{network, pod}}
import "catalogue.chaos".{{s{own}, s{other}, platform}}
import "measures.chaos".{{success-rate, p99}}

/// Service s{own} keeps its objective while half of s{other} is slow.
/// It was seen in a game day, and nobody knew what to expect.
experiment s{own}-bears-slowness-{number} {{
  service: s{own}

  hypothesis {{
    expect success: success-rate(s{own}) >= 99.5% but >= 95% during faults
    expect latency: p99(s{own}) < 800ms but < 2s during faults     // what people bear
    recovery automatic within 90s
  }}
  guard {{
    abort when success-rate(s{own}, over: 15s) < 90% for 10s
    approval by platform
  }}
  method {{
    let slow = 50% of s{other}.pods
    with network.delay(slow, latency: 300ms, jitter: 50ms) {{
      wait 3m
      check alive: success-rate(s{own}) >= 90% within 1m
    }}
    network.loss(slow, loss: 10%) for {long}s
  }}
}}

/// It does not notice that a pod is gone.
experiment s{own}-loses-a-pod-{number} {{
  service: s{own}
  hypothesis {{ expect success: success-rate(s{own}) >= 99%, recovery automatic within {long}s }}
  method {{ pod.kill(one of s{own}.pods) }}
}}
"#
    )
}

/// The server with a client that counts no columns but those of ASCII.
struct Server {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    root: PathBuf,
    version: i64,
    id: i64,
}

impl Server {
    fn start(root: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_perturb-measured"))
            .arg("lsp")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let (input, output) =
            (child.stdin.take().expect("a pipe"), BufReader::new(child.stdout.take().expect("a pipe")));
        let mut server = Self { child, input, output, root: root.to_path_buf(), version: 0, id: 0 };
        server.request("initialize", json!({ "processId": null, "rootUri": uri(root), "capabilities": {} }));
        server.notify("initialized", json!({}));
        server
    }

    fn send(&mut self, message: &Value) {
        let text = message.to_string();
        self.input.write_all(format!("Content-Length: {}\r\n\r\n{text}", text.len()).as_bytes()).expect("it reads");
        self.input.flush().expect("it reads");
    }

    fn notify(&mut self, method: &str, params: Value) {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }));
    }

    fn request(&mut self, method: &str, params: Value) {
        self.id += 1;
        self.send(&json!({ "jsonrpc": "2.0", "id": self.id, "method": method, "params": params }));
        while self.receive()["id"] != self.id {}
    }

    fn receive(&mut self) -> Value {
        let mut length = 0;
        loop {
            let mut line = String::new();
            assert!(self.output.read_line(&mut line).expect("it writes") > 0, "the server is gone");
            match line.trim_end() {
                "" => break,
                header => {
                    length = header.strip_prefix("Content-Length: ").map_or(length, |n| n.parse().expect("a number"))
                }
            }
        }
        let mut body = vec![0; length];
        self.output.read_exact(&mut body).expect("it writes");
        serde_json::from_slice(&body).expect("JSON")
    }

    fn open(&mut self, name: &str) -> String {
        let text = std::fs::read_to_string(self.root.join(name)).expect("readable");
        self.version += 1;
        let document =
            json!({ "uri": uri(&self.root.join(name)), "languageId": "chaos", "version": self.version, "text": text });
        self.notify("textDocument/didOpen", json!({ "textDocument": document }));
        self.findings(name);
        text
    }

    /// Waits for the findings of a file at its last version; how many there are.
    fn findings(&mut self, name: &str) -> usize {
        let uri = uri(&self.root.join(name));
        loop {
            let message = self.receive();
            if message["params"]["uri"] == uri && message["params"]["version"] == self.version {
                return message["params"]["diagnostics"].as_array().map_or(0, Vec::len);
            }
        }
    }

    /// Replaces some letters of a line; the time up to the findings, and how many there are.
    fn edit(&mut self, name: &str, line: usize, from: usize, to: usize, text: &str) -> (Duration, usize) {
        self.version += 1;
        let identifier = json!({ "uri": uri(&self.root.join(name)), "version": self.version });
        let range = json!({ "start": { "line": line, "character": from }, "end": { "line": line, "character": to } });
        let params = json!({ "textDocument": identifier, "contentChanges": [{ "range": range, "text": text }] });
        let begin = Instant::now();
        self.notify("textDocument/didChange", params);
        let found = self.findings(name);
        (begin.elapsed(), found)
    }

    /// A round trip that asks for nothing.
    fn nothing(&mut self) -> Duration {
        let begin = Instant::now();
        self.request("perturb/nothing", Value::Null);
        begin.elapsed()
    }

    /// Waits until everything was judged: then an empty round trip is as short as it gets.
    fn settle(&mut self) {
        std::thread::sleep(Duration::from_secs(2));
        self.nothing();
    }

    fn peak(&self) -> Option<u64> {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It was started here, and nothing of it is kept.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn uri(path: &Path) -> String {
    format!("file://{}", path.display())
}

/// The line and column of a word in a text.
fn place(text: &str, word: &str) -> (usize, usize) {
    let at = text.find(word).expect("it is there");
    let head = &text[..at];
    (head.matches('\n').count(), at - head.rfind('\n').map_or(0, |n| n + 1))
}

fn percentile(times: &mut [Duration], of: usize) -> f64 {
    times.sort();
    times[(times.len() * of / 100).min(times.len() - 1)].as_secs_f64() * 1e3
}

fn told(name: &str, mut times: Vec<Duration>, mut nothing: Vec<Duration>) -> (f64, String) {
    let (half, most) = (percentile(&mut times, 50), percentile(&mut times, 99));
    let (floor, floor99) = (percentile(&mut nothing, 50), percentile(&mut nothing, 99));
    (
        most,
        format!(
            "{name}: median {half:.2} ms; an empty round trip: median {floor:.2}, p99 {floor99:.2} ms; {} edits",
            times.len()
        ),
    )
}

/// Takes a word away and puts it back, again and again: both times, apart.
fn toggle(root: &Path, name: &str, word: &str, length: usize) -> (Vec<Duration>, Vec<Duration>, Vec<Duration>) {
    let mut server = Server::start(root);
    let text = server.open(name);
    server.settle();
    let (line, column) = place(&text, word);
    let gone = &word[word.len() - length..];
    let (from, to) = (column + word.len() - length, column + word.len());
    let (mut away, mut back, mut nothing) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..EDITS {
        nothing.push(server.nothing());
        let (took, found) = server.edit(name, line, from, to, "");
        assert!(found > 0, "taking `{gone}` away breaks nothing");
        away.push(took);
        nothing.push(server.nothing());
        let (took, found) = server.edit(name, line, from, from, gone);
        assert_eq!(found, 0, "putting `{gone}` back leaves something");
        back.push(took);
    }
    (away, back, nothing)
}

const NAME: &str = "experiment-250.chaos";

fn appears(root: &Path) -> (f64, String) {
    let (away, _, nothing) = toggle(root, NAME, "latency: 300ms", 1);
    told("300ms → 300m", away, nothing)
}

fn goes(root: &Path) -> (f64, String) {
    let (_, back, nothing) = toggle(root, NAME, "latency: 300ms", 1);
    told("300m → 300ms", back, nothing)
}

fn brace(root: &Path) -> (f64, String) {
    let (mut away, back, nothing) = toggle(root, NAME, "method {", 1);
    away.extend(back);
    told("a method's brace", away, nothing)
}

fn shared(root: &Path) -> (f64, String) {
    let (mut away, back, nothing) = toggle(root, "catalogue.chaos", "tier: critical", 1);
    away.extend(back);
    told("a letter of the catalogue", away, nothing)
}

fn cold(root: &Path) -> (f64, String) {
    const STARTS: usize = 15;
    let once = || {
        let begin = Instant::now();
        let mut server = Server::start(root);
        server.open(NAME);
        begin.elapsed()
    };
    let (mut times, mut floor) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        times.push(once());
        floor.push(read_and_parse(root));
    }
    let (took, floor) = (percentile(&mut times, 50), percentile(&mut floor, 50));
    (
        took,
        format!(
            "median of {STARTS}; reading and parsing the same files on one core: {floor:.1} ms, ratio {:.1}",
            took / floor
        ),
    )
}

/// The floor: what must be done at least to know the project.
fn read_and_parse(root: &Path) -> Duration {
    let begin = Instant::now();
    let mut paths: Vec<PathBuf> = std::fs::read_dir(root).expect("listed").map(|e| e.expect("listed").path()).collect();
    paths.sort();
    for path in paths.iter().filter(|p| p.extension().is_some_and(|e| e == "chaos")) {
        let text = std::fs::read_to_string(path).expect("readable");
        std::hint::black_box(syntax::parse(FileId(0), &text));
    }
    begin.elapsed()
}

fn memory(root: &Path) -> (f64, String) {
    let mut server = Server::start(root);
    let text = server.open(NAME);
    server.settle();
    let (line, column) = place(&text, "latency: 300ms");
    for _ in 0..EDITS {
        server.edit(NAME, line, column, column, " ");
    }
    match server.peak() {
        Some(bytes) => (bytes as f64 / 1024.0 / 1024.0, format!("VmHWM after {EDITS} edits")),
        None => (0.0, "SKIPPED: this system has no /proc".to_owned()),
    }
}
