//! The importer: what is compiled comes back, what is wrong is found, and what comes out reads well.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use perturb::diagnostic::Code;
use perturb::plan::{Body, EngineName, Plan, StepKind};

use crate::engine_schemas::shared::shared;
use crate::import_support::{filled, findings, imported, manifests, method, plans, unjudged};
use crate::support::{chaos_files, compile, hold, read, root};

/// Every plan of the examples and of every use of every fault of the library.
fn all_plans() -> Vec<(String, Plan)> {
    let files = chaos_files("examples");
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let examples = compile(&files).plans.into_iter().filter_map(|p| {
        let from = format!("{} at {}", p.plan.as_ref()?.name, p.place);
        Some((from, p.plan?))
    });
    let (_, library) = crate::stdlib::uses();
    let uses = library.plans.into_iter().filter_map(|p| p.plan).map(|p| (format!("library: {}", p.name), p));
    examples.chain(uses).collect()
}

/// A plan, where it came from, and its manifests.
type Case = (String, Plan, String);

/// Imports all manifests as one project and compares what each method says; what differs, a paragraph each.
fn come_back(cases: &[Case], lossy: bool) -> String {
    let files: Vec<(String, &str)> =
        cases.iter().enumerate().map(|(i, (_, _, text))| (format!("{i}.yaml"), text.as_str())).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), *text)).collect();
    let imported = imported(&files, lossy);
    if imported.files.is_empty() {
        let named: Vec<String> = cases.iter().enumerate().map(|(i, (from, ..))| format!("{i}: {from}")).collect();
        return format!("{}\n{}", findings(&imported), named.join("\n"));
    }
    let (found, compiled) = plans(&imported);
    let (scheduled, back): (Vec<Plan>, Vec<Plan>) = found.into_iter().partition(|p| p.schedule.is_some());
    if back.len() != cases.len() {
        return format!("{} of {} came back\n{}", back.len(), cases.len(), compiled.errors());
    }
    let mut wrong = String::new();
    for ((from, plan, _), back) in cases.iter().zip(&back) {
        let (wanted, got) = (method(plan), method(back));
        if wanted != got {
            let _ = writeln!(wrong, "{from}: wanted\n  {}\ngot\n  {}", wanted.join("\n  "), got.join("\n  "));
        }
    }
    // A Schedule's time and zone.
    let times = |p: &Plan| p.schedule.as_ref().map(|s| (s.cron.to_string(), s.zone.to_string()));
    let wanted: Vec<_> = cases.iter().filter_map(|(_, plan, _)| times(plan)).collect();
    let got: Vec<_> = scheduled.iter().filter_map(times).collect();
    if wanted != got {
        let _ = writeln!(wrong, "schedules: wanted {wanted:?}, got {got:?}");
    }
    wrong
}

fn is_one_fault(plan: &Plan) -> bool {
    matches!(plan.method.as_slice(), [step] if matches!(step.kind, StepKind::Inject { .. }))
}

#[test]
fn what_is_compiled_for_chaos_mesh_comes_back() {
    let (mut bare, mut judged) = (Vec::new(), Vec::new());
    for (from, plan) in all_plans() {
        if !plan.place.cluster.engines.contains(&EngineName::ChaosMesh) {
            continue;
        }
        let alone = unjudged(&plan);
        if is_one_fault(&alone)
            && let Some(text) = manifests(&alone, EngineName::ChaosMesh)
        {
            bare.push((format!("{from}, bare"), alone, text));
        }
        if let Some(text) = manifests(&plan, EngineName::ChaosMesh) {
            judged.push((from, plan, text));
        }
    }
    // Bare, everything must be said. What the gate judges is not in a Workflow, so that is lost.
    let wrong = come_back(&bare, false) + &come_back(&judged, true);
    assert!(wrong.is_empty(), "{wrong}");
    let scheduled = judged.iter().filter(|(_, p, _)| p.schedule.is_some()).count();
    eprintln!(
        "what_is_compiled_for_chaos_mesh_comes_back: {} bare, {} judged, {scheduled} scheduled",
        bare.len(),
        judged.len()
    );
    assert!(bare.len() > 80 && judged.len() > 80 && scheduled > 0);
}

#[test]
fn what_is_compiled_for_litmus_comes_back() {
    let mut cases = Vec::new();
    for (from, plan) in all_plans() {
        let mut bare = unjudged(&plan);
        let says = bare.faults.iter().all(|f| matches!(f.bodies.get(&EngineName::Litmus), Some(Body::Expressed(_))));
        // A project's own fault is not in the library.
        let is_ours = bare.faults.iter().all(|f| f.name.contains('.'));
        if !(is_one_fault(&bare) && says && is_ours && plan.place.cluster.engines.contains(&EngineName::Litmus)) {
            continue;
        }
        // Litmus is told a percentage of the replicas, which no manifest has: without them it is told what is written.
        bare.services.values_mut().for_each(|s| s.replicas = None);
        if let Some(text) = manifests(&bare, EngineName::Litmus) {
            cases.push((from, bare, text));
        }
    }
    let wrong = come_back(&cases, false);
    assert!(wrong.is_empty(), "{wrong}");
    eprintln!("what_is_compiled_for_litmus_comes_back: {}", cases.len());
    assert!(cases.len() > 40, "{}", cases.len());
}

