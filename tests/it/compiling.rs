//! `perturb compile` as people and pipelines use it: what changes nothing, what is said always, what a part leaves alone.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use perturb::analysis::portability::runs_here;
use perturb::analysis::telling::tell;
use perturb::diagnostic::{Code, Diagnostic};
use perturb::engine::{EmitOptions, chaos_mesh, litmus, native};
use perturb::manifest::{Arena, Node, yaml};
use perturb::plan::{EngineName, Plan};

use crate::cli::{CLEAN, folder, run};
use crate::engine_schemas::documents;
use crate::support::{chaos_files, compile};

/// What each engine makes of a plan.
fn manifests(plan: &Plan) -> String {
    let (options, mut text) = (EmitOptions::default(), String::new());
    for engine in [EngineName::ChaosMesh, EngineName::Litmus] {
        let (arena, mut stream) = (Arena::new(), yaml::Stream::default());
        let mut sink = |document: &Node<'_>| stream.document(document, &mut text);
        match engine {
            EngineName::ChaosMesh => chaos_mesh::emit(plan, &options, &arena, &mut sink),
            _ => litmus::emit(plan, &options, &arena, &mut sink),
        };
    }
    text
}

/// What every experiment of these files becomes in every place.
fn all(files: &[(String, String)]) -> BTreeMap<String, String> {
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let plans = compile(&files).plans.into_iter();
    plans.filter_map(|p| Some((format!("{} {}", p.experiment.name, p.place), manifests(&p.plan?)))).collect()
}

#[test]
fn a_comment_and_a_file_beside_change_no_byte() {
    let files = chaos_files("examples");
    let before = all(&files);
    assert!(before.values().filter(|text| text.contains("plan.json")).count() > 20, "few gates");
    let mut commented: Vec<(String, String)> =
        files.iter().map(|(path, text)| (path.clone(), format!("// A word.\n\n{text}\n// Another.\n"))).collect();
    // First in the order of files, so that every index moves.
    commented.push(("aaa.chaos".to_owned(), "/// Others.\nteam others-beside { contact: \"#others\" }\n".to_owned()));
    commented.sort();
    let after = all(&commented);
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
    let moved: Vec<&String> =
        before.iter().filter(|(name, text)| after[*name] != **text).map(|(name, _)| name).collect();
    assert_eq!(moved, Vec::<&String>::new());
}

#[test]
fn a_folder_stays_up_to_date_when_only_the_text_moves() {
    let dir = folder(&[("clean.chaos", CLEAN)]);
    let compile =
        |more: &[&str]| run(dir.path(), &[&["compile", ".", "--engine", "chaos-mesh", "-o", "out"], more].concat());
    assert_eq!(compile(&[]).code, 0);
    fs::remove_file(dir.path().join("clean.chaos")).unwrap();
    fs::write(dir.path().join("renamed.chaos"), format!("// A comment.\n\n{CLEAN}")).unwrap();
    let check = compile(&["--check"]);
    assert_eq!(check.code, 0, "{}{}", check.out, check.err);
    // The plan in it still is one, though it says no places: nothing that is read from it points anywhere.
    let text = fs::read_to_string(dir.path().join("out/shop-holds.yaml")).unwrap();
    let plan = plan_of(&text);
    assert!(!plan.contains(".chaos\""), "names a file: {plan}");
    fs::write(dir.path().join("plan.json"), &plan).unwrap();
    let again = run(dir.path(), &["compile", "plan.json", "--engine", "chaos-mesh", "-o", "-"]);
    assert_eq!((again.code, again.out), (0, text), "{}", again.err);
    let strict = run(dir.path(), &["compile", "plan.json", "--engine", "litmus", "--strict"]);
    assert_eq!((strict.code, strict.out.as_str()), (1, ""), "{}", strict.err);
    assert!(strict.err.contains("error P0710"), "{}", strict.err);
}

/// `plan.json` of a stream's ConfigMap.
fn plan_of(stream: &str) -> String {
    let documents = documents(stream);
    let mut plans = documents.iter().filter_map(|d| Some(d.get("data")?.get("plan.json")?.as_str()?.to_owned()));
    plans.next().expect("a gate's ConfigMap")
}

