//! The words that open items and lines, and what a name may look like: for "did you mean" and for the checks of names.
//!
//! Facts: `grammar/chaos.pest`; a test holds that each word opens what it says.

/// The words that open an item.
pub const ITEM_WORDS: &[&str] = &[
    "import",
    "let",
    "team",
    "service",
    "cluster",
    "environment",
    "slo",
    "incident",
    "metric",
    "fault",
    "scenario",
    "experiment",
    "verify",
    "policy",
    "gameday",
];

/// The words that open a line of a block.
pub const LINE_WORDS: &[&str] = &[
    "hypothesis",
    "guard",
    "method",
    "agenda",
    "engine",
    "let",
    "expect",
    "recovery",
    "abort",
    "only",
    "never",
    "approval",
    "with",
    "wait",
    "check",
    "parallel",
    "sequence",
    "for",
    "ask",
    "note",
    "run",
    "every",
    "require",
    "forbid",
];

/// The words that mean something wherever a value may stand, and can therefore name nothing.
pub const RESERVED: &[&str] = &["true", "false", "none", "and", "or", "not", "in", "as", "match", "let"];

/// Whether a text is a name: `[a-z][a-z0-9]*(-[a-z0-9]+)*`.
#[must_use]
pub fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text
            .split('-')
            .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()))
}
