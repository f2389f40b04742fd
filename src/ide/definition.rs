//! Where a name is declared, and everywhere that it stands.

use super::names::{self, Occurrence, Symbol};
use super::{Place, Workspace};
use crate::check::program::ImportFrom;
use crate::check::{Imported, Program};
use crate::source::{FileId, Span};

/// Where the name at an offset is declared; for the path of an import, the file.
#[must_use]
pub fn definition(workspace: &Workspace, file: usize, offset: u32) -> Option<Place> {
    if let Some(target) = imported_at(workspace.program(), file, offset) {
        return Some(begin_of(workspace, target));
    }
    let found = names::at(workspace.program(), file, offset)?;
    declared(workspace, found.symbol)
}

/// Where a symbol is declared.
#[must_use]
pub fn declared(workspace: &Workspace, symbol: Symbol) -> Option<Place> {
    let program = workspace.program();
    let span = match symbol {
        Symbol::Decl(id) => program.item(id).name.span,
        Symbol::Param(id, index) => program.signature(id).params.get(index)?.span,
        Symbol::Local(span) => span,
        Symbol::Module(file) => return Some(begin_of(workspace, file)),
        Symbol::Std => return None,
    };
    Some(place(workspace, span))
}

/// Every place where the name at an offset stands, in the whole project.
#[must_use]
pub fn references(workspace: &Workspace, file: usize, offset: u32, with_declaration: bool) -> Vec<Place> {
    let Some(found) = names::at(workspace.program(), file, offset) else { return Vec::new() };
    let all = everywhere(workspace, found.symbol).into_iter().filter(|o| with_declaration || !o.declares);
    all.map(|o| place(workspace, o.span)).collect()
}

/// Every place in one file where the name at an offset stands.
#[must_use]
pub fn highlights(workspace: &Workspace, file: usize, offset: u32) -> Vec<Occurrence> {
    let program = workspace.program();
    let Some(found) = names::at(program, file, offset) else { return Vec::new() };
    names::occurrences(program, file).into_iter().filter(|o| o.symbol == found.symbol).collect()
}

/// Every occurrence of a symbol in the project.
#[must_use]
pub fn everywhere(workspace: &Workspace, symbol: Symbol) -> Vec<Occurrence> {
    let program = workspace.program();
    let only = match symbol {
        Symbol::Local(span) => Some(span.file),
        _ => None,
    };
    let is_searched = |id: FileId| only.is_none_or(|only| only == id);
    let files = (0..program.files.len()).filter(|file| is_searched(workspace.id(*file)));
    files.flat_map(|file| names::occurrences(program, file)).filter(|o| o.symbol == symbol).collect()
}

/// The file whose path, in an import, holds the offset.
fn imported_at(program: &Program, file: usize, offset: u32) -> Option<usize> {
    let loaded = program.files.get(file)?;
    let holds = |from: &ImportFrom| matches!(from, ImportFrom::File(_, s) if s.start <= offset && offset <= s.end);
    let at = loaded.file.imports.iter().position(|import| holds(&import.from))?;
    match loaded.imports.get(at) {
        Some(Some(Imported::File(target))) => Some(*target),
        _ => None,
    }
}

fn begin_of(workspace: &Workspace, file: usize) -> Place {
    Place { path: workspace.path(file).to_owned(), span: Span::new(workspace.id(file), 0, 0) }
}

/// A span with the path of its file.
#[must_use]
pub fn place(workspace: &Workspace, span: Span) -> Place {
    let path = workspace.sources().get(span.file).map(|f| f.path.to_string()).unwrap_or_default();
    Place { path, span }
}
