//! P0914: a name that repeats the word before it: `experiment checkout-experiment`.

use crate::diagnostic::{Code, Diagnostic};
use crate::syntax::SyntaxKind;

use super::Project;
use super::tree::{declarations, token_span, tokens};

pub(super) fn check(project: &Project<'_>, out: &mut Vec<Diagnostic>) {
    for file in project.files {
        for declaration in declarations(file) {
            let Some(name) = declaration.name() else { continue };
            let keyword = tokens(declaration.syntax()).find(|t| t.kind() == SyntaxKind::Keyword);
            let Some(word) = keyword.as_ref().map(|k| k.text()).filter(|w| *w != "let") else { continue };
            let mut parts: Vec<&str> = name.text().split('-').collect();
            let repeats = parts.first() == Some(&word) || parts.last() == Some(&word);
            if !repeats {
                continue;
            }
            parts.retain(|part| *part != word);
            let diagnostic = Diagnostic::new(
                Code::TELLING_NAME,
                token_span(file.id, &name),
                format!("`{word} {}` says `{word}` twice", name.text()),
            )
            .why("names lead those of Kubernetes objects, whose length is bounded, and stand in every report");
            out.push(match parts.as_slice() {
                [] => diagnostic.help(format!("say which {word} it is")),
                parts => diagnostic.help(format!("call it `{}`, here and where it is named", parts.join("-"))),
            });
        }
    }
}
