//! The law of a workspace: after any edits it says what a fresh one says of the same texts, and what `check` says.
//!
//! Comes in: the examples, edited at random: letters, words, lines and whole items go, come and move; names change. Goes
//! out: after each edit, and again when everything was judged, the same findings as from nothing.

use std::collections::BTreeSet;

use perturb::analysis::analyse;
use perturb::check;
use perturb::diagnostic::Diagnostic;
use perturb::ide::Workspace;
use perturb::lower;
use perturb::source::{Memory, SourceMap};

use crate::chaos_files;

type Files = Vec<(String, String)>;

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

fn memory(files: &Files) -> (Memory, Vec<String>) {
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
    let mut found = checked.diagnostics;
    found.extend(lower::check(&checked.program));
    for experiment in lower::experiments(&checked.program) {
        for place in lower::places(&checked.program, &experiment) {
            let lowered = lower::plan(&checked.program, &experiment, &place);
            found.extend(lowered.diagnostics);
            found.extend(lowered.plan.iter().flat_map(analyse));
        }
    }
    told(found.iter(), &checked.sources)
}

/// Numbers that a seed repeats.
struct Random(u64);

impl Random {
    fn below(&mut self, most: usize) -> usize {
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
fn edit(random: &mut Random, text: &str) -> String {
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

/// Edits, and after each compares with a fresh start.
fn hold(seed: u64, edits: usize, with_check: usize) {
    let original: Files = chaos_files("examples");
    let mut files = original.clone();
    let (sources, roots) = memory(&files);
    let mut workspace = Workspace::open(&sources, &roots);
    workspace.judge_all();
    let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    for step in 0..edits {
        let file = random.below(files.len());
        // Now and then a text is as it was: a project that is broken everywhere says little.
        let next = if random.below(3) == 0 { original[file].1.clone() } else { edit(&mut random, &files[file].1) };
        files[file].1 = next;
        let (sources, roots) = memory(&files);
        workspace.edit(&sources, &files[file].0, &files[file].1);
        // Some edits come before all is judged, as from somebody who types fast.
        if random.below(3) == 0 {
            if let Some(stale) = workspace.next_stale(|_| false) {
                workspace.judge(stale);
            }
            continue;
        }
        workspace.judge_all();
        let mut fresh = Workspace::open(&sources, &roots);
        fresh.judge_all();
        let (ours, theirs) = (of_workspace(&workspace), of_workspace(&fresh));
        assert_eq!(ours, theirs, "seed {seed}, edit {step} of `{}`:\n{}", files[file].0, files[file].1);
        if step % with_check == 0 {
            assert_eq!(ours, of_check(&files), "seed {seed}, edit {step}: `check` says something else");
        }
    }
}

#[test]
fn after_thousands_of_edits_a_workspace_says_what_a_fresh_one_says() {
    // Each seed is its own history; together they are thousands of edits.
    std::thread::scope(|scope| {
        for seed in 1..=2 {
            scope.spawn(move || hold(seed, edits(), 10));
        }
    });
}

/// A debug build is slow: it does a part.
fn edits() -> usize {
    let asked = std::env::var("PERTURB_EDITS").ok().and_then(|n| n.parse().ok());
    asked.unwrap_or(if cfg!(debug_assertions) { 120 } else { 2_000 })
}

#[test]
fn a_service_renamed_in_one_file_shows_at_once_in_all_that_use_it() {
    let mut files = chaos_files("examples");
    let (sources, roots) = memory(&files);
    let mut workspace = Workspace::open(&sources, &roots);
    workspace.judge_all();
    assert_eq!(of_workspace(&workspace), BTreeSet::new());
    let catalogue = files.iter().position(|(path, _)| path == "catalogue.chaos").unwrap();
    files[catalogue].1 = files[catalogue].1.replace("service kafka {", "service queue {");
    let (sources, _) = memory(&files);
    workspace.edit(&sources, "catalogue.chaos", &files[catalogue].1);
    workspace.judge_all();
    let told = of_workspace(&workspace);
    assert!(told.iter().any(|t| t.starts_with("kafka-leader.chaos")), "{told:#?}");
    assert!(told.iter().any(|t| t.starts_with("catalogue.chaos")), "{told:#?}");
}

#[test]
fn files_may_come_and_go() {
    let mut files = chaos_files("examples");
    let measures = files.iter().position(|(path, _)| path == "measures.chaos").unwrap();
    let gone = files.remove(measures);
    let (sources, roots) = memory(&files);
    let mut workspace = Workspace::open(&sources, &roots);
    workspace.judge_all();
    assert!(!of_workspace(&workspace).is_empty());
    files.push(gone);
    files.sort();
    let (sources, roots) = memory(&files);
    workspace.reopen(&sources, &roots);
    workspace.judge_all();
    assert_eq!(of_workspace(&workspace), BTreeSet::new());
}
