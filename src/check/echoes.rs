//! What may follow from a mistake in the text, and is therefore not told a second time.
//!
//! Comes in: all that was found. Goes out: the same without the echoes of what could not be read. A line whose structure is
//! shaken is told by the parser alone; a name that stands on such a line may well be declared there; what uses a declaration
//! that is shaken is not judged by what is left of it. An echo that was none comes back once the text is mended, and what was
//! found in the text itself always stays: nothing is clean by this.

use std::collections::{BTreeMap, BTreeSet};

use super::Program;
use super::load::Loaded;
use super::program::{Item, ItemKind};
use crate::diagnostic::{Code, Diagnostic, Label};
use crate::source::{FileId, Span};

/// A file with lines whose structure is shaken.
struct Shaken<'p> {
    loaded: &'p Loaded,
    /// What stands on these lines.
    words: BTreeSet<&'p str>,
    /// The names of declarations that are shaken, and of each `let` that is.
    names: BTreeSet<&'p str>,
    /// Something is shaken that other declarations may use.
    is_wide: bool,
}

impl Program {
    /// Takes away what may follow from a text that could not be read.
    pub fn drop_echoes(&self, found: &mut Vec<Diagnostic>) {
        let shaken = self.files.iter().filter(|loaded| loaded.is_shaken());
        let shaken: BTreeMap<FileId, Shaken<'_>> = shaken.map(|l| (l.file.id, Shaken::new(l))).collect();
        if shaken.is_empty() {
            return;
        }
        let is_wide = |id: &FileId| shaken.get(id).is_some_and(|file| file.is_wide);
        let ids = || self.files.iter().map(|loaded| loaded.file.id);
        let wide = ids().enumerate().filter(|(_, id)| is_wide(id)).map(|(index, _)| index);
        let reached = self.importers(wide);
        let reached: BTreeSet<FileId> =
            ids().enumerate().filter(|(index, _)| reached.contains(index)).map(|(_, id)| id).collect();
        found.retain(|diagnostic| match shaken.get(&diagnostic.span.file) {
            Some(file) => !file.echoes(diagnostic),
            None => !(is_of_plans(diagnostic.code) && reached.contains(&diagnostic.span.file)),
        });
    }

    /// Tells of each name that means nothing once, with its other places: for who reads a list. An editor marks each place.
    pub fn tell_names_once(&self, found: &mut Vec<Diagnostic>) {
        // Of each name, where it is told in the list, and how often it was told.
        let mut firsts: BTreeMap<(FileId, &str), (usize, usize)> = BTreeMap::new();
        let mut out: Vec<Diagnostic> = Vec::with_capacity(found.len());
        for diagnostic in found.drain(..) {
            let of_file = |loaded: &&Loaded| loaded.file.id == diagnostic.span.file;
            let is_name = diagnostic.code == Code::UNKNOWN_NAME;
            let loaded = is_name.then(|| self.files.iter().find(of_file)).flatten();
            let name = loaded.map(|loaded| loaded.said(diagnostic.span));
            let known = name.and_then(|name| firsts.get_mut(&(diagnostic.span.file, name)));
            if let Some((first, times)) = known
                && let Some(first) = out.get_mut(*first).filter(|first| first.message == diagnostic.message)
            {
                *times += 1;
                add_place(first, diagnostic, *times);
                continue;
            }
            if let Some(name) = name {
                firsts.insert((diagnostic.span.file, name), (out.len(), 0));
            }
            out.push(diagnostic);
        }
        *found = out;
    }
}

/// As many further places of one mistake are shown.
const MOST_PLACES: usize = 4;

/// Adds a further place, the `times`th, of the same mistake: a fix mends all of them.
fn add_place(first: &mut Diagnostic, again: Diagnostic, times: usize) {
    for (fix, more) in first.fixes.iter_mut().zip(again.fixes) {
        if fix.title == more.title {
            fix.edits.extend(more.edits);
        }
    }
    if times <= MOST_PLACES {
        first.labels.push(Label { span: again.span, text: "and here".to_owned() });
    } else if let Some(last) = first.labels.last_mut() {
        last.text = format!("and here: {} places in all", times + 1);
    }
}

impl Loaded {
    /// Whether something in it could not be read, so that it may declare more than is known.
    pub(super) fn is_shaken(&self) -> bool {
        !self.file.shaken.is_empty()
    }

    fn said(&self, span: Span) -> &str {
        self.text.get(span.start as usize..span.end as usize).unwrap_or_default()
    }

