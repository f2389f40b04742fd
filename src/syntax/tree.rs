//! Pairs to the lossless tree. Comes in: a text. Goes out: its green tree, and what was bad or missing, as findings.
//!
//! Every byte becomes part of a token: a pair that is a leaf is one token; what lies between pairs is cut into blanks,
//! words and signs ([`Builder::gap_to`]). Must never drop a byte and never recurse deeper than [`DEEPEST_TREE`].

use rowan::{Checkpoint, GreenNode, GreenNodeBuilder, Language as _};

use super::binding::{self, Infix};
use super::kind::{Chaos, SyntaxKind};
use super::nesting;
use super::parse::{Pair, Rule, pairs};

/// Something that a diagnostic must speak of.
#[derive(Debug, Clone)]
pub struct Finding {
    /// What.
    pub what: Wrong,
    /// First byte.
    pub start: u32,
    /// Behind the last byte; equal to `start` where something is missing.
    pub end: u32,
    /// The rules around it with their first bytes, innermost first, at most [`AROUND`].
    pub around: Vec<(Rule, u32)>,
}

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    /// A `bad_…`, `missing_…` or `mistake_…` of the grammar.
    Rule(Rule),
    /// Brackets nested too deeply: there is no tree.
    TooDeep,
    /// An expression with too many operators.
    TooLong,
    /// `a and b or c`: the place is the operator.
    MixedLogic,
    /// `a < b < c`: the place is the second operator.
    Chained,
    /// `by` without `..`.
    StrayBy,
    /// pest gave up: a bug of ours, but no reason to say nothing.
    GaveUp,
}

/// How many of the rules around a finding are kept.
const AROUND: usize = 6;
/// Nodes inside of nodes. Brackets alone give at most 4 per level; the rest is left for operators.
const DEEPEST_TREE: usize = 4 * nesting::DEEPEST + 200;

/// The tree of a text and what is wrong with it.
pub fn parse_tree(text: &str) -> (GreenNode, Vec<Finding>) {
    if let Some(at) = nesting::too_deep(text) {
        return (opaque(text), vec![finding(Wrong::TooDeep, at, at + 1)]);
    }
    let Some(pairs) = pairs(text) else {
        return (opaque(text), vec![finding(Wrong::GaveUp, 0, 0)]);
    };
    of_pairs(text, &pairs)
}

/// The tree of a text whose pairs are known.
pub fn of_pairs(text: &str, pairs: &[Pair]) -> (GreenNode, Vec<Finding>) {
    let mut builder = Builder {
        text,
        pairs,
        at: 0,
        out: GreenNodeBuilder::new(),
        around: Vec::new(),
        depth: 0,
        findings: Vec::new(),
    };
    builder.file();
    (builder.out.finish(), builder.findings)
}

fn finding(what: Wrong, start: usize, end: usize) -> Finding {
    Finding { what, start: start as u32, end: end as u32, around: Vec::new() }
}

/// A tree that only holds the text.
fn opaque(text: &str) -> GreenNode {
    let mut out = GreenNodeBuilder::new();
    out.start_node(raw(SyntaxKind::File));
    out.start_node(raw(SyntaxKind::Error));
    out.token(raw(SyntaxKind::Unexpected), text);
    out.finish_node();
    out.finish_node();
    out.finish()
}

fn raw(kind: SyntaxKind) -> rowan::SyntaxKind {
    Chaos::kind_to_raw(kind)
}

/// What a rule becomes.
enum Shape {
    /// A node around its children.
    Node(SyntaxKind),
    /// One token.
    Leaf(SyntaxKind),
    /// A node of kind [`SyntaxKind::Error`] around one token, and a finding.
    Bad,
    /// An empty node, and a finding.
    Missing(SyntaxKind),
    /// Signs that are cut like a gap, and a finding.
    Mistake,
    /// A row of operands and operators.
    Row,
    /// A comment in another language's form, and a finding.
    BadComment,
    /// Nothing of its own: what it covers is cut like a gap.
    Gap,
}

