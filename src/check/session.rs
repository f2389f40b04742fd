//! A project that is edited: what one edit changes is read again, and nothing else.
//!
//! Comes in: sources, then one changed text at a time. Goes out: the [`Program`], what is wrong with texts, imports, names
//! and signatures, and which files' findings an edit may have changed. The law, which tests hold: after any edits a session
//! says what a fresh one says of the same texts. What makes that hold is that a file sees only
//!
//! - itself and the files that it imports, near and far;
//! - what is project-wide: environments, clusters, services, teams, SLOs, policies;
//! - the names of all declarations, where a name that means nothing is told where it would mean something.

use std::collections::BTreeSet;

use smol_str::SmolStr;

use super::load::{self, Read};
use super::program::{File, ItemKind};
use super::reference::{self, OwnTexts};
use super::scope::{self, Scopes};
use super::stdlib::Library;
use super::{Program, places, signature};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::{FileId, SourceMap, Sources};
use crate::syntax;

/// A project that is edited.
#[derive(Debug, Default)]
pub struct Session {
    program: Program,
    sources: SourceMap,
    library: Library,
    roots: Vec<String>,
    in_text: Vec<Vec<Diagnostic>>,
    in_imports: Vec<Vec<Diagnostic>>,
    in_names: Vec<Vec<Diagnostic>>,
    in_signatures: Vec<Vec<Diagnostic>>,
    of_project: Vec<Diagnostic>,
}

/// What an edit may have changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    /// The files whose findings may be others now (indices into the program's files).
    pub stale: BTreeSet<usize>,
    /// What is declared, anywhere, has other names now: a file with an unknown name may be told something else.
    pub names: bool,
    /// Files came or went: every index may mean another file now.
    pub files: bool,
}

impl Session {
    /// Reads `roots` and all that they import.
    #[must_use]
    pub fn open(sources: &dyn Sources, roots: &[String], library: Library) -> Self {
        let mut session = Self { library, ..Self::default() };
        session.reopen(sources, roots);
        session
    }

    /// Reads the project again, with other roots or other files; a text that has not changed is not read again.
    pub fn reopen(&mut self, sources: &dyn Sources, roots: &[String]) {
        let before = Read {
            files: std::mem::take(&mut self.program.files),
            sources: std::mem::take(&mut self.sources),
            library: self.library,
            in_text: std::mem::take(&mut self.in_text),
            in_imports: Vec::new(),
        };
        let read = load::load(sources, roots, self.library, before);
        self.roots = roots.to_vec();
        self.sources = read.sources;
        self.library = read.library;
        self.in_text = read.in_text;
        self.in_imports = read.in_imports;
        self.program = Program { files: read.files, ..Program::default() };
        self.program.paths = std::sync::Arc::new(self.sources.iter().map(|(_, f)| f.path.to_string()).collect());
        self.program.texts = self.program.files.iter().map(|f| reference::unknown(f.file.items.len())).collect();
        self.resolve_all_names();
        let all: BTreeSet<usize> = (0..self.program.files.len()).collect();
        self.program.signatures = vec![Vec::new(); all.len()];
        self.in_signatures = vec![Vec::new(); all.len()];
        self.resolve_types(&all);
    }

    /// Puts another text in place of a file's.
    pub fn edit(&mut self, sources: &dyn Sources, path: &str, text: &str) -> Edited {
        let Some(index) = load::find(&self.program.files, path) else { return self.all_again(sources) };
        let id = self.program.files[index].file.id;
        let (text, found) = syntax::decode(id, text.as_bytes());
        let mut read = load::read_text(id, &text);
        read.found.splice(0..0, found);
        let before = &self.program.files[index];
        let imports_changed = !same_imports(&before.file, &read.file);
        let names_changed = !same_names(&before.file, &read.file);
        // An import may bring a file or module that nobody named before, or be the last to name one.
        if imports_changed {
            return self.all_again(sources);
        }
        let mut reach = self.program.importers([index]);
        let was_wide = reach.iter().any(|file| self.is_project_wide(*file));
        self.put(index, id, &text, read);
        let (imports, found) = load::resolve(&self.program.files, index, sources);
        self.program.files[index].imports = imports;
        self.in_imports[index] = found;
        if names_changed {
            self.resolve_all_names();
        } else {
            self.in_names[index] = self.program.scopes.rebuild(&self.program.files, index);
            self.resolve_project();
        }
        reach.extend(self.program.importers([index]));
        for file in &reach {
            self.program.texts[*file] = reference::unknown(self.program.files[*file].file.items.len());
        }
        let is_wide = was_wide || reach.iter().any(|file| self.is_project_wide(*file));
        let stale: BTreeSet<usize> = if is_wide { (0..self.program.files.len()).collect() } else { reach };
        let mut types = stale.clone();
        if names_changed {
            let is_unknown = |found: &Vec<Diagnostic>| found.iter().any(|d| d.code == Code::UNKNOWN_NAME);
            types.extend(self.in_signatures.iter().enumerate().filter(|(_, f)| is_unknown(f)).map(|(file, _)| file));
        }
        self.resolve_types(&types);
        Edited { stale, names: names_changed, files: false }
    }

