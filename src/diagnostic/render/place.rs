//! Spans as places: path, lines, columns, bytes. What JSON, SARIF and GitHub print; the terminal does its own.
//!
//! Comes in: a span and the texts. Goes out: numbers as people count. Never fails: a span into a text that is not there
//! (a plan read from a file, without its sources) is line 1, column 1.

use serde::Serialize;

use super::Look;
use crate::source::{LineColumn, SourceMap, Span};

/// A point in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Point {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters (Unicode scalar values), from 1.
    pub column: u32,
    /// Bytes from the begin of the file, from 0.
    pub offset: u32,
}

/// A range in a file; its end is the point behind the last character.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Place {
    /// The file, with `/`, as seen from the working folder; `std/…` for the standard library.
    pub path: String,
    /// Where it begins.
    pub start: Point,
    /// Where it ends.
    pub end: Point,
}

impl Place {
    /// The place of a span.
    #[must_use]
    pub fn of(span: Span, sources: &SourceMap, look: &Look) -> Self {
        let point = |offset: u32| {
            let LineColumn { line, column } =
                sources.get(span.file).map_or(LineColumn { line: 1, column: 1 }, |f| f.line_column(offset));
            Point { line, column, offset }
        };
        Self { path: shown_path(span, sources, look), start: point(span.start), end: point(span.end.max(span.start)) }
    }
}

/// The path of a span's file as seen from the working folder.
#[must_use]
pub fn shown_path(span: Span, sources: &SourceMap, look: &Look) -> String {
    let path = sources.get(span.file).map_or("", |f| &*f.path);
    // The standard library and standard input lie in no folder.
    if path.is_empty() || path.starts_with("std/") || path.starts_with('<') || path.starts_with('/') {
        return path.to_owned();
    }
    // `shop/` and `../lib.chaos` give `lib.chaos`, not `shop/../lib.chaos`.
    let (mut prefix, mut rest) = (look.prefix.as_str(), path);
    while let Some(up) = rest.strip_prefix("../") {
        let trimmed = prefix.strip_suffix('/').unwrap_or(prefix);
        let (before, last) =
            trimmed.rsplit_once('/').map_or(("", trimmed), |(b, l)| (prefix.get(..=b.len()).unwrap_or_default(), l));
        if last.is_empty() || last == ".." {
            break;
        }
        (prefix, rest) = (before, up);
    }
    format!("{prefix}{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(prefix: &str, path: &str) -> String {
        let mut sources = SourceMap::default();
        let file = sources.add(path, "");
        shown_path(Span::new(file, 0, 0), &sources, &Look { prefix: prefix.to_owned(), ..Look::default() })
    }

    #[test]
    fn paths_lead_there_from_the_working_folder() {
        assert_eq!(shown("", "a.chaos"), "a.chaos");
        assert_eq!(shown("shop/", "a.chaos"), "shop/a.chaos");
        assert_eq!(shown("shop/", "../a.chaos"), "a.chaos");
        assert_eq!(shown("x/shop/", "../a.chaos"), "x/a.chaos");
        assert_eq!(shown("x/shop/", "../../a.chaos"), "a.chaos");
        assert_eq!(shown("../", "../a.chaos"), "../../a.chaos");
        assert_eq!(shown("shop/", "std/pod.chaos"), "std/pod.chaos");
    }

    #[test]
    fn a_span_without_its_text_is_the_first_line() {
        let place = Place::of(Span::new(crate::source::FileId(7), 4, 9), &SourceMap::default(), &Look::default());
        assert_eq!((place.start.line, place.start.column, place.start.offset), (1, 1, 4));
    }
}
