//! The material beside the checkout (`../shared`: the engines' own schemas and examples), which not everybody has.
//!
//! A test that needs it asks here: without it the test says `SKIPPED` on stderr, or fails where
//! `PERTURB_REQUIRE_SHARED=1` (in CI). `PERTURB_SHARED` names another place.

use std::path::PathBuf;

/// The folder, or `None` after saying that `test` is skipped.
///
/// # Panics
/// If it is not there and `PERTURB_REQUIRE_SHARED=1`.
pub fn shared(test: &str) -> Option<PathBuf> {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let path = std::env::var_os("PERTURB_SHARED").map_or_else(beside, PathBuf::from);
    if path.join("corpus").is_dir() {
        return Some(path);
    }
    assert!(
        std::env::var_os("PERTURB_REQUIRE_SHARED").is_none_or(|value| value != "1"),
        "{test} needs {}, and PERTURB_REQUIRE_SHARED is set",
        path.display()
    );
    eprintln!("SKIPPED: {test}: there is no {}", path.display());
    None
}
