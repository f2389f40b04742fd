//! The parameters of the call around an offset, and which of them is being written.

use super::Workspace;
use super::functions::function;
use super::members::{Meaning, meaning};
use super::outline;
use crate::check::sheet::sheet_of;
use crate::check::title;
use crate::syntax::{SyntaxKind, SyntaxNode, SyntaxToken};

/// A call's parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Help {
    /// `network.delay(on: Pods, latency: Duration in 1ms..60s, …)`.
    pub label: String,
    /// What is called, in a sentence.
    pub doc: String,
    /// Each parameter: where it stands in `label` (bytes), and what it is.
    pub params: Vec<(u32, u32, String)>,
    /// The one that is being written.
    pub active: Option<usize>,
}

/// The call around an offset.
#[must_use]
pub fn help(workspace: &Workspace, file: usize, offset: u32) -> Option<Help> {
    let root = workspace.parse(file).syntax();
    let before = outline::before(&root, offset)?;
    let around = outline::around(&before)?;
    let args = around.ancestors().find(|n| n.kind() == SyntaxKind::Args || n.kind() == SyntaxKind::Block)?;
    if args.kind() == SyntaxKind::Block {
        return None;
    }
    let callee = outline::callee(&args)?;
    let program = workspace.program();
    let Some(Meaning::Decl(id)) = meaning(program, file, &callee, &[]) else {
        return built_in(&callee, &args, &before, offset);
    };
    let signature = program.signature(id);
    let sheet = sheet_of(program, workspace.sources(), id);
    let mut label = format!("{callee}(");
    let mut params = Vec::new();
    for (index, param) in signature.params.iter().enumerate() {
        if index > 0 {
            label.push_str(", ");
        }
        let start = label.len() as u32;
        label.push_str(&format!("{}: {}", param.name, param.ty));
        if let Some(default) = signature.default_of(program, id, param) {
            label.push_str(&format!(" = {}", workspace.sources().text(default.span)));
        }
        let about = sheet.as_ref().and_then(|s| s.parameters.get(index)).map(|p| p.about.clone()).unwrap_or_default();
        params.push((start, label.len() as u32, about));
    }
    label.push(')');
    if let Some(result) = &signature.result {
        label.push_str(&format!(": {result}"));
    }
    let names: Vec<&str> = signature.params.iter().map(|p| p.name.as_str()).collect();
    let active = active(&args, &before, offset, &names);
    Some(Help { label, doc: title(&program.item(id).doc), params, active })
}

/// A call of what is built in.
fn built_in(callee: &str, args: &SyntaxNode, before: &SyntaxToken, offset: u32) -> Option<Help> {
    let function = function(callee)?;
    let (label, params) = function.label();
    let names: Vec<&str> = function.params.iter().filter_map(|(param, _)| param.split(':').next()).collect();
    let active = active(args, before, offset, &names);
    Some(Help { label, doc: function.about.to_owned(), params, active })
}

/// The parameter whose argument the offset is in, or that would begin there.
fn active(args: &SyntaxNode, before: &SyntaxToken, offset: u32, names: &[&str]) -> Option<usize> {
    let arguments: Vec<_> = args.children().filter(|c| c.kind() == SyntaxKind::Arg).collect();
    let current = arguments.iter().rposition(|a| u32::from(a.text_range().start()) <= offset);
    let is_new = before.kind() == SyntaxKind::Comma && before.parent().as_ref() == Some(args);
    match current.and_then(|i| arguments.get(i)) {
        Some(argument) if !is_new => match outline::key(argument) {
            Some(key) => names.iter().position(|name| *name == key.as_str()),
            None => current,
        },
        Some(_) => None,
        None => Some(0),
    }
}
