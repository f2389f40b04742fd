//! Diagnostics for people at a terminal, drawn by miette, which is named in this file alone.
//!
//! Comes in: diagnostics, texts and a [`Look`]. Goes out: text, with escape codes only where the look allows colours.
//! What the user wrote never reaches the terminal raw: control and bidirectional characters are made visible.
//!
//! miette's own sources scan a text from its begin for each label; `Snippets` answers from the line index instead, so that
//! a thousand diagnostics in one large file take time in proportion to what is printed.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents, SourceCode, SourceSpan,
    SpanContents, ThemeCharacters, ThemeStyles,
};

use super::place::shown_path;
use super::printable::{same_length, visible, wrap};
use super::suggestion::{Change, change};
use super::{Look, Summary};
use crate::diagnostic::{Applicability, Diagnostic, Fix, Label, Severity};
use crate::source::{FileId, SourceFile, SourceMap, Span};

/// A stretch of text longer than this is cut around its label: nobody reads a line of 50 MB.
const LONGEST_STRETCH: usize = 4096;
/// How much is shown on each side of a label in a stretch that is cut.
const AROUND: usize = 80;
/// A certain fix is shown; of choices only so many.
const MOST_FIXES: usize = 4;

/// All diagnostics, one below the other, without a summary.
#[must_use]
pub fn render(diagnostics: &[Diagnostic], sources: &SourceMap, look: &Look) -> String {
    let printer = Printer::new(diagnostics, sources, look);
    let mut out = String::new();
    for diagnostic in diagnostics {
        // Writing into a String cannot fail; miette fails only for a span that it cannot read, and ours are clamped.
        let _ = printer.one(diagnostic, &mut out);
        out.push('\n');
    }
    out
}

/// The line that closes a report.
#[must_use]
pub fn summary(summary: &Summary, look: &Look) -> String {
    let text = summary.to_string();
    match (look.color, summary.errors, summary.warnings) {
        (true, 1.., _) => format!("{BOLD}{RED}{text}{PLAIN}\n"),
        (true, 0, 1..) => format!("{BOLD}{YELLOW}{text}{PLAIN}\n"),
        (true, 0, 0) => format!("{GREEN}{text}{PLAIN}\n"),
        (false, ..) => format!("{text}\n"),
    }
}

const PLAIN: &str = "\u{1b}[0m";
const BOLD: &str = "\u{1b}[1m";
const RED: &str = "\u{1b}[31m";
const GREEN: &str = "\u{1b}[32m";
const YELLOW: &str = "\u{1b}[33m";
const CYAN: &str = "\u{1b}[36m";

struct Printer<'a> {
    sources: &'a SourceMap,
    look: &'a Look,
    handler: GraphicalReportHandler,
    /// The texts that are spoken of, without what would upset a terminal; made once, not for each label.
    texts: BTreeMap<FileId, Cow<'a, str>>,
}

impl<'a> Printer<'a> {
    fn new(diagnostics: &[Diagnostic], sources: &'a SourceMap, look: &'a Look) -> Self {
        let mut texts = BTreeMap::new();
        for file in diagnostics.iter().flat_map(|d| d.labels.iter().map(|l| l.span.file).chain([d.span.file])) {
            if let Some(source) = sources.get(file) {
                texts.entry(file).or_insert_with(|| same_length(&source.text));
            }
        }
        let theme = GraphicalTheme {
            characters: if look.unicode { ThemeCharacters::unicode() } else { ThemeCharacters::ascii() },
            styles: if look.color { ThemeStyles::ansi() } else { ThemeStyles::none() },
        };
        // Below 40 columns miette's arithmetic has no room; such a terminal wraps by itself.
        let handler = GraphicalReportHandler::new_themed(theme)
            .with_width(look.width.max(40))
            .with_context_lines(1)
            .with_links(false)
            // `abort-guards` is one name: it is not broken at its hyphen.
            .with_word_splitter(textwrap::WordSplitter::NoHyphenation)
            .tab_width(4)
            .without_syntax_highlighting();
        Self { sources, look, handler, texts }
    }

