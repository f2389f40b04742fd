//! Reads a project: the roots, all that they import, and the modules of the standard library that they use.
//!
//! Comes in: paths. Goes out: files as data, in an order that does not depend on the order of the roots, with what every
//! import means. A file is read once; a cycle of files is an error.

use std::collections::BTreeMap;

use rayon::prelude::*;
use smol_str::SmolStr;

use super::build::build;
use super::program::{File, Import, ImportFrom};
use super::stdlib::{self, Library};
use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::source::{FileId, SourceMap, Sources};
use crate::syntax;

/// A file of the program.
#[derive(Debug)]
pub struct Loaded {
    /// Its path as people know it; `std/network.chaos` for a module of the standard library.
    pub path: SmolStr,
    /// What it says.
    pub file: File,
    /// Whether it was asked for, rather than only imported: then what should be said elsewhere in the project is known.
    pub is_root: bool,
    /// For each import, the file that it names (an index into the program's files).
    pub imports: Vec<Option<Imported>>,
}

/// What an import names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Imported {
    /// A file: all of it is behind the name.
    File(usize),
    /// `std` itself: its modules are behind the names.
    Std,
}

impl Loaded {
    /// Whether it is part of the standard library.
    #[must_use]
    pub fn is_std(&self) -> bool {
        self.path.starts_with(stdlib::PREFIX)
    }
}

/// What was read.
pub struct Read {
    /// Sorted by path, the standard library last.
    pub files: Vec<Loaded>,
    /// The texts.
    pub sources: SourceMap,
    /// How much of the library was read; never less than was asked for.
    pub library: Library,
    /// What was found.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads the roots and everything behind them.
pub fn load(sources: &dyn Sources, roots: &[String], library: Library) -> Read {
    let mut wanted: Vec<String> = roots.iter().map(|p| normalize(p)).collect();
    wanted.sort();
    wanted.dedup();
    let mut loader = Loader {
        sources,
        library,
        roots: wanted.clone(),
        map: SourceMap::default(),
        found: BTreeMap::new(),
        diagnostics: Vec::new(),
    };
    // The library comes last: what is meant of it stands in the project's texts.
    let mut modules = Vec::new();
    while !wanted.is_empty() {
        let (std, own): (Vec<_>, Vec<_>) =
            loader.read_all(&wanted).into_iter().partition(|path| stdlib::is_module(path));
        modules.extend(std);
        wanted = own;
    }
    // Looking for every name in a large project takes longer than reading all modules.
    if loader.map.iter().map(|(_, file)| file.text.len()).sum::<usize>() > SMALL {
        loader.library = Library::Whole;
    }
    modules.sort();
    modules.dedup();
    loader.read_all(&modules);
    loader.finish()
}

/// Texts below this together are a small project: read on one thread, as starting the others takes longer, and worth to be
/// searched for what they mean of the library.
const SMALL: usize = 64 * 1024;

struct Loader<'s> {
    sources: &'s dyn Sources,
    library: Library,
    /// Sorted.
    roots: Vec<String>,
    map: SourceMap,
    found: BTreeMap<Key, File>,
    diagnostics: Vec<Diagnostic>,
}

/// Project files come first, then the standard library; by path within each.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    std: bool,
    path: SmolStr,
}

impl Key {
    fn of(path: &str) -> Self {
        Self { std: path.starts_with(stdlib::PREFIX), path: path.into() }
    }
}

