//! How tightly each operator binds: the one table, for rows of operands and operators that the grammar leaves flat.
//!
//! Comes in: a rule of an operator. Goes out: its level and the kind of node that it makes. Facts: `docs/language.md`.

use super::kind::SyntaxKind;
use super::parse::Rule;

/// An operator between two operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Infix {
    /// The higher, the tighter.
    pub level: u8,
    /// The node that it makes.
    pub kind: SyntaxKind,
}

/// `not` takes everything that binds more tightly than `and` and `or`.
pub const NOT: u8 = 2;
/// A sign takes an operand with what follows it, and nothing else.
pub const SIGN: u8 = 10;

/// The level of `and` and `or`. They are one level, as mixing them wants parentheses.
pub const LOGIC: u8 = 1;
const ASSIGN: u8 = 3;
const COMPARE: u8 = 4;
/// The level of `..` and `by`.
pub const RANGE: u8 = 5;
const SUM: u8 = 6;
const PRODUCT: u8 = 7;
const SHARE: u8 = 8;
const CONVERT: u8 = 9;

/// What an operator does; `text` is the operator itself. `None`: the rule is no operator.
pub fn infix(rule: Rule, text: &str) -> Option<Infix> {
    let (level, kind) = match rule {
        Rule::logic | Rule::mistake_logic => {
            (LOGIC, if matches!(text, "or" | "||") { SyntaxKind::OrExpr } else { SyntaxKind::AndExpr })
        }
        Rule::mistake_assign => (ASSIGN, SyntaxKind::AssignExpr),
        Rule::compare => (COMPARE, SyntaxKind::CompareExpr),
        Rule::in_ => (COMPARE, SyntaxKind::InExpr),
        Rule::span | Rule::by => (RANGE, SyntaxKind::RangeExpr),
        Rule::arithmetic | Rule::mistake_spacing => {
            (if matches!(text, "*" | "/") { PRODUCT } else { SUM }, SyntaxKind::ArithmeticExpr)
        }
        Rule::of => (SHARE, SyntaxKind::ShareExpr),
        Rule::as_ => (CONVERT, SyntaxKind::ConvertExpr),
        _ => return None,
    };
    Some(Infix { level, kind })
}
