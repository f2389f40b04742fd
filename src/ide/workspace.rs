//! A project as it is in an editor, with what is wrong in it.
//!
//! Comes in: texts, one edit at a time. Goes out: findings by file. What is wrong is kept by the file that *shows* it: the
//! declarations of a file, checked, and its experiments, planned at every place and judged. An edit makes some of these
//! stale ([`Edited`]); they are judged again one at a time, so that whoever asks may judge the file before a person's
//! eyes first and hear the next keystroke in between. Once nothing is stale, findings are those of a fresh start: a law
//! that tests hold.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::lints::{Lints, Shift};
use crate::check::stdlib::Library;
use crate::check::{self, Edited, Program, Session};
use crate::diagnostic::{Code, Diagnostic, tidy};
use crate::engine::native::judged;
use crate::lint;
use crate::lower::{self, Catalogue, ExperimentRef, PlaceRef, Placed, Planner, Planners};
use crate::plan::Plan;
use crate::source::{FileId, SourceFile, SourceMap, Sources};
use crate::syntax::{self, Parse};

/// A project as it is in an editor.
#[derive(Debug, Default)]
pub struct Workspace {
    session: Session,
    /// For each file of the program.
    judged: Vec<Judged>,
    stale: BTreeSet<usize>,
    /// What concerns several files at once: behind everything else, as it asks all files for an edit of one.
    of_project: Vec<Diagnostic>,
    /// Whether that is of older texts.
    is_project_stale: bool,
    /// Files whose findings may have changed since they were asked for.
    changed: BTreeSet<FileId>,
    /// What the rules of `lint` find in the files that are open.
    pub(super) lints: Lints,
}

/// What one file shows.
#[derive(Debug, Default)]
struct Judged {
    /// By the file that it is about, which may be another: an experiment shows what is wrong in its scenario.
    found: BTreeMap<FileId, Vec<Diagnostic>>,
    experiments: Vec<ExperimentRef>,
    /// Where these may run.
    places: Vec<PlaceRef>,
    /// What the rules of `lint` say of its plans.
    of_plans: Vec<Diagnostic>,
    /// Whether a name means nothing: then what others declare may help.
    has_unknown_name: bool,
}

/// What an edit did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Changed {
    /// Files came or went.
    pub files: bool,
}

impl Workspace {
    /// Reads a project. Everything is stale: nothing is judged yet.
    #[must_use]
    pub fn open(sources: &dyn Sources, roots: &[String]) -> Self {
        let session = Session::open(sources, roots, Library::Whole);
        let mut workspace = Self { session, ..Self::default() };
        workspace.all_stale();
        workspace
    }

    /// Reads the project again after files came or went.
    pub fn reopen(&mut self, sources: &dyn Sources, roots: &[String]) {
        self.mark_session();
        self.session.reopen(sources, roots);
        self.all_stale();
    }

    /// Puts another text in place of a file's.
    pub fn edit(&mut self, sources: &dyn Sources, path: &str, text: &str) -> Changed {
        // What was said of several files may go away.
        self.mark_session();
        self.move_found(path, text);
        let Edited { stale, names, files } = self.session.edit(sources, path, text);
        if files {
            self.all_stale();
            return Changed { files };
        }
        self.stale.extend(stale);
        if names {
            let unknown = self.judged.iter().enumerate().filter(|(_, j)| j.has_unknown_name).map(|(index, _)| index);
            self.stale.extend(unknown);
            // Names are compared over the whole project.
            let files = self.session.program().files.iter();
            self.changed.extend(files.filter(|f| !f.is_std()).map(|f| f.file.id));
        }
        if let Some(file) = self.file(path) {
            self.changed.insert(self.id(file));
        }
        self.mark_session();
        self.is_project_stale = true;
        Changed { files }
    }

    fn all_stale(&mut self) {
        let count = self.program().files.len();
        // What is wrong elsewhere is forgotten, so it must be told again.
        self.changed.extend(self.session.sources().iter().map(|(id, _)| id));
        self.judged = (0..count).map(|_| Judged::default()).collect();
        self.lints.forget();
        self.stale = (0..count).filter(|index| !self.program().files[*index].is_std()).collect();
        self.of_project.clear();
        self.is_project_stale = true;
    }

    /// A file whose findings are stale: the first that `is_urgent` names, else any.
    #[must_use]
    pub fn next_stale(&self, is_urgent: impl Fn(&str) -> bool) -> Option<usize> {
        let urgent = self.stale.iter().find(|index| is_urgent(self.path(**index)));
        urgent.or(self.stale.first()).copied()
    }

