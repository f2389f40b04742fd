//! What does not belong where it stands. Comes in: a `bad_…`. Goes out: its diagnostic, with what was probably meant.

use super::super::parse::Rule;
use super::super::tree::Finding;
use super::super::words::{ITEM_WORDS, LINE_WORDS};
use super::{Context, parent};
use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::source::Span;

impl Context<'_> {
    // --------------------------------------------------------------------------------------------------------- items

    /// Something at the top of the file that begins like no item.
    pub(super) fn bad_item(&self, finding: &Finding) -> Diagnostic {
        let start = self.behind_comments(finding.start, finding.end);
        let word = self.word_at(start);
        let end = self.line_around(start).1.min(finding.end);
        let first = self.rest(start).chars().next().unwrap_or(' ');
        if matches!(first, '}' | ')' | ']') {
            return self.stray(start, first);
        }
        if first == ';' {
            return self.semicolon(start);
        }
        let at = self.span(start, start + word.len().max(1) as u32);
        if word.is_empty() {
            return Diagnostic::new(Code::UNKNOWN_ITEM, at, format!("`{}` begins no item", self.shown(start, end)))
                .help(items_help());
        }
        let diagnostic = Diagnostic::new(Code::UNKNOWN_ITEM, at, format!("`{word}` begins no item"));
        if let Some(near) = nearest(word, ITEM_WORDS.iter().copied()) {
            return diagnostic.help(format!("did you mean `{near}`?")).choice(format!("write `{near}`"), at, near);
        }
        if LINE_WORDS.contains(&word) {
            return diagnostic.help(format!("`{word}` stands in the block of an item, such as an `experiment`"));
        }
        if matches!(word, "given" | "when" | "then" | "scenario" | "feature" | "Feature" | "Scenario" | "Given") {
            return given_when_then(at, word);
        }
        if matches!(word, "apiVersion" | "kind" | "metadata" | "spec") {
            return diagnostic
                .help("this looks like a Kubernetes manifest; experiments are written with `experiment NAME { … }`");
        }
        diagnostic.help(items_help())
    }

    /// Skips the comments before an item.
    fn behind_comments(&self, start: u32, end: u32) -> u32 {
        let mut at = start;
        loop {
            let rest = self.slice(at, end);
            let blanks = rest.len() - rest.trim_start().len();
            at += blanks as u32;
            if !self.rest(at).starts_with("//") || at >= end {
                return at.min(end);
            }
            at = self.line_around(at).1;
        }
    }

    fn stray(&self, start: u32, sign: char) -> Diagnostic {
        let at = self.span(start, start + 1);
        Diagnostic::new(Code::STRAY_BRACKET, at, format!("this `{sign}` closes nothing"))
            .help("leave it out, or write the bracket that it closes")
            .choice(format!("leave out `{sign}`"), at, "")
    }

    fn semicolon(&self, start: u32) -> Diagnostic {
        let at = self.span(start, start + 1);
        let diagnostic = Diagnostic::new(Code::SEMICOLON, at, "lines end without `;`")
            .help("leave it out; a comma or a line end separates");
        let behind = self.rest(start + 1).trim_start_matches([' ', '\t']);
        let ends_line = behind.is_empty() || behind.starts_with(['\n', '\r', '/']);
        if ends_line { diagnostic.fix("leave out `;`", at, "") } else { diagnostic }
    }

    // --------------------------------------------------------------------------------------------------------- lines

    /// A line of a block that begins like no line.
    pub(super) fn bad_line(&self, finding: &Finding) -> Diagnostic {
        let start = finding.start;
        let word = self.word_at(start);
        let end = self.line_around(start).1.min(finding.end);
        let at = self.span(start, start + word.len().max(1) as u32);
        let first = self.rest(start).chars().next().unwrap_or(' ');
        if matches!(first, ')' | ']') {
            return self.stray(start, first);
        }
        if first == '{' {
            return Diagnostic::new(Code::UNKNOWN_LINE, at, "a block without a word before it")
                .help("say what it is: `method { … }`, `parallel { … }`, `with FAULT(…) { … }`");
        }
        if word.is_empty() {
            let shown = self.shown(start, end);
            return Diagnostic::new(Code::SYNTAX, self.span(start, end), format!("`{shown}` begins no line"))
                .help(self.line_help(finding));
        }
        if let Some(diagnostic) = foreign_line(at, word) {
            return diagnostic;
        }
        self.unknown_line(finding, word, at)
    }

    fn unknown_line(&self, finding: &Finding, word: &str, at: Span) -> Diagnostic {
        let diagnostic = Diagnostic::new(Code::UNKNOWN_LINE, at, format!("`{word}` begins no line"));
        let behind = self.rest(at.end);
        let next = behind.trim_start_matches([' ', '\t']);
        if let Some(near) = nearest(word, LINE_WORDS.iter().copied()) {
            return diagnostic.help(format!("did you mean `{near}`?")).choice(format!("write `{near}`"), at, near);
        }
        if matches!(word, "automatic" | "manual" | "unknown") {
            return diagnostic.help(format!("write `recovery {word} within 2m`")).fix(
                "write `recovery`",
                at.before(),
                "recovery ",
            );
        }
        if behind.len() > next.len() && next.starts_with('(') {
            let blanks = (behind.len() - next.len()) as u32;
            return Diagnostic::new(Code::SYNTAX, at, format!("a blank separates `{word}` from its `(`"))
                .help("the `(` of a call touches the name before it")
                .fix("leave out the blank", self.span(at.end, at.end + blanks), "");
        }
        if self.holds_fields(finding) && next.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '"' | '[' | '{'))
        {
            return Diagnostic::new(Code::MISSING_COLON, at, format!("`:` is missing behind `{word}`"))
                .help(format!("write `{word}: …`"))
                .choice("write `:`", at.after(), ":");
        }
        diagnostic.help(self.line_help(finding))
    }

    /// Whether the block around a finding is the block of an item.
    fn holds_fields(&self, finding: &Finding) -> bool {
        matches!(
            finding.around.first(),
            Some((Rule::block_item | Rule::block_fields | Rule::open_item | Rule::open_fields, _))
        )
    }

    /// What the block around a finding may hold.
    fn line_help(&self, finding: &Finding) -> &'static str {
        let owner = finding.around.get(1).map(|(rule, start)| (*rule, self.word_at(*start)));
        match owner {
            Some((Rule::section, "hypothesis")) => {
                "`hypothesis` holds `expect NAME: CONDITION` and `recovery automatic within D`"
            }
            Some((Rule::section, "guard")) => {
                "`guard` holds `abort when CONDITION`, `only on`, `never on` and `approval by TEAM`"
            }
            Some((Rule::section, "agenda")) => "`agenda` holds `run`, `ask`, `note` and `wait`",
            Some((Rule::section | Rule::with | Rule::each | Rule::parallel | Rule::sequence, _)) => {
                "a step is a fault `FAULT(…) for D`, `with`, `wait`, `check`, `parallel`, `sequence`, `for each`, `ask`, `note` or `let`"
            }
            Some((Rule::experiment | Rule::scenario, _)) => {
                "an experiment holds fields `NAME: VALUE`, `let`, `hypothesis { … }`, `guard { … }` and `method { … }`"
            }
            Some((Rule::policy, _)) => {
                "a policy holds fields, `require`, `forbid`, `only on`, `never on` and `approval by`"
            }
            Some((Rule::verify, _)) => "a `verify` holds fields, `every \"CRON\" in \"ZONE\"` and `run`",
            _ => "fields are written `NAME: VALUE`",
        }
    }

    // ---------------------------------------------------------------------------------------------------------- rests

    /// Anything else that does not belong where it stands.
    pub(super) fn unexpected(&self, rule: Rule, finding: &Finding) -> Diagnostic {
        let (start, end) = self.trimmed(finding);
        let end = self.line_around(start).1.min(end).max(start);
        let at = self.span(start, end);
        let shown = self.shown(start, finding.end);
        let word = self.word_at(start);
        let first = self.rest(start).chars().next().unwrap_or(' ');
        if matches!(first, ')' | ']' | '}') {
            return self.stray(start, first);
        }
        if first == ';' {
            return self.semicolon(start);
        }
        if matches!(word, "else" | "then" | "if") {
            return Diagnostic::new(
                Code::IF,
                self.span(start, start + word.len() as u32),
                format!("there is no `{word}`"),
            )
            .help("choose a value with `match environment { dev | staging: 1, production: 2 }`");
        }
        match rule {
            Rule::bad_header => {
                Diagnostic::new(Code::SYNTAX, at, format!("`{shown}` does not belong before the block"))
                    .help("the block `{ … }` comes next")
            }
            Rule::bad_params => Diagnostic::new(Code::SYNTAX, at, format!("`{shown}` is no list of parameters"))
                .help("parameters stand in parentheses behind the name: `(of: Service, over: Duration = 1m)`"),
            Rule::bad_param => Diagnostic::new(Code::SYNTAX, at, format!("`{shown}` is no parameter"))
                .help("write `NAME: TYPE`, or `NAME: TYPE = DEFAULT`"),
            Rule::bad_rest | Rule::bad_value if LINE_WORDS.contains(&word) => {
                let word_end = start + word.len() as u32;
                Diagnostic::new(
                    Code::MISSING_SEPARATOR,
                    self.span(start, word_end),
                    format!("`{word}` stands behind something else on its line"),
                )
                .help("put it on a line of its own, or write a comma before it")
                .choice("write a comma", self.span(self.settled(start), self.settled(start)), ",")
            }
            _ => Diagnostic::new(Code::SYNTAX, at, format!("`{shown}` does not fit here")).help(wanted(finding)),
        }
    }
}

