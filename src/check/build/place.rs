//! Which lines mean something in which block: one table, and the message for those that stand elsewhere.

use super::Builder;
use crate::check::program::RecordWord;
use crate::diagnostic::{Code, Diagnostic};
use crate::syntax::SyntaxKind;
use crate::syntax::ast::{self, View as _};

/// A kind of block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Body,
    Hypothesis,
    Guard,
    Method,
    Agenda,
    Record(RecordWord),
    Metric,
    Fault,
    Engine,
    Verify,
    Policy,
    Gameday,
    /// `{ key: value }` as a value.
    Value,
}

use SyntaxKind as K;

const STEPS: &[SyntaxKind] =
    &[K::Let, K::Inject, K::With, K::Wait, K::Check, K::Parallel, K::Sequence, K::Each, K::Ask, K::Note];

impl Place {
    /// How a message names it.
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Body => "an experiment",
            Self::Hypothesis => "`hypothesis`",
            Self::Guard => "`guard`",
            Self::Method => "`method`",
            Self::Agenda => "`agenda`",
            Self::Record(RecordWord::Team) => "`team`",
            Self::Record(RecordWord::Service) => "`service`",
            Self::Record(RecordWord::Cluster) => "`cluster`",
            Self::Record(RecordWord::Environment) => "`environment`",
            Self::Record(RecordWord::Slo) => "`slo`",
            Self::Record(RecordWord::Incident) => "`incident`",
            Self::Metric => "`metric`",
            Self::Fault => "`fault`",
            Self::Engine => "`engine`",
            Self::Verify => "`verify`",
            Self::Policy => "`policy`",
            Self::Gameday => "`gameday`",
            Self::Value => "a value",
        }
    }

    fn lines(self) -> &'static [SyntaxKind] {
        match self {
            Self::Body => &[K::Let],
            Self::Hypothesis => &[K::Expect, K::Recovery],
            Self::Guard => &[K::Abort, K::Hours, K::Never, K::Approval],
            Self::Method => STEPS,
            Self::Agenda => &[K::Run, K::Ask, K::Note, K::Wait],
            Self::Engine => &[K::Demand],
            Self::Verify => &[K::Every, K::Run],
            Self::Policy => &[K::Demand, K::Hours, K::Never, K::Approval],
            Self::Record(_) | Self::Metric | Self::Fault | Self::Gameday | Self::Value => &[],
        }
    }

    fn sections(self) -> &'static [&'static str] {
        match self {
            Self::Body => &["hypothesis", "guard", "method"],
            Self::Fault => &["engine"],
            Self::Gameday => &["agenda"],
            _ => &[],
        }
    }

    /// Whether a line of this kind means something in it.
    pub(super) fn holds_line(self, kind: SyntaxKind) -> bool {
        self.lines().contains(&kind)
    }

    /// Whether a section means something in it.
    pub(super) fn holds_section(self, section: &ast::Section) -> bool {
        section.word().is_some_and(|w| self.sections().contains(&w.text()))
    }
}

/// Where a line belongs, for a message.
fn home(kind: SyntaxKind) -> &'static str {
    match kind {
        K::Expect | K::Recovery => "`hypothesis { … }`",
        K::Abort => "`guard { … }`",
        K::Hours | K::Never | K::Approval => "`guard { … }` or a `policy`",
        K::Demand => "a `policy`, or in the `engine` body of a fault",
        K::Every => "a `verify`",
        K::Run => "the `agenda` of a game day or in a `verify`",
        K::Ask | K::Note | K::Wait => "`method { … }` or the `agenda` of a game day",
        K::Let => "an experiment, in its `method { … }`, or at the top of a file",
        _ => "`method { … }`",
    }
}

impl Builder {
    /// Reports a member that means nothing where it stands.
    pub(super) fn misplaced(&mut self, member: &ast::Member, place: Place) {
        let diagnostic = match member {
            ast::Member::Field(field) => self.misplaced_field(field, place),
            ast::Member::Section(section) => self.misplaced_section(section, place),
            ast::Member::Line(line) => self.misplaced_line(line, place),
        };
        self.report(diagnostic);
    }

    fn misplaced_line(&mut self, line: &ast::Line, place: Place) -> Diagnostic {
        let span = line.word().map_or_else(|| self.span(line.syntax()), |word| self.token_span(&word));
        let what = match line.word() {
            Some(word) if line.kind() != K::Inject => format!("`{}`", word.text()),
            _ => "a fault".to_owned(),
        };
        Diagnostic::new(Code::MISPLACED_LINE, span, format!("{what} means nothing in {}", place.text()))
            .help(format!("it belongs in {}", home(line.kind())))
    }

    fn misplaced_section(&mut self, section: &ast::Section, place: Place) -> Diagnostic {
        let word = section.word();
        let span = word.as_ref().map_or_else(|| self.span(section.syntax()), |w| self.token_span(w));
        let text = word.as_ref().map_or("", |w| w.text());
        let belongs = match text {
            "engine" => "a `fault`",
            "agenda" => "a `gameday`",
            _ => "an `experiment` or `scenario`",
        };
        Diagnostic::new(Code::MISPLACED_LINE, span, format!("`{text}` means nothing in {}", place.text()))
            .help(format!("it belongs directly in {belongs}"))
    }

    fn misplaced_field(&mut self, field: &ast::Field, place: Place) -> Diagnostic {
        let key = match field.key() {
            Some(ast::Key::Word(token)) => token.text().to_owned(),
            _ => String::new(),
        };
        let span = self.span(field.syntax());
        match (place, key.as_str()) {
            (Place::Hypothesis, "recovery") => recovery_field(span, field),
            (Place::Hypothesis, _) => Diagnostic::new(
                Code::MISPLACED_LINE,
                span,
                format!("`{key}: …` is a field, and `hypothesis` holds expectations"),
            )
            .help(format!("write `expect {key}: …`"))
            .fix(format!("write `expect {key}: …`"), span.before(), "expect "),
            (Place::Guard, _) => {
                Diagnostic::new(Code::MISPLACED_LINE, span, format!("`{key}: …` is a field, and `guard` holds none"))
                    .help("write `abort when CONDITION`, `only on DAYS`, `never on DATES` or `approval by TEAM`")
            }
            _ => Diagnostic::new(
                Code::MISPLACED_LINE,
                span,
                format!("`{key}: …` is a field, and {} holds steps", place.text()),
            )
            .help(format!("write `let {key} = …` to name a value, or `check {key}: …` to judge a condition")),
        }
    }
}

fn recovery_field(span: crate::source::Span, field: &ast::Field) -> Diagnostic {
    let class = field.value().map(|v| v.syntax().text().to_string()).unwrap_or_default();
    let class = class.trim();
    let known = matches!(class, "automatic" | "manual" | "unknown");
    let wanted = if known { class } else { "automatic" };
    let diagnostic = Diagnostic::new(Code::RECOVERY_FIELD, span, "`recovery` is a line of its own, without `:`")
        .why("it says who brings the service back, and in what time")
        .help(format!("write `recovery {wanted} within 2m`, with the time that it may take"));
    if known { diagnostic.choice("allow two minutes", span, format!("recovery {class} within 2m")) } else { diagnostic }
}
