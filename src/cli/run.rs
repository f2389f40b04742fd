//! `perturb run`: holds experiments one after the other, and ends with the verdict.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::exit::{Exit, Failure};
use super::journal::{JournalArguments, failure};
use super::keyboard::Keyboard;
use super::people::{AtTerminal, Consent, ask};
use super::terminal::Terminal;
use super::view::{Format, screen, viewer};
use super::which::Which;
use super::{approval, experiment, gameday, junit, world};
use crate::engine::drive::Driver;
use crate::engine::local::process;
use crate::plan::{Plan, Step, StepKind};
use crate::runtime::drive::{HoldError, Left, Parts, Rescued, dry, hold, left_of, recover, wall};
use crate::runtime::journal::{Begun, JOURNAL_VERSION, Journal, Owner, PlaceDraw, RunRow};
use crate::runtime::machine::{EndedBy, Outcome, Verdict, words};
use crate::runtime::simulate::told;
use crate::runtime::watchdog::Program;
use crate::types::Duration;

/// With `--step`, each step waits this long for its yes.
const STEP: Duration = Duration::from_secs(15 * 60);

/// Runs experiments: preflight, baseline, faults, recovery, verdict
///
/// Runs every experiment of PATH in the order of the text, unless one is chosen. It goes on after `confirmed`, `refuted` and
/// `not-run`, stops after any other verdict, and ends with the worst.
///
/// `perturb run shop.chaos --dry` says whether it could run now, and injects nothing; `--step` is for the first time that it does.
/// While it runs, Ctrl-C ends it and undoes everything; afterwards `perturb report RUN -o report.html` is for those who were not
/// there.
///
/// Whatever happens, what was injected is undone: on Ctrl-C, on any signal, by a watchdog if this process is killed, and by
/// `perturb recover` (or the next run) if the machine went down. Exit codes: 0 confirmed, 1 refuted, 2 wrong usage or sources,
/// 3 not-run, 4 aborted, 5 inconclusive, 6 error (something may be left).
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A folder or file with experiments, or a plan.json
    #[arg(value_name = "PATH")]
    file: PathBuf,
    #[command(flatten)]
    which: Which,
    /// Runs what this `verify` names, now: at each of its clusters, one run after the other
    #[arg(long, value_name = "NAME", conflicts_with_all = ["experiment", "gameday"])]
    verify: Option<String>,
    /// Holds this game day: its agenda, point by point, with its people at this terminal
    #[arg(long, value_name = "NAME", conflicts_with_all = ["experiment", "dry", "junit"])]
    gameday: Option<String>,
    /// Does everything of preflight for real (engines, targets, guards), and nothing after it
    #[arg(long)]
    dry: bool,
    /// Asks whoever is at this terminal before each step; a no, or 15 minutes of silence, ends the method
    #[arg(long, conflicts_with = "dry")]
    step: bool,
    /// An approval of this plan (`perturb approve`), with its signature FILE.sig beside it; may be given several times
    #[arg(long, value_name = "FILE")]
    approval: Vec<PathBuf>,
    /// The name of a protected environment, where nobody is there to type it
    #[arg(long, value_name = "ENVIRONMENT")]
    confirm: Option<String>,
    /// How the run is shown
    #[arg(long, value_enum, value_name = "FORM", default_value = "text")]
    format: Format,
    /// Writes the result as JUnit XML
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    #[command(flatten)]
    journal: JournalArguments,
}

impl Arguments {
    /// How runs are shown.
    pub(super) fn format(&self) -> Format {
        self.format
    }

    /// Where the experiments stand.
    pub(super) fn file(&self) -> &Path {
        &self.file
    }
}

/// A run that is over.
pub(super) struct Held {
    plan: Arc<Plan>,
    pub id: String,
    pub outcome: Outcome,
}

