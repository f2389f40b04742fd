//! Making the value of a declaration or of one of its fields: never of itself, and never behind too many others.
//!
//! The only places where evaluation goes from one declaration into another are here, so here is what ends a ring.

use smol_str::SmolStr;

use super::Evaluator;
use crate::check::declared::field;
use crate::check::program::ItemKind;
use crate::check::scope::DeclId;
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;

/// So many declarations may stand behind one another, and nobody writes as many.
const MOST_BEHIND: usize = 256;

/// What one declaration needs of the stack at most: its brackets and operators are bounded by the grammar.
const STACK_LEFT: usize = 512 * 1024;

/// By how much the stack grows where less is left.
const STACK_MORE: usize = 4 * 1024 * 1024;

/// What is being made: a declaration, or one of its fields or parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Making {
    of: DeclId,
    part: Option<SmolStr>,
}

impl Evaluator<'_> {
    /// Runs `f`, which makes the value of a declaration, or of a part of it. `None` if that needs itself or stands behind too
    /// many others, which is reported.
    pub(in crate::check) fn making<R>(
        &mut self,
        of: DeclId,
        part: Option<&str>,
        f: impl FnOnce(&mut Self) -> R,
    ) -> Option<R> {
        let what = Making { of, part: part.map(SmolStr::from) };
        if let Some(at) = self.in_progress.iter().position(|one| *one == what) {
            let found = self.needs_itself(&what, at);
            self.report(found);
            return None;
        }
        if self.in_progress.len() >= MOST_BEHIND {
            self.behind_too_many(&what);
            return None;
        }
        self.in_progress.push(what);
        let result = stacker::maybe_grow(STACK_LEFT, STACK_MORE, || f(self));
        self.in_progress.pop();
        Some(result)
    }

    /// Runs `f`, whose findings are reported where the declaration is checked; only that something needs itself is kept, as
    /// that shows on the way round and nowhere else.
    pub(in crate::check) fn apart<R>(&mut self, f: impl FnOnce(&mut Self) -> R) -> R {
        let before = self.diagnostics.len();
        let result = f(self);
        let mut found = self.diagnostics.split_off(before);
        found.retain(|d| matches!(d.code, Code::NEEDS_ITSELF | Code::BEHIND_TOO_MANY));
        self.diagnostics.append(&mut found);
        result
    }

    /// The value of a `let` was made, with `self.deepest` others behind it; or is known, and has as many.
    pub(super) fn stands_behind(&mut self, of: DeclId, outer: usize) {
        let behind = self.behind.get(&of).copied().unwrap_or(self.deepest);
        self.behind.insert(of, behind);
        // Once is enough: each that follows stands behind one more.
        if behind == MOST_BEHIND {
            self.behind_too_many(&Making { of, part: None });
        }
        self.deepest = outer.max(behind + 1);
    }

    /// A ring that begins at one of what is being made. It is reported at one place, wherever it was entered.
    fn needs_itself(&self, what: &Making, at: usize) -> Diagnostic {
        let others = self.in_progress.iter().skip(at + 1);
        let told = |one: &Making| (self.place_of(one), self.name_of(one));
        let mut ring: Vec<(Span, String)> = others.map(told).chain([told(what)]).collect();
        ring.sort();
        let (span, name) = ring.remove(0);
        let found = Diagnostic::new(Code::NEEDS_ITSELF, span, format!("`{name}` needs itself"))
            .why("evaluation always ends, so a value cannot be made of itself");
        ring.into_iter().take(3).fold(found, |found, (span, name)| found.also(span, format!("by way of `{name}`")))
    }

    fn behind_too_many(&mut self, what: &Making) {
        let message = format!("`{}` stands behind more than {MOST_BEHIND} others", self.name_of(what));
        let found = Diagnostic::new(Code::BEHIND_TOO_MANY, self.place_of(what), message)
            .why("nobody can read what a value is that is made of a value, and so on, so many times")
            .help("give the value where it is needed");
        self.report(found);
    }

    fn place_of(&self, what: &Making) -> Span {
        let item = self.program.item(what.of);
        let of_field = |part: &SmolStr| match &item.kind {
            ItemKind::Record(_, fields) => field(fields, part).map(|f| f.key.span),
            _ => None,
        };
        what.part.as_ref().and_then(of_field).unwrap_or(item.name.span)
    }

    fn name_of(&self, what: &Making) -> String {
        let name = &self.program.item(what.of).name.text;
        what.part.as_ref().map_or_else(|| name.to_string(), |part| format!("{name}.{part}"))
    }
}
