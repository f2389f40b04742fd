//! How a command ends: its exit code, and the message of one that could not do its work.

use std::process::ExitCode;

use crate::diagnostic::Unknown;

/// How a command ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Nothing was found.
    Clean,
    /// Errors were found, or warnings under `--deny-warnings`, or a folder that is out of date.
    Findings,
    /// The command line is wrong, or input cannot be read.
    Usage,
    /// A run ended with a verdict: its own exit code.
    #[cfg(feature = "run")]
    Verdict(u8),
}

impl Exit {
    /// What clap's answer means: help and version are no mistakes.
    pub(super) fn of_clap(error: &clap::Error) -> Self {
        if error.use_stderr() { Self::Usage } else { Self::Clean }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Clean => Self::SUCCESS,
            Exit::Findings => Self::from(1),
            Exit::Usage => Self::from(2),
            #[cfg(feature = "run")]
            Exit::Verdict(code) => Self::from(code),
        }
    }
}

/// Why a command could not do its work: wrong usage or input that cannot be read. Exit code 2.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// What was tried, on what, and what came of it.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

impl Failure {
    /// A failure.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), help: None }
    }

    /// What to do.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }

    /// Something is named that does not exist: "did you mean", and the list.
    pub(super) fn unknown(what: &str, name: &str, known: &[String]) -> Self {
        Unknown::new(what, name, known).into()
    }

    /// A file or folder that something could not be done with.
    pub(super) fn io(doing: &str, path: &std::path::Path, error: &std::io::Error) -> Self {
        Self::new(format!("cannot {doing} `{}`: {}", path.display(), crate::source::disk::plain(error)))
    }
}

impl From<Unknown> for Failure {
    fn from(unknown: Unknown) -> Self {
        Self::new(unknown.message).help(unknown.help)
    }
}
