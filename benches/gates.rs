//! Speed as ratios within one run, so that they mean the same on every machine; exits with 1 when a bound is missed.
//!
//! `cargo bench -p perturb-benches --bench gates [-- NAME…]`. A gate that is missed is measured again, five times at
//! most: a bound says what the program can do, not how busy the machine is.

use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use perturb::diagnostic::render;
use perturb::source::{FileId, Memory};
use perturb::{check, format, lower, syntax};

#[path = "support/measure.rs"]
mod measure;
#[path = "support/project.rs"]
mod project;

/// What was measured.
struct Measured {
    /// The number that the bound is about.
    value: f64,
    /// What it was made from, for people.
    details: String,
}

/// A bound.
struct Gate {
    name: &'static str,
    what: &'static str,
    unit: &'static str,
    /// `value` must not be above, or not below.
    bound: Bound,
    measure: fn() -> Measured,
}

enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

const GATES: &[Gate] = &[
    Gate {
        name: "start",
        what: "cold check of one small file / start of an idle clap program",
        unit: "x",
        bound: Bound::AtMost(2.0),
        measure: start,
    },
    Gate {
        name: "bulk",
        what: "10 faults x 1,500 services to one stream / formatting its bytes",
        unit: "x",
        bound: Bound::AtMost(5.0),
        measure: bulk,
    },
    Gate { name: "memory", what: "peak memory of the same", unit: "MiB", bound: Bound::AtMost(32.0), measure: memory },
    Gate {
        name: "parse",
        what: "text to lossless tree, one core",
        unit: "MB/s",
        bound: Bound::AtLeast(10.0),
        measure: parse,
    },
    Gate {
        name: "linear",
        what: "one text of 4 MB / sixteen of a sixteenth",
        unit: "x",
        bound: Bound::AtMost(1.5),
        measure: linear,
    },
    Gate {
        name: "format",
        what: "parsing and formatting 1 MB / parsing it",
        unit: "x",
        bound: Bound::AtMost(2.0),
        measure: formatting,
    },
    Gate {
        name: "told",
        what: "1,000 findings in one file of 400 KB, shown with their places",
        unit: "ms",
        bound: Bound::AtMost(50.0),
        measure: told,
    },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    if let [first, stream] = arguments.as_slice()
        && first == "floor"
    {
        measure::floor(Path::new(stream));
        return ExitCode::SUCCESS;
    }
    let mut missed = 0;
    for gate in GATES.iter().filter(|gate| arguments.is_empty() || arguments.iter().any(|a| a == gate.name)) {
        let mut passed = false;
        for _ in 0..6 {
            let measured = (gate.measure)();
            passed = report(gate, &measured);
            if passed {
                break;
            }
        }
        missed += usize::from(!passed);
    }
    println!("{}", if missed == 0 { "all gates hold".to_owned() } else { format!("{missed} gates missed") });
    if missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn report(gate: &Gate, measured: &Measured) -> bool {
    let (holds, bound) = match gate.bound {
        Bound::AtMost(most) => (measured.value <= most, format!("at most {most}")),
        Bound::AtLeast(least) => (measured.value >= least, format!("at least {least}")),
    };
    let verdict = if holds { "ok    " } else { "MISSED" };
    println!(
        "{verdict} {:8} {:8.2} {} ({bound}): {}; {}",
        gate.name, measured.value, gate.unit, gate.what, measured.details
    );
    holds
}

/// The program under test; cargo builds it with the optimisations of this run.
fn perturb() -> Command {
    Command::new(env!("CARGO_BIN_EXE_perturb-measured"))
}

/// Writes a project into a folder that is removed with the answer.
fn write(files: &project::Files) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (path, text) in files {
        std::fs::write(folder.path().join(path), text).expect("written");
    }
    folder
}

fn start() -> Measured {
    // Fewer, and a busy machine decides the median.
    const RUNS: usize = 200;
    let folder = write(&project::small());
    let (idle, file) = (env!("CARGO_BIN_EXE_idle"), folder.path().join("small.chaos"));
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    // Alternating, so that what the machine does besides hits both.
    for _ in 0..RUNS {
        theirs.push(measure::time(Command::new(idle).arg("check").arg(&file)));
        ours.push(measure::time(perturb().arg("check").arg(&file)));
    }
    let (ours, theirs) = (measure::median(ours), measure::median(theirs));
    Measured { value: ratio(ours, theirs), details: format!("{ours:.2?} and {theirs:.2?}, medians of {RUNS}") }
}

const SERVICES: usize = 1_500;

/// The bulk compilation: every service by every scenario, judged by a gate that runs already.
fn compile(folder: &Path) -> Command {
    let mut command = perturb();
    let gate = "http://perturb-gate.chaos.svc:8080";
    command
        .args(["compile", "--engine", "chaos-mesh", "--in", "staging/c-1", "--gate-url", gate, "-o", "-"])
        .arg(folder);
    command
}

