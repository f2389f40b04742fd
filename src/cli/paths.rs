//! Paths as people give them, and as they are shown to them. Pure but for asking where the working folder is.

use std::path::{Path, PathBuf};

/// The way from one absolute folder to another with `/`: empty, or ending in `/`.
pub(super) fn prefix(from: &Path, to: &Path) -> String {
    let (from, to): (Vec<_>, Vec<_>) = (from.components().collect(), to.components().collect());
    let same = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let mut way = "../".repeat(from.len() - same);
    for part in to.iter().skip(same) {
        way.push_str(&part.as_os_str().to_string_lossy());
        way.push('/');
    }
    way
}

/// The deepest folder above all of these absolute folders.
pub(super) fn common(folders: &[PathBuf]) -> PathBuf {
    let mut all = folders.iter();
    let mut common = all.next().cloned().unwrap_or_default();
    for folder in all {
        while !folder.starts_with(&common) && common.pop() {}
    }
    common
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways() {
        assert_eq!(prefix(Path::new("/a/b"), Path::new("/a/b")), "");
        assert_eq!(prefix(Path::new("/a"), Path::new("/a/b/c")), "b/c/");
        assert_eq!(prefix(Path::new("/a/b/c"), Path::new("/a/x")), "../../x/");
        assert_eq!(common(&["/a/b/c".into(), "/a/b".into(), "/a/b/d".into()]), Path::new("/a/b"));
        assert_eq!(common(&["/a".into(), "/b".into()]), Path::new("/"));
    }
}
