//! Where text comes from: files of a project, an editor's overlay, memory; ids, spans and the line index.
//!
//! May use: nothing of ours. Only [`disk`] touches the file system.

#[cfg(feature = "cli")]
pub mod disk;
mod map;

pub use map::{FileId, LineColumn, SourceFile, SourceMap, Span};

/// Reads the texts of a project by path. Two implementations: [`Memory`] and `disk::Disk`.
pub trait Sources {
    /// The text at `path` (with `/`, relative to the project's root), or why there is none.
    ///
    /// # Errors
    /// [`ReadError`] says whether the file is missing or unreadable.
    fn read(&self, path: &str) -> Result<Vec<u8>, ReadError>;

    /// All `.chaos` files of the project, sorted, as paths that [`Sources::read`] takes.
    fn list(&self) -> Vec<String>;
}

/// Why a source could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// No file has this path.
    #[error("no file `{0}`")]
    Missing(String),
    /// The file is there and cannot be read.
    #[error("cannot read `{path}`: {reason}")]
    Unreadable {
        /// The path that was asked for.
        path: String,
        /// What the operating system says.
        reason: String,
    },
}

/// Sources held in memory: tests, editors' overlays, benchmarks.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    files: std::collections::BTreeMap<String, Vec<u8>>,
}

impl Memory {
    /// Sources with these `(path, text)` pairs.
    pub fn new<P: Into<String>, T: Into<Vec<u8>>>(files: impl IntoIterator<Item = (P, T)>) -> Self {
        Self { files: files.into_iter().map(|(p, t)| (p.into(), t.into())).collect() }
    }

    /// Adds or replaces one file.
    pub fn insert(&mut self, path: impl Into<String>, text: impl Into<Vec<u8>>) {
        self.files.insert(path.into(), text.into());
    }
}

impl Sources for Memory {
    fn read(&self, path: &str) -> Result<Vec<u8>, ReadError> {
        self.files.get(path).cloned().ok_or_else(|| ReadError::Missing(path.to_owned()))
    }

    fn list(&self) -> Vec<String> {
        self.files.keys().filter(|p| p.ends_with(".chaos")).cloned().collect()
    }
}
