//! Names, types, evaluation: from trees to one typed program.
//!
//! [`build`] turns one file's tree into plain data ([`program`]), dropping nothing that has a meaning and keeping a span
//! for everything. Names are resolved and expressions typed and evaluated by one partial evaluator ([`evaluate`]), which
//! works alike on values that are known and on values of which only the type is known (a scenario's parameters).
//! [`check`] reads a project and checks all that it declares; the bodies of experiments are checked by `lower`, which
//! knows what steps mean.
//!
//! May use: `source`, `diagnostic`, `syntax`, `types`, `plan` (conditions and facts are written in its words).

pub mod build;
pub mod declared;
mod echoes;
pub mod evaluate;
pub mod faults;
mod load;
pub mod local;
mod places;
pub mod program;
pub mod reference;
pub mod scope;
mod session;
pub mod sheet;
pub mod signature;
pub mod stdlib;
mod words;

use std::collections::BTreeSet;

use smol_str::SmolStr;

pub use load::{Imported, Loaded};
pub use places::{Cluster, Environment, PlaceId};
use program::{Item, ItemKind, RecordWord};
use scope::{DeclId, Scopes};
pub use session::{Edited, Session};
pub use signature::{ParamInfo, Signature};
use stdlib::Library;

use crate::diagnostic::{Diagnostic, tidy};
pub use crate::plan::title;
use crate::source::{SourceMap, Sources};

/// Everything that was read, as data, with its names resolved: what `lower` makes plans of.
#[derive(Debug, Default)]
pub struct Program {
    /// All files: the roots, what they import, and the modules of the standard library that they use.
    pub files: Vec<Loaded>,
    /// Which names are visible where.
    pub scopes: Scopes,
    /// The environments, in the order of their declarations.
    pub environments: Vec<Environment>,
    /// The clusters, in the order of their declarations.
    pub clusters: Vec<Cluster>,
    /// For each file and each of its declarations with parameters, their types.
    pub signatures: Vec<Vec<Option<std::sync::Arc<Signature>>>>,
    /// For each file and each of its declarations, the digest of its text without comments and layout.
    pub texts: Vec<Vec<reference::TextDigest>>,
    /// The path of each file id.
    pub paths: std::sync::Arc<Vec<String>>,
}

impl Program {
    /// The declaration of an id.
    #[must_use]
    pub fn item(&self, id: DeclId) -> &Item {
        // Ids are made by `Scopes::build` from these files.
        &self.files[id.file as usize].file.items[id.item as usize]
    }

    /// Files (by index) and all that import one of them, near and far.
    fn importers(&self, of: impl IntoIterator<Item = usize>) -> BTreeSet<usize> {
        let mut importers: Vec<Vec<usize>> = vec![Vec::new(); self.files.len()];
        for (index, loaded) in self.files.iter().enumerate() {
            for imported in loaded.imports.iter().flatten() {
                if let Imported::File(target) = imported
                    && let Some(of_target) = importers.get_mut(*target)
                {
                    of_target.push(index);
                }
            }
        }
        let mut reached = BTreeSet::from_iter(of);
        let mut open: Vec<usize> = reached.iter().copied().collect();
        while let Some(next) = open.pop() {
            let news = importers.get(next).into_iter().flatten().filter(|index| reached.insert(**index));
            open.extend(news);
        }
        reached
    }

    /// The file (an index) of a declaration.
    #[must_use]
    pub fn file_of(&self, id: DeclId) -> usize {
        id.file as usize
    }

    /// Every declaration, in the order of files and places.
    pub fn decls(&self) -> impl Iterator<Item = (DeclId, &Item)> {
        (0..self.files.len()).flat_map(|file| self.decls_of(file))
    }

    /// The declarations of one file.
    pub fn decls_of(&self, file: usize) -> impl Iterator<Item = (DeclId, &Item)> {
        let items = self.files.get(file).map_or(&[][..], |loaded| &loaded.file.items);
        let id = move |item: usize| DeclId { file: file as u32, item: item as u32 };
        items.iter().enumerate().map(move |(index, item)| (id(index), item))
    }

    /// Every declaration of the project's own files.
    pub fn own_decls(&self) -> impl Iterator<Item = (DeclId, &Item)> {
        self.decls().filter(|(id, _)| !self.files[self.file_of(*id)].is_std())
    }

