//! What a declaration's text refers to, and the digest of that text: what `confirmed-in` compares.
//!
//! The digest of a declaration covers its own text and that of everything it refers to, without comments and layout,
//! before an environment is put in. Environments, clusters, policies, verifies and game days are no part of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use sha2::{Digest as _, Sha256};
use smol_str::SmolStr;

use super::Program;
use super::program::{ItemKind, RecordWord};
use super::scope::{DeclId, Def};

/// What a declaration's own text says: it changes with the text alone.
#[derive(Debug)]
struct OwnText {
    digest: [u8; 32],
    names: BTreeSet<SmolStr>,
}

/// The own texts of a file's declarations, each read when it is asked for.
#[derive(Debug, Default)]
pub struct OwnTexts(Vec<OnceLock<OwnText>>);

impl OwnTexts {
    /// For a file of so many declarations.
    #[must_use]
    pub fn new(items: usize) -> Self {
        Self((0..items).map(|_| OnceLock::new()).collect())
    }
}

/// What a declaration refers to, and the digest of all of that; each found when it is asked for.
#[derive(Debug, Default)]
pub struct TextDigest {
    refers_to: OnceLock<Vec<DeclId>>,
    whole: OnceLock<String>,
}

/// Nothing known yet, for each declaration of a file.
#[must_use]
pub fn unknown(items: usize) -> Vec<TextDigest> {
    (0..items).map(|_| TextDigest::default()).collect()
}

fn counts(kind: &ItemKind) -> bool {
    !matches!(
        kind,
        ItemKind::Record(RecordWord::Environment | RecordWord::Cluster, _)
            | ItemKind::Policy(_)
            | ItemKind::Verify(_)
            | ItemKind::Gameday(_)
    )
}

impl Program {
    /// The digest of a declaration and of everything that it refers to.
    #[must_use]
    pub fn text_digest(&self, id: DeclId) -> &str {
        let Some(text) = self.text_of(id) else { return "" };
        text.whole.get_or_init(|| {
            let mut reached = BTreeMap::new();
            let mut open = vec![id];
            while let Some(next) = open.pop() {
                let (Some(own), Some(text)) = (self.own_text(next), self.text_of(next)) else { continue };
                // By name and not by id: the order of files does not matter.
                let name = format!("{}\0{}", self.files[self.file_of(next)].path, self.item(next).name.text);
                if reached.insert(name, own.digest).is_none() {
                    open.extend(text.refers_to.get_or_init(|| self.refers_to(next, own)));
                }
            }
            let mut hasher = Sha256::new();
            for own in reached.values() {
                hasher.update(own);
            }
            hex(&hasher.finalize())
        })
    }

    fn text_of(&self, id: DeclId) -> Option<&TextDigest> {
        self.texts.get(id.file as usize)?.get(id.item as usize)
    }

    fn own_text(&self, id: DeclId) -> Option<&OwnText> {
        let loaded = self.files.get(id.file as usize)?;
        let span = loaded.file.items.get(id.item as usize)?.span;
        let cell = loaded.own_texts.0.get(id.item as usize)?;
        Some(cell.get_or_init(|| own_text(loaded.text.get(span.start as usize..span.end as usize).unwrap_or(""))))
    }

    fn refers_to(&self, id: DeclId, own: &OwnText) -> Vec<DeclId> {
        let Some(scope) = self.scopes.files.get(self.file_of(id)) else { return Vec::new() };
        let mut found = BTreeSet::new();
        for name in &own.names {
            match scope.names.get(name).map(|(def, _)| *def) {
                Some(Def::Decl(other)) if other != id => {
                    found.insert(other);
                }
                Some(Def::Module(module)) => {
                    let declared = &self.scopes.files[module].own;
                    found.extend(own.names.iter().filter_map(|n| declared.get(n)));
                }
                _ => {}
            }
        }
        found.retain(|other| counts(&self.item(*other).kind));
        found.into_iter().collect()
    }
}

fn own_text(text: &str) -> OwnText {
    let mut hasher = Sha256::new();
    let mut names = BTreeSet::new();
    words(text, &mut |word| {
        hasher.update(word.as_bytes());
        hasher.update([0]);
        // Only a name can refer to something.
        if word.starts_with(char::is_alphabetic) {
            names.insert(SmolStr::new(word));
        }
    });
    OwnText { digest: hasher.finalize().into(), names }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        // Writing into a String cannot fail.
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// Calls `f` with each word, text and sign of a source, without comments and blanks. Text with `${…}` is split into its
/// words too, so that what it refers to is found.
fn words(text: &str, f: &mut impl FnMut(&str)) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let start = at;
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' | b',' => {
                at += 1;
                continue;
            }
            b'/' if bytes.get(at + 1) == Some(&b'/') => {
                while at < bytes.len() && bytes.get(at) != Some(&b'\n') {
                    at += 1;
                }
                continue;
            }
            b'"' => {
                at = end_of_text(bytes, at);
                let inside = text.get(start..at).unwrap_or("");
                f(inside);
                for part in inside.split("${").skip(1) {
                    let code = part.split('}').next().unwrap_or("");
                    code.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'))
                        .filter(|w| !w.is_empty())
                        .for_each(&mut *f);
                }
                continue;
            }
            b if b.is_ascii_alphanumeric() || *b >= 0x80 => {
                while bytes.get(at).is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_') || *b >= 0x80)
                {
                    at += 1;
                }
            }
            _ => at += 1,
        }
        f(text.get(start..at).unwrap_or(""));
    }
}

fn end_of_text(bytes: &[u8], start: usize) -> usize {
    if bytes.get(start..start + 3) == Some(b"\"\"\"") {
        let rest = bytes.get(start + 3..).unwrap_or_default();
        return match rest.windows(3).position(|w| w == b"\"\"\"") {
            Some(found) => start + 3 + found + 3,
            None => bytes.len(),
        };
    }
    let mut at = start + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 2,
            b'"' => return at + 1,
            b'\n' => return at,
            _ => at += 1,
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<String> {
        let mut found = Vec::new();
        words(text, &mut |w| found.push(w.to_owned()));
        found
    }

    #[test]
    fn comments_and_layout_do_not_count() {
        assert_eq!(all("a-b: 3m // why\n, c"), ["a-b", ":", "3m", "c"]);
        assert_eq!(all("x { q: \"${of.name} // no\" }"), all("x {\n q: \"${of.name} // no\"\n}"));
        assert!(all("q: \"${of.name}\"").contains(&"of".to_owned()));
    }
}