    /// Whether a file's findings are stale.
    #[must_use]
    pub fn is_stale(&self, file: usize) -> bool {
        self.stale.contains(&file)
    }

    /// Judges one file again.
    pub fn judge(&mut self, file: usize) {
        if !self.stale.remove(&file) {
            return;
        }
        let judged = judge(self.session.program(), file);
        let Some(slot) = self.judged.get_mut(file) else { return };
        if slot.of_plans != judged.of_plans {
            self.lints.of_plans_changed(slot.of_plans.iter().chain(&judged.of_plans).map(|d| d.span.file));
        }
        self.changed.extend(slot.found.keys().chain(judged.found.keys()));
        *slot = judged;
        self.changed.insert(self.id(file));
        if self.stale.is_empty() {
            self.lints.settled();
        }
    }

    /// Judges everything that is stale.
    pub fn judge_all(&mut self) {
        while let Some(file) = self.next_stale(|_| false) {
            self.judge(file);
        }
        self.judge_project();
    }

    /// Judges what concerns several files at once, if an edit may have changed that and every file is judged; whether it did.
    pub fn judge_project(&mut self) -> bool {
        if !self.is_project_stale || !self.stale.is_empty() {
            return false;
        }
        self.is_project_stale = false;
        self.mark_project();
        let experiments = self.judged.iter().flat_map(|j| &j.experiments);
        self.of_project = lower::check_project(self.session.program(), experiments);
        self.mark_project();
        true
    }

    fn mark_project(&mut self) {
        self.changed.extend(self.of_project.iter().map(|d| d.span.file));
    }

    fn mark_session(&mut self) {
        self.changed.extend(self.session.found_in_project().iter().map(|d| d.span.file));
    }

    /// Every place where an experiment of the project may run, as far as its files are judged.
    #[must_use]
    pub fn places(&self) -> Vec<PlaceRef> {
        let all: BTreeSet<&PlaceRef> = self.judged.iter().flat_map(|j| &j.places).collect();
        all.into_iter().cloned().collect()
    }

    /// The files whose findings may have changed since this was last asked.
    pub fn take_changed(&mut self) -> BTreeSet<FileId> {
        std::mem::take(&mut self.changed)
    }

    /// What was found in a file, sorted by place. Of what is stale, what was found before.
    #[must_use]
    pub fn found(&self, id: FileId) -> Vec<Diagnostic> {
        let Some(source) = self.session.sources().get(id) else { return Vec::new() };
        let of_file = self.file(&source.path).map(|file| self.session.found_in(file));
        let of_project = self.of_project.iter().chain(self.session.found_in_project());
        let judged = self.judged.iter().filter_map(|j| j.found.get(&id)).flatten();
        let linted = self.lints.found(&source.path);
        let all = of_file.into_iter().flatten().chain(of_project).chain(judged).chain(linted);
        let mut found: Vec<Diagnostic> = all.filter(|d| d.span.file == id).cloned().collect();
        tidy(&mut found);
        self.program().drop_echoes(&mut found);
        if found.iter().any(|d| d.code == Code::NO_PLAN) && self.says_why() {
            found.retain(|d| d.code != Code::NO_PLAN);
        }
        found
    }

    /// Whether anything that is wrong, in any file, says why an experiment has no plan.
    fn says_why(&self) -> bool {
        let files = (0..self.program().files.len()).flat_map(|file| self.session.found_in(file));
        let judged = self.judged.iter().flat_map(|judged| judged.found.values().flatten());
        let all = files.chain(self.session.found_in_project()).chain(&self.of_project).chain(judged);
        all.into_iter().any(|d| d.is_error() && d.code != Code::NO_PLAN)
    }

    /// What the rules of `lint` say of the plans of all experiments, as far as it is about one file.
    pub(super) fn of_plans(&self, id: FileId) -> Vec<Diagnostic> {
        self.judged.iter().flat_map(|j| &j.of_plans).filter(|d| d.span.file == id).cloned().collect()
    }

    /// What was found before and is only looked for later moves along with its text.
    fn move_found(&mut self, path: &str, text: &str) {
        let Some(file) = self.file(path) else { return };
        let id = self.id(file);
        let shift = Shift::between(id, self.text(file), text);
        self.lints.moved(file, path, &shift);
        self.judged.iter_mut().for_each(|j| j.of_plans.retain_mut(|d| shift.apply(d)));
        let is_about = |d: &Diagnostic| d.span.file == id || d.labels.iter().any(|label| label.span.file == id);
        self.changed.extend(self.of_project.iter().filter(|d| is_about(d)).map(|d| d.span.file));
        self.of_project.retain_mut(|d| !is_about(d) || shift.apply(d));
    }

