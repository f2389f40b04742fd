//! What editors rely on: a workspace that is edited says what a fresh one says, the server speaks its protocol, and real
//! clients understand it.

mod client;
mod emacs;
mod features;
mod hooks;
mod house;
mod incremental;
mod neovim;
mod protocol;
mod queries;
mod replay;
mod tree_sitter;
mod vscode;

use std::path::{Path, PathBuf};

/// The repository.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The `.chaos` files of a folder, sorted, with their texts.
fn chaos_files(folder: &str) -> Vec<(String, String)> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(root().join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "chaos"))
        .collect();
    paths.sort();
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    paths.iter().map(|path| (name(path), std::fs::read_to_string(path).unwrap())).collect()
}

/// The examples as a project on the disk.
fn project() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in chaos_files("examples") {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    std::fs::write(folder.path().join("perturb.toml"), "[project]\nname = \"examples\"\n").unwrap();
    folder
}

/// Whether a program is there; says loudly that a test is skipped if not. CI sets `PERTURB_REQUIRE_EDITORS`.
fn has(program: &str, argument: &str) -> bool {
    let found = std::process::Command::new(program).arg(argument).output().is_ok_and(|out| out.status.success());
    if !found {
        let required = std::env::var("PERTURB_REQUIRE_EDITORS").is_ok_and(|value| !value.is_empty());
        assert!(!required, "`{program}` is not there, and PERTURB_REQUIRE_EDITORS says that it must be");
        eprintln!("SKIPPED: `{program}` is not there");
    }
    found
}

/// The first example with its method over several lines, so that there is room to write another step.
fn with_room(text: &str) -> String {
    let fault = "network.delay(50% of ledger.pods, latency: 300ms, jitter: 50ms) for 5m";
    text.replace(&format!("  method {{ {fault} }}\n"), &format!("  method {{\n    {fault}\n  }}\n"))
}
