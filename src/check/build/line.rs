//! Bodies and their lines but for steps: hypothesis, guard, rules, hours. Comes in: views. Goes out: `program` lines.

use smol_str::SmolStr;

use super::Builder;
use super::place::Place;
use crate::check::program::{
    Abort, ApprovalItem, Body, Every, Expect, Expr, ExprKind, GuardBlock, HoursItem, HoursKind, Hypothesis, Let, Name,
    Over, PhaseItem, PhaseKind, RecoveryItem, RuleItem, Run,
};
use crate::diagnostic::{Code, Diagnostic};
use crate::plan::Comparison;
use crate::source::Span;
use crate::syntax::ast::{self, Tail, View as _};
use crate::syntax::{SyntaxKind, SyntaxNode};

/// The tails of one line, sorted out.
#[derive(Default)]
pub(super) struct Tails {
    pub(super) within: Option<Expr>,
    pub(super) hold: Option<Expr>,
    pub(super) phase: Option<PhaseItem>,
    pub(super) because: Option<Expr>,
    pub(super) over: Option<Over>,
}

impl Builder {
    /// The tails of a line. Those that its kind does not take are reported.
    pub(super) fn tails(&mut self, line: &ast::Line, takes: &[SyntaxKind]) -> Tails {
        let mut out = Tails::default();
        for tail in line.tails() {
            if !takes.contains(&tail.syntax().kind()) {
                self.misplaced_tail(line, &tail);
                continue;
            }
            match &tail {
                Tail::Within(node) => out.within = Some(self.child_expr(node)),
                Tail::Hold(node) => out.hold = Some(self.child_expr(node)),
                Tail::Because(node) => out.because = Some(self.child_expr(node)),
                Tail::ForEach(_) => out.over = tail.over().and_then(|over| self.over(&over)),
                Tail::Phase(node) => out.phase = self.phase(node),
            }
        }
        out
    }

    fn misplaced_tail(&mut self, line: &ast::Line, tail: &Tail) {
        let node = tail.syntax();
        let word = ast::token(node, SyntaxKind::Keyword).map(|t| t.text().to_owned()).unwrap_or_default();
        let opener = match line.word() {
            Some(opener) if line.kind() != SyntaxKind::Inject => format!("`{}`", opener.text()),
            _ => "a fault".to_owned(),
        };
        let help = match (line.kind(), tail) {
            (SyntaxKind::Expect, Tail::Hold(_)) => "an expectation says `within D`: how long it may be false",
            (SyntaxKind::Abort, Tail::Within(_)) => "a guard says `for D`: how long the condition must be true",
            (SyntaxKind::Inject, Tail::Within(_)) => "a fault says `for D`: how long it lasts",
            (SyntaxKind::Check, Tail::Hold(_)) => "a check says `within D`: how long it waits for the condition",
            (SyntaxKind::Wait, Tail::Hold(_)) => "`wait D` is all; put the next step on a line of its own",
            (SyntaxKind::With, Tail::Hold(_)) => "a `with` block lasts as long as its steps",
            (_, Tail::Phase(_)) => "only an `expect` is judged by phases",
            (_, Tail::Because(_)) => "only `require`, `forbid` and `never on` give reasons; write a comment",
            (_, Tail::ForEach(_)) => "only a `run` is repeated this way; a step stands in `for each x in L { … }`",
            _ => "leave it out",
        };
        let span = self.span(node);
        self.report(
            Diagnostic::new(Code::MISPLACED_TAIL, span, format!("`{word}` means nothing behind {opener}")).help(help),
        );
    }

    fn phase(&mut self, node: &SyntaxNode) -> Option<PhaseItem> {
        let kind = if ast::has_keyword(node, "but") {
            let operator = ast::token(node, SyntaxKind::Operator).and_then(|t| Comparison::parse(t.text()));
            PhaseKind::But(operator?, self.child_expr(node))
        } else if ast::has_keyword(node, "only") {
            PhaseKind::Only
        } else {
            PhaseKind::Except
        };
        Some(PhaseItem { kind, span: self.span(node) })
    }

    pub(super) fn over(&mut self, view: &ast::Over) -> Option<Over> {
        let node = view.syntax();
        let name = self.declared(Some(view.name()?), node);
        let mut exprs = view.exprs();
        let list = match exprs.next() {
            Some(list) => self.expr(&list),
            None => self.wrong(node),
        };
        let condition = exprs.next().filter(|_| view.has_where()).map(|condition| self.expr(&condition));
        Some(Over { name, list, condition, span: self.span(node) })
    }

