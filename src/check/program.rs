//! A file as plain data: what was written, desugared, with a span for everything and without trivia.
//!
//! Comes in: the typed views of `syntax::ast`. Goes out: what names, types and evaluation work on. Nothing here knows
//! what a name means. Where the text was wrong, a part is [`ExprKind::Error`] (already reported) or is left out.

use smol_str::SmolStr;

use crate::plan::{Arithmetic, Comparison};
use crate::source::{FileId, Span};
use crate::types::Value;

/// One file.
#[derive(Debug, Clone, PartialEq)]
pub struct File {
    /// The file.
    pub id: FileId,
    /// `//!` lines, without the slashes and one leading space, joined by line ends.
    pub doc: String,
    /// Imports in order.
    pub imports: Vec<Import>,
    /// Everything declared, in order.
    pub items: Vec<Item>,
    /// Blocks with something in them that could not be read, and was reported.
    pub gaps: Vec<Gap>,
    /// The lines and runs of lines, ascending, that may not mean what they say, as was reported: from the first byte to the last.
    pub shaken: Vec<Span>,
}

/// A block with something in it that could not be read: what seems to be missing there may be what was not understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// What the block belongs to.
    pub owner: Span,
    /// The block with its braces.
    pub block: Span,
}

/// A name where it is declared or used.
#[derive(Debug, Clone, PartialEq)]
pub struct Name {
    /// The text, `success-rate`.
    pub text: SmolStr,
    /// Where.
    pub span: Span,
}

/// `std.network`, `staging`: names joined by dots.
#[derive(Debug, Clone, PartialEq)]
pub struct Path {
    /// At least one.
    pub names: Vec<Name>,
    /// The whole path.
    pub span: Span,
}

impl Path {
    /// `a.b.c`.
    #[must_use]
    pub fn text(&self) -> String {
        self.names.iter().map(|n| n.text.as_str()).collect::<Vec<_>>().join(".")
    }
}

/// `import std.{network, probe}`, `import "catalogue.chaos".{checkout}`, `import std.network as net`.
#[derive(Debug, Clone, PartialEq)]
pub struct Import {
    /// What is imported.
    pub from: ImportFrom,
    /// The whole import.
    pub span: Span,
    /// What becomes visible.
    pub take: ImportTake,
}

/// What is imported.
#[derive(Debug, Clone, PartialEq)]
pub enum ImportFrom {
    /// `std`, `std.network`.
    Std(Path),
    /// A file, relative to the importing one, as written, with the span of the string.
    File(String, Span),
}

/// What becomes visible.
#[derive(Debug, Clone, PartialEq)]
pub enum ImportTake {
    /// `as net`; without it the last name of the path (a file without `as` or names is an error).
    Whole(Option<Name>),
    /// `.{a, b}`.
    Names(Vec<Name>),
}

/// A declaration.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// Its name.
    pub name: Name,
    /// The `///` lines before it, without slashes and one leading space, joined by line ends.
    pub doc: String,
    /// What it declares.
    pub kind: ItemKind,
    /// From its first word to its closing brace.
    pub span: Span,
}

/// What an item declares.
#[derive(Debug, Clone, PartialEq)]
pub enum ItemKind {
    /// `let namespace = …`.
    Let(Expr),
    /// `team`, `service`, `cluster`, `environment`, `slo`, `incident`.
    Record(RecordWord, Vec<Field>),
    /// `metric N(…): T { … }`.
    Metric(Metric),
    /// `fault N(…) { … }`.
    Fault(FaultItem),
    /// `scenario N(…) { … }`.
    Scenario(Vec<Param>, Body),
    /// `experiment N { … }`.
    Experiment(Body),
    /// `experiment N = scenario(…) { … }`.
    Instance(Instance),
    /// `verify N { … }`.
    Verify(Verify),
    /// `policy N { … }`.
    Policy(Policy),
    /// `gameday N { … }`.
    Gameday(Gameday),
}

/// The words that declare a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RecordWord {
    /// `team`
    Team,
    /// `service`
    Service,
    /// `cluster`
    Cluster,
    /// `environment`
    Environment,
    /// `slo`
    Slo,
    /// `incident`
    Incident,
}

/// `key: value`.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// The key; quotes of a quoted key are gone.
    pub key: Name,
    /// The value.
    pub value: Expr,
    /// Both.
    pub span: Span,
}

/// `name: type = default`.
#[derive(Debug, Clone, PartialEq)]
pub struct Param {
    /// Its name.
    pub name: Name,
    /// Its type as written.
    pub ty: TypeExpr,
    /// Its default.
    pub default: Option<Expr>,
    /// The whole parameter.
    pub span: Span,
}

