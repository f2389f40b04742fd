//! Every code, one row each: number, name, severity, title. The page `docs/errors/P0123.md` holds the rest.
//!
//! Numbers never change and are never used again. Ranges:
//! P00xx text and syntax · P01xx names and imports · P02xx types and values · P03xx targets and faults ·
//! P04xx proofs about an experiment · P05xx policy and place · P06xx engines · P07xx project and catalogue.

use serde::{Serialize, Serializer};

use super::Severity;

/// A stable code, printed as `P0123`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(u16);

/// What the table says of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodeInfo {
    /// The code.
    pub code: Code,
    /// In Rust's spelling, e.g. `UNKNOWN_NAME`.
    pub name: &'static str,
    /// Its severity.
    pub severity: Severity,
    /// Its title: a noun phrase.
    pub title: &'static str,
}

impl Code {
    /// The number behind the `P`.
    #[must_use]
    pub fn number(self) -> u16 {
        self.0
    }

    /// Its row.
    #[must_use]
    pub fn info(self) -> &'static CodeInfo {
        // Codes are only made by the table below, so each has a row.
        TABLE.iter().find(|row| row.code == self).unwrap_or(&TABLE[0])
    }

    /// The code of a text such as `P0123` or `p123`, if the table has it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix(['P', 'p']).unwrap_or(text);
        let number: u16 = digits.parse().ok()?;
        TABLE.iter().map(|row| row.code).find(|code| code.0 == number)
    }

    /// All rows, in the order of their numbers.
    #[must_use]
    pub fn all() -> &'static [CodeInfo] {
        TABLE
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "P{:04}", self.0)
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

macro_rules! codes {
    ($($number:literal $name:ident $severity:ident $title:literal;)+) => {
        impl Code {
            $(#[doc = $title] pub const $name: Code = Code($number);)+
        }
        const TABLE: &[CodeInfo] = &[
            $(CodeInfo { code: Code($number), name: stringify!($name), severity: Severity::$severity, title: $title },)+
        ];
    };
}

codes! {
    // P00xx text and syntax
    1 SYNTAX Error "text that does not fit the grammar";

    // P01xx names and imports
    101 UNKNOWN_NAME Error "a name that nothing declares";

    // P02xx types and values
    201 TYPE_MISMATCH Error "a value of another type than is wanted";

    // P03xx targets and faults
    301 SELECTOR_WITHOUT_QUANTITY Error "a selector where a target is wanted: how many?";

    // P04xx proofs about an experiment
    400 CONFLICT Error "two faults of one mechanism at once on the same targets";
    401 POSSIBLE_CONFLICT Warning "two faults of one mechanism at once on targets that may meet";
    410 CANNOT_FAIL Error "an expectation or check that cannot fail";
    411 CANNOT_HOLD Error "an expectation or check that cannot hold";
    412 NEVER_JUDGED Error "an expectation that may never be judged";
    413 BUT_NOT_WEAKER Error "a bound during faults that is not weaker";
    414 GRACE_COVERS_PHASE Error "a grace that is not shorter than its phase";
    415 GRACE_WITHOUT_EFFECT Warning "a grace in no phase that has one";
    416 GRACE_SHORTER_THAN_WINDOW Warning "a grace shorter than the window of its metric";
    420 GUARD_NEVER Error "a guard that can never fire";
    421 GUARD_ALWAYS Error "a guard that fires at once";
    422 HOLD_BETWEEN_SAMPLES Warning "a guard that waits for less than the pause between two samples";
    423 GUARD_TOO_LATE Warning "a guard that would come after the end of the faults";
    424 LASTING_WITHOUT_GUARD Error "a lasting fault without an abort guard";
    425 IRREVERSIBLE Warning "a fault that cannot be undone";
    430 WINDOW_LONGER_THAN_FAULT Warning "a window longer than the faults that it should see";
    431 WINDOW_LONGER_THAN_RECOVERY Warning "a window longer than the recovery that it should see";
    435 RANGE_WITHOUT_WINDOW Error "a Prometheus range in a metric without a window";
    436 RANGE_OTHER_THAN_WINDOW Error "a Prometheus range that differs from the window of its metric";
    440 GUARD_BLINDED Error "a guard whose monitoring runs on what is hit";
    441 GUARD_PROBES_TARGET Warning "a guard that probes what is hit";
    442 EXPECTATION_BLINDED Warning "an expectation whose monitoring runs on what is hit";
    445 PROTECTED_NAMESPACE Error "a target in a namespace that must not be hit";
    446 WHOLE_NAMESPACE Error "a selector that takes a whole namespace";
    447 NO_NAMESPACE Error "a selector without a namespace";
    448 NODE_MAY_HOLD_ENGINE Warning "a node or zone on which the engine itself may run";
    449 BAD_SELECTOR Error "a selector that Kubernetes cannot read";
    452 OTHER_TEAM Warning "another team's service without its approval";
    453 OTHER_TEAM_PROTECTED Error "another team's service in a protected environment without its approval";
    454 UNRELATED_SERVICE Warning "a fault on what the service does not depend on";
    456 METHOD_WITHOUT_FAULT Warning "a method that injects nothing";
    458 UNKNOWN_ZONE Error "a time zone that nobody knows";
    459 HOURS_REVERSED Error "open hours that end before they begin";
    460 CLOSED_REVERSED Error "closed days that end before they begin";
    461 CLOSED_WITHOUT_EFFECT Warning "closed days on which it is never open";
    462 HOURS_NEVER_MEET Error "open hours that never meet";
    463 HOURS_TOO_SHORT Error "open hours shorter than the run";
    465 BAD_CRON Error "a schedule that is not a cron text";
    466 CRON_NEVER Error "a schedule that never comes";
    467 PERIOD_TOO_SHORT Error "a schedule that comes again before the run has ended";
    468 NEVER_IN_HOURS Error "a schedule that is never followed by enough open hours";
    469 SOMETIMES_NOT_IN_HOURS Warning "a schedule that is not always followed by enough open hours";
    470 INCIDENT_NOT_LEARNED_FROM Warning "an incident that no experiment learned from";
    475 LOST_ON_RESTART Warning "a fault that a restart takes away before its end";
    476 MORE_THAN_THERE Error "more targets than there are";
    477 SHARE_LARGER Warning "a share that is really much larger";
    478 WHOLE_CRITICAL Warning "all of a critical service at once in a protected environment";
    480 NO_ENGINE Error "a fault that no engine of the cluster can do";
    481 TWO_ENGINES Warning "an experiment that needs two engines";
    490 NAME_TOO_LONG Error "a name that leaves no room for what engines append";
    491 BAD_NAME Error "a name that Kubernetes would refuse";

    // P05xx policy and place

    // P06xx engines

    // P07xx project and catalogue
}
