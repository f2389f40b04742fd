//! Diagnostics as a JUnit report, which build servers show as tests: each finding is a test that failed.
//!
//! The form is the one that Jenkins, GitLab and others read (`testsuites`, `testsuite`, `testcase`, `failure`). Where nothing
//! was found there is one test that passed, as some of them take an empty report for a run that broke.

use std::fmt::Write as _;

use super::Look;
use super::json::severity_word;
use super::place::Place;
use crate::diagnostic::Diagnostic;
use crate::source::SourceMap;

/// One report.
#[must_use]
pub fn render(diagnostics: &[Diagnostic], sources: &SourceMap, look: &Look) -> String {
    let count = diagnostics.len();
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let tests = count.max(1);
    let _ = writeln!(out, "<testsuites name=\"perturb\" tests=\"{tests}\" failures=\"{count}\" errors=\"0\">");
    let _ = writeln!(
        out,
        "  <testsuite name=\"perturb\" tests=\"{tests}\" failures=\"{count}\" errors=\"0\" skipped=\"0\">"
    );
    if diagnostics.is_empty() {
        out.push_str("    <testcase name=\"nothing was found\" classname=\"perturb\"/>\n");
    }
    for diagnostic in diagnostics {
        let place = Place::of(diagnostic.span, sources, look);
        let (line, column) = (place.start.line, place.start.column);
        let name = format!("{} {}:{line}:{column}", diagnostic.code, place.path);
        let _ = writeln!(
            out,
            "    <testcase name=\"{}\" classname=\"{}\" file=\"{}\" line=\"{line}\">",
            escaped(&name),
            escaped(&format!("{}: {}", diagnostic.code, diagnostic.code.info().title)),
            escaped(&place.path),
        );
        let mut text = format!("{}:{line}:{column}\n{}", place.path, diagnostic.message);
        for part in [&diagnostic.why, &diagnostic.help].into_iter().flatten() {
            let _ = write!(text, "\n{part}");
        }
        let _ = write!(text, "\nsee: perturb explain {}", diagnostic.code);
        let _ = writeln!(
            out,
            "      <failure type=\"{}\" message=\"{}\">{}</failure>",
            severity_word(diagnostic.severity),
            escaped(&diagnostic.message),
            escaped(&text),
        );
        out.push_str("    </testcase>\n");
    }
    out.push_str("  </testsuite>\n</testsuites>\n");
    out
}

/// For attributes and text alike. Control characters are none of XML 1.0's, not even escaped.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            '\t' => out.push_str("&#9;"),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            letter if letter.is_control() => out.push('\u{fffd}'),
            letter => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Code;
    use crate::source::Span;

    #[test]
    fn nothing_of_the_users_text_can_end_the_report() {
        let mut sources = SourceMap::default();
        let file = sources.add("a&b<c>.chaos", "one\ntwo three\n");
        let diagnostic =
            Diagnostic::new(Code::SYNTAX, Span::new(file, 8, 13), "\"]]></failure>\u{1b}[0m").help("a < b\nc");
        insta::assert_snapshot!(render(&[diagnostic], &sources, &Look::default()));
    }

    #[test]
    fn nothing_found_is_one_test_that_passed() {
        let text = render(&[], &SourceMap::default(), &Look::default());
        assert!(text.contains("tests=\"1\" failures=\"0\"") && text.contains("<testcase name=\"nothing was found\""));
    }
}
