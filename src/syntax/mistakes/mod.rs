//! Findings of the parser to diagnostics: for each what is wrong, why it matters, what to do, and the certain fix.
//!
//! Comes in: what the tree builder found, in the order of the text. Goes out: diagnostics, and the lines that are broken.
//! One mistake is reported once: behind a finding, what is generally missing or unexpected on the same line is a
//! consequence, and is kept quiet; habits of other languages (`mistake_…`) are always told. The names of pest's rules must
//! never reach a message. `habit.rs` has the `mistake_…`, `missing.rs` the `missing_…`, `unexpected.rs` the `bad_…`.

mod habit;
mod missing;
mod unexpected;

use std::collections::BTreeMap;

use super::parse::Rule;
use super::tree::{Finding, Wrong};
use super::words::{ITEM_WORDS, LINE_WORDS};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::{FileId, Span};

/// What the parser has to say of a text.
#[derive(Debug, Clone, Default)]
pub struct Told {
    /// The diagnostics, by place.
    pub diagnostics: Vec<Diagnostic>,
    /// First and last byte of each line or run of lines that may not mean what it says, ascending.
    pub broken: Vec<(u32, u32)>,
}

/// Makes diagnostics of findings.
pub fn diagnose(file: FileId, text: &str, findings: &[Finding]) -> Told {
    if findings.is_empty() {
        return Told::default();
    }
    let mut teller = Teller {
        context: Context::of(file, text),
        broken: BTreeMap::new(),
        misread: Vec::new(),
        habit: None,
        culprit: None,
    };
    let mut diagnostics: Vec<Diagnostic> = findings.iter().filter_map(|finding| teller.tell(finding)).collect();
    diagnostics.sort_by_key(|d| (d.span, d.code));
    Told { diagnostics, broken: merged(teller.broken.into_iter().chain(teller.misread).collect()) }
}

/// The runs that cover the same bytes, ascending, none of which reaches into another.
fn merged(mut runs: Vec<(u32, u32)>) -> Vec<(u32, u32)> {
    runs.sort_unstable();
    runs.dedup_by(|next, before| {
        let meets = next.0 <= before.1;
        before.1 = if meets { before.1.max(next.1) } else { before.1 };
        meets
    });
    runs
}

/// Decides which findings are told: the first on a line that shakes its structure, and what cannot be its consequence.
struct Teller<'t> {
    context: Context<'t>,
    /// First and last byte of each line whose structure is shaken.
    broken: BTreeMap<u32, u32>,
    /// What was read as something else than it says: what a bracket that was never closed took in, what stands before a
    /// bracket too many, and a line with `=` that may be a `let`.
    misread: Vec<(u32, u32)>,
    /// The line with the last habit.
    habit: Option<u32>,
    /// Where the structure was shaken last, until a bracket too many has been laid to its charge.
    culprit: Option<u32>,
}

impl Teller<'_> {
    fn tell(&mut self, finding: &Finding) -> Option<Diagnostic> {
        // What is missing belongs to the line of what stands before it.
        let place = if finding.start == finding.end { self.context.settled(finding.start) } else { finding.start };
        let line = self.context.line_around(place);
        let told = self.is_told(finding, line.0);
        let diagnostic = if told { self.context.diagnostic(finding) } else { None };
        let cause = diagnostic.as_ref().filter(|d| d.code == Code::STRAY_BRACKET).and_then(|_| self.culprit.take());
        let cause = cause.filter(|from| self.context.is_same_item(*from, finding.start));
        self.misread.extend(cause.or_else(|| self.behind_lost_bracket(finding)).map(|from| (from, finding.start)));
        self.misread.extend(misread_by(finding, line));
        let charged = cause.is_some();
        if is_structural(finding.what) {
            if !charged {
                self.culprit = Some(finding.start);
            }
            self.broken.insert(line.0, line.1);
        } else {
            self.habit = Some(line.0);
        }
        diagnostic.filter(|_| !charged)
    }

    /// Where a bracket was lost, if what stands between that and this belongs into it: the head of an item, or a value that
    /// its first `}` seems to end the item.
    fn behind_lost_bracket(&self, finding: &Finding) -> Option<u32> {
        // The text between is read, so a habit must not ask: it does not move the culprit, and there may be thousands.
        let from = self.culprit.filter(|_| is_structural(finding.what))?;
        let is_lost = finding.what == Wrong::Rule(Rule::bad_item) || self.context.is_in_head(from);
        (is_lost && self.context.is_same_item(from, finding.start)).then_some(from)
    }

    fn is_told(&self, finding: &Finding, line: u32) -> bool {
        if !is_general(finding.what) {
            return true;
        }
        if self.broken.contains_key(&line) {
            return false;
        }
        if self.habit == Some(line) && is_structural(finding.what) {
            return false;
        }
        if finding.what == Wrong::Rule(Rule::missing_colon) && self.is_displaced(finding) {
            return false;
        }
        if finding.what != Wrong::Rule(Rule::missing_colon) && self.is_in_lost_head(finding) {
            return false;
        }
        // A bracket whose own line is shaken may well be closed by what was not understood there.
        match (finding.what, finding.around.first()) {
            (Wrong::Rule(Rule::missing_close), Some((_, start))) => {
                !self.broken.contains_key(&self.context.line_around(*start).0)
                    && !self.has_lost_quote(*start, finding.start)
            }
            _ => true,
        }
    }
}