/// A type as written.
#[derive(Debug, Clone, PartialEq)]
pub struct TypeExpr {
    /// Its form.
    pub kind: TypeExprKind,
    /// Where.
    pub span: Span,
}

/// The forms of a type.
#[derive(Debug, Clone, PartialEq)]
pub enum TypeExprKind {
    /// `Duration`, with its range if `in` follows (an [`ExprKind::Range`]).
    Named(Name, Option<Box<Expr>>),
    /// `[T]`.
    List(Box<TypeExpr>),
    /// `T?`.
    Optional(Box<TypeExpr>),
    /// `a | b`.
    Words(Vec<Name>),
    /// Already reported.
    Error,
}

/// A metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    /// Its parameters.
    pub params: Vec<Param>,
    /// What a sample is.
    pub ty: TypeExpr,
    /// Its fields.
    pub fields: Vec<Field>,
}

/// A fault's declaration.
#[derive(Debug, Clone, PartialEq)]
pub struct FaultItem {
    /// The first is what is hit.
    pub params: Vec<Param>,
    /// `effect`, `mechanism`, `irreversible`, ….
    pub fields: Vec<Field>,
    /// `engine NAME { … }`.
    pub engines: Vec<EngineBody>,
}

/// `engine NAME { … }`.
#[derive(Debug, Clone, PartialEq)]
pub struct EngineBody {
    /// The engine's word.
    pub engine: Name,
    /// Its fields.
    pub fields: Vec<Field>,
    /// `forbid … because`, `require … because`.
    pub rules: Vec<RuleItem>,
    /// The whole body.
    pub span: Span,
}

/// `require E because "…"`, `forbid E because "…"`.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleItem {
    /// `forbid` rather than `require`.
    pub forbid: bool,
    /// The condition.
    pub condition: Expr,
    /// The reason; an error expression if it is missing (reported).
    pub because: Expr,
    /// The whole rule.
    pub span: Span,
}

/// The body of an experiment or scenario.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Body {
    /// `service`, `learned-from`, ….
    pub fields: Vec<Field>,
    /// `let`s of the body, visible in all of it.
    pub lets: Vec<Let>,
    /// The `hypothesis` blocks (a second one is an error that the check reports).
    pub hypotheses: Vec<Hypothesis>,
    /// The `guard` blocks.
    pub guards: Vec<GuardBlock>,
    /// The `method` blocks.
    pub methods: Vec<Block>,
    /// A part of it could not be read, which has been reported: what seems to be missing may be that part.
    pub broken: bool,
}

/// `let name = expr`.
#[derive(Debug, Clone, PartialEq)]
pub struct Let {
    /// The name.
    pub name: Name,
    /// The value.
    pub value: Expr,
    /// The whole `let`.
    pub span: Span,
}

/// `hypothesis { … }`.
#[derive(Debug, Clone, PartialEq)]
pub struct Hypothesis {
    /// `expect …`.
    pub expects: Vec<Expect>,
    /// `recovery …`.
    pub recoveries: Vec<RecoveryItem>,
    /// A part of it could not be read, which has been reported: what seems to be missing may be that part.
    pub broken: bool,
    /// The block.
    pub span: Span,
}

/// `expect name: condition [within D] [phase]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Expect {
    /// Its name.
    pub name: Name,
    /// What must hold.
    pub condition: Expr,
    /// `within D`.
    pub within: Option<Expr>,
    /// `but … during faults`, `only during faults`, `except during faults`.
    pub phase: Option<PhaseItem>,
    /// The whole line.
    pub span: Span,
}

/// The tail of an expectation.
#[derive(Debug, Clone, PartialEq)]
pub struct PhaseItem {
    /// Which.
    pub kind: PhaseKind,
    /// Where.
    pub span: Span,
}

/// The forms of a phase.
#[derive(Debug, Clone, PartialEq)]
pub enum PhaseKind {
    /// `but < B during faults`.
    But(Comparison, Expr),
    /// `only during faults`.
    Only,
    /// `except during faults`.
    Except,
}

/// `recovery automatic within D`.
#[derive(Debug, Clone, PartialEq)]
pub struct RecoveryItem {
    /// `automatic`, `manual`, `unknown`.
    pub class: Name,
    /// `within D`; missing ones are reported by the builder.
    pub within: Option<Expr>,
    /// The whole line.
    pub span: Span,
}

/// `guard { … }`.
#[derive(Debug, Clone, PartialEq)]
pub struct GuardBlock {
    /// `abort when …`.
    pub aborts: Vec<Abort>,
    /// `only on …`, `never on …`.
    pub hours: Vec<HoursItem>,
    /// `approval by …`.
    pub approvals: Vec<ApprovalItem>,
    /// The block.
    pub span: Span,
}

