//! The partial evaluator: expressions to values, where a value may be known only by its type.
//!
//! The same code checks a scenario's body (its parameters are [`Val::Unknown`]) and computes a plan (everything is known):
//! what is wrong is found once, and the two cannot disagree. Evaluation always ends: there is no recursion (a declaration
//! that needs itself is an error), the only loop is over a finite list, and every list and text is bounded.
//!
//! A value is asked for with the type that is wanted; words of an enumeration are looked for there first.

mod call;
mod coerce;
mod conditions;
mod convert;
pub mod expr;
mod making;
mod measure;
mod member;
mod names;
mod operate;
mod requests;
mod select;
mod text;

pub use call::{Bound, positive};
pub use coerce::{article, type_of_plain, word_of};
pub use names::listed;
pub use operate::order;
pub use requests::SECRET_HEADERS;
pub use select::text_of;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use smol_str::SmolStr;

use super::Program;
use super::scope::DeclId;
use crate::diagnostic::Diagnostic;
use crate::plan::{self, Condition, Operand, Quantity};
use crate::source::Span;
use crate::types::{TargetKind, Type, Value};

/// More members than this in a list or range, and it is an error.
pub const MOST_MEMBERS: usize = 1_000;

/// More bytes than this in a text that was put together, and it is an error: the longest queries that people write are far shorter.
pub const MOST_TEXT: usize = 64 * 1024;

/// What an expression gives.
#[derive(Debug, Clone)]
pub enum Val {
    /// Only the type is known; `Any` after an error that was reported.
    Unknown(Type),
    /// Data that a plan can hold as it is.
    Plain(Value),
    /// `[a, b]`.
    List(Arc<Vec<Val>>),
    /// `{ key: value }`.
    Record(Arc<Vec<(SmolStr, Val, Span)>>),
    /// `a..b by c`.
    Range(Arc<Vec<Val>>),
    /// A declared thing.
    Decl(DeclId),
    /// A file's names, or the standard library's.
    Module(super::scope::Def),
    /// Candidates.
    Selector(Arc<Candidates>),
    /// Some of the candidates.
    Target(Arc<Target>),
    /// A quantity that only samples tell, with its type.
    Sampled(Arc<Operand>, Type),
    /// A condition that only samples tell.
    Condition(Arc<Condition>),
    /// In a policy: `experiment` or `fault`.
    Facts(FactsOf),
}

/// What a policy's predefined name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FactsOf {
    /// `experiment`.
    Experiment,
    /// `fault`: the one that the rule is checked for.
    Fault,
}

/// A selector with what people call it.
#[derive(Debug, Clone)]
pub struct Candidates {
    /// The selector.
    pub selector: plan::Selector,
    /// The service whose it is.
    pub service: Option<SmolStr>,
    /// `ledger.pods(zone: lost)`.
    pub text: String,
    /// The targets that it speaks of (`zone: lost`, `except: hit`): draws that come before it.
    pub uses: Vec<Arc<Target>>,
}

/// A quantity of candidates. Its identity is what makes two uses one draw.
#[derive(Debug)]
pub struct Target {
    /// Unique within one evaluation.
    pub id: u32,
    /// How many.
    pub quantity: Quantity,
    /// Of what.
    pub of: Arc<Candidates>,
    /// `50% of ledger.pods`.
    pub text: String,
    /// Where it was drawn.
    pub span: Span,
    /// The `let` that names it.
    pub name: Option<SmolStr>,
}

impl Target {
    /// What kind of thing it hits.
    #[must_use]
    pub fn kind(&self) -> TargetKind {
        self.of.selector.kind()
    }
}

impl Val {
    /// Unknown after an error that was reported.
    #[must_use]
    pub fn error() -> Self {
        Self::Unknown(Type::Any)
    }

    /// `none`.
    #[must_use]
    pub fn none() -> Self {
        Self::Plain(Value::None)
    }

    /// Text.
    #[must_use]
    pub fn text(text: impl Into<SmolStr>) -> Self {
        Self::Plain(Value::String(text.into()))
    }

    /// A list.
    #[must_use]
    pub fn list(items: impl IntoIterator<Item = Val>) -> Self {
        Self::List(Arc::new(items.into_iter().collect()))
    }

