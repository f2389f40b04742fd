//! Another name for something, everywhere.

use super::definition::{everywhere, place};
use super::names::{self, Symbol};
use super::{Place, Workspace};
use crate::check::scope::PREDEFINED;
use crate::source::Span;
use crate::syntax::{RESERVED, is_name};

/// The name at an offset, if it can be renamed.
///
/// # Errors
/// Why it cannot.
pub fn prepare(workspace: &Workspace, file: usize, offset: u32) -> Result<Span, String> {
    let program = workspace.program();
    let found = names::at(program, file, offset).ok_or("there is no name here that could be renamed")?;
    let declared_in = match found.symbol {
        Symbol::Decl(id) | Symbol::Param(id, _) => program.file_of(id),
        Symbol::Local(_) => return Ok(found.span),
        Symbol::Module(_) | Symbol::Std => return Err("a file is renamed by moving it".to_owned()),
    };
    if program.files.get(declared_in).is_some_and(|f| f.is_std()) {
        return Err("it is declared by the standard library, which is not yours to change".to_owned());
    }
    Ok(found.span)
}

/// Every place where the new name must stand.
///
/// # Errors
/// Why it cannot be named so.
pub fn rename(workspace: &Workspace, file: usize, offset: u32, new: &str) -> Result<Vec<Place>, String> {
    prepare(workspace, file, offset)?;
    let program = workspace.program();
    let found = names::at(program, file, offset).ok_or("there is no name here that could be renamed")?;
    if !is_name(new) || RESERVED.contains(&new) {
        return Err(format!("`{new}` is no name: write small letters, digits and single dashes, as in `slow-ledger`"));
    }
    if PREDEFINED.contains(&new)
        || matches!(new, "true" | "false" | "none" | "and" | "or" | "not" | "in" | "as" | "match" | "let")
    {
        return Err(format!("`{new}` is a word of the language"));
    }
    let all = everywhere(workspace, found.symbol);
    for occurrence in &all {
        let path = &workspace.sources().file(occurrence.span.file).path;
        let scope = workspace.file(path).and_then(|index| program.scopes.files.get(index));
        if scope.is_some_and(|scope| scope.names.contains_key(new)) {
            return Err(format!("`{path}` has a `{new}` already, and a name means one thing in a file"));
        }
    }
    Ok(all.into_iter().map(|o| place(workspace, o.span)).collect())
}