    fn one(&self, diagnostic: &Diagnostic, out: &mut String) -> fmt::Result {
        self.header(diagnostic, out);
        let main = Part {
            message: visible(&diagnostic.message).into_owned(),
            severity: match diagnostic.severity {
                Severity::Error => miette::Severity::Error,
                Severity::Warning => miette::Severity::Warning,
            },
            labels: self.main_labels(diagnostic),
            source: self.snippets(diagnostic.span.file),
        };
        self.handler.render_report(out, &main)?;
        for (file, labels) in elsewhere(diagnostic) {
            let Some(source) = self.snippets(file) else { continue };
            let part = Part {
                message: format!("see also `{}`", source.name),
                severity: miette::Severity::Advice,
                labels: labels.iter().filter_map(|l| self.label(l.span, &l.text, false)).collect(),
                source: Some(source),
            };
            self.handler.render_report(out, &part)?;
        }
        self.footer(diagnostic, out);
        Ok(())
    }

    fn header(&self, diagnostic: &Diagnostic, out: &mut String) {
        let (word, color) = match diagnostic.severity {
            Severity::Error => ("error", RED),
            Severity::Warning => ("warning", YELLOW),
        };
        let code = diagnostic.code;
        if self.look.color {
            out.push_str(&format!("{BOLD}{color}{word} {code}{PLAIN}\n"));
        } else {
            out.push_str(&format!("{word} {code}\n"));
        }
    }

    fn footer(&self, diagnostic: &Diagnostic, out: &mut String) {
        if let Some(why) = &diagnostic.why {
            self.note("why", why, out);
        }
        if let Some(help) = &diagnostic.help {
            self.note("help", help, out);
        }
        let certain = diagnostic.fixes.iter().filter(|f| f.applicability == Applicability::Certain);
        let maybe = diagnostic.fixes.iter().filter(|f| f.applicability == Applicability::Maybe);
        for fix in certain.chain(maybe).take(MOST_FIXES) {
            self.fix(fix, out);
        }
        self.note("see", &format!("perturb explain {}", diagnostic.code), out);
    }

    /// `  help: …`, wrapped, its lines under one another.
    fn note(&self, word: &str, text: &str, out: &mut String) {
        let room = self.look.width.saturating_sub(8).max(20);
        for (i, line) in wrap(&visible(text), room).iter().enumerate() {
            if i > 0 {
                out.push_str("        ");
            } else if self.look.color {
                out.push_str(&format!("{CYAN}{word:>6}:{PLAIN} "));
            } else {
                out.push_str(&format!("{word:>6}: "));
            }
            out.push_str(line);
            out.push('\n');
        }
    }

    fn fix(&self, fix: &Fix, out: &mut String) {
        let word = match fix.applicability {
            Applicability::Certain => "fix",
            Applicability::Maybe => "maybe",
        };
        self.note(word, &fix.title, out);
        let Some(Change { removed, added }) = change(fix, self.sources) else { return };
        let (minus, plus, plain) = if self.look.color { (RED, GREEN, PLAIN) } else { ("", "", "") };
        for line in removed {
            out.push_str(&format!("        {minus}- {}{plain}\n", visible(&line)));
        }
        for line in added {
            out.push_str(&format!("        {plus}+ {}{plain}\n", visible(&line)));
        }
    }

    fn main_labels(&self, diagnostic: &Diagnostic) -> Vec<LabeledSpan> {
        let here = diagnostic.labels.iter().filter(|l| l.span.file == diagnostic.span.file);
        self.label(diagnostic.span, &diagnostic.label, true)
            .into_iter()
            .chain(here.filter_map(|l| self.label(l.span, &l.text, false)))
            .collect()
    }

