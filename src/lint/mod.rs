//! Rules above errors: what is allowed and should not stay. One file per rule.
//!
//! Comes in: the parsed files of a project, the plans that were made of them, and whether a file is there. Goes out:
//! diagnostics with the codes P0900 to P0949, at the level that the project gives each rule. A finding is silenced where it
//! stands by `// perturb: allow(P0910) reason` ([`allow`]), and nowhere else. Pure: nothing is read here.
//!
//! A new rule is a file here, its line in [`RULES`], its row in `diagnostic/code.rs` and its page. May use: `source`,
//! `diagnostic`, `syntax`, `plan`, `analysis`, `types`.

mod allow;
mod dead_link;
mod duplicate;
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
    /// All files of the project, without the standard library.
    pub files: &'p [File<'p>],
    /// Whether these are all: of a lone file nobody knows what others use of it.
    pub whole: bool,
    /// Plans of its experiments, as far as there are some.
    pub plans: &'p [Plan],
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
    check: fn(&Project<'_>, &mut Vec<Diagnostic>),
}

/// All rules but those about `allow` itself, in the order of their codes.
pub const RULES: [Rule; 12] = [
    Rule { code: Code::UNUSED_LET, check: unused_let::check },
    Rule { code: Code::UNUSED_IMPORT, check: unused_import::check },
    Rule { code: Code::UNUSED_PARAMETER, check: unused_parameter::check },
    Rule { code: Code::MISSING_DOC, check: missing_doc::check },
    Rule { code: Code::TELLING_NAME, check: naming::check },
    Rule { code: Code::DUPLICATE_EXPERIMENT, check: duplicate::check },
    Rule { code: Code::NO_RATIONALE, check: no_rationale::check },
    Rule { code: Code::CANNOT_BE_REFUTED, check: judges_nothing::check },
    Rule { code: Code::UNOWNED_EXPECTATION, check: unowned_expectation::check },
    Rule { code: Code::LONG_FAULT, check: long_fault::check },
    Rule { code: Code::OFF_HOURS, check: off_hours::check },
    Rule { code: Code::DEAD_LINK, check: dead_link::check },
];

/// The codes of all rules, those about `allow` among them, in order.
pub fn codes() -> impl Iterator<Item = Code> {
    Code::all().iter().map(|row| row.code).filter(|code| code.is_lint())
}

/// What the rules find, in the order of the places.
///
/// # Errors (as diagnostics)
/// The codes P0900 to P0949.
#[must_use]
pub fn lint(project: &Project<'_>, levels: &Levels) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for rule in RULES.iter().filter(|rule| levels.get(&rule.code) != Some(&Level::Off)) {
        (rule.check)(project, &mut found);
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
