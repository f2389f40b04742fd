//! What the machine remembers. Plain data: it can be copied, compared and printed, and holds no handle to anything.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use smol_str::SmolStr;

use super::{Answer, Command, EndedBy, Observed, PhaseName, Reason, Record, Subject, Verdict};
use crate::analysis::portability::out_of_reach;
use crate::analysis::timeline::{LaneKind, check_bound, timeline};
use crate::engine::drive::{Injection, Target};
use crate::plan::{Body, Condition, EngineName, Plan, Step, StepKind};
use crate::types::Duration;

/// A run.
#[derive(Debug, Clone)]
pub struct State {
    /// What is run.
    pub plan: Arc<Plan>,
    /// Everything that changes.
    pub run: Run,
    /// What is to be done; taken out at the end of each step.
    pub(super) out: Vec<Command>,
}

/// What changes during a run.
#[derive(Debug, Clone)]
pub struct Run {
    /// Unique among all runs.
    pub id: SmolStr,
    /// The latest time that was told.
    pub now: Duration,
    /// The phase.
    pub phase: PhaseName,
    /// Each phase that began, with its time.
    pub(super) phases: Vec<(PhaseName, Duration)>,
    pub(super) preflight: Preflight,
    pub(super) engines: Vec<Result<EngineName, String>>,
    /// Each stream of the plan.
    pub streams: Vec<StreamState>,
    pub(super) expectations: Vec<Expected>,
    pub(super) guards: Vec<Guarded>,
    /// Each step of the method; 0 is the method itself.
    pub nodes: Vec<Node>,
    /// Each injection, in the order in which they began.
    pub lives: Vec<Life>,
    pub(super) draws: Vec<DrawState>,
    pub(super) locks: BTreeSet<SmolStr>,
    pub(super) lock_requests: u32,
    pub(super) reasons: Vec<Reason>,
    pub(super) ended_by: Option<EndedBy>,
    pub(super) method_over: bool,
    /// The operator ended it, or the journal is lost: the recovery is not watched.
    pub(super) leave: bool,
    pub(super) hands: bool,
    pub(super) late: bool,
    pub(super) observed: Observed,
    pub(super) stops_series: bool,
    /// An engine leads, and this machine follows and judges ([`super::follow`]).
    pub(super) follows: bool,
    pub(super) injected: u32,
    pub(super) kept: u32,
    /// Nobody can be asked.
    pub(super) nobody: bool,
    /// The run is over.
    pub over: bool,
}

/// Where preflight is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Preflight {
    Before,
    /// Engines: some begin with starting what will be hit.
    Starting(Pending),
    /// Candidates.
    Looking(Pending),
    /// Rules that only preflight can judge, approvals.
    Approving(Pending),
    Locking(Pending),
    Sampling(Pending),
    Passed,
}

impl Preflight {
    /// What is waited for, if anything is.
    pub(super) fn pending(&self) -> Option<&Pending> {
        match self {
            Self::Starting(p) | Self::Looking(p) | Self::Approving(p) | Self::Locking(p) | Self::Sampling(p) => Some(p),
            Self::Before | Self::Passed => None,
        }
    }
}

/// What is waited for, and until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pending {
    pub open: BTreeSet<Waiting>,
    pub until: Duration,
}

/// Something that preflight waits for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Waiting {
    /// An engine.
    Engine(EngineName),
    /// The candidates of a draw.
    Draw(u32),
    /// A rule.
    Rule(u32),
    /// An approval.
    Approval(u32),
    /// Locks.
    Lock(u32),
    /// The first sample of a stream.
    Stream(u32),
}

/// A stream of samples.
#[derive(Debug, Clone, Default)]
pub struct StreamState {
    /// Since when it is asked.
    pub(super) since: Option<Duration>,
    pub(super) next: Option<Duration>,
    /// When the questions were asked that are not answered yet.
    pub(super) pending: Vec<Duration>,
    /// The latest valid sample, with its moment.
    pub latest: Option<(Duration, Answer)>,
    /// Why there is none since then: what was wrong with the last answer.
    pub(super) silence: Option<String>,
    pub(super) in_gap: bool,
}

