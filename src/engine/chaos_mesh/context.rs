//! What one emission carries along: the plan, the arena, and the report that it fills.
//!
//! Nothing here decides anything.

use crate::analysis::portability::who_else;
use crate::diagnostic::{Code, Diagnostic};
use crate::engine::{Approximation, Report};
use crate::manifest::Arena;
use crate::plan::{Draw, EngineName, Fault, Plan};
use crate::source::Span;

/// One emission.
pub(super) struct Context<'a> {
    /// The plan.
    pub(super) plan: &'a Plan,
    /// Where nodes live.
    pub(super) arena: &'a Arena,
    /// What is said beside the manifests.
    pub(super) report: Report,
}

impl<'a> Context<'a> {
    /// An emission that has found nothing yet.
    pub(super) fn new(plan: &'a Plan, arena: &'a Arena) -> Self {
        Self { plan, arena, report: Report::default() }
    }

    /// Adds what cannot be emitted.
    pub(super) fn refuse(&mut self, diagnostic: Diagnostic) {
        self.report.diagnostics.push(diagnostic);
    }

    /// A body that would not do what it says, with the reason and the cure.
    pub(super) fn trap(&mut self, fault: &Fault, message: String, why: &str, help: &str) {
        let diagnostic = Diagnostic::new(Code::CHAOS_MESH_TRAP, fault.span, message).why(why).help(help);
        self.refuse(diagnostic);
    }

    /// Adds what is a little different.
    pub(super) fn approximate(&mut self, what: &'static str, span: Span, text: String) {
        self.report.approximations.push(Approximation { what, text, span });
    }

    /// Whether something was found that stops the emission.
    pub(super) fn failed(&self) -> bool {
        self.report.diagnostics.iter().any(Diagnostic::is_error)
    }

    /// The fault of an index.
    pub(super) fn fault(&self, index: u32) -> Option<&'a Fault> {
        self.plan.faults.get(index as usize)
    }

    /// The draw of an index.
    pub(super) fn draw(&self, index: u32) -> Option<&'a Draw> {
        self.plan.draws.get(index as usize)
    }
}

/// What to do where Chaos Mesh cannot: in the text, and with another engine.
pub(super) fn other_ways(plan: &Plan, fault: &Fault, help: &str) -> String {
    let ways = who_else(plan, fault, EngineName::ChaosMesh);
    if help.is_empty() { ways } else { format!("{help}; {ways}") }
}
