//! An output folder as data: which files it should hold, what was written there before, and what has to change.
//!
//! Comes in: the files to be there ([`Folder`]), the index that an earlier run left ([`Index`]), what is found at each
//! path ([`Found`]). Goes out: [`Changes`], or the [`Conflict`]s that forbid them. It never touches a file system
//! (`cli/output.rs` does), and never asks to overwrite or remove what an index does not name: other people's files live
//! in the same folder, and a manifest that somebody mended by hand at night must not vanish in the morning.
//!
//! The index is `.perturb` in the folder itself, in the form of `sha256sum`, so that it goes into git with the files and
//! says in a review what changed. It holds no time and no version: the same sources give the same bytes.
//!
//! May use: nothing of ours.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest as _, Sha256};

#[cfg(test)]
mod tests;

/// The name of the index in its folder.
pub const INDEX: &str = ".perturb";

/// What an index begins with. A later form has another number.
const HEADER: &str =
    "# Written by perturb; it lists what perturb wrote here, so that no other file is ever touched.\n# form 1\n";

/// The SHA-256 of a file's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    fn parse(text: &str) -> Option<Self> {
        let mut digest = [0; 32];
        if text.len() != 64 || !text.is_ascii() {
            return None;
        }
        for (byte, pair) in digest.iter_mut().zip(text.as_bytes().chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(Self(digest))
    }
}

impl std::fmt::Display for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The files that a folder should hold.
#[derive(Debug, Clone, Default)]
pub struct Folder {
    files: BTreeMap<String, String>,
    // Lower case, since the folder may be checked out where case makes no difference.
    seen: BTreeSet<String>,
}

/// Why a path cannot be one of the folder's files.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// It would leave the folder, or is no path at all.
    #[error("`{0}` is not a path inside the output folder")]
    Outside(String),
    /// It is the index's own name.
    #[error("`{0}` is the name of perturb's own list of files")]
    Reserved(String),
    /// Another file has this path already, perhaps in other case.
    #[error("two files of the output are called `{0}`")]
    Twice(String),
}

impl Folder {
    /// Adds a file. The path is relative to the folder, with `/`.
    ///
    /// # Errors
    /// [`PathError`] if the path leaves the folder, is reserved, or is taken.
    pub fn insert(&mut self, path: impl Into<String>, contents: impl Into<String>) -> Result<(), PathError> {
        let path = path.into();
        if !is_inside(&path) {
            return Err(PathError::Outside(path));
        }
        if path.split('/').next().is_some_and(|first| first.starts_with(INDEX)) {
            return Err(PathError::Reserved(path));
        }
        if !self.seen.insert(path.to_lowercase()) {
            return Err(PathError::Twice(path));
        }
        self.files.insert(path, contents.into());
        Ok(())
    }

    /// The files in the order of their paths.
    pub fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().map(|(path, contents)| (path.as_str(), contents.as_str()))
    }

    /// The text of one file.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(String::as_str)
    }

    /// The index that belongs to these files.
    #[must_use]
    pub fn index(&self) -> Index {
        Index { files: self.files.iter().map(|(path, text)| (path.clone(), Digest::of(text.as_bytes()))).collect() }
    }
}

/// Whether a path, with `/`, names something inside the folder that it is relative to.
#[must_use]
pub fn is_inside(path: &str) -> bool {
    let bad = |part: &str| part.is_empty() || part == "." || part == ".." || part.contains(['\\', ':', '\0', '\n']);
    !path.split('/').any(bad)
}

/// What was written into a folder: path and digest of each file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Index {
    files: BTreeMap<String, Digest>,
}

/// A line of an index that is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} is not a digest and a path of this form")]
pub struct IndexError {
    /// The line, from 1.
    pub line: usize,
}

impl Index {
    /// The index of a text that [`Index::text`] made.
    ///
    /// # Errors
    /// The first line that is neither a comment nor an entry; a form that this version does not know.
    pub fn parse(text: &str) -> Result<Self, IndexError> {
        if !text.starts_with(HEADER) {
            return Err(IndexError { line: 1 });
        }
        let mut files = BTreeMap::new();
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.starts_with('#')) {
            let entry =
                line.split_once("  ").and_then(|(digest, path)| Some((path.to_owned(), Digest::parse(digest)?)));
            let (path, digest) = entry.ok_or(IndexError { line: number + 1 })?;
            files.insert(path, digest);
        }
        // A path is only believed if this program could have written it: an index comes out of git like any other file.
        let mut folder = Folder::default();
        for (position, path) in files.keys().enumerate() {
            folder.insert(path.clone(), "").map_err(|_| IndexError { line: position + 1 + HEADER.lines().count() })?;
        }
        Ok(Self { files })
    }

    /// The text of the index.
    #[must_use]
    pub fn text(&self) -> String {
        use std::fmt::Write as _;
        let mut text = String::from(HEADER);
        for (path, digest) in &self.files {
            // Writing into a String cannot fail.
            let _ = writeln!(text, "{digest}  {path}");
        }
        text
    }

    /// The entries of `self` that are not in `other`, and those that are.
    #[must_use]
    pub fn split(self, other: &Self) -> (Self, Self) {
        let (there, not): (BTreeMap<_, _>, BTreeMap<_, _>) =
            self.files.into_iter().partition(|(path, _)| other.files.contains_key(path));
        (Self { files: not }, Self { files: there })
    }

    /// The entries of both; those of `self` where both have one.
    #[must_use]
    pub fn and(self, mut other: Self) -> Self {
        other.files.extend(self.files);
        other
    }

    /// The paths in their order.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }
}

