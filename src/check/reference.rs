//! What a declaration's text refers to, and the digest of that text: what `confirmed-in` compares.
//!
//! The digest of a declaration covers its own text and that of everything it refers to, without comments and layout,
//! before an environment is put in. Environments, clusters, policies, verifies and game days are no part of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use sha2::{Digest as _, Sha256};

use super::Program;
use super::program::{ItemKind, RecordWord};
use super::scope::{DeclId, Def};
use crate::source::SourceMap;

/// The words of a declaration's text, and what it refers to.
#[derive(Debug, Default)]
pub struct TextDigest {
    own: [u8; 32],
    refers_to: Vec<DeclId>,
    whole: OnceLock<String>,
}

/// For each declaration of the program.
pub fn texts(program: &Program, sources: &SourceMap) -> Vec<TextDigest> {
    program
        .decls()
        .map(|(id, item)| {
            let text = sources.text(item.span);
            let mut hasher = Sha256::new();
            let mut names = BTreeSet::new();
            words(text, &mut |word| {
                hasher.update(word.as_bytes());
                hasher.update([0]);
                names.insert(word.to_owned());
            });
            let file = program.file_of(id);
            let scope = &program.scopes.files[file].names;
            let mut refers_to = BTreeSet::new();
            for (name, (def, _)) in scope {
                if !names.contains(name.as_str()) {
                    continue;
                }
                match def {
                    Def::Decl(other) if *other != id => {
                        refers_to.insert(*other);
                    }
                    Def::Module(module) => {
                        let own = &program.scopes.files[*module].own;
                        refers_to.extend(own.iter().filter(|(n, _)| names.contains(n.as_str())).map(|(_, d)| *d));
                    }
                    _ => {}
                }
            }
            refers_to.retain(|other| counts(&program.item(*other).kind));
            TextDigest {
                own: hasher.finalize().into(),
                refers_to: refers_to.into_iter().collect(),
                whole: OnceLock::new(),
            }
        })
        .collect()
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
        let Some(text) = self.texts.get(id.0 as usize) else { return "" };
        text.whole.get_or_init(|| {
            let mut reached = BTreeMap::new();
            let mut open = vec![id];
            while let Some(next) = open.pop() {
                let Some(text) = self.texts.get(next.0 as usize) else { continue };
                // By name and not by id: the order of files does not matter.
                let name = format!("{}\0{}", self.files[self.file_of(next)].path, self.item(next).name.text);
                if reached.insert(name, text.own).is_none() {
                    open.extend(text.refers_to.iter().copied());
                }
            }
            let mut hasher = Sha256::new();
            for own in reached.values() {
                hasher.update(own);
            }
            hex(&hasher.finalize())
        })
    }
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
