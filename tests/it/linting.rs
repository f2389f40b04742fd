//! `perturb lint` and `perturb fix` as people and scripts use them; `docs/lint.md` lists every rule.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use perturb::diagnostic::{Code, Severity, pages};
use serde_json::Value as Json;

use crate::support::{hold, root};

struct Ran {
    code: i32,
    out: String,
    err: String,
}

fn run(folder: &Path, arguments: &[&str]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_perturb"));
    command.current_dir(folder).args(arguments).args(["--color", "never"]).env("TERM", "xterm").stdin(Stdio::null());
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        fs::create_dir_all(folder.path().join(path).parent().unwrap()).unwrap();
        fs::write(folder.path().join(path), text).unwrap();
    }
    folder
}

fn json(folder: &Path, arguments: &[&str]) -> Json {
    let ran = run(folder, &[arguments, &["--format", "json"]].concat());
    serde_json::from_str(&ran.out).unwrap_or_else(|e| panic!("{e}: {}{}", ran.out, ran.err))
}

fn codes(folder: &Path, arguments: &[&str]) -> Vec<String> {
    let found = json(folder, arguments);
    found["diagnostics"].as_array().unwrap().iter().map(|d| d["code"].as_str().unwrap().to_owned()).collect()
}

const UNUSED: &str = "let half = 50%\n\nlet third = 33%\n";

#[test]
fn the_list_of_rules_is_whole() {
    let mut table = String::from("| code | level | finds |\n| --- | --- | --- |\n");
    for row in Code::all().iter().filter(|row| row.code.is_lint()) {
        let level = if row.severity == Severity::Error { "error" } else { "warning" };
        assert!(pages::page(row.code).is_some(), "{} has no page", row.code);
        table.push_str(&format!("| [{0}](errors/{0}.md) | {level} | {1} |\n", row.code, row.title));
    }
    hold("docs/lint.md", "rules", &table);
    let rules: Vec<Code> = perturb::lint::RULES.iter().map(|rule| rule.code).collect();
    let known: Vec<Code> = perturb::lint::codes().filter(|code| code.is_rule()).collect();
    assert_eq!(rules, known, "each code of a rule has its rule, in order");
}

#[test]
fn the_examples_and_the_library_have_no_findings() {
    for folder in ["examples", "stdlib"] {
        let ran = run(root(), &["lint", folder, "--deny-warnings"]);
        assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    }
}

#[test]
fn findings_are_warnings_until_they_are_denied() {
    let project = folder(&[("a.chaos", UNUSED)]);
    let ran = run(project.path(), &["lint"]);
    assert_eq!(ran.code, 0, "{}", ran.out);
    assert!(ran.out.contains("P0910") && ran.out.contains("2 warnings in 1 file"), "{}", ran.out);
    assert_eq!(run(project.path(), &["lint", "--deny-warnings"]).code, 1);
}

#[test]
fn settings_above_give_each_rule_its_level() {
    let project = folder(&[("perturb.toml", "[lint]\nP0910 = \"error\"\n"), ("deep/down/a.chaos", UNUSED)]);
    let below = project.path().join("deep/down");
    let ran = run(&below, &["lint", "."]);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("2 errors"), "{}", ran.out);
    fs::write(project.path().join("perturb.toml"), "[lint]\nP0910 = \"off\"\n").unwrap();
    let ran = run(&below, &["lint", "--deny-warnings"]);
    assert_eq!(ran.code, 0, "{}", ran.out);
    fs::write(project.path().join("perturb.toml"), "[lint]\nP0910 = \"of\"\n").unwrap();
    assert!(run(&below, &["lint"]).out.contains("P0703"));
}

#[test]
fn an_allow_silences_what_follows_it_or_its_line() {
    let text = "// perturb: allow(P0910) kept for the next game day\nlet half = 50%\nlet third = 33%  // perturb: allow(P0910): the same\n\
                let quarter = 25%\n";
    let project = folder(&[("a.chaos", text)]);
    assert_eq!(codes(project.path(), &["lint"]), ["P0910"]);
    // Inside of an item, too, and for several rules at once.
    let inside = "// perturb: allow(P0920, P0910) a sketch\nexperiment x {\n  service: y\n\n  method {\n    let half = 50%\n  }\n}\n";
    let project = folder(&[("a.chaos", inside)]);
    assert_eq!(codes(project.path(), &["lint"]), [""; 0]);
}