/// What is found at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// Nothing.
    Nothing,
    /// A file with this digest.
    File(Digest),
    /// Something that is no regular file (a folder, a link), there or at one of the folders that lead there.
    Other,
}

/// What has to change in a folder. All paths in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Files that are not there yet.
    pub create: Vec<String>,
    /// Files of ours with other bytes.
    pub replace: Vec<String>,
    /// Files of ours that are no longer made.
    pub remove: Vec<String>,
    /// How many are right already, and stay untouched.
    pub same: usize,
}

impl Changes {
    /// Whether nothing has to change.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.create.is_empty() && self.replace.is_empty() && self.remove.is_empty()
    }
}

/// A file that may not be touched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The path.
    pub path: String,
    /// Why.
    pub kind: ConflictKind,
}

/// Why a file may not be touched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConflictKind {
    /// Perturb did not write it.
    Foreign,
    /// Perturb wrote it, and somebody changed it since.
    Edited,
}

impl std::fmt::Display for Conflict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let path = &self.path;
        match self.kind {
            ConflictKind::Foreign => write!(f, "`{path}` is there and perturb did not write it: move it away"),
            ConflictKind::Edited => write!(f, "`{path}` was edited since perturb wrote it: `--force` overwrites it"),
        }
    }
}

/// What has to change, so that a folder holds `wanted` and nothing of what is only in `before`.
///
/// `found` says what is at each path of the two. With `force`, files of ours that were edited are given up; files that
/// were never ours are not, whatever is asked.
///
/// # Errors
/// Every file that may not be touched. Then nothing may change.
pub fn compare(
    wanted: &Index,
    before: &Index,
    found: impl Fn(&str) -> Found,
    force: bool,
) -> Result<Changes, Vec<Conflict>> {
    let (mut changes, mut conflicts) = (Changes::default(), Vec::new());
    let mut conflict = |path: &str, kind| conflicts.push(Conflict { path: path.to_owned(), kind });
    for (path, digest) in &wanted.files {
        match (found(path), before.files.get(path)) {
            (Found::Nothing, _) => changes.create.push(path.clone()),
            // The same bytes are as good as ours: so a lost index mends itself.
            (Found::File(there), _) if there == *digest => changes.same += 1,
            (Found::File(there), Some(ours)) if there == *ours || force => changes.replace.push(path.clone()),
            (Found::File(_), Some(_)) => conflict(path, ConflictKind::Edited),
            (Found::File(_), None) | (Found::Other, _) => conflict(path, ConflictKind::Foreign),
        }
    }
    for (path, ours) in before.files.iter().filter(|(path, _)| !wanted.files.contains_key(*path)) {
        match found(path) {
            Found::Nothing => {}
            Found::File(there) if there == *ours || force => changes.remove.push(path.clone()),
            Found::File(_) => conflict(path, ConflictKind::Edited),
            Found::Other => conflict(path, ConflictKind::Foreign),
        }
    }
    if conflicts.is_empty() { Ok(changes) } else { Err(conflicts) }
}

/// What keeps a folder from being up to date: for `--check`, which changes nothing and so asks nobody's leave.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Drift {
    /// Files that should be there and are not.
    pub missing: Vec<String>,
    /// Files with other bytes than they should have.
    pub changed: Vec<String>,
    /// Files that perturb wrote once and that should be gone.
    pub extra: Vec<String>,
    /// The list of files itself is not that of these files.
    pub index: bool,
    /// An earlier write was interrupted and has still to be undone.
    pub interrupted: bool,
}

impl Drift {
    /// Whether the folder is up to date.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// How a folder differs from what it should be.
#[must_use]
pub fn drift(wanted: &Index, before: &Index, found: impl Fn(&str) -> Found) -> Drift {
    let mut drift = Drift { index: wanted != before, ..Drift::default() };
    for (path, digest) in &wanted.files {
        match found(path) {
            Found::Nothing => drift.missing.push(path.clone()),
            Found::File(there) if there == *digest => {}
            Found::File(_) | Found::Other => drift.changed.push(path.clone()),
        }
    }
    let gone = |path: &&String| !wanted.files.contains_key(*path) && found(path) != Found::Nothing;
    drift.extra = before.files.keys().filter(gone).cloned().collect();
    drift
}
