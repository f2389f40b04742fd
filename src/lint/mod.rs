//! Rules above errors: what is allowed and should not stay. One file per rule.
//!
//! Comes in: the parsed files of a project, what the plans that were made of them show, and whether a file is there. Goes out:
//! diagnostics with the codes P0900 to P0949, at the level that the project gives each rule. A finding is silenced where it
//! stands by `// perturb: allow(P0910) reason` (`allow.rs`), and nowhere else. Pure: nothing is read here.
//!
//! A new rule is a file here, its line in [`RULES`], its row in `diagnostic/code.rs` and its page. May use: `source`,
//! `diagnostic`, `syntax`, `plan`, `analysis`, `types`.

mod allow;
mod dead_link;
mod duplicate;
mod facts;
mod judges_nothing;
mod long_fault;
mod missing_doc;
mod naming;
mod no_rationale;
mod off_hours;
mod tree;
mod unowned_expectation;
mod unused_import;
mod unused_let;
mod unused_parameter;

use std::collections::BTreeMap;

use crate::diagnostic::{Code, Diagnostic, Level, Severity, tidy};
use crate::plan::Plan;
use crate::source::FileId;
use crate::syntax::Parse;

pub use facts::Facts;

/// A file of the project.
#[derive(Debug, Clone, Copy)]
pub struct File<'p> {
    /// Its id: spans of the findings are in it.
    pub id: FileId,
    /// Relative to the project, with `/`.
    pub path: &'p str,
    /// Its text.
    pub text: &'p str,
    /// Its tree.
    pub parse: &'p Parse,
}

/// What the rules look at.
#[derive(Clone, Copy)]
pub struct Project<'p> {
    /// The files that are looked at, without the standard library.
    pub files: &'p [File<'p>],
    /// What is to be known of all files of the project, these among them.
    pub facts: &'p [&'p Facts],
    /// Whether `facts` are of all: of a lone file nobody knows what others use of it.
    pub whole: bool,
    /// What [`of_plan`] says of the plans of its experiments, as far as there are some.
    pub of_plans: &'p [Diagnostic],
    /// Whether there is a file at a path of the project.
    pub exists: &'p dyn Fn(&str) -> bool,
}

/// What each rule is worth here; rules that are not named have their own level.
pub type Levels = BTreeMap<Code, Level>;

/// A rule.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// Its code. Name, level and title are in the code's row, the rest on its page.
    pub code: Code,
    look: Look,
}

/// What a rule looks at.
#[derive(Debug, Clone, Copy)]
enum Look {
    /// Files, in their project.
    Files(fn(&Project<'_>, &mut Vec<Diagnostic>)),
    /// One plan.
    Plan(fn(&Plan, &mut Vec<Diagnostic>)),
}

/// All rules but those about `allow` itself, in the order of their codes.
pub const RULES: [Rule; 12] = [
    Rule { code: Code::UNUSED_LET, look: Look::Files(unused_let::check) },
    Rule { code: Code::UNUSED_IMPORT, look: Look::Files(unused_import::check) },
    Rule { code: Code::UNUSED_PARAMETER, look: Look::Files(unused_parameter::check) },
    Rule { code: Code::MISSING_DOC, look: Look::Files(missing_doc::check) },
    Rule { code: Code::TELLING_NAME, look: Look::Files(naming::check) },
    Rule { code: Code::DUPLICATE_EXPERIMENT, look: Look::Files(duplicate::check) },
    Rule { code: Code::NO_RATIONALE, look: Look::Files(no_rationale::check) },
    Rule { code: Code::CANNOT_BE_REFUTED, look: Look::Files(judges_nothing::check) },
    Rule { code: Code::UNOWNED_EXPECTATION, look: Look::Files(unowned_expectation::check) },
    Rule { code: Code::LONG_FAULT, look: Look::Plan(long_fault::check) },
    Rule { code: Code::OFF_HOURS, look: Look::Files(off_hours::check) },
    Rule { code: Code::DEAD_LINK, look: Look::Files(dead_link::check) },
];

/// The codes of all rules, those about `allow` among them, in order.
pub fn codes() -> impl Iterator<Item = Code> {
    Code::all().iter().map(|row| row.code).filter(|code| code.is_lint())
}

/// What the rules find in a plan, whatever the project allows: [`lint`] takes it from there.
#[must_use]
pub fn of_plan(plan: &Plan) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for rule in &RULES {
        if let Look::Plan(check) = rule.look {
            check(plan, &mut found);
        }
    }
    found
}

/// What the rules find, in the order of the places.
///
/// # Errors (as diagnostics)
/// The codes P0900 to P0949.
#[must_use]
pub fn lint(project: &Project<'_>, levels: &Levels) -> Vec<Diagnostic> {
    let is_on = |code: Code| levels.get(&code) != Some(&Level::Off);
    let mut found: Vec<Diagnostic> = project.of_plans.iter().filter(|d| is_on(d.code)).cloned().collect();
    for rule in RULES.iter().filter(|rule| is_on(rule.code)) {
        if let Look::Files(check) = rule.look {
            check(project, &mut found);
        }
    }
    // Several plans of one experiment say the same.
    tidy(&mut found);
    let mut found = allow::silence(project, found, levels);
    found.retain(|d| levels.get(&d.code) != Some(&Level::Off));
    for diagnostic in &mut found {
        match levels.get(&diagnostic.code) {
            Some(Level::Error) => diagnostic.severity = Severity::Error,
            Some(Level::Warning) => diagnostic.severity = Severity::Warning,
            Some(Level::Off) | None => {}
        }
    }
    tidy(&mut found);
    found
}
