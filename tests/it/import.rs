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
    let (_, library) = crate::uses::uses();
    let uses = library.plans.into_iter().filter_map(|p| p.plan).map(|p| (format!("library: {}", p.name), p));
    examples.chain(uses).collect()
}

/// A plan, where it came from, and its manifests.
type Case = (String, Plan, String);

/// Imports all manifests as one project and compares what each method says; what differs, a paragraph each. Of what the engine
/// is not told (`untold` rows) only that may differ, and must in one case.
fn come_back(engine: &str, cases: &[Case], lossy: bool) -> String {
    let untold: BTreeMap<String, String> = rows(NOT_BACK)
        .into_iter()
        .filter(|(fault, (code, _))| code == "untold" && fault.starts_with(&format!("{engine}:")))
        .map(|(fault, (_, why))| (fault, why.split_whitespace().next().expect("what is untold").to_owned()))
        .collect();
    let mut differed: BTreeSet<String> = BTreeSet::new();
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
        let fault = format!("{engine}:{}", plan.faults.first().map_or("", |f| f.name.as_str()));
        let (mut wanted, mut got) = (method(plan), method(back));
        if let (true, Some(what)) = (wanted != got, untold.get(&fault)) {
            (wanted, got) = (method(&without(plan, what)), method(&without(back, what)));
            differed.insert(fault);
        }
        if wanted != got {
            let _ = writeln!(wrong, "{from}: wanted\n  {}\ngot\n  {}", wanted.join("\n  "), got.join("\n  "));
        }
    }
    // What is judged beside a fault, or is lost, says nothing of what is untold.
    for stale in untold.keys().filter(|fault| !lossy && !differed.contains(*fault)) {
        let _ = writeln!(wrong, "stale in {NOT_BACK}: {stale}");
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

/// A plan without an argument, or without that part of its selectors.
fn without(plan: &Plan, what: &str) -> Plan {
    use perturb::plan::Selector;
    let mut plan = plan.clone();
    plan.faults.iter_mut().for_each(|fault| fault.arguments.retain(|e| e.key != what));
    for draw in plan.draws.iter_mut().filter(|_| what == "subscription") {
        if let Selector::Instances(of) | Selector::Disks(of) = &mut draw.selector {
            of.subscription = None;
        }
    }
    plan
}

fn is_one_fault(plan: &Plan) -> bool {
    matches!(plan.method.as_slice(), [step] if matches!(step.kind, StepKind::Inject { .. }))
}

const NOT_BACK: &str = "tests/corpus/import/not-back.txt";

/// Leaves out the cases that cannot be imported; all of a fault must then be in the list, and be there for a reason.
fn sayable(engine: &str, cases: Vec<Case>, lossy: bool, wrong: &mut String) -> Vec<Case> {
    let listed = rows(NOT_BACK);
    let mut failed: BTreeSet<String> = BTreeSet::new();
    let kept = cases
        .into_iter()
        .filter(|(from, plan, text)| {
            let found = imported(&[("manifest.yaml", text)], lossy);
            let fault = format!("{engine}:{}", plan.faults.first().map_or("", |f| f.name.as_str()));
            let lost =
                found.diagnostics.iter().any(|d| d.message.contains("cannot say") || d.message.contains("no fault"));
            let is_said = !found.files.is_empty() && !lost;
            if !is_said && !listed.contains_key(&fault) {
                let _ = writeln!(wrong, "{from}: `{fault}` is not in {NOT_BACK}:\n{}", findings(&found));
            }
            if !is_said {
                failed.insert(fault);
            }
            is_said
        })
        .collect();
    if !lossy {
        let mine = listed.iter().filter(|(k, (code, _))| code != "untold" && k.starts_with(&format!("{engine}:")));
        mine.map(|(k, _)| k).filter(|k| !failed.contains(*k)).for_each(|fault| {
            let _ = writeln!(wrong, "stale in {NOT_BACK}: {fault}");
        });
    }
    kept
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
    let mut wrong = String::new();
    let bare = sayable("chaos-mesh", bare, false, &mut wrong);
    let judged = sayable("chaos-mesh", judged, true, &mut wrong);
    // Bare, everything must be said. What the gate judges is not in a Workflow, so that is lost.
    wrong += &come_back("chaos-mesh", &bare, false);
    wrong += &come_back("chaos-mesh", &judged, true);
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
    let mut wrong = String::new();
    let cases = sayable("litmus", cases, false, &mut wrong);
    wrong += &come_back("litmus", &cases, false);
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

pub fn yaml_files(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
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

/// What the hub leaves for its users to fill in: whom a fault hits.
const TARGETS: [(&str, &str); 22] = [
    ("EC2_INSTANCE_ID", "i-0a1b"),
    ("EC2_INSTANCE_TAG", "team:shop"),
    ("EBS_VOLUME_ID", "vol-1"),
    ("EBS_VOLUME_TAG", "team:shop"),
    ("RDS_INSTANCE_IDENTIFIER", "db-1"),
    ("REGION", "eu-west-1"),
    ("LOAD_BALANCER_NAME", "front"),
    ("LOAD_BALANCER_ZONES", "eu-west-1a"),
    ("RESOURCE_GROUP", "shop"),
    ("SCALE_SET", "disable"),
    ("VIRTUAL_DISK_NAMES", "disk-1"),
    ("AZURE_INSTANCE_NAMES", "vm-1"),
    ("VM_INSTANCE_NAMES", "vm-1"),
    ("INSTANCE_LABEL", "team:shop"),
    ("DISK_VOLUME_NAMES", "disk-1"),
    ("DISK_VOLUME_LABEL", "team:shop"),
    ("GCP_PROJECT_ID", "shop"),
    ("ZONES", "europe-west1-b"),
    ("TARGET_NODE", "n-1"),
    ("TARGET_NODES", "n-1"),
    ("CM_PORT", "8080"),
    ("TARGET_NODE_IP", "10.0.0.1"),
];

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
        let engine = TARGETS.iter().fold(engine, |text, (name, value)| {
            let empty = |quotes: &str| format!("- name: {name}\n              value: {quotes}");
            [empty("''"), empty("\"\"")].iter().fold(text, |t, e| t.replace(e, &empty(&format!("\"{value}\""))))
        });
        let imported = imported(&[("engine.yaml", &engine), ("fault.yaml", &fault)], false);
        let failed = imported.files.is_empty();
        match (listed.get(&name), failed) {
            (Some((code, _)), true) => {
                let codes: BTreeSet<String> =
                    imported.diagnostics.iter().filter(|d| d.is_error()).map(|d| d.code.to_string()).collect();
                if codes.into_iter().collect::<Vec<_>>().join(",") != *code {
                    let _ = writeln!(wrong, "{name} is listed with {code}, and this comes:\n{}", findings(&imported));
                }
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
        ("litmus_argo_created", read("tests/corpus/import/litmus-argo-created.yaml")),
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

/// Manifests that were written for these tests.
const OWN: &[&str] = &[
    "delay",
    "workflow",
    "schedule",
    "litmus-latency",
    "litmus-probes",
    "litmus-argo",
    "litmus-argo-created",
    "litmus-schedule",
    "litmus-own",
    "toolkit",
    "lossy",
];

/// Whatever is imported is in the one layout already: `perturb fmt` has nothing to do. Over every manifest and experiment of the
/// corpus, as one text and as files, and under `--lossy` what is lost of them.
#[test]
fn what_comes_out_is_in_the_layout_of_fmt() {
    let mut given: Vec<(String, String)> = OWN
        .iter()
        .chain(&["docs"])
        .map(|name| (format!("{name}.yaml"), read(&format!("tests/corpus/import/{name}.yaml"))))
        .collect();
    if let Some(shared) = shared("what_comes_out_is_in_the_layout_of_fmt") {
        for folder in ["chaos-mesh/examples", "litmus", "chaostoolkit"] {
            for path in yaml_files(&shared.join("corpus").join(folder)) {
                let name = path.strip_prefix(&shared).unwrap().to_string_lossy().into_owned();
                given.push((name, std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    let (mut wrong, mut seen) = (String::new(), 0);
    for (name, text) in &given {
        for together in [true, false] {
            let file = perturb::import::Given { name: name.clone(), bytes: text.clone().into_bytes() };
            let options = perturb::import::Options { lossy: true, together };
            for (_, out) in perturb::import::import(&[file], options).files {
                seen += 1;
                let parse = perturb::syntax::parse(perturb::source::FileId(0), &out);
                let formatted = perturb::format::format(&parse, &out);
                if formatted.text != out || !formatted.copied.is_empty() || !parse.diagnostics.is_empty() {
                    let _ = writeln!(wrong, "{name}:\n{out}\nbecomes\n{}", formatted.text);
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    eprintln!("what_comes_out_is_in_the_layout_of_fmt: {seen} texts of {} files", given.len());
    assert!(seen >= 2 * (OWN.len() + 1), "{seen}");
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

/// What a Workflow of Chaos Mesh can do and a method cannot, and another cluster's name in a fault.
#[test]
fn tasks_branches_and_other_clusters_are_found() {
    let text = "apiVersion: chaos-mesh.org/v1alpha1
kind: Workflow
metadata: {name: try, namespace: pay}
spec:
  entry: all
  templates:
  - {name: all, templateType: Serial, children: [ask, kill]}
  - name: ask
    templateType: Task
    task: {container: {name: ask, image: busybox, command: [sh, -c, exit 1]}}
    conditionalBranches:
    - {target: kill, expression: exitCode == 1}
  - name: kill
    templateType: PodChaos
    deadline: 10s
    podChaos: {action: pod-kill, mode: one, selector: {labelSelectors: {app: web}}}
---
apiVersion: chaos-mesh.org/v1alpha1
kind: PodChaos
metadata: {name: elsewhere, namespace: pay}
spec: {remoteCluster: far, action: pod-kill, mode: one, selector: {labelSelectors: {app: web}}}
";
    let found = findings(&imported(&[("try.yaml", text)], false));
    let expected = "try.yaml:9:19 P0803 `ask` has no equivalent
try.yaml:11:5 P0803 `conditionalBranches` have no equivalent
try.yaml:21:23 P0803 `remoteCluster` has no equivalent
";
    assert_eq!(found, expected);
    let lossy = imported(&[("try.yaml", text)], true);
    assert_eq!((lossy.counts.lost, lossy.counts.experiments), (3, 1), "{}", lossy.files[0].1);
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

/// Manifests that are damaged in every way: findings or files, never a panic, and what comes out can be parsed.
#[test]
fn damaged_manifests_end() {
    use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
    let seeds: Vec<String> = OWN.iter().map(|name| read(&format!("tests/corpus/import/{name}.yaml"))).collect();
    // The same damage on every run.
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner =
        TestRunner::new_with_rng(Config { cases: 300, failure_persistence: None, ..Config::default() }, rng);
    let damage = (0..seeds.len(), proptest::collection::vec((0..4u8, 0..10_000usize, proptest::char::any()), 1..4));
    runner
        .run(&damage, |(seed, damages)| {
            let mut lines: Vec<String> = seeds[seed].lines().map(str::to_owned).collect();
            for (kind, at, letter) in damages {
                let index = at % lines.len();
                match kind {
                    0 => drop(lines.remove(index)),
                    1 => {
                        let line = lines[index].clone();
                        lines.insert(index, line);
                    }
                    2 => {
                        lines[index] =
                            lines[index].replacen(|c: char| c.is_ascii_digit() || c == ':', &letter.to_string(), 1)
                    }
                    _ => {
                        let half: String = lines[index].chars().take(lines[index].len() / 2).collect();
                        lines[index] = half;
                    }
                }
                if lines.is_empty() {
                    lines.push(String::new());
                }
            }
            for lossy in [false, true] {
                let found = imported(&[("damaged.yaml", &lines.join("\n"))], lossy);
                for (_, text) in &found.files {
                    let parse = perturb::syntax::parse(perturb::source::FileId(0), text);
                    assert!(parse.diagnostics.is_empty(), "{text}\n{:?}", parse.diagnostics);
                    assert_eq!(found.counts.lost, text.matches("// lost:").count(), "{text}");
                }
                assert_eq!(found.files.is_empty(), found.diagnostics.iter().any(|d| d.is_error()));
            }
            Ok(())
        })
        .unwrap();
}

fn perturb(folder: &std::path::Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_perturb"))
        .current_dir(folder)
        .args(arguments)
        .output()
        .expect("it runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// The command: folders, a folder to write, what is there already, and the exit codes.
#[test]
fn the_command_writes_a_folder_or_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let manifests = folder.path().join("manifests");
    std::fs::create_dir(&manifests).unwrap();
    for name in ["delay", "schedule"] {
        std::fs::copy(root().join(format!("tests/corpus/import/{name}.yaml")), manifests.join(format!("{name}.yaml")))
            .unwrap();
    }
    std::fs::write(manifests.join("notes.txt"), "no manifest").unwrap();
    let (code, out, said) = perturb(folder.path(), &["import", "manifests", "-o", "chaos", "--report"]);
    assert_eq!((code, out.as_str()), (Some(0), ""), "{said}");
    assert!(said.contains("2 files: 3 experiments, 1 schedule, 3 services; 0 lost"), "{said}");
    let mut written: Vec<String> = std::fs::read_dir(folder.path().join("chaos"))
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    written.sort();
    assert_eq!(written, ["catalogue.chaos", "delay.chaos", "schedule.chaos"]);
    // What it leaves to a person is found by `check`, and nothing else.
    let (_, checked, _) = perturb(folder.path(), &["check", "chaos", "--format", "json"]);
    let checked: serde_json::Value = serde_json::from_str(&checked).unwrap();
    let codes: BTreeSet<&str> =
        checked["diagnostics"].as_array().unwrap().iter().map(|d| d["code"].as_str().unwrap()).collect();
    assert_eq!(codes.into_iter().collect::<Vec<_>>(), ["P0314", "P0806"]);
    // Never over what is there, unless asked.
    let before = std::fs::read_to_string(folder.path().join("chaos/delay.chaos")).unwrap();
    let (code, _, said) = perturb(folder.path(), &["import", "manifests/delay.yaml", "-o", "chaos"]);
    assert_eq!(code, Some(2));
    assert!(said.contains("nothing was written") && said.contains("--force"), "{said}");
    assert_eq!(before, std::fs::read_to_string(folder.path().join("chaos/delay.chaos")).unwrap());
    // What cannot be said: exit 1, and nothing is written.
    std::fs::copy(root().join("tests/corpus/import/lossy.yaml"), manifests.join("lossy.yaml")).unwrap();
    let (code, out, said) = perturb(folder.path(), &["import", "manifests/lossy.yaml", "-o", "other"]);
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert!(said.contains("lossy.yaml:5:13") && !folder.path().join("other").exists(), "{said}");
    let (code, out, said) = perturb(folder.path(), &["import", "manifests/lossy.yaml", "--lossy", "--report"]);
    assert_eq!(code, Some(0), "{said}");
    let lost = out.matches("// lost: ").count();
    assert!(lost > 0 && said.contains(&format!("{lost} lost")), "{said}");
    // Nothing there, nothing to import.
    assert_eq!(perturb(folder.path(), &["import", "nowhere.yaml"]).0, Some(2));
    std::fs::write(manifests.join("pod.yaml"), "apiVersion: v1\nkind: Pod\n").unwrap();
    let (code, _, said) = perturb(folder.path(), &["import", "manifests/pod.yaml"]);
    assert_eq!(code, Some(1));
    assert!(said.contains("P0802"), "{said}");
}

/// What `kubectl get -o yaml` prints: a list, with what happened in each object.
#[test]
fn a_list_of_objects_is_each_of_them() {
    let item = |name: &str| {
        format!(
            "- apiVersion: chaos-mesh.org/v1alpha1\n  kind: PodChaos\n  metadata: {{name: {name}, namespace: pay, uid: x}}\n  \
             spec: {{action: pod-kill, mode: one, selector: {{labelSelectors: {{app: web}}}}}}\n  status: {{experiment: {{}}}}\n"
        )
    };
    let text = format!("apiVersion: v1\nkind: List\nitems:\n{}{}", item("a"), item("b"));
    let found = imported(&[("list.yaml", &text)], false);
    assert_eq!((found.counts.experiments, found.counts.services), (2, 1), "{}", findings(&found));
    assert!(found.notes.iter().any(|(_, note)| note.contains("`status`")));
}