    /// A file's findings may be others now.
    pub(super) fn mark(&mut self, file: usize) {
        self.changed.insert(self.id(file));
    }

    /// The program.
    #[must_use]
    pub fn program(&self) -> &Program {
        self.session.program()
    }

    /// The texts.
    #[must_use]
    pub fn sources(&self) -> &SourceMap {
        self.session.sources()
    }

    /// The file (an index into the program's files) of a path.
    #[must_use]
    pub fn file(&self, path: &str) -> Option<usize> {
        self.session.file(path)
    }

    /// The path of a file.
    #[must_use]
    pub fn path(&self, file: usize) -> &str {
        self.program().files.get(file).map_or("", |f| f.path.as_str())
    }

    /// The id of a file's text.
    #[must_use]
    pub fn id(&self, file: usize) -> FileId {
        self.program().files.get(file).map_or(FileId(u32::MAX), |f| f.file.id)
    }

    /// A file's text with its lines.
    #[must_use]
    pub fn source(&self, file: usize) -> Option<&SourceFile> {
        self.sources().get(self.id(file))
    }

    /// A file's text.
    #[must_use]
    pub fn text(&self, file: usize) -> &str {
        self.program().files.get(file).map_or("", |f| &*f.text)
    }

    /// A file's tree.
    #[must_use]
    pub fn parse(&self, file: usize) -> Parse {
        syntax::parse(self.id(file), self.text(file))
    }

    /// The experiments of a file with the places where each may run.
    #[must_use]
    pub fn experiments(&self, file: usize) -> Vec<Placed> {
        lower::with_places(self.program(), lower::experiments_of(self.program(), file))
    }

    /// The plan of an experiment at each of its places; `None` where something is wrong with it.
    #[must_use]
    pub fn plans(&self, experiment: &ExperimentRef) -> Vec<(PlaceRef, Option<Plan>)> {
        let catalogue = Arc::new(Catalogue::new(self.program()));
        let plan_at = |place: &PlaceRef| Planner::with(self.program(), place, &catalogue)?.plan(experiment).plan;
        let places = lower::places(self.program(), experiment).into_iter();
        places.map(|place| (place.clone(), plan_at(&place))).collect()
    }

    /// The plan of an experiment at the first of its places where nothing is wrong with it.
    #[must_use]
    pub fn plan(&self, experiment: &ExperimentRef) -> Option<Plan> {
        let mut places = lower::places(self.program(), experiment).into_iter();
        places.find_map(|place| lower::plan(self.program(), experiment, &place).plan)
    }
}

/// Everything that one file shows.
fn judge(program: &Program, file: usize) -> Judged {
    let mut found = check::check_file(program, file);
    let mut bodies = lower::check_file(program, file);
    found.append(&mut bodies.diagnostics);
    let experiments = lower::with_places(program, bodies.experiments);
    let of_agendas = lower::with_places(program, bodies.of_agendas);
    let mut of_plans = Vec::new();
    // Most files of a project have no experiment, and need no catalogue.
    let mut planners: Option<Planners<'_>> = None;
    let declared = experiments.iter().map(|placed| (true, placed));
    for (is_declared, (experiment, places)) in declared.chain(of_agendas.iter().map(|placed| (false, placed))) {
        for place in places.iter() {
            let new = || Planners::new(program, &Arc::new(Catalogue::new(program))).without_digests();
            let mut lowered = planners.get_or_insert_with(new).plan(experiment, place);
            found.append(&mut lowered.diagnostics);
            if let Some(plan) = &lowered.plan {
                found.append(&mut judged(plan));
                if is_declared {
                    of_plans.append(&mut lint::of_plan(plan));
                }
            }
        }
    }
    tidy(&mut found);
    tidy(&mut of_plans);
    let has_unknown_name = found.iter().any(|d| d.code == Code::UNKNOWN_NAME);
    let mut by_file: BTreeMap<FileId, Vec<Diagnostic>> = BTreeMap::new();
    for diagnostic in found {
        by_file.entry(diagnostic.span.file).or_default().push(diagnostic);
    }
    let places: BTreeSet<PlaceRef> = experiments.iter().flat_map(|(_, places)| places.iter().cloned()).collect();
    let experiments = experiments.into_iter().map(|(experiment, _)| experiment).collect();
    Judged { found: by_file, experiments, places: places.into_iter().collect(), of_plans, has_unknown_name }
}
