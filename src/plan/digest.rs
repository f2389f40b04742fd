//! The plan's digest: SHA-256 over its canonical form (`canonical`), without what does not change what happens: the digest
//! itself, spans, sources.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use super::{Plan, canonical};

impl Plan {
    /// The digest of the plan as it stands; `Plan::digest` should hold it.
    #[must_use]
    pub fn compute_digest(&self) -> String {
        let mut hasher = Sha256::new();
        canonical::feed(self, &mut hasher);
        written(&hasher.finalize())
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
    let mut out = String::with_capacity(7 + bytes.len() * 2);
    out.push_str("sha256:");
    for byte in bytes {
        // Writing into a String cannot fail.
        let _ = write!(out, "{byte:02x}");
    }
    out
}