/// What could have stood where something unexpected does.
fn wanted(finding: &Finding) -> &'static str {
    match parent(finding) {
        Some(Rule::args | Rule::arg) => {
            "write arguments as `name: value`, with commas between them, and `)` behind them"
        }
        Some(Rule::list) => "write elements with commas between them, and `]` behind them",
        Some(Rule::import | Rule::import_names) => {
            "write `import std.{network}`, `import \"FILE\".{NAMES}` or `import std.network as net`"
        }
        Some(Rule::arms | Rule::arm) => "write a case as `word: value`, or `one | another: value`",
        Some(Rule::hole) => "`${ }` holds one value, such as `${of.name}`",
        Some(Rule::group) => "close the parentheses with `)`",
        Some(Rule::params) => "write `NAME: TYPE`, or `NAME: TYPE = DEFAULT`",
        _ => {
            "end the line here, write an operator (`+ - * / == < and or in of`), or an ending that fits (`for`, `within`, `because`)"
        }
    }
}

fn items_help() -> &'static str {
    "a file holds `import`, `let`, `team`, `service`, `cluster`, `environment`, `slo`, `incident`, `metric`, `fault`, `scenario`, \
     `experiment`, `verify`, `policy` and `gameday`"
}

/// Lines that people know from elsewhere.
fn foreign_line(at: Span, word: &str) -> Option<Diagnostic> {
    Some(match word {
        "given" | "when" | "then" | "Given" | "When" | "Then" => given_when_then(at, word),
        "hold" | "while" | "during" => {
            Diagnostic::new(Code::HOLD_WHILE_DURING, at, format!("`{word}` is not a block of this language"))
                .why("a fault lasts as long as its block")
                .help("write `with FAULT(…) { STEPS }`; for a fixed time write `FAULT(…) for 5m`")
        }
        "if" | "else" | "unless" | "switch" => Diagnostic::new(Code::IF, at, format!("there is no `{word}`"))
            .why("a run does the same steps each time, so that its plan can be proved")
            .help("end the run with `abort when CONDITION`, or choose a value with `match environment { … }`"),
        _ => return None,
    })
}

fn given_when_then(at: Span, word: &str) -> Diagnostic {
    let help = match word.to_ascii_lowercase().as_str() {
        "given" => "what must be true before and after stands in `hypothesis { expect NAME: CONDITION }`",
        "when" => "what happens stands in `method { … }`",
        "then" => "what must hold stands in `hypothesis { expect NAME: CONDITION }`",
        _ => "an experiment has `hypothesis { … }`, `guard { … }` and `method { … }`",
    };
    Diagnostic::new(Code::GIVEN_WHEN_THEN, at, format!("`{word}` is not a block of this language")).help(help)
}
