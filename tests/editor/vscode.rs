//! VS Code's own client library and its extension, under node: the protocol as the library speaks it, the colours as the
//! editor's tokenizer finds them, the package as the official tool makes it.

use std::path::Path;
use std::process::Command;

use crate::{has, project, root};

/// Runs a script of `editors/vscode` with what it needs from npm.
fn node(script: &str, arguments: &[&str]) {
    let folder = root().join("editors/vscode");
    if !has("node", "--version") {
        return;
    }
    if !folder.join("node_modules/vscode-languageserver-protocol").is_dir() {
        let required = std::env::var("PERTURB_REQUIRE_EDITORS").is_ok_and(|value| !value.is_empty());
        assert!(!required, "editors/vscode/node_modules is not there: run `npm ci` in editors/vscode");
        eprintln!("SKIPPED: {script}: run `npm ci` in editors/vscode");
        return;
    }
    let out = Command::new("node").arg(script).args(arguments).current_dir(&folder).output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    assert!(out.status.success(), "{script}:\n{said}");
}

#[test]
fn the_client_library_of_vs_code_is_served() {
    let folder = project();
    let root: &Path = folder.path();
    node("test/client.mjs", &[env!("CARGO_BIN_EXE_perturb"), &root.display().to_string()]);
}

#[test]
fn the_colours_of_vs_code_are_right() {
    node("test/grammar.mjs", &[&root().display().to_string()]);
}

#[test]
fn the_extension_compiles_and_its_package_is_whole() {
    node("test/package.mjs", &[]);
}
