//! What one import carries along: the library, the draft that it fills, what was found, and what was lost.
//!
//! Nothing here decides anything about an engine.

use super::draft::Draft;
use super::library::Library;
use crate::check::evaluate::Evaluator;
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::source::Span;

/// As many further places are shown of what many manifests have in common.
const MOST_PLACES: usize = 3;

/// One import.
pub(super) struct Context<'l> {
    /// The faults that there are.
    pub library: &'l Library,
    /// Evaluates their bodies.
    pub ev: Evaluator<'l>,
    /// What was understood.
    pub draft: Draft,
    /// What was found.
    pub diagnostics: Vec<Diagnostic>,
    /// Whether what cannot be said becomes a `// lost:` comment.
    pub lossy: bool,
    /// Each of these, with the file of the draft.
    pub lost: Vec<(usize, String)>,
    /// What has no equivalent because nobody needs it: the engine's housekeeping, one line each.
    pub notes: Vec<(Span, String)>,
}

/// Something that the language does not have.
pub(super) struct Unsayable {
    /// Where.
    pub at: Span,
    /// What: "`remoteCluster` has no equivalent".
    pub message: String,
    /// Why it matters or cannot be.
    pub why: String,
    /// What to do.
    pub help: String,
    /// Whether the engine itself would refuse or misread it: then `--lossy` does not help.
    pub wrong: bool,
}

impl Unsayable {
    /// With a message and a place.
    pub(super) fn new(at: Span, message: impl Into<String>) -> Self {
        Self { at, message: message.into(), why: String::new(), help: String::new(), wrong: false }
    }

    /// Why.
    pub(super) fn why(mut self, why: impl Into<String>) -> Self {
        self.why = why.into();
        self
    }

    /// The engine itself refuses or misreads it.
    pub(super) fn wrong(mut self) -> Self {
        self.wrong = true;
        self
    }

    /// What to do.
    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }
}

impl<'l> Context<'l> {
    /// An import that has read nothing.
    pub(super) fn new(library: &'l Library, lossy: bool) -> Self {
        Self {
            library,
            ev: Evaluator::new(&library.checked.program, None),
            draft: Draft::new(),
            diagnostics: Vec::new(),
            lossy,
            lost: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Something cannot be said: an error, or lost under `--lossy`. Gives the line to write in its place.
    pub(super) fn lose(&mut self, what: Unsayable) -> String {
        let Unsayable { at, message, why, help, wrong } = what;
        if wrong {
            self.wrong(at, message.clone(), &why, &help);
            return message;
        }
        let mut diagnostic = Diagnostic::new(Code::IMPORT_CANNOT_SAY, at, message.clone());
        if self.lossy {
            diagnostic.severity = Severity::Warning;
            self.lost.push((self.draft.files.len().saturating_sub(1), message.clone()));
        }
        if !why.is_empty() {
            diagnostic = diagnostic.why(why);
        }
        diagnostic = match (self.lossy, help.is_empty()) {
            (true, true) => diagnostic.help("a `// lost:` comment stands in its place"),
            (true, false) => diagnostic.help(format!("a `// lost:` comment stands in its place; {help}")),
            (false, true) => diagnostic.help("with `--lossy` it is left out, with a comment in its place"),
            (false, false) => {
                diagnostic.help(format!("{help}; with `--lossy` it is left out, with a comment in its place"))
            }
        };
        self.diagnostics.push(diagnostic);
        message
    }

    /// The manifest is wrong: its engine refuses it, or takes it and does something else.
    pub(super) fn wrong(&mut self, at: Span, message: impl Into<String>, why: &str, help: &str) {
        let mut diagnostic = Diagnostic::new(Code::IMPORT_WRONG, at, message);
        if !why.is_empty() {
            diagnostic = diagnostic.why(why);
        }
        if !help.is_empty() {
            diagnostic = diagnostic.help(help);
        }
        self.diagnostics.push(diagnostic);
    }

    /// It is imported, and asks a little more than the manifest did: so that nobody finds out by a run that fails.
    /// What many manifests have in common is told once, with some of its places.
    pub(super) fn differs(&mut self, at: Span, message: impl Into<String>, why: &str, help: &str) {
        let message = message.into();
        let is_same = |d: &&mut Diagnostic| d.code == Code::IMPORT_DIFFERS && d.message == message;
        match self.diagnostics.iter_mut().find(is_same) {
            Some(told) if told.labels.len() < MOST_PLACES => {
                *told = told.clone().also(at, "and here");
            }
            Some(_) => {}
            None => self.diagnostics.push(Diagnostic::new(Code::IMPORT_DIFFERS, at, message).why(why).help(help)),
        }
    }

    /// The engine's housekeeping, which Perturb does by itself.
    pub(super) fn note(&mut self, at: Span, text: impl Into<String>) {
        self.notes.push((at, text.into()));
    }
}