pub(super) fn run(arguments: &Arguments, terminal: &Terminal) -> Result<Exit, Failure> {
    let place = arguments.which.place.as_deref();
    let plans = match (&arguments.gameday, &arguments.verify) {
        (Some(name), _) => {
            return match experiment::gameday(&arguments.file, name, place, terminal)? {
                Ok(day) => gameday::hold(arguments, &day, terminal),
                Err(exit) => Ok(exit),
            };
        }
        (None, Some(name)) => experiment::of_verify(&arguments.file, name, place, terminal)?,
        (None, None) => experiment::plans(&arguments.file, &arguments.which, terminal)?.map(|plans| (plans, None)),
    };
    let (plans, drawn) = match plans {
        Ok(plans) => plans,
        Err(exit) => return Ok(exit),
    };
    confirm(&plans, arguments)?;
    if let Some(path) = &arguments.junit {
        super::files::is_writable(path)?;
    }
    let mut holds = Holds::new(arguments, terminal)?;
    holds.drawn = drawn;
    let began = std::time::Instant::now();
    let all = plans.len();
    let mut over: Vec<Held> = Vec::new();
    for (number, plan) in (1..).zip(plans) {
        if all > 1 && arguments.format == Format::Text {
            let gap = if number > 1 { "\n" } else { "" };
            say(terminal, &format!("{gap}{number} of {all}: {}\n", plan.name));
        }
        let Some(held) = holds.one(plan)? else { continue };
        let goes_on = held.outcome.goes_on();
        over.push(held);
        if !goes_on {
            break;
        }
    }
    if let Some(path) = &arguments.junit {
        let runs = over.iter().map(|h| (h.plan.as_ref(), h.id.as_str(), &h.outcome));
        if let Err(failure) = super::files::write_whole(path, &junit::of_runs(runs)) {
            terminal.failure(&failure);
        }
    }
    if all > 1 && arguments.format == Format::Text && !arguments.dry {
        say(terminal, &series(&over, all, began.elapsed().as_secs()));
    }
    // Worst first; a dry run that preflight allows has none.
    let worst = over.iter().map(|h| h.outcome.verdict).min();
    Ok(worst.map_or(Exit::Clean, |verdict| Exit::Verdict(verdict.exit_code())))
}

/// What the runs of one command share.
pub(super) struct Holds<'a> {
    arguments: &'a Arguments,
    terminal: &'a Terminal,
    consent: Consent,
    keyboard: Arc<Keyboard>,
    /// The game day that the runs belong to.
    within: Option<String>,
    /// How their place was drawn.
    pub drawn: Option<PlaceDraw>,
}

impl<'a> Holds<'a> {
    pub(super) fn new(arguments: &'a Arguments, terminal: &'a Terminal) -> Result<Self, Failure> {
        let given = arguments.approval.iter().map(|path| approval::read(path)).collect::<Result<Vec<_>, _>>()?;
        let consent = Consent { given, signers: approval::Signers::of(&arguments.file)? };
        Ok(Self { arguments, terminal, consent, keyboard: Arc::new(Keyboard::new()), within: None, drawn: None })
    }

    pub(super) fn journal(&self) -> Result<Journal, Failure> {
        self.arguments.journal.open()
    }

    pub(super) fn keyboard(&self) -> Arc<Keyboard> {
        self.keyboard.clone()
    }

    /// The runs belong to this one, which goes on meanwhile.
    pub(super) fn within(&mut self, run: &str) {
        self.within = Some(run.to_owned());
    }