/// `path code reason` of a list in `tests/corpus/import`.
fn rows(path: &str) -> BTreeMap<String, (String, String)> {
    read(path)
        .lines()
        .filter(|l| !l.is_empty() && !l.starts_with('#'))
        .map(|l| {
            let mut parts = l.splitn(3, char::is_whitespace);
            let mut next = || parts.next().unwrap_or_else(|| panic!("{path}: `{l}`")).trim().to_owned();
            (next(), (next(), next()))
        })
        .collect()
}

fn yaml_files(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|e| e == "yaml") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Every manifest of the corpus is imported, or stands in the list with its code and the reason.
#[test]
fn what_cannot_be_said_of_the_corpus_is_listed() {
    const LIST: &str = "tests/corpus/import/chaos-mesh.txt";
    let Some(shared) = shared("what_cannot_be_said_of_the_corpus_is_listed") else { return };
    let folder = shared.join("corpus/chaos-mesh/examples");
    let listed = rows(LIST);
    let (mut wrong, mut seen, mut said) = (String::new(), BTreeSet::new(), 0);
    for path in yaml_files(&folder) {
        let name = path.strip_prefix(&folder).unwrap().to_string_lossy().replace('\\', "/");
        let text = std::fs::read_to_string(&path).unwrap();
        let imported = imported(&[(&name, &text)], false);
        let codes: BTreeSet<String> =
            imported.diagnostics.iter().filter(|d| d.is_error()).map(|d| d.code.to_string()).collect();
        let codes: Vec<String> = codes.into_iter().collect();
        match listed.get(&name) {
            Some((code, _)) if *code == codes.join(",") => {
                seen.insert(name);
            }
            Some((code, _)) => {
                let _ = writeln!(wrong, "{name} is listed with {code}, and this comes:\n{}", findings(&imported));
            }
            None if codes.is_empty() => {
                said += 1;
                let (plans, compiled) = plans(&imported);
                if plans.is_empty() {
                    let _ = writeln!(wrong, "{name}: {}", compiled.errors());
                }
            }
            None => {
                let _ = writeln!(wrong, "{name} is not listed:\n{}", findings(&imported));
            }
        }
    }
    for stale in listed.keys().filter(|k| !seen.contains(*k)) {
        let _ = writeln!(wrong, "stale in {LIST}: {stale}");
    }
    assert!(wrong.is_empty(), "{wrong}");
    eprintln!("what_cannot_be_said_of_the_corpus_is_listed: {said} said, {} listed", listed.len());
    assert!(said > 10, "{said}");
}

/// The hub's engines name no target; with one, each is imported or listed, and says the variables that it had.
#[test]
fn what_cannot_be_said_of_litmus_hub_is_listed() {
    const LIST: &str = "tests/corpus/import/litmus.txt";
    let Some(shared) = shared("what_cannot_be_said_of_litmus_hub_is_listed") else { return };
    let folder = shared.join("corpus/litmus/faults");
    let listed = rows(LIST);
    let (mut wrong, mut seen, mut said) = (String::new(), BTreeSet::new(), 0);
    for path in yaml_files(&folder).iter().filter(|p| p.ends_with("engine.yaml")) {
        let name = path.parent().unwrap().strip_prefix(&folder).unwrap().to_string_lossy().replace('\\', "/");
        let engine = std::fs::read_to_string(path).unwrap();
        let fault = std::fs::read_to_string(path.with_file_name("fault.yaml")).unwrap_or_default();
        let engine = ["''", "\"\""].iter().fold(engine, |text, empty| {
            text.replace(&format!("appns: {empty}"), "appns: shop")
                .replace(&format!("applabel: {empty}"), "applabel: app=web")
                .replace(&format!("appkind: {empty}"), "appkind: deployment")
        });
        let imported = imported(&[("engine.yaml", &engine), ("fault.yaml", &fault)], false);
        let failed = imported.files.is_empty();
        match (listed.get(&name), failed) {
            (Some(_), true) => {
                seen.insert(name);
            }
            (None, true) => {
                let _ = writeln!(wrong, "{name} is not listed:\n{}", findings(&imported));
            }
            (Some(_), false) => {}
            (None, false) => {
                said += 1;
                let (plans, compiled) = plans(&imported);
                if plans.is_empty() {
                    let _ = writeln!(wrong, "{name}: {}\n{}", compiled.errors(), imported.files[0].1);
                }
            }
        }
    }
    for stale in listed.keys().filter(|k| !seen.contains(*k)) {
        let _ = writeln!(wrong, "stale in {LIST}: {stale}");
    }
    assert!(wrong.is_empty(), "{wrong}");
    eprintln!("what_cannot_be_said_of_litmus_hub_is_listed: {said} said, {} listed", listed.len());
    assert!(said > 5, "{said}");
}