/// What is remembered of a condition's samples.
#[derive(Debug, Clone, Default)]
pub(super) struct Watch {
    pub streams: Vec<u32>,
    /// The moment of the latest sample of the whole condition.
    pub newest: Option<Duration>,
    /// Its value.
    pub holds: Option<bool>,
    pub in_gap: bool,
}

/// An expectation.
#[derive(Debug, Clone, Default)]
pub(super) struct Expected {
    pub watch: Watch,
    /// For `within`: since when it is false.
    pub false_since: Option<Duration>,
    pub refuted: bool,
    /// Whether a valid sample came in the baseline; while faults were on or the system recovered.
    pub seen: (bool, bool),
    /// Whether a valid sample was asked for while faults were on.
    pub seen_in_faults: bool,
    /// Whether it was ever seen to hold while faults were on.
    pub held: bool,
    /// Since when it holds without a break, after the faults.
    pub holds_since: Option<Duration>,
    /// After the faults: a valid sample was false, and since then there was no gap. Only then is it known not to hold.
    pub seen_false: bool,
}

/// A guard.
#[derive(Debug, Clone, Default)]
pub(super) struct Guarded {
    pub watch: Watch,
    pub true_since: Option<Duration>,
    pub fired: bool,
}

/// A step of the method.
#[derive(Debug, Clone)]
pub struct Node {
    pub(super) kind: NodeKind,
    pub(super) parent: Option<u32>,
    pub(super) children: Vec<u32>,
    pub(super) state: NodeState,
    /// In words.
    pub text: String,
}

#[derive(Debug, Clone)]
pub(super) enum NodeKind {
    Sequence,
    Parallel,
    Wait(Duration),
    Check { name: SmolStr, condition: Condition, text: String, within: Option<Duration>, bound: Duration },
    Ask { who: SmolStr, question: String, within: Duration },
    Note { who: Option<SmolStr>, text: String, within: Option<Duration> },
    Fault { fault: u32, lasts: Option<Duration>, block: bool, at_most: Duration },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NodeState {
    Idle,
    Running {
        began: Duration,
        /// Which child is next.
        next: usize,
        until: Option<Duration>,
        /// A check: a valid sample did not hold.
        failing: bool,
    },
    Done,
}

impl Node {
    /// Whether it has begun and not ended.
    #[must_use]
    pub fn is_running(&self) -> bool {
        matches!(self.state, NodeState::Running { .. })
    }

    /// Whether it is a mere frame around others.
    #[must_use]
    pub fn is_frame(&self) -> bool {
        matches!(self.kind, NodeKind::Sequence | NodeKind::Parallel)
    }
}

/// One injection.
#[derive(Debug, Clone)]
pub struct Life {
    pub(super) node: u32,
    /// An index into `Plan::faults`.
    pub fault: u32,
    /// Where it is.
    pub stage: Stage,
    pub(super) engine: EngineName,
    pub(super) what: Injection,
    /// The how manyth it was to be written to disk: undo goes in reverse.
    pub(super) order: u32,
    /// Its draws were looked at again.
    pub(super) refreshed: bool,
    /// The present stage fails at this time.
    pub(super) deadline: Duration,
    /// When it was seen to be there.
    pub since: Option<Duration>,
    /// Why the last attempt to undo it failed, if one did.
    pub(super) hindered: Option<String>,
}

/// Where an injection is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// What it hits is drawn.
    Drawing,
    /// Locks are taken.
    Locking(u32),
    /// The engine says what the undo needs.
    Preparing,
    /// The undo is being written to disk.
    Keeping,
    /// The engine injects.
    Injecting,
    /// The engine looks whether it is there.
    Confirming {
        /// How often it has looked.
        looks: u32,
    },
    /// It is there.
    There,
    /// It is being undone.
    Undoing {
        /// Which attempt.
        attempt: u32,
        /// When this attempt is given up.
        attempt_until: Duration,
        /// When the next one begins, if this one failed.
        retry_at: Option<Duration>,
    },
    /// Undone and seen to be gone; or an instant fault that has happened.
    Gone,
    /// It never came to an injection.
    Never,
    /// Its undo was not confirmed.
    Left,
}

