//! Text with `${…}`.

use std::fmt::Write as _;

use super::{Evaluator, Val};
use crate::check::program::{Expr, TextPart};
use crate::diagnostic::{Code, Diagnostic};
use crate::types::{Type, Value};

impl Evaluator<'_> {
    /// Joins the parts; unknown as soon as one part is.
    pub(super) fn text(&mut self, parts: &[TextPart]) -> Val {
        let mut text = String::new();
        let mut known = true;
        for part in parts {
            match part {
                TextPart::Plain(plain) => text.push_str(plain),
                TextPart::Expr(expr) => known &= self.text_part(expr, &mut text),
            }
        }
        if known { Val::text(text) } else { Val::Unknown(Type::String) }
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