    fn all_again(&mut self, sources: &dyn Sources) -> Edited {
        let roots = std::mem::take(&mut self.roots);
        self.reopen(sources, &roots);
        Edited { stale: (0..self.program.files.len()).collect(), names: true, files: true }
    }

    fn put(&mut self, index: usize, id: FileId, text: &str, read: load::Text) {
        self.sources.replace(id, text);
        let loaded = &mut self.program.files[index];
        loaded.text = self.sources.file(id).text.clone();
        loaded.own_texts = OwnTexts::new(read.file.items.len());
        loaded.file = read.file;
        self.in_text[index] = read.found;
    }

    fn resolve_all_names(&mut self) {
        let (scopes, found) = Scopes::build(&self.program.files);
        self.program.scopes = scopes;
        self.in_names = found;
        self.resolve_project();
    }

    /// What concerns several files at once.
    fn resolve_project(&mut self) {
        self.of_project.clear();
        load::find_cycles(&self.program.files, &mut self.of_project);
        scope::unique_in_project(&self.program.files, &mut self.of_project);
    }

    /// Places and signatures. Both are read as if no signature was known, as it is in a fresh session.
    fn resolve_types(&mut self, stale: &BTreeSet<usize>) {
        let mut signatures = std::mem::take(&mut self.program.signatures);
        self.program.environments.clear();
        self.program.clusters.clear();
        places::read(&mut self.program);
        for file in stale {
            let (read, found) = signature::read(&self.program, *file);
            signatures[*file] = read;
            self.in_signatures[*file] = found;
        }
        self.program.signatures = signatures;
    }

    /// Whether a file declares what others see without importing it.
    fn is_project_wide(&self, file: usize) -> bool {
        let items = self.program.files.get(file).map_or(&[][..], |f| &f.file.items);
        items.iter().any(|item| matches!(item.kind, ItemKind::Record(..) | ItemKind::Policy(_)))
    }

    /// The program.
    #[must_use]
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// The texts.
    #[must_use]
    pub fn sources(&self) -> &SourceMap {
        &self.sources
    }

    /// The file of a path.
    #[must_use]
    pub fn file(&self, path: &str) -> Option<usize> {
        load::find(&self.program.files, path)
    }

    /// What was found in one file's text, imports, names and signatures.
    pub fn found_in(&self, file: usize) -> impl Iterator<Item = &Diagnostic> {
        [&self.in_text, &self.in_imports, &self.in_names, &self.in_signatures]
            .into_iter()
            .filter_map(move |all| all.get(file))
            .flatten()
    }

    /// What was found about several files at once: rings of imports, names that the project has twice.
    #[must_use]
    pub fn found_in_project(&self) -> &[Diagnostic] {
        &self.of_project
    }

    /// All that was found.
    #[must_use]
    pub fn found(&self) -> Vec<Diagnostic> {
        let files = (0..self.program.files.len()).flat_map(|file| self.found_in(file));
        files.chain(&self.of_project).cloned().collect()
    }

    pub(super) fn into_parts(self) -> (Program, SourceMap, Library) {
        (self.program, self.sources, self.library)
    }
}

fn same_imports(a: &File, b: &File) -> bool {
    let targets = |file: &File| -> Vec<String> { file.imports.iter().flat_map(|i| load::targets("", i)).collect() };
    targets(a) == targets(b)
}

/// Whether two texts declare the same names as the same kinds of things, in the same order, and whether both could be read.
fn same_names(a: &File, b: &File) -> bool {
    let names = |file: &File| -> Vec<(SmolStr, Option<&'static str>)> {
        file.items.iter().map(|item| (item.name.text.clone(), scope::group(item))).collect()
    };
    names(a) == names(b) && a.shaken.is_empty() == b.shaken.is_empty()
}
