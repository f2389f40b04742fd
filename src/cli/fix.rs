//! `perturb fix`: applies fixes, as long as that makes things better.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::exit::{Exit, Failure};
use super::files::{difference, replace};
use super::input::{Input, Loaded, StdinArguments};
use super::terminal::{Stream, Terminal};
use super::work;
use crate::check::stdlib::Library;
use crate::diagnostic::edit::{apply, choose};
use crate::diagnostic::render::{Summary, counted};
use crate::diagnostic::{Diagnostic, Fix};

/// Applies the fixes of what `check` and `lint` find
///
/// Only those that are certain, unless `--guesses` is given. Fixes are applied together where they do not touch, and again
/// until none is left; a fix after which more is wrong than before is taken back.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Files or folders [default: the project of this folder]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Also apply the first of several choices, where a person should decide: read the difference
    #[arg(long)]
    guesses: bool,
    /// Write nothing; print what would change, and exit with 1 if anything would
    #[arg(long)]
    diff: bool,
}

/// Rounds after which fixing ends, whatever is left: each removes something, so few need a third.
const ROUNDS: usize = 12;
/// How often some of the fixes are tried without the others, if not all of them together did what they promise.
const TRIES: usize = 200;

/// Files with their fixes applied.
pub(super) struct Mended {
    /// Path in the project to the text before and after.
    pub files: BTreeMap<String, (String, String)>,
    /// How many fixes.
    pub applied: usize,
    /// What is left.
    pub left: Vec<Diagnostic>,
}

impl Mended {
    /// Replaces the files.
    ///
    /// # Errors
    /// What the operating system says; files before it are written.
    pub(super) fn write(&self, root: &Path) -> Result<(), Failure> {
        self.files.iter().try_for_each(|(path, (_, after))| replace(&root.join(path), after))
    }
}

pub(super) fn run(arguments: &Arguments, terminal: &Terminal) -> Result<Exit, Failure> {
    if arguments.paths.iter().any(|p| p.as_os_str() == "-") {
        return Err(Failure::new("`perturb fix` changes files, and standard input is none"));
    }
    let mut input = Input::find(&arguments.paths, &StdinArguments::default(), terminal)?;
    let mended = mend(&mut input, arguments.guesses, &all)?;
    if arguments.diff {
        let color = terminal.look(Stream::Output, "").color;
        for (path, (before, after)) in &mended.files {
            terminal.print(&difference(&format!("{}{path}", input.prefix), before, after, color))?;
        }
    } else {
        mended.write(&input.project.root)?;
    }
    let noun = if mended.applied == 1 { "fix" } else { "fixes" };
    let left = Summary::of(&mended.left);
    terminal.say(&format!("{} {noun} in {}; left: {left}\n", mended.applied, counted(mended.files.len(), "file")));
    let would = arguments.diff && !mended.files.is_empty();
    Ok(if would || left.errors > 0 { Exit::Findings } else { Exit::Clean })
}

/// All that `check` and `lint` find in the files that the arguments name.
fn all(loaded: &Loaded) -> Vec<Diagnostic> {
    let program = &loaded.checked.program;
    let jobs = work::jobs(loaded.chosen_to_judge());
    let (mut found, _) = loaded.findings(work::judge(program, &jobs));
    found.extend(super::lint::findings(loaded));
    found
}

/// Applies the fixes of what `find` finds, in memory.
///
/// # Errors
/// A file that cannot be read.
pub(super) fn mend(
    input: &mut Input,
    guesses: bool,
    find: &dyn Fn(&Loaded) -> Vec<Diagnostic>,
) -> Result<Mended, Failure> {
    let mut loaded = input.load(Library::Whole)?;
    let mut found = find(&loaded);
    let mut mended = Mended { files: BTreeMap::new(), applied: 0, left: Vec::new() };
    for _ in 0..ROUNDS {
        let fixes: Vec<Fix> = choose(&found, guesses).into_iter().filter(|f| is_ours(f, &loaded)).cloned().collect();
        if fixes.is_empty() {
            break;
        }
        let together: Vec<&Fix> = fixes.iter().collect();
        let now = Now { loaded: &loaded, found: &found };
        let better = match kept(input, now, &together, find)? {
            Some(better) => Some(better),
            None => some(input, now, &together, find)?,
        };
        let Some(better) = better else { break };
        for (path, before, after) in better.texts {
            let first = mended.files.remove(&path).map_or(before, |(first, _)| first);
            if first != after {
                mended.files.insert(path, (first, after));
            }
        }
        mended.applied += better.fixes;
        (loaded, found) = (better.loaded, better.found);
    }
    mended.left = found;
    Ok(mended)
}

/// Whether a fix changes only files of the project that were asked for. The settings are mended by hand.
fn is_ours(fix: &Fix, loaded: &Loaded) -> bool {
    fix.edits.iter().all(|edit| {
        let file = loaded.checked.sources.get(edit.span.file);
        file.is_some_and(|f| f.path.ends_with(".chaos") && loaded.is_chosen(&f.path) && !is_std(&f.path))
    })
}

fn is_std(path: &str) -> bool {
    path.starts_with(crate::check::stdlib::PREFIX)
}

/// Texts that are better than before.
struct Better {
    /// Path, before, after.
    texts: Vec<(String, String, String)>,
    fixes: usize,
    loaded: Loaded,
    found: Vec<Diagnostic>,
}

