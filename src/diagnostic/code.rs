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
    2 INVALID_UTF8 Error "bytes that are not UTF-8";
    3 BYTE_ORDER_MARK Warning "a byte-order mark";
    4 NUL_BYTE Error "NUL bytes";
    5 CARRIAGE_RETURN Warning "line ends of Windows";
    6 FILE_TOO_LARGE Error "a file that is too large";
    7 LONG_LINE Warning "a line of extraordinary length";
    8 TOO_DEEP Error "brackets or operators that are nested too deeply";
    9 UNCLOSED_TEXT Error "a text that does not end";
    10 FOREIGN_COMMENT Error "a comment in the form of another language";
    11 UNCLOSED_COMMENT Error "a comment that does not end";
    12 UNCLOSED_BRACKET Error "a bracket that is not closed";
    13 STRAY_BRACKET Error "a bracket that closes nothing";
    14 MISSING_BLOCK Error "a block that is missing";
    15 MISSING_VALUE Error "a value that is missing";
    16 MISSING_NAME Error "a name that is missing";
    17 MISSING_SEPARATOR Error "a comma or line end that is missing";
    18 UNKNOWN_ITEM Error "an item that begins with an unknown word";
    19 UNKNOWN_LINE Error "a line that begins with an unknown word";
    20 EQUALS_FOR_COLON Error "`=` where `:` is wanted";
    21 DASH_ITEM Error "a dash before an item";
    22 DASH_LIST Error "a list with dashes";
    23 FOREIGN_OPERATOR Error "an operator of another language";
    24 IF Error "`if`, which is not a word of the language";
    25 MIXED_LOGIC Error "`and` and `or` without parentheses";
    26 OPERATOR_SPACING Error "an operator without a blank on both sides";
    27 GIVEN_WHEN_THEN Error "`given`, `when` and `then`, which are not blocks of the language";
    28 HOLD_WHILE_DURING Error "`hold`, `while` or `during` around steps";
    29 RECOVERY_FIELD Error "`recovery` written as a field";
    30 UNNAMED_EXPECTATION Error "an expectation without a name";
    31 MISSING_REASON Error "a rule without a reason";
    32 SEMICOLON Error "a semicolon";
    33 EQUALS_IN_MAP Error "a map written with `=`";
    34 MISSING_WITHIN Error "a time limit that is missing";
    35 MISSING_COLON Error "a colon that is missing";
    36 MISPLACED_LINE Error "a line in a block where it means nothing";
    37 MISPLACED_TAIL Error "an ending that means nothing on its line";
    38 CHAINED_COMPARISON Error "comparisons in a chain";
    39 MISSING_WITH Error "a fault around steps without `with`";
    40 BAD_NAME Error "a name that is not spelled like one";
    41 MISSING_WORD Error "a word that is missing";
    42 SINGLE_EQUALS Error "`=` between two values";
    43 FOREIGN_QUOTES Error "quotes of another language";
    50 UNKNOWN_UNIT Error "an unknown unit";
    51 SPACE_BEFORE_UNIT Error "a blank between a number and its unit";
    52 NUMBER_TOO_LARGE Error "a number that is too large";
    53 BAD_DATE Error "a date that no calendar has";
    54 BAD_CLOCK Error "a time of day that no clock shows";
    55 BAD_ESCAPE Error "an unknown escape in a text";
    56 BAD_NUMBER Error "a number that is not written like one";

    // P01xx names and imports
    101 UNKNOWN_NAME Error "a name that nothing declares";

    // P02xx types and values
    201 TYPE_MISMATCH Error "a value of another type than is wanted";

    // P03xx targets and faults
    301 SELECTOR_WITHOUT_QUANTITY Error "a selector where a target is wanted: how many?";

    // P04xx proofs about an experiment

    // P05xx policy and place

    // P06xx engines

    // P07xx project and catalogue
}
