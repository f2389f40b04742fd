//! Perturb's `.chaos` files for the tree-sitter library: the language and its queries.

use tree_sitter_language::LanguageFn;

unsafe extern "C" {
    fn tree_sitter_perturb() -> *const ();
}

/// The language.
// SAFETY: the generated function returns a language that lives as long as the program.
pub const LANGUAGE: LanguageFn = unsafe { LanguageFn::from_raw(tree_sitter_perturb) };

/// What each node looks like.
pub const HIGHLIGHTS: &str = include_str!("../../queries/highlights.scm");
/// Texts in another language: queries of Prometheus.
pub const INJECTIONS: &str = include_str!("../../queries/injections.scm");
/// What can be folded.
pub const FOLDS: &str = include_str!("../../queries/folds.scm");
/// How lines are indented.
pub const INDENTS: &str = include_str!("../../queries/indents.scm");
/// Names, and where they hold.
pub const LOCALS: &str = include_str!("../../queries/locals.scm");
