//! What holds of every text: its tree has all of it, and no text makes the compiler panic.
//!
//! Every prefix of a file is a file that somebody is typing. Cases of the corpus are small: every prefix of theirs is taken.
//! Of the examples and the standard library those that end with a line are, as the time goes with the square of the length;
//! `tests/syntax.rs` takes every prefix of the examples through the parser.

use std::path::Path;

use libtest_mimic::{Failed, Trial};
use perturb::check::stdlib::Library;
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

/// The prefixes of a text that are tried: all of them in a case of the corpus, else those that end with a line.
fn prefixes<'t>(path: &Path, text: &'t str) -> Vec<&'t str> {
    let is_case = path.starts_with(root().join("tests/corpus"));
    let ends = text.char_indices().filter(|(_, letter)| is_case || *letter == '\n').map(|(end, _)| end);
    ends.chain([text.len()]).filter_map(|end| text.get(..end)).collect()
}

fn whole_tree(path: &Path) -> Result<(), Failed> {
    let text = std::fs::read_to_string(path)?;
    for prefix in prefixes(path, &text) {
        if syntax::parse(FileId(0), prefix).syntax().text() != prefix {
            return Err(format!("the tree of the first {} bytes does not have all of them", prefix.len()).into());
        }
    }
    Ok(())
}

fn no_panic(path: &Path) -> Result<(), Failed> {
    let text = std::fs::read_to_string(path)?;
    // A file of a project is checked with the others, whole, beside it.
    let folder = path.parent().ok_or("a file lies in a folder")?;
    let mut others = Memory::default();
    for entry in std::fs::read_dir(folder)? {
        let other = entry?.path();
        if other != path && other.extension().is_some_and(|e| e == "chaos") {
            others.insert(other.file_name().unwrap_or_default().to_string_lossy(), std::fs::read(&other)?);
        }
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let roots = [name.clone()];
    let mut sources = others;
    for prefix in prefixes(path, &text).into_iter().step_by(CHECKED_PREFIX) {
        sources.insert(name.clone(), prefix);
        // Only that it comes back. Reading the whole library each time would be nearly all of the time.
        let _ = check::check_with(&sources, &roots, Library::Mentioned);
    }
    Ok(())
}
