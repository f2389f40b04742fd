//! The law of a workspace: after any edits it says what a fresh one says of the same texts, and what `check` says.
//!
//! Comes in: the examples, edited at random: letters, words, lines and whole items go, come and move; names change. Goes
//! out: after some edits at once, when everything was judged, the same findings as from nothing.

use std::collections::BTreeSet;

use perturb::check;
use perturb::diagnostic::Diagnostic;
use perturb::engine::native::judged;
use perturb::ide::Workspace;
use perturb::lint::{self, Facts, File, Levels, Project};
use perturb::lower;
use perturb::source::{Memory, SourceMap};
use perturb::syntax;

use crate::chaos_files;

pub type Files = Vec<(String, String)>;

/// A finding with the path in place of the file's id, which depends on the order of reading.
fn told<'d>(found: impl Iterator<Item = &'d Diagnostic>, sources: &SourceMap) -> BTreeSet<String> {
    found
        .map(|d| {
            let place =
                |span: perturb::source::Span| format!("{}:{}..{}", sources.file(span.file).path, span.start, span.end);
            let labels: Vec<String> = d.labels.iter().map(|l| format!("{} {}", place(l.span), l.text)).collect();
            let fixes: Vec<String> = d.fixes.iter().map(|f| format!("{} {}", f.title, f.edits.len())).collect();
            format!("{} {} {} {:?} {:?} {labels:?} {fixes:?}", place(d.span), d.code, d.message, d.why, d.help)
        })
        .collect()
}

pub fn memory(files: &Files) -> (Memory, Vec<String>) {
    (Memory::new(files.iter().map(|(p, t)| (p.as_str(), t.as_str()))), files.iter().map(|(p, _)| p.clone()).collect())
}

fn of_workspace(workspace: &Workspace) -> BTreeSet<String> {
    let ids: Vec<_> = workspace.program().files.iter().map(|f| f.file.id).collect();
    let found: Vec<Diagnostic> = ids.into_iter().flat_map(|id| workspace.found(id)).collect();
    told(found.iter(), workspace.sources())
}

/// What the command line says.
fn of_check(files: &Files) -> BTreeSet<String> {
    let (sources, roots) = memory(files);
    let checked = check::check(&sources, &roots);
    let mut found = checked.diagnostics.clone();
    let bodies = lower::check(&checked.program);
    found.extend(bodies.diagnostics);
    for experiment in bodies.experiments.iter().chain(&bodies.of_agendas) {
        for place in lower::places(&checked.program, experiment) {
            let lowered = lower::plan(&checked.program, experiment, &place);
            found.extend(lowered.diagnostics);
            found.extend(lowered.plan.iter().flat_map(judged));
        }
    }
    perturb::diagnostic::tidy(&mut found);
    checked.program.drop_echoes(&mut found);
    let mut found: BTreeSet<String> = found.iter().map(|d| brief(d, &checked.sources)).collect();
    found.extend(of_lint(&checked));
    found
}

/// What `perturb lint` says.
fn of_lint(checked: &check::Checked) -> Vec<String> {
    let program = &checked.program;
    let own: Vec<_> = program.files.iter().filter(|f| !f.is_std()).collect();
    let parses: Vec<_> = own.iter().map(|f| syntax::parse(f.file.id, &f.text)).collect();
    let file = |(f, parse)| {
        let loaded: &check::Loaded = f;
        File { id: loaded.file.id, path: loaded.path.as_str(), text: &loaded.text, parse }
    };
    let files: Vec<File<'_>> = own.iter().copied().zip(&parses).map(file).collect();
    let facts: Vec<Facts> = files.iter().map(Facts::of).collect();
    let facts: Vec<&Facts> = facts.iter().collect();
    let mut of_plans = Vec::new();
    for experiment in lower::experiments(program) {
        for place in lower::places(program, &experiment) {
            of_plans.extend(lower::plan(program, &experiment, &place).plan.iter().flat_map(lint::of_plan));
        }
    }
    let project = Project { files: &files, facts: &facts, whole: true, of_plans: &of_plans, exists: &|_| true };
    let mut found = lint::lint(&project, &Levels::new());
    program.drop_echoes(&mut found);
    found.iter().map(|d| brief(d, &checked.sources)).collect()
}

/// Place, code and message: what is said of a place at several places of the project differs in nothing else.
fn brief(d: &Diagnostic, sources: &SourceMap) -> String {
    format!("{}:{}..{} {} {}", sources.file(d.span.file).path, d.span.start, d.span.end, d.code, d.message)
}