impl Life {
    /// Its id, unique among all runs.
    #[must_use]
    pub fn id(&self) -> &SmolStr {
        &self.what.id
    }

    /// What it hits.
    #[must_use]
    pub fn targets(&self) -> &[Target] {
        &self.what.targets
    }

    /// Whether an undo is (or may be) on disk, and the fault is not known to be gone.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !matches!(
            self.stage,
            Stage::Drawing | Stage::Locking(_) | Stage::Preparing | Stage::Gone | Stage::Never | Stage::Left
        )
    }
}

/// A draw.
#[derive(Debug, Clone, Default)]
pub(super) struct DrawState {
    pub finding: bool,
    pub looking: bool,
    pub targets: Option<Vec<Target>>,
    pub failed: Option<String>,
    /// How many candidates preflight found, and which.
    pub preflight: Option<Vec<Target>>,
    pub uses: u32,
}

impl State {
    /// A run that has not begun. `drivable` are the engines that can be driven from here.
    #[must_use]
    pub fn new(plan: Arc<Plan>, id: &str, drivable: &[EngineName]) -> Self {
        let mut nodes = Vec::new();
        let mut bounds = at_most(&plan).into_iter();
        add_node(NodeKind::Sequence, None, "the method", &mut nodes);
        add_steps(&plan, &plan.method, 0, &mut nodes, &mut bounds);
        let watch = |condition: &Condition| Watch { streams: condition.streams(), ..Watch::default() };
        let run = Run {
            id: id.into(),
            now: Duration::ZERO,
            phase: PhaseName::Preflight,
            phases: vec![(PhaseName::Preflight, Duration::ZERO)],
            preflight: Preflight::Before,
            engines: engines(&plan, drivable),
            streams: vec![StreamState::default(); plan.streams.len()],
            expectations: plan
                .expectations
                .iter()
                .map(|e| Expected { watch: watch(&e.condition), ..Expected::default() })
                .collect(),
            guards: plan
                .guards
                .iter()
                .map(|g| match &g.when {
                    crate::plan::GuardWhen::Condition(c) => Guarded { watch: watch(c), ..Guarded::default() },
                    crate::plan::GuardWhen::Refuted => Guarded::default(),
                })
                .collect(),
            nodes,
            lives: Vec::new(),
            draws: vec![DrawState::default(); plan.draws.len()],
            locks: BTreeSet::new(),
            lock_requests: 0,
            reasons: Vec::new(),
            ended_by: None,
            method_over: false,
            leave: false,
            hands: false,
            late: false,
            observed: Observed::NotObserved,
            stops_series: false,
            follows: false,
            injected: 0,
            kept: 0,
            nobody: false,
            over: false,
        };
        Self { plan, run, out: Vec::new() }
    }

    /// Before it begins: nobody can be asked anything. A method that asks is then refused, before anything is injected.
    pub fn nobody_is_there(&mut self) {
        self.run.nobody = true;
    }

    /// The targets that these locks are for, as far as the run knows them.
    #[must_use]
    pub fn targets_of(&self, keys: &[SmolStr]) -> Vec<Target> {
        let draws = self.run.draws.iter().flat_map(|d| d.preflight.iter().chain(&d.targets).flatten());
        let known = draws.chain(self.run.lives.iter().flat_map(|life| &life.what.targets));
        let meant: BTreeSet<&Target> = known.filter(|t| keys.contains(&super::preflight::target_lock(t))).collect();
        meant.into_iter().cloned().collect()
    }

