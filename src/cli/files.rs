//! Files that a command changes: which there are, reading them as text, replacing them whole, showing what would change.
//!
//! Comes in: PATH arguments. Goes out: texts, files replaced, differences. A file is never half written: the new text is
//! written beside it and renamed into its place, with the old one's permissions; a link stays a link. What is no file (a pipe, a
//! terminal, a device) is written into: there is nothing to replace, and in its place nobody would look for a file.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::exit::Failure;
use crate::diagnostic::{Code, Diagnostic};
use crate::project::Project;
use crate::source::disk::{Disk, read_file};
use crate::source::{FileId, Span};

/// The `.chaos` files of these files and folders, sorted, each once, as they are shown.
///
/// # Errors
/// A path that is not there, a folder without such files.
pub(super) fn expand(given: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut found = BTreeSet::new();
    for path in given {
        let about = fs::metadata(path).map_err(|e| super::input::missing(path, &e))?;
        if !about.is_dir() {
            found.insert(path.clone());
            continue;
        }
        let inside = in_folder(path)?;
        if inside.is_empty() {
            return Err(Failure::new(format!("there is no `.chaos` file in `{}`", path.display())));
        }
        found.extend(inside);
    }
    Ok(found.into_iter().collect())
}

/// What the project of a folder has in it; a folder of no project is listed alike.
fn in_folder(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let absolute = fs::canonicalize(folder).map_err(|e| Failure::io("open", folder, &e))?;
    let disk = match Project::find(&absolute) {
        Some(root) => Project::open(root.clone()).map_err(|e| Failure::io("read", &root, &e))?.disk(),
        None => Disk::new(&absolute),
    };
    let inner = absolute.strip_prefix(disk.root()).ok().and_then(crate::source::disk::slashes).unwrap_or_default();
    let below = if inner.is_empty() { String::new() } else { format!("{inner}/") };
    let shown = |path: &String| {
        let path = path.strip_prefix(&below).unwrap_or(path);
        if folder == Path::new(".") { PathBuf::from(path) } else { folder.join(path) }
    };
    Ok(disk.list_under(&inner).iter().map(shown).collect())
}

/// Whether a file can be written here, for whoever writes it after an hour only: its folder is there and takes one.
///
/// # Errors
/// Why not.
pub(super) fn is_writable(path: &Path) -> Result<(), Failure> {
    if fs::metadata(path).is_ok_and(|about| !about.is_file() && !about.is_dir()) {
        return Ok(());
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let is_folder = || std::io::Error::from(std::io::ErrorKind::IsADirectory);
    let tried = if path.is_dir() { Err(is_folder()) } else { tempfile::tempfile_in(folder).map(|_| ()) };
    tried.map_err(|error| Failure::io("write", path, &error))
}

/// The text of a file; a diagnostic if its bytes are no text, as nothing can be written back then.
///
/// # Errors
/// What the operating system says.
pub(super) fn read_text(path: &Path) -> Result<Result<String, Box<Diagnostic>>, Failure> {
    let bytes = read_file(path).map_err(|e| Failure::io("read", path, &e))?;
    Ok(text_of(bytes))
}

/// Bytes as text, or what is wrong with them: the place is in the text with U+FFFD for what is none.
pub(super) fn text_of(bytes: Vec<u8>) -> Result<String, Box<Diagnostic>> {
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to() as u32;
        let place = Span::new(FileId(0), at, at + 3);
        let diagnostic = Diagnostic::new(Code::INVALID_UTF8, place, "these bytes are not UTF-8")
            .why("the file is left as it is: what the bytes were meant to be, nobody can say")
            .help("save the file as UTF-8");
        Box::new(diagnostic)
    })
}

/// Replaces a file by a text, whole.
///
/// # Errors
/// What the operating system says; the file is as it was then.
pub(super) fn replace(path: &Path, text: &str) -> Result<(), Failure> {
    let failed = |e: std::io::Error| Failure::io("write", path, &e);
    let about = fs::metadata(path).map_err(failed)?;
    if !about.is_file() {
        return Err(Failure::new(format!("cannot write `{}`: it is no file that could be replaced", path.display())));
    }
    let place = fs::canonicalize(path).map_err(failed)?;
    put(&place, text, Some(writable(path, about.permissions())?)).map_err(failed)
}