/// `abort when C [for D]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Abort {
    /// The condition; `refuted` is a name.
    pub condition: Expr,
    /// `for D`.
    pub hold: Option<Expr>,
    /// The whole line.
    pub span: Span,
}

/// `only on mon..thu 10:00..16:00 in "Z"`, `never on D..D because "…"`.
#[derive(Debug, Clone, PartialEq)]
pub struct HoursItem {
    /// Which.
    pub kind: HoursKind,
    /// The whole line.
    pub span: Span,
}

/// The forms of hours.
#[derive(Debug, Clone, PartialEq)]
pub enum HoursKind {
    /// Open hours.
    Only {
        /// First day, `mon`.
        from_day: Name,
        /// Last day; `None`: the first alone.
        to_day: Option<Name>,
        /// `10:00` as written.
        from: Name,
        /// `16:00` as written.
        to: Name,
        /// The time zone.
        zone: Expr,
    },
    /// Closed days.
    Never {
        /// `2026-12-18` as written.
        from: Name,
        /// Last day; `None`: the first alone.
        to: Option<Name>,
        /// The reason.
        because: Expr,
    },
}

/// `approval by PATH`.
#[derive(Debug, Clone, PartialEq)]
pub struct ApprovalItem {
    /// The team.
    pub by: Expr,
    /// The whole line.
    pub span: Span,
}

/// `{ step+ }`.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    /// Its steps.
    pub steps: Vec<StepItem>,
    /// The block with its braces.
    pub span: Span,
}

/// A step.
#[derive(Debug, Clone, PartialEq)]
pub struct StepItem {
    /// Which.
    pub kind: StepItemKind,
    /// The whole step.
    pub span: Span,
}

/// The forms of a step.
#[derive(Debug, Clone, PartialEq)]
pub enum StepItemKind {
    /// `let t = …`.
    Let(Let),
    /// `F(…) [for D]`.
    Inject(Call, Option<Expr>),
    /// `with F(…) { … }`.
    With(Call, Block),
    /// `wait D`.
    Wait(Expr),
    /// `check n: C [within D]`.
    Check {
        /// Its name.
        name: Name,
        /// The condition.
        condition: Expr,
        /// `within D`.
        within: Option<Expr>,
    },
    /// `parallel { … }`.
    Parallel(Block),
    /// `sequence { … }`.
    Sequence(Block),
    /// `for each x in L [where C] { … }`.
    Each(Over, Block),
    /// `ask WHO "…" within D`.
    Ask {
        /// A team, or a role of the game day.
        who: Expr,
        /// The question.
        question: Expr,
        /// `within D`.
        within: Option<Expr>,
    },
    /// `note "…"`, `note WHO "…" within D`.
    Note {
        /// Whose words.
        who: Option<Expr>,
        /// The text.
        text: Expr,
        /// `within D`.
        within: Option<Expr>,
    },
    /// `run X`; only in an agenda or `verify`.
    Run(Run),
    /// Already reported.
    Error,
}

/// `path(args)`.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// What is called.
    pub path: Path,
    /// Its arguments.
    pub args: Vec<Arg>,
    /// Path and arguments.
    pub span: Span,
}

/// An argument.
#[derive(Debug, Clone, PartialEq)]
pub struct Arg {
    /// Its name; only the first may do without.
    pub name: Option<Name>,
    /// Its value.
    pub value: Expr,
    /// Both.
    pub span: Span,
}

/// `x in L [where C]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Over {
    /// The name that each member gets.
    pub name: Name,
    /// The list or range.
    pub list: Expr,
    /// `where C`.
    pub condition: Option<Expr>,
    /// The whole phrase.
    pub span: Span,
}

/// `run X [(args)] [for each …]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// The experiment or scenario.
    pub path: Path,
    /// Arguments of a scenario.
    pub args: Option<Vec<Arg>>,
    /// `for each …`.
    pub over: Option<Over>,
    /// The whole line.
    pub span: Span,
}

/// `experiment N = scenario(args) { … }`.
#[derive(Debug, Clone, PartialEq)]
pub struct Instance {
    /// The scenario and its arguments.
    pub call: Call,
    /// What it adds.
    pub body: Option<Body>,
}

/// `verify N { … }`.
#[derive(Debug, Clone, PartialEq)]
pub struct Verify {
    /// `in`, `fresh-for`, ….
    pub fields: Vec<Field>,
    /// `every "cron" in "zone"`.
    pub every: Vec<Every>,
    /// `run …`.
    pub runs: Vec<Run>,
}

