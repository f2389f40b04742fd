//! What goes wrong with these engines, and what Perturb does about it.
//!
//! `docs/conformance-traps.md` lists every numbered rule (W) and trap (T) of Chaos Mesh, rule of the gate (G) and trap of
//! Litmus (L) with what holds it: a code, a test, or the reason why it cannot arise. Here: the list is complete, whatever
//! it names exists, and each wrong text of `traps/` is refused as the list says.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use perturb::diagnostic::Code;
use perturb::engine::{EmitOptions, chaos_mesh, litmus};
use perturb::manifest::Arena;
use perturb::plan::EngineName;

use crate::support::{compile, read, root};

/// How many of each there are.
const SERIES: [(&str, usize); 4] = [("W", 64), ("T", 61), ("G", 10), ("L", 57)];

const PAGE: &str = "docs/conformance-traps.md";

const SURROUNDINGS: &str = r##"
import std.{network, pod, dns, stress, container, disk, http, jvm}
team team-a { contact: "#a" }
service app {
  owner: team-a, tier: high, replicas: 4, container: "app"
  pods: pods(namespace: "shop", labels: { app: "app" })
}
service other { owner: team-a, tier: high, replicas: 4, pods: pods(namespace: "shop", labels: { app: "other" }) }
metric good(of: Service): Percent {
  prometheus: "sum(rate(good_total{app=\"${of.name}\"}[1m]))", unit: ratio, window: 1m
}
cluster test-1 { context: "test-1", engines: [ENGINE], prometheus: "https://metrics.example" }
environment test { clusters: [test-1] }
"##;

const FRAME: &str = "service: app
hypothesis { expect fine: good(app) >= 90%, recovery automatic within 5m }
guard { abort when good(app) < 50% for 10s }\n";

/// A wrong text.
struct Case {
    number: String,
    codes: BTreeSet<String>,
    text: String,
    options: EmitOptions,
}

fn cases(path: &str) -> Vec<Case> {
    let all = read(path);
    let sections = all.split("\n== ").skip(1);
    sections
        .map(|section| {
            let (head, text) = section.split_once('\n').expect("a text below its number");
            let (number, codes) = head.split_once(' ').expect("a number and its codes");
            let (mut options, mut lines) = (EmitOptions::default(), Vec::new());
            for line in text.lines() {
                match line.strip_prefix("gate-url: ") {
                    Some(url) => options.gate_url = Some(url.to_owned()),
                    None => lines.push(line),
                }
            }
            Case {
                number: number.to_owned(),
                codes: codes.split(',').map(str::to_owned).collect(),
                text: lines.join("\n"),
                options,
            }
        })
        .collect()
}

/// The errors that a text gives, of the compiler and of the engine.
fn errors(case: &Case, engine: EngineName) -> (BTreeSet<String>, String) {
    let mut text = SURROUNDINGS.replace("ENGINE", &engine.to_string());
    text.push_str(&case.text.replace('@', FRAME));
    if !case.text.contains("experiment ") {
        let until = if case.text.contains("effect: lasting") { " for 5m" } else { "" };
        let _ = writeln!(text, "\nexperiment e {{ {FRAME}\nmethod {{ odd(one of app.pods){until} }} }}");
    }
    let compiled = compile(&[("main.chaos", &text)]);
    let mut found: BTreeSet<String> =
        compiled.diagnostics.iter().filter(|d| d.is_error()).map(|d| d.code.to_string()).collect();
    let mut told = compiled.errors();
    for plan in compiled.plans.iter().filter_map(|p| p.plan.as_ref()) {
        let arena = Arena::new();
        let report = match engine {
            EngineName::Litmus => litmus::emit(plan, &case.options, &arena, &mut |_| ()),
            _ => chaos_mesh::emit(plan, &case.options, &arena, &mut |_| ()),
        };
        for d in report.diagnostics.iter().filter(|d| d.is_error()) {
            found.insert(d.code.to_string());
            let _ = writeln!(told, "{} {}", d.code, d.message);
        }
    }
    (found, told)
}

fn hold(path: &str, engine: EngineName) {
    let rows = rows();
    let mut wrong = String::new();
    for case in cases(path) {
        let (found, told) = errors(&case, engine);
        if found != case.codes {
            let _ = writeln!(wrong, "{}: should give {:?}, gives:\n{told}", case.number, case.codes);
        }
        let row = rows.get(&case.number).unwrap_or_else(|| panic!("{PAGE} has no row {}", case.number));
        for code in &case.codes {
            if !row.held_by.contains(code) {
                let _ = writeln!(wrong, "{}: {PAGE} does not say {code}: {}", case.number, row.held_by);
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn every_wrong_text_for_chaos_mesh_is_refused_as_the_list_says() {
    hold("tests/cluster/traps/chaos-mesh.txt", EngineName::ChaosMesh);
}

#[test]
fn every_wrong_text_for_litmus_is_refused_as_the_list_says() {
    hold("tests/cluster/traps/litmus.txt", EngineName::Litmus);
}

/// A row of the list.
struct Row {
    what: String,
    held_by: String,
}

/// `| W1 | what goes wrong | what holds it |`.
fn rows() -> BTreeMap<String, Row> {
    let mut rows = BTreeMap::new();
    for line in read(PAGE).lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let [number, what, held_by] = cells.as_slice() else { panic!("{PAGE}: three cells: {line}") };
        let numbered = number.len() > 1 && number[1..].chars().all(|c| c.is_ascii_digit());
        if numbered {
            let row = Row { what: (*what).to_owned(), held_by: (*held_by).to_owned() };
            assert!(rows.insert((*number).to_owned(), row).is_none(), "{PAGE}: {number} stands there twice");
        }
    }
    rows
}

#[test]
fn the_list_is_complete_and_what_it_names_exists() {
    let rows = rows();
    let expected: BTreeSet<String> =
        SERIES.iter().flat_map(|(series, count)| (1..=*count).map(move |n| format!("{series}{n}"))).collect();
    let found: BTreeSet<String> = rows.keys().cloned().collect();
    let missing: Vec<_> = expected.difference(&found).collect();
    let unknown: Vec<_> = found.difference(&expected).collect();
    assert!(missing.is_empty() && unknown.is_empty(), "missing: {missing:?}, unknown: {unknown:?}");
    let tests = test_names();
    let mut wrong = String::new();
    for (number, row) in &rows {
        let names: Vec<&str> = row.held_by.split('`').skip(1).step_by(2).collect();
        for name in &names {
            let is_code = name.len() == 5 && name.starts_with('P') && name[1..].chars().all(|c| c.is_ascii_digit());
            let exists = if is_code { Code::parse(name).is_some() } else { tests.contains(*name) };
            if !exists {
                let _ = writeln!(wrong, "{number}: there is no code or test `{name}`");
            }
        }
        let reason = row.held_by.strip_prefix("Cannot arise: ").unwrap_or_default();
        if names.is_empty() && reason.len() < 20 {
            let _ = writeln!(wrong, "{number}: neither a code nor a test nor a reason: {}", row.held_by);
        }
        if row.what.len() < 10 {
            let _ = writeln!(wrong, "{number}: says nothing");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Every `#[test]` function of the repository.
fn test_names() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut open = vec![root().join("src"), root().join("tests")];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                for item in text.split("#[test]").skip(1) {
                    let name = item.split_once("fn ").map(|(_, rest)| rest.split('(').next().unwrap_or_default());
                    names.extend(name.map(str::to_owned));
                }
            }
        }
    }
    assert!(names.len() > 200, "only {} tests were found", names.len());
    names
}
