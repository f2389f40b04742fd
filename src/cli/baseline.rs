//! A baseline: the findings that an old project had when it began to look, so that only new ones are told.
//!
//! Comes in: findings. Goes out: a JSON file to commit, and what of later findings is new. Lines are not in it, as they move:
//! a finding is known by its code, file and message, as often as it was there.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::exit::Failure;
use crate::diagnostic::Diagnostic;
use crate::source::SourceMap;
use crate::source::disk::read_file;

/// The form of the file.
const VERSION: u32 = 1;

/// What was there before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Baseline {
    version: u32,
    findings: Vec<Known>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Known {
    code: String,
    /// Relative to the project.
    path: String,
    message: String,
    count: usize,
}

type Key = (String, String, String);

fn key(found: &Diagnostic, sources: &SourceMap) -> Key {
    let path = sources.get(found.span.file).map_or(String::new(), |f| f.path.to_string());
    (path, found.code.to_string(), found.message.clone())
}

impl Baseline {
    pub(super) fn of(found: &[Diagnostic], sources: &SourceMap) -> Self {
        let mut counts: BTreeMap<Key, usize> = BTreeMap::new();
        for one in found {
            *counts.entry(key(one, sources)).or_default() += 1;
        }
        let known = |((path, code, message), count)| Known { code, path, message, count };
        Self { version: VERSION, findings: counts.into_iter().map(known).collect() }
    }

    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let bytes = read_file(path).map_err(|e| {
            Failure::io("read", path, &e).help("`perturb lint --baseline FILE --write-baseline` writes one")
        })?;
        let wrong = |what: String| {
            Failure::new(format!("`{}` is no baseline: {what}", path.display()))
                .help("write it anew: `perturb lint --baseline FILE --write-baseline`")
        };
        let read: Self = serde_json::from_slice(&bytes).map_err(|e| wrong(e.to_string()))?;
        if read.version == VERSION { Ok(read) } else { Err(wrong(format!("its version is {}", read.version))) }
    }

    pub(super) fn write(&self, path: &Path) -> Result<(), Failure> {
        let mut text = serde_json::to_string_pretty(self).map_err(|e| Failure::new(e.to_string()))?;
        text.push('\n');
        if path.exists() {
            return super::files::replace(path, &text);
        }
        std::fs::write(path, text).map_err(|e| Failure::io("write", path, &e))
    }

    /// What is new.
    pub(super) fn without(&self, found: Vec<Diagnostic>, sources: &SourceMap) -> Vec<Diagnostic> {
        let known = self.findings.iter().map(|k| ((k.path.clone(), k.code.clone(), k.message.clone()), k.count));
        let mut left: BTreeMap<Key, usize> = known.collect();
        let mut is_new = |d: &Diagnostic| match left.get_mut(&key(d, sources)) {
            Some(count) if *count > 0 => {
                *count -= 1;
                false
            }
            _ => true,
        };
        found.into_iter().filter(|d| is_new(d)).collect()
    }
}