/// Writes a file, whole or not at all, whether it is there or not; into what is no file.
///
/// # Errors
/// What the operating system says; a file is as it was then.
pub(super) fn write_whole(path: &Path, text: &str) -> Result<(), Failure> {
    let failed = |e: std::io::Error| Failure::io("write", path, &e);
    match fs::metadata(path) {
        Ok(about) if about.is_file() && !is_stream(path) => {
            let place = fs::canonicalize(path).map_err(failed)?;
            put(&place, text, Some(writable(path, about.permissions())?)).map_err(failed)
        }
        // A pipe, a terminal, a device; of a folder the system says that it is one. What a stream leads to is added to, as it is
        // whoever opened the stream who said from where.
        Ok(_) => {
            let file = fs::OpenOptions::new().append(true).open(path);
            file.and_then(|mut file| file.write_all(text.as_bytes())).map_err(failed)
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            put(&end_of_links(path).map_err(failed)?, text, None).map_err(failed)
        }
        Err(error) => Err(failed(error)),
    }
}

/// The permissions of a file that may be written. Where the file itself may not be, its folder may still let it be replaced:
/// that is not what was meant.
fn writable(path: &Path, permissions: fs::Permissions) -> Result<fs::Permissions, Failure> {
    if permissions.readonly() {
        return Err(Failure::new(format!("cannot write `{}`: it is read-only", path.display())));
    }
    Ok(permissions)
}

/// Whether a path is that of a stream of this process, which may lead to a file that others write, too.
fn is_stream(path: &Path) -> bool {
    ["/dev/stdout", "/dev/stderr"].iter().any(|stream| path == Path::new(stream))
        || ["/dev/fd", "/proc/self/fd"].iter().any(|folder| path.starts_with(folder))
}

/// Where a link that leads to nothing leads; the path itself where it is no link.
fn end_of_links(path: &Path) -> std::io::Result<PathBuf> {
    /// As many as the system follows.
    const LINKS: usize = 40;
    let mut place = path.to_owned();
    for _ in 0..LINKS {
        match fs::read_link(&place) {
            Ok(next) => place = place.parent().unwrap_or(Path::new("")).join(next),
            Err(_) => return Ok(place),
        }
    }
    Err(std::io::Error::other("too many links lead to it"))
}

/// Puts a text at the place of a file: beside it first, then by renaming. New files are as readable as any other.
fn put(place: &Path, text: &str, permissions: Option<fs::Permissions>) -> std::io::Result<()> {
    let folder = place.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut new = tempfile::Builder::new().prefix(".perturb-").tempfile_in(folder)?;
    new.write_all(text.as_bytes())?;
    #[cfg(unix)]
    let permissions = permissions.or_else(|| Some(std::os::unix::fs::PermissionsExt::from_mode(0o644)));
    if let Some(permissions) = permissions {
        new.as_file().set_permissions(permissions)?;
    }
    new.as_file().sync_all()?;
    new.persist(place).map(drop).map_err(|e| e.error)
}

/// What changes from one text to another, in the form of `diff -u`.
pub(super) fn difference(name: &str, before: &str, after: &str, color: bool) -> String {
    let diff = similar::TextDiff::from_lines(before, after);
    let text = diff.unified_diff().context_radius(3).header(name, name).to_string();
    if !color {
        return text;
    }
    let painted = |line: &str| match line.as_bytes().first() {
        Some(b'+') => format!("\u{1b}[32m{line}\u{1b}[0m\n"),
        Some(b'-') => format!("\u{1b}[31m{line}\u{1b}[0m\n"),
        Some(b'@') => format!("\u{1b}[36m{line}\u{1b}[0m\n"),
        _ => format!("{line}\n"),
    };
    text.lines().map(painted).collect()
}
