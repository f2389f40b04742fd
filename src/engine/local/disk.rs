//! Taking space on a disk with one file, and giving it back.
//!
//! The file's name is known before it is made, so that whoever holds the record can remove it.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::action::Amount;
use crate::engine::drive::named_after;

/// How full a file system is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// All that anybody but root could use.
    pub total: u64,
    /// What is left of that.
    pub free: u64,
}

/// The space of the file system that holds a folder.
///
/// # Errors
/// That there is no such folder.
pub fn space(folder: &Path) -> io::Result<Space> {
    let stat = rustix::fs::statvfs(folder)?;
    let reserved = stat.f_bfree.saturating_sub(stat.f_bavail);
    Ok(Space {
        total: stat.f_blocks.saturating_sub(reserved).saturating_mul(stat.f_frsize),
        free: stat.f_bavail.saturating_mul(stat.f_frsize),
    })
}

/// Whether two folders are on one file system.
///
/// # Errors
/// That one of them does not exist.
pub fn same_disk(a: &Path, b: &Path) -> io::Result<bool> {
    Ok(rustix::fs::stat(a)?.st_dev == rustix::fs::stat(b)?.st_dev)
}

/// The file that an injection fills a folder with.
#[must_use]
pub fn file_of(folder: &Path, injection: &str) -> PathBuf {
    folder.join(format!(".perturb-fill-{}", named_after(injection, '-')))
}

/// Fills; gives how many bytes were taken. The blocks are really taken, not only promised.
///
/// # Errors
/// That the folder cannot be written to, or holds less than was asked for.
pub fn fill(file: &Path, amount: Amount) -> io::Result<u64> {
    let folder = file.parent().unwrap_or(Path::new("/"));
    let size = match amount {
        Amount::Bytes(bytes) => bytes,
        Amount::Full(hundredths) => {
            let space = space(folder)?;
            let wanted = u128::from(space.total) * u128::from(hundredths) / 10_000;
            let used = space.total.saturating_sub(space.free);
            u64::try_from(wanted).unwrap_or(u64::MAX).saturating_sub(used)
        }
    };
    let out = File::options().write(true).create_new(true).open(file)?;
    let done = take(&out, size);
    if done.is_err() {
        drop(out);
        fs::remove_file(file)?;
    }
    done.map(|()| size)
}

#[cfg(target_os = "linux")]
fn take(out: &File, size: u64) -> io::Result<()> {
    if size == 0 {
        return Ok(());
    }
    match rustix::fs::fallocate(out, rustix::fs::FallocateFlags::empty(), 0, size) {
        Ok(()) => Ok(()),
        // A file system that cannot promise blocks gets them written.
        Err(rustix::io::Errno::OPNOTSUPP) => write_out(out, size),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(target_os = "linux"))]
fn take(out: &File, size: u64) -> io::Result<()> {
    write_out(out, size)
}

fn write_out(mut out: &File, size: u64) -> io::Result<()> {
    use io::Write;
    let piece = vec![0x55u8; 1 << 20];
    let mut left = size;
    while left > 0 {
        let now = usize::try_from(left.min(piece.len() as u64)).unwrap_or(piece.len());
        out.write_all(piece.get(..now).unwrap_or_default())?;
        left -= now as u64;
    }
    out.sync_all()
}

/// How much a fill takes now; `None`: it is not there.
#[must_use]
pub fn taken(file: &Path) -> Option<u64> {
    // 512: what `st_blocks` counts in, whatever the file system does.
    rustix::fs::stat(file).ok().map(|s| u64::try_from(s.st_blocks).unwrap_or(0).saturating_mul(512))
}

/// Gives the space back. Right also if nothing was taken.
///
/// # Errors
/// That the file is there and cannot be removed; or that its folder is not there, which may have been moved with the file in it.
pub fn empty(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Err(_) if file.parent().is_some_and(|folder| !folder.is_dir()) => Err(io::Error::other(
            "its folder is not where it was: bring it back, or make an empty one if it was deleted",
        )),
        _ => Ok(()),
    }
}
