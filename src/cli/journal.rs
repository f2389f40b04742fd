//! Where the journal is, for every command that reads or writes it.

use std::path::{Path, PathBuf};

use super::exit::Failure;
use crate::runtime::journal::Journal;

/// Where runs are written down.
#[derive(Debug, clap::Args)]
pub(super) struct JournalArguments {
    /// The journal [default: $PERTURB_JOURNAL, else perturb/journal.db in $XDG_STATE_HOME or ~/.local/state]
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,
}

impl JournalArguments {
    /// The file.
    ///
    /// # Errors
    /// Nobody says where, and there is no home.
    pub(super) fn path(&self) -> Result<PathBuf, Failure> {
        if let Some(path) = &self.journal {
            return Ok(path.clone());
        }
        let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        if let Some(path) = variable("PERTURB_JOURNAL") {
            return Ok(path);
        }
        let state = variable("XDG_STATE_HOME").or_else(|| variable("HOME").map(|home| home.join(".local/state")));
        match state {
            Some(state) => Ok(state.join("perturb/journal.db")),
            None => Err(Failure::new("there is no place for the journal: $HOME is not set")
                .help("say where: --journal FILE, or $PERTURB_JOURNAL")),
        }
    }

    /// Opens it, and makes it where it is not there.
    ///
    /// # Errors
    /// It is no journal, or cannot be written.
    pub(super) fn open(&self) -> Result<Journal, Failure> {
        let path = self.path()?;
        if let Some(folder) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(|e| {
                Failure::io("make", folder, &e)
                    .help("runs are written down there; another place: --journal FILE, or $PERTURB_JOURNAL")
            })?;
        }
        open(&path)
    }

    /// Opens one that is there.
    ///
    /// # Errors
    /// There is none.
    pub(super) fn existing(&self) -> Result<Journal, Failure> {
        let path = self.path()?;
        if !path.is_file() {
            return Err(Failure::new(format!("there is no journal `{}`", path.display()))
                .help("`perturb run` makes it; another is named with --journal FILE"));
        }
        Journal::open_existing(&path).map_err(|e| failure(&e))
    }
}

fn open(path: &Path) -> Result<Journal, Failure> {
    Journal::open(path).map_err(|e| failure(&e))
}

/// A journal's error as a command says it.
pub(super) fn failure(error: &crate::runtime::journal::JournalError) -> Failure {
    Failure::new(format!("the journal: {error}"))
}