/// Each of the 21 numbered mistakes is found on its line, and nothing else is called a mistake.
#[test]
fn every_seeded_mistake_of_chaos_toolkit_is_found() {
    let Some(shared) = shared("every_seeded_mistake_of_chaos_toolkit_is_found") else { return };
    let text = std::fs::read_to_string(shared.join("corpus/chaostoolkit/bad.yaml")).unwrap();
    let numbered: BTreeMap<u32, usize> = text
        .lines()
        .enumerate()
        .filter_map(|(index, line)| {
            let comment = line.split_once("  # ")?.1;
            Some((index as u32 + 1, comment.split_whitespace().next()?.parse().ok()?))
        })
        .collect();
    assert_eq!(numbered.values().copied().collect::<BTreeSet<_>>(), (1..=21).collect());
    let imported = imported(&[("bad.yaml", &text)], false);
    let file = imported.sources.iter().next().unwrap().1;
    let mistakes: Vec<u32> = imported
        .diagnostics
        .iter()
        .filter(|d| d.code == Code::IMPORT_TOOLKIT)
        .map(|d| file.line_column(d.span.start).line)
        .collect();
    assert_eq!(mistakes, numbered.keys().copied().collect::<Vec<_>>(), "{}", findings(&imported));
    insta::assert_snapshot!("toolkit_bad", findings(&imported));
}

/// What people read: some files as they come out.
#[test]
fn imported_files_read_well() {
    for (name, text) in [
        ("chaos_mesh_delay", read("tests/corpus/import/delay.yaml")),
        ("chaos_mesh_workflow", read("tests/corpus/import/workflow.yaml")),
        ("chaos_mesh_schedule", read("tests/corpus/import/schedule.yaml")),
        ("litmus_latency", read("tests/corpus/import/litmus-latency.yaml")),
        ("toolkit_right", read("tests/corpus/import/toolkit.yaml")),
    ] {
        let imported = imported(&[(&format!("{name}.yaml"), &text)], false);
        assert!(!imported.files.is_empty(), "{name}: {}", findings(&imported));
        let out = &imported.files[0].1;
        let compiled = compile(&[("imported.chaos", filled(out).as_str())]);
        let codes: BTreeSet<String> =
            compiled.diagnostics.iter().filter(|d| d.is_error()).map(|d| d.code.to_string()).collect();
        assert!(codes.is_empty(), "{name}: {}\n{out}", compiled.errors());
        insta::assert_snapshot!(name, out);
    }
}

/// Whatever is lost is said in place, and counted.
#[test]
fn what_is_lost_stands_in_its_place() {
    let text = read("tests/corpus/import/lossy.yaml");
    let strict = imported(&[("lossy.yaml", &text)], false);
    assert!(strict.files.is_empty() && strict.counts.lost == 0, "{}", findings(&strict));
    let lossy = imported(&[("lossy.yaml", &text)], true);
    let out = &lossy.files[0].1;
    assert_eq!(lossy.counts.lost, out.matches("// lost:").count(), "{out}");
    insta::assert_snapshot!("lossy", format!("{}\n{out}", findings(&lossy)));
}

/// The corpus of mistakes of the importer's own: any bytes give findings or files.
#[test]
fn any_bytes_end() {
    let seeds = [
        "{",
        "[",
        "- ",
        "a: &a *a",
        "apiVersion: chaos-mesh.org/v1alpha1\nkind: Workflow\nspec: []",
        "\u{0}",
        "%YAML 9",
    ];
    for seed in seeds {
        for lossy in [false, true] {
            let found = imported(&[("x.yaml", seed)], lossy);
            assert!(found.files.is_empty() != found.diagnostics.iter().all(|d| !d.is_error()), "{seed}");
        }
    }
    let ring = "apiVersion: chaos-mesh.org/v1alpha1\nkind: Workflow\nmetadata: {name: x}\nspec: {entry: a, templates: [{name: a, templateType: Serial, children: [a, a]}]}";
    assert!(findings(&imported(&[("ring.yaml", ring)], true)).contains("contains itself"));
    assert!(root().join("tests/corpus/import").is_dir());
}

/// `docs/import.md` shows what really comes out.
#[test]
fn the_page_shows_what_comes_out() {
    use perturb::diagnostic::render::{Format, Look, render};
    let manifest = read("tests/corpus/import/docs.yaml");
    let imported_text = &imported(&[("slow-ledger.yaml", &manifest)], false).files[0].1;
    let fenced = |language: &str, text: &str| format!("```{language}\n{text}```\n");
    hold("docs/import.md", "import-from", &fenced("yaml", &manifest));
    hold("docs/import.md", "import-to", &fenced("chaos", imported_text));
    let lossy = read("tests/corpus/import/lossy.yaml");
    let refused = imported(&[("lossy.yaml", &lossy)], false);
    let last = refused.diagnostics.last().expect("something is refused").clone();
    let shown = render(Format::Human, &[last], &refused.sources, &Look::default());
    hold("docs/import.md", "import-refused", &fenced("text", &format!("{}\n", shown.trim_end())));
}