    /// Runs one; `None`: it was a dry run, and preflight allows it.
    pub(super) fn one(&self, mut plan: Plan) -> Result<Option<Held>, Failure> {
        let (arguments, terminal) = (self.arguments, self.terminal);
        if arguments.step {
            plan.method = with_questions(&plan, plan.method.clone());
        }
        let journal = self.journal()?;
        let path = journal.path().to_owned();
        let mut rescued = rescue_before(&path)?;
        rescued.retain(|one| self.within.as_ref() != Some(&one.run));
        say_rescued(&rescued, terminal);
        let plan = Arc::new(plan);
        let id = new_id(&plan.name);
        let screen = screen(arguments.format, terminal);
        self.keyboard.below(screen.clone());
        let (_operator, told_by_operator) = tokio::sync::mpsc::unbounded_channel();
        let program = std::env::current_exe().map_err(|e| Failure::new(format!("cannot find this program: {e}")))?;
        let local = world::local(&arguments.file)?;
        let (drivers, journal_path) = (world::drivers(&local), path.clone());
        let parts = Parts {
            drivers: drivers.clone(),
            sampler: world::sampler(&local, &plan.place.cluster),
            people: Arc::new(AtTerminal::new(self.consent.clone(), path, self.keyboard.clone())),
            viewer: viewer(arguments.format, &id, &plan, screen, terminal),
            watchdog: Some(Program { program, arguments: vec!["watchdog".into()] }),
            operator: told_by_operator,
        };
        if arguments.dry {
            let refused = dry_run(plan.clone(), &id, journal, parts, (arguments.format, terminal));
            give_back(&local, terminal);
            return Ok(refused?.map(|outcome| Held { plan, id, outcome }));
        }
        let row = RunRow {
            id: id.as_str().into(),
            began: wall(),
            experiment: plan.name.to_string(),
            place: plan.place.to_string(),
            text_digest: plan.text_digest.clone(),
            verdict: None,
            owner: Owner::this(),
        };
        let plan_data = serde_json::to_value(&plan).unwrap_or_default();
        let begun = begun(plan_data, plan.digest.clone(), self.drawn.clone());
        let outcome = hold(plan.clone(), &row, begun, journal, parts).map_err(|e| held(&e));
        // Whatever came of it: nothing is asked of the local system any more, and nothing is drawn.
        self.keyboard.below(None);
        give_back(&local, terminal);
        // What a program that was asked for a sample has left in a session of its own ends with the run.
        process::end_own_probes();
        let outcome = outcome?;
        if arguments.format == Format::Text {
            say(terminal, &summary(&id, &outcome));
        }
        if !outcome.left.is_empty() {
            say_left(&journal_path, &id, &drivers, terminal);
        }
        Ok(Some(Held { plan, id, outcome }))
    }
}

/// What cannot be said changes no verdict: that is in the journal, and in the exit code.
pub(super) fn say(terminal: &Terminal, text: &str) {
    if let Err(failure) = terminal.print(text) {
        terminal.failure(&failure);
    }
}

/// The last lines of several runs.
fn series(over: &[Held], all: usize, took: u64) -> String {
    let counts: Vec<String> = Verdict::ALL
        .iter()
        .rev()
        .map(|verdict| (verdict, over.iter().filter(|h| h.outcome.verdict == *verdict).count()))
        .filter(|(_, count)| *count > 0)
        .map(|(verdict, count)| format!("{count} {verdict}"))
        .collect();
    let mut text = format!("\n{} of {all} experiments in {took}s: {}\n", over.len(), counts.join(", "));
    let widest = over.iter().map(|h| h.plan.name.chars().count()).max().unwrap_or(0);
    for Held { plan, outcome, .. } in over {
        let why = match outcome.reasons.iter().find(|r| r.verdict == outcome.verdict) {
            Some(reason) => reason.text.clone(),
            None => format!("recovery: {}", outcome.observed.words()),
        };
        let verdict = outcome.verdict.text();
        text.push_str(&format!("  {verdict:12}  {:widest$}  {why}\n", plan.name.as_str()));
    }
    if over.len() < all {
        text.push_str("  the others were not begun: first see what this one left\n");
    }
    text
}

/// What was started for the run ends. If it does not, that is said, and the verdict stays what it is: the keeper ends it by
/// itself, some time later.
fn give_back(local: &Arc<crate::engine::local::drive::LocalDriver>, terminal: &Terminal) {
    if let Err(failure) = world::release(local) {
        terminal.failure(&failure);
    }
}

fn held(error: &HoldError) -> Failure {
    Failure::new(error.to_string())
}