impl Loader<'_> {
    /// Reads these files and returns the paths that they import and that are not read yet.
    fn read_all(&mut self, wanted: &[String]) -> Vec<String> {
        let mut texts = Vec::new();
        for path in wanted {
            if let Some(pair) = self.read(path) {
                texts.push(pair);
            }
        }
        let map = &self.map;
        let parse = |id: &FileId| {
            let text = &map.file(*id).text;
            let parse = syntax::parse(*id, text);
            let (file, mut more) = build(*id, &parse);
            let mut diagnostics = parse.diagnostics;
            diagnostics.append(&mut more);
            (file, diagnostics)
        };
        let size: usize = texts.iter().map(|id| map.file(*id).text.len()).sum();
        let parsed: Vec<(File, Vec<Diagnostic>)> = if texts.len() > 1 && size > SMALL {
            texts.par_iter().map(parse).collect()
        } else {
            texts.iter().map(parse).collect()
        };
        let mut next = Vec::new();
        for (file, mut diagnostics) in parsed {
            self.diagnostics.append(&mut diagnostics);
            let path = SmolStr::from(&*self.map.file(file.id).path);
            next.extend(file.imports.iter().flat_map(|import| self.targets(&path, import)));
            self.found.insert(Key::of(&path), file);
        }
        next.retain(|path| !self.found.contains_key(&Key::of(path)));
        next.sort();
        next.dedup();
        next
    }

    fn read(&mut self, path: &str) -> Option<FileId> {
        if let Some(text) = stdlib::module_text(path) {
            return Some(match self.library {
                Library::Whole => self.map.add(path, text),
                Library::Mentioned => self.map.add(path, stdlib::mentioned(text, |name| self.mentions(name))),
            });
        }
        // An import that names no file is reported where it stands, when imports are resolved; a root that names no file
        // is the caller's to report.
        let bytes = self.sources.read(path).ok()?;
        let id = FileId(self.map.iter().count() as u32);
        let (text, mut diagnostics) = syntax::decode(id, &bytes);
        self.diagnostics.append(&mut diagnostics);
        Some(self.map.add(path, text))
    }

    /// Whether any text that was read has this word.
    fn mentions(&self, name: &str) -> bool {
        self.map.iter().any(|(_, file)| stdlib::mentions(&file.text, name))
    }

    /// The paths that an import needs.
    fn targets(&self, importer: &str, import: &Import) -> Vec<String> {
        match &import.from {
            ImportFrom::File(path, _) => vec![relative(importer, path)],
            ImportFrom::Std(path) => {
                let names: Vec<&str> = path.names.iter().map(|n| n.text.as_str()).collect();
                match (names.as_slice(), &import.take) {
                    (["std", module, ..], _) => vec![stdlib::module_path(module)],
                    (["std"], super::program::ImportTake::Names(names)) => {
                        names.iter().map(|n| stdlib::module_path(&n.text)).collect()
                    }
                    (["std"], super::program::ImportTake::Whole(_)) => {
                        stdlib::modules().map(stdlib::module_path).collect()
                    }
                    _ => vec![],
                }
            }
        }
        .into_iter()
        .filter(|path| !path.starts_with(stdlib::PREFIX) || stdlib::module_text(path).is_some())
        .collect()
    }

    fn finish(mut self) -> Read {
        let keys: Vec<Key> = self.found.keys().cloned().collect();
        let index = |path: &str| keys.binary_search(&Key::of(path)).ok();
        let mut files = Vec::new();
        for (key, file) in std::mem::take(&mut self.found) {
            let imports = file
                .imports
                .iter()
                .map(|import| resolve_import(&key.path, import, &index, self.sources, &mut self.diagnostics))
                .collect();
            let is_root = self.roots.binary_search_by(|root| root.as_str().cmp(&key.path)).is_ok();
            files.push(Loaded { path: key.path, file, is_root, imports });
        }
        find_cycles(&files, &mut self.diagnostics);
        Read { files, sources: self.map, library: self.library, diagnostics: self.diagnostics }
    }
}