/// How things stand before a fix.
#[derive(Clone, Copy)]
struct Now<'n> {
    loaded: &'n Loaded,
    found: &'n [Diagnostic],
}

/// Applies fixes that each do what they promise: one that breaks something must not hide behind others that mend more. `None`, with
/// everything as it was, if one does not.
fn kept(
    input: &mut Input,
    now: Now<'_>,
    fixes: &[&Fix],
    find: &dyn Fn(&Loaded) -> Vec<Diagnostic>,
) -> Result<Option<Better>, Failure> {
    let Some(better) = attempt(input, now, fixes, find)? else { return Ok(None) };
    // Each mends its own error. What is merely unused may leave something else unused; a text that fits shows more.
    let is_mended = |d: &Diagnostic| d.fixes.iter().any(|fix| fixes.contains(&fix));
    let (before, after) = (errors(now.found, &|_| true), errors(&better.found, &|_| true));
    let promised = errors(now.found, &is_mended);
    let is_kept = after.0 + promised.0 <= before.0 && (after.0 < before.0 || after.1 + promised.1 <= before.1);
    if fixes.len() == 1 || is_kept {
        return Ok(Some(better));
    }
    take_back(input, &better.texts);
    Ok(None)
}

/// Applies as many of some fixes as do what they promise, where not all do.
fn some(
    input: &mut Input,
    now: Now<'_>,
    fixes: &[&Fix],
    find: &dyn Fn(&Loaded) -> Vec<Diagnostic>,
) -> Result<Option<Better>, Failure> {
    let (one, other) = fixes.split_at(fixes.len() / 2);
    // All of them were tried already.
    let mut tries = TRIES - 1;
    let mut good = good(input, now, one, find, &mut tries)?;
    if !one.is_empty() {
        good.extend(self::good(input, now, other, find, &mut tries)?);
    }
    // Each is good by itself; two that are not so together wait for the next round.
    match attempt(input, now, &good, find)? {
        None if good.len() > 1 => attempt(input, now, good.get(..1).unwrap_or_default(), find),
        better => Ok(better),
    }
}

/// Those fixes that do what they promise, with everything as it was.
fn good<'f>(
    input: &mut Input,
    now: Now<'_>,
    fixes: &[&'f Fix],
    find: &dyn Fn(&Loaded) -> Vec<Diagnostic>,
    tries: &mut usize,
) -> Result<Vec<&'f Fix>, Failure> {
    if fixes.is_empty() || *tries == 0 {
        return Ok(Vec::new());
    }
    *tries -= 1;
    if let Some(better) = kept(input, now, fixes, find)? {
        take_back(input, &better.texts);
        return Ok(fixes.to_vec());
    }
    let (one, other) = fixes.split_at(fixes.len() / 2);
    if one.is_empty() {
        return Ok(Vec::new());
    }
    let mut all = good(input, now, one, find, tries)?;
    all.extend(good(input, now, other, find, tries)?);
    Ok(all)
}

/// How many errors there are of those that are meant: of the grammar, and in all.
fn errors(found: &[Diagnostic], is_meant: &dyn Fn(&Diagnostic) -> bool) -> (usize, usize) {
    let meant = || found.iter().filter(|d| d.is_error() && is_meant(d));
    (meant().filter(|d| d.code.number() < 100).count(), meant().count())
}

/// Everything as it was.
fn take_back(input: &mut Input, texts: &[(String, String, String)]) {
    for (path, before, _) in texts {
        input.put(path, before);
    }
}

/// Applies some fixes and looks again; `None`, with everything as it was, if that is not better.
fn attempt(
    input: &mut Input,
    now: Now<'_>,
    fixes: &[&Fix],
    find: &dyn Fn(&Loaded) -> Vec<Diagnostic>,
) -> Result<Option<Better>, Failure> {
    let Now { loaded, found } = now;
    if fixes.is_empty() {
        return Ok(None);
    }
    let mut texts = Vec::new();
    for (id, file) in loaded.checked.sources.iter() {
        if !fixes.iter().flat_map(|f| &f.edits).any(|e| e.span.file == id) {
            continue;
        }
        // A text with U+FFFD may be one that was no text: it is not written back.
        let after = apply(&file.text, id, fixes).filter(|_| !file.text.contains('\u{fffd}'));
        let Some(after) = after else { return Ok(None) };
        texts.push((file.path.to_string(), file.text.to_string(), after));
    }
    for (path, _, after) in &texts {
        input.put(path, after);
    }
    let after = input.load(Library::Whole)?;
    let now = find(&after);
    if badness(&after, &now) < badness(loaded, found) {
        return Ok(Some(Better { texts, fixes: fixes.len(), loaded: after, found: now }));
    }
    take_back(input, &texts);
    Ok(None)
}

/// How bad a project is: first what does not fit the grammar, as a text that fits shows more of what is wrong with it.
fn badness(loaded: &Loaded, found: &[Diagnostic]) -> (usize, usize, usize) {
    let errors = || loaded.checked.diagnostics.iter().filter(|d| d.is_error());
    let syntax = errors().filter(|d| d.code.number() < 100).count();
    (syntax, errors().count() + found.iter().filter(|d| d.is_error()).count(), found.len())
}