    /// Every service of the project.
    pub fn services(&self) -> impl Iterator<Item = DeclId> + '_ {
        self.own_decls()
            .filter(|(_, item)| matches!(item.kind, ItemKind::Record(RecordWord::Service, _)))
            .map(|(id, _)| id)
    }

    /// Whether a declaration stands in a file that was asked for, rather than only imported.
    #[must_use]
    pub fn is_root(&self, id: DeclId) -> bool {
        self.files.get(self.file_of(id)).is_some_and(|f| f.is_root)
    }

    /// `network.delay` for what the standard library declares, the bare name for the project's own.
    #[must_use]
    pub fn qualified_name(&self, id: DeclId) -> String {
        let loaded = &self.files[self.file_of(id)];
        let name = &self.item(id).name.text;
        match loaded.path.strip_prefix(stdlib::PREFIX).and_then(|p| p.strip_suffix(".chaos")) {
            Some(module) => format!("{module}.{name}"),
            None => name.to_string(),
        }
    }

    /// The environment of this name.
    #[must_use]
    pub fn environment_named(&self, name: &str) -> Option<DeclId> {
        self.environments.iter().find(|e| e.name == name).map(|e| e.decl)
    }

    /// The types of a declaration's parameters; empty if it has none.
    #[must_use]
    pub fn signature(&self, id: DeclId) -> std::sync::Arc<Signature> {
        let of_file = self.signatures.get(id.file as usize);
        of_file.and_then(|all| all.get(id.item as usize)).cloned().flatten().unwrap_or_default()
    }
}

/// A program with what was found wrong.
#[derive(Debug, Default)]
pub struct Checked {
    /// The program; where the text was wrong, without the wrong part.
    pub program: Program,
    /// The texts.
    pub sources: SourceMap,
    /// How much of the standard library was read; never less than was asked for.
    pub library: Library,
    /// What was found by syntax, names, types and values, sorted by place.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads `roots` (paths that `sources` knows) and all that they import, and checks them as one project.
///
/// The bodies of experiments, scenarios, policies, verifies and game days are checked by `lower::check`.
#[must_use]
pub fn check(sources: &dyn Sources, roots: &[String]) -> Checked {
    check_with(sources, roots, Library::Whole)
}

/// [`check`] with a part of the standard library: [`Library::Mentioned`] says what that is good for.
#[must_use]
pub fn check_with(sources: &dyn Sources, roots: &[String], library: Library) -> Checked {
    let session = Session::open(sources, roots, library);
    let mut diagnostics = session.found();
    for file in 0..session.program().files.len() {
        diagnostics.append(&mut check_file(session.program(), file));
    }
    tidy(&mut diagnostics);
    session.program().drop_echoes(&mut diagnostics);
    let (program, sources, library) = session.into_parts();
    Checked { program, sources, library, diagnostics }
}

/// Checks what one file of the project declares, but for the bodies that `lower::check_file` checks.
#[must_use]
pub fn check_file(program: &Program, file: usize) -> Vec<Diagnostic> {
    let mut ev = evaluate::Evaluator::new(program, None);
    if program.files.get(file).is_none_or(Loaded::is_std) {
        return Vec::new();
    }
    // An item without a name has been reported; whatever else it lacks is about to be typed.
    for (id, item) in program.decls_of(file) {
        signature::check_defaults(&mut ev, id, signature::params_of(&item.kind));
        if item.name.text.is_empty() {
            continue;
        }
        match &item.kind {
            ItemKind::Record(..) => declared::check_record(&mut ev, id),
            ItemKind::Let(_) => {
                ev.declared(id);
            }
            ItemKind::Metric(metric) => {
                let signature = program.signature(id);
                let result = signature.result.clone().unwrap_or(crate::types::Type::Any);
                declared_metric(&mut ev, id, metric, &signature, &result);
            }
            ItemKind::Fault(fault) => faults::check(&mut ev, id, fault),
            _ => {}
        }
    }
    ev.diagnostics
}

fn declared_metric(
    ev: &mut evaluate::Evaluator<'_>,
    id: DeclId,
    metric: &program::Metric,
    signature: &Signature,
    result: &crate::types::Type,
) {
    declared::check_keys(ev, &metric.fields, declared::METRIC_FIELDS, "a metric");
    let params = signature.unknowns();
    ev.stream(id, metric, result, &params, SmolStr::default().to_string());
}
