//! The command line as people and scripts use it: exit codes, forms, streams, files that are not there.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::support::{read, root};

/// One small file that is clean.
pub const CLEAN: &str = r##"
import std.{network}

team shop-team { contact: "#shop-oncall" }
service shop {
  owner: shop-team, tier: high, replicas: 4
  pods: pods(namespace: "shop", labels: { app: "shop" })
}
cluster test-1 { context: "test-1", engines: [chaos-mesh, litmus], prometheus: "https://metrics.example" }
environment test { clusters: [test-1] }

metric success-rate(of: Service, over: Duration = 1m): Percent {
  prometheus: """
    sum(rate(requests_total{app="${of.name}",code!~"5.."}[${over}]))
    / sum(rate(requests_total{app="${of.name}"}[${over}]))
  """
  unit: ratio, window: over
}

experiment shop-holds {
  service: shop

  hypothesis {
    expect success: success-rate(shop) >= 99%
    recovery automatic within 2m
  }

  guard { abort when success-rate(shop, over: 15s) < 90% }

  method { network.delay(one of shop.pods, latency: 200ms) for 5m }
}
"##;

pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

pub fn perturb(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_perturb"));
    command.current_dir(folder).env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE").env("TERM", "xterm");
    command
}

fn ran(output: Output) -> Ran {
    Ran {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

pub fn run(folder: &Path, arguments: &[&str]) -> Ran {
    ran(perturb(folder).args(arguments).stdin(Stdio::null()).output().unwrap())
}

fn run_with_input(folder: &Path, arguments: &[&str], input: &str) -> Ran {
    let mut child = perturb(folder)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    ran(child.wait_with_output().unwrap())
}

pub fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn wrong() -> String {
    CLEAN.replace("latency: 200ms", "latency: 200")
}

#[test]
fn exit_codes() {
    let dir = folder(&[("clean.chaos", CLEAN), ("wrong.chaos", &wrong())]);
    let clean = run(dir.path(), &["check", "clean.chaos"]);
    assert_eq!((clean.code, clean.out.as_str(), clean.err.as_str()), (0, "1 file, 1 experiment: clean\n", ""));
    let wrong = run(dir.path(), &["check", "wrong.chaos"]);
    assert_eq!(wrong.code, 1, "{}", wrong.err);
    assert!(wrong.out.contains("error P0202"), "{}", wrong.out);
    assert!(wrong.out.ends_with("1 error in 1 file\n"), "{}", wrong.out);
    for usage in [&["chekc"][..], &["check", "--format", "xml"], &["check", "gone.chaos"], &["explain", "P9999"], &[]] {
        let usage = run(dir.path(), usage);
        assert_eq!(usage.code, 2);
        assert_eq!(usage.out, "");
        assert!(!usage.err.is_empty());
    }
    assert_eq!(run(dir.path(), &["--version"]).out, format!("perturb {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn what_is_misspelt_is_guessed() {
    let dir = folder(&[("clean.chaos", CLEAN)]);
    let said = |arguments: &[&str]| run(dir.path(), arguments).err;
    assert_eq!(
        said(&["check", "claen.chaos"]),
        "error: cannot read `claen.chaos`: there is no such file\n help: did you mean `clean.chaos`?\n"
    );
    assert_eq!(
        said(&["plan", "clean.chaos", "--experiment", "shop-hold"]),
        "error: there is no experiment `shop-hold`\n help: did you mean `shop-holds`? there are: shop-holds\n"
    );
    assert_eq!(
        said(&["compile", "clean.chaos", "--engine", "chaos-mesh", "--in", "tets"]),
        "error: there is no environment `tets`\n help: did you mean `test`? there are: test\n"
    );
    assert!(said(&["compile", "clean.chaos", "--engine", "chaosmesh"]).contains("chaos-mesh"));
    assert!(said(&["explain", "P0102x"]).contains("did you mean `P0102`?"));
    assert!(said(&["faults", "network.dely"]).contains("did you mean `network.delay`?"));
}

#[test]
fn findings_for_machines() {
    let dir = folder(&[("wrong.chaos", &wrong())]);
    let json = run(dir.path(), &["check", "wrong.chaos", "--format", "json"]);
    assert_eq!(json.code, 1);
    let json: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    let schema: serde_json::Value = serde_json::from_str(&run(dir.path(), &["schema", "diagnostics"]).out).unwrap();
    let errors: Vec<String> =
        jsonschema::validator_for(&schema).unwrap().iter_errors(&json).map(|e| e.to_string()).collect();
    assert_eq!(errors, Vec::<String>::new());
    let first = &json["diagnostics"][0];
    assert_eq!((first["code"].as_str(), first["path"].as_str()), (Some("P0202"), Some("wrong.chaos")));
    let start = first["start"]["offset"].as_u64().unwrap() as usize;
    assert!(wrong()[start..].starts_with("200"), "{first}");

    // The rule's help is what `explain` prints.
    let explanation = run(dir.path(), &["explain", "P0202"]).out;
    let sarif = run(dir.path(), &["check", "wrong.chaos", "--format", "sarif"]);
    let sarif: serde_json::Value = serde_json::from_str(&sarif.out).unwrap();
    assert_eq!(sarif["version"], "2.1.0");
    let found = &sarif["runs"][0];
    assert_eq!(found["results"][0]["ruleId"], "P0202");
    assert_eq!(found["tool"]["driver"]["rules"][0]["id"], "P0202");
    assert_eq!(
        found["tool"]["driver"]["rules"][0]["help"]["markdown"].as_str().unwrap().trim_end(),
        explanation.trim_end_matches('\n')
    );

    let github = run(dir.path(), &["check", "wrong.chaos", "--format", "github"]);
    assert!(github.out.starts_with("::error file=wrong.chaos,line="), "{}", github.out);
    // Machines get their form even where there is nothing to say.
    let dir = folder(&[("clean.chaos", CLEAN)]);
    let clean = run(dir.path(), &["check", "--format", "json", "clean.chaos"]);
    assert_eq!(clean.code, 0);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&clean.out).unwrap()["diagnostics"], serde_json::json!([]));
}

#[test]
fn colours_are_for_terminals_and_for_who_asks() {
    let dir = folder(&[("wrong.chaos", &wrong())]);
    let colored = |text: &str| text.contains('\u{1b}');
    assert!(!colored(&run(dir.path(), &["check", "wrong.chaos"]).out));
    assert!(colored(&run(dir.path(), &["check", "wrong.chaos", "--color", "always"]).out));
    let forced = ran(perturb(dir.path()).args(["check", "wrong.chaos"]).env("CLICOLOR_FORCE", "1").output().unwrap());
    assert!(colored(&forced.out));
    let asked = ran(perturb(dir.path())
        .args(["--color", "never", "check", "wrong.chaos"])
        .env("CLICOLOR_FORCE", "1")
        .output()
        .unwrap());
    assert!(!colored(&asked.out));
    let refused = ran(perturb(dir.path()).args(["check", "wrong.chaos"]).env("NO_COLOR", "1").output().unwrap());
    assert!(!colored(&refused.out));
}

#[test]
fn standard_input() {
    let dir = folder(&[("shop/catalogue.chaos", "let answer = 42\n")]);
    assert_eq!(run_with_input(dir.path(), &["check", "-"], CLEAN).code, 0);
    let wrong = run_with_input(dir.path(), &["check", "-"], &wrong());
    assert_eq!(wrong.code, 1);
    assert!(wrong.out.contains("<stdin>:"), "{}", wrong.out);
    let text = "import \"catalogue.chaos\".{answer}\n";
    let placed = run_with_input(dir.path(), &["check", "-", "--stdin-path", "shop/new.chaos"], text);
    assert_eq!((placed.code, placed.err.as_str()), (0, ""), "{}", placed.out);
    let lost = run_with_input(dir.path(), &["check", "-"], text);
    assert_eq!(lost.code, 1, "without its path the import is not found");
    assert_eq!(run(dir.path(), &["check", "shop", "--stdin-path", "x.chaos"]).code, 2);
}

#[test]
fn folders_and_projects() {
    let dir = folder(&[
        ("shop/perturb.toml", "[project]\nname = \"shop\"\n"),
        ("shop/clean.chaos", CLEAN),
        ("shop/deep/wrong.chaos", "let x = y\n"),
        ("empty/readme.md", ""),
    ]);
    let all = run(dir.path(), &["check", "shop"]);
    assert_eq!(all.code, 1);
    assert!(all.out.contains("shop/deep/wrong.chaos:1:9"), "{}", all.out);
    let inside = run(&dir.path().join("shop/deep"), &["check"]);
    assert_eq!(inside.code, 1);
    assert!(inside.out.contains("[wrong.chaos:1:9]") || inside.out.contains("deep/wrong.chaos:1:9"), "{}", inside.out);
    let one = run(dir.path(), &["check", "shop/clean.chaos"]);
    assert_eq!(one.code, 0, "{}", one.out);
    assert!(one.err.contains("note: 1 error in 1 file of the project elsewhere"), "{}", one.err);
    let none = run(dir.path(), &["check", "empty"]);
    assert_eq!(none.code, 2);
    assert!(none.err.contains("there is no `.chaos` file in `empty`"), "{}", none.err);
    let two = folder(&[("a/perturb.toml", ""), ("a/a.chaos", ""), ("b/perturb.toml", ""), ("b/b.chaos", "")]);
    let several = run(two.path(), &["check", "a", "b"]);
    assert_eq!(several.code, 2);
    assert!(several.err.contains("of several projects"), "{}", several.err);
}

#[test]
fn mistakes_in_the_settings_are_findings() {
    let dir = folder(&[("perturb.toml", "[project]\nnmae = \"shop\"\n"), ("clean.chaos", CLEAN)]);
    let found = run(dir.path(), &["check"]);
    assert_eq!(found.code, 1);
    assert!(found.out.contains("P0702") && found.out.contains("perturb.toml:2:1"), "{}", found.out);
}

#[cfg(unix)]
#[test]
fn files_that_cannot_be_read() {
    use std::os::unix::fs::PermissionsExt;
    let dir = folder(&[("a.chaos", CLEAN), ("ring.chaos/x.chaos", "")]);
    let file = dir.path().join("a.chaos");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::read(&file).is_ok() {
        eprintln!("SKIPPED: root can read everything");
    } else {
        let found = run(dir.path(), &["check", "a.chaos"]);
        assert_eq!(found.code, 2);
        assert!(found.err.contains("permission denied"), "{}", found.err);
    }
    std::os::unix::fs::symlink("loop.chaos", dir.path().join("loop.chaos")).unwrap();
    assert_eq!(run(dir.path(), &["check", "loop.chaos"]).code, 2);
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let dir = folder(&[("wrong.chaos", &wrong())]);
    for arguments in [&["explain", "--list"][..], &["check", "wrong.chaos"], &["schema", "plan"], &["--help"]] {
        let mut child =
            perturb(dir.path()).args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{arguments:?}");
        assert!(matches!(output.status.code(), Some(0 | 1)), "{arguments:?}: {:?}", output.status);
    }
}

#[test]
fn a_new_project_is_clean_and_compiles() {
    let dir = folder(&[]);
    let made = run(dir.path(), &["init", "shop"]);
    assert_eq!(made.code, 0, "{}", made.err);
    let checked = run(dir.path(), &["check", "shop", "--deny-warnings"]);
    assert_eq!(checked.code, 0, "{}{}", checked.out, checked.err);
    for command in [&["fmt", "--check", "shop"][..], &["lint", "--deny-warnings", "shop"]] {
        let held = run(dir.path(), command);
        assert_eq!(held.code, 0, "{command:?}: {}{}", held.out, held.err);
    }
    let planned = run(dir.path(), &["plan", "shop/lost-replica.chaos"]);
    assert_eq!(planned.code, 0, "{}", planned.err);
    assert!(planned.out.contains("sha256:"), "{}", planned.out);
    for engine in ["chaos-mesh", "litmus"] {
        let compiled = run(&dir.path().join("shop"), &["compile", "--engine", engine]);
        assert_eq!(compiled.code, 0, "{engine}: {}", compiled.err);
        assert!(compiled.out.contains("apiVersion:"), "{engine}: {}", compiled.out);
    }
    let again = run(dir.path(), &["init", "shop"]);
    assert_eq!(again.code, 2);
    assert!(again.err.contains("already"), "{}", again.err);
}

#[test]
fn a_plan_can_stand_in_for_its_sources() {
    let dir = folder(&[("clean.chaos", CLEAN)]);
    let wrote = run(dir.path(), &["plan", "clean.chaos", "-o", "plan.json"]);
    assert_eq!((wrote.code, wrote.out.as_str()), (0, ""), "{}", wrote.err);
    let printed = run(dir.path(), &["plan", "clean.chaos", "--json"]);
    assert_eq!(printed.out, fs::read_to_string(dir.path().join("plan.json")).unwrap());
    let schema: serde_json::Value = serde_json::from_str(&run(dir.path(), &["schema", "plan"]).out).unwrap();
    let plan: serde_json::Value = serde_json::from_str(&printed.out).unwrap();
    let errors: Vec<String> =
        jsonschema::validator_for(&schema).unwrap().iter_errors(&plan).map(|e| e.to_string()).collect();
    assert_eq!(errors, Vec::<String>::new());

    let from_source = run(dir.path(), &["compile", "clean.chaos", "--engine", "chaos-mesh"]);
    let from_plan = run(dir.path(), &["compile", "plan.json", "--engine", "chaos-mesh"]);
    assert_eq!((from_plan.code, from_plan.out), (0, from_source.out), "{}", from_plan.err);

    let elsewhere = run(dir.path(), &["compile", "plan.json", "--engine", "chaos-mesh", "--in", "production"]);
    assert_eq!(elsewhere.code, 2);
    assert!(elsewhere.err.contains("is for test/test-1, not for production"), "{}", elsewhere.err);
    let edited = printed.out.replacen("shop-holds", "shop-falls", 1);
    fs::write(dir.path().join("plan.json"), edited).unwrap();
    let edited = run(dir.path(), &["compile", "plan.json", "--engine", "chaos-mesh"]);
    assert_eq!(edited.code, 2);
    assert!(edited.err.contains("was changed after it was made"), "{}", edited.err);
    fs::write(dir.path().join("plan.json"), "{}").unwrap();
    assert_eq!(run(dir.path(), &["compile", "plan.json", "--engine", "chaos-mesh"]).code, 2);
}

#[test]
fn output_folders() {
    let dir = folder(&[("clean.chaos", CLEAN)]);
    let compile = |more: &[&str]| {
        run(dir.path(), &[&["compile", "clean.chaos", "--engine", "chaos-mesh", "-o", "out"], more].concat())
    };
    assert_eq!(compile(&["--check"]).code, 1, "nothing is there yet");
    let wrote = compile(&[]);
    assert_eq!((wrote.code, wrote.out.as_str()), (0, ""), "{}", wrote.err);
    assert!(wrote.err.contains("`out`: 1 written, 0 removed, 0 unchanged"), "{}", wrote.err);
    let file = dir.path().join("out/shop-holds.yaml");
    let stream = run(dir.path(), &["compile", "clean.chaos", "--engine", "chaos-mesh", "-o", "-"]).out;
    assert_eq!(fs::read_to_string(&file).unwrap(), stream);
    assert_eq!(compile(&["--check"]).code, 0);
    fs::write(&file, "edited: true\n").unwrap();
    let check = compile(&["--check"]);
    assert_eq!(check.code, 1);
    assert!(check.out.contains("changed: shop-holds.yaml"), "{}", check.out);
    assert_eq!(compile(&[]).code, 2, "what was edited by hand is not overwritten");
    assert_eq!(compile(&["--force"]).code, 0);
    assert_eq!(compile(&["--check"]).code, 0);
}

#[test]
fn nothing_is_written_where_something_is_wrong() {
    let dir = folder(&[("wrong.chaos", &wrong())]);
    let streamed = run(dir.path(), &["compile", "wrong.chaos", "--engine", "chaos-mesh"]);
    assert_eq!((streamed.code, streamed.out.as_str()), (1, ""));
    assert!(streamed.err.contains("P0202"), "{}", streamed.err);
    let written = run(dir.path(), &["compile", "wrong.chaos", "--engine", "chaos-mesh", "-o", "out"]);
    assert_eq!(written.code, 1);
    assert!(!dir.path().join("out").exists());
    let planned = run(dir.path(), &["plan", "wrong.chaos", "-o", "plan.json"]);
    assert_eq!(planned.code, 1);
    assert!(!dir.path().join("plan.json").exists());
}

#[test]
fn places_are_asked_for_where_there_are_several() {
    let several = CLEAN.replace("{ clusters: [test-1] }", "{ clusters: [test-1, test-2] }").replace(
        "environment test",
        "cluster test-2 { context: \"test-2\", engines: [chaos-mesh], prometheus: \"https://metrics.example\" }\nenvironment test",
    );
    let dir = folder(&[("a.chaos", &several)]);
    let compiled = run(dir.path(), &["compile", "a.chaos", "--engine", "chaos-mesh"]);
    assert_eq!(compiled.code, 2);
    assert!(compiled.err.contains("say which: --in test/test-1, --in test/test-2"), "{}", compiled.err);
    assert_eq!(run(dir.path(), &["compile", "a.chaos", "--engine", "chaos-mesh", "--in", "test/test-2"]).code, 0);
    let planned = run(dir.path(), &["plan", "a.chaos"]);
    assert_eq!(planned.code, 0);
    assert!(planned.err.contains("this is test/test-1 (choose with --in)"), "{}", planned.err);
    fs::write(dir.path().join("perturb.toml"), "[compile]\nplace = \"test/test-2\"\n").unwrap();
    let compiled = run(dir.path(), &["compile", "a.chaos", "--engine", "chaos-mesh"]);
    assert_eq!(compiled.code, 0, "{}", compiled.err);
    assert!(run(dir.path(), &["plan", "a.chaos"]).err.contains("this is test/test-2"));
}

#[test]
fn faults_and_engines() {
    let dir = folder(&[]);
    let list = run(dir.path(), &["faults"]).out;
    assert!(list.lines().any(|l| l.starts_with("network.delay ")), "{list}");
    let one = run(dir.path(), &["faults", "network.delay"]).out;
    insta::assert_snapshot!("faults_network_delay", one);
    let module = run(dir.path(), &["faults", "pod"]).out;
    assert!(module.contains("pod.kill") && module.contains("pod.fail"), "{module}");
    insta::assert_snapshot!("engines", run(dir.path(), &["engines"]).out);
}

#[test]
fn a_fault_that_is_not_there_is_guessed() {
    let dir = folder(&[]);
    let help = |name: &str| run(dir.path(), &["faults", name]).err;
    assert!(help("delay").contains("did you mean `dns.delay` or"), "{}", help("delay"));
    assert!(help("delay").contains("`network.delay`"), "{}", help("delay"));
    assert!(help("dealy").contains("`network.delay`"), "{}", help("dealy"));
    assert!(help("network.dealy").contains("did you mean `network.delay`?"), "{}", help("network.dealy"));
    assert!(help("netwrok").contains("did you mean `network`?"), "{}", help("netwrok"));
    assert!(!help("zzzzzz").contains("did you mean"), "{}", help("zzzzzz"));
}

#[test]
fn a_name_of_megabytes_is_told_by_its_ends() {
    let dir = folder(&[("a.chaos", &format!("experiment {}\n", "x".repeat(2_000_000)))]);
    let told = run(dir.path(), &["check", "a.chaos"]);
    assert_eq!(told.code, 1);
    assert!(told.out.contains('…'), "{}", told.out);
    assert!(told.out.len() < 8_000, "{} bytes", told.out.len());
}

#[test]
fn whoever_asks_a_plan_for_json_gets_json_alone() {
    let broken = CLEAN.replace("200ms", "200");
    let dir = folder(&[("clean.chaos", CLEAN), ("broken.chaos", &broken)]);
    for form in [&["--json"][..], &["--format", "json"]] {
        let plan = run(dir.path(), &[&["plan", "clean.chaos"], form].concat());
        assert_eq!(plan.code, 0, "{}", plan.err);
        let plan: serde_json::Value = serde_json::from_str(&plan.out).expect("a plan and nothing else");
        assert_eq!(plan["name"], "shop-holds");
    }
    let refused = run(dir.path(), &["plan", "broken.chaos", "--format", "json"]);
    assert_eq!((refused.code, refused.out.as_str()), (1, ""));
    let found: serde_json::Value = serde_json::from_str(&refused.err).expect("findings and nothing else");
    assert!(found.to_string().contains("P0"), "{found}");
}

#[test]
fn explanations() {
    let dir = folder(&[]);
    assert_eq!(run(dir.path(), &["explain", "p0702"]).out, read("docs/errors/P0702.md"));
    let list = run(dir.path(), &["explain", "--list"]).out;
    assert_eq!(list.lines().count(), perturb::diagnostic::Code::all().len());
}

#[test]
fn completions_and_manual_pages() {
    let dir = folder(&[]);
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = run(dir.path(), &["completions", shell]);
        assert_eq!(script.code, 0);
        assert!(script.out.contains("perturb") && script.out.contains("compile"), "{shell}");
        // Joined with `__` in the names of functions, so that `local` gives `subcmd__local`.
        let words = script.out.replace("subcmd__local", "");
        for hidden in ["__local", "watchdog"] {
            assert!(!words.contains(hidden), "{shell} offers {hidden}");
        }
        assert!(script.out.contains("color") && script.out.contains("gate-image"), "{shell}");
    }
    assert!(run(dir.path(), &["man"]).out.contains(".TH perturb 1"));
    assert_eq!(run(dir.path(), &["man", "pages"]).code, 0);
    assert!(dir.path().join("pages/perturb-compile.1").is_file());
    for page in fs::read_dir(dir.path().join("pages")).unwrap() {
        let page = page.unwrap().path();
        let text = fs::read_to_string(&page).unwrap();
        for hidden in ["__local", "watchdog"] {
            assert!(!page.to_string_lossy().contains(hidden), "{}", page.display());
            assert!(!text.replace('\\', "").contains(&format!("perturb-{hidden}")), "{}", page.display());
        }
    }
}

#[test]
fn what_is_between_can_be_printed() {
    let dir = folder(&[("clean.chaos", CLEAN)]);
    let tree = run(dir.path(), &["debug", "tree", "clean.chaos"]);
    assert_eq!(tree.code, 0);
    assert!(tree.out.contains("shop-holds"), "{}", tree.out);
    assert!(run(dir.path(), &["debug", "program", "clean.chaos"]).out.contains("shop-holds"));
    assert!(run(dir.path(), &["debug", "plan", "clean.chaos"]).out.contains("\"shop-holds\""));
}

/// `docs/cli.md` is what `--help` prints, so it cannot drift.
#[test]
fn the_reference_is_the_help() {
    let text = perturb::cli::reference();
    let path = root().join("docs/cli.md");
    if fs::read_to_string(&path).unwrap_or_default() == text {
        return;
    }
    assert!(
        std::env::var_os("PERTURB_BLESS").is_some(),
        "docs/cli.md is not what --help prints: run with PERTURB_BLESS=1"
    );
    fs::write(path, text).unwrap();
}

/// What is written into: the plan as it is printed.
#[cfg(unix)]
mod outputs {
    use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};

    use super::*;

    fn plan_to(dir: &Path, output: &str) -> Ran {
        run(dir, &["plan", "clean.chaos", "-o", output])
    }

    #[test]
    fn what_is_no_file_is_written_into() {
        let dir = folder(&[("clean.chaos", CLEAN)]);
        let plan = run(dir.path(), &["plan", "clean.chaos", "--json"]).out;
        let made = Command::new("mkfifo").arg("pipe").current_dir(dir.path()).status().unwrap();
        assert!(made.success());
        let reader = Command::new("cat").arg("pipe").current_dir(dir.path()).stdout(Stdio::piped()).spawn().unwrap();
        let wrote = plan_to(dir.path(), "pipe");
        assert_eq!(wrote.code, 0, "{}", wrote.err);
        // Were the pipe replaced, its reader would wait for ever; so it is looked at before the reader is waited for.
        let kind = fs::symlink_metadata(dir.path().join("pipe")).unwrap().file_type();
        assert!(kind.is_fifo(), "the pipe was replaced: {kind:?}");
        assert_eq!(String::from_utf8(reader.wait_with_output().unwrap().stdout).unwrap(), plan);

        assert_eq!(plan_to(dir.path(), "/dev/stdout").out, plan);
        // A log that others wrote to: what was there stays.
        let log = dir.path().join("log");
        fs::write(&log, "before\n").unwrap();
        let file = fs::File::options().append(true).open(&log).unwrap();
        let status = perturb(dir.path()).args(["plan", "clean.chaos", "-o", "/dev/stdout"]).stdout(file).status();
        assert!(status.unwrap().success());
        assert_eq!(fs::read_to_string(&log).unwrap(), format!("before\n{plan}"));

        fs::create_dir(dir.path().join("folder")).unwrap();
        assert_eq!(plan_to(dir.path(), "folder").code, 2);
        assert!(dir.path().join("folder").is_dir());
    }

    #[test]
    fn a_link_stays_a_link() {
        let dir = folder(&[("clean.chaos", CLEAN), ("real/plan.json", "old")]);
        let plan = run(dir.path(), &["plan", "clean.chaos", "--json"]).out;
        let real = dir.path().join("real/plan.json");
        fs::set_permissions(&real, fs::Permissions::from_mode(0o600)).unwrap();
        symlink("real/plan.json", dir.path().join("link")).unwrap();
        symlink("real/new.json", dir.path().join("nowhere")).unwrap();
        symlink("circle", dir.path().join("circle")).unwrap();
        for (link, target) in [("link", "real/plan.json"), ("nowhere", "real/new.json")] {
            let wrote = plan_to(dir.path(), link);
            assert_eq!(wrote.code, 0, "{}", wrote.err);
            assert_eq!(fs::read_link(dir.path().join(link)).unwrap(), Path::new(target));
            assert_eq!(fs::read_to_string(dir.path().join(target)).unwrap(), plan);
        }
        assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(plan_to(dir.path(), "circle").code, 2);
        fs::set_permissions(&real, fs::Permissions::from_mode(0o400)).unwrap();
        let refused = plan_to(dir.path(), "link");
        assert_eq!(refused.code, 2);
        assert!(refused.err.contains("read-only"), "{}", refused.err);
        let left: Vec<_> = fs::read_dir(dir.path().join("real")).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left.len(), 2, "something was left behind: {left:?}");
    }
}