    pub(super) fn let_line(&mut self, line: &ast::Line) -> Let {
        let node = line.syntax();
        Let { name: self.declared(line.name(), node), value: self.child_expr(node), span: self.span(node) }
    }

    pub(super) fn body(&mut self, block: Option<ast::Block>, place: Place) -> Body {
        let broken = block.as_ref().is_none_or(|b| ast::is_broken(b.syntax()));
        let mut out = Body { broken, ..Body::default() };
        for member in block.iter().flat_map(ast::Block::members) {
            match &member {
                ast::Member::Field(field) => out.fields.extend(self.field(field)),
                ast::Member::Line(line) if place.holds_line(line.kind()) => out.lets.push(self.let_line(line)),
                ast::Member::Section(section) if place.holds_section(section) => self.section(section, &mut out),
                _ => {
                    out.broken = true;
                    self.misplaced(&member, place);
                }
            }
        }
        out
    }

    fn section(&mut self, section: &ast::Section, out: &mut Body) {
        let Some(block) = section.block() else {
            out.broken = true;
            return;
        };
        let span = self.span(section.syntax());
        match section.word().as_ref().map_or("", |w| w.text()) {
            "hypothesis" => out.hypotheses.push(self.hypothesis(&block, span)),
            "guard" => out.guards.push(self.guard(&block, span)),
            _ => out.methods.push(self.steps(&block, Place::Method)),
        }
    }

    fn hypothesis(&mut self, block: &ast::Block, span: Span) -> Hypothesis {
        let broken = ast::is_broken(block.syntax());
        let mut out = Hypothesis { expects: Vec::new(), recoveries: Vec::new(), broken, span };
        for member in block.members() {
            match &member {
                ast::Member::Line(line) if line.kind() == SyntaxKind::Expect => out.expects.push(self.expect(line)),
                ast::Member::Line(line) if line.kind() == SyntaxKind::Recovery => {
                    out.recoveries.extend(self.recovery(line));
                }
                _ => {
                    out.broken = true;
                    self.misplaced(&member, Place::Hypothesis);
                }
            }
        }
        out
    }

    fn expect(&mut self, line: &ast::Line) -> Expect {
        let node = line.syntax();
        let name = self.declared(line.name(), node);
        let condition = self.child_expr(node);
        let tails = self.tails(line, &[SyntaxKind::Within, SyntaxKind::Phase]);
        Expect { name, condition, within: tails.within, phase: tails.phase, span: self.span(node) }
    }

    fn recovery(&mut self, line: &ast::Line) -> Option<RecoveryItem> {
        let node = line.syntax();
        let span = self.span(node);
        let tails = self.tails(line, &[SyntaxKind::Within]);
        let Some(word) = line.name() else {
            if !ast::is_broken(node) {
                self.report(
                    Diagnostic::new(Code::MISSING_WORD, span, "who brings the service back is missing")
                        .help("write `recovery automatic`, `recovery manual` or `recovery unknown`, then `within D`"),
                );
            }
            return None;
        };
        let class = self.word(&word);
        if tails.within.is_none() && !ast::is_broken(node) {
            self.report(
                Diagnostic::new(Code::MISSING_WITHIN, span, "the time that the recovery may take is missing")
                    .why("the run watches for no longer than that, and a later recovery refutes")
                    .help(format!("write `recovery {} within 2m`", class.text))
                    .choice("allow two minutes", span.after(), " within 2m"),
            );
        }
        Some(RecoveryItem { class, within: tails.within, span })
    }

    fn guard(&mut self, block: &ast::Block, span: Span) -> GuardBlock {
        let mut out = GuardBlock { aborts: Vec::new(), hours: Vec::new(), approvals: Vec::new(), span };
        for member in block.members() {
            match &member {
                ast::Member::Line(line) => match line.kind() {
                    SyntaxKind::Abort => out.aborts.push(self.abort(line)),
                    SyntaxKind::Hours | SyntaxKind::Never => out.hours.extend(self.hours(line)),
                    SyntaxKind::Approval => out.approvals.push(self.approval(line)),
                    _ => self.misplaced(&member, Place::Guard),
                },
                _ => self.misplaced(&member, Place::Guard),
            }
        }
        out
    }

    fn abort(&mut self, line: &ast::Line) -> Abort {
        let node = line.syntax();
        let condition = self.child_expr(node);
        let tails = self.tails(line, &[SyntaxKind::Hold]);
        Abort { condition, hold: tails.hold, span: self.span(node) }
    }

    pub(super) fn approval(&mut self, line: &ast::Line) -> ApprovalItem {
        let node = line.syntax();
        ApprovalItem { by: self.child_expr(node), span: self.span(node) }
    }

