//! Sources on a disk: the `.chaos` files under a folder.
//!
//! Comes in: a folder. Goes out: texts by path, and the list of all files, sorted. Effects: reads files, nothing else; never
//! writes, never follows a link out of a listed folder or round in a ring, never waits for a device or pipe.
//!
//! What a listing leaves out: what `.gitignore` names (the user's own global ignore file does not count, as the same project
//! must be the same on every machine), hidden files, the project's `exclude`, folders that are projects of their own.

#![expect(clippy::disallowed_methods, reason = "the edge: this is the half of `source` that reads files")]

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use ignore::WalkBuilder;
use ignore::overrides::{Override, OverrideBuilder};

use super::{ReadError, Sources};

/// The file that makes a folder a project.
pub const PROJECT_FILE: &str = "perturb.toml";

/// More than this is no source that people wrote; spans could hold 4 GiB.
pub const LARGEST: u64 = 256 * 1024 * 1024;

/// The sources under a folder.
#[derive(Debug)]
pub struct Disk {
    root: PathBuf,
    exclude: Override,
    /// Texts that stand in for files: standard input, editors.
    overlay: BTreeMap<String, Vec<u8>>,
    /// What could not be read and is there: whoever started the run is told, as the user's text is not at fault.
    unreadable: Mutex<Vec<ReadError>>,
}

impl Disk {
    /// The sources under `root`.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), exclude: Override::empty(), overlay: BTreeMap::new(), unreadable: Mutex::default() }
    }

    /// Leaves out what these globs (of `.gitignore`'s form) match.
    ///
    /// # Errors
    /// The first glob that is none, with what is wrong with it.
    pub fn exclude(mut self, globs: &[String]) -> Result<Self, String> {
        let mut builder = OverrideBuilder::new(&self.root);
        for glob in globs {
            // An override chooses files unless it begins with `!`.
            builder.add(&format!("!{glob}")).map_err(|e| e.to_string())?;
        }
        self.exclude = builder.build().map_err(|e| e.to_string())?;
        Ok(self)
    }

    /// Puts a text in place of the file at `path`.
    pub fn put(&mut self, path: impl Into<String>, text: Vec<u8>) {
        self.overlay.insert(path.into(), text);
    }

    /// Takes such a text away again.
    pub fn take(&mut self, path: &str) {
        self.overlay.remove(path);
    }

    /// The folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The files that are there and could not be read, so far.
    #[must_use]
    pub fn unreadable(&self) -> Vec<ReadError> {
        self.unreadable.lock().map(|all| all.clone()).unwrap_or_default()
    }

    /// All `.chaos` files under a folder of the project (`""`: the project itself), sorted.
    #[must_use]
    pub fn list_under(&self, folder: &str) -> Vec<String> {
        let mut builder = WalkBuilder::new(self.root.join(folder));
        builder
            .follow_links(false)
            .ignore(false)
            .git_global(false)
            .git_exclude(false)
            .require_git(false)
            .overrides(self.exclude.clone())
            .filter_entry(|entry| entry.depth() == 0 || !is_project(entry));
        let mut found: Vec<String> = builder.build().flatten().filter_map(|entry| self.wanted(&entry)).collect();
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        found.extend(self.overlay.keys().filter(|p| p.starts_with(&prefix) && p.ends_with(".chaos")).cloned());
        found.sort();
        found.dedup();
        found
    }

    fn wanted(&self, entry: &ignore::DirEntry) -> Option<String> {
        let path = entry.path();
        if path.extension().is_none_or(|e| e != "chaos") {
            return None;
        }
        let kind = entry.file_type()?;
        // A link to a file is one (Kubernetes mounts a ConfigMap so); one to a folder is not entered, so no ring is.
        let is_file = kind.is_file() || kind.is_symlink() && fs::metadata(path).is_ok_and(|m| m.is_file());
        let relative = path.strip_prefix(&self.root).ok()?;
        is_file.then(|| slashes(relative)).flatten()
    }
}

fn is_project(entry: &ignore::DirEntry) -> bool {
    entry.file_type().is_some_and(|t| t.is_dir()) && entry.path().join(PROJECT_FILE).is_file()
}

/// A relative path with `/`; `None` if it is no UTF-8.
#[must_use]
pub fn slashes(path: &Path) -> Option<String> {
    let parts: Option<Vec<&str>> = path.components().map(|c| c.as_os_str().to_str()).collect();
    parts.map(|p| p.join("/"))
}

