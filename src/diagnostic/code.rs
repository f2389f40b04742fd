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

    // P05xx policy and place

    // P06xx engines
    650 LITMUS_FAULT Error "a fault that Litmus cannot do with these arguments";
    651 LITMUS_TARGET Error "a target that Litmus cannot select";
    652 LITMUS_COUNT Error "a number of targets that Litmus cannot draw";
    653 LITMUS_VALUE Error "a value that Litmus would misread";
    654 LITMUS_PROBE Error "a condition that Litmus cannot judge";
    655 LITMUS_STEP Error "a step that a Litmus workflow does not have";
    656 LITMUS_BODY Error "a litmus body that does not fit together";

    // P07xx project and catalogue
}
