//! P0922: an expectation that names no service, objective or address: when it is refuted, nobody knows whom to ask.

use crate::diagnostic::{Code, Diagnostic};
use crate::syntax::{SyntaxKind, SyntaxNode};

use super::Project;
use super::tree::{token_span, tokens};

pub(super) fn check(project: &Project<'_>, out: &mut Vec<Diagnostic>) {
    for file in project.files {
        for expect in file.parse.syntax().descendants().filter(|n| n.kind() == SyntaxKind::Expect) {
            let calls = || expect.descendants().filter(|n| n.kind() == SyntaxKind::CallExpr);
            let is_owned = expect.descendants().any(|n| is_owner(&n));
            let name = tokens(&expect).find(|t| t.kind() == SyntaxKind::Word);
            let Some(name) = name.filter(|_| !is_owned && calls().next().is_some()) else { continue };
            out.push(
                Diagnostic::new(
                    Code::UNOWNED_EXPECTATION,
                    token_span(file.id, &name),
                    format!("nobody owns what `{}` expects", name.text()),
                )
                .why("it names no service, objective or address, so no team is told when it is refuted")
                .help("give the metric a parameter `of: Service`, and say here whose it is"),
            );
        }
    }
}

/// A name other than the one that is called, or a text.
fn is_owner(node: &SyntaxNode) -> bool {
    match node.kind() {
        SyntaxKind::Text => true,
        SyntaxKind::NameExpr => {
            // `f` of `f(…)` and `m` of `m.f(…)` are what is asked, not whose.
            let is_callee = |n: &SyntaxNode| n.parent().is_some_and(|p| p.kind() == SyntaxKind::CallExpr);
            let is_module = node.parent().is_some_and(|p| p.kind() == SyntaxKind::MemberExpr && is_callee(&p));
            !is_callee(node) && !is_module
        }
        _ => false,
    }
}
