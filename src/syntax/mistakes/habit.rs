//! Habits of other languages, each with what this one writes instead. Comes in: a `mistake_…`. Goes out: its diagnostic.

use super::super::parse::Rule;
use super::super::tree::Finding;
use super::super::words::is_name;
use super::{Context, parent};
use crate::diagnostic::{Applicability, Code, Diagnostic, Edit, Fix};

impl Context<'_> {
    /// The diagnostic of a habit; `None` for a part of one that is reported as a whole.
    pub(super) fn habit(&self, rule: Rule, finding: &Finding) -> Option<Diagnostic> {
        Some(match rule {
            Rule::mistake_equals => self.equals_for_colon(finding),
            Rule::mistake_dash if parent(finding) == Some(Rule::dash_list) => return None,
            Rule::mistake_dash => self.dash_item(finding),
            Rule::dash_list => self.dash_list(finding),
            Rule::mistake_semicolon => {
                let at = self.span(finding.start, finding.end);
                let diagnostic = Diagnostic::new(Code::SEMICOLON, at, "lines end without `;`")
                    .help("leave it out; a comma or a line end separates");
                let behind = self.rest(finding.end).trim_start_matches([' ', '\t']);
                let ends = behind.is_empty() || behind.starts_with(['\n', '\r', '}', '/', '#']);
                if ends { diagnostic.fix("leave out `;`", at, "") } else { diagnostic.fix("write `,`", at, ",") }
            }
            Rule::mistake_comma => {
                let at = self.span(finding.start, finding.end);
                Diagnostic::new(Code::MISSING_VALUE, at, "nothing stands before this comma")
                    .help("leave it out, or write what is missing")
                    .choice("leave out `,`", at, "")
            }
            Rule::mistake_logic => self.foreign_logic(finding),
            Rule::mistake_bang => {
                let at = self.span(finding.start, finding.end);
                Diagnostic::new(Code::FOREIGN_OPERATOR, at, "`!` is no operator of this language")
                    .help("write `not`")
                    .fix("write `not`", at, "not ")
            }
            Rule::mistake_if => {
                let at = self.span(finding.start, finding.start + 2);
                Diagnostic::new(Code::IF, at, "there is no `if`")
                    .why("what differs by place is written where the value is, so that one place shows all of them")
                    .help("choose a value with `match environment { dev | staging: 1, production: 2 }`")
            }
            Rule::mistake_spacing => self.spacing(finding),
            Rule::mistake_assign => self.assignment(finding),
            Rule::mistake_unit_gap => {
                let at = self.span(finding.start, finding.end);
                let text = self.slice(finding.start, finding.end);
                let blanks = text.len() - text.trim_start().len();
                let unit = text.trim();
                Diagnostic::new(
                    Code::SPACE_BEFORE_UNIT,
                    at,
                    format!("a blank separates the number from its unit `{unit}`"),
                )
                .help("write the unit directly behind the number: `5m`")
                .fix(
                    "leave out the blank",
                    self.span(finding.start, finding.start + blanks as u32),
                    "",
                )
            }
            Rule::mistake_early_mark => self.early_mark(finding),
            Rule::mistake_quotes => self.foreign_quotes(finding),
            _ => self.foreign_comment(rule, finding),
        })
    }

    fn equals_for_colon(&self, finding: &Finding) -> Diagnostic {
        let at = self.span(finding.start, finding.end);
        let key_end = self.settled(finding.start);
        let key = finding.around.first().map_or("", |(_, start)| self.word_at(*start));
        let owner = finding.around.get(2).map(|(rule, start)| (*rule, self.word_at(*start)));
        let in_steps = parent(finding) == Some(Rule::field)
            && match owner {
                Some((Rule::section, word)) => word == "method",
                Some((rule, _)) => matches!(rule, Rule::with | Rule::each | Rule::parallel | Rule::sequence),
                None => false,
            };
        let diagnostic = Diagnostic::new(Code::EQUALS_FOR_COLON, at, format!("`=` behind `{key}`"));
        if in_steps {
            let start = finding.around.first().map_or(finding.start, |(_, start)| *start);
            return diagnostic.help(format!("to name a value write `let {key} = …`")).fix(
                format!("write `let {key} =`"),
                self.span(start, start),
                "let ",
            );
        }
        diagnostic
            .why("`=` gives a name to a value, in a `let` or as a default; fields and arguments have `:`")
            .help(format!("write `{key}: …`"))
            .fix("write `:`", self.span(key_end, finding.end), ":")
    }

    /// `Bytes? in 1MiB..1GiB`
    fn early_mark(&self, finding: &Finding) -> Diagnostic {
        let rest = self.rest(finding.end);
        let range = rest.split(['=', ',', ')', '{', '|', '\n', '\r']).next().unwrap_or(rest).trim_end();
        let whole = self.span(finding.start, finding.end + range.len() as u32);
        let name = finding.around.first().map_or("", |(_, start)| self.word_at(*start));
        Diagnostic::new(Code::SYNTAX, self.span(finding.start, finding.end), "the `?` stands before the range")
            .why("what may be absent is all of it: the type with its range")
            .help(format!("write `{name}{range}?`"))
            .fix("write it behind the range", whole, format!("{range}?"))
    }

    fn dash_item(&self, finding: &Finding) -> Diagnostic {
        let at = self.span(finding.start, finding.end);
        let rest = self.rest(finding.end);
        let blanks = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        Diagnostic::new(Code::DASH_ITEM, at, "a dash before what stands on this line")
            .why("this is not YAML: in a block each line is an entry by itself")
            .help("leave out the dash")
            .fix("leave out the dash", self.span(finding.start, finding.end + blanks as u32), "")
    }

    fn dash_list(&self, finding: &Finding) -> Diagnostic {
        let (start, end) = self.trimmed(finding);
        let first_line = self.line_around(start).1.min(end);
        let diagnostic = Diagnostic::new(
            Code::DASH_LIST,
            self.span(start, first_line),
            "a list is written in brackets, not with dashes",
        )
        .help("write `[a, b]`");
        let text = self.slice(start, end);
        let entries: Option<Vec<&str>> =
            text.lines().map(str::trim).filter(|l| !l.is_empty()).map(|l| Some(l.strip_prefix('-')?.trim())).collect();
        match entries {
            // With a comment in between, only a person can say where it goes.
            Some(entries) if !text.contains("//") && !text.contains('#') => {
                let list = format!("[{}]", entries.join(", "));
                // From the line of the key on, so that the list stands behind its colon.
                let from = self.settled(start);
                diagnostic.fix(format!("write `{list}`"), self.span(from, end), format!(" {list}"))
            }
            _ => diagnostic,
        }
    }

    fn foreign_logic(&self, finding: &Finding) -> Diagnostic {
        let at = self.span(finding.start, finding.end);
        let sign = self.slice(finding.start, finding.end);
        let word = if sign == "&&" { "and" } else { "or" };
        let before = self.slice(finding.start.saturating_sub(1), finding.start);
        let blank = |text: &str| text.is_empty() || text.starts_with([' ', '\t', '\n', '\r']);
        let left = if blank(before) { "" } else { " " };
        let right = if blank(self.rest(finding.end)) { "" } else { " " };
        Diagnostic::new(Code::FOREIGN_OPERATOR, at, format!("`{sign}` is no operator of this language"))
            .help(format!("write `{word}`"))
            .fix(format!("write `{word}`"), at, format!("{left}{word}{right}"))
    }

    fn spacing(&self, finding: &Finding) -> Diagnostic {
        let sign = self.slice(finding.start, finding.end);
        let left = self.settled(finding.start);
        let rest = self.rest(finding.end);
        let right = finding.end + (rest.len() - rest.trim_start_matches([' ', '\t']).len()) as u32;
        let around = self.span(left, right);
        let before = self.slice(self.line_around(left).0, left);
        let from = before.trim_end_matches(|c: char| c.is_alphanumeric() || c == '-').len();
        let (first, second) = (before.get(from..).unwrap_or(""), self.word_at(right));
        let diagnostic = Diagnostic::new(
            Code::OPERATOR_SPACING,
            self.span(finding.start, finding.end),
            format!("`{sign}` needs a blank on both sides"),
        )
        .why("`a-b` is one name, so a minus is told from a dash by its blanks");
        let spaced = format!(" {sign} ");
        if sign == "-" && is_name(first) && is_name(second) {
            let name = format!("{first}-{second}");
            return diagnostic
                .help(format!("write `{first} - {second}` to subtract, or `{name}` for the name"))
                .choice(format!("write `{first} - {second}`"), around, spaced)
                .choice(format!("write `{name}`"), around, "-");
        }
        diagnostic.help("write a blank before and behind it").fix("add the blanks", around, spaced)
    }

    fn assignment(&self, finding: &Finding) -> Diagnostic {
        let at = self.span(finding.start, finding.end);
        let in_value = finding.around.iter().find_map(|(rule, _)| match rule {
            Rule::expr | Rule::group => None,
            Rule::field | Rule::arg | Rule::list => Some(true),
            _ => Some(false),
        });
        if in_value != Some(true) {
            return Diagnostic::new(Code::SINGLE_EQUALS, at, "`=` does not compare").help("write `==`").fix(
                "write `==`",
                at,
                "==",
            );
        }
        let diagnostic = Diagnostic::new(Code::EQUALS_IN_MAP, at, "`=` in a value")
            .why("maps are written with braces and `:`, and texts with quotes")
            .help("write `{ app: \"x\" }`");
        match self.map_fix(finding) {
            Some(fix) => diagnostic.with_fix(fix),
            None => diagnostic,
        }
    }

    /// `app=x` as `{ app: "x" }`, if it is as simple as that.
    fn map_fix(&self, finding: &Finding) -> Option<Fix> {
        let start = finding.around.first().filter(|(rule, _)| *rule == Rule::expr)?.1;
        let key = self.slice(start, finding.start).trim_end();
        let rest = self.rest(finding.end);
        let skipped = rest.len() - rest.trim_start_matches(' ').len();
        let value_start = finding.end + skipped as u32;
        let value = rest.trim_start_matches(' ').split([',', ')', '}', ']', '\n', '\r', ' ']).next()?;
        let simple = |text: &str| {
            !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
        };
        let quoted = value.len() > 1 && value.starts_with('"') && value.ends_with('"');
        if !simple(key) || !(simple(value) || quoted) {
            return None;
        }
        let key = if key.contains('.') { format!("\"{key}\"") } else { key.to_owned() };
        let text = if quoted { value.to_owned() } else { format!("\"{value}\"") };
        let map = format!("{{ {key}: {text} }}");
        Some(Fix {
            title: format!("write `{map}`"),
            edits: vec![Edit { span: self.span(start, value_start + value.len() as u32), text: map }],
            applicability: Applicability::Certain,
        })
    }

    fn foreign_quotes(&self, finding: &Finding) -> Diagnostic {
        let at = self.span(finding.start, finding.end);
        // The quotes may be of several bytes each.
        let mut inner = self.slice(finding.start, finding.end).chars();
        inner.next();
        inner.next_back();
        let inner = inner.as_str();
        let diagnostic =
            Diagnostic::new(Code::FOREIGN_QUOTES, at, "texts stand in double quotes").help("write `\"…\"`");
        if inner.contains(['"', '\\', '$']) {
            return diagnostic;
        }
        diagnostic.fix(format!("write `\"{inner}\"`"), at, format!("\"{inner}\""))
    }

    fn foreign_comment(&self, rule: Rule, finding: &Finding) -> Diagnostic {
        match rule {
            Rule::mistake_hash_comment => {
                let at = self.span(finding.start, finding.start + 1);
                Diagnostic::new(Code::FOREIGN_COMMENT, at, "comments begin with `//`, not with `#`")
                    .help("write `//`")
                    .fix("write `//`", at, "//")
            }
            Rule::mistake_open_comment => {
                let at = self.span(finding.start, finding.start + 2);
                Diagnostic::new(Code::UNCLOSED_COMMENT, at, "this comment swallows the rest of the file")
                    .help("write `//` before each line of the comment")
            }
            _ => self.block_comment(finding),
        }
    }

    fn block_comment(&self, finding: &Finding) -> Diagnostic {
        let at = self.span(finding.start, finding.start + 2);
        let diagnostic = Diagnostic::new(Code::FOREIGN_COMMENT, at, "comments begin with `//` and end with their line")
            .help("write `//` before each line of the comment");
        let text = self.slice(finding.start, finding.end);
        let ends_line = self.rest(finding.end).trim_start_matches([' ', '\t']).starts_with(['\n', '\r'])
            || self.rest(finding.end).trim().is_empty();
        match text.strip_prefix("/*").and_then(|t| t.strip_suffix("*/")) {
            Some(inner) if ends_line && !inner.contains(['\n', '\r']) => {
                let line = format!("// {}", inner.trim());
                diagnostic.fix("write `//`", self.span(finding.start, finding.end), line)
            }
            _ => diagnostic,
        }
    }
}