impl Sources for Disk {
    fn read(&self, path: &str) -> Result<Vec<u8>, ReadError> {
        if let Some(text) = self.overlay.get(path) {
            return Ok(text.clone());
        }
        let read = read_file(&self.root.join(path)).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => ReadError::Missing(path.to_owned()),
            _ => ReadError::Unreadable { path: path.to_owned(), reason: plain(&error) },
        });
        if let (Err(error @ ReadError::Unreadable { .. }), Ok(mut all)) = (&read, self.unreadable.lock())
            && !all.contains(error)
        {
            all.push(error.clone());
        }
        read
    }

    fn list(&self) -> Vec<String> {
        self.list_under("")
    }
}

/// Reads a regular file of a bearable size.
///
/// # Errors
/// What the operating system says, or that it is no regular file or too large.
pub fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let about = fs::metadata(path)?;
    if about.is_dir() {
        return Err(io::Error::other("it is a folder"));
    }
    if !about.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    if about.len() > LARGEST {
        return Err(io::Error::other(format!("it has {} bytes, and a source file has {LARGEST} at most", about.len())));
    }
    fs::read(path)
}

/// What the operating system says, without its number.
#[must_use]
pub fn plain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        _ => {
            let text = error.to_string();
            let text = text.split(" (os error").next().unwrap_or(&text);
            let mut letters = text.chars();
            letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
        }
    }
}

/// What is at the bottom of an error, in the words of who saw it: the system, the resolver, TLS. The layers around it only say
/// that something went wrong.
#[must_use]
pub fn cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.downcast_ref::<io::Error>().map_or_else(|| cause.to_string(), plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        dir
    }

    #[test]
    fn lists_what_belongs_to_the_project() {
        let dir = folder(&[
            ("b.chaos", ""),
            ("a/x.chaos", ""),
            ("a/notes.md", ""),
            ("build/gone.chaos", ""),
            ("drafts/d.chaos", ""),
            (".hidden/h.chaos", ""),
            ("other/perturb.toml", ""),
            ("other/o.chaos", ""),
            (".gitignore", "build/\n"),
        ]);
        let disk = Disk::new(dir.path()).exclude(&["drafts/**".to_owned()]).unwrap();
        assert_eq!(disk.list(), ["a/x.chaos", "b.chaos"]);
        assert_eq!(disk.list_under("a"), ["a/x.chaos"]);
    }

    #[test]
    fn a_bad_glob_is_said() {
        assert!(Disk::new("/").exclude(&["a[".to_owned()]).is_err());
    }

    #[test]
    fn a_text_can_stand_in_for_a_file() {
        let dir = folder(&[("a.chaos", "old")]);
        let mut disk = Disk::new(dir.path());
        disk.put("a.chaos", b"new".to_vec());
        disk.put("b.chaos", b"more".to_vec());
        assert_eq!(disk.read("a.chaos").unwrap(), b"new");
        assert_eq!(disk.list(), ["a.chaos", "b.chaos"]);
    }

    #[cfg(unix)]
    #[test]
    fn links_in_a_ring_end_and_links_to_files_count() {
        let dir = folder(&[("a/x.chaos", "x")]);
        std::os::unix::fs::symlink(dir.path(), dir.path().join("a/ring")).unwrap();
        std::os::unix::fs::symlink(dir.path().join("a/x.chaos"), dir.path().join("y.chaos")).unwrap();
        std::os::unix::fs::symlink("itself.chaos", dir.path().join("itself.chaos")).unwrap();
        let disk = Disk::new(dir.path());
        assert_eq!(disk.list(), ["a/x.chaos", "y.chaos"]);
        assert!(matches!(disk.read("itself.chaos"), Err(ReadError::Unreadable { .. })));
    }

    #[test]
    fn says_why_something_cannot_be_read() {
        let dir = folder(&[("a/x.chaos", "")]);
        let disk = Disk::new(dir.path());
        assert_eq!(disk.read("b.chaos"), Err(ReadError::Missing("b.chaos".to_owned())));
        assert_eq!(disk.read("a/x.chaos/y"), Err(ReadError::Missing("a/x.chaos/y".to_owned())));
        assert!(matches!(disk.read("a"), Err(ReadError::Unreadable { reason, .. }) if reason == "it is a folder"));
        assert_eq!(disk.unreadable().len(), 1);
    }
}
