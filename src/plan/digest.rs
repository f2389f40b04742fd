//! The plan's digest: SHA-256 over its canonical JSON (keys sorted, no white space), without what does not change what
//! happens: the digest itself, spans, sources.

use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};

use super::Plan;

/// Fields that a digest does not cover, at any depth.
const LEFT_OUT: [&str; 3] = ["digest", "span", "sources"];

impl Plan {
    /// The digest of the plan as it stands; `Plan::digest` should hold it.
    #[must_use]
    pub fn compute_digest(&self) -> String {
        // A plan is plain data with text keys, which always serialises.
        let json = serde_json::to_value(self).unwrap_or(Json::Null);
        let mut canonical = String::new();
        write_canonical(&json, &mut canonical);
        text_digest(&canonical)
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
    let mut out = String::with_capacity(71);
    out.push_str("sha256:");
    for byte in Sha256::digest(text.as_bytes()) {
        use std::fmt::Write as _;
        // Writing into a String cannot fail.
        let _ = write!(out, "{byte:02x}");
    }
    out
}

fn write_canonical(json: &Json, out: &mut String) {
    match json {
        Json::Object(map) => {
            // serde_json's map is sorted by key unless another crate turns on `preserve_order`.
            let mut keys: Vec<&String> = map.keys().filter(|k| !LEFT_OUT.contains(&k.as_str())).collect();
            keys.sort();
            out.push('{');
            for (i, key) in keys.into_iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                out.push_str(&Json::from(key.as_str()).to_string());
                out.push(':');
                write_canonical(&map[key], out);
            }
            out.push('}');
        }
        Json::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write_canonical(item, out);
            }
            out.push(']');
        }
        other => out.push_str(&other.to_string()),
    }
}
