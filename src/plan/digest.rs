//! The plan's digest: SHA-256 over its canonical form (`canonical`), without what does not change what happens: the digest
//! itself, spans, sources.

use sha2::{Digest as _, Sha256};

use super::{Plan, canonical};

impl Plan {
    /// The digest of the plan as it stands; `Plan::digest` should hold it.
    #[must_use]
    pub fn compute_digest(&self) -> String {
        written(&Sha256::digest(canonical::form(self)))
    }

    /// The first ten hexadecimal digits: what generated names carry.
    #[must_use]
    pub fn short_digest(&self) -> &str {
        self.digest.strip_prefix("sha256:").and_then(|d| d.get(..10)).unwrap_or("")
    }
}

/// `sha256:…` of a text.
#[must_use]
pub fn text_digest(text: &str) -> String {
    written(&Sha256::digest(text.as_bytes()))
}

fn written(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from_digit(u32::from(half), 16).unwrap_or('0');
    let mut out = String::with_capacity(7 + bytes.len() * 2);
    out.push_str("sha256:");
    out.extend(bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]));
    out
}