/// A place with everything that only shows before a run.
fn restricted() -> String {
    let policy = r#"
policy careful {
  environments: [test]
  only on mon..thu 10:00..16:00 in "UTC"
  approval by shop-team
  require experiment.confirmed-in(staging, within: 14d) because "first where nobody buys"
}
cluster stg-1 { context: "stg-1", engines: [chaos-mesh], prometheus: "https://metrics.example" }
environment staging { clusters: [stg-1] }
"#;
    format!(
        "{}\n{policy}",
        CLEAN.replace("  service: shop\n\n", "  service: shop\n  environments: [test, staging]\n\n")
    )
}

#[test]
fn what_nothing_in_the_cluster_looks_at_is_always_said() {
    let dir = folder(&[("clean.chaos", &restricted())]);
    let compile = |engine: &str, more: &[&str]| {
        run(dir.path(), &[&["compile", "clean.chaos", "--engine", engine, "--in", "test"], more].concat())
    };
    // The gate looks at the hours.
    for (engine, warnings) in [("litmus", 3), ("chaos-mesh", 2)] {
        let said = compile(engine, &[]);
        assert_eq!(said.code, 0, "{engine}: {}", said.err);
        assert!(said.out.contains("apiVersion:"), "{engine}");
        assert_eq!(said.err.matches("warning P0711").count(), warnings, "{engine}: {}", said.err);
        let flat = said.err.replace("\n  │ ", " ");
        assert!(
            flat.contains("nobody in the cluster asks for the `approval by shop-team` of policy `careful`"),
            "{flat}"
        );
        assert!(
            flat.contains("nothing in the cluster judges `require experiment.confirmed-in(staging, within: 14d)`"),
            "{flat}"
        );
        assert_eq!(flat.contains("nothing in the cluster looks at the hours of policy `careful`"), engine == "litmus");
        let strict = compile(engine, &["--strict"]);
        assert_eq!((strict.code, strict.out.as_str()), (1, ""), "{engine}: {}", strict.err);
        assert!(strict.err.contains("error P0710"), "{engine}: {}", strict.err);
        let report = compile(engine, &["--report"]).err;
        assert!(!report.contains("perturb run"), "{engine}: {report}");
        assert!(report.contains("\n  approval: nobody in the cluster"), "{engine}: {report}");
    }
}

