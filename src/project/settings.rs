//! `perturb.toml` as data.
//!
//! Comes in: its text. Goes out: [`Settings`] with a diagnostic, at its place, for everything in it that is wrong; what is
//! right counts all the same. Never reads a file. Every key stands in [`KEYS`], which the users' reference lists.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::diagnostic::{Code, Diagnostic, Level, nearest};
use crate::source::{FileId, Span};

/// What `perturb.toml` says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// `[project] name`: what reports call it.
    pub name: Option<String>,
    /// `[project] exclude`: globs of files that are not part of it.
    pub exclude: Vec<String>,
    /// `[compile] place`: where `compile` compiles for unless `--in` says otherwise, with its place in the file.
    pub place: Option<(String, Span)>,
    /// `[compile] gate-image`: the image of the gate unless `--gate-image` says otherwise.
    pub gate_image: Option<String>,
    /// `[compile] out`: the folder, relative to the project, that `compile` writes unless `-o` says otherwise.
    pub out: Option<String>,
    /// `[approvals]`: for each team, the file of those whose signatures count, relative to the project.
    pub signers: BTreeMap<String, Signers>,
    /// `[lint]`: what rules are worth here.
    pub lint: BTreeMap<Code, Level>,
}

/// A team's signers, in `[approvals]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signers {
    /// The file, relative to the project.
    pub file: String,
    /// Where the team stands.
    pub team_at: Span,
    /// Where the file stands.
    pub file_at: Span,
}

/// A key of `perturb.toml`: its table, its name, what it says.
pub const KEYS: [(&str, &str, &str); 7] = [
    ("project", "name", "what reports call the project"),
    ("project", "exclude", "globs of files that are not part of it"),
    ("compile", "place", "ENVIRONMENT or ENVIRONMENT/CLUSTER to compile for, unless `--in` says otherwise"),
    ("compile", "gate-image", "the image of the gate, unless `--gate-image` says otherwise"),
    ("compile", "out", "the folder that `compile` writes, unless `-o` says otherwise"),
    ("approvals", "platform", "the file of allowed signers of this team; every team is a key"),
    ("lint", "P0910", "`off`, `warning` or `error`: what a rule of `perturb lint` is worth; every rule is a key"),
];

/// Reads the text of `perturb.toml`; spans are in `file`.
#[must_use]
pub fn parse(text: &str, file: FileId) -> (Settings, Vec<Diagnostic>) {
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut reader = Reader { file, settings: Settings::default(), found: Vec::new() };
    for error in errors {
        let place = error.span().unwrap_or(0..0);
        let diagnostic = Diagnostic::new(Code::PROJECT_SYNTAX, reader.span(&place), one_line(error.message()))
            .help("perturb.toml is TOML: `[table]`, then `key = \"value\"` lines (https://toml.io)");
        reader.found.push(diagnostic);
    }
    for (key, value) in table.get_ref() {
        reader.table(key, value);
    }
    let Reader { settings, mut found, .. } = reader;
    crate::diagnostic::tidy(&mut found);
    (settings, found)
}

fn one_line(message: &str) -> String {
    message.lines().map(str::trim).collect::<Vec<_>>().join(", ")
}

struct Reader {
    file: FileId,
    settings: Settings,
    found: Vec<Diagnostic>,
}

type Key<'i> = Spanned<std::borrow::Cow<'i, str>>;
type Item<'i> = Spanned<DeValue<'i>>;

impl Reader {
    fn span(&self, range: &std::ops::Range<usize>) -> Span {
        Span::new(self.file, range.start as u32, range.end as u32)
    }

    fn table(&mut self, key: &Key<'_>, value: &Item<'_>) {
        let name: &str = key.get_ref();
        let mut tables: Vec<&str> = KEYS.iter().map(|(table, ..)| *table).collect();
        tables.dedup();
        if !tables.contains(&name) {
            self.unknown(key, &tables, "table");
            return;
        }
        let Some(table) = value.get_ref().as_table() else {
            self.wrong_type(value, &format!("`{name}`"), "a table", &format!("write `[{name}]` on a line of its own"));
            return;
        };
        for (key, value) in table {
            self.key(name, key, value);
        }
    }

