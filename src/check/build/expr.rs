//! Expressions. Comes in: views. Goes out: `program::Expr`, with an error where the parser has complained.

use smol_str::SmolStr;

use super::Builder;
use super::place::Place;
use crate::check::program::{Arg, Arm, Expr, ExprKind, ShareQuantity};
use crate::diagnostic::{Code, Diagnostic};
use crate::plan::{Arithmetic, Comparison};
use crate::syntax::ast::{self, ExprForm, View as _};
use crate::types::Value;

impl Builder {
    pub(super) fn expr(&mut self, view: &ast::Expr) -> Expr {
        let span = self.span(view.syntax());
        let kind = self.expr_kind(view).unwrap_or(ExprKind::Error);
        Expr { kind, span }
    }

    fn expr_kind(&mut self, view: &ast::Expr) -> Option<ExprKind> {
        let node = view.syntax();
        Some(match view.form() {
            ExprForm::Name => name(view.name()?.text()),
            ExprForm::Number => self.literal(node)?,
            ExprForm::Text => return view.text().map(|text| self.text_expr(&text).kind),
            ExprForm::List => ExprKind::List(self.operands(view)),
            ExprForm::Record => ExprKind::Record(self.fields(view.block(), Place::Value)),
            ExprForm::Group => ExprKind::Group(Box::new(self.operand(view, 0))),
            ExprForm::Match => self.match_expr(view),
            ExprForm::Member => {
                let base = Box::new(self.operand(view, 0));
                let name = self.word(&view.name()?);
                ExprKind::Member { base, name, optional: view.is_optional_member() }
            }
            ExprForm::Call => {
                let callee = Box::new(self.operand(view, 0));
                ExprKind::Call { callee, args: self.args(&view.args()?) }
            }
            ExprForm::Sign => {
                let negative = view.operator()?.text() == "-";
                ExprKind::Sign { negative, of: Box::new(self.operand(view, 0)) }
            }
            ExprForm::Not => ExprKind::Not(Box::new(self.operand(view, 0))),
            ExprForm::And => ExprKind::And(self.operands(view)),
            ExprForm::Or => ExprKind::Or(self.operands(view)),
            ExprForm::Compare => {
                let op = Comparison::parse(view.operator()?.text())?;
                let (left, right) = self.both(view);
                ExprKind::Compare { left, op, right }
            }
            ExprForm::In => {
                let negated = ast::has_keyword(node, "not");
                let (item, list) = self.both(view);
                ExprKind::In { item, list, negated }
            }
            ExprForm::Range => self.range_expr(view),
            ExprForm::Arithmetic => {
                let op = arithmetic(view.operator()?.text())?;
                let (left, right) = self.both(view);
                ExprKind::Arithmetic { left, op, right }
            }
            ExprForm::Share => self.share(view),
            ExprForm::Convert => self.convert(view)?,
            ExprForm::Wrong => return None,
        })
    }

    /// All operands; what is missing or wrong is an error in its place.
    fn operands(&mut self, view: &ast::Expr) -> Vec<Expr> {
        view.operands()
            .map(|operand| match operand {
                Some(operand) => self.expr(&operand),
                None => self.wrong(view.syntax()),
            })
            .collect()
    }

    fn operand(&mut self, view: &ast::Expr, index: usize) -> Expr {
        match view.operands().nth(index).flatten() {
            Some(operand) => self.expr(&operand),
            None => self.wrong(view.syntax()),
        }
    }

    fn both(&mut self, view: &ast::Expr) -> (Box<Expr>, Box<Expr>) {
        (Box::new(self.operand(view, 0)), Box::new(self.operand(view, 1)))
    }

    fn range_expr(&mut self, view: &ast::Expr) -> ExprKind {
        // A `by` behind no range was reported.
        if view.operator().is_some_and(|operator| operator.kind() == crate::syntax::SyntaxKind::Keyword) {
            return ExprKind::Error;
        }
        let (from, to) = self.both(view);
        let by = view.operands().nth(2).flatten().map(|by| Box::new(self.expr(&by)));
        ExprKind::Range { from, to, by }
    }

    fn share(&mut self, view: &ast::Expr) -> ExprKind {
        let quantity = match view.operands().next().flatten() {
            Some(left) => match left.name().filter(|_| left.form() == ExprForm::Name) {
                Some(word) if word.text() == "one" => ShareQuantity::One,
                Some(word) if word.text() == "all" => ShareQuantity::All,
                _ => ShareQuantity::Of(Box::new(self.expr(&left))),
            },
            None => ShareQuantity::Of(Box::new(self.wrong(view.syntax()))),
        };
        ExprKind::Share { quantity, of: Box::new(self.operand(view, 1)) }
    }

    fn convert(&mut self, view: &ast::Expr) -> Option<ExprKind> {
        let of = Box::new(self.operand(view, 0));
        let unit = view.operands().nth(1).flatten()?;
        match unit.name().filter(|_| unit.form() == ExprForm::Name) {
            Some(word) => Some(ExprKind::Convert { of, unit: self.word(&word) }),
            None => {
                let span = self.span(unit.syntax());
                self.report(
                    Diagnostic::new(Code::SYNTAX, span, "`as` wants the name of a unit")
                        .help("write for example `latency as ms`, `share as percent` or `port as text`"),
                );
                None
            }
        }
    }

    fn match_expr(&mut self, view: &ast::Expr) -> ExprKind {
        let on = Box::new(self.operand(view, 0));
        let arms = view.arms().collect::<Vec<_>>().iter().filter_map(|arm| self.arm(arm)).collect();
        ExprKind::Match { on, arms }
    }

    fn arm(&mut self, view: &ast::Arm) -> Option<Arm> {
        let node = view.syntax();
        let words: Vec<_> = view.words().map(|w| self.word(&w)).collect();
        if words.is_empty() {
            return None;
        }
        let value = self.child_expr(node);
        Some(Arm { words, value, span: self.span(node) })
    }

    pub(super) fn args(&mut self, view: &ast::Args) -> Vec<Arg> {
        view.args().filter_map(|arg| self.arg(&arg)).collect()
    }

    fn arg(&mut self, view: &ast::Arg) -> Option<Arg> {
        let node = view.syntax();
        let name = view.key().map(|key| self.key(&key));
        let value = match view.value() {
            Some(value) => self.expr(&value),
            None if name.is_none() => return None,
            None => self.wrong(node),
        };
        Some(Arg { name, value, span: self.span(node) })
    }
}

fn name(text: &str) -> ExprKind {
    match text {
        "true" => ExprKind::Literal(Value::Bool(true)),
        "false" => ExprKind::Literal(Value::Bool(false)),
        "none" => ExprKind::Literal(Value::None),
        _ => ExprKind::Name(SmolStr::new(text)),
    }
}

fn arithmetic(text: &str) -> Option<Arithmetic> {
    [Arithmetic::Add, Arithmetic::Subtract, Arithmetic::Multiply, Arithmetic::Divide]
        .into_iter()
        .find(|op| op.text() == text)
}