/// A protected environment is named once more by whoever starts runs there.
pub(super) fn confirm(plans: &[Plan], arguments: &Arguments) -> Result<(), Failure> {
    let mut asked: Vec<&str> = Vec::new();
    for plan in plans.iter().filter(|p| p.place.protected && !arguments.dry) {
        let name = plan.place.environment.as_str();
        if asked.contains(&name) {
            continue;
        }
        asked.push(name);
        match arguments.confirm.clone().or_else(|| ask(&format!("`{name}` is protected. Type its name: "))) {
            Some(said) if said == name => {}
            Some(said) => return Err(Failure::new(format!("`{said}` is not `{name}`: nothing was run"))),
            None => {
                return Err(Failure::new(format!("`{name}` is protected, and nobody is there to type its name"))
                    .help(format!("whoever means it writes --confirm {name}")));
            }
        }
    }
    Ok(())
}

/// The method with a question before each step.
fn with_questions(plan: &Plan, steps: Vec<Step>) -> Vec<Step> {
    let mut all = Vec::new();
    for mut step in steps {
        let (is_parallel, question) = match &step.kind {
            StepKind::Parallel(_) => (true, "begin all branches?".to_owned()),
            StepKind::Round { title, .. } => (false, format!("begin the round {title}?")),
            _ => (false, format!("begin `{}`?", words(plan, &step))),
        };
        let ask = StepKind::Ask { who: "operator".into(), question, within: STEP };
        all.push(Step { kind: ask, span: step.span });
        match &mut step.kind {
            StepKind::With { steps, .. } | StepKind::Sequence(steps) | StepKind::Round { steps, .. }
                if !is_parallel =>
            {
                *steps = with_questions(plan, std::mem::take(steps));
            }
            _ => {}
        }
        all.push(step);
    }
    all
}