    /// `require`, `forbid`.
    pub(super) fn demand(&mut self, line: &ast::Line) -> RuleItem {
        let node = line.syntax();
        let condition = self.child_expr(node);
        let tails = self.tails(line, &[SyntaxKind::Because]);
        let because = tails.because.unwrap_or_else(|| self.missing_reason(line));
        let forbid = line.word().is_some_and(|w| w.text() == "forbid");
        RuleItem { forbid, condition, because, span: self.span(node) }
    }

    fn missing_reason(&mut self, line: &ast::Line) -> Expr {
        let node = line.syntax();
        let span = self.span(node);
        if !ast::is_broken(node) {
            let word = line.word().map(|w| w.text().to_owned()).unwrap_or_default();
            self.report(
                Diagnostic::new(Code::MISSING_REASON, span, format!("`{word}` does not say why"))
                    .why("who meets the rule at night must know what it protects")
                    .help("end the line with `because \"…\"`"),
            );
        }
        Expr { kind: ExprKind::Error, span: span.after() }
    }

    pub(super) fn hours(&mut self, line: &ast::Line) -> Option<HoursItem> {
        let node = line.syntax();
        let span = self.span(node);
        let kind = if line.kind() == SyntaxKind::Hours { self.open_hours(line) } else { self.closed_days(line) };
        if kind.is_none() && !ast::is_broken(node) {
            let form = if line.kind() == SyntaxKind::Hours {
                "write `only on mon..thu 10:00..16:00 in \"Asia/Jakarta\"`"
            } else {
                "write `never on 2026-12-18..2027-01-03 because \"year-end freeze\"`"
            };
            self.report(Diagnostic::new(Code::MISSING_WORD, span, "a part of this line is missing").help(form));
        }
        Some(HoursItem { kind: kind?, span })
    }

    fn open_hours(&mut self, line: &ast::Line) -> Option<HoursKind> {
        let mut days = line.words().map(|w| self.word(&w)).collect::<Vec<_>>().into_iter();
        let clocks: Vec<Name> = line.numbers().map(|n| self.word(&n)).collect();
        for clock in &clocks {
            self.check_clock(clock);
        }
        let mut clocks = clocks.into_iter();
        let (from_day, to_day) = (days.next(), days.next());
        let (from, to) = (clocks.next(), clocks.next());
        let zone = line.texts().next().map(|text| self.text_expr(&text));
        Some(HoursKind::Only { from_day: from_day?, to_day, from: from?, to: to?, zone: zone? })
    }

    fn closed_days(&mut self, line: &ast::Line) -> Option<HoursKind> {
        let dates: Vec<Name> = line.numbers().map(|n| self.word(&n)).collect();
        for date in &dates {
            self.check_date(date);
        }
        let mut dates = dates.into_iter();
        let tails = self.tails(line, &[SyntaxKind::Because]);
        let (from, to) = (dates.next()?, dates.next());
        let because = tails.because.unwrap_or_else(|| self.missing_reason(line));
        Some(HoursKind::Never { from, to, because })
    }

    pub(super) fn every(&mut self, line: &ast::Line) -> Option<Every> {
        let node = line.syntax();
        let span = self.span(node);
        let mut texts = line.texts().map(|t| self.text_expr(&t)).collect::<Vec<_>>().into_iter();
        match (texts.next(), texts.next()) {
            (Some(cron), Some(zone)) => Some(Every { cron, zone, span }),
            _ => {
                if !ast::is_broken(node) {
                    self.report(
                        Diagnostic::new(Code::MISSING_WORD, span, "the time zone of this schedule is missing")
                            .why("without one, the hour depends on the machine")
                            .help("write `every \"0 10 * * tue\" in \"Asia/Jakarta\"`"),
                    );
                }
                None
            }
        }
    }

    pub(super) fn run(&mut self, line: &ast::Line) -> Option<Run> {
        let node = line.syntax();
        let tails = self.tails(line, &[SyntaxKind::ForEach]);
        let path = self.path(&line.path()?);
        let args = line.args().map(|args| self.args(&args));
        Some(Run { path, args, over: tails.over, span: self.span(node) })
    }

    /// The key of a field or argument, without quotes.
    pub(super) fn key(&mut self, key: &ast::Key) -> Name {
        match key {
            ast::Key::Word(token) => self.word(token),
            ast::Key::Quoted(text, node) => {
                let span = self.span(node);
                let text = self.plain_text(text).unwrap_or_default();
                Name { text: SmolStr::new(text), span }
            }
        }
    }
}
