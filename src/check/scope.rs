//! Which names are visible where, and what they stand for.
//!
//! Comes in: the files of a program. Goes out: a table of declarations and a scope for each file.

use std::collections::BTreeMap;

use smol_str::SmolStr;

use super::load::{Imported, Loaded, unknown_module};
use super::program::{Import, ImportTake, Item, ItemKind, Name, RecordWord};
use super::stdlib;
use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::source::Span;

/// A declaration of the program: where it stands. An edit of one file leaves the ids of all others as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeclId {
    /// The file (an index into the program's files).
    pub file: u32,
    /// The item in it.
    pub item: u32,
}

/// What a visible name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Def {
    /// A declaration.
    Decl(DeclId),
    /// All of a file.
    Module(usize),
    /// All of the standard library.
    Std,
    /// Something of a file that is not there or could not be read, as was reported: nothing is said of what uses it.
    Lost,
}

/// The names of one file.
#[derive(Debug, Default)]
pub struct FileScope {
    /// What each visible name stands for.
    pub names: BTreeMap<SmolStr, (Def, Span)>,
    /// Own declarations only: what others see.
    pub own: BTreeMap<SmolStr, DeclId>,
}

/// Names that are visible everywhere and that nothing may hide.
pub const PREDEFINED: &[&str] = &[
    "services",
    "environment",
    "cluster",
    "join",
    "json",
    "ceil",
    "min",
    "max",
    "begins",
    "ends",
    "contains",
    "secret",
    "pods",
    "nodes",
    "instances",
    "disks",
    "databases",
    "balancers",
    "machines",
];

/// The scopes of all files.
#[derive(Debug, Default)]
pub struct Scopes {
    /// A scope for each file.
    pub files: Vec<FileScope>,
}

impl Scopes {
    /// Builds the scopes of all files, and says of each what is wrong with its names.
    pub fn build(files: &[Loaded]) -> (Self, Vec<Vec<Diagnostic>>) {
        let mut found = vec![Vec::new(); files.len()];
        let mut scopes = Self { files: Vec::new() };
        for ((index, loaded), found) in files.iter().enumerate().zip(&mut found) {
            scopes.files.push(own_names(index, loaded, found));
        }
        for ((index, loaded), found) in files.iter().enumerate().zip(&mut found) {
            scopes.import(files, index, loaded, found);
        }
        (scopes, found)
    }

    /// Builds the scope of one file again; what the others declare is as it was.
    pub fn rebuild(&mut self, files: &[Loaded], index: usize) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        let (Some(loaded), Some(scope)) = (files.get(index), self.files.get_mut(index)) else { return found };
        *scope = own_names(index, loaded, &mut found);
        self.import(files, index, loaded, &mut found);
        found
    }

    fn import(&mut self, files: &[Loaded], index: usize, loaded: &Loaded, diagnostics: &mut Vec<Diagnostic>) {
        let imported = self.imported_names(files, loaded, diagnostics);
        let Some(scope) = self.files.get_mut(index) else { return };
        for (name, def) in imported {
            add(scope, &name, def, diagnostics);
        }
    }

    fn imported_names(&self, files: &[Loaded], loaded: &Loaded, diagnostics: &mut Vec<Diagnostic>) -> Vec<(Name, Def)> {
        let mut found = Vec::new();
        for (import, target) in loaded.file.imports.iter().zip(&loaded.imports) {
            let Some(target) = *target else {
                found.extend(lost(import));
                continue;
            };
            match (&import.take, target) {
                (ImportTake::Names(names), _) if names.is_empty() => diagnostics.push(without_names(import)),
                (ImportTake::Names(names), Imported::Std) => {
                    for name in names {
                        match module(files, &name.text) {
                            Some(file) => found.push((name.clone(), Def::Module(file))),
                            None => {
                                diagnostics.push(unknown_module(&name.text, name.span));
                                found.push((name.clone(), Def::Lost));
                            }
                        }
                    }
                }
                (ImportTake::Names(names), Imported::File(file)) => {
                    for name in names {
                        match self.files[file].own.get(&name.text) {
                            Some(id) => found.push((name.clone(), Def::Decl(*id))),
                            None => {
                                if !files[file].is_shaken() {
                                    diagnostics.push(self.not_in_file(name, file, files));
                                }
                                found.push((name.clone(), Def::Lost));
                            }
                        }
                    }
                }
                (ImportTake::Whole(alias), target) => {
                    let def = match target {
                        Imported::Std => Def::Std,
                        Imported::File(file) => Def::Module(file),
                    };
                    match alias.clone().or_else(|| last_name(&import.from)) {
                        Some(name) => found.push((name, def)),
                        None => diagnostics.push(without_names(import)),
                    }
                }
            }
        }
        found
    }

    fn not_in_file(&self, name: &Name, file: usize, files: &[Loaded]) -> Diagnostic {
        let path = &files[file].path;
        let known = self.files[file].own.keys().map(SmolStr::as_str);
        let diagnostic =
            Diagnostic::new(Code::UNKNOWN_NAME, name.span, format!("`{path}` declares no `{}`", name.text));
        if let Some(near) = nearest(&name.text, known) {
            return diagnostic.choice(format!("did you mean `{near}`?"), name.span, near);
        }
        match declared_elsewhere(files, &name.text, file) {
            Some(other) => diagnostic.help(format!("`{other}` declares it: import it from there")),
            None => diagnostic.help("an import makes visible what the file itself declares"),
        }
    }
}