    /// Whether it or a part of it is unknown.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        match self {
            Self::Unknown(_) => true,
            Self::List(items) | Self::Range(items) => items.iter().any(Val::is_unknown),
            Self::Record(entries) => entries.iter().any(|(_, v, _)| v.is_unknown()),
            _ => false,
        }
    }

    /// Whether two values are the same for whoever is given one of them. Rather too seldom than wrongly: of what is no plain
    /// data nobody says so.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Plain(one), Self::Plain(other)) => one == other,
            (Self::Decl(one), Self::Decl(other)) => one == other,
            (Self::List(one), Self::List(other)) | (Self::Range(one), Self::Range(other)) => {
                one.len() == other.len() && one.iter().zip(other.iter()).all(|(one, other)| one.is_same(other))
            }
            _ => false,
        }
    }

    /// Whether it stands for an error that was reported.
    #[must_use]
    pub fn is_error(&self) -> bool {
        matches!(self, Self::Unknown(Type::Any))
    }
}

/// What a policy may ask of an experiment or fault: the answer, or that only preflight knows.
#[derive(Debug, Clone, Default)]
pub struct PolicyFacts {
    /// `experiment.X`.
    pub experiment: BTreeMap<SmolStr, Val>,
    /// `fault.X`, and the fault itself under ``.
    pub fault: BTreeMap<SmolStr, Val>,
    /// What only preflight can tell, collected while a rule is evaluated.
    pub preflight: Vec<String>,
}

/// The names that are visible inside a declaration.
#[derive(Debug, Clone, Default)]
struct Frame {
    file: usize,
    locals: Vec<(SmolStr, Val, Span)>,
    /// The enumerations of parameters: a known word does not say what the others were.
    word_types: Vec<(SmolStr, Type)>,
}

/// Evaluates expressions of one program, for one place or for none.
pub struct Evaluator<'p> {
    /// The program.
    pub program: &'p Program,
    /// The place: indices into the program's environments and clusters. `None`: whatever depends on it is unknown.
    pub place: Option<super::PlaceId>,
    /// What was found.
    pub diagnostics: Vec<Diagnostic>,
    /// The first error that was left out of this plan's findings, as it is told where it stands: see [`Self::told_elsewhere`].
    pub left_out: Option<Box<Diagnostic>>,
    /// The streams of the plan being made, each distinct call once.
    pub streams: Vec<plan::Stream>,
    /// What policies ask for, while rules are evaluated.
    pub policy: Option<PolicyFacts>,
    /// Environments that `match environment` must name; `None`: all of the project's.
    pub environments: Option<Vec<DeclId>>,
    /// Declarations that were named since the plan was begun, in its own text and in the `let`s that it uses. What a service's
    /// entry in the catalogue names is no part of it: that entry is read once, and used by many plans.
    pub named: BTreeSet<DeclId>,
    frame: Frame,
    next_target: u32,
    /// The values of the project's `let`s in the plan being made: its draws and streams may be in them.
    lets: BTreeMap<DeclId, Val>,
    services: BTreeMap<DeclId, Option<Arc<super::declared::Service>>>,
    /// What calls of faults gave.
    pub(super) fault_calls: super::faults::Calls,
    /// What calls of metrics gave in the plan being made.
    measured: Vec<measure::Measured>,
    /// What is being made, the outermost first.
    in_progress: Vec<making::Making>,
    /// Behind how many others each value of `lets` stands.
    behind: BTreeMap<DeclId, usize>,
    /// How many stand behind what is being made, so far.
    deepest: usize,
}

impl<'p> Evaluator<'p> {
    /// An evaluator for a place, or for none.
    #[must_use]
    pub fn new(program: &'p Program, place: Option<super::PlaceId>) -> Self {
        Self {
            program,
            place,
            diagnostics: Vec::new(),
            left_out: None,
            streams: Vec::new(),
            policy: None,
            environments: None,
            named: BTreeSet::new(),
            frame: Frame::default(),
            next_target: 0,
            lets: BTreeMap::new(),
            services: BTreeMap::new(),
            fault_calls: super::faults::Calls::default(),
            measured: Vec::new(),
            in_progress: Vec::new(),
            behind: BTreeMap::new(),
            deepest: 0,
        }
    }

    /// Reports something.
    pub fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// Forgets what belongs to one plan and keeps what holds for the place.
    pub fn begin(&mut self) {
        self.left_out = None;
        self.streams.clear();
        self.measured.clear();
        self.lets.clear();
        self.named.clear();
        self.next_target = 0;
        self.environments = None;
        self.policy = None;
    }

