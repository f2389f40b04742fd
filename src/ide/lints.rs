//! What the rules of `lint` find in the files that a person looks at.
//!
//! Comes in: a workspace whose files are judged. Goes out: findings of the files that are watched, those that are open. They
//! come behind the errors: after an edit, what was found before moves along with its text until the rules have looked again.
//! Rules that compare a file with all others have their say once the whole project is known ([`Facts`], file by file).

use std::collections::{BTreeMap, BTreeSet};

use super::Workspace;
use crate::diagnostic::{Code, Diagnostic};
use crate::lint::{self, Facts, File, Levels, Project};
use crate::source::{FileId, Span};
use crate::syntax::Parse;

/// What is known of the rules' findings.
#[derive(Debug, Default)]
pub(super) struct Lints {
    levels: Levels,
    /// Whether the project is all that there is: of a lone file nobody knows what others use of it.
    whole: bool,
    /// Whether every file was judged at least once since files came or went.
    settled: bool,
    /// Files that are open, by path.
    watched: BTreeMap<String, Watched>,
    /// By file of the program, as far as they were read.
    facts: BTreeMap<usize, Facts>,
    /// Files whose facts are those of an older text.
    old_facts: BTreeSet<usize>,
}

#[derive(Debug, Default)]
struct Watched {
    found: Vec<Diagnostic>,
    /// The file, once the rules have looked.
    file: Option<FileId>,
    /// How much of the project was known when the rules looked; `None`: something has changed since.
    seen: Option<Seen>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    Part,
    All,
}

impl Lints {
    /// What was found in a file.
    pub(super) fn found(&self, path: &str) -> &[Diagnostic] {
        self.watched.get(path).map_or(&[], |w| &w.found)
    }

    /// What plans say of these files is something else now.
    pub(super) fn of_plans_changed(&mut self, of: impl Iterator<Item = FileId>) {
        let files: BTreeSet<FileId> = of.collect();
        for watched in self.watched.values_mut().filter(|w| w.file.is_none_or(|id| files.contains(&id))) {
            watched.seen = None;
        }
    }

    /// Everything was judged.
    pub(super) fn settled(&mut self) {
        self.settled = true;
    }

    /// Files came or went: every index and id may mean another file now.
    pub(super) fn forget(&mut self) {
        self.settled = false;
        self.facts.clear();
        self.old_facts.clear();
        self.watched.values_mut().for_each(|watched| *watched = Watched::default());
    }

    /// A text is another one now: what was found moves along with it.
    pub(super) fn moved(&mut self, file: usize, path: &str, shift: &Shift) {
        self.old_facts.insert(file);
        for (watched_path, watched) in &mut self.watched {
            if watched_path == path {
                watched.seen = None;
                watched.found.retain_mut(|d| shift.apply(d));
            } else if watched.found.iter().flat_map(|d| &d.labels).any(|label| label.span.file == shift.file) {
                watched.seen = None;
                watched.found.iter_mut().for_each(|d| d.labels.retain_mut(|l| shift.span(&mut l.span)));
            }
        }
    }

    /// What others must know of a file was read again.
    fn learned(&mut self, file: usize, path: &str, facts: Facts) {
        self.old_facts.remove(&file);
        let is_alike = self.facts.get(&file).is_some_and(|before| before.is_alike(&facts));
        if !is_alike {
            let of_all = self.watched.iter_mut().filter(|(other, w)| *other != path && w.seen == Some(Seen::All));
            of_all.for_each(|(_, watched)| watched.seen = None);
        }
        self.facts.insert(file, facts);
    }
}

/// How places move when one part of a text is replaced.
pub(super) struct Shift {
    file: FileId,
    /// The part that was replaced.
    start: u32,
    end: u32,
    by: i64,
}

impl Shift {
    /// What lies between what two texts begin and end with alike.
    pub(super) fn between(file: FileId, before: &str, after: &str) -> Self {
        let (old, new) = (before.as_bytes(), after.as_bytes());
        let head = old.iter().zip(new).take_while(|(a, b)| a == b).count();
        let most = old.len().min(new.len()) - head;
        let tail = old.iter().rev().zip(new.iter().rev()).take(most).take_while(|(a, b)| a == b).count();
        Self { file, start: head as u32, end: (old.len() - tail) as u32, by: new.len() as i64 - old.len() as i64 }
    }