    /// What was drawn so far, by draw.
    #[must_use]
    pub fn drawn(&self) -> BTreeMap<u32, Vec<Target>> {
        let all = (0..).zip(&self.run.draws);
        all.filter_map(|(index, draw)| Some((index, draw.targets.clone()?))).collect()
    }

    /// The engine that finds the candidates of a draw: that of the first fault that names it, else of any fault.
    #[must_use]
    pub fn engine_of_draw(&self, draw: u32) -> Option<EngineName> {
        let names = |fault: &crate::plan::Fault| super::inject::draws_of(fault).contains(&draw);
        let index = self.plan.faults.iter().position(names);
        let own = index.and_then(|i| self.run.engines.get(i)).and_then(|e| e.as_ref().ok()).copied();
        own.or_else(|| self.run.engines.iter().find_map(|e| e.as_ref().ok()).copied())
    }

    /// The last confirmed undo, if the faults are over.
    #[must_use]
    pub fn faults_end(&self) -> Option<Duration> {
        self.run.phases.iter().find(|(phase, _)| *phase == PhaseName::Recovering).map(|(_, at)| *at)
    }

    pub(super) fn write(&mut self, record: Record) {
        self.out.push(Command::Write(record));
    }

    pub(super) fn reason(&mut self, verdict: Verdict, subject: Subject, text: impl Into<String>) {
        let text = text.into();
        if !self.run.reasons.iter().any(|r| r.verdict == verdict && r.subject == subject && r.text == text) {
            self.run.reasons.push(Reason { verdict, at: self.run.now, subject, text });
        }
    }

    pub(super) fn enter(&mut self, phase: PhaseName) {
        self.run.phase = phase;
        self.run.phases.push((phase, self.run.now));
        self.write(Record::Phase { phase });
    }

    /// When the present phase began.
    pub(super) fn phase_began(&self) -> Duration {
        self.run.phases.last().map_or(Duration::ZERO, |(_, at)| *at)
    }

    /// The phase of a moment.
    pub(super) fn phase_at(&self, at: Duration) -> PhaseName {
        let begun = self.run.phases.iter().rev().find(|(_, began)| *began <= at);
        begun.map_or(PhaseName::Preflight, |(phase, _)| *phase)
    }

    /// Whether nothing was ever injected.
    pub(super) fn is_untouched(&self) -> bool {
        self.run.injected == 0
    }
}

/// For each fault the engine that injects it: the first of the cluster's that can express it and can be driven from here.
fn engines(plan: &Plan, drivable: &[EngineName]) -> Vec<Result<EngineName, String>> {
    let engines = &plan.place.cluster.engines;
    let one = |fault: &crate::plan::Fault| {
        let expressed = |e: &&EngineName| matches!(fault.bodies.get(*e), Some(Body::Expressed(_)));
        let all: Vec<EngineName> = engines.iter().filter(expressed).copied().collect();
        // Those that reach what is hit, as the compiler says; it refuses a plan where none does.
        let mut able: Vec<EngineName> =
            all.iter().filter(|e| out_of_reach(plan, fault, **e).is_none()).copied().collect();
        if able.is_empty() {
            able = all;
        }
        able.iter().find(|e| drivable.contains(e)).copied().ok_or_else(|| {
            let able: Vec<&str> = able.iter().map(|e| e.text()).collect();
            match able.as_slice() {
                [] => format!("no engine of `{}` can express `{}`", plan.place.cluster.name, fault.name),
                able => format!("`{}` needs {}, which cannot be driven from here", fault.name, able.join(" or ")),
            }
        })
    };
    plan.faults.iter().map(one).collect()
}