/// `20261129-101530-checkout-survives-3f2a`: sorts by time, says what it was, and is unique.
pub(super) fn new_id(name: &str) -> String {
    use std::hash::{BuildHasher, Hasher};
    let random = std::collections::hash_map::RandomState::new().build_hasher().finish();
    let time = jiff::Timestamp::from_millisecond(wall()).map(|t| t.strftime("%Y%m%d-%H%M%S").to_string());
    format!("{}-{}-{:04x}", time.unwrap_or_default(), name, random & 0xffff)
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Who runs this program, as their shell says it.
pub(super) fn user() -> Option<String> {
    variable("USER").or_else(|| variable("LOGNAME"))
}

pub(super) fn begun(plan: serde_json::Value, digest: String, place: Option<PlaceDraw>) -> Begun {
    Begun {
        journal: JOURNAL_VERSION,
        perturb: env!("CARGO_PKG_VERSION").to_owned(),
        plan,
        digest,
        by: user().unwrap_or_else(|| "unknown".to_owned()),
        host: std::fs::read_to_string("/proc/sys/kernel/hostname")
            .map(|t| t.trim().to_owned())
            .ok()
            .or_else(|| variable("HOSTNAME"))
            .unwrap_or_else(|| "unknown".to_owned()),
        command: std::env::args().collect(),
        commit: commit(),
        place,
    }
}

/// The commit of the working folder, if it is in git and git is there.
fn commit() -> Option<String> {
    let git = std::process::Command::new("git").args(["rev-parse", "HEAD"]).output().ok()?;
    git.status.success().then(|| String::from_utf8_lossy(&git.stdout).trim().to_owned())
}

/// The end, where preflight does not allow the run.
fn dry_run(
    plan: Arc<Plan>,
    id: &str,
    journal: Journal,
    parts: Parts,
    (format, terminal): (Format, &Terminal),
) -> Result<Option<Outcome>, Failure> {
    let found = dry(plan.clone(), id, journal, parts).map_err(|e| held(&e))?;
    if format == Format::Json {
        found.records.iter().for_each(|(at, record)| super::view::event(id, *at, Some(&plan), record));
        let end = found.records.last().map_or(Duration::ZERO, |(at, _)| *at);
        super::view::dry_ended(id, end, found.refused.is_none());
        return Ok(found.refused);
    }
    let mut text: String = found.records.iter().filter_map(|(_, r)| told(r)).map(|line| format!("{line}\n")).collect();
    match &found.refused {
        Some(outcome) => text.push_str(&summary(id, outcome)),
        None => text.push_str("preflight allows the run; nothing was injected (--dry)\n"),
    }
    terminal.print(&text)?;
    Ok(found.refused)
}

/// Before anything new is injected, what a dead run left is undone.
fn rescue_before(path: &Path) -> Result<Vec<Rescued>, Failure> {
    let drivers = world::drivers(&world::local(path)?);
    let rescued = world::wait(recover(path, &drivers, "run"))?.map_err(|e| failure(&e))?;
    // What it says may be left cannot be trusted, and neither could what would be added.
    match rescued.iter().find_map(|one| one.damaged.first()) {
        None => Ok(rescued),
        Some(why) => Err(Failure::new(format!("the journal {} is damaged: {why}; nothing was run", path.display()))
            .help(
                "`perturb recover` undoes what can still be read; then move it away, or name another: --journal FILE",
            )),
    }
}

/// Says what was cleaned up.
pub(super) fn say_rescued(rescued: &[Rescued], terminal: &Terminal) {
    for one in rescued {
        if one.is_running {
            terminal.say(&format!("note: the run {} is still going on\n", one.run));
        }
        for name in &one.undone {
            terminal.say(&format!("note: undone, left by the run {}: {name}\n", one.run));
        }
        for why in &one.damaged {
            terminal
                .say(&format!("warning: the journal is damaged, and nothing is undone by what it says there: {why}\n"));
        }
        for left in &one.left {
            terminal.say(&format!("warning: may still be there, left by the run {}: {}", one.run, words_of(left)));
        }
    }
}

/// What may be left, why, and how a person ends it.
pub(super) fn words_of(left: &Left) -> String {
    let by_hand: String = left.by_hand.iter().map(|line| format!("  by hand: {line}\n")).collect();
    format!("{}: {}\n{by_hand}", left.name, left.why)
}

/// Says what a run could not undo, and what to do about it.
fn say_left(path: &Path, run: &str, drivers: &[Arc<dyn Driver>], terminal: &Terminal) {
    for left in left_of(path, run, drivers).unwrap_or_default() {
        terminal.say(&format!("warning: may still be there: {}", words_of(&left)));
    }
    terminal.say(&format!("  then, or to try again: perturb recover --journal {}\n", path.display()));
}

/// The last lines of a run.
pub(super) fn summary(id: &str, outcome: &Outcome) -> String {
    let mut text = format!("\n{}\n", outcome.verdict.text().to_uppercase());
    for reason in &outcome.reasons {
        text.push_str(&format!("  {}: {}\n", reason.verdict, reason.text));
    }
    let ended = ended_by(outcome);
    text.push_str(&format!("  ended by {ended}; recovery: {}\n", outcome.observed.words()));
    text.push_str(&format!("  perturb show {id}\n"));
    text
}

/// What ended a run, in words.
pub(super) fn ended_by(outcome: &Outcome) -> String {
    match &outcome.ended_by {
        EndedBy::Completed => "its last step".to_owned(),
        EndedBy::Preflight => "preflight".to_owned(),
        EndedBy::Baseline => "the baseline".to_owned(),
        EndedBy::Guard(guard) => format!("the guard `abort when {guard}`"),
        EndedBy::Check(name) => format!("the check `{name}`"),
        EndedBy::Ask(question) => format!("the question `{question}`"),
        EndedBy::Operator(by) => by.clone(),
        EndedBy::Fault(fault) => format!("the fault `{fault}`"),
        EndedBy::Journal => "the journal".to_owned(),
        EndedBy::Engine(why) => format!("its engine: {why}"),
    }
}
