//! Steps of methods and agendas. Comes in: views of lines. Goes out: `program::Block`.

use super::Builder;
use super::place::Place;
use crate::check::program::{Block, Call, Expr, ExprKind, Path, StepItem, StepItemKind};
use crate::diagnostic::{Code, Diagnostic};
use crate::syntax::ast::{self, View as _};
use crate::syntax::{SyntaxKind, SyntaxNode};

impl Builder {
    pub(super) fn steps(&mut self, block: &ast::Block, place: Place) -> Block {
        let mut steps = Vec::new();
        for member in block.members() {
            match &member {
                ast::Member::Line(line) if place.holds_line(line.kind()) => {
                    let kind = self.step(line, place);
                    steps.push(StepItem { kind, span: self.span(line.syntax()) });
                }
                _ => self.misplaced(&member, place),
            }
        }
        Block { steps, span: self.span(block.syntax()) }
    }

    fn step(&mut self, line: &ast::Line, place: Place) -> StepItemKind {
        let node = line.syntax();
        match line.kind() {
            SyntaxKind::Let => StepItemKind::Let(self.let_line(line)),
            SyntaxKind::Inject => self.inject(line, place),
            SyntaxKind::With => match line.call() {
                Some(call) => StepItemKind::With(self.call(&call), self.inner(line, place)),
                None => StepItemKind::Error,
            },
            SyntaxKind::Wait => {
                self.tails(line, &[]);
                StepItemKind::Wait(self.child_expr(node))
            }
            SyntaxKind::Check => self.check_step(line),
            SyntaxKind::Parallel => StepItemKind::Parallel(self.inner(line, place)),
            SyntaxKind::Sequence => StepItemKind::Sequence(self.inner(line, place)),
            SyntaxKind::Each => match line.over().and_then(|over| self.over(&over)) {
                Some(over) => StepItemKind::Each(over, self.inner(line, place)),
                None => StepItemKind::Error,
            },
            SyntaxKind::Ask => self.ask(line),
            SyntaxKind::Note => self.note(line),
            SyntaxKind::Run => self.run(line).map_or(StepItemKind::Error, StepItemKind::Run),
            _ => StepItemKind::Error,
        }
    }

    /// The steps in a step's braces; none if they are missing (reported).
    fn inner(&mut self, line: &ast::Line, place: Place) -> Block {
        match line.block() {
            Some(block) => self.steps(&block, place),
            None => Block { steps: Vec::new(), span: self.span(line.syntax()).after() },
        }
    }

    fn inject(&mut self, line: &ast::Line, place: Place) -> StepItemKind {
        let Some(call) = line.call() else { return StepItemKind::Error };
        let call = self.call(&call);
        let tails = self.tails(line, &[SyntaxKind::Hold]);
        let Some(block) = line.block() else { return StepItemKind::Inject(call, tails.hold) };
        let diagnostic = Diagnostic::new(
            Code::MISSING_WITH,
            call.span,
            format!("`with` is missing before `{}(…) {{ … }}`", call.path.text()),
        )
        .why("a fault that lasts as long as its block opens with `with`; one that lasts a time ends with `for`");
        self.report(match tails.hold {
            Some(hold) => diagnostic
                .also(hold.span, "and a block says how long by itself")
                .help("write either `with FAULT(…) { … }` or `FAULT(…) for 5m`"),
            None => diagnostic.help("write `with FAULT(…) { … }`").fix("write `with`", call.span.before(), "with "),
        });
        let steps = self.steps(&block, place);
        StepItemKind::With(call, steps)
    }

    pub(super) fn call(&mut self, view: &ast::Call) -> Call {
        let node = view.syntax();
        let path = match view.path() {
            Some(path) => self.path(&path),
            None => Path { names: Vec::new(), span: self.span(node).before() },
        };
        let args = view.args().map(|args| self.args(&args)).unwrap_or_default();
        Call { path, args, span: self.span(node) }
    }

    fn check_step(&mut self, line: &ast::Line) -> StepItemKind {
        let node = line.syntax();
        let name = self.declared(line.name(), node);
        let condition = self.child_expr(node);
        let tails = self.tails(line, &[SyntaxKind::Within]);
        StepItemKind::Check { name, condition, within: tails.within }
    }

    /// A path as an expression: `ledgers`, `roles.commander`.
    fn path_expr(&mut self, view: &ast::Path) -> Expr {
        let mut names = view.names();
        let Some(first) = names.next() else { return self.wrong(view.syntax()) };
        let first = self.word(&first);
        let mut out = Expr { span: first.span, kind: ExprKind::Name(first.text) };
        for name in names {
            let name = self.word(&name);
            let span = out.span.to(name.span);
            out = Expr { kind: ExprKind::Member { base: Box::new(out), name, optional: false }, span };
        }
        out
    }

    fn ask(&mut self, line: &ast::Line) -> StepItemKind {
        let node = line.syntax();
        let (Some(who), Some(text)) = (line.path(), line.texts().next()) else { return StepItemKind::Error };
        let who = self.path_expr(&who);
        let question = self.text_expr(&text);
        let within = self.tails(line, &[SyntaxKind::Within]).within;
        if within.is_none() {
            self.missing_wait(node, "an `ask` without an answer ends by itself", "the time that the answer may take");
        }
        StepItemKind::Ask { who, question, within }
    }

    fn note(&mut self, line: &ast::Line) -> StepItemKind {
        let node = line.syntax();
        let Some(text) = line.texts().next() else { return StepItemKind::Error };
        let who = line.path().map(|path| self.path_expr(&path));
        let text = self.text_expr(&text);
        let within = self.tails(line, &[SyntaxKind::Within]).within;
        if within.is_none() && who.is_some() {
            self.missing_wait(node, "the run goes on when the time is over", "the time to write the note");
        }
        StepItemKind::Note { who, text, within }
    }

    fn missing_wait(&mut self, node: &SyntaxNode, why: &str, what: &str) {
        if ast::is_broken(node) {
            return;
        }
        let span = self.span(node);
        self.report(
            Diagnostic::new(Code::MISSING_WITHIN, span, format!("{what} is missing"))
                .why(why)
                .help("end the line with `within 10m`, or another time")
                .choice("allow ten minutes", span.after(), " within 10m"),
        );
    }
}
