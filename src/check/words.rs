//! The words of a text, whatever it is: code, a text in it, a comment. `build.rs` compiles this file, too.
//!
//! Comes in: a text. Goes out: the runs of what names are made of, which is ASCII.

/// The runs of what names are made of.
pub fn words(text: &str) -> impl Iterator<Item = &[u8]> {
    text.as_bytes().split(|byte| !is_of_a_name(*byte)).filter(|word| !word.is_empty())
}

fn is_of_a_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}
