//! Diagnostics as GitHub workflow commands: a line each, which GitHub shows beside the changed lines of a pull request.
//!
//! The form and its escapes are those of GitHub's "Workflow commands for GitHub Actions": in a message `%`, CR and LF are
//! escaped, in a property `:` and `,` too.

use std::fmt::Write as _;

use super::Look;
use super::json::severity_word;
use super::place::Place;
use crate::diagnostic::Diagnostic;
use crate::source::SourceMap;

/// One command a diagnostic.
#[must_use]
pub fn render(diagnostics: &[Diagnostic], sources: &SourceMap, look: &Look) -> String {
    let mut out = String::new();
    for diagnostic in diagnostics {
        let place = Place::of(diagnostic.span, sources, look);
        let _ = write!(
            out,
            "::{} file={},line={},endLine={}",
            severity_word(diagnostic.severity),
            property(&place.path),
            place.start.line,
            place.end.line
        );
        // GitHub takes columns only for a place within one line.
        if place.start.line == place.end.line {
            let _ = write!(out, ",col={},endColumn={}", place.start.column, place.end.column);
        }
        let title = format!("{}: {}", diagnostic.code, diagnostic.code.info().title);
        let _ = writeln!(out, ",title={}::{}", property(&title), data(&message(diagnostic, sources, look)));
    }
    out
}

fn message(diagnostic: &Diagnostic, sources: &SourceMap, look: &Look) -> String {
    let mut text = diagnostic.message.clone();
    for label in &diagnostic.labels {
        let place = Place::of(label.span, sources, look);
        let _ = write!(text, "\n{}:{}: {}", place.path, place.start.line, label.text);
    }
    for part in [&diagnostic.why, &diagnostic.help].into_iter().flatten() {
        let _ = write!(text, "\n{part}");
    }
    for fix in &diagnostic.fixes {
        let _ = write!(text, "\nfix: {}", fix.title);
    }
    let _ = write!(text, "\nsee: perturb explain {}", diagnostic.code);
    text
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Code;
    use crate::source::Span;

    #[test]
    fn nothing_of_the_users_text_can_end_the_command() {
        let mut sources = SourceMap::default();
        let file = sources.add("a,b:c%.chaos", "one\ntwo three\n");
        let diagnostic = Diagnostic::new(Code::SYNTAX, Span::new(file, 8, 13), "100% wrong\n::error::injected")
            .why("so it is")
            .help("write\r\nit");
        insta::assert_snapshot!(render(&[diagnostic], &sources, &Look::default()));
    }
}