fn without_names(import: &Import) -> Diagnostic {
    Diagnostic::new(Code::IMPORT_WITHOUT_NAMES, import.span, "this import makes nothing visible")
        .help("name what you need: `import \"file.chaos\".{checkout, ledger}`, or `as NAME`")
}

/// The names that an import of a file that is not there would make visible.
fn lost(import: &Import) -> Vec<(Name, Def)> {
    let names = match &import.take {
        ImportTake::Names(names) => names.clone(),
        ImportTake::Whole(alias) => alias.clone().or_else(|| last_name(&import.from)).into_iter().collect(),
    };
    names.into_iter().map(|name| (name, Def::Lost)).collect()
}

fn own_names(file: usize, loaded: &Loaded, diagnostics: &mut Vec<Diagnostic>) -> FileScope {
    let mut scope = FileScope::default();
    for (item, declared) in loaded.file.items.iter().enumerate() {
        let id = DeclId { file: file as u32, item: item as u32 };
        if PREDEFINED.contains(&declared.name.text.as_str()) && !loaded.is_std() {
            diagnostics.push(hides_predefined(&declared.name));
            continue;
        }
        if add(&mut scope, &declared.name, Def::Decl(id), diagnostics) {
            scope.own.insert(declared.name.text.clone(), id);
        }
    }
    scope
}

/// The file (not `except`) that declares a name.
pub fn declared_elsewhere<'f>(files: &'f [Loaded], name: &str, except: usize) -> Option<&'f str> {
    files
        .iter()
        .enumerate()
        .find(|(i, f)| *i != except && !f.is_std() && f.file.items.iter().any(|item| item.name.text == name))
        .map(|(_, f)| f.path.as_str())
}

fn module(files: &[Loaded], name: &str) -> Option<usize> {
    let path = stdlib::module_path(name);
    files.iter().position(|f| f.path == path)
}

fn last_name(from: &super::program::ImportFrom) -> Option<Name> {
    match from {
        super::program::ImportFrom::Std(path) => path.names.last().cloned(),
        super::program::ImportFrom::File(..) => None,
    }
}

fn add(scope: &mut FileScope, name: &Name, def: Def, diagnostics: &mut Vec<Diagnostic>) -> bool {
    if let Some((other, first)) = scope.names.get(&name.text) {
        if *other != def && ![*other, def].contains(&Def::Lost) {
            diagnostics.push(declared_twice(name, *first));
        }
        return false;
    }
    scope.names.insert(name.text.clone(), (def, name.span));
    true
}

/// A name that is declared although it is visible already.
pub fn declared_twice(name: &Name, first: Span) -> Diagnostic {
    Diagnostic::new(Code::DECLARED_TWICE, name.span, format!("`{}` is declared already", name.text))
        .label("again here")
        .also(first, "first here")
        .why("no declaration hides a visible name, so that a name means one thing in a file")
        .help("choose another name, or remove one of the two")
}

/// A name that everything sees.
pub fn hides_predefined(name: &Name) -> Diagnostic {
    Diagnostic::new(
        Code::DECLARED_TWICE,
        name.span,
        format!("`{}` is a word of the language and cannot be declared", name.text),
    )
    .help("choose another name")
}

/// Teams, services, … and everything that is run are known by name in the whole project.
pub fn unique_in_project(files: &[Loaded], diagnostics: &mut Vec<Diagnostic>) {
    let mut seen: BTreeMap<(&'static str, &SmolStr), &Name> = BTreeMap::new();
    for loaded in files.iter().filter(|f| !f.is_std()) {
        for item in &loaded.file.items {
            let Some(group) = group(item) else { continue };
            match seen.get(&(group, &item.name.text)) {
                // Two of one name in one file are reported by the file's scope.
                Some(first) if first.span.file != item.name.span.file => diagnostics.push(
                    Diagnostic::new(
                        Code::DECLARED_TWICE,
                        item.name.span,
                        format!("the project has two {group} named `{}`", item.name.text),
                    )
                    .label("again here")
                    .also(first.span, "first here")
                    .why("reports, policies and the names of cluster objects tell them apart by name"),
                ),
                Some(_) => {}
                None => {
                    seen.insert((group, &item.name.text), &item.name);
                }
            }
        }
    }
}

/// The group in which an item's name must be unique in the whole project.
pub fn group(item: &Item) -> Option<&'static str> {
    Some(match &item.kind {
        ItemKind::Record(RecordWord::Team, _) => "teams",
        ItemKind::Record(RecordWord::Service, _) => "services",
        ItemKind::Record(RecordWord::Cluster, _) => "clusters",
        ItemKind::Record(RecordWord::Environment, _) => "environments",
        ItemKind::Record(RecordWord::Slo, _) => "SLOs",
        ItemKind::Record(RecordWord::Incident, _) => "incidents",
        ItemKind::Experiment(_) | ItemKind::Instance(_) | ItemKind::Verify(_) | ItemKind::Gameday(_) => "runs",
        ItemKind::Policy(_) => "policies",
        ItemKind::Let(_) | ItemKind::Metric(_) | ItemKind::Fault(_) | ItemKind::Scenario(..) => return None,
    })
}
