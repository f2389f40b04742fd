//! A process's clock, moved by libfaketime, which is loaded into it when it starts and reads an offset from a file.
//!
//! Comes in: an offset. Goes out: a file of a name that is known before it is made, so that whoever holds the record can put
//! the clock right again. The library answers for calls of the C library; a program that asks the kernel itself (Go does,
//! and whatever is linked statically) is not hit, which [`Seen`] tells.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::process::Process;

/// Where distributions put the library. That for several threads first: it is right for one, too.
const FOLDERS: &[&str] =
    &["/usr/lib/*/faketime", "/usr/lib/faketime", "/usr/lib64/faketime", "/usr/local/lib/faketime"];
const LIBRARIES: &[&str] = &["libfaketimeMT.so.1", "libfaketime.so.1"];
/// Names the library to the helper that becomes the program (`keeper::child`): the helper itself needs none, and would be
/// taken for the program that asks for the time.
pub const PRELOAD: &str = "PERTURB_PRELOAD";
/// What is in the file while no fault is there.
const RIGHT: &str = "+0\n";

/// The library on this machine.
///
/// # Errors
/// That there is none, and what would help.
pub fn library() -> Result<PathBuf, String> {
    if !cfg!(target_os = "linux") {
        return Err("only on Linux is the library loaded into a process".to_owned());
    }
    let mut folders = Vec::new();
    for pattern in FOLDERS {
        match pattern.split_once("/*/") {
            None => folders.push(PathBuf::from(pattern)),
            Some((before, after)) => {
                let found = fs::read_dir(before).into_iter().flatten().flatten().map(|e| e.path().join(after));
                folders.extend(found);
            }
        }
    }
    // Sorted: the order in which a folder lists its entries is the file system's.
    folders.sort();
    LIBRARIES
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)))
        .find(|path| path.exists())
        .ok_or_else(|| {
            "libfaketime is not on this machine: install it (Debian and Ubuntu call it `libfaketime`)".to_owned()
        })
}

/// The file that a replica's clock is read from.
#[must_use]
pub fn file_of(home: &Path, service: &str, replica: &str) -> PathBuf {
    home.join(format!("{service}-{replica}.clock"))
}

/// What a process is started with, so that its clock can be moved later. Until then it is right.
///
/// # Errors
/// That the library or the file is not there.
pub fn environment(file: &Path) -> io::Result<Vec<(&'static str, std::ffi::OsString)>> {
    let library = library().map_err(io::Error::other)?;
    if !file.exists() {
        write(file, RIGHT)?;
    }
    Ok(vec![
        (PRELOAD, library.into()),
        ("FAKETIME_TIMESTAMP_FILE", file.into()),
        // The file is looked at with each question for the time: an undo is over when it is written.
        ("FAKETIME_NO_CACHE", "1".into()),
        // What time-outs are measured by stays right, and so does the time that files are said to have.
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".into()),
        ("NO_FAKE_STAT", "1".into()),
        // Children have the same clock as their parent, whenever they start.
        ("FAKETIME_DONT_RESET", "1".into()),
    ])
}

/// Moves a clock; the offset is in nanoseconds.
///
/// # Errors
/// That the file cannot be written.
pub fn shift(file: &Path, nanos: i64) -> io::Result<()> {
    let (sign, length) = (if nanos < 0 { '-' } else { '+' }, nanos.unsigned_abs());
    write(file, &format!("{sign}{}.{:09}\n", length / 1_000_000_000, length % 1_000_000_000))
}

/// Puts a clock right. Right also if it never was wrong, or its process and folder are gone.
///
/// # Errors
/// That the file is there and cannot be written.
pub fn put_right(file: &Path) -> io::Result<()> {
    match fs::read_to_string(file) {
        Ok(text) if text == RIGHT => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        _ => write(file, RIGHT),
    }
}

/// Whether nobody moves this clock.
#[must_use]
pub fn is_right(file: &Path) -> bool {
    fs::read_to_string(file).map_or(true, |text| text == RIGHT)
}

/// In one step: a program that asks for the time meanwhile reads the old text or the new one.
fn write(file: &Path, text: &str) -> io::Result<()> {
    let next = file.with_extension("next");
    fs::write(&next, text)?;
    fs::rename(&next, file)
}

/// Writes beside the file of a clock whose it is, for whoever cleans up after a keeper that was killed.
pub fn remember(file: &Path, pid: u32) {
    // Nothing else depends on it.
    let _ = fs::write(file.with_extension(OWNER), pid.to_string());
}

/// What [`remember`] writes ends so.
pub const OWNER: &str = "owner";

/// [`forget`]s the process of which this file tells, if it is gone.
pub fn forget_remembered(owner: &Path) {
    let pid = fs::read_to_string(owner).ok().and_then(|text| text.parse().ok());
    if let Some(pid) = pid.filter(|pid| Process::of(*pid).is_none()) {
        forget(pid);
    }
}

/// Takes away what the library leaves of a process that has ended: memory that it would share with its children.
pub fn forget(pid: u32) {
    for file in [format!("/dev/shm/faketime_shm_{pid}"), format!("/dev/shm/sem.faketime_sem_{pid}")] {
        // It is not there where the process never came so far.
        let _ = fs::remove_file(file);
    }
}

/// What can be seen of a moved clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// The process asked for the time, and the library answered.
    Asked,
    /// The library is there, and nobody asked it yet.
    NotYet,
    /// The library is not in the process: it is linked statically, or its user may not load it.
    NoLibrary,
}

/// Looks whether a process read its clock since the file was written.
#[must_use]
pub fn seen(process: Process, file: &Path) -> Seen {
    let maps = fs::read_to_string(format!("/proc/{}/maps", process.pid)).unwrap_or_default();
    if !maps.contains("libfaketime") {
        return Seen::NoLibrary;
    }
    // The library opens the file for each question; the kernel notes the first access after a change (relatime).
    match rustix::fs::stat(file) {
        Ok(stat) if (stat.st_atime, stat.st_atime_nsec) > (stat.st_mtime, stat.st_mtime_nsec) => Seen::Asked,
        _ => Seen::NotYet,
    }
}
