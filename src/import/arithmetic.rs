//! Calculations, read backwards: from `ceil(load as cores) = 2` and `ceil(load as cores / 2 * 100) = 75` to the load.
//!
//! Comes in: equations between an expression and a number. Goes out: for each parameter an amount in base units that
//! solves them. One rule at a time is undone (`ceil`, `+ - * /`, `as UNIT`), with everything on the other side known: a
//! number, or a term that another equation gives. A parameter that rounding leaves a stretch for gets its upper end, which
//! is the exact one where a body rounds up. What cannot be undone is left open; who asks compares forwards afterwards.

use std::collections::BTreeMap;

use smol_str::SmolStr;

use super::spelling::unit_size;
use crate::check::program::{Expr, ExprKind};
use crate::plan::Arithmetic;
use crate::source::Span;
use crate::types::{Decimal, Value};

/// `expr = value`.
pub(super) struct Equation<'e> {
    /// The body's calculation.
    pub expr: &'e Expr,
    /// What the manifest has.
    pub value: Decimal,
    /// Where.
    pub at: Span,
}

/// What is known beside the equations.
pub(super) struct Known<'e> {
    /// All equations.
    pub equations: &'e [Equation<'e>],
    /// The value of a parameter that is known already.
    pub value: &'e dyn Fn(&str) -> Option<Value>,
}

/// From a number to a number; the lower end may be open, the upper end belongs to it.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Stretch {
    least: Decimal,
    /// Whether `least` itself is outside.
    open: bool,
    most: Decimal,
}

impl Stretch {
    fn exactly(value: Decimal) -> Self {
        Self { least: value, open: false, most: value }
    }

    fn map(self, f: impl Fn(Decimal) -> Option<Decimal>) -> Option<Self> {
        let (a, b) = (f(self.least)?, f(self.most)?);
        Some(Self { least: a.min(b), open: self.open && a <= b, most: a.max(b) })
    }

    fn meets(self, other: Self) -> Option<Self> {
        let least = self.least.max(other.least);
        let open = (self.open && self.least == least) || (other.open && other.least == least);
        let most = self.most.min(other.most);
        (least < most || (least == most && !open)).then_some(Self { least, open, most })
    }
}

/// Amounts of the parameters that the equations determine, in base units, each with a place that says it.
pub(super) fn solve(known: &Known<'_>) -> Result<BTreeMap<SmolStr, (Decimal, Span)>, (Span, String)> {
    let mut found: BTreeMap<SmolStr, (Stretch, Span)> = BTreeMap::new();
    for equation in known.equations {
        let undone = undo(known, equation.expr, Stretch::exactly(equation.value), true);
        let Some((name, stretch)) = undone else { continue };
        let joined = match found.get(&name) {
            None => stretch,
            Some((other, _)) => other.meets(stretch).ok_or_else(|| {
                (equation.at, format!("no `{name}` gives {} together with the other numbers", equation.value))
            })?,
        };
        found.insert(name, (joined, equation.at));
    }
    Ok(found.into_iter().map(|(name, (stretch, at))| (name, (stretch.most, at))).collect())
}

/// The parameter in an expression, and the stretch in which it gives the wanted one; `None` where it cannot be told.
fn undo(known: &Known<'_>, expr: &Expr, wanted: Stretch, outermost: bool) -> Option<(SmolStr, Stretch)> {
    if !outermost && constant(known, expr).is_some() {
        return None;
    }
    match &expr.kind {
        ExprKind::Group(inner) => undo(known, inner, wanted, outermost),
        ExprKind::Name(name) => Some((name.clone(), wanted)),
        ExprKind::Convert { of, unit } => {
            let size = unit_size(&unit.text)?;
            undo(known, of, wanted.map(|n| n.checked_mul(size))?, false)
        }
        ExprKind::Call { callee, args } => match (&callee.kind, args.as_slice()) {
            (ExprKind::Name(name), [only]) if name == "ceil" => {
                let least = wanted.most.ceil().checked_sub(Decimal::ONE)?;
                undo(known, &only.value, Stretch { least, open: true, most: wanted.most.floor() }, false)
            }
            _ => None,
        },
        ExprKind::Arithmetic { left, op, right } => {
            if let Some(c) = constant(known, right) {
                let back = |n: Decimal| match op {
                    Arithmetic::Add => n.checked_sub(c),
                    Arithmetic::Subtract => n.checked_add(c),
                    Arithmetic::Multiply => n.checked_div(c),
                    Arithmetic::Divide => n.checked_mul(c),
                };
                undo(known, left, wanted.map(back)?, false)
            } else if let Some(c) = constant(known, left) {
                let back = |n: Decimal| match op {
                    Arithmetic::Add => n.checked_sub(c),
                    Arithmetic::Subtract => c.checked_sub(n),
                    Arithmetic::Multiply => n.checked_div(c),
                    Arithmetic::Divide => c.checked_div(n),
                };
                undo(known, right, wanted.map(back)?, false)
            } else {
                None
            }
        }
        _ => None,
    }
}

/// The number that an expression is: a literal, a parameter that is known, a term that an equation gives, or made of these.
fn constant(known: &Known<'_>, expr: &Expr) -> Option<Decimal> {
    if let ExprKind::Group(inner) = &expr.kind {
        return constant(known, inner);
    }
    if let Some(equation) = known.equations.iter().find(|e| key(e.expr) == key(expr)) {
        return Some(equation.value);
    }
    match &expr.kind {
        ExprKind::Literal(Value::Int(n)) => Some(Decimal::from(*n)),
        ExprKind::Literal(Value::Number(n)) => Some(*n),
        ExprKind::Name(name) => match (known.value)(name)? {
            Value::Int(n) => Some(Decimal::from(n)),
            Value::Number(n) => Some(n),
            _ => None,
        },
        ExprKind::Arithmetic { left, op, right } => {
            let (left, right) = (constant(known, left)?, constant(known, right)?);
            match op {
                Arithmetic::Add => left.checked_add(right),
                Arithmetic::Subtract => left.checked_sub(right),
                Arithmetic::Multiply => left.checked_mul(right),
                Arithmetic::Divide => left.checked_div(right),
            }
        }
        _ => None,
    }
}

/// An expression without its places, to compare.
fn key(expr: &Expr) -> String {
    match &expr.kind {
        ExprKind::Group(inner) => key(inner),
        ExprKind::Literal(value) => value.to_string(),
        ExprKind::Name(name) => name.to_string(),
        ExprKind::Convert { of, unit } => format!("({} as {})", key(of), unit.text),
        ExprKind::Call { callee, args } => {
            let args: Vec<String> = args.iter().map(|a| key(&a.value)).collect();
            format!("{}({})", key(callee), args.join(","))
        }
        ExprKind::Arithmetic { left, op, right } => format!("({} {op:?} {})", key(left), key(right)),
        // Places differ, so nothing else is equal to anything.
        _ => format!("{:?}", expr.span),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_meet() {
        let n = |n: i64| Decimal::from(n);
        let open = Stretch { least: n(0), open: true, most: n(1) };
        assert_eq!(open.meets(Stretch::exactly(n(0))), None);
        assert_eq!(open.meets(Stretch::exactly(n(1))), Some(Stretch::exactly(n(1))));
        assert_eq!(open.meets(Stretch { least: n(1), open: true, most: n(2) }), None);
    }
}