    /// Moves a place; whether it is still there.
    fn span(&self, span: &mut Span) -> bool {
        if span.file != self.file || span.end < self.start {
            return true;
        }
        let moved = |at: u32| u32::try_from(i64::from(at) + self.by).unwrap_or(0);
        if span.start >= self.end {
            (span.start, span.end) = (moved(span.start), moved(span.end));
            return true;
        }
        false
    }

    /// Moves what was found; whether it is still there.
    pub(super) fn apply(&self, found: &mut Diagnostic) -> bool {
        // A fix is for the text that it was found in.
        found.fixes.clear();
        found.labels.retain_mut(|label| self.span(&mut label.span));
        self.span(&mut found.span)
    }
}

impl Workspace {
    /// Says what rules are worth here, and whether the project is all that there is.
    pub fn lint_with(&mut self, levels: Levels, whole: bool) {
        self.lints.levels = levels;
        self.lints.whole = whole;
        self.lints.forget();
    }

    /// Says which files are open: in these the rules look.
    pub fn watch(&mut self, paths: &[String]) {
        let gone: Vec<String> = self.lints.watched.keys().filter(|path| !paths.contains(path)).cloned().collect();
        for path in gone {
            self.lints.watched.remove(&path);
            if let Some(file) = self.file(&path) {
                self.mark(file);
            }
        }
        for path in paths {
            self.lints.watched.entry(path.clone()).or_default();
        }
    }

    /// Looks at one file that is open and whose findings are old; whether there was one. `exists` tells whether there is a
    /// file at a path of the project.
    pub fn lint_one(&mut self, exists: &dyn Fn(&str) -> bool) -> bool {
        let knows_all = self.knows_all();
        let is_old = |seen: Option<Seen>| seen.is_none() || seen == Some(Seen::Part) && knows_all;
        let old = self.lints.watched.iter().filter(|(_, w)| is_old(w.seen)).filter_map(|(path, _)| self.file(path));
        let Some(file) = old.into_iter().find(|file| !self.is_stale(*file)) else { return false };
        self.lint(file, exists);
        true
    }

    /// Looks at this very file, unless what was found is of its text.
    pub fn lint_now(&mut self, file: usize, exists: &dyn Fn(&str) -> bool) {
        if self.lints.watched.get(self.path(file)).is_some_and(|w| w.seen.is_none()) {
            self.lint(file, exists);
        }
    }

    /// Learns of one file what others must know of it; whether there was one to learn of.
    pub fn learn_one(&mut self) -> bool {
        if self.lints.watched.is_empty() || !self.lints.whole {
            return false;
        }
        let unknown = |file: &usize| !self.lints.facts.contains_key(file) || self.lints.old_facts.contains(file);
        let Some(file) = self.own_files().find(unknown) else { return false };
        let parse = self.parse(file);
        self.learn(file, &parse);
        true
    }

    fn own_files(&self) -> impl Iterator<Item = usize> {
        let files = self.program().files.iter().enumerate();
        files.filter(|(_, f)| !f.is_std()).map(|(index, _)| index)
    }

    fn knows_all(&self) -> bool {
        let is_known = |file| self.lints.facts.contains_key(&file);
        self.lints.settled && (!self.lints.whole || self.own_files().all(is_known))
    }

    fn learn(&mut self, file: usize, parse: &Parse) {
        let facts = Facts::of(&self.linted(file, parse));
        let path = self.path(file).to_owned();
        self.lints.learned(file, &path, facts);
    }

    fn linted<'p>(&'p self, file: usize, parse: &'p Parse) -> File<'p> {
        File { id: self.id(file), path: self.path(file), text: self.text(file), parse }
    }

    fn lint(&mut self, file: usize, exists: &dyn Fn(&str) -> bool) {
        let (id, parse) = (self.id(file), self.parse(file));
        self.learn(file, &parse);
        let knows_all = self.knows_all();
        let files = [self.linted(file, &parse)];
        let facts: Vec<&Facts> = self.lints.facts.values().collect();
        let of_plans = self.of_plans(id);
        let whole = self.lints.whole && knows_all;
        let project = Project { files: &files, facts: &facts, whole, of_plans: &of_plans, exists };
        let mut found = lint::lint(&project, &self.lints.levels);
        if !knows_all {
            // What an `allow` silences may not have been found yet; and another file may be the first to say something.
            found.retain(|d| !matches!(d.code, Code::ALLOW_WITHOUT_EFFECT | Code::DUPLICATE_EXPERIMENT));
        }
        let seen = Some(if knows_all { Seen::All } else { Seen::Part });
        let path = self.path(file).to_owned();
        self.lints.watched.insert(path, Watched { found, file: Some(id), seen });
        self.mark(file);
    }
}
