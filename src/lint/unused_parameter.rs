//! P0912: a parameter of a fault, scenario or metric that its body does not name. The first of a fault is what is hit, and
//! needs no name.

use crate::diagnostic::{Code, Diagnostic};
use crate::syntax::SyntaxKind;
use crate::syntax::ast::Declaration;

use super::Project;
use super::tree::{declarations, token_span, tokens, uses};

pub(super) fn check(project: &Project<'_>, out: &mut Vec<Diagnostic>) {
    for file in project.files {
        for declaration in declarations(file) {
            let targets = match declaration {
                Declaration::Fault(_) => 1,
                Declaration::Scenario(_) | Declaration::Metric(_) => 0,
                _ => continue,
            };
            let item = declaration.syntax();
            let params = item.children().filter(|c| c.kind() == SyntaxKind::Params).flat_map(|p| p.children());
            for param in params.filter(|p| p.kind() == SyntaxKind::Param).skip(targets) {
                let Some(name) = tokens(&param).find(|t| t.kind() == SyntaxKind::Word) else { continue };
                if !uses(item, name.text(), &param) {
                    out.push(
                        Diagnostic::new(
                            Code::UNUSED_PARAMETER,
                            token_span(file.id, &name),
                            format!("nothing in the body names `{}`", name.text()),
                        )
                        .why("whoever gives it a value believes that something comes of it")
                        .help("name it in the body, or leave it out here and where it is given"),
                    );
                }
            }
        }
    }
}
