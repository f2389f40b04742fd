//! Files of the corpus, and what the compiler says of them.

use std::path::{Path, PathBuf};

use perturb::diagnostic::Diagnostic;
use perturb::source::SourceMap;

#[path = "../it/support.rs"]
#[allow(dead_code)]
pub mod support;

/// The repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A file's name and text.
pub type NamedText = (String, String);

/// The files of these endings below a folder of the repository, sorted; none where there is no folder.
pub fn files_below(folder: &str, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![root().join(folder)];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten() {
            let path = entry.expect("a listed file").path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|e| e == ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The files that a text holds: `// file: NAME` begins each; without such a line it is all one file of the name given.
pub fn split(name: &str, text: &str) -> Vec<NamedText> {
    let mut files: Vec<NamedText> = Vec::new();
    for line in text.split_inclusive('\n') {
        if let Some(name) = line.trim_end().strip_prefix("// file: ") {
            files.push((name.to_owned(), String::new()));
        } else {
            if files.is_empty() {
                files.push((name.to_owned(), String::new()));
            }
            files.last_mut().expect("one was pushed").1.push_str(line);
        }
    }
    // What stands before the first such line is talk, not a file.
    if files.len() > 1 && files[0].0 == name && files[0].1.lines().all(|l| l.trim().is_empty() || l.starts_with("//")) {
        files.remove(0);
    }
    files
}

/// What the compiler says of these files.
pub fn findings(files: &[NamedText]) -> (Vec<Diagnostic>, SourceMap) {
    findings_beside(files, &[])
}

/// The same, with files beside that are read only where an import names them.
pub fn findings_beside(files: &[NamedText], beside: &[NamedText]) -> (Vec<Diagnostic>, SourceMap) {
    let mut compiled = support::check_beside(&borrowed(files), &borrowed(beside));
    perturb::diagnostic::tidy(&mut compiled.diagnostics);
    (compiled.diagnostics, compiled.sources)
}

fn borrowed(files: &[NamedText]) -> Vec<(&str, &str)> {
    files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect()
}