impl Teller<'_> {
    /// Whether a line stands among fields only because a bracket before it went astray.
    fn is_displaced(&self, finding: &Finding) -> bool {
        let at = self.context.settled(finding.start);
        let before = self.context.slice(self.context.line_around(at).0, at);
        LINE_WORDS.contains(&before.trim_start())
            && self.culprit.is_some_and(|from| self.context.is_same_item(from, finding.start))
    }

    /// Whether the parameters between the name of an item and its block went astray before this: their further lines are
    /// then read as what they are not.
    fn is_in_lost_head(&self, finding: &Finding) -> bool {
        self.culprit.is_some_and(|from| {
            self.context.is_same_item(from, finding.start)
                && !self.context.slice(from, finding.start).contains('{')
                && self.context.is_in_head(from)
        })
    }

    /// Whether a quote was forgotten between two places: the text that it opened has swallowed brackets.
    fn has_lost_quote(&self, from: u32, to: u32) -> bool {
        from < to && self.broken.range(from..to).any(|(start, end)| self.context.lacks_quote(*start, *end))
    }
}

/// What a finding alone shows to be read as something else than it says.
fn misread_by(finding: &Finding, line: (u32, u32)) -> Option<(u32, u32)> {
    match (finding.what, finding.around.first()) {
        (Wrong::Rule(Rule::mistake_equals), _) => Some(line),
        // What stands in a block of steps and conditions is read line by line, closed or not.
        (Wrong::Rule(Rule::missing_close), Some((rule, start))) => {
            let is_of_lines = matches!(rule, Rule::block_item | Rule::block | Rule::open_item | Rule::open_block);
            (!is_of_lines).then_some((*start, finding.start))
        }
        _ => None,
    }
}

/// Whether it may be a consequence of something else on its line.
fn is_general(what: Wrong) -> bool {
    !matches!(
        what,
        Wrong::Rule(
            Rule::mistake_semicolon
                | Rule::mistake_hash_comment
                | Rule::mistake_block_comment
                | Rule::mistake_open_comment
                | Rule::mistake_quotes
        )
    )
}

/// Whether what stands on its line can no longer be relied on. Behind a mere habit the line means what it says.
fn is_structural(what: Wrong) -> bool {
    is_general(what)
        && !matches!(
            what,
            Wrong::MixedLogic
                | Wrong::Chained
                | Wrong::Rule(
                    Rule::mistake_equals
                        | Rule::mistake_logic
                        | Rule::mistake_bang
                        | Rule::mistake_unit_gap
                        | Rule::mistake_early_mark
                        | Rule::mistake_dash
                        | Rule::mistake_comma
                        | Rule::dash_list
                )
        )
}

/// Whether a line begins an item.
fn begins_item(line: &str) -> bool {
    ITEM_WORDS.iter().any(|word| line.strip_prefix(word).is_some_and(|rest| rest.starts_with(' ')))
}

/// As far back, in bytes, as the begin of a head is looked for.
const LONGEST_HEAD: u32 = 2_000;

/// A text with the tools to speak of places in it.
struct Context<'t> {
    file: FileId,
    text: &'t str,
    /// The bytes that end lines, ascending: thousands of findings may ask for the line of theirs.
    line_ends: Vec<u32>,
}

impl<'t> Context<'t> {
    fn of(file: FileId, text: &'t str) -> Self {
        let line_ends = (0..).zip(text.bytes()).filter(|(_, byte)| matches!(byte, b'\n' | b'\r')).map(|(at, _)| at);
        Self { file, text, line_ends: line_ends.collect() }
    }