struct Builder<'t> {
    text: &'t str,
    pairs: &'t [Pair],
    /// Everything before this byte is in the tree.
    at: usize,
    out: GreenNodeBuilder<'static>,
    /// The rules that are open, outermost first.
    around: Vec<(Rule, u32)>,
    depth: usize,
    findings: Vec<Finding>,
}

impl Builder<'_> {
    fn pair(&self, index: usize) -> Option<Pair> {
        self.pairs.get(index).copied()
    }

    fn slice(&self, pair: Pair) -> &str {
        self.text.get(pair.start as usize..pair.end as usize).unwrap_or("")
    }

    fn file(&mut self) {
        self.out.start_node(raw(SyntaxKind::File));
        if let Some(file) = self.pair(0) {
            self.around.push((Rule::file, 0));
            self.children(1, file.next as usize);
        }
        self.gap_to(self.text.len());
        self.out.finish_node();
    }

    fn start(&mut self, kind: SyntaxKind) {
        self.out.start_node(raw(kind));
    }

    fn children(&mut self, from: usize, to: usize) {
        let mut index = from;
        while index < to {
            self.element(index);
            index = self.pair(index).map_or(to, |p| p.next as usize);
        }
    }

    /// One pair with everything inside of it.
    fn element(&mut self, index: usize) {
        let Some(pair) = self.pair(index) else { return };
        self.gap_to(pair.start as usize);
        match shape(pair.rule) {
            Shape::Node(kind) => self.node(kind, pair, index),
            Shape::Leaf(kind) => self.token_to(kind, pair.end as usize),
            Shape::BadComment => {
                self.find(Wrong::Rule(pair.rule), pair.start, pair.end);
                self.token_to(SyntaxKind::Comment, pair.end as usize);
            }
            Shape::Bad => {
                self.find(Wrong::Rule(pair.rule), pair.start, pair.end);
                self.start(SyntaxKind::Error);
                self.token_to(SyntaxKind::Unexpected, pair.end as usize);
                self.out.finish_node();
            }
            Shape::Missing(kind) => {
                self.find(Wrong::Rule(pair.rule), pair.start, pair.end);
                self.start(kind);
                self.out.finish_node();
            }
            Shape::Mistake => {
                self.find(Wrong::Rule(pair.rule), pair.start, pair.end);
                self.gap_to(pair.end as usize);
            }
            Shape::Row => {
                self.around.push((pair.rule, pair.start));
                self.row(index + 1, pair.next as usize);
                self.around.pop();
            }
            Shape::Gap => self.gap_to(pair.end as usize),
        }
    }

    fn node(&mut self, kind: SyntaxKind, pair: Pair, index: usize) {
        if matches!(pair.rule, Rule::bad_line | Rule::bad_item | Rule::dash_list) {
            self.find(Wrong::Rule(pair.rule), pair.start, pair.end);
        }
        self.start(kind);
        self.around.push((plain(pair.rule), pair.start));
        self.depth += 1;
        self.children(index + 1, pair.next as usize);
        self.gap_to(pair.end as usize);
        self.depth -= 1;
        self.around.pop();
        self.out.finish_node();
    }

    fn find(&mut self, what: Wrong, start: u32, end: u32) {
        let around = self.around.iter().rev().take(AROUND).copied().collect();
        self.findings.push(Finding { what, start, end, around });
    }

    // ------------------------------------------------------------------------------------------------- expressions

    /// A row of operands and operators from one index up to another.
    fn row(&mut self, from: usize, to: usize) {
        let operators = self.count_operators(from, to);
        if self.depth + operators > DEEPEST_TREE {
            if let (Some(first), Some(last)) = (self.pair(from), self.pair(to.saturating_sub(1))) {
                self.find(Wrong::TooLong, first.start, last.end);
            }
            // Flat: a tree as deep as the row is long could not even be dropped.
            self.start(SyntaxKind::Error);
            self.children(from, to);
            self.out.finish_node();
            return;
        }
        let mut at = from;
        self.depth += operators;
        self.operand_and_operators(&mut at, to, 0);
        self.depth -= operators;
        // Nothing should be left; if the table and the grammar ever disagree, no byte may be lost.
        self.children(at, to);
    }

    /// How many nodes the row may put into each other. `and` and `or` take any number of operands side by side.
    fn count_operators(&self, from: usize, to: usize) -> usize {
        let mut count = 0;
        let mut index = from;
        while index < to {
            let Some(pair) = self.pair(index) else { break };
            count +=
                usize::from(!is_trivia(pair.rule) && !matches!(pair.rule, Rule::logic | Rule::word | Rule::number));
            index = pair.next as usize;
        }
        count
    }

    fn skip_comments(&mut self, at: &mut usize, to: usize) {
        while let Some(pair) = self.pair(*at)
            && *at < to
            && is_trivia(pair.rule)
        {
            self.element(*at);
            *at = pair.next as usize;
        }
    }

    /// The next operator, comments skipped, if it binds at least as tightly as `least`.
    fn next_infix(&self, at: usize, to: usize, least: u8) -> Option<(Pair, Infix)> {
        let mut index = at;
        while index < to {
            let pair = self.pair(index)?;
            if !is_trivia(pair.rule) {
                let infix = binding::infix(pair.rule, self.slice(pair))?;
                return (infix.level >= least).then_some((pair, infix));
            }
            index = pair.next as usize;
        }
        None
    }

    /// Operand, then operators that bind at least as tightly as `least`, each with its right side.
    fn operand_and_operators(&mut self, at: &mut usize, to: usize, least: u8) {
        self.skip_comments(at, to);
        let Some(first) = self.pair(*at).filter(|_| *at < to) else { return };
        self.gap_to(first.start as usize);
        let start = self.out.checkpoint();
        self.operand(at, to, start);
        let mut seen: Option<SyntaxKind> = None;
        while let Some((operator, infix)) = self.next_infix(*at, to, least) {
            if infix.level == binding::LOGIC {
                self.logic(at, to, start, infix);
                return;
            }
            self.check_operator(operator, infix, seen);
            // `a..b by c` is one node: `by` adds its operand to the range before it.
            seen = Some(infix.kind);
            self.out.start_node_at(start, raw(infix.kind));
            self.operator(at, to);
            self.operand_and_operators(at, to, infix.level + 1);
            if infix.level == binding::RANGE
                && let Some((by, _)) = self.next_infix(*at, to, binding::RANGE)
                && by.rule == Rule::by
                && operator.rule == Rule::span
            {
                self.operator(at, to);
                self.operand_and_operators(at, to, infix.level + 1);
            }
            self.out.finish_node();
        }
    }

    fn check_operator(&mut self, operator: Pair, infix: Infix, seen: Option<SyntaxKind>) {
        let compares = |kind| matches!(kind, SyntaxKind::CompareExpr | SyntaxKind::InExpr | SyntaxKind::RangeExpr);
        if operator.rule == Rule::by {
            self.find(Wrong::StrayBy, operator.start, operator.end);
        } else if compares(infix.kind)
            && seen.is_some_and(|kind| kind == infix.kind || (compares(kind) && kind != SyntaxKind::RangeExpr))
        {
            self.find(Wrong::Chained, operator.start, operator.end);
        }
    }

    /// `a and b and c`: one node for all that stand side by side.
    fn logic(&mut self, at: &mut usize, to: usize, start: Checkpoint, first: Infix) {
        self.out.start_node_at(start, raw(first.kind));
        let mut mixed = false;
        while let Some((operator, infix)) = self.next_infix(*at, to, binding::LOGIC) {
            if infix.kind != first.kind && !mixed {
                mixed = true;
                self.find(Wrong::MixedLogic, operator.start, operator.end);
            }
            self.operator(at, to);
            self.operand_and_operators(at, to, binding::NOT);
        }
        self.out.finish_node();
    }

    /// The operator at `at`, with the comments before it.
    fn operator(&mut self, at: &mut usize, to: usize) {
        self.skip_comments(at, to);
        if let Some(pair) = self.pair(*at) {
            self.gap_to(pair.start as usize);
            if !matches!(shape(pair.rule), Shape::Gap) {
                self.find(Wrong::Rule(pair.rule), pair.start, pair.end);
            }
            self.gap_to(pair.end as usize);
            *at = pair.next as usize;
        }
    }

    /// Prefixes, the operand itself, and what follows it.
    fn operand(&mut self, at: &mut usize, to: usize, start: Checkpoint) {
        let Some(pair) = self.pair(*at).filter(|_| *at < to) else { return };
        let prefix = match pair.rule {
            Rule::minus => Some((SyntaxKind::SignExpr, binding::SIGN)),
            Rule::not | Rule::mistake_bang => Some((SyntaxKind::NotExpr, binding::NOT)),
            _ => None,
        };
        if let Some((kind, level)) = prefix {
            self.out.start_node_at(start, raw(kind));
            self.operator(at, to);
            self.operand_and_operators(at, to, level);
            self.out.finish_node();
            return;
        }
        let named = match pair.rule {
            Rule::word => Some(SyntaxKind::NameExpr),
            Rule::number => Some(SyntaxKind::NumberExpr),
            _ => None,
        };
        if let Some(kind) = named {
            self.start(kind);
        }
        self.element(*at);
        if named.is_some() {
            self.out.finish_node();
        }
        *at = pair.next as usize;
        while let Some(pair) = self.pair(*at).filter(|_| *at < to) {
            let kind = match pair.rule {
                Rule::member => SyntaxKind::MemberExpr,
                Rule::args => SyntaxKind::CallExpr,
                Rule::mistake_unit_gap => SyntaxKind::SpacedNumber,
                _ => break,
            };
            self.out.start_node_at(start, raw(kind));
            match pair.rule {
                // The name behind the dot belongs to the member itself.
                Rule::member => {
                    self.around.push((Rule::member, pair.start));
                    self.gap_to(pair.start as usize);
                    self.member_name(*at + 1, pair.next as usize);
                    self.around.pop();
                }
                _ => self.element(*at),
            }
            self.out.finish_node();
            *at = pair.next as usize;
        }
    }

    fn member_name(&mut self, from: usize, to: usize) {
        let Some(name) = self.pair(from).filter(|_| from < to) else { return };
        self.gap_to(name.start as usize);
        if name.rule == Rule::word {
            self.token_to(SyntaxKind::Word, name.end as usize);
        } else {
            self.element(from);
        }
    }

    // ------------------------------------------------------------------------------------------------------- tokens

    /// One token from where we are to a byte.
    fn token_to(&mut self, kind: SyntaxKind, end: usize) {
        if let Some(text) = self.text.get(self.at..end).filter(|t| !t.is_empty()) {
            let kind = if kind == SyntaxKind::Comment { comment_kind(text) } else { kind };
            self.out.token(raw(kind), text);
            self.at = end;
        }
    }

    /// Blanks, words and signs from where we are to a byte.
    fn gap_to(&mut self, end: usize) {
        while self.at < end {
            let Some(rest) = self.text.get(self.at..end) else { return };
            let (kind, length) = next_token(rest);
            self.token_to(kind, self.at + length);
        }
    }
}