fn brief_of_workspace(workspace: &Workspace) -> BTreeSet<String> {
    let ids = workspace.program().files.iter().map(|f| f.file.id);
    ids.flat_map(|id| workspace.found(id)).map(|d| brief(&d, workspace.sources())).collect()
}

/// Numbers that a seed repeats.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % most.max(1) as u64) as usize
    }

    fn boundary(&mut self, text: &str) -> usize {
        let mut at = self.below(text.len() + 1);
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    }
}

/// What people type, and what slips in.
const TYPED: &[&str] = &[
    "{",
    "}",
    "(",
    ")",
    "\"",
    "\n",
    " ",
    ":",
    ",",
    "x",
    "ü",
    "300",
    "ms",
    "%",
    "ledger",
    "checkout",
    "service: ledger\n",
    "let a = 5m\n",
    "import std.{disk}\n",
    "import \"catalogue.chaos\".{token}\n",
    "experiment e {\n",
    "team t { contact: \"#t\" }\n",
    "environment dev2 { clusters: [dev-1] }\n",
    "wait 1m\n",
    "// note\n",
    "abort when refuted\n",
    "service ledger {\n",
    "==",
    "..",
    "of ",
];

/// One edit of one text.
pub fn edit(random: &mut Random, text: &str) -> String {
    let at = random.boundary(text);
    match random.below(6) {
        // A letter or a word comes.
        0 | 1 => format!("{}{}{}", &text[..at], TYPED[random.below(TYPED.len())], &text[at..]),
        // Some letters go.
        2 => {
            let end =
                (at..=text.len()).filter(|i| text.is_char_boundary(*i)).nth(1 + random.below(12)).unwrap_or(text.len());
            format!("{}{}", &text[..at], &text[end..])
        }
        // A line goes, or comes twice.
        3 | 4 => {
            let lines: Vec<&str> = text.split_inclusive('\n').collect();
            let line = random.below(lines.len());
            let times = if random.below(2) == 0 { 0 } else { 2 };
            lines
                .iter()
                .enumerate()
                .flat_map(|(i, l)| std::iter::repeat_n(*l, if i == line { times } else { 1 }))
                .collect()
        }
        // A name is another one.
        _ => {
            let names =
                ["ledger", "checkout", "success-rate", "platform", "production", "staging", "network", "pm-2022-031"];
            let name = names[random.below(names.len())];
            text.replacen(name, &format!("{name}-2"), 1)
        }
    }
}

/// A workspace in which all is open, with the rules of `lint` as they are by default.
fn open(files: &Files) -> Workspace {
    let (sources, roots) = memory(files);
    let mut workspace = Workspace::open(&sources, &roots);
    workspace.lint_with(Levels::new(), true);
    workspace.watch(&roots);
    workspace
}

/// Does one small piece of what is left to do, as the server does while nothing is asked; whether there was any.
fn work(workspace: &mut Workspace) -> bool {
    if let Some(stale) = workspace.next_stale(|_| false) {
        workspace.judge(stale);
        return true;
    }
    workspace.lint_one(&|_| true) || workspace.judge_project() || workspace.learn_one()
}

fn settle(workspace: &mut Workspace) {
    while work(workspace) {}
}

/// The law: what it says is what a fresh one says of the same texts.
fn compare(workspace: &mut Workspace, files: &Files, when: &str) {
    settle(workspace);
    let mut fresh = open(files);
    settle(&mut fresh);
    let (ours, theirs) = (of_workspace(workspace), of_workspace(&fresh));
    if ours != theirs {
        let only = |a: &BTreeSet<String>, b: &BTreeSet<String>| a.difference(b).cloned().collect::<Vec<_>>().join("\n");
        let texts: String = files.iter().map(|(path, text)| format!("==== {path}\n{text}\n")).collect();
        panic!("{when}\nonly said: {}\nonly fresh: {}\n{texts}", only(&ours, &theirs), only(&theirs, &ours));
    }
}

/// Edits of one project, and comparisons: after some edits at once, most of them with the work of before half done, as from
/// somebody who types fast. Every `with_check`-th comparison is with the command line, too.
fn hold(name: &str, original: &Files, seed: u64, edits: usize, with_check: usize) {
    let mut files = original.clone();
    let mut workspace = open(&files);
    settle(&mut workspace);
    let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let (mut next_comparison, mut comparisons) = (1, 0);
    for step in 1..=edits {
        let file = random.below(files.len());
        // Now and then a text is as it was: a project that is broken everywhere says little.
        let next = if random.below(3) == 0 { original[file].1.clone() } else { edit(&mut random, &files[file].1) };
        files[file].1 = next;
        let (sources, _) = memory(&files);
        workspace.edit(&sources, &files[file].0, &files[file].1);
        for _ in 0..random.below(4) {
            work(&mut workspace);
        }
        if step < next_comparison && step < edits {
            continue;
        }
        next_comparison = step + 1 + random.below(2 * EDITS_PER_COMPARISON);
        let when = format!("`{name}`, seed {seed}, edit {step} of `{}`:", files[file].0);
        compare(&mut workspace, &files, &when);
        comparisons += 1;
        if comparisons % with_check == 0 {
            let ours = brief_of_workspace(&workspace);
            assert_eq!(ours, of_check(&files), "{when} `check` says something else");
        }
    }
}