fn bulk() -> Measured {
    let folder = write(&project::fleet(SERVICES));
    let output = tempfile::NamedTempFile::new().expect("a file");
    let file = output.reopen().expect("the same file");
    let status = compile(folder.path()).stdout(file).status().expect("it starts");
    assert!(status.success(), "the fleet does not compile");
    let text = std::fs::read_to_string(output.path()).expect("readable");
    let documents = text.lines().filter(|line| line.starts_with("apiVersion:")).count();
    assert!(documents >= SERVICES * project::FAULT_COUNT, "only {documents} documents");
    let (mut ours, mut floor) = (Vec::new(), Vec::new());
    for _ in 0..7 {
        floor.push(measure::time_floor(output.path()));
        ours.push(measure::time(&mut compile(folder.path())));
    }
    let (ours, floor) = (measure::median(ours), measure::median(floor));
    let size = text.len() as f64 / documents as f64 / 1024.0;
    let details = format!("{ours:.1?} and {floor:.1?}, {documents} documents of {size:.1} KiB");
    Measured { value: ratio(ours, floor), details }
}

fn memory() -> Measured {
    let folder = write(&project::fleet(SERVICES));
    match measure::peak_memory(&mut compile(folder.path())) {
        Some(bytes) => Measured { value: bytes as f64 / 1024.0 / 1024.0, details: "VmHWM, read slowly".to_owned() },
        None => Measured { value: 0.0, details: "SKIPPED: this system has no /proc".to_owned() },
    }
}

/// How long a text takes to become a tree, the median of some.
fn parsing(text: &str) -> Duration {
    let once = || {
        let start = Instant::now();
        std::hint::black_box(syntax::parse(FileId(0), std::hint::black_box(text)));
        start.elapsed()
    };
    measure::median((0..9).map(|_| once()).collect())
}

fn parse() -> Measured {
    let text = project::text(1_000_000);
    let took = parsing(&text);
    Measured {
        value: text.len() as f64 / 1e6 / took.as_secs_f64(),
        details: format!("{} bytes in {took:.1?}", text.len()),
    }
}

fn formatting() -> Measured {
    let text = project::text(1_000_000);
    let once = || {
        let start = Instant::now();
        let parse = syntax::parse(FileId(0), std::hint::black_box(&text));
        std::hint::black_box(format::format(&parse, &text));
        start.elapsed()
    };
    let (both, parse) = (measure::median((0..9).map(|_| once()).collect()), parsing(&text));
    Measured { value: ratio(both, parse), details: format!("{both:.1?} and {parse:.1?}") }
}

fn linear() -> Measured {
    const TIMES: usize = 16;
    let (small, large) = (project::text(250_000), project::text(250_000 * TIMES));
    // All trees are kept, so that both sides take as much memory: what that costs on this machine says nothing of the parser.
    let parsed = |text: &str, times: usize| {
        let start = Instant::now();
        let trees: Vec<_> = (0..times).map(|_| syntax::parse(FileId(0), std::hint::black_box(text))).collect();
        std::hint::black_box(trees);
        start.elapsed()
    };
    let turns: Vec<_> = (0..9).map(|_| (parsed(&small, TIMES), parsed(&large, 1))).collect();
    let many = measure::median(turns.iter().map(|(many, _)| *many).collect());
    let one = measure::median(turns.iter().map(|(_, one)| *one).collect());
    let sizes = large.len() as f64 / (small.len() * TIMES) as f64;
    Measured { value: ratio(one, many) / sizes, details: format!("{one:.1?} and {many:.1?}, medians of 9") }
}

fn told() -> Measured {
    const FINDINGS: usize = 1_000;
    let text = project::mistakes(FINDINGS);
    let sources = Memory::new([("fleet.chaos", text.as_str())]);
    let checked = check::check(&sources, &["fleet.chaos".to_owned()]);
    let mut findings = checked.diagnostics;
    findings.extend(lower::check(&checked.program).diagnostics);
    assert!(findings.len() >= FINDINGS, "only {} findings", findings.len());
    findings.truncate(FINDINGS);
    let once = || {
        let start = Instant::now();
        let shown = render::render(render::Format::Human, &findings, &checked.sources, &render::Look::default());
        let took = start.elapsed();
        assert!(shown.len() > FINDINGS * 100, "findings are not shown");
        took
    };
    let took = measure::median((0..9).map(|_| once()).collect());
    let details = format!("{} KB of text", text.len() / 1000);
    Measured { value: took.as_secs_f64() * 1e3, details }
}

fn ratio(ours: Duration, theirs: Duration) -> f64 {
    ours.as_secs_f64() / theirs.as_secs_f64()
}
