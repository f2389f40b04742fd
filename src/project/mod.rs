//! The set of files that belong together: the folder with `perturb.toml`.
//!
//! Comes in: a place on the disk. Goes out: a [`Project`]: its folder, its settings, and the sources under it. Effects: looks
//! for `perturb.toml` upward and reads it. A file outside any project is a project of itself and what it imports.
//!
//! May use: `source`, `diagnostic`.

#![expect(clippy::disallowed_methods, reason = "the edge: looks for perturb.toml and reads it")]

pub mod settings;

use std::io;
use std::path::{Path, PathBuf};

pub use settings::Settings;

use crate::diagnostic::{Code, Diagnostic};
use crate::source::disk::{Disk, PROJECT_FILE, read_file};
use crate::source::{FileId, SourceMap};

/// A folder, and what its `perturb.toml` says.
#[derive(Debug, Clone, Default)]
pub struct Project {
    /// The folder.
    pub root: PathBuf,
    /// The text of `perturb.toml`; `None` for files outside any project.
    text: Option<String>,
    /// What it says.
    pub settings: Settings,
}

impl Project {
    /// The folder of the `perturb.toml` in `folder` or the nearest one above it.
    #[must_use]
    pub fn find(folder: &Path) -> Option<PathBuf> {
        folder.ancestors().find(|f| f.join(PROJECT_FILE).is_file()).map(Path::to_path_buf)
    }

    /// Reads the `perturb.toml` of a folder.
    ///
    /// # Errors
    /// What the operating system says when there is none or it cannot be read.
    pub fn open(root: PathBuf) -> io::Result<Self> {
        // Bytes that are no UTF-8 become U+FFFD, which TOML then refuses or takes as text where they stand.
        let text = String::from_utf8_lossy(&read_file(&root.join(PROJECT_FILE))?).into_owned();
        let (settings, _) = settings::parse(&text, FileId(0));
        Ok(Self { root, text: Some(text), settings })
    }

    /// A folder without `perturb.toml`.
    #[must_use]
    pub fn without_settings(root: PathBuf) -> Self {
        Self { root, ..Self::default() }
    }

    /// Whether there is a `perturb.toml`.
    #[must_use]
    pub fn has_settings(&self) -> bool {
        self.text.is_some()
    }

    /// The sources under the folder.
    #[must_use]
    pub fn disk(&self) -> Disk {
        let disk = Disk::new(&self.root);
        // The settings hold only globs that are some: the others were reported.
        disk.exclude(&self.settings.exclude).unwrap_or_else(|_| Disk::new(&self.root))
    }

    /// Adds the text of `perturb.toml` to the texts, and says what is wrong in it. Spans of the settings now lead there.
    pub fn report(&mut self, sources: &mut SourceMap) -> Vec<Diagnostic> {
        let Some(text) = &self.text else { return Vec::new() };
        let file = sources.add(PROJECT_FILE, text.as_str());
        let (settings, found) = settings::parse(text, file);
        self.settings = settings;
        found
    }

    /// Files of signers that are not there. The spans are those of [`Self::report`].
    #[must_use]
    pub fn missing_signers(&self) -> Vec<Diagnostic> {
        let missing = self.settings.signers.iter().filter(|(_, named)| !self.root.join(&named.file).is_file());
        missing
            .map(|(team, named)| {
                let message = format!("there is no file `{}`", named.file);
                Diagnostic::new(Code::PROJECT_SIGNERS_FILE, named.file_at, message)
                    .label(format!("the signers of `{team}`"))
                    .why("without it nobody's signature counts, so nothing that needs an approval can run")
                    .help("write the file, as git's `gpg.ssh.allowedSignersFile`, or mend its path, which begins at perturb.toml")
            })
            .collect()
    }
}
