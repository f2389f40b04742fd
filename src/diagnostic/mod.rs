//! The diagnostic as data: what is wrong with the user's text, where, why it matters, what to do, and the certain fix.
//!
//! May use: `source`. Renderers live under [`render`], one file each; miette is named in `render/terminal.rs` alone.
//! A new diagnostic is a row in [`code`] and a page `docs/errors/P0123.md`.

pub mod code;
pub mod edit;
pub mod pages;
#[cfg(feature = "cli")]
pub mod render;

pub use code::{Code, CodeInfo};
use serde::Serialize;

use crate::source::Span;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// No plan is made.
    Error,
    /// A plan is made; somebody should look.
    Warning,
}

/// What a project makes of a rule (`[lint]` in `perturb.toml`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// It is not asked.
    Off,
    /// Its findings are warnings.
    Warning,
    /// Its findings are errors.
    Error,
}

impl Level {
    /// The levels as they are written.
    pub const WORDS: [(&'static str, Self); 3] =
        [("off", Self::Off), ("warning", Self::Warning), ("error", Self::Error)];

    /// The level of a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(known, _)| *known == word).map(|(_, level)| *level)
    }
}

/// A second place that the message speaks of.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// A few words, lower case, no full stop.
    pub text: String,
}

/// One replacement in a text.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Edit {
    /// What is replaced; empty to insert.
    pub span: Span,
    /// What stands there afterwards.
    pub text: String,
}

/// A change that mends the text. Only offered where it is certain to be what was meant, or [`Applicability::Maybe`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Fix {
    /// What it does: "write `50%`".
    pub title: String,
    /// The replacements; they do not overlap.
    pub edits: Vec<Edit>,
    /// Whether a machine may apply it unasked.
    pub applicability: Applicability,
}

/// Whether a fix may be applied unasked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Applicability {
    /// It is what was meant.
    Certain,
    /// One of several choices; a person decides.
    Maybe,
}

/// What is wrong with the user's text.
///
/// Messages are in lower case, without a full stop, with the user's text in backticks.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Diagnostic {
    /// Stable code, `P0123`.
    pub code: Code,
    /// From the code's row.
    pub severity: Severity,
    /// What is wrong, in one line.
    pub message: String,
    /// Where.
    pub span: Span,
    /// A few words under the place; may be empty.
    pub label: String,
    /// The other places involved.
    pub labels: Vec<Label>,
    /// Why it matters: one sentence, or none where that is plain.
    pub why: Option<String>,
    /// What to do.
    pub help: Option<String>,
    /// Changes that mend it.
    pub fixes: Vec<Fix>,
}

impl Diagnostic {
    /// A diagnostic with its message and place; severity comes from the code's row.
    #[must_use]
    pub fn new(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: code.info().severity,
            message: brief(message.into()),
            span,
            label: String::new(),
            labels: Vec::new(),
            why: None,
            help: None,
            fixes: Vec::new(),
        }
    }

    /// Words under the place itself.
    #[must_use]
    pub fn label(mut self, text: impl Into<String>) -> Self {
        self.label = brief(text.into());
        self
    }

    /// Another place involved.
    #[must_use]
    pub fn also(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: brief(text.into()) });
        self
    }

    /// Why it matters.
    #[must_use]
    pub fn why(mut self, text: impl Into<String>) -> Self {
        self.why = Some(brief(text.into()));
        self
    }

    /// What to do.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(brief(text.into()));
        self
    }

    /// A certain fix of one replacement.
    #[must_use]
    pub fn fix(self, title: impl Into<String>, span: Span, text: impl Into<String>) -> Self {
        self.with_fix(Fix {
            title: title.into(),
            edits: vec![Edit { span, text: text.into() }],
            applicability: Applicability::Certain,
        })
    }

    /// One of several possible fixes.
    #[must_use]
    pub fn choice(self, title: impl Into<String>, span: Span, text: impl Into<String>) -> Self {
        self.with_fix(Fix {
            title: title.into(),
            edits: vec![Edit { span, text: text.into() }],
            applicability: Applicability::Maybe,
        })
    }

    /// Any fix.
    #[must_use]
    pub fn with_fix(mut self, fix: Fix) -> Self {
        self.fixes.push(fix);
        self
    }

    /// Whether it stops a plan from being made.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// What is quoted and has more bytes than this is told by its two ends.
