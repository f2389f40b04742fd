//! The faults that can be imported: every fault of the standard library with its engines' bodies, and no table of ours.
//!
//! A fault that is added to `stdlib/` is importable from then on: its body is read backwards by [`super::unify`].

use crate::check::program::{EngineBody, ExprKind, ItemKind};
use crate::check::scope::DeclId;
use crate::check::{Checked, check, stdlib};
use crate::plan::EngineName;
use crate::source::Memory;
use crate::types::Value;

/// The standard library, checked.
pub(super) struct Library {
    /// The program that holds it.
    pub checked: Checked,
}

/// One engine's body of one fault.
#[derive(Clone, Copy)]
pub(super) struct Pattern<'l> {
    /// The fault.
    pub id: DeclId,
    /// Its body for the engine.
    pub body: &'l EngineBody,
}

impl Library {
    /// Reads all of it.
    pub(super) fn read() -> Self {
        let modules: Vec<&str> = stdlib::modules().collect();
        let text = format!("import std.{{{}}}\n", modules.join(", "));
        Self { checked: check(&Memory::new([("library.chaos", text)]), &["library.chaos".to_owned()]) }
    }

    /// The bodies for an engine whose `key` is (or may be) this text: `kind: "NetworkChaos"`, `fault: "pod-delete"`.
    pub(super) fn patterns(&self, engine: EngineName, key: &str, text: &str) -> Vec<Pattern<'_>> {
        self.of_engine(engine).into_iter().filter(|p| constant(p.body, key).is_some_and(|t| t == text)).collect()
    }

    /// All bodies for an engine.
    pub(super) fn of_engine(&self, engine: EngineName) -> Vec<Pattern<'_>> {
        let body_of = |id: DeclId| {
            let ItemKind::Fault(fault) = &self.checked.program.item(id).kind else { return None };
            let body = fault.engines.iter().find(|b| b.engine.text == engine.text())?;
            Some(Pattern { id, body })
        };
        self.checked.program.decls().filter_map(|(id, _)| body_of(id)).collect()
    }

    /// What `key` can be in the bodies of an engine, sorted.
    pub(super) fn known(&self, engine: EngineName, key: &str) -> Vec<String> {
        let mut all: Vec<String> =
            self.of_engine(engine).iter().filter_map(|p| constant(p.body, key)).map(str::to_owned).collect();
        all.sort();
        all.dedup();
        all
    }
}

/// The text that a body's field always has.
pub(super) fn constant<'b>(body: &'b EngineBody, key: &str) -> Option<&'b str> {
    match &body.fields.iter().find(|f| f.key.text == key)?.value.kind {
        ExprKind::Literal(Value::String(text)) => Some(text),
        _ => None,
    }
}
