//! The hooks for pre-commit: what they run, run; and on which files.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::{project, root};

fn hooks() -> Vec<Value> {
    let text = std::fs::read_to_string(root().join(".pre-commit-hooks.yaml")).unwrap();
    serde_saphyr::from_str(&text).unwrap()
}

/// Runs a hook as pre-commit does: its command, and the files that fit behind it unless it wants none.
fn run(hook: &Value, folder: &Path, files: &[&str]) -> bool {
    let mut words = hook["entry"].as_str().unwrap().split(' ');
    assert_eq!(words.next(), Some("perturb"));
    let pattern = regex::Regex::new(hook["files"].as_str().unwrap()).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_perturb"));
    command.args(words).current_dir(folder);
    if hook["pass_filenames"] != false {
        command.args(files.iter().filter(|file| pattern.is_match(file)));
    }
    command.output().unwrap().status.success()
}

#[test]
fn hooks_pass_on_what_is_right_and_fail_on_what_is_wrong() {
    let wrong = [
        ("perturb-check", "latency: 300ms", "latency: 300"),
        ("perturb-lint", "  method {", "  method { let nothing = 5m,"),
    ];
    let folder = project();
    let path = folder.path().join("slow-dependency.chaos");
    let text = std::fs::read_to_string(&path).unwrap();
    for hook in hooks() {
        let id = hook["id"].as_str().unwrap();
        for key in ["name", "description", "entry", "language", "files"] {
            assert!(hook[key].is_string(), "{id} has no {key}");
        }
        assert_eq!(hook["language"], "system");
        let files = ["slow-dependency.chaos", "perturb.toml", "README.md"];
        assert!(run(&hook, folder.path(), &files), "{id} fails on the examples");
        if let Some((_, from, to)) = wrong.iter().find(|(name, _, _)| *name == id) {
            assert!(text.contains(from));
            std::fs::write(&path, text.replace(from, to)).unwrap();
            assert!(!run(&hook, folder.path(), &files), "{id} does not see `{to}`");
        } else {
            // The one that formats: pre-commit itself fails where a hook has changed a file.
            assert_eq!(id, "perturb-fmt");
            std::fs::write(&path, text.replace("  service:", "        service:")).unwrap();
            assert!(run(&hook, folder.path(), &files));
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
        std::fs::write(&path, &text).unwrap();
    }
}

#[test]
fn hooks_look_at_the_files_that_concern_them() {
    for hook in hooks() {
        let pattern = regex::Regex::new(hook["files"].as_str().unwrap()).unwrap();
        let is_whole = hook["pass_filenames"] == false;
        assert!(pattern.is_match("a/b.chaos") && !pattern.is_match("a/b.chaos.md") && !pattern.is_match("README.md"));
        assert_eq!(pattern.is_match("perturb.toml"), is_whole);
        assert_eq!(pattern.is_match("a/perturb.toml"), is_whole);
        assert!(!pattern.is_match("a/not-perturb.toml"));
    }
}
