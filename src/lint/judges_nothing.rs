//! P0921: a hypothesis that a run cannot refute: no expectation is judged while the fault is there, and any recovery will do.

use crate::diagnostic::{Code, Diagnostic};
use crate::syntax::{SyntaxKind, SyntaxNode};

use super::Project;
use super::tree::{token_span, tokens};

pub(super) fn check(project: &Project<'_>, out: &mut Vec<Diagnostic>) {
    for file in project.files {
        let sections = file.parse.syntax().descendants().filter(|n| n.kind() == SyntaxKind::Section);
        for section in sections {
            let Some(word) = tokens(&section).find(|t| t.kind() == SyntaxKind::Keyword) else { continue };
            let lines: Vec<SyntaxNode> = section.children().flat_map(|b| b.children()).collect();
            let expects = || lines.iter().filter(|l| l.kind() == SyntaxKind::Expect);
            if word.text() != "hypothesis" || expects().next().is_none() {
                continue;
            }
            let is_unknown = lines.iter().any(|l| l.kind() == SyntaxKind::Recovery && has_word(l, "unknown"));
            if is_unknown && expects().all(is_left_out) {
                out.push(
                    Diagnostic::new(Code::CANNOT_BE_REFUTED, token_span(file.id, &word), "no run can refute this hypothesis")
                        .label("nothing in it is judged while the fault is there, and any recovery will do")
                        .why("a proof that cannot fail proves nothing, and shows green")
                        .help("say what must hold with the fault (`but < B during faults`), or how recovery must go (`recovery automatic within D`)"),
                );
            }
        }
    }
}

fn has_word(node: &SyntaxNode, word: &str) -> bool {
    tokens(node).any(|t| t.text() == word)
}

/// `except during faults`
fn is_left_out(expect: &SyntaxNode) -> bool {
    expect.children().any(|c| c.kind() == SyntaxKind::Phase && has_word(&c, "except"))
}