    /// Leaves out what was found since `before`: it is wrong in a declaration, and told there. What is only wrong with
    /// what is put into it here is not: the first of it is kept, should there be no plan and nothing else that says why.
    pub fn told_elsewhere(&mut self, before: usize) {
        let error = self.diagnostics.drain(before..).find(Diagnostic::is_error);
        self.left_out = self.left_out.take().or(error.map(Box::new));
    }

    /// Runs `f` with the names of a file, and none but `locals` besides.
    pub fn within<R>(&mut self, file: usize, locals: Vec<(SmolStr, Val, Span)>, f: impl FnOnce(&mut Self) -> R) -> R {
        let outer = std::mem::replace(&mut self.frame, Frame { file, locals, word_types: Vec::new() });
        let result = f(self);
        self.frame = outer;
        result
    }

    /// Runs `f`, which names nothing here: what it names comes with its result.
    pub fn beside<R>(&mut self, f: impl FnOnce(&mut Self) -> R) -> (R, BTreeSet<DeclId>) {
        let here = std::mem::take(&mut self.named);
        let result = f(self);
        (result, std::mem::replace(&mut self.named, here))
    }

    /// Runs `f` in a block: what is declared in it is gone afterwards.
    pub fn block<R>(&mut self, f: impl FnOnce(&mut Self) -> R) -> R {
        let depth = self.frame.locals.len();
        let result = f(self);
        self.frame.locals.truncate(depth);
        result
    }

    /// Declares a parameter of a fault. It may be named like a fault of its file (`fault loss(…, loss: Percent)`), as
    /// nothing in a fault's bodies can name a fault.
    pub fn declare_fault_param(&mut self, name: &super::program::Name, value: Val) {
        let names_a_fault = match self.scope().names.get(&name.text) {
            Some((super::scope::Def::Decl(id), _)) => {
                matches!(self.program.item(*id).kind, super::program::ItemKind::Fault(_))
            }
            _ => false,
        };
        let is_param = self.frame.locals.iter().any(|(n, ..)| *n == name.text);
        if names_a_fault && !is_param {
            self.frame.locals.push((name.text.clone(), value, name.span));
        } else {
            self.declare(name, value);
        }
    }

    /// Declares a local name; an error if the name is visible already.
    pub fn declare(&mut self, name: &super::program::Name, value: Val) {
        if let Some(first) = self.visible_at(&name.text) {
            match first {
                Some(span) if span != name.span => self.report(super::scope::declared_twice(name, span)),
                Some(_) => {}
                None => self.report(super::scope::hides_predefined(name)),
            }
        }
        self.frame.locals.push((name.text.clone(), value, name.span));
    }

    /// Whether a name means something here.
    #[must_use]
    pub fn is_visible(&self, name: &str) -> bool {
        self.visible_at(name).is_some()
    }

    /// Whether a name means something here, the words of policies included.
    fn means_something(&self, name: &str) -> bool {
        self.is_visible(name) || self.policy.is_some() && matches!(name, "experiment" | "fault")
    }

    /// Says which enumeration a parameter is of.
    pub fn declare_type(&mut self, name: &SmolStr, ty: &Type) {
        match ty.base() {
            Type::Enum(_) => self.frame.word_types.push((name.clone(), ty.base().clone())),
            // `match` on a list goes by the words of its members; a word may also be missing.
            Type::List(inner) | Type::Optional(inner) => self.declare_type(name, &inner.clone()),
            _ => {}
        }
    }

    /// Where a visible name is declared; `None` inside: everywhere.
    fn visible_at(&self, name: &str) -> Option<Option<Span>> {
        if let Some((_, _, span)) = self.frame.locals.iter().rev().find(|(n, ..)| n == name) {
            return Some(Some(*span));
        }
        if let Some((_, span)) = self.scope().names.get(name) {
            return Some(Some(*span));
        }
        super::scope::PREDEFINED.contains(&name).then_some(None)
    }

    pub(super) fn known_service(&self, id: DeclId) -> Option<Option<Arc<super::declared::Service>>> {
        self.services.get(&id).cloned()
    }

    pub(super) fn remember_service(&mut self, id: DeclId, service: Option<Arc<super::declared::Service>>) {
        self.services.insert(id, service);
    }

    fn scope(&self) -> &'p super::scope::FileScope {
        &self.program.scopes.files[self.frame.file]
    }

    /// The file whose names are visible now.
    #[must_use]
    pub fn file(&self) -> usize {
        self.frame.file
    }
}