    /// The line of a byte.
    fn line_of(&self, offset: u32) -> &str {
        let (before, behind) = self.text.split_at_checked(offset as usize).unwrap_or_default();
        let start = before.rfind('\n').map_or(0, |end| end + 1);
        let end = behind.find('\n').map_or(self.text.len(), |end| before.len() + end);
        self.text.get(start..end).unwrap_or_default()
    }

    /// The declaration around a byte.
    fn item_at(&self, offset: u32) -> Option<&Item> {
        let next = self.file.items.partition_point(|item| item.span.start <= offset);
        next.checked_sub(1).and_then(|before| self.file.items.get(before)).filter(|item| offset <= item.span.end)
    }

    /// What is shaken between two bytes.
    fn shaken_in(&self, span: Span) -> impl Iterator<Item = &Span> {
        let next = self.file.shaken.partition_point(|run| run.end < span.start);
        self.file.shaken.iter().skip(next).take_while(move |run| run.start <= span.end)
    }

    fn is_shaken_in(&self, span: Span) -> bool {
        self.shaken_in(span).next().is_some()
    }
}

impl<'p> Shaken<'p> {
    fn new(loaded: &'p Loaded) -> Self {
        let runs = || loaded.file.shaken.iter().map(|run| loaded.said(*run));
        let items = loaded.file.items.iter().filter(|item| loaded.is_shaken_in(item.span));
        let lets = runs().flat_map(words).zip(runs().flat_map(words).skip(1)).filter(|(word, _)| *word == "let");
        let is_used = |run: &Span| loaded.item_at(run.end).is_none_or(|item| is_used_by_others(&item.kind));
        Self {
            loaded,
            words: runs().flat_map(words).collect(),
            names: items.map(|item| item.name.text.as_str()).chain(lets.map(|(_, name)| name)).collect(),
            is_wide: loaded.file.shaken.iter().any(is_used),
        }
    }

    fn echoes(&self, diagnostic: &Diagnostic) -> bool {
        let span = diagnostic.span;
        match diagnostic.code {
            // What the text alone shows.
            code if code < Code::UNKNOWN_NAME => false,
            _ if self.loaded.is_shaken_in(Span { end: span.start, ..span }) => true,
            Code::UNKNOWN_NAME => self.is_said(self.loaded.said(span)),
            // They point at what seems to have no such part, which may be what could not be read.
            Code::MISSING_FIELD | Code::EMPTY_METHOD => self.is_of_gap(span) || self.is_of_misread(span),
            code if is_of_plans(code) => {
                self.is_wide || self.loaded.item_at(span.start).is_some_and(|item| self.loaded.is_shaken_in(item.span))
            }
            _ => words(self.loaded.line_of(span.start)).any(|word| self.names.contains(word)),
        }
    }

    /// Whether a name stands on a shaken line, or begins a word there: `loses-one-replicasubject` lacks its bracket.
    fn is_said(&self, name: &str) -> bool {
        self.words.range(name..).next().is_some_and(|word| word.starts_with(name))
    }

    /// Whether lines of the declaration around a place were taken for something else.
    fn is_of_misread(&self, span: Span) -> bool {
        let Some(item) = self.loaded.item_at(span.start) else { return false };
        self.loaded.shaken_in(item.span).any(|run| self.loaded.said(*run).contains('\n'))
    }

    /// Whether a place is the name of what has a block in which something could not be read, or all of that block.
    fn is_of_gap(&self, span: Span) -> bool {
        let mut gaps = self.loaded.file.gaps.iter();
        gaps.any(|gap| {
            let is_named_there = gap.owner.start <= span.start && span.end <= gap.block.start;
            is_named_there || span.start <= gap.block.start && gap.block.end <= span.end
        })
    }
}

/// Whether a finding judges what a whole declaration does, at its place or anywhere: without a part of it nobody can tell.
fn is_of_plans(code: Code) -> bool {
    code >= Code::CONFLICT || matches!(code, Code::FAULT_TARGET | Code::FAULT_WITHOUT_ENGINE | Code::INCOMPLETE)
}

/// Whether other declarations may depend on what one of this kind says.
fn is_used_by_others(kind: &ItemKind) -> bool {
    !matches!(
        kind,
        ItemKind::Experiment(_)
            | ItemKind::Instance(_)
            | ItemKind::Verify(_)
            | ItemKind::Gameday(_)
            | ItemKind::Policy(_)
    )
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_alphanumeric() || matches!(c, '-' | '_'))).filter(|word| !word.is_empty())
}
