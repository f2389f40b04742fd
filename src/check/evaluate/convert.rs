//! `expr as unit`: to a bare number in a unit, or to text.

use super::{Evaluator, Val};
use crate::check::program::{Expr, Name};
use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::types::{Decimal, Type, Value};

/// A unit that `as` converts to.
struct Target {
    word: &'static str,
    of: Type,
    /// How many base units (nanoseconds, percent, bytes, bit/s, cores, per second) make one.
    size: Decimal,
}

fn targets() -> Vec<Target> {
    let t = |word, of, size: u64| Target { word, of, size: Decimal::from(size) };
    vec![
        t("ns", Type::Duration, 1),
        t("us", Type::Duration, 1_000),
        t("ms", Type::Duration, 1_000_000),
        t("s", Type::Duration, 1_000_000_000),
        t("m", Type::Duration, 60_000_000_000),
        t("h", Type::Duration, 3_600_000_000_000),
        t("d", Type::Duration, 86_400_000_000_000),
        t("percent", Type::Percent, 1),
        t("ratio", Type::Percent, 100),
        t("bytes", Type::Bytes, 1),
        t("kb", Type::Bytes, 1_000),
        t("mb", Type::Bytes, 1_000_000),
        t("gb", Type::Bytes, 1_000_000_000),
        t("kib", Type::Bytes, 1 << 10),
        t("mib", Type::Bytes, 1 << 20),
        t("gib", Type::Bytes, 1 << 30),
        t("bit-per-s", Type::Bitrate, 1),
        t("kbit-per-s", Type::Bitrate, 1_000),
        t("mbit-per-s", Type::Bitrate, 1_000_000),
        t("gbit-per-s", Type::Bitrate, 1_000_000_000),
        t("cores", Type::Cores, 1),
        Target { word: "millicores", of: Type::Cores, size: Decimal::new(1, 3) },
        t("per-s", Type::Rate, 1),
    ]
}

impl Evaluator<'_> {
    pub(super) fn convert(&mut self, of: &Expr, unit: &Name) -> Val {
        let value = self.value(of, &Type::Any);
        if value.is_error() {
            return value;
        }
        if unit.text == "text" {
            return self.as_text(value, of);
        }
        let all = targets();
        let Some(target) = all.iter().find(|t| t.word == unit.text) else {
            let known = all.iter().map(|t| t.word).chain(["text"]);
            let diagnostic =
                Diagnostic::new(Code::NO_CONVERSION, unit.span, format!("nothing converts to `{}`", unit.text));
            self.report(match nearest(&unit.text, known) {
                Some(near) => diagnostic.choice(format!("did you mean `{near}`?"), unit.span, near),
                None => diagnostic.help("for example `as ms`, `as s`, `as percent`, `as mib`, `as cores`, `as text`"),
            });
            return Val::error();
        };
        match &value {
            // As with `?.`: what is not given has no amount either.
            Val::Plain(Value::None) => value,
            Val::Plain(plain) => match base_units(plain) {
                Some((amount, of)) if of == target.of => number(amount / target.size),
                _ => self.does_not_convert(&value, target, unit),
            },
            Val::Unknown(ty) if signless(ty) == target.of => Val::Unknown(Type::Number),
            Val::Unknown(Type::Optional(inner)) if *inner.base() == Type::Any => Val::Unknown(Type::Number),
            _ => self.does_not_convert(&value, target, unit),
        }
    }

    fn as_text(&mut self, value: Val, of: &Expr) -> Val {
        match value {
            Val::Plain(Value::Secret(_)) => {
                self.report(Diagnostic::new(Code::SECRET_IN_TEXT, of.span, "a secret cannot become text"));
                Val::error()
            }
            Val::Plain(plain) => {
                let mut text = String::new();
                super::text::push_plain(&plain, &mut text);
                Val::text(text)
            }
            Val::Decl(id) => Val::text(self.program.item(id).name.text.clone()),
            _ => Val::Unknown(Type::String),
        }
    }

    fn does_not_convert(&mut self, value: &Val, target: &Target, unit: &Name) -> Val {
        let found = self.describe(value);
        self.report(
            Diagnostic::new(Code::NO_CONVERSION, unit.span, format!("{found} has no `{}`", unit.text)).help(format!(
                "`as {}` takes {}",
                unit.text,
                super::coerce::article(&target.of)
            )),
        );
        Val::error()
    }
}

fn signless(ty: &Type) -> Type {
    match ty.base() {
        Type::Offset => Type::Duration,
        Type::Optional(inner) => signless(inner),
        other => other.clone(),
    }
}

/// A quantity in its base units, and its type.
pub(super) fn base_units(value: &Value) -> Option<(Decimal, Type)> {
    Some(match value {
        Value::Duration(d) => (Decimal::from(d.as_nanos()), Type::Duration),
        Value::Offset(o) => (Decimal::from(o.as_nanos()), Type::Duration),
        Value::Percent(p) => (p.0, Type::Percent),
        Value::Bytes(b) => (Decimal::from(b.0), Type::Bytes),
        Value::Bitrate(r) => (Decimal::from(r.0), Type::Bitrate),
        Value::Cores(c) => (c.0, Type::Cores),
        Value::Rate(r) => (r.0, Type::Rate),
        _ => return None,
    })
}

/// A whole number where it is one.
pub(super) fn number(amount: Decimal) -> Val {
    let amount = amount.normalize();
    if amount.fract().is_zero()
        && let Ok(whole) = i64::try_from(amount)
    {
        return Val::Plain(Value::Int(whole));
    }
    Val::Plain(Value::Number(amount))
}
