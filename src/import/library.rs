//! The faults that can be imported: every fault of the standard library with its engines' bodies, and no table of ours.
//!
//! A fault that is added to `stdlib/` is importable from then on: its body is read backwards by [`super::unify`].

use std::sync::LazyLock;

use crate::check::program::{EngineBody, Expr, ExprKind, ItemKind};
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
    /// The field that says what it is for the engine: `kind`, `fault`, `run`.
    pub key: &'static str,
}

/// The library of this program, read once: it cannot change.
pub(super) static LIBRARY: LazyLock<Library> = LazyLock::new(Library::read);

impl Library {
    /// Reads all of it.
    fn read() -> Self {
        let modules: Vec<&str> = stdlib::modules().collect();
        let text = format!("import std.{{{}}}\n", modules.join(", "));
        Self { checked: check(&Memory::new([("library.chaos", text)]), &["library.chaos".to_owned()]) }
    }

    /// The bodies for an engine whose `key` can be this text: `kind: "NetworkChaos"`, `fault: "pod-delete"`. The first of
    /// `keys` that a body has counts.
    pub(super) fn patterns(&self, engine: EngineName, keys: &[&'static str], text: &str) -> Vec<Pattern<'_>> {
        let all = self.of_engine(engine).into_iter();
        all.filter_map(|p| {
            let key = keys.iter().find(|k| field(p.body, k).is_some())?;
            texts(field(p.body, key)?).contains(&text).then_some(Pattern { key, ..p })
        })
        .collect()
    }

    /// All bodies for an engine.
    pub(super) fn of_engine(&self, engine: EngineName) -> Vec<Pattern<'_>> {
        let body_of = |id: DeclId| {
            let ItemKind::Fault(fault) = &self.checked.program.item(id).kind else { return None };
            let body = fault.engines.iter().find(|b| b.engine.text == engine.text())?;
            Some(Pattern { id, body, key: "" })
        };
        self.checked.program.decls().filter_map(|(id, _)| body_of(id)).collect()
    }

    /// What `key` can be in the bodies of an engine, sorted.
    pub(super) fn known(&self, engine: EngineName, key: &str) -> Vec<String> {
        let all = self.of_engine(engine);
        let texts = all.iter().filter_map(|p| field(p.body, key)).flat_map(texts);
        let mut all: Vec<String> = texts.map(str::to_owned).collect();
        all.sort();
        all.dedup();
        all
    }
}

/// A body's field.
pub(super) fn field<'b>(body: &'b EngineBody, key: &str) -> Option<&'b Expr> {
    body.fields.iter().find(|f| f.key.text == key).map(|f| &f.value)
}

/// The texts that an expression can give, as far as they are written out.
pub(super) fn texts(expr: &Expr) -> Vec<&str> {
    match &expr.kind {
        ExprKind::Literal(Value::String(text)) => vec![text],
        ExprKind::Match { arms, .. } => arms.iter().flat_map(|arm| texts(&arm.value)).collect(),
        ExprKind::Group(inner) => texts(inner),
        _ => Vec::new(),
    }
}