    /// A place in the text. "The sign at `start`" is written `start..start + 1` by callers; a sign of more bytes is
    /// pointed at whole.
    fn span(&self, start: u32, end: u32) -> Span {
        // (`ceil_char_boundary` is younger than the oldest Rust that we build with.)
        let end = (end as usize..self.text.len()).find(|at| self.text.is_char_boundary(*at)).unwrap_or(self.text.len());
        Span::new(self.file, start, end as u32)
    }

    fn slice(&self, start: u32, end: u32) -> &'t str {
        self.text.get(start as usize..end as usize).unwrap_or("")
    }

    /// What is left of the text from a byte on.
    fn rest(&self, start: u32) -> &'t str {
        self.text.get(start as usize..).unwrap_or("")
    }

    /// The place behind the last thing before `at` that is not blank, on the same or an earlier line. Comments stay where
    /// they are: a missing comma before a comment is inserted before it only if that is on the same line.
    fn settled(&self, at: u32) -> u32 {
        let before = self.text.get(..at as usize).unwrap_or("");
        before.trim_end_matches([' ', '\t', '\n', '\r']).len() as u32
    }

    /// The line that holds a byte, without its end.
    fn line_around(&self, at: u32) -> (u32, u32) {
        let next = self.line_ends.partition_point(|end| *end < at);
        let start = next.checked_sub(1).and_then(|last| self.line_ends.get(last)).map_or(0, |end| end + 1);
        (start, self.line_ends.get(next).copied().unwrap_or(self.text.len() as u32))
    }

    /// Whether the quotes of a line do not pair up.
    fn lacks_quote(&self, start: u32, end: u32) -> bool {
        let line = self.slice(start, end);
        let quotes = line.matches('"').count() - line.matches("\\\"").count();
        quotes % 2 == 1 && !line.contains("\"\"\"")
    }

    /// The word that begins at a byte; empty if none does.
    fn word_at(&self, at: u32) -> &'t str {
        let rest = self.rest(at);
        let end = rest
            .char_indices()
            .find(|(_, c)| !(c.is_alphanumeric() || matches!(c, '_' | '-')))
            .map_or(rest.len(), |(index, _)| index);
        rest.get(..end).unwrap_or("").trim_end_matches('-')
    }

    /// Whether no item begins between two places.
    fn is_same_item(&self, from: u32, to: u32) -> bool {
        !self.slice(from, to).split('\n').skip(1).any(begins_item)
    }

    /// Whether a place lies between the word that begins an item and its `{`.
    fn is_in_head(&self, at: u32) -> bool {
        let (line, end) = self.line_around(at);
        if begins_item(self.slice(line, end)) {
            return !self.slice(line, at).contains('{');
        }
        // A head is short; who writes a longer one is told more.
        let before = self.slice(at.saturating_sub(LONGEST_HEAD), at);
        for line in before.rsplit('\n') {
            if line.contains('{') {
                return false;
            }
            if begins_item(line) {
                return true;
            }
        }
        false
    }

    /// What a message shows of a text: its first line, not too much of it.
    fn shown(&self, start: u32, end: u32) -> String {
        let text = self.slice(start, end).trim();
        let line = text.lines().next().unwrap_or("").trim_end();
        let mut out: String = line.chars().take(40).collect();
        if out.len() < text.len() {
            out = format!("{}…", out.trim_end());
        }
        out
    }

    /// The place of a finding without blanks around it.
    fn trimmed(&self, finding: &Finding) -> (u32, u32) {
        let text = self.slice(finding.start, finding.end);
        let start = finding.start + (text.len() - text.trim_start().len()) as u32;
        let end = start + text.trim().len() as u32;
        (start, end)
    }

    fn diagnostic(&self, finding: &Finding) -> Option<Diagnostic> {
        let at = self.span(finding.start, finding.end);
        Some(match finding.what {
            Wrong::Rule(rule) => return self.rule(rule, finding),
            Wrong::TooDeep => Diagnostic::new(Code::TOO_DEEP, at, "more than 64 brackets are open here")
                .help("name inner values with `let`, or close brackets that were forgotten"),
            Wrong::TooLong => {
                let (_, end) = self.line_around(at.start);
                let first = self.span(at.start, end.min(at.end));
                Diagnostic::new(Code::TOO_DEEP, first, "this expression has too many operators")
                    .help("name parts of it with `let`")
            }
            Wrong::MixedLogic => Diagnostic::new(Code::MIXED_LOGIC, at, "`and` and `or` stand side by side")
                .why("readers disagree on which of the two comes first")
                .help("write parentheses around one of them: `a and (b or c)`"),
            Wrong::Chained => Diagnostic::new(Code::CHAINED_COMPARISON, at, "comparisons do not chain")
                .help("write two with `and`: `a < b and b < c`; or a range: `b in a..c`"),
            Wrong::StrayBy => Diagnostic::new(Code::SYNTAX, at, "`by` belongs behind a range")
                .help("write for example `5%..20% by 5%`"),
            Wrong::GaveUp => Diagnostic::new(Code::SYNTAX, at, "this text is too entangled to be read")
                .help("please report it: this must not happen"),
        })
    }

    fn rule(&self, rule: Rule, finding: &Finding) -> Option<Diagnostic> {
        match rule {
            Rule::mistake_equals
            | Rule::mistake_dash
            | Rule::mistake_semicolon
            | Rule::mistake_comma
            | Rule::mistake_logic
            | Rule::mistake_bang
            | Rule::mistake_if
            | Rule::mistake_spacing
            | Rule::mistake_assign
            | Rule::mistake_unit_gap
            | Rule::mistake_early_mark
            | Rule::mistake_quotes
            | Rule::mistake_hash_comment
            | Rule::mistake_block_comment
            | Rule::mistake_open_comment
            | Rule::dash_list => self.habit(rule, finding),
            Rule::bad_item => Some(self.bad_item(finding)),
            Rule::bad_line => Some(self.bad_line(finding)),
            Rule::missing_name
            | Rule::missing_value
            | Rule::missing_operand
            | Rule::missing_close
            | Rule::missing_open
            | Rule::missing_block
            | Rule::missing_comma
            | Rule::missing_colon
            | Rule::missing_equals
            | Rule::missing_word
            | Rule::missing_quote
            | Rule::missing_label
            | Rule::missing_call
            | Rule::missing_text
            | Rule::missing_type
            | Rule::missing_params
            | Rule::missing_path => Some(self.missing(rule, finding)),
            _ => Some(self.unexpected(rule, finding)),
        }
    }
}