#[test]
fn an_allow_must_say_why_and_do_something() {
    for (comment, wanted) in [
        ("// perturb: allow(P0910)", vec!["P0900", "P0910"]),
        ("// perturb: allow(P0910) -", vec!["P0900", "P0910"]),
        ("// perturb: allow(P0999) so", vec!["P0902", "P0910"]),
        ("// perturb: allow(P0101) so", vec!["P0902", "P0910"]),
        ("// perturb: alow(P0910) so", vec!["P0902", "P0910"]),
        ("// perturb: allow(P0911) so", vec!["P0901", "P0910"]),
        ("// perturb: allow(P0910, P0911) so", vec!["P0901"]),
        ("// perturb: allow(p0910) so", vec![]),
    ] {
        let project = folder(&[("a.chaos", &format!("{comment}\nlet half = 50%\n"))]);
        assert_eq!(codes(project.path(), &["lint"]), wanted, "{comment}");
    }
    // A rule that is off has nothing to allow, and nothing to say.
    let text = "// perturb: allow(P0910) so\nlet half = 50%\n";
    let project = folder(&[("perturb.toml", "[lint]\nP0910 = \"off\"\n"), ("a.chaos", text)]);
    assert_eq!(codes(project.path(), &["lint"]), [""; 0]);
}

#[test]
fn names_are_used_across_files() {
    let project = folder(&[
        ("a.chaos", "let half = 50%\nlet third = 33%\n"),
        ("b.chaos", "import \"a.chaos\".{half, third}\n\nlet more = half + 1%\nlet most = more\n"),
    ]);
    let found = json(project.path(), &["lint"]);
    let said: Vec<&str> =
        found["diagnostics"].as_array().unwrap().iter().map(|d| d["message"].as_str().unwrap()).collect();
    assert_eq!(said, ["nothing in this file names `third`", "nothing names `most`"]);
    let only = json(project.path(), &["lint", "a.chaos"]);
    assert_eq!(only["diagnostics"].as_array().unwrap().len(), 0, "others are looked at, and not told");
}

