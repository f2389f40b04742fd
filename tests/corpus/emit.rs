//! `emit/CASE/`: sources, and what `perturb compile` makes of them for each engine.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use libtest_mimic::{Failed, Trial};

use crate::cases::root;

const ENGINES: [&str; 2] = ["chaos-mesh", "litmus"];

/// One test a folder.
pub fn trials() -> Vec<Trial> {
    let mut folders: Vec<PathBuf> = std::fs::read_dir(root().join("tests/corpus/emit"))
        .into_iter()
        .flatten()
        .map(|entry| entry.expect("a listed folder").path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    folders
        .into_iter()
        .map(|path| {
            let name = path.file_name().expect("a listed folder has a name").to_string_lossy().into_owned();
            Trial::test(format!("emit/{name}"), move || case(&path))
        })
        .collect()
}

fn case(folder: &Path) -> Result<(), Failed> {
    let options = std::fs::read_to_string(folder.join("options.txt")).unwrap_or_default();
    let mut report = String::new();
    let mut wrong = String::new();
    for engine in ENGINES {
        let output = Command::new(env!("CARGO_BIN_EXE_perturb"))
            .current_dir(folder)
            .args(["compile", ".", "--engine", engine, "-o", "-", "--report", "--color", "never"])
            .args(options.split_whitespace())
            .env("TERM", "xterm")
            .output()?;
        let said = String::from_utf8(output.stderr)?;
        let _ = writeln!(report, "# {engine}: exit {}\n{said}", output.status.code().unwrap_or(-1));
        hold(&folder.join(format!("{engine}.yaml")), &String::from_utf8(output.stdout)?, &mut wrong)?;
    }
    hold(&folder.join("report.txt"), &report, &mut wrong)?;
    if wrong.is_empty() { Ok(()) } else { Err(wrong.into()) }
}

/// Holds a file against what it should be; an empty text is no file. `PERTURB_BLESS=1` writes.
fn hold(path: &Path, text: &str, wrong: &mut String) -> std::io::Result<()> {
    let now = std::fs::read_to_string(path).unwrap_or_default();
    if now == text {
        return Ok(());
    }
    if std::env::var_os("PERTURB_BLESS").is_some() {
        return if text.is_empty() { std::fs::remove_file(path) } else { std::fs::write(path, text) };
    }
    let _ = writeln!(wrong, "{} should be\n{text}\nand is\n{now}\n(PERTURB_BLESS=1 rewrites it)", path.display());
    Ok(())
}
