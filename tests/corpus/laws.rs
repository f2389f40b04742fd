//! What holds of every text: its tree has all of it, and no text makes the compiler panic.
//!
//! Every prefix of a file is a file that somebody is typing.

use std::path::PathBuf;

use libtest_mimic::{Failed, Trial};
use perturb::source::{FileId, Memory};
use perturb::{check, syntax};

use crate::cases::{files_below, root};

/// Checking is slower than parsing: only so many prefixes of a file are checked.
const CHECKED_PREFIX: usize = 7;

/// Two tests a file.
pub fn trials() -> Vec<Trial> {
    let files = ["tests/corpus", "examples", "stdlib"].map(|folder| files_below(folder, "chaos")).concat();
    let mut trials = Vec::new();
    for path in files {
        let name = path.strip_prefix(root()).expect("in the repository").display().to_string();
        let (tree, check) = (path.clone(), path);
        trials.push(Trial::test(format!("law/tree/{name}"), move || whole_tree(&tree)));
        trials.push(Trial::test(format!("law/check/{name}"), move || no_panic(&check)));
    }
    trials
}

fn prefixes(text: &str) -> impl Iterator<Item = &str> {
    text.char_indices().map(|(end, _)| end).chain([text.len()]).filter_map(|end| text.get(..end))
}

fn whole_tree(path: &PathBuf) -> Result<(), Failed> {
    let text = std::fs::read_to_string(path)?;
    for prefix in prefixes(&text) {
        if syntax::parse(FileId(0), prefix).syntax().text() != prefix {
            return Err(format!("the tree of the first {} bytes does not have all of them", prefix.len()).into());
        }
    }
    Ok(())
}

fn no_panic(path: &PathBuf) -> Result<(), Failed> {
    let text = std::fs::read_to_string(path)?;
    // A file of a project is checked with the others, whole, beside it.
    let folder = path.parent().ok_or("a file lies in a folder")?;
    let mut others = Memory::default();
    for entry in std::fs::read_dir(folder)? {
        let other = entry?.path();
        if other != *path && other.extension().is_some_and(|e| e == "chaos") {
            others.insert(other.file_name().unwrap_or_default().to_string_lossy(), std::fs::read(&other)?);
        }
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let roots = [name.clone()];
    let mut sources = others;
    for prefix in prefixes(&text).step_by(CHECKED_PREFIX) {
        sources.insert(name.clone(), prefix);
        // Only that it comes back.
        let _ = check::check(&sources, &roots);
    }
    Ok(())
}
