//! P0910: a `let` that nothing names.

use crate::diagnostic::{Applicability, Code, Diagnostic, Edit, Fix};
use crate::syntax::ast::{Declaration, View as _};
use crate::syntax::{SyntaxKind, SyntaxNode, SyntaxToken};

use super::tree::{declarations, node_span, token_span, tokens, uses, whole_lines};
use super::{File, Project};

pub(super) fn check(project: &Project<'_>, out: &mut Vec<Diagnostic>) {
    for file in project.files {
        let root = file.parse.syntax();
        for declaration in declarations(file) {
            if let Declaration::Let(node) = &declaration {
                if let Some(name) = name(node).filter(|n| project.whole && !uses(&root, n.text(), node)) {
                    let elsewhere = project.files.iter().filter(|other| other.id != file.id);
                    if !elsewhere.into_iter().any(|other| imports(other, file, name.text())) {
                        out.push(finding(file, node, &name));
                    }
                }
                continue;
            }
            let item = declaration.syntax();
            for node in item.descendants().filter(|n| n.kind() == SyntaxKind::Let) {
                if let Some(name) = name(&node).filter(|n| !uses(item, n.text(), &node)) {
                    out.push(finding(file, &node, &name));
                }
            }
        }
    }
}

fn name(node: &SyntaxNode) -> Option<SyntaxToken> {
    node.children_with_tokens().filter_map(|e| e.into_token()).find(|t| t.kind() == SyntaxKind::Word)
}

/// Whether a file imports this name from another, or all of it.
fn imports(file: &File<'_>, from: &File<'_>, name: &str) -> bool {
    let stem = from.path.rsplit('/').next().unwrap_or(from.path);
    declarations(file).any(|declaration| {
        let Declaration::Import(import) = &declaration else { return false };
        let of_this = tokens(import.syntax()).any(|t| t.kind() == SyntaxKind::TextPart && t.text().ends_with(stem));
        let names = import.names();
        of_this && names.is_none_or(|names| names.iter().any(|n| n.text() == name))
    })
}

fn finding(file: &File<'_>, node: &SyntaxNode, name: &SyntaxToken) -> Diagnostic {
    let diagnostic =
        Diagnostic::new(Code::UNUSED_LET, token_span(file.id, name), format!("nothing names `{}`", name.text()))
            .why("a target that is drawn and never hit, or a bound that holds nothing, is read as if it mattered")
            .help("leave it out, or name it where it was meant to be");
    match whole_lines(file.text, node_span(file.id, node)) {
        // What a `let` gives has no effect of its own, so nothing is lost with it.
        Some(span) => diagnostic.with_fix(Fix {
            title: "leave it out".into(),
            edits: vec![Edit { span, text: String::new() }],
            applicability: Applicability::Certain,
        }),
        None => diagnostic,
    }
}
