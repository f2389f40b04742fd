//! Text with `${…}`.

use std::fmt::Write as _;

use smol_str::SmolStr;

use super::select::text_of;
use super::{Evaluator, MOST_TEXT, Val};
use crate::check::program::{Arg, Expr, TextPart};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;
use crate::types::{Decimal, Type, Value};

impl Evaluator<'_> {
    /// Joins the parts; unknown as soon as one part is.
    pub(super) fn text(&mut self, parts: &[TextPart]) -> Val {
        let mut text = String::new();
        let mut known = true;
        for part in parts {
            match part {
                TextPart::Plain(plain) => text.push_str(plain),
                TextPart::Expr(expr) => {
                    known &= self.text_part(expr, &mut text);
                    // What is written out can be as long as a file may be; what is put together would double with each line.
                    if text.len() > MOST_TEXT {
                        self.too_long(expr.span);
                        return Val::error();
                    }
                }
            }
        }
        if known { Val::text(text) } else { Val::Unknown(Type::String) }
    }

    fn too_long(&mut self, span: Span) {
        let most = MOST_TEXT / 1024;
        self.report(
            Diagnostic::new(Code::TEXT_TOO_LONG, span, format!("with this, the text has more than {most} KiB"))
                .why("whatever is in a plan, somebody must be able to read"),
        );
    }

    fn text_part(&mut self, expr: &Expr, text: &mut String) -> bool {
        match self.value(expr, &Type::Any) {
            Val::Plain(Value::Secret(_)) => {
                self.report(
                    Diagnostic::new(Code::SECRET_IN_TEXT, expr.span, "a secret cannot be put into text")
                        .why("text is printed, stored in plans and sent to engines; a secret never is")
                        .help("give the secret to a field that takes one, such as `token`"),
                );
                false
            }
            Val::Plain(value @ (Value::None | Value::List(_) | Value::Record(_) | Value::Draw(_))) => {
                self.no_text(expr, value.describe());
                false
            }
            Val::Plain(value) => {
                push_plain(&value, text);
                true
            }
            Val::Decl(id) => {
                text.push_str(&self.program.item(id).name.text);
                true
            }
            Val::Unknown(_) => false,
            other => {
                let ty = self.type_of(&other).to_string();
                self.no_text(expr, &ty);
                false
            }
        }
    }

    /// `begins(text, with: …)`, `ends(text, with: …)`, `contains(text, part: …)`: what a rule can ask of a text's form.
    pub(super) fn text_has(&mut self, name: &str, args: &[Arg], span: Span) -> Val {
        let key = if name == "contains" { "part" } else { "with" };
        let example = format!("write `{name}(text, {key}: \"…\")`");
        let Some((text, rest)) = args.split_first().filter(|(text, _)| text.name.is_none()) else {
            self.report(
                Diagnostic::new(Code::MISSING_ARGUMENT, span, format!("`{name}` of which text?")).help(example),
            );
            return Val::error();
        };
        let text = self.value(&text.value, &Type::String);
        let mut part = None;
        for arg in rest {
            if self.argument_name(arg, &[key]).is_some() {
                part = Some(self.value(&arg.value, &Type::String));
            }
        }
        let Some(part) = part else {
            if rest.is_empty() {
                let message = format!("`{name}` also needs `{key}`");
                self.report(Diagnostic::new(Code::MISSING_ARGUMENT, span, message).help(example));
            }
            return Val::error();
        };
        if text.is_error() || part.is_error() {
            return Val::error();
        }
        let (Some(text), Some(part)) = (text_of(&text), text_of(&part)) else { return Val::Unknown(Type::Bool) };
        let (text, part) = (text.as_str(), part.as_str());
        Val::Plain(Value::Bool(match name {
            "begins" => text.starts_with(part),
            "ends" => text.ends_with(part),
            _ => text.contains(part),
        }))
    }

    /// The text behind `because`, which says something.
    pub fn reason(&mut self, because: &Expr) -> Option<SmolStr> {
        let text = text_of(&self.value(because, &Type::String))?;
        if text.trim().is_empty() {
            self.report(
                Diagnostic::new(Code::MISSING_REASON, because.span, "this reason says nothing")
                    .why("who meets the rule at night must know what it protects")
                    .help("write what would go wrong without it"),
            );
        }
        Some(text)
    }

    fn no_text(&mut self, expr: &Expr, what: &str) {
        self.report(
            Diagnostic::new(Code::TYPE_MISMATCH, expr.span, format!("{what} cannot be put into text"))
                .help("text takes names, words, numbers and quantities"),
        );
    }
}

/// As text: quantities as the language writes them, text without quotes.
pub fn push_plain(value: &Value, text: &mut String) {
    match value.as_text() {
        Some(plain) => text.push_str(plain),
        // Writing into a String cannot fail.
        None => {
            let _ = write!(text, "{value}");
        }
    }
}

/// A value as JSON on one line; `None` if a part of it has no JSON of its own (a quantity, a target, a secret).
///
/// JSON has single quotes in its texts only, where they can be written as `\u0027`: engines put what they are given between
/// single quotes of a shell (litmus-go's header toxic), which a bare one would end.
pub(super) fn json(value: &Val) -> Option<String> {
    as_json(value).map(|value| value.to_string().replace('\'', "\\u0027"))
}

fn as_json(value: &Val) -> Option<serde_json::Value> {
    Some(match value {
        Val::Plain(Value::Bool(b)) => (*b).into(),
        Val::Plain(Value::Int(n)) => (*n).into(),
        Val::Plain(Value::Number(n)) => exact(*n)?,
        Val::Plain(Value::Secret(_)) => return None,
        Val::Plain(plain) => plain.as_text()?.into(),
        Val::List(items) | Val::Range(items) => {
            serde_json::Value::Array(items.iter().map(as_json).collect::<Option<_>>()?)
        }
        Val::Record(entries) => serde_json::Value::Object(
            entries.iter().map(|(key, value, _)| Some((key.to_string(), as_json(value)?))).collect::<Option<_>>()?,
        ),
        _ => return None,
    })
}

/// A number with a point, digit by digit: one that a reader of JSON would round has none.
fn exact(number: Decimal) -> Option<serde_json::Value> {
    let json: serde_json::Value = serde_json::from_str(&number.normalize().to_string()).ok()?;
    let read = json.to_string();
    let same = Decimal::from_str_exact(&read).or_else(|_| Decimal::from_scientific(&read));
    (same.ok()? == number).then_some(json)
}

/// The part of a value that has no JSON of its own, where it has such a part.
pub(super) fn without_json(value: &Val) -> Option<&Val> {
    match value {
        Val::List(items) | Val::Range(items) => items.iter().find_map(without_json),
        Val::Record(entries) => entries.iter().find_map(|(_, value, _)| without_json(value)),
        other => as_json(other).is_none().then_some(other),
    }
}
