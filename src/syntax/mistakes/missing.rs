//! What is missing. Comes in: a `missing_…`. Goes out: its diagnostic, at the end of what stands before.

use super::super::parse::Rule;
use super::super::tree::Finding;
use super::super::words::is_name;
use super::{Context, noun, parent};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;

impl Context<'_> {
    pub(super) fn missing(&self, rule: Rule, finding: &Finding) -> Diagnostic {
        let place = self.settled(finding.start);
        let at = self.span(place, place);
        match rule {
            Rule::missing_name => self.missing_name(finding, at),
            Rule::missing_value => self.missing_value(finding, at),
            Rule::missing_operand => self.missing_operand(finding, at),
            Rule::missing_close => self.missing_close(finding),
            Rule::missing_open => {
                Diagnostic::new(Code::MISSING_BLOCK, at, format!("`{{` is missing behind {}", self.owner(finding)))
                    .help("open the block on this line")
                    .fix("write `{`", at, " {")
            }
            Rule::missing_block => self.missing_block(finding, at),
            Rule::missing_comma if self.lacks_quote_on_line(at) => Diagnostic::new(
                Code::UNCLOSED_TEXT,
                self.span(finding.start, finding.start + 1),
                "the quotes on this line do not pair up: a `\"` is missing",
            )
            .help("each text stands between two of them"),
            Rule::missing_comma => self.missing_comma(finding, at),
            Rule::missing_colon => self.missing_colon(at),
            Rule::missing_equals => Diagnostic::new(Code::MISSING_WORD, at, "`=` is missing")
                .help(if parent(finding) == Some(Rule::let_) {
                    "write `let NAME = VALUE`"
                } else {
                    "write `experiment NAME = SCENARIO(…)`"
                })
                .fix("write `=`", at, " ="),
            Rule::missing_word => self.missing_word(finding, at),
            Rule::missing_quote => self.missing_quote(finding),
            Rule::missing_label => self.missing_label(finding),
            Rule::missing_call => {
                Diagnostic::new(Code::MISSING_VALUE, at, format!("what {} takes is missing", self.owner(finding))).help(
                    if parent(finding) == Some(Rule::with) {
                        "write a fault: `with network.delay(…) { … }`"
                    } else {
                        "write a scenario with its arguments: `= loses-one-replica(checkout)`"
                    },
                )
            }
            Rule::missing_text => {
                Diagnostic::new(Code::MISSING_VALUE, at, format!("the text of {} is missing", self.owner(finding)))
                    .help("write it in quotes: `\"…\"`")
            }
            Rule::missing_type => Diagnostic::new(Code::MISSING_VALUE, at, "a type is missing behind `:`")
                .help("write for example `Duration`, `Percent`, `Service`, `[Host]` or `fast | slow`"),
            Rule::missing_params => Diagnostic::new(
                Code::MISSING_VALUE,
                at,
                format!("the parameters of {} are missing", self.owner(finding)),
            )
            .help("write them in parentheses behind the name: `(of: Service, over: Duration = 1m)`"),
            _ => self.missing_path(finding, at),
        }
    }

    fn lacks_quote_on_line(&self, at: Span) -> bool {
        let (start, end) = self.line_around(at.start);
        self.lacks_quote(start, end)
    }

    /// Two members side by side, or what looks like them: a quantity without `of`, a name with `as` in a list of imports.
    fn missing_comma(&self, finding: &Finding, at: Span) -> Diagnostic {
        if let Some(diagnostic) = self.missing_of(finding.start, at).or_else(|| self.renamed_in_list(finding, at)) {
            return diagnostic;
        }
        Diagnostic::new(
            Code::MISSING_SEPARATOR,
            at,
            format!("a comma is missing before `{}`", self.word_or_sign(finding.start)),
        )
        .why("a comma or a line end stands between the members of `{ }`, `( )` and `[ ]`")
        .help("write a comma, or put it on a line of its own")
        .fix("write `,`", at, ",")
    }

    /// `one ledger.pods`, `3 ledger.pods`, `all on ledger.pods`: how many, without `of`.
    fn missing_of(&self, next: u32, at: Span) -> Option<Diagnostic> {
        let before = self.slice(self.line_around(at.start).0, at.start);
        let quantity = before.rsplit([' ', '\t', '(', '[', '{', ',', ':']).next().unwrap_or("");
        let number = quantity.strip_suffix('%').unwrap_or(quantity);
        let is_number = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        let name = self.word_at(next);
        let stands_for_of = name == "on" && is_name(self.word_at(next + 3)) && self.rest(next + 2).starts_with(' ');
        let has_member = self.rest(next + name.len() as u32).starts_with(['.', '(']);
        let is_selector = is_name(name) && (has_member || !is_number);
        if !(matches!(quantity, "all" | "one") || is_number) || !(stands_for_of || is_selector) {
            return None;
        }
        let target = if stands_for_of { self.word_at(next + 3) } else { name };
        let diagnostic = Diagnostic::new(Code::MISSING_WORD, at, format!("`of` is missing behind `{quantity}`"))
            .why("how many, `of`, then what could be hit: that is a target")
            .help(format!("write `{quantity} of {target}…`"));
        Some(if stands_for_of {
            diagnostic.fix("write `of`", self.span(next, next + 2), "of")
        } else {
            diagnostic.fix("write `of`", at, " of")
        })
    }

    /// `import std.{clock as cl}`: a name of a list keeps its name.
    fn renamed_in_list(&self, finding: &Finding, at: Span) -> Option<Diagnostic> {
        if !matches!(parent(finding), Some(Rule::import | Rule::import_names)) || self.word_at(finding.start) != "as" {
            return None;
        }
        let line = self.slice(self.line_around(at.start).0, at.start);
        let name = line.rsplit(|c: char| !(c.is_alphanumeric() || c == '-')).next().unwrap_or("");
        let new = self.word_at(self.settled_behind(finding.start + 2));
        let diagnostic =
            Diagnostic::new(Code::MISPLACED_TAIL, at, format!("`{name}` cannot be renamed in a list of names"))
                .why("in a list each name stands as it is declared");
        Some(if line.trim_start().starts_with("import std") {
            let new = if is_name(new) { new } else { "NAME" };
            diagnostic.help(format!("rename the whole module, on a line of its own: `import std.{name} as {new}`"))
        } else {
            diagnostic.help("import it by its own name")
        })
    }

    /// The place of what follows `at` on its line.
    fn settled_behind(&self, at: u32) -> u32 {
        let rest = self.rest(at);
        at + (rest.len() - rest.trim_start_matches([' ', '\t']).len()) as u32
    }

    /// What a finding stands in, as the user wrote it: the keyword that opens it.
    fn owner(&self, finding: &Finding) -> String {
        let found = finding.around.iter().find(|(rule, _)| {
            !matches!(
                rule,
                Rule::open_block
                    | Rule::open_item
                    | Rule::open_fields
                    | Rule::open_record
                    | Rule::record
                    | Rule::expr
                    | Rule::arms
                    | Rule::block
            )
        });
        match found {
            Some((rule, start)) => self.named(*rule, *start),
            None => "this".to_owned(),
        }
    }

    /// `service` for a record, `guard` for a section: the word itself; for the rest its noun.
    pub(super) fn named(&self, rule: Rule, start: u32) -> String {
        match rule {
            Rule::record_item | Rule::section | Rule::demand => format!("`{}`", self.word_at(start)),
            rule => noun(rule).to_owned(),
        }
    }

    /// The word, or else the sign, that begins at a byte.
    pub(super) fn word_or_sign(&self, at: u32) -> String {
        let word = self.word_at(at);
        if word.is_empty() { self.rest(at).chars().take(1).collect() } else { word.to_owned() }
    }

    fn missing_name(&self, finding: &Finding, at: Span) -> Diagnostic {
        let (what, help) = match parent(finding) {
            Some(Rule::member) => {
                ("a name is missing behind the dot".to_owned(), "write the name of a member: `ledger.pods`")
            }
            Some(Rule::params) => ("a parameter is missing before the comma".to_owned(), "write `NAME: TYPE`"),
            Some(Rule::type_ref) => {
                ("a word is missing behind `|`".to_owned(), "write the words that may be chosen: `fast | slow`")
            }
            Some(Rule::arm) => {
                ("a word is missing behind `|`".to_owned(), "write the words that the value is for: `dev | staging: 2`")
            }
            Some(Rule::import_as) => ("a name is missing behind `as`".to_owned(), "write `import std.network as net`"),
            Some(Rule::over) => ("the name for each member is missing".to_owned(), "write `for each NAME in LIST`"),
            Some(Rule::let_) => ("the name of this `let` is missing".to_owned(), "write `let NAME = VALUE`"),
            Some(Rule::expect | Rule::check) => (
                format!("the name of this {} is missing", self.owner(finding)),
                "reports call it by its name: `expect success: …`",
            ),
            Some(Rule::hours) => ("the last day is missing behind `..`".to_owned(), "write for example `mon..thu`"),
            _ => (
                format!("the name of {} is missing", self.owner(finding)),
                "write a name in small letters, digits and dashes",
            ),
        };
        Diagnostic::new(Code::MISSING_NAME, at, what).help(help)
    }

    fn missing_value(&self, finding: &Finding, at: Span) -> Diagnostic {
        let start = finding.around.first().map_or(finding.start, |(_, start)| *start);
        let (what, help) = match parent(finding) {
            Some(Rule::field | Rule::arg) => {
                (format!("the value of `{}` is missing", self.word_at(start)), "write it behind the colon")
            }
            Some(Rule::within) => ("the time behind `within` is missing".to_owned(), "write for example `within 90s`"),
            Some(Rule::hold) => ("the time behind `for` is missing".to_owned(), "write for example `for 5m`"),
            Some(Rule::wait) => ("the time behind `wait` is missing".to_owned(), "write for example `wait 30s`"),
            Some(Rule::let_) => ("the value of this `let` is missing".to_owned(), "write `let NAME = VALUE`"),
            Some(Rule::expect | Rule::check) => {
                ("the condition is missing".to_owned(), "write what must hold: `success-rate(checkout) >= 99.5%`")
            }
            Some(Rule::abort) => (
                "the condition is missing".to_owned(),
                "write when the run must end: `abort when success-rate(checkout) < 98%`",
            ),
            Some(Rule::demand) => ("the condition is missing".to_owned(), "write what must hold, then `because \"…\"`"),
            Some(Rule::approval) => {
                ("the team is missing behind `by`".to_owned(), "write for example `approval by platform`")
            }
            Some(Rule::over) => ("the list is missing".to_owned(), "write for example `for each turn in 1..3`"),
            Some(Rule::phase) => ("the bound is missing".to_owned(), "write for example `but < 2s during faults`"),
            Some(Rule::list | Rule::args) => {
                ("nothing stands before this comma".to_owned(), "leave the comma out, or write what is missing")
            }
            Some(Rule::group) => {
                ("nothing stands in these parentheses".to_owned(), "write an expression, or leave them out")
            }
            Some(Rule::hole) if !self.slice(at.start, self.line_around(at.start).1).contains('}') => {
                let open = Span::new(at.file, at.start.saturating_sub(2), at.start);
                return Diagnostic::new(
                    Code::UNCLOSED_BRACKET,
                    open,
                    "this `${` is not closed, and the text around it does not end",
                )
                .help("write a value and `}` behind it, such as `${of.name}`; a plain `${` is `$${`");
            }
            Some(Rule::hole) => {
                ("nothing stands in `${ }`".to_owned(), "write a value, such as `${of.name}`; a plain `${` is `$${`")
            }
            Some(Rule::match_) => {
                ("what is matched is missing".to_owned(), "write for example `match environment { … }`")
            }
            Some(Rule::param) => ("the default is missing behind `=`".to_owned(), "write a value, or leave `=` out"),
            Some(Rule::arm) => ("the value of this case is missing".to_owned(), "write it behind the colon"),
            _ => ("a value is missing here".to_owned(), "write it, or leave out what asks for it"),
        };
        Diagnostic::new(Code::MISSING_VALUE, at, what).help(help)
    }

    fn missing_operand(&self, finding: &Finding, at: Span) -> Diagnostic {
        let before = self.slice(self.line_around(at.start).0, at.start);
        let sign = before.rsplit([' ', '\t', '(', '[', '{']).next().unwrap_or("");
        let rest = self.word_or_sign(finding.start);
        let what = if parent(finding) == Some(Rule::phase) {
            "the comparison behind `but` is missing".to_owned()
        } else if finding.around.first().is_some_and(|(_, start)| *start == finding.start) {
            format!("a value is missing before `{rest}`")
        } else {
            format!("a value is missing behind `{sign}`")
        };
        Diagnostic::new(Code::MISSING_VALUE, at, what).help("an operator stands between two values")
    }

    fn missing_block(&self, finding: &Finding, at: Span) -> Diagnostic {
        let owner = self.owner(finding);
        let form = match parent(finding) {
            Some(Rule::match_) => "`match environment { dev: 1, production: 2 }`",
            Some(Rule::section) => "`{ … }` with its lines",
            Some(Rule::with | Rule::each | Rule::parallel | Rule::sequence) => "`{ … }` with its steps",
            _ => "`{ … }` with its fields",
        };
        Diagnostic::new(Code::MISSING_BLOCK, at, format!("the block of {owner} is missing"))
            .help(format!("write {form}"))
    }

    fn missing_colon(&self, at: Span) -> Diagnostic {
        let before = self.slice(self.line_around(at.start).0, at.start);
        let key = before.rsplit(|c: char| !(c.is_alphanumeric() || matches!(c, '-' | '_'))).next().unwrap_or("");
        Diagnostic::new(Code::MISSING_COLON, at, format!("`:` is missing behind `{key}`"))
            .help(format!("write `{key}: …`"))
            .fix("write `:`", at, ":")
    }

    fn missing_word(&self, finding: &Finding, at: Span) -> Diagnostic {
        let (word, form) = match parent(finding) {
            Some(Rule::abort) => ("when", "abort when CONDITION"),
            Some(Rule::hours) => ("on", "only on mon..thu 10:00..16:00 in \"Asia/Jakarta\""),
            Some(Rule::never) => ("on", "never on 2026-12-18..2027-01-03 because \"…\""),
            Some(Rule::approval) => ("by", "approval by TEAM"),
            Some(Rule::each) => ("each", "for each NAME in LIST { … }"),
            Some(Rule::phase) => self.phase_word(finding),
            _ => ("in", "for each NAME in LIST"),
        };
        Diagnostic::new(Code::MISSING_WORD, at, format!("`{word}` is missing")).help(format!("write `{form}`")).fix(
            format!("write `{word}`"),
            at,
            format!(" {word}"),
        )
    }

    fn phase_word(&self, finding: &Finding) -> (&'static str, &'static str) {
        let start = finding.around.first().map_or(finding.start, |(_, start)| *start);
        let word = match (self.slice(start, finding.start).contains("during"), self.word_at(finding.start)) {
            (true, _) => "faults",
            (false, "faults") => "during",
            (false, _) => "during faults",
        };
        let form = match self.word_at(start) {
            "only" => "only during faults",
            "except" => "except during faults",
            _ => "but < 2s during faults",
        };
        (word, form)
    }

    fn missing_quote(&self, finding: &Finding) -> Diagnostic {
        if parent(finding) == Some(Rule::unopened_text) {
            let at = self.span(finding.start, finding.start);
            return Diagnostic::new(
                Code::UNCLOSED_TEXT,
                at,
                "the text below ends with `\"\"\"` and does not begin with it",
            )
            .help("write `\"\"\"` behind the colon")
            .fix("write `\"\"\"`", at, "\"\"\"");
        }
        let start = finding.around.first().map_or(finding.start, |(_, start)| *start);
        let long = self.rest(start).starts_with("\"\"\"");
        let quotes = if long { "\"\"\"" } else { "\"" };
        let opening = self.span(start, start + quotes.len() as u32);
        let diagnostic =
            Diagnostic::new(Code::UNCLOSED_TEXT, opening, format!("this text does not end: `{quotes}` is missing"));
        if long {
            diagnostic.help("write `\"\"\"` behind its last line")
        } else {
            diagnostic.help("close it on the same line; a text of several lines stands in `\"\"\"…\"\"\"`")
        }
    }

    fn missing_label(&self, finding: &Finding) -> Diagnostic {
        let word = finding.around.first().map_or("expect", |(_, start)| self.word_at(*start));
        let first = self.word_at(finding.start);
        let name = if is_name(first) && !matches!(first, "not" | "one" | "all" | "match") { first } else { "success" };
        let at = self.span(finding.start, finding.start + first.len().max(1) as u32);
        Diagnostic::new(Code::UNNAMED_EXPECTATION, at, format!("this `{word}` has no name"))
            .why("reports, diffs and the timeline call it by its name")
            .help(format!("write `{word} NAME: CONDITION`"))
            .choice(format!("call it `{name}`"), at.before(), format!("{name}: "))
    }

    fn missing_path(&self, finding: &Finding, at: Span) -> Diagnostic {
        let help = match parent(finding) {
            Some(Rule::import) => "write `import std.{network}` or `import \"catalogue.chaos\".{checkout}`",
            Some(Rule::ask) => "write whom to ask: `ask platform \"…\" within 10m`",
            _ => "write what to run: `run checkout-survives-slow-ledger`",
        };
        Diagnostic::new(Code::MISSING_NAME, at, format!("a name is missing behind {}", self.owner(finding))).help(help)
    }

    // ------------------------------------------------------------------------------------------------------ brackets

    fn missing_close(&self, finding: &Finding) -> Diagnostic {
        let (rule, start) = finding.around.first().copied().unwrap_or((Rule::block, finding.start));
        let end = self.settled(finding.start);
        let closing = match rule {
            Rule::list | Rule::type_ref => "]",
            Rule::args | Rule::params | Rule::group => ")",
            _ => "}",
        };
        let node = self.slice(start, end.max(start));
        let inner = if closing == "}" { unclosed_brace(node) } else { None };
        let opening = inner.or_else(|| {
            node.find(['{', '(', '['])
                .filter(|_| !matches!(rule, Rule::open_block | Rule::open_item | Rule::open_fields | Rule::open_record))
        });
        let at = self.span(end, end);
        match opening {
            Some(offset) => {
                let open = start + offset as u32;
                let sign = self.slice(open, open + 1).to_owned();
                Diagnostic::new(
                    Code::UNCLOSED_BRACKET,
                    self.span(open, open + 1),
                    format!("this `{sign}` is not closed"),
                )
                .also(at, format!("`{closing}` is missing here at the latest"))
                .help(format!("write `{closing}` where it ends"))
                .choice(format!("write `{closing}`"), at, if closing == "}" { "\n}" } else { closing })
            }
            None => Diagnostic::new(Code::UNCLOSED_BRACKET, at, format!("`{closing}` is missing"))
                .help(format!("write `{closing}` where it ends")),
        }
    }
}

/// Where several braces are open at the end, the indentation tells which one was forgotten: a `}` that begins a line
/// less indented than the line of the brace which it closes was meant for another.
fn unclosed_brace(node: &str) -> Option<usize> {
    let mut open: Vec<(usize, usize)> = Vec::new();
    let mut offset = 0;
    for line in node.split_inclusive('\n') {
        let indented = line.len() - line.trim_start_matches([' ', '\t']).len();
        // The first line of the slice begins with the block's owner, which stands where its line begins.
        let indent = if offset == 0 { 0 } else { indented };
        let code = line.split("//").next().unwrap_or(line);
        for (index, sign) in code.char_indices() {
            match sign {
                '{' => open.push((offset + index, indent)),
                '}' => {
                    let (at, opened) = open.pop()?;
                    if index == indented && offset > 0 && opened > indent {
                        return Some(at);
                    }
                }
                _ => {}
            }
        }
        offset += line.len();
    }
    None
}