    fn key(&mut self, table: &str, key: &Key<'_>, value: &Item<'_>) {
        let name: &str = key.get_ref();
        match (table, name) {
            ("project", "name") => self.settings.name = self.text(value, name),
            ("project", "exclude") => self.settings.exclude = self.globs(value),
            ("compile", "place") => self.settings.place = self.place(value),
            ("compile", "gate-image") => self.settings.gate_image = self.text(value, name),
            ("compile", "out") => self.settings.out = self.text(value, name),
            ("approvals", _) => {
                let (team_at, file_at) = (self.span(&key.span()), self.span(&value.span()));
                let signers = self.text(value, name).map(|file| Signers { file, team_at, file_at });
                self.settings.signers.extend(signers.map(|signers| (name.to_owned(), signers)));
            }
            ("lint", _) => self.level(key, value),
            _ => {
                let known: Vec<&str> = KEYS.iter().filter(|k| k.0 == table).map(|k| k.1).collect();
                self.unknown(key, &known, "key");
            }
        }
    }

    fn unknown(&mut self, key: &Key<'_>, known: &[&str], what: &str) {
        let name: &str = key.get_ref();
        let span = self.span(&key.span());
        let list = known.iter().map(|k| format!("`{k}`")).collect::<Vec<_>>().join(", ");
        let diagnostic = Diagnostic::new(Code::PROJECT_UNKNOWN_KEY, span, format!("there is no {what} `{name}` here"))
            .why("a misspelt setting would be silently without effect")
            .help(format!("there are: {list}"));
        self.found.push(match nearest(name, known.iter().copied()) {
            Some(meant) => {
                diagnostic.label(format!("did you mean `{meant}`?")).fix(format!("write `{meant}`"), span, meant)
            }
            None => diagnostic,
        });
    }

    fn wrong_type(&mut self, value: &Item<'_>, what: &str, wanted: &str, help: &str) {
        let is = value.get_ref().type_str();
        let diagnostic = Diagnostic::new(
            Code::PROJECT_TYPE,
            self.span(&value.span()),
            format!("{what} is {wanted}, not a TOML {is}"),
        )
        .help(help);
        self.found.push(diagnostic);
    }

    fn text(&mut self, value: &Item<'_>, name: &str) -> Option<String> {
        let text = value.get_ref().as_str();
        match text {
            Some(text) if !text.trim().is_empty() => Some(text.to_owned()),
            Some(_) => {
                let place = self.span(&value.span());
                let diagnostic = Diagnostic::new(Code::PROJECT_TYPE, place, format!("`{name}` is empty"))
                    .help("write its value between the quotes, or take the line away");
                self.found.push(diagnostic);
                None
            }
            None => {
                self.wrong_type(value, &format!("`{name}`"), "text", &format!("write `{name} = \"…\"`"));
                None
            }
        }
    }

    fn globs(&mut self, value: &Item<'_>) -> Vec<String> {
        let help = "write `exclude = [\"drafts/**\"]`";
        let Some(items) = value.get_ref().as_array() else {
            self.wrong_type(value, "`exclude`", "a list of globs", help);
            return Vec::new();
        };
        let mut globs = Vec::new();
        for item in items.iter() {
            let Some(glob) = item.get_ref().as_str() else {
                self.wrong_type(item, "a member of `exclude`", "text", help);
                continue;
            };
            // The root does not matter to whether a glob is one.
            match crate::source::disk::Disk::new("/").exclude(&[glob.to_owned()]) {
                Ok(_) => globs.push(glob.to_owned()),
                Err(reason) => {
                    let place = self.span(&item.span());
                    let diagnostic = Diagnostic::new(Code::PROJECT_GLOB, place, format!("`{glob}` is no glob"))
                        .label(one_line(&reason))
                        .help("write globs as in `.gitignore`: `drafts/**`, `*.draft.chaos`");
                    self.found.push(diagnostic);
                }
            }
        }
        globs
    }

    /// `P0910 = "off"`
    fn level(&mut self, key: &Key<'_>, value: &Item<'_>) {
        let name: &str = key.get_ref();
        let Some(code) = Code::parse(name).filter(|code| code.is_lint()) else {
            let known: Vec<String> =
                Code::all().iter().map(|r| r.code).filter(|c| c.is_lint()).map(|c| c.to_string()).collect();
            self.unknown(key, &known.iter().map(String::as_str).collect::<Vec<_>>(), "rule");
            return;
        };
        let words = Level::WORDS.map(|(word, _)| format!("`{word}`")).join(", ");
        let Some(text) = value.get_ref().as_str() else {
            self.wrong_type(value, &format!("`{name}`"), "text", &format!("write one of {words}"));
            return;
        };
        match Level::parse(text) {
            Some(level) => {
                self.settings.lint.insert(code, level);
            }
            None => {
                let place = self.span(&value.span());
                let diagnostic = Diagnostic::new(Code::PROJECT_TYPE, place, format!("`{text}` is no level of a rule"));
                self.found.push(diagnostic.help(format!("the levels are {words}")));
            }
        }
    }