    fn label(&self, span: Span, text: &str, primary: bool) -> Option<LabeledSpan> {
        let file = self.sources.get(span.file)?;
        let start = floor(&file.text, span.start as usize);
        let mut end = floor(&file.text, span.end as usize).max(start);
        // A place of many lines is drawn as its first line: the rest says nothing more, and may be the whole file.
        let line = file.line_of(start as u32);
        if file.line_of(end as u32) > line {
            let first = file.text.get(start..).unwrap_or("").lines().next().unwrap_or("");
            end = start + first.trim_end().len();
        }
        let text = (!text.is_empty()).then(|| visible(text).into_owned());
        let place = SourceSpan::from((start, end - start));
        Some(if primary {
            LabeledSpan::new_primary_with_span(text, place)
        } else {
            LabeledSpan::new_with_span(text, place)
        })
    }

    fn snippets(&self, file: FileId) -> Option<Snippets<'_>> {
        let text = self.texts.get(&file)?;
        let name = visible(&shown_path(Span::new(file, 0, 0), self.sources, self.look)).into_owned();
        Some(Snippets { file: self.sources.get(file)?, text, name })
    }
}

/// The labels in other files, by file, in the order in which they first come.
fn elsewhere(diagnostic: &Diagnostic) -> Vec<(FileId, Vec<&Label>)> {
    let mut files: Vec<(FileId, Vec<&Label>)> = Vec::new();
    for label in diagnostic.labels.iter().filter(|l| l.span.file != diagnostic.span.file) {
        match files.iter_mut().find(|(file, _)| *file == label.span.file) {
            Some((_, labels)) => labels.push(label),
            None => files.push((label.span.file, vec![label])),
        }
    }
    files
}

/// What miette draws in one go: a sentence and the places in one file.
#[derive(Debug)]
struct Part<'a> {
    message: String,
    severity: miette::Severity,
    labels: Vec<LabeledSpan>,
    source: Option<Snippets<'a>>,
}

impl fmt::Display for Part<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Part<'_> {}

impl miette::Diagnostic for Part<'_> {
    fn severity(&self) -> Option<miette::Severity> {
        Some(self.severity)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        // Without its text (a plan read from a file) a place cannot be drawn.
        self.source.as_ref().filter(|s| !s.file.text.is_empty()).map(|s| s as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.labels.iter().cloned()))
    }
}

/// A file that hands out the lines around a label from its line index.
#[derive(Debug)]
struct Snippets<'a> {
    file: &'a SourceFile,
    text: &'a str,
    name: String,
}

impl SourceCode for Snippets<'_> {
    fn read_span<'s>(
        &'s self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'s> + 's>, MietteError> {
        let text = self.text;
        let start = floor(text, span.offset());
        let end = floor(text, span.offset() + span.len()).max(start);
        let first = self.file.line_of(start as u32).saturating_sub(before as u32);
        let last = self.file.line_of(end as u32) + after as u32;
        // miette asks for no lines before to learn the label's own column.
        let (mut from, column) = if before == 0 {
            (start, self.file.line_column(start as u32).column as usize - 1)
        } else {
            (self.file.line_start(first) as usize, 0)
        };
        let mut to = (self.file.line_start(last + 1) as usize).max(end);
        let mut line = first as usize;
        if to - from > LONGEST_STRETCH {
            (from, to) = cut(text, start, end, from, to);
            line = self.file.line_of(from as u32) as usize;
        }
        let shown = text.as_bytes().get(from..to).unwrap_or_default();
        let place = SourceSpan::from((from, to - from));
        let lines = (self.file.line_of(to as u32) as usize + 1).saturating_sub(line);
        Ok(Box::new(MietteSpanContents::new_named(self.name.clone(), shown, place, line, column, lines)))
    }
}

/// A stretch around a label, on character boundaries, within the stretch asked for.
fn cut(text: &str, start: usize, end: usize, from: usize, to: usize) -> (usize, usize) {
    let end = end.min(start + LONGEST_STRETCH);
    (floor(text, start.saturating_sub(AROUND)).max(from), floor(text, end + AROUND).clamp(start, to))
}

/// The nearest character boundary at or before an offset.
fn floor(text: &str, offset: usize) -> usize {
    let mut at = offset.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
#[path = "terminal_tests.rs"]
mod tests;