fn resolve_import(
    importer: &str,
    import: &Import,
    index: &impl Fn(&str) -> Option<usize>,
    sources: &dyn Sources,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Imported> {
    match &import.from {
        ImportFrom::File(written, span) => {
            let path = relative(importer, written);
            if let Some(found) = index(&path) {
                return Some(Imported::File(found));
            }
            let mut diagnostic = Diagnostic::new(Code::UNKNOWN_FILE, *span, format!("there is no file `{path}`"))
                .label("imported here")
                .help("an import names a file relative to the one that imports it");
            // Listing a folder takes time, so it is done only to help with a mistake.
            let known = sources.list();
            if let Some(near) = nearest(&path, known.iter().map(String::as_str)) {
                diagnostic = diagnostic.choice(
                    format!("did you mean `{near}`?"),
                    *span,
                    format!("{:?}", relative_to(importer, near)),
                );
            }
            diagnostics.push(diagnostic);
            None
        }
        ImportFrom::Std(path) => {
            let names: Vec<&str> = path.names.iter().map(|n| n.text.as_str()).collect();
            match names.as_slice() {
                ["std"] => Some(Imported::Std),
                ["std", module] => {
                    let found = index(&stdlib::module_path(module));
                    if found.is_none() {
                        // The path has two names here.
                        if let Some(name) = path.names.last() {
                            diagnostics.push(unknown_module(&name.text, name.span));
                        }
                    }
                    found.map(Imported::File)
                }
                _ => {
                    diagnostics.push(
                        Diagnostic::new(
                            Code::UNKNOWN_FILE,
                            path.span,
                            format!("`{}` is not a module of the standard library", path.text()),
                        )
                        .help("write `import std.{network, probe}`, or a file's name in quotes"),
                    );
                    None
                }
            }
        }
    }
}

/// A module of `std` that does not exist.
pub fn unknown_module(name: &str, span: crate::source::Span) -> Diagnostic {
    let diagnostic = Diagnostic::new(Code::UNKNOWN_FILE, span, format!("the standard library has no module `{name}`"))
        .help(format!("its modules are {}", stdlib::modules().collect::<Vec<_>>().join(", ")));
    match nearest(name, stdlib::modules()) {
        Some(near) => diagnostic.choice(format!("did you mean `{near}`?"), span, near),
        None => diagnostic,
    }
}

/// Reports each cycle of files once, at the import that closes it.
fn find_cycles(files: &[Loaded], diagnostics: &mut Vec<Diagnostic>) {
    #[derive(Clone, Copy, PartialEq)]
    enum State {
        New,
        Open,
        Done,
    }
    fn visit(at: usize, files: &[Loaded], state: &mut [State], trail: &mut Vec<usize>, out: &mut Vec<Diagnostic>) {
        state[at] = State::Open;
        trail.push(at);
        for (import, target) in files[at].file.imports.iter().zip(&files[at].imports) {
            let Some(Imported::File(next)) = *target else { continue };
            match state[next] {
                State::New => visit(next, files, state, trail, out),
                State::Open => {
                    let from = trail.iter().position(|f| *f == next).unwrap_or(0);
                    let mut round: Vec<&str> = trail[from..].iter().map(|f| files[*f].path.as_str()).collect();
                    round.push(&files[next].path);
                    out.push(
                        Diagnostic::new(
                            Code::IMPORT_CYCLE,
                            import.span,
                            format!("files import each other in a ring: {}", round.join(" → ")),
                        )
                        .label("this import closes the ring")
                        .why("what a file means would depend on itself")
                        .help("move what both need into a third file"),
                    );
                }
                State::Done => {}
            }
        }
        trail.pop();
        state[at] = State::Done;
    }
    // Indices come from the files themselves, so they are in range; depth is bounded by the number of files.
    let mut state = vec![State::New; files.len()];
    for at in 0..files.len() {
        if state[at] == State::New {
            visit(at, files, &mut state, &mut Vec::new(), diagnostics);
        }
    }
}

/// Where `path`, written in `importer`, points: both with `/`, relative to the project.
fn relative(importer: &str, path: &str) -> String {
    let folder = importer.rsplit_once('/').map_or("", |(folder, _)| folder);
    normalize(&if folder.is_empty() { path.to_owned() } else { format!("{folder}/{path}") })
}

/// How `importer` would write `path`.
fn relative_to(importer: &str, path: &str) -> String {
    let folder = importer.rsplit_once('/').map_or("", |(folder, _)| folder);
    match path.strip_prefix(folder).and_then(|p| p.strip_prefix('/')) {
        Some(inside) => inside.to_owned(),
        None if folder.is_empty() => path.to_owned(),
        None => format!("{}{path}", "../".repeat(folder.split('/').count())),
    }
}

/// Without `.` and, where possible, without `..`.
fn normalize(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|p| *p != "..") => {
                parts.pop();
            }
            other => parts.push(other),
        }
    }
    let joined = parts.join("/");
    if path.starts_with('/') { format!("/{joined}") } else { joined }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_relative_to_the_importer() {
        assert_eq!(relative("a/b.chaos", "c.chaos"), "a/c.chaos");
        assert_eq!(relative("a/b.chaos", "../c.chaos"), "c.chaos");
        assert_eq!(relative("b.chaos", "./c.chaos"), "c.chaos");
        assert_eq!(relative_to("a/b.chaos", "c.chaos"), "../c.chaos");
        assert_eq!(normalize("../x.chaos"), "../x.chaos");
    }
}