fn comment_kind(text: &str) -> SyntaxKind {
    if text.starts_with("//!") {
        SyntaxKind::FileDoc
    } else if text.starts_with("///") && !text.starts_with("////") {
        SyntaxKind::DocComment
    } else {
        SyntaxKind::Comment
    }
}

/// The first token of what lies between pairs, and its length: blanks, a keyword, or a sign. There are no texts, names,
/// numbers or comments there.
fn next_token(rest: &str) -> (SyntaxKind, usize) {
    const SIGNS: [(&str, SyntaxKind); 22] = [
        ("{", SyntaxKind::LeftBrace),
        ("}", SyntaxKind::RightBrace),
        ("(", SyntaxKind::LeftParen),
        (")", SyntaxKind::RightParen),
        ("[", SyntaxKind::LeftBracket),
        ("]", SyntaxKind::RightBracket),
        (",", SyntaxKind::Comma),
        (":", SyntaxKind::Colon),
        ("\"\"\"", SyntaxKind::Quote),
        ("\"", SyntaxKind::Quote),
        ("${", SyntaxKind::HoleStart),
        ("?.", SyntaxKind::QuestionDot),
        ("?", SyntaxKind::Question),
        ("..", SyntaxKind::Operator),
        (".", SyntaxKind::Dot),
        ("==", SyntaxKind::Operator),
        ("=", SyntaxKind::Equals),
        ("||", SyntaxKind::Operator),
        ("|", SyntaxKind::Pipe),
        ("!=", SyntaxKind::Operator),
        ("<=", SyntaxKind::Operator),
        (">=", SyntaxKind::Operator),
    ];
    let bytes = rest.as_bytes();
    let run = |wanted: fn(u8) -> bool| bytes.iter().position(|b| !wanted(*b)).unwrap_or(bytes.len());
    let blanks = run(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r' | 0));
    if blanks > 0 {
        return (SyntaxKind::Whitespace, blanks);
    }
    let letters = run(|b| b.is_ascii_alphanumeric() || b == b'_');
    if letters > 0 {
        return (SyntaxKind::Keyword, letters);
    }
    if let Some((sign, kind)) = SIGNS.iter().find(|(sign, _)| rest.starts_with(sign)) {
        return (*kind, sign.len());
    }
    let first = rest.chars().next().map_or(1, char::len_utf8);
    // A byte-order mark is a blank that has a diagnostic of its own.
    (if rest.starts_with('\u{feff}') { SyntaxKind::Whitespace } else { SyntaxKind::Operator }, first)
}

/// The strict and open forms of a rule are told like the rule itself.
fn plain(rule: Rule) -> Rule {
    match rule {
        Rule::strict_with => Rule::with,
        Rule::strict_each => Rule::each,
        Rule::strict_parallel => Rule::parallel,
        Rule::strict_sequence => Rule::sequence,
        Rule::strict_section => Rule::section,
        Rule::open_field | Rule::bare_field => Rule::field,
        Rule::open_arm => Rule::arm,
        rule => rule,
    }
}

fn is_trivia(rule: Rule) -> bool {
    matches!(
        rule,
        Rule::comment | Rule::mistake_hash_comment | Rule::mistake_block_comment | Rule::mistake_open_comment
    )
}

/// What each rule becomes. Silent rules never get here.
fn shape(rule: Rule) -> Shape {
    use Shape::{Bad, BadComment, Gap, Leaf, Missing, Mistake, Node, Row};
    use SyntaxKind as K;
    match rule {
        Rule::item => Node(K::Item),
        Rule::import => Node(K::Import),
        Rule::import_names => Node(K::ImportNames),
        Rule::import_as => Node(K::ImportAs),
        Rule::record_item => Node(K::RecordItem),
        Rule::metric => Node(K::Metric),
        Rule::fault => Node(K::Fault),
        Rule::scenario => Node(K::Scenario),
        Rule::experiment => Node(K::Experiment),
        Rule::made_from => Node(K::MadeFrom),
        Rule::verify => Node(K::Verify),
        Rule::policy => Node(K::Policy),
        Rule::gameday => Node(K::Gameday),
        Rule::params => Node(K::Params),
        Rule::param => Node(K::Param),
        Rule::type_ref => Node(K::TypeRef),
        Rule::block | Rule::block_item | Rule::block_fields => Node(K::Block),
        Rule::open_block | Rule::open_item | Rule::open_fields | Rule::open_record | Rule::record => Node(K::Block),
        Rule::section | Rule::strict_section => Node(K::Section),
        Rule::engine => Node(K::Engine),
        Rule::field | Rule::open_field | Rule::bare_field => Node(K::Field),
        Rule::quoted_key => Node(K::QuotedKey),
        Rule::dash_list => Node(K::DashList),
        Rule::let_ => Node(K::Let),
        Rule::expect => Node(K::Expect),
        Rule::check => Node(K::Check),
        Rule::recovery => Node(K::Recovery),
        Rule::abort => Node(K::Abort),
        Rule::hours => Node(K::Hours),
        Rule::never => Node(K::Never),
        Rule::approval => Node(K::Approval),
        Rule::with | Rule::strict_with => Node(K::With),
        Rule::wait => Node(K::Wait),
        Rule::parallel | Rule::strict_parallel => Node(K::Parallel),
        Rule::sequence | Rule::strict_sequence => Node(K::Sequence),
        Rule::each | Rule::strict_each => Node(K::Each),
        Rule::over => Node(K::Over),
        Rule::ask => Node(K::Ask),
        Rule::note => Node(K::Note),
        Rule::run => Node(K::Run),
        Rule::every => Node(K::Every),
        Rule::demand => Node(K::Demand),
        Rule::inject => Node(K::Inject),
        Rule::call => Node(K::Call),
        Rule::path => Node(K::Path),
        Rule::within => Node(K::Within),
        Rule::hold => Node(K::Hold),
        Rule::for_each => Node(K::ForEach),
        Rule::phase => Node(K::Phase),
        Rule::because => Node(K::Because),
        Rule::text_line | Rule::text_block | Rule::unopened_text => Node(K::Text),
        Rule::hole => Node(K::Hole),
        Rule::list => Node(K::List),
        Rule::args => Node(K::Args),
        Rule::arg => Node(K::Arg),
        Rule::group => Node(K::Group),
        Rule::match_ => Node(K::Match),
        Rule::arms => Node(K::Arms),
        Rule::arm | Rule::open_arm => Node(K::Arm),
        Rule::bad_item | Rule::bad_line => Node(K::Error),
        Rule::expr | Rule::subject | Rule::simple | Rule::bounds => Row,
        Rule::comment => Leaf(K::Comment),
        Rule::mistake_hash_comment | Rule::mistake_block_comment | Rule::mistake_open_comment => BadComment,
        Rule::word => Leaf(K::Word),
        Rule::number => Leaf(K::Number),
        Rule::text_part | Rule::block_part | Rule::unopened_part => Leaf(K::TextPart),
        Rule::bad_text | Rule::bad_start => Leaf(K::Unexpected),
        Rule::stray_close
        | Rule::bad_header
        | Rule::bad_params
        | Rule::bad_param
        | Rule::bad_value
        | Rule::bad_rest => Bad,
        Rule::bad_import
        | Rule::bad_group
        | Rule::bad_element
        | Rule::bad_arm
        | Rule::bad_hole
        | Rule::mistake_if
        | Rule::mistake_quotes => Bad,
        Rule::missing_name | Rule::missing_value | Rule::missing_operand | Rule::missing_block => Missing(K::Missing),
        Rule::missing_label | Rule::missing_call | Rule::missing_text | Rule::missing_type => Missing(K::Missing),
        Rule::missing_params | Rule::missing_path => Missing(K::Missing),
        Rule::missing_close | Rule::missing_open | Rule::missing_comma | Rule::missing_colon => Missing(K::MissingSign),
        Rule::missing_equals | Rule::missing_word | Rule::missing_quote => Missing(K::MissingSign),
        Rule::mistake_equals | Rule::mistake_dash | Rule::mistake_semicolon | Rule::mistake_comma => Mistake,
        Rule::mistake_bang | Rule::mistake_unit_gap | Rule::mistake_logic => Mistake,
        Rule::mistake_assign | Rule::mistake_spacing | Rule::mistake_early_mark => Mistake,
        // Operators, and the rules that are silent or only looked ahead at.
        _ => Gap,
    }
}