/// The rule that a finding stands in.
fn parent(finding: &Finding) -> Option<Rule> {
    finding.around.first().map(|(rule, _)| *rule)
}

/// How a message names what a rule covers: in the words of the language.
fn noun(rule: Rule) -> &'static str {
    match rule {
        Rule::import | Rule::import_names | Rule::import_as => "`import`",
        Rule::record_item | Rule::item | Rule::file => "this item",
        Rule::metric => "`metric`",
        Rule::fault => "`fault`",
        Rule::scenario => "`scenario`",
        Rule::experiment | Rule::made_from => "`experiment`",
        Rule::verify => "`verify`",
        Rule::policy => "`policy`",
        Rule::gameday => "`gameday`",
        Rule::params | Rule::param => "the parameters",
        Rule::type_ref | Rule::bounds => "the type",
        Rule::engine => "`engine`",
        Rule::field => "this field",
        Rule::let_ => "`let`",
        Rule::expect => "`expect`",
        Rule::check => "`check`",
        Rule::recovery => "`recovery`",
        Rule::abort => "`abort when`",
        Rule::hours => "`only on`",
        Rule::never => "`never on`",
        Rule::approval => "`approval by`",
        Rule::with => "`with`",
        Rule::wait => "`wait`",
        Rule::parallel => "`parallel`",
        Rule::sequence => "`sequence`",
        Rule::each | Rule::for_each | Rule::over => "`for each`",
        Rule::ask => "`ask`",
        Rule::note => "`note`",
        Rule::run => "`run`",
        Rule::every => "`every`",
        Rule::demand => "this rule",
        Rule::inject | Rule::call => "this step",
        Rule::within => "`within`",
        Rule::hold => "`for`",
        Rule::phase => "the phase",
        Rule::because => "`because`",
        Rule::hole => "`${`",
        Rule::list => "the list",
        Rule::args => "the arguments",
        Rule::arg => "this argument",
        Rule::group => "the parentheses",
        Rule::match_ | Rule::arms | Rule::arm | Rule::subject => "`match`",
        Rule::section => "this block",
        _ => "this line",
    }
}
