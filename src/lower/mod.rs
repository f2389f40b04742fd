//! From the typed program to plans: the one place that names both.
//!
//! May use: `source`, `diagnostic`, `types`, `check`, `plan`, `analysis` (policy rules ask for bounds).

use smol_str::SmolStr;

use crate::check::Program;
use crate::diagnostic::Diagnostic;
use crate::plan::Plan;
use crate::source::Span;

/// An experiment of the program, or an instance that a `verify` makes.
#[derive(Debug, Clone, PartialEq)]
pub struct ExperimentRef {
    /// Its name, unique in the project.
    pub name: SmolStr,
    /// The `verify` whose instance it is, if any.
    pub verify: Option<SmolStr>,
    /// The file that declares it (the `verify`'s file for an instance).
    pub path: String,
    /// Where it is declared.
    pub span: Span,
    /// Index used by [`plan`].
    pub index: u32,
}

/// An environment and one of its clusters, by name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlaceRef {
    /// The environment.
    pub environment: SmolStr,
    /// The cluster.
    pub cluster: SmolStr,
}

/// A plan with what was found wrong.
#[derive(Debug, Default)]
pub struct Lowered {
    /// The plan; `None` where an error leaves none.
    pub plan: Option<Plan>,
    /// What was found, of this experiment at this place.
    pub diagnostics: Vec<Diagnostic>,
}

/// Every experiment and every instance of every `verify`, in order of file and place.
#[must_use]
pub fn experiments(_program: &Program) -> Vec<ExperimentRef> {
    todo!()
}

/// Every place in which the experiment may run, in the order of declaration.
#[must_use]
pub fn places(_program: &Program, _experiment: &ExperimentRef) -> Vec<PlaceRef> {
    todo!()
}

/// The plan of one experiment at one place.
#[must_use]
pub fn plan(_program: &Program, _experiment: &ExperimentRef, _place: &PlaceRef) -> Lowered {
    todo!()
}
