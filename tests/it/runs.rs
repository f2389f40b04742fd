//! The commands around a run, from outside: run, runs, show, report, simulate, test, recover.

use std::path::Path;
use std::process::{Command, Output};

fn perturb(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_perturb"))
        .args(arguments)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")))
        .env("PERTURB_JOURNAL", folder.join("journal.db"))
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A run that preflight refuses (no Chaos Mesh can be driven here): its exit code is not that of success, and nothing is hidden.
#[test]
fn a_run_that_is_refused_is_not_green_and_is_written_down() {
    let folder = tempfile::tempdir().unwrap();
    let run = perturb(folder.path(), &["run", "examples/slow-dependency.chaos", "--in", "staging"]);
    assert_eq!(run.status.code(), Some(3), "{}", text(&run.stderr));
    assert!(text(&run.stdout).contains("cannot be driven from here"), "{}", text(&run.stdout));
    let listed = text(&perturb(folder.path(), &["runs", "--json"]).stdout);
    let row: serde_json::Value = serde_json::from_str(listed.trim()).unwrap();
    assert_eq!(row["verdict"], "not-run");
    let id = row["run"].as_str().unwrap();
    let shown = perturb(folder.path(), &["show", id, "--verify"]);
    assert_eq!(shown.status.code(), Some(0));
    assert!(text(&shown.stdout).contains("none changed"));
    let report = folder.path().join("report.html");
    let made = perturb(folder.path(), &["report", id, "-o", report.to_str().unwrap()]);
    assert!(made.status.success(), "{}", text(&made.stderr));
    let html = std::fs::read_to_string(&report).unwrap();
    assert!(
        html.contains("not-run")
            && html.contains("none changed")
            && !html.contains("<script")
            && !html.contains("<link")
    );
    let recovered = perturb(folder.path(), &["recover"]);
    assert_eq!((recovered.status.code(), text(&recovered.stdout).as_str()), (Some(0), "0 undone, nothing is left\n"));
}

#[test]
fn a_journal_that_was_changed_is_found_out() {
    let folder = tempfile::tempdir().unwrap();
    perturb(folder.path(), &["run", "examples/slow-dependency.chaos", "--in", "staging"]);
    let file = rusqlite::Connection::open(folder.path().join("journal.db")).unwrap();
    file.execute_batch("DROP TRIGGER lines_stay; UPDATE lines SET body = replace(body, 'not-run', 'confirmed')")
        .unwrap();
    let shown = perturb(folder.path(), &["show", "2", "--verify"]);
    assert_eq!(shown.status.code(), Some(1));
    assert!(text(&shown.stdout).contains("CHANGED at line"), "{}", text(&shown.stdout));
}

#[test]
fn events_fit_their_schema() {
    let folder = tempfile::tempdir().unwrap();
    let schema = perturb(folder.path(), &["schema", "events"]);
    let schema: serde_json::Value = serde_json::from_slice(&schema.stdout).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    let arguments = ["run", "examples/slow-dependency.chaos", "--in", "staging", "--format", "json"];
    let run = perturb(folder.path(), &arguments);
    let events = text(&run.stdout);
    assert!(events.lines().count() > 3, "{events}");
    for line in events.lines() {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(schema.is_valid(&event), "{line}");
    }
    // A dry run that is refused says so in its last event.
    let dry = perturb(folder.path(), &[&arguments[..], &["--dry"]].concat());
    assert_eq!(dry.status.code(), Some(3));
    let last: serde_json::Value = serde_json::from_str(text(&dry.stdout).lines().last().unwrap()).unwrap();
    assert!(schema.is_valid(&last), "{last}");
    assert_eq!((last["record"].as_str(), last["allowed"].as_bool()), (Some("dry-ended"), Some(false)), "{last}");
}

/// What programs read of a run that really happens: every event fits, the run that is dry injects nothing and says what it found.
#[test]
fn events_of_a_real_run_and_of_a_dry_one_fit_their_schema() {
    let folder = tempfile::tempdir().unwrap();
    let free = || std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let project = r##"
import std.{http}
team us { contact: "#us" }
service thing {
  owner: us, tier: low
  local: { a: {
    command: ["perturb", "demo", "service", "--name", "thing", "--listen", "127.0.0.1:BEHIND"]
    ready:   { http: "http://127.0.0.1:BEHIND/health" }
    address: "127.0.0.1:BEFORE", upstream: "127.0.0.1:BEHIND", port: 8080
  } }
}
metric answers(of: Service): Bool {
  http:  { url: "http://127.0.0.1:BEFORE/health", answer: ok }
  every: 200ms, timeout: 2s, patience: 8s
}
cluster laptop { engines: [local] }
environment here { clusters: [laptop] }
experiment fails {
  service:  thing
  baseline: 1s
  hypothesis {
    expect up: answers(thing) == true
    recovery automatic within 10s
  }
  guard { abort when answers(thing) == false for 1s }
  method {
    note "Now."
    http.status(all of thing.pods, code: 503, port: 8080) for 4s
  }
}
"##;
    let file = folder.path().join("p.chaos");
    std::fs::write(&file, project.replace("BEHIND", &free()).replace("BEFORE", &free())).unwrap();
    std::fs::write(folder.path().join("perturb.toml"), "[project]\nname = \"p\"\n").unwrap();
    let schema: serde_json::Value =
        serde_json::from_slice(&perturb(folder.path(), &["schema", "events"]).stdout).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    let kinds = |arguments: &[&str], code: i32| {
        let run = perturb(folder.path(), arguments);
        assert_eq!(run.status.code(), Some(code), "{}{}", text(&run.stdout), text(&run.stderr));
        let event = |line: &str| {
            let event: serde_json::Value = serde_json::from_str(line).unwrap();
            assert!(schema.is_valid(&event), "{line}");
            event["record"].as_str().unwrap().to_owned()
        };
        let told = text(&run.stdout);
        // Who reads an event need not look up what the plan's first stream is.
        let is_sample = |line: &&str| line.contains("\"record\":\"sample\"");
        assert!(told.lines().any(|line| is_sample(&line)));
        assert!(told.lines().filter(is_sample).all(|line| line.contains("\"metric\":\"answers(thing)\"")), "{told}");
        told.lines().map(event).collect::<std::collections::BTreeSet<_>>()
    };
    let path = file.to_str().unwrap();
    let dry = kinds(&["run", path, "--dry", "--format", "json"], 0);
    assert_eq!(dry.iter().map(String::as_str).collect::<Vec<_>>(), ["dry-ended", "phase", "preflight", "sample"]);
    let last = text(&perturb(folder.path(), &["run", path, "--dry", "--format", "json"]).stdout);
    assert!(last.trim_end().ends_with(r#""record":"dry-ended","allowed":true}"#), "{last}");
    let real = kinds(&["run", path, "--format", "json"], 1);
    for kind in [
        "phase",
        "preflight",
        "sample",
        "step-began",
        "step-ended",
        "note",
        "draw",
        "intent",
        "injected",
        "there",
        "refuted",
        "guard-fired",
        "ending",
        "undoing",
        "undone",
        "recovered",
        "ended",
    ] {
        assert!(real.contains(kind), "no `{kind}` among {real:?}");
    }
    // The dry run is in no journal: it was none.
    let runs = text(&perturb(folder.path(), &["runs"]).stdout);
    assert_eq!(runs.lines().count(), 1, "{runs}");
}

#[test]
fn the_example_cases_hold_and_junit_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let junit = folder.path().join("junit.xml");
    let out = perturb(folder.path(), &["test", "examples", "--junit", junit.to_str().unwrap()]);
    assert_eq!(out.status.code(), Some(0), "{}", text(&out.stdout));
    assert!(text(&out.stdout).contains("8 cases, 0 failed"), "{}", text(&out.stdout));
    assert!(std::fs::read_to_string(junit).unwrap().contains("tests=\"8\" failures=\"0\""));
}

#[test]
fn a_case_that_does_not_hold_fails_and_tells_the_story() {
    let folder = tempfile::tempdir().unwrap();
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/slow-dependency.chaos");
    std::fs::create_dir(folder.path().join("p")).unwrap();
    for file in std::fs::read_dir(cases.parent().unwrap()).unwrap().flatten() {
        if file.path().extension().is_some_and(|e| e != "cases") {
            std::fs::copy(file.path(), folder.path().join("p").join(file.file_name())).unwrap();
        }
    }
    let bad = folder.path().join("p/bad.cases");
    std::fs::write(
        &bad,
        "case hopes for checkout-survives-slow-ledger\n  at 1m p99(checkout) is 3s\n  expect confirmed\n",
    )
    .unwrap();
    let out = perturb(folder.path(), &["test", bad.to_str().unwrap()]);
    let said = text(&out.stdout);
    assert_eq!(out.status.code(), Some(1), "{said}");
    assert!(said.contains("expected confirmed, and it is refuted") && said.contains("── faults ──"), "{said}");
    assert!(said.contains("network.delay is there"), "which fault, as a run says it: {said}");
    // What was over long before the run is no matter of it.
    std::fs::write(
        &bad,
        "case long-ago for checkout-survives-slow-ledger\n  at -1h p99(checkout) is 3s for 5s\n  expect confirmed\n",
    )
    .unwrap();
    let out = perturb(folder.path(), &["test", bad.to_str().unwrap()]);
    assert_eq!(out.status.code(), Some(0), "{}", text(&out.stdout));
    std::fs::write(&bad, "case x for checkout-survives-slow-ledger\n  p98(checkout) is 3s\n  expect confirmd\n")
        .unwrap();
    let out = perturb(folder.path(), &["test", bad.to_str().unwrap()]);
    assert_eq!(out.status.code(), Some(2));
    let said = text(&out.stderr);
    assert!(
        said.contains("P0852") && said.contains("there is no verdict `confirmd`") && said.contains("bad.cases:3:10"),
        "{said}"
    );
    assert!(text(&out.stderr).contains("did you mean `confirmed`?"), "{}", text(&out.stderr));
    std::fs::write(&bad, "case x for checkout-survives-slow-ledger\n  p98(checkout) is 3s\n  expect confirmed\n")
        .unwrap();
    let out = perturb(folder.path(), &["test", bad.to_str().unwrap()]);
    assert!(text(&out.stderr).contains("did you mean `p99(checkout)`?"), "{}", text(&out.stderr));
}

#[test]
fn a_simulation_ends_with_its_verdict() {
    let folder = tempfile::tempdir().unwrap();
    let base = ["simulate", "examples/slow-dependency.chaos", "--in", "staging"];
    assert_eq!(perturb(folder.path(), &base).status.code(), Some(0));
    let with = |case: &str| {
        let more = ["--samples", "examples/slow-dependency.cases", "--case", case];
        perturb(folder.path(), &[&base[..], &more[..]].concat()).status.code()
    };
    assert_eq!(with("the-guard-ends-it"), Some(4));
    assert_eq!(with("too-slow"), Some(1));
    assert_eq!(with("never-well-before"), Some(3));
    assert_eq!(with("no-such-case"), Some(2));
}

#[test]
fn what_is_not_there_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let out = perturb(folder.path(), &["show", "x"]);
    assert_eq!(out.status.code(), Some(2));
    assert!(text(&out.stderr).contains("there is no journal"), "{}", text(&out.stderr));
    let out = perturb(folder.path(), &["run", "examples/nowhere.chaos"]);
    assert_eq!(out.status.code(), Some(2));
}