/// For each fault step in the order of the text, the longest time that it may be there.
fn at_most(plan: &Plan) -> Vec<Duration> {
    let line = timeline(plan);
    let faults = line.lanes.iter().filter(|lane| matches!(lane.kind, LaneKind::Fault(_)));
    faults.map(|lane| lane.to.latest.minus(lane.from.earliest)).collect()
}

fn add_node(kind: NodeKind, parent: Option<u32>, text: &str, nodes: &mut Vec<Node>) -> u32 {
    let index = u32::try_from(nodes.len()).unwrap_or(u32::MAX);
    nodes.push(Node { kind, parent, children: Vec::new(), state: NodeState::Idle, text: text.to_owned() });
    if let Some(parent) = parent.and_then(|p| nodes.get_mut(p as usize)) {
        parent.children.push(index);
    }
    index
}

fn add_steps(
    plan: &Plan,
    steps: &[Step],
    parent: u32,
    nodes: &mut Vec<Node>,
    bounds: &mut impl Iterator<Item = Duration>,
) {
    for step in steps {
        let (kind, inner): (NodeKind, &[Step]) = match &step.kind {
            StepKind::Inject { fault, lasts } => {
                let at_most = bounds.next().unwrap_or_default();
                (NodeKind::Fault { fault: *fault, lasts: *lasts, block: false, at_most }, &[])
            }
            StepKind::With { fault, steps } => {
                let at_most = bounds.next().unwrap_or_default();
                (NodeKind::Fault { fault: *fault, lasts: None, block: true, at_most }, steps)
            }
            StepKind::Wait(length) => (NodeKind::Wait(*length), &[]),
            StepKind::Check { name, condition, text, within } => {
                let bound = check_bound(plan, condition, *within);
                let (name, text) = (name.clone(), text.clone());
                (NodeKind::Check { name, condition: condition.clone(), text, within: *within, bound }, &[])
            }
            StepKind::Parallel(steps) => (NodeKind::Parallel, steps),
            StepKind::Sequence(steps) | StepKind::Round { steps, .. } => (NodeKind::Sequence, steps),
            StepKind::Ask { who, question, within } => {
                (NodeKind::Ask { who: who.clone(), question: question.clone(), within: *within }, &[])
            }
            StepKind::Note { who, text, within } => {
                (NodeKind::Note { who: who.clone(), text: text.clone(), within: *within }, &[])
            }
        };
        let node = add_node(kind, Some(parent), &text_of(plan, step), nodes);
        add_steps(plan, inner, node, nodes, bounds);
    }
}

/// A step in words.
pub(super) fn text_of(plan: &Plan, step: &Step) -> String {
    let fault = |index: u32| {
        let fault = plan.faults.get(index as usize);
        let target = fault.and_then(|f| plan.draws.get(f.target as usize));
        let name = fault.map_or("a fault", |f| f.name.as_str());
        let on = target.map_or_else(String::new, |d| format!(" on {}", d.name.as_deref().unwrap_or(&d.text)));
        format!("{name}{on}")
    };
    match &step.kind {
        StepKind::Inject { fault: index, lasts: Some(lasts) } => format!("{} for {lasts}", fault(*index)),
        StepKind::Inject { fault: index, lasts: None } => fault(*index),
        StepKind::With { fault: index, .. } => format!("with {}", fault(*index)),
        StepKind::Wait(length) => format!("wait {length}"),
        StepKind::Check { name, text, .. } => format!("check {name}: {text}"),
        StepKind::Parallel(_) => "parallel".to_owned(),
        StepKind::Sequence(_) => "sequence".to_owned(),
        StepKind::Round { title, number, of, .. } => format!("round {number} of {of}: {title}"),
        StepKind::Ask { who, question, .. } => format!("ask {who}: {question}"),
        StepKind::Note { who: Some(who), text, .. } => format!("note by {who}: {text}"),
        StepKind::Note { who: None, text, .. } => format!("note: {text}"),
    }
}
