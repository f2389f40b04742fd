//! P0910: a `let` that nothing names.

use crate::diagnostic::{Applicability, Code, Diagnostic, Edit, Fix};
use crate::syntax::ast::Declaration;
use crate::syntax::{SyntaxKind, SyntaxNode, SyntaxToken};

use super::tree::{declarations, node_span, token_span, uses, whole_lines};
use super::{File, Project};

pub(super) fn check(project: &Project<'_>, out: &mut Vec<Diagnostic>) {
    for file in project.files {
        let root = file.parse.syntax();
        for declaration in declarations(file) {
            if let Declaration::Let(node) = &declaration {
                if let Some(name) = name(node).filter(|n| project.whole && !uses(&root, n.text(), node)) {
                    let mut elsewhere = project.facts.iter().filter(|facts| facts.id != file.id);
                    if !elsewhere.any(|facts| facts.imports(file.path, name.text())) {
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