    fn place(&mut self, value: &Item<'_>) -> Option<(String, Span)> {
        let text = self.text(value, "place")?;
        let span = self.span(&value.span());
        let parts: Vec<&str> = text.split('/').collect();
        if parts.len() > 2 || parts.iter().any(|p| p.trim() != *p || p.is_empty()) {
            let diagnostic = Diagnostic::new(Code::PROJECT_PLACE, span, format!("`{text}` is no place"))
                .help("write `place = \"ENVIRONMENT/CLUSTER\"`, such as `\"staging/stg-1\"`, or the environment alone");
            self.found.push(diagnostic);
            return None;
        }
        Some((text, span))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(text: &str) -> Vec<(String, String)> {
        let (_, found) = parse(text, FileId(0));
        found
            .iter()
            .map(|d| (d.code.to_string(), text[d.span.start as usize..d.span.end as usize].to_owned()))
            .collect()
    }

    #[test]
    fn everything_that_can_be_said() {
        let text = "[project]\nname = \"shop\"\nexclude = [\"drafts/**\"]\n\n[compile]\nplace = \"staging/stg-1\"\n\
                    gate-image = \"registry.example/gate:1\"\nout = \"manifests\"\n";
        let (settings, found) = parse(text, FileId(0));
        assert_eq!(found, []);
        assert_eq!(settings.name.as_deref(), Some("shop"));
        assert_eq!(settings.exclude, ["drafts/**"]);
        assert_eq!(settings.place.unwrap().0, "staging/stg-1");
        assert_eq!(settings.gate_image.as_deref(), Some("registry.example/gate:1"));
        assert_eq!(settings.out.as_deref(), Some("manifests"));
        assert_eq!(parse("", FileId(0)), (Settings::default(), vec![]));
    }

    #[test]
    fn rules_have_levels() {
        let text = "[lint]\nP0910 = \"off\"\np0931 = \"error\"\nP0911 = \"of\"\nP0410 = \"off\"\nP0913 = 1\n";
        let (settings, _) = parse(text, FileId(0));
        let wanted = [(Code::UNUSED_LET, Level::Off), (Code::OFF_HOURS, Level::Error)];
        assert_eq!(settings.lint.into_iter().collect::<Vec<_>>(), wanted);
        let want = [("P0703", "\"of\""), ("P0702", "P0410"), ("P0703", "1")];
        assert_eq!(codes(text), want.map(|(c, t)| (c.to_owned(), t.to_owned())));
    }

    #[test]
    fn teams_have_signers() {
        let text = "[approvals]\nplatform = \"approvers/platform\"\nledgers = 3\n";
        let (settings, found) = parse(text, FileId(0));
        let said: Vec<(String, String)> = settings.signers.into_iter().map(|(team, s)| (team, s.file)).collect();
        assert_eq!(said, [("platform".into(), "approvers/platform".into())]);
        assert_eq!(found.len(), 1);
    }

    #[test]
    fn all_mistakes_are_found_and_the_rest_counts() {
        let text = "[project]\nnmae = \"x\"\nname = 3\nexclude = [\"a[\", 1, \"ok/**\"]\n[compile]\nplace = \"a/b/c\"\n[compiel]\n";
        let want = [("P0702", "nmae"), ("P0703", "3"), ("P0704", "\"a[\""), ("P0703", "1"), ("P0705", "\"a/b/c\"")];
        let mut want: Vec<_> = want.map(|(c, t)| (c.to_owned(), t.to_owned())).into();
        want.push(("P0702".to_owned(), "compiel".to_owned()));
        assert_eq!(codes(text), want);
        assert_eq!(parse(text, FileId(0)).0.exclude, ["ok/**"]);
    }

    #[test]
    fn what_is_no_toml_is_said_at_its_place() {
        let found = parse("[project]\nname = shop\nexclude: []\n", FileId(0)).1;
        assert!(found.len() >= 2, "{found:#?}");
        assert!(found.iter().all(|d| d.code == Code::PROJECT_SYNTAX), "{found:#?}");
    }

    #[test]
    fn no_prefix_of_a_text_makes_it_fail() {
        let text = "[project]\nname = \"shöp\"\nexclude = [\"drafts/**\", 'x']\n[compile]\nplace = \"\"\"a\nb\"\"\"\n";
        for end in (0..=text.len()).filter(|i| text.is_char_boundary(*i)) {
            let _ = parse(&text[..end], FileId(0));
        }
    }
}