const LONGEST_QUOTE: usize = 400;

/// The text with its quotes cut to what a person reads: a name may be megabytes long, and is said in several sentences.
fn brief(text: String) -> String {
    if text.len() <= LONGEST_QUOTE {
        return text;
    }
    let mut out = String::with_capacity(text.len().min(2 * LONGEST_QUOTE));
    for (index, piece) in text.split('`').enumerate() {
        if index > 0 {
            out.push('`');
        }
        let is_quote = index % 2 == 1;
        if is_quote && piece.len() > LONGEST_QUOTE {
            out.extend(piece.chars().take(80));
            out.push('…');
            let tail = piece.char_indices().rev().nth(19).map_or(0, |(at, _)| at);
            out.push_str(piece.get(tail..).unwrap_or_default());
        } else {
            out.push_str(piece);
        }
    }
    out
}

/// Takes away what only says that something follows from an error, where there is one.
fn drop_consequences(diagnostics: &mut Vec<Diagnostic>) {
    if diagnostics.iter().any(|d| d.is_error() && d.code != Code::NO_PLAN) {
        diagnostics.retain(|d| d.code != Code::NO_PLAN);
    }
}

/// Sorts by place and removes what was said twice (an experiment checked for several places says the same of each).
pub fn tidy(diagnostics: &mut Vec<Diagnostic>) {
    drop_consequences(diagnostics);
    diagnostics.sort_by(|a, b| (a.span, a.code, &a.message).cmp(&(b.span, b.code, &b.message)));
    // What a scenario is given differs from use to use, and so do the words for it: the mistake is one.
    let is_one = |a: &Diagnostic| matches!(a.code, Code::NOT_COMPARABLE | Code::TYPE_MISMATCH);
    diagnostics.dedup_by(|a, b| a.code == b.code && a.span == b.span && (a.message == b.message || is_one(a)));
}

/// The member of `known` that `word` was probably meant to be: "did you mean". A guess, so never a certain fix.
#[must_use]
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = word.chars().count().max(3) / 3;
    known
        .into_iter()
        .filter(|k| *k != word)
        .map(|k| (strsim::damerau_levenshtein(word, k), k))
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, k)| k)
}

/// Something is named that does not exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// What there is none of.
    pub message: String,
    /// "Did you mean", and what there is.
    pub help: String,
}

impl Unknown {
    /// There is no `what` of that name; `known` are the names that there are.
    #[must_use]
    pub fn new(what: &str, name: &str, known: &[String]) -> Self {
        let list = match known {
            [] => format!("there is no {what} at all"),
            _ => format!("there are: {}", known.join(", ")),
        };
        let help = match nearest(name, known.iter().map(String::as_str)) {
            Some(meant) => format!("did you mean `{meant}`? {list}"),
            None => list,
        };
        Self { message: format!("there is no {what} `{name}`"), help }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_quotes_are_told_by_their_ends() {
        assert_eq!(brief("`a` is no unit".to_owned()), "`a` is no unit");
        let long = format!("{}ü{}", "x".repeat(2_000), "y".repeat(30));
        let told = brief(format!("`{long}` is not `5m`; {}", "there are: a, b, ".repeat(100)));
        assert!(told.starts_with(&format!("`{}…{}` is not `5m`; there are", "x".repeat(80), "y".repeat(20))), "{told}");
        assert!(told.ends_with(&"there are: a, b, ".repeat(100)), "what is not quoted stays whole");
    }
}