/// How many edits come between two fresh starts, on average: a mistake that is not mended by the edits after it is found as
/// well, at a fraction of the cost.
const EDITS_PER_COMPARISON: usize = 10;

/// Small projects of the examples: a file that nobody imports, and all that it imports.
fn projects() -> Vec<(String, Files)> {
    let all: Files = chaos_files("examples");
    let imported = |text: &str| -> Vec<String> {
        let lines = text.lines().filter_map(|l| l.strip_prefix("import \"")).filter_map(|l| l.split_once('"'));
        lines.map(|(path, _)| path.to_owned()).collect()
    };
    let is_imported = |path: &String| all.iter().any(|(_, text)| imported(text).contains(path));
    let mut found = Vec::new();
    for (top, _) in all.iter().filter(|(path, _)| !is_imported(path)) {
        let (mut paths, mut open) = (BTreeSet::from([top.clone()]), vec![top.clone()]);
        while let Some(path) = open.pop() {
            let text = all.iter().find(|(p, _)| *p == path).map_or("", |(_, text)| text);
            open.extend(imported(text).into_iter().filter(|path| paths.insert(path.clone())));
        }
        let files: Files = all.iter().filter(|(path, _)| paths.contains(path)).cloned().collect();
        found.push((top.clone(), files));
    }
    found.push(("all examples".to_owned(), all));
    found
}

#[test]
fn after_thousands_of_edits_a_workspace_says_what_a_fresh_one_says() {
    // Each project is its own history; together they are thousands of edits.
    let projects = projects();
    let each = edits() / projects.len() + 1;
    let next = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                while let Some((name, files)) = projects.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)) {
                    let begin = std::time::Instant::now();
                    hold(name, files, seed(), each, 5);
                    println!("{name}: {} files, {each} edits, {:.1?}", files.len(), begin.elapsed());
                }
            });
        }
    });
}

/// How many edits, over all projects: `PERTURB_EDITS` for more.
pub fn edits() -> usize {
    let asked = std::env::var("PERTURB_EDITS").ok().and_then(|n| n.parse().ok());
    asked.unwrap_or(2_000)
}

/// The same histories each time, unless `PERTURB_EDITS_SEED` asks for others.
pub fn seed() -> u64 {
    std::env::var("PERTURB_EDITS_SEED").ok().and_then(|n| n.parse().ok()).unwrap_or(1)
}

#[test]
fn a_service_renamed_in_one_file_shows_at_once_in_all_that_use_it() {
    let mut files = chaos_files("examples");
    let (sources, roots) = memory(&files);
    let mut workspace = Workspace::open(&sources, &roots);
    workspace.judge_all();
    let before = of_workspace(&workspace);
    let catalogue = files.iter().position(|(path, _)| path == "catalogue.chaos").unwrap();
    files[catalogue].1 = files[catalogue].1.replace("service kafka {", "service queue {");
    let (sources, _) = memory(&files);
    workspace.edit(&sources, "catalogue.chaos", &files[catalogue].1);
    workspace.judge_all();
    let told: BTreeSet<String> = of_workspace(&workspace).difference(&before).cloned().collect();
    assert!(told.iter().any(|t| t.starts_with("kafka-leader.chaos")), "{told:#?}");
}

#[test]
fn files_may_come_and_go() {
    let mut files = chaos_files("examples");
    let (sources, roots) = memory(&files);
    let mut whole = Workspace::open(&sources, &roots);
    whole.judge_all();
    let measures = files.iter().position(|(path, _)| path == "measures.chaos").unwrap();
    let gone = files.remove(measures);
    let (sources, roots) = memory(&files);
    let mut workspace = Workspace::open(&sources, &roots);
    workspace.judge_all();
    assert_ne!(of_workspace(&workspace), of_workspace(&whole));
    files.push(gone);
    files.sort();
    let (sources, roots) = memory(&files);
    workspace.reopen(&sources, &roots);
    workspace.judge_all();
    assert_eq!(of_workspace(&workspace), of_workspace(&whole));
}
