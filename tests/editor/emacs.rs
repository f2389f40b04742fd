//! Debian's Emacs loads the mode, compiles it without a warning, and colours and indents the examples.

use std::process::Command;

use crate::{has, root};

#[test]
fn emacs_knows_the_files() {
    if !has("emacs", "--version") {
        return;
    }
    let examples: Vec<_> = std::fs::read_dir(root().join("examples"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "chaos"))
        .collect();
    let out = Command::new("emacs")
        .args(["-Q", "--batch", "-l", "tests/editor/emacs.el"])
        .args(examples)
        .current_dir(root())
        .output()
        .unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
}
