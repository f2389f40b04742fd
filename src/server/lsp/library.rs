//! The standard library as files that an editor can open: written out, read-only, when it is led there.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::check::stdlib;

/// The folder below which the library of this very version lies.
pub fn folder() -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME").filter(|p| !p.is_empty()).map(PathBuf::from);
    let home = || std::env::var_os("HOME").filter(|p| !p.is_empty()).map(|home| PathBuf::from(home).join(".cache"));
    let base = cache.or_else(home).unwrap_or_else(std::env::temp_dir);
    base.join("perturb").join(format!("library-{}", env!("CARGO_PKG_VERSION")))
}

/// Writes a module (`std/network.chaos`) out unless it is there, and says where.
pub fn file(path: &str) -> io::Result<PathBuf> {
    let text = stdlib::module_text(path).ok_or(io::ErrorKind::NotFound)?;
    let target = folder().join(path);
    if fs::read(&target).is_ok_and(|found| found == text.as_bytes()) {
        return Ok(target);
    }
    let parent = target.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(parent)?;
    let mut file = tempfile::Builder::new().prefix(".perturb-").tempfile_in(parent)?;
    io::Write::write_all(&mut file, text.as_bytes())?;
    let mut permissions = file.as_file().metadata()?.permissions();
    permissions.set_readonly(true);
    #[cfg(unix)]
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o444);
    file.as_file().set_permissions(permissions)?;
    file.persist(&target).map_err(|e| e.error)?;
    Ok(target)
}

/// The module that a file is, if it was written by [`file`].
pub fn module_of(path: &Path) -> Option<String> {
    let relative = path.strip_prefix(folder()).ok()?;
    let path = crate::source::disk::slashes(relative)?;
    stdlib::module_text(&path).map(|_| path)
}