#[test]
fn fixes_are_applied_until_none_is_left() {
    let project = folder(&[
        ("a.chaos", "// kept\nlet half = 50%\nlet third = half\n"),
        ("b.chaos", "import std.{pod, network, dns}\nimport \"a.chaos\".{half}\n\nlet x = pod.kill\n"),
    ]);
    let ran = run(project.path(), &["lint", "--fix"]);
    let at = |path: &str| fs::read_to_string(project.path().join(path)).unwrap();
    assert_eq!((at("a.chaos").as_str(), at("b.chaos").trim()), ("// kept\n", ""), "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("nothing found"), "{}", ran.out);
}

#[test]
fn a_link_to_a_report_that_is_gone_is_found() {
    let text = "/// See [it](pm/a.md) and [more](../b.md).\nincident pm-1 { date: 2022-03-14 }\n";
    let project = folder(&[("in/a.chaos", text), ("b.md", "")]);
    assert_eq!(codes(project.path(), &["lint"]), ["P0940"]);
    fs::create_dir_all(project.path().join("in/pm")).unwrap();
    fs::write(project.path().join("in/pm/a.md"), "").unwrap();
    assert_eq!(codes(project.path(), &["lint"]), [""; 0]);
}

#[test]
fn a_baseline_leaves_out_what_was_there() {
    let project = folder(&[("a.chaos", UNUSED)]);
    let file = ["lint", "--baseline", "known.json"];
    assert_eq!(run(project.path(), &file).code, 2, "there is none yet");
    assert_eq!(run(project.path(), &["lint", "--write-baseline"]).code, 2);
    assert_eq!(run(project.path(), &[&file[..], &["--write-baseline"]].concat()).code, 0);
    assert_eq!(run(project.path(), &[&file[..], &["--deny-warnings"]].concat()).code, 0);
    // Lines move, and one more is new.
    fs::write(project.path().join("a.chaos"), format!("// moved\n{UNUSED}let more = 1%\n")).unwrap();
    let ran = run(project.path(), &[&file[..], &["--deny-warnings"]].concat());
    assert_eq!(ran.code, 1);
    assert!(ran.out.contains("`more`") && !ran.out.contains("`half`"), "{}", ran.out);
    assert!(ran.err.contains("2 findings of before"), "{}", ran.err);
    fs::write(project.path().join("known.json"), "{").unwrap();
    let ran = run(project.path(), &file);
    assert!(ran.code == 2 && ran.err.contains("is no baseline"), "{}", ran.err);
}

#[test]
fn every_form_holds_the_findings() {
    let project = folder(&[("a.chaos", UNUSED)]);
    let sarif: Json = serde_json::from_str(&run(project.path(), &["lint", "--format", "sarif"]).out).unwrap();
    assert_eq!(sarif["runs"][0]["results"].as_array().unwrap().len(), 2);
    let github = run(project.path(), &["lint", "--format", "github"]).out;
    assert_eq!(github.lines().filter(|l| l.starts_with("::warning file=a.chaos,line=")).count(), 2, "{github}");
    let junit = run(project.path(), &["lint", "--format", "junit"]).out;
    assert!(junit.contains("tests=\"2\" failures=\"2\"") && junit.contains("line=\"3\""), "{junit}");
    // The other commands have it, too.
    assert!(run(project.path(), &["check", "--format", "junit"]).out.contains("<testsuites"));
}

#[test]
fn fix_applies_what_is_certain() {
    let text = "team a { contact = \"#a\" }\nlet unused = 5%\n";
    let project = folder(&[("a.chaos", text)]);
    let at = || fs::read_to_string(project.path().join("a.chaos")).unwrap();
    let ran = run(project.path(), &["fix", "--diff"]);
    assert_eq!((ran.code, at().as_str()), (1, text), "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("+team a { contact: \"#a\" }"), "{}", ran.out);
    let ran = run(project.path(), &["fix"]);
    assert_eq!((ran.code, at().as_str()), (0, "team a { contact: \"#a\" }\n"), "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("2 fixes in 1 file"), "{}", ran.err);
    assert_eq!(run(project.path(), &["fix", "-"]).code, 2);
}

/// Errors of a folder's case file: how many do not fit the grammar, how many in all.
fn errors(folder: &Path) -> (usize, usize) {
    let found = json(folder, &["check", "case.chaos"]);
    let errors = found["diagnostics"].as_array().unwrap().iter().filter(|d| d["severity"] == "error");
    let codes: Vec<&str> = errors.map(|d| d["code"].as_str().unwrap()).collect();
    (codes.iter().filter(|c| **c < "P0100").count(), codes.len())
}

#[test]
fn fix_makes_no_text_worse() {
    let cases = root().join("tests/corpus/check");
    let read = |name: &str| fs::read_to_string(cases.join(name)).unwrap();
    let mut names: Vec<String> =
        fs::read_dir(&cases).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| name.ends_with(".chaos") && !["catalogue.chaos", "production.chaos"].contains(&name.as_str()));
    names.retain(|name| !read(name).contains("// file: "));
    names.sort();
    // Every fifth, as each costs four processes; which differs with the corpus.
    let mut changed = 0;
    for name in names.iter().step_by(5) {
        let (catalogue, production) = (read("catalogue.chaos"), read("production.chaos"));
        let text = read(name);
        let project =
            folder(&[("case.chaos", &text), ("catalogue.chaos", &catalogue), ("production.chaos", &production)]);
        let before = errors(project.path());
        for guesses in [false, true] {
            let arguments: &[&str] = if guesses { &["fix", "case.chaos", "--guesses"] } else { &["fix", "case.chaos"] };
            let ran = run(project.path(), arguments);
            assert!(ran.code != 2, "{name}: {}", ran.err);
            let after = errors(project.path());
            assert!(after <= before, "{name}: {before:?} became {after:?}\n{}", ran.err);
        }
        changed += usize::from(fs::read_to_string(project.path().join("case.chaos")).unwrap() != text);
    }
    assert!(changed > 5, "only {changed} of the cases were changed at all");
}

/// A fix that breaks something does not hide behind others, whatever they mend.
#[test]
fn a_fix_that_breaks_something_is_left_out_and_the_others_are_not() {
    let text = "import std.{dns, http, network, pod}\nteam a { contact = \"#a\" }\nteam b { contact = \"#b\" }\n\n\
                experiment e {\n  service: x\n  hypothesis { expect well: true, recovery automatic within 2m }\n  \
                guard { abort if true }\n  method { network.delay(one of x.pods, latency: 300ms for 3m }\n}\n";
    let project = folder(&[("a.chaos", text)]);
    let before = json(project.path(), &["check"])["diagnostics"].as_array().unwrap().len();
    let ran = run(project.path(), &["fix"]);
    let after = fs::read_to_string(project.path().join("a.chaos")).unwrap();
    assert!(after.contains("contact: \"#a\"") && after.contains("contact: \"#b\""), "{after}\n{}", ran.err);
    assert!(!after.contains("when if") && !after.contains("for: 3m"), "{after}");
    // The line that cannot be read may be what needs them.
    assert!(after.starts_with("import std.{dns, http, network, pod}"), "{after}");
    assert!(json(project.path(), &["check"])["diagnostics"].as_array().unwrap().len() < before);
}