#[test]
fn it_is_said_where_the_policy_stands_in_a_file_that_nothing_imports() {
    let text = restricted();
    let (experiment, policy) = text.split_at(text.find("policy careful").unwrap());
    let policy = format!("import \"clean.chaos\".{{shop-team, test}}\n{policy}");
    let dir = folder(&[
        ("clean.chaos", &experiment.replace("  environments: [test, staging]\n", "")),
        ("policy.chaos", &policy),
        ("perturb.toml", ""),
    ]);
    let said = run(dir.path(), &["compile", "clean.chaos", "--engine", "litmus", "--in", "test"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert_eq!(said.err.matches("warning P0711").count(), 3, "{}", said.err);
    assert_eq!(
        run(dir.path(), &["compile", "clean.chaos", "--engine", "chaos-mesh", "--in", "test", "--strict"]).code,
        1
    );
}

#[test]
fn the_report_says_how_fast_a_guard_acts() {
    let dir = folder(&[("clean.chaos", CLEAN)]);
    let said = run(dir.path(), &["compile", "clean.chaos", "--engine", "chaos-mesh", "--report"]).err;
    assert!(said.contains("  times: the baseline at most "), "{said}");
    let guard = said.lines().find(|line| line.starts_with("  guard 1: ")).unwrap_or_else(|| panic!("{said}"));
    for part in [
        "all faults are undone at most ",
        "window 15s",
        "the gate's evaluation 1s",
        "undo ",
        "where the gate itself dies",
    ] {
        assert!(guard.contains(part), "{part}: {guard}");
    }
    assert!(!run(dir.path(), &["compile", "clean.chaos", "--engine", "chaos-mesh"]).err.contains("guard 1"));
}

#[test]
fn what_holds_of_every_experiment_is_said_once() {
    let other = CLEAN.replace("experiment shop-holds", "experiment other");
    let second = &other[other.find("experiment other").unwrap()..];
    let dir = folder(&[("clean.chaos", &format!("{CLEAN}\n{second}"))]);
    let said = run(dir.path(), &["compile", "clean.chaos", "--engine", "chaos-mesh", "--report"]).err;
    assert!(!said.contains("exactly as written"), "{said}");
    assert_eq!(said.matches("every experiment of Chaos Mesh:\n").count(), 1, "{said}");
    for line in perturb::engine::chaos_mesh::ALWAYS {
        assert_eq!(said.matches(&format!("  always: {line}\n")).count(), 1, "{said}");
    }
    let without = run(dir.path(), &["compile", "clean.chaos", "--engine", "chaos-mesh"]).err;
    assert!(!without.contains("always:"), "{without}");
}

const DRAWN: &str = r##"
import std.{network}
team core { contact: "#core" }
service s { owner: core, tier: low, replicas: 4, pods: pods(namespace: "n", labels: { app: "s" }) }
metric up(): Percent { prometheus: "up", unit: ratio }
cluster a-1 { context: "a-1", engines: [chaos-mesh, litmus], prometheus: "http://prom.obs.svc:9090" }
cluster b-1 { context: "b-1", engines: [chaos-mesh, litmus], prometheus: "http://prom.obs.svc:9090" }
environment live { clusters: [a-1, b-1] }
experiment holds {
  service: s
  hypothesis { expect well: up() >= 99%, recovery automatic within 2m }
  guard { abort when up() < 90% }
  method { network.delay(one of s.pods, latency: 100ms) for 1m }
}
verify weekly {
  in: one of live.clusters
  every "0 10 * * tue" in "Asia/Jakarta"
  run holds
}
"##;

/// Perturb draws for each run; a schedule in each cluster starts in all of them.
#[test]
fn a_draw_of_clusters_is_said_to_be_nobodys() {
    for (text, is_said) in [(DRAWN.to_owned(), true), (DRAWN.replace("in: one of", "in: all of"), false)] {
        let dir = folder(&[("drawn.chaos", &text)]);
        for engine in ["chaos-mesh", "litmus"] {
            let arguments =
                ["compile", ".", "--engine", engine, "--in", "live/a-1", "--only", "weekly-holds", "--report"];
            let said = run(dir.path(), &arguments);
            let report =
                said.err.lines().any(|l| l.starts_with("  clusters: nothing in a cluster draws `one of 2 clusters`"));
            assert_eq!((said.code, report), (0, is_said), "{engine}: {}", said.err);
        }
    }
}

#[test]
fn signers_of_nobody_are_found() {
    let dir = folder(&[
        ("clean.chaos", CLEAN),
        ("perturb.toml", "[approvals]\nshop-taem = \"approvers\"\nshop-team = \"aprovers\"\n"),
        ("approvers", ""),
    ]);
    let said = run(dir.path(), &["check"]);
    let text = format!("{}{}", said.out, said.err);
    assert_eq!(said.code, 1, "{text}");
    assert!(text.contains("error P0707") && text.contains("did you mean `shop-team`?"), "{text}");
    assert!(text.contains("error P0708") && text.contains("there is no file `aprovers`"), "{text}");
}

#[test]
fn an_image_that_is_none_is_refused_before_it_is_applied() {
    let dir = folder(&[("clean.chaos", CLEAN)]);
    let compile =
        |more: &[&str]| run(dir.path(), &[&["compile", "clean.chaos", "--engine", "chaos-mesh"], more].concat());
    let refused = compile(&["--gate-image", "bad image!"]);
    assert_eq!((refused.code, refused.out.as_str()), (2, ""), "{}", refused.err);
    assert!(refused.err.contains("`bad image!`, given by `--gate-image`, is no name of an image"), "{}", refused.err);
    let taken = compile(&["--gate-image", "registry.example:5000/team/perturb:1.2.3"]);
    assert_eq!(taken.code, 0, "{}", taken.err);
    assert!(taken.out.contains("registry.example:5000/team/perturb:1.2.3"));
    fs::write(dir.path().join("perturb.toml"), "[compile]\ngate-image = \"Bad\"\n").unwrap();
    let refused = compile(&[]);
    assert_eq!(refused.code, 2, "{}", refused.err);
    assert!(refused.err.contains("`gate-image` of perturb.toml"), "{}", refused.err);
}

/// Two experiments that may run in one environment each.
fn apart() -> String {
    let second = CLEAN[CLEAN.find("experiment shop-holds").unwrap()..]
        .replace("shop-holds", "shop-stands")
        .replace("  service: shop\n", "  service: shop\n  environments: [other]\n");
    let first = CLEAN.replace("  service: shop\n\n", "  service: shop\n  environments: [test]\n\n");
    let place = "cluster other-1 { context: \"o\", engines: [chaos-mesh], prometheus: \"https://metrics.example\" }\nenvironment other { clusters: [other-1] }\n";
    format!("{first}\n{place}\n{second}")
}

#[test]
fn of_experiments_of_several_places_those_of_one_are_run() {
    let dir = folder(&[("two.chaos", &apart())]);
    let said = |arguments: &[&str]| {
        let ran = run(dir.path(), arguments);
        (ran.code, ran.err)
    };
    let (code, err) = said(&["run", "two.chaos", "--in", "other", "--experiment", "shop-holds"]);
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("`shop-holds` may not run at other"), "{err}");
    assert!(err.contains("`shop-holds` at test/test-1"), "{err}");
    let (code, err) = said(&["run", "two.chaos", "--in", "nowhere"]);
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("there is no environment `nowhere`") && err.contains("other, test"), "{err}");
    for (place, left_out) in [("test", "shop-stands"), ("other", "shop-holds")] {
        // No engine of these clusters can be driven, which is another story: both are found.
        let (_, err) = said(&["run", "two.chaos", "--in", place]);
        assert!(!err.contains("there is no environment"), "{err}");
        assert!(err.contains(&format!("note: left out, as they may not run at {place}: {left_out}\n")), "{err}");
    }
    fs::write(dir.path().join("a.cases"), "case at-the-wrong-place for shop-holds in other\n  expect confirmed\n")
        .unwrap();
    let (_, err) = said(&["test", "."]);
    assert!(!err.contains("there is no environment"), "{err}");
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn one_experiment_leaves_the_files_of_the_others() {
    let two = format!(
        "{CLEAN}\n{}",
        CLEAN[CLEAN.find("experiment shop-holds").unwrap()..].replace("shop-holds", "shop-stands")
    );
    let dir = folder(&[("two.chaos", &two)]);
    let compile = |more: &[&str]| {
        run(dir.path(), &[&["compile", "two.chaos", "--engine", "chaos-mesh", "-o", "out"], more].concat())
    };
    assert_eq!(compile(&[]).code, 0);
    let out = dir.path().join("out");
    let list = fs::read_to_string(out.join(".perturb")).unwrap();
    let only = compile(&["--only", "shop-holds"]);
    assert_eq!(only.code, 0, "{}", only.err);
    assert!(only.err.contains("0 written, 0 removed, 1 unchanged"), "{}", only.err);
    assert_eq!(names(&out), [".perturb", "shop-holds.yaml", "shop-stands.yaml"]);
    assert_eq!(fs::read_to_string(out.join(".perturb")).unwrap(), list);
    assert_eq!(compile(&["--check"]).code, 0);

    fs::write(dir.path().join("two.chaos"), two.replace("latency: 200ms", "latency: 300ms")).unwrap();
    assert_eq!(compile(&["--check", "--only", "shop-holds"]).code, 1);
    assert_eq!(compile(&["--only", "shop-holds"]).code, 0);
    assert_eq!(compile(&["--check", "--only", "shop-holds"]).code, 0);
    let check = compile(&["--check"]);
    assert_eq!((check.code, check.out.contains("changed: shop-stands.yaml")), (1, true), "{}", check.out);
    // The whole project again: what is no experiment any more goes.
    fs::write(dir.path().join("two.chaos"), CLEAN).unwrap();
    assert_eq!(compile(&[]).code, 0);
    assert_eq!(names(&out), [".perturb", "shop-holds.yaml"]);
}

/// What the plan's sentences and `check` say of each engine against what the engine does, for every example at every place and
/// every use of every fault of the library.
#[test]
fn a_plan_says_which_engine_takes_it() {
    let files = chaos_files("examples");
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let (_, of_the_library) = crate::uses::uses();
    let (mut taken, mut refused, mut run) = (0, 0, 0);
    for planned in compile(&files).plans.into_iter().chain(of_the_library.plans) {
        let Some(plan) = planned.plan else { continue };
        let told = tell(&plan, &native::natives(&plan)).to_text(100);
        let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
        let what = format!("{} at {}: {told}", plan.name, plan.place);
        let mut takes_any = false;
        for engine in EngineName::NATIVE {
            let (options, arena) = (EmitOptions::default(), Arena::new());
            let mut documents = 0;
            let mut sink = |_: &Node<'_>| documents += 1;
            let report = match engine {
                EngineName::ChaosMesh => chaos_mesh::emit(&plan, &options, &arena, &mut sink),
                _ => litmus::emit(&plan, &options, &arena, &mut sink),
            };
            let takes = !report.diagnostics.iter().any(Diagnostic::is_error);
            assert_eq!(takes, documents > 0, "{engine}: {what}");
            assert_eq!(told.contains(&format!("(`--engine {engine}`)")), takes, "{engine}: {what}");
            takes_any |= takes;
            *if takes { &mut taken } else { &mut refused } += 1;
        }
        let runs = runs_here(&plan);
        run += usize::from(runs);
        assert_eq!(told.contains("`perturb run` holds it here"), runs, "{what}");
        let nothing = !takes_any && !runs;
        assert_eq!(told.contains("nothing can hold it here"), nothing, "{what}");
        let found = native::judged(&plan);
        let says = found.iter().any(|d| matches!(d.code, Code::TWO_ENGINES | Code::NOTHING_HOLDS));
        let is_wrong = found.iter().any(Diagnostic::is_error);
        assert!(is_wrong || says == nothing, "{what}: {found:?}");
    }
    assert!(taken > 100 && refused > 100 && run > 20, "{taken} taken, {refused} refused, {run} run here");
}

/// A service that names no `container`: whoever reads the plan or the report learns which one is hit, and `--strict` wants it named.
#[test]
fn which_container_is_hit_is_said_where_nobody_names_it() {
    let text = r##"
import std.{stress, network}
team a { contact: "#a" }
service s { owner: a, tier: low, pods: pods(namespace: "n", labels: { app: "s" }) }
metric good(): Bool { prometheus: "max(up)" }
cluster c { context: "c", engines: [chaos-mesh, litmus], prometheus: "https://p.example" }
environment e { clusters: [c] }
experiment eats {
  service: s
  hypothesis { expect fine: good(), recovery automatic within 1m }
  guard { abort when not good() }
  method {
    stress.memory(one of s.pods, size: 100MiB) for 1m
    network.delay(one of s.pods, latency: 100ms) for 1m
  }
}
"##;
    let named = text.replace("tier: low,", "tier: low, container: \"app\",");
    let said =
        "the service `s` names no `container`, so ENGINE puts `stress.memory` into the first container of each pod";
    for (engine, title) in [("chaos-mesh", "Chaos Mesh"), ("litmus", "Litmus")] {
        let said = said.replace("ENGINE", title);
        for (text, is_said) in [(text, true), (named.as_str(), false)] {
            let dir = folder(&[("a.chaos", text)]);
            let report = run(dir.path(), &["compile", ".", "--engine", engine, "--report"]);
            assert_eq!((report.code, report.err.contains(&said)), (0, is_said), "{}", report.err);
            let strict = run(dir.path(), &["compile", ".", "--engine", engine, "--strict"]);
            let strict = strict.err.replace("│", "").split_whitespace().collect::<Vec<_>>().join(" ");
            assert_eq!(strict.contains(&said), is_said, "{strict}");
            assert!(!strict.contains("puts `network.delay`"), "{strict}");
            let plan = run(dir.path(), &["plan", "a.chaos"]).out.split_whitespace().collect::<Vec<_>>().join(" ");
            assert_eq!(plan.contains(&said), is_said, "{plan}");
        }
    }
}

#[test]
fn an_experiment_is_chosen_by_either_name_and_a_plan_is_of_the_project() {
    let dir = folder(&[("clean.chaos", CLEAN)]);
    for flag in ["--only", "--experiment"] {
        for command in [&["compile", ".", "--engine", "chaos-mesh"][..], &["plan"], &["plan", "clean.chaos"]] {
            let ran = run(dir.path(), &[command, &[flag, "shop-holds"]].concat());
            assert_eq!((ran.code, ran.out.contains("shop-holds")), (0, true), "{command:?} {flag}: {}", ran.err);
            let none = run(dir.path(), &[command, &[flag, "nobody"]].concat());
            assert_eq!(none.code, 2, "{command:?} {flag}: {}", none.err);
        }
    }
    let all = run(dir.path(), &["plan"]);
    assert_eq!((all.code, all.out.contains("shop-holds")), (0, true), "{}", all.err);
    let empty = folder(&[("perturb.toml", ""), ("a.chaos", "let half = 50%\n")]);
    let none = run(empty.path(), &["plan"]);
    assert!(none.err.contains("the project has no experiment"), "{}", none.err);
}

#[test]
fn a_cluster_that_does_not_run_litmus_gets_none_of_its_objects() {
    let text = CLEAN.replace("litmus, ", "").replace(", litmus", "");
    let dir = folder(&[("clean.chaos", text.as_str())]);
    let ran = run(dir.path(), &["compile", ".", "--engine", "litmus"]);
    assert_eq!((ran.code, ran.out.as_str()), (1, ""));
    assert!(ran.err.contains("error P0657"), "{}", ran.err);
}
