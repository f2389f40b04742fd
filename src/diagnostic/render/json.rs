//! Diagnostics as one JSON object, for editors and scripts. `perturb schema diagnostics` prints its JSON Schema.
//!
//! The form has a `version`, raised by every change that an older reader would misread. New fields may come without one.

use serde::Serialize;

use super::place::Place;
use super::{Look, Summary};
use crate::diagnostic::{Applicability, Diagnostic, Severity};
use crate::source::SourceMap;

/// The version of the form below.
pub const VERSION: u32 = 1;

/// Everything that was found in one run.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct Findings {
    /// The version of this form.
    pub version: u32,
    /// The version of Perturb that printed it.
    pub perturb: &'static str,
    /// What was found, sorted by place.
    pub diagnostics: Vec<Finding>,
    /// How many there are.
    pub summary: Summary,
}

/// One diagnostic.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct Finding {
    /// `P0123`; `perturb explain P0123` says more.
    pub code: String,
    /// `error` (no plan is made) or `warning`.
    pub severity: &'static str,
    /// What is wrong, in one line.
    pub message: String,
    /// Where.
    #[serde(flatten)]
    pub place: Place,
    /// A few words for the place itself; may be empty.
    pub label: String,
    /// The other places involved.
    pub labels: Vec<OtherPlace>,
    /// Why it matters.
    pub why: Option<String>,
    /// What to do.
    pub help: Option<String>,
    /// Changes that mend it.
    pub fixes: Vec<FixText>,
}

/// Another place that the message speaks of.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct OtherPlace {
    /// Where.
    #[serde(flatten)]
    pub place: Place,
    /// What is there.
    pub text: String,
}

/// A change that mends the text.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct FixText {
    /// What it does.
    pub title: String,
    /// `certain`: may be applied unasked. `maybe`: one of several; a person decides.
    pub applicability: &'static str,
    /// The replacements; they do not overlap.
    pub edits: Vec<EditText>,
}

/// One replacement.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct EditText {
    /// What is replaced; empty to insert.
    #[serde(flatten)]
    pub place: Place,
    /// What stands there afterwards.
    pub text: String,
}

/// The word of a severity.
#[must_use]
pub fn severity_word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

/// All diagnostics in the published form.
#[must_use]
pub fn findings(diagnostics: &[Diagnostic], sources: &SourceMap, look: &Look) -> Findings {
    Findings {
        version: VERSION,
        perturb: env!("CARGO_PKG_VERSION"),
        diagnostics: diagnostics.iter().map(|d| finding(d, sources, look)).collect(),
        summary: Summary::of(diagnostics),
    }
}

fn finding(diagnostic: &Diagnostic, sources: &SourceMap, look: &Look) -> Finding {
    let place = |span| Place::of(span, sources, look);
    Finding {
        code: diagnostic.code.to_string(),
        severity: severity_word(diagnostic.severity),
        message: diagnostic.message.clone(),
        place: place(diagnostic.span),
        label: diagnostic.label.clone(),
        labels: diagnostic.labels.iter().map(|l| OtherPlace { place: place(l.span), text: l.text.clone() }).collect(),
        why: diagnostic.why.clone(),
        help: diagnostic.help.clone(),
        fixes: diagnostic
            .fixes
            .iter()
            .map(|fix| FixText {
                title: fix.title.clone(),
                applicability: match fix.applicability {
                    Applicability::Certain => "certain",
                    Applicability::Maybe => "maybe",
                },
                edits: fix.edits.iter().map(|e| EditText { place: place(e.span), text: e.text.clone() }).collect(),
            })
            .collect(),
    }
}

/// The object as text, ending in a line end.
#[must_use]
pub fn render(diagnostics: &[Diagnostic], sources: &SourceMap, look: &Look) -> String {
    // Plain data with text keys always serialises.
    let mut text = serde_json::to_string_pretty(&findings(diagnostics, sources, look)).unwrap_or_default();
    text.push('\n');
    text
}