/// `every "cron" in "zone"`.
#[derive(Debug, Clone, PartialEq)]
pub struct Every {
    /// The cron text.
    pub cron: Expr,
    /// The time zone.
    pub zone: Expr,
    /// The whole line.
    pub span: Span,
}

/// `policy N { … }`.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// `environments`, ….
    pub fields: Vec<Field>,
    /// `require …`, `forbid …`.
    pub rules: Vec<RuleItem>,
    /// `only on …`, `never on …`.
    pub hours: Vec<HoursItem>,
    /// `approval by …`.
    pub approvals: Vec<ApprovalItem>,
}

/// `gameday N { … }`.
#[derive(Debug, Clone, PartialEq)]
pub struct Gameday {
    /// `in`, `roles`, ….
    pub fields: Vec<Field>,
    /// `agenda { … }`.
    pub agendas: Vec<Block>,
}

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub struct Expr {
    /// Its form.
    pub kind: ExprKind,
    /// Where.
    pub span: Span,
}

/// The forms of an expression.
#[derive(Debug, Clone, PartialEq)]
pub enum ExprKind {
    /// A literal whose text alone says what it is: numbers, quantities, dates, `true`, `none`, text without `${…}`.
    /// Of the variants of [`Value`]: `None Bool Int Number String Duration Percent Bytes Bitrate Cores Rate Date`.
    Literal(Value),
    /// Text with `${…}`.
    Text(Vec<TextPart>),
    /// A bare name: a word, a declared thing, a parameter.
    Name(SmolStr),
    /// `base.name`, `base?.name`.
    Member {
        /// Left of the dot.
        base: Box<Expr>,
        /// Right of it.
        name: Name,
        /// `?.`
        optional: bool,
    },
    /// `callee(args)`; the callee is a name or member.
    Call {
        /// What is called.
        callee: Box<Expr>,
        /// Its arguments.
        args: Vec<Arg>,
    },
    /// `[a, b]`.
    List(Vec<Expr>),
    /// `{ key: value }`.
    Record(Vec<Field>),
    /// `+d`, `-d`.
    Sign {
        /// `-`
        negative: bool,
        /// The operand.
        of: Box<Expr>,
    },
    /// `expr as unit`.
    Convert {
        /// The operand.
        of: Box<Expr>,
        /// `ms`, `percent`, `text`.
        unit: Name,
    },
    /// `one of S`, `all of S`, `3 of S`, `50% of S`.
    Share {
        /// How many.
        quantity: ShareQuantity,
        /// The candidates.
        of: Box<Expr>,
    },
    /// `a + b`.
    Arithmetic {
        /// Left.
        left: Box<Expr>,
        /// The operator.
        op: Arithmetic,
        /// Right.
        right: Box<Expr>,
    },
    /// `a..b`, `a..b by c`.
    Range {
        /// First member.
        from: Box<Expr>,
        /// Last member, included.
        to: Box<Expr>,
        /// The step.
        by: Option<Box<Expr>>,
    },
    /// `a < b`.
    Compare {
        /// Left.
        left: Box<Expr>,
        /// The operator.
        op: Comparison,
        /// Right.
        right: Box<Expr>,
    },
    /// `a in L`, `a not in L`.
    In {
        /// What is looked for.
        item: Box<Expr>,
        /// Where.
        list: Box<Expr>,
        /// `not in`
        negated: bool,
    },
    /// `not a`.
    Not(Box<Expr>),
    /// `a and b and c`.
    And(Vec<Expr>),
    /// `a or b or c`.
    Or(Vec<Expr>),
    /// `match on { a | b: x, c: y }`.
    Match {
        /// The scrutinee.
        on: Box<Expr>,
        /// Its arms.
        arms: Vec<Arm>,
    },
    /// `( expr )`: kept, as `a and (b or c)` must print as it was written.
    Group(Box<Expr>),
    /// Already reported.
    Error,
}

/// A part of a text with `${…}`.
#[derive(Debug, Clone, PartialEq)]
pub enum TextPart {
    /// As is, escapes resolved.
    Plain(SmolStr),
    /// `${expr}`.
    Expr(Expr),
}

/// How many of a selector.
#[derive(Debug, Clone, PartialEq)]
pub enum ShareQuantity {
    /// `one of`
    One,
    /// `all of`
    All,
    /// `3 of`, `50% of`, `n of`
    Of(Box<Expr>),
}

/// `a | b: expr`.
#[derive(Debug, Clone, PartialEq)]
pub struct Arm {
    /// Its words.
    pub words: Vec<Name>,
    /// Its value.
    pub value: Expr,
    /// The whole arm.
    pub span: Span,
}
