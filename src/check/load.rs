//! Reads a project: the roots, all that they import, and the modules of the standard library that they use.
//!
//! Comes in: paths. Goes out: files as data, in an order that does not depend on the order of the roots, with what every
//! import means. A file is read once; a cycle of files is an error.

use std::collections::BTreeMap;
use std::sync::Arc;

use rayon::prelude::*;
use smol_str::SmolStr;

use super::build::build;
use super::program::{File, Import, ImportFrom};
use super::reference::OwnTexts;
use super::stdlib::{self, Library};
use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::source::{FileId, SourceMap, Sources, Span};
use crate::syntax::{self, Parse, Prepared};

/// A file of the program.
#[derive(Debug)]
pub struct Loaded {
    /// Its path as people know it; `std/network.chaos` for a module of the standard library.
    pub path: SmolStr,
    /// Its text, which the spans of `file` lead into.
    pub text: Arc<str>,
    /// What it says.
    pub file: File,
    /// The words of its declarations, read when a digest is asked for.
    pub own_texts: OwnTexts,
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
#[derive(Debug, Default)]
pub struct Read {
    /// Sorted by path, the standard library last.
    pub files: Vec<Loaded>,
    /// The texts.
    pub sources: SourceMap,
    /// How much of the library was read; never less than was asked for.
    pub library: Library,
    /// For each file, what its text alone shows.
    pub in_text: Vec<Vec<Diagnostic>>,
    /// For each file, what is wrong with its imports.
    pub in_imports: Vec<Vec<Diagnostic>>,
}

/// A text as data, with what it alone shows.
#[derive(Debug)]
pub struct Text {
    /// What it says.
    pub file: File,
    /// What is wrong with it.
    pub found: Vec<Diagnostic>,
}

/// Reads one text.
#[must_use]
pub fn read_text(id: FileId, text: &str) -> Text {
    read_tree(id, syntax::parse(id, text))
}

/// What a parsed text says.
fn read_tree(id: FileId, parse: Parse) -> Text {
    let (file, mut more) = build(id, &parse);
    let mut found = parse.diagnostics;
    found.append(&mut more);
    Text { file, found }
}

/// Reads the roots and everything behind them. `before` is what was read before: a text that has not changed is not read
/// again, and a path keeps its id.
pub fn load(sources: &dyn Sources, roots: &[String], library: Library, before: Read) -> Read {
    let mut wanted: Vec<String> = roots.iter().map(|p| normalize(p)).collect();
    wanted.sort();
    wanted.dedup();
    let ids = before.sources.iter().map(|(id, file)| (SmolStr::from(&*file.path), id)).collect();
    let known = before.files.into_iter().zip(before.in_text);
    let mut loader = Loader {
        sources,
        library,
        roots: wanted.clone(),
        map: before.sources,
        ids,
        known: known.map(|(loaded, found)| (loaded.path.clone(), (loaded, found))).collect(),
        found: BTreeMap::new(),
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
    /// The ids that paths have in `map`.
    ids: BTreeMap<SmolStr, FileId>,
    /// What was read before, and is not asked for yet.
    known: BTreeMap<SmolStr, (Loaded, Vec<Diagnostic>)>,
    found: BTreeMap<Key, Text>,
}

/// A text that was found, before it is read.
struct Wanted {
    id: FileId,
    /// What is wrong with its bytes.
    found: Vec<Diagnostic>,
    /// The same text, as it was read before.
    known: Option<Text>,
    /// The same text, parsed when the program was built.
    prepared: Option<Prepared>,
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
        let texts: Vec<Wanted> = wanted.iter().filter_map(|path| self.read(path)).collect();
        let map = &self.map;
        let parse = |wanted: Wanted| {
            if let Some(known) = wanted.known {
                return known;
            }
            let mut text = match &wanted.prepared {
                Some(prepared) => read_tree(wanted.id, prepared.parse(wanted.id)),
                None => read_text(wanted.id, &map.file(wanted.id).text),
            };
            text.found.splice(0..0, wanted.found);
            text
        };
        let size: usize = texts.iter().filter(|t| t.known.is_none()).map(|t| map.file(t.id).text.len()).sum();
        let parsed: Vec<Text> = if texts.len() > 1 && size > SMALL {
            texts.into_par_iter().map(parse).collect()
        } else {
            texts.into_iter().map(parse).collect()
        };
        let mut next = Vec::new();
        for text in parsed {
            let path = SmolStr::from(&*self.map.file(text.file.id).path);
            next.extend(text.file.imports.iter().flat_map(|import| targets(&path, import)));
            self.found.insert(Key::of(&path), text);
        }
        next.retain(|path| !self.found.contains_key(&Key::of(path)));
        next.sort();
        next.dedup();
        next
    }

    fn read(&mut self, path: &str) -> Option<Wanted> {
        if stdlib::is_module(path) {
            let prepared = match self.library {
                Library::Whole => stdlib::whole(path),
                Library::Mentioned => stdlib::mentioned(path, self.map.iter().map(|(_, file)| &*file.text)),
            };
            if let Some(prepared) = prepared {
                let wanted = self.wanted(path, |_| (prepared.text.clone(), Vec::new()));
                return Some(Wanted { prepared: Some(prepared), ..wanted });
            }
        }
        // An import that names no file is reported where it stands, when imports are resolved; a root that names no file
        // is the caller's to report.
        let bytes = self.sources.read(path).ok()?;
        Some(self.wanted(path, |id| syntax::decode(id, &bytes)))
    }

    /// Puts a text into the map, under the id that its path has.
    fn wanted(&mut self, path: &str, decode: impl FnOnce(FileId) -> (String, Vec<Diagnostic>)) -> Wanted {
        let next = FileId(self.map.iter().count() as u32);
        let id = self.ids.get(path).copied().unwrap_or(next);
        let (text, found) = decode(id);
        let known = self.known.remove(path);
        if id == next {
            self.map.add(path, text);
            self.ids.insert(path.into(), id);
        } else if *self.map.file(id).text != *text {
            self.map.replace(id, text);
        } else if let Some((loaded, found)) = known {
            let known = Some(Text { file: loaded.file, found });
            return Wanted { id, found: Vec::new(), known, prepared: None };
        }
        Wanted { id, found, known: None, prepared: None }
    }

    fn finish(mut self) -> Read {
        let mut read = Read { library: self.library, ..Read::default() };
        for (key, text) in std::mem::take(&mut self.found) {
            let is_root = self.roots.binary_search_by(|root| root.as_str().cmp(&key.path)).is_ok();
            let own_texts = OwnTexts::new(text.file.items.len());
            let whole = self.map.file(text.file.id).text.clone();
            read.files.push(Loaded {
                path: key.path,
                text: whole,
                file: text.file,
                own_texts,
                is_root,
                imports: Vec::new(),
            });
            read.in_text.push(text.found);
        }
        let resolved: Vec<_> = (0..read.files.len()).map(|file| resolve(&read.files, file, self.sources)).collect();
        for (loaded, (imports, found)) in read.files.iter_mut().zip(resolved) {
            loaded.imports = imports;
            read.in_imports.push(found);
        }
        read.sources = self.map;
        read
    }
}

/// The file of a path: an index into files in the order in which they are loaded.
#[must_use]
pub fn find(files: &[Loaded], path: &str) -> Option<usize> {
    files.binary_search_by(|f| (f.is_std(), f.path.as_str()).cmp(&(path.starts_with(stdlib::PREFIX), path))).ok()
}

/// What the imports of one file name, and what is wrong with them.
pub fn resolve(files: &[Loaded], file: usize, sources: &dyn Sources) -> (Vec<Option<Imported>>, Vec<Diagnostic>) {
    let Some(loaded) = files.get(file) else { return (Vec::new(), Vec::new()) };
    let mut found = Vec::new();
    let index = |path: &str| find(files, path);
    let imports = loaded.file.imports.iter();
    let imports = imports.map(|import| resolve_import(&loaded.path, import, &index, sources, &mut found)).collect();
    (imports, found)
}

/// The paths that an import needs.
pub fn targets(importer: &str, import: &Import) -> Vec<String> {
    match &import.from {
        ImportFrom::File(path, _) => vec![relative(importer, path)],
        ImportFrom::Std(path) => {
            let names: Vec<&str> = path.names.iter().map(|n| n.text.as_str()).collect();
            match (names.as_slice(), &import.take) {
                (["std", module, ..], _) => vec![stdlib::module_path(module)],
                (["std"], super::program::ImportTake::Names(names)) => {
                    names.iter().map(|n| stdlib::module_path(&n.text)).collect()
                }
                (["std"], super::program::ImportTake::Whole(_)) => stdlib::modules().map(stdlib::module_path).collect(),
                _ => vec![],
            }
        }
    }
    .into_iter()
    .filter(|path| !path.starts_with(stdlib::PREFIX) || stdlib::module_text(path).is_some())
    .collect()
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
pub fn find_cycles(files: &[Loaded], diagnostics: &mut Vec<Diagnostic>) {
    #[derive(Clone, Copy, PartialEq)]
    enum State {
        New,
        Open,
        Done,
    }
    let mut state = vec![State::New; files.len()];
    // The files on the way to where the search stands, each with the number of its imports that were followed: a list and no
    // recursion, as a chain of files may be longer than a stack is deep. Indices come from the files themselves, so they are in range.
    let mut trail: Vec<(usize, usize)> = Vec::new();
    for first in 0..files.len() {
        if state[first] == State::New {
            state[first] = State::Open;
            trail.push((first, 0));
        }
        while let Some((at, followed)) = trail.last_mut() {
            let (at, import) = (*at, *followed);
            *followed += 1;
            let Some(target) = files[at].imports.get(import) else {
                state[at] = State::Done;
                trail.pop();
                continue;
            };
            let Some(Imported::File(next)) = *target else { continue };
            match state[next] {
                State::New => {
                    state[next] = State::Open;
                    trail.push((next, 0));
                }
                State::Open => {
                    let ring: Vec<usize> =
                        trail.iter().map(|(file, _)| *file).skip_while(|file| *file != next).collect();
                    diagnostics
                        .extend(files[at].file.imports.get(import).map(|import| cycle(files, &ring, import.span)));
                }
                State::Done => {}
            }
        }
    }
}

/// The finding about files that import each other in this order.
fn cycle(files: &[Loaded], ring: &[usize], span: Span) -> Diagnostic {
    let round: Vec<&str> = ring.iter().chain(ring.first()).map(|file| files[*file].path.as_str()).collect();
    Diagnostic::new(Code::IMPORT_CYCLE, span, format!("files import each other in a ring: {}", round.join(" → ")))
        .label("this import closes the ring")
        .why("what a file means would depend on itself")
        .help("move what both need into a third file")
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

    #[test]
    fn files_in_a_row_are_no_cycle_however_many() {
        const FILES: usize = 10_000;
        let import = |file: usize| format!("import \"{file}.chaos\" as next\n");
        let name = |file: usize| format!("{file}.chaos");
        let chain = |last: String| {
            let files = (0..FILES - 1).map(|file| (name(file), import(file + 1))).chain([(name(FILES - 1), last)]);
            let sources = crate::source::Memory::new(files);
            let read = load(&sources, &[name(0)], Library::Mentioned, Read::default());
            let mut found = Vec::new();
            find_cycles(&read.files, &mut found);
            (read.files.len(), found)
        };
        assert_eq!(chain(String::new()), (FILES, Vec::new()));
        let (_, ring) = chain(import(FILES - 3));
        let [found] = ring.as_slice() else { panic!("{} findings", ring.len()) };
        assert!(found.message.ends_with("9997.chaos → 9998.chaos → 9999.chaos → 9997.chaos"), "{}", found.message);
    }
}
