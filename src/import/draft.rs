//! What was understood, before it is text: services, experiments, schedules.
//!
//! Plain data; [`super::print`] lays it out. Texts here are in the language already (`one of ledger.pods`), since whoever
//! fills a draft knows what it is about.

use std::collections::BTreeSet;

use crate::types::Duration;

/// Everything that a run of the importer makes.
#[derive(Debug, Default)]
pub(super) struct Draft {
    /// Selectors that got a name, each once.
    pub services: Vec<Service>,
    /// Faults of hubs of one's own, with their declarations.
    pub faults: Vec<OwnFault>,
    /// What is measured, each once.
    pub metrics: Vec<Metric>,
    /// Where these are asked: the cluster's Prometheus.
    pub prometheus: Option<String>,
    /// What each input file became, in order.
    pub files: Vec<File>,
    /// Names that are taken.
    pub names: BTreeSet<String>,
}

/// What one input file became.
#[derive(Debug, Default)]
pub(super) struct File {
    /// The input, as the user named it.
    pub source: String,
    /// Its comments before the first document that became something.
    pub comments: Vec<String>,
    /// Experiments, in order.
    pub experiments: Vec<Experiment>,
    /// Schedules, in order.
    pub verifies: Vec<Verify>,
    /// Engines whose manifests were in it.
    pub engines: BTreeSet<&'static str>,
    /// What was in it and has no home: `// lost:` lines.
    pub lost: Vec<String>,
}

/// A selector with a name.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Service {
    /// Its name.
    pub name: String,
    /// The namespaces; empty: nothing is known of its pods.
    pub namespaces: Vec<String>,
    /// With these labels.
    pub labels: Vec<(String, String)>,
    /// Or just these pods.
    pub names: Vec<String>,
    /// The container that faults mean.
    pub container: Container,
}

/// Which container of a pod is meant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Container {
    /// None: what is done is done to the pod.
    #[default]
    Any,
    /// The first, as nothing is said: one of a name would be another.
    First,
    /// The one of this name.
    Named(String),
}

impl Container {
    /// Whether one service can stand for both.
    fn goes_with(&self, other: &Self) -> bool {
        *self == Self::Any || *other == Self::Any || self == other
    }
}

/// A fault that the library does not have.
#[derive(Debug)]
pub(super) struct OwnFault {
    /// Its name here.
    pub name: String,
    /// Its name there.
    pub of: String,
    /// What each of its variables holds.
    pub forms: Vec<(String, Form)>,
    /// Its declaration.
    pub text: String,
}

impl OwnFault {
    /// What a variable holds.
    pub(super) fn form(&self, variable: &str) -> Form {
        self.forms.iter().find(|(name, _)| name == variable).map_or(Form::Text, |(_, form)| *form)
    }
}

/// What a variable of a fault of one's own holds, as far as its values tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// `true` or `false`.
    Truth,
    /// A whole number, written as one is printed: no sign in front, no zeros.
    Whole,
    /// Anything else.
    Text,
}

impl Form {
    /// The one that all values have.
    pub(super) fn of<'v>(values: impl Iterator<Item = &'v str> + Clone) -> Self {
        let is_whole = |v: &str| v.parse::<u32>().is_ok_and(|n| n.to_string() == v);
        if values.clone().all(|v| matches!(v, "true" | "false")) {
            Self::Truth
        } else if values.clone().all(is_whole) {
            Self::Whole
        } else {
            Self::Text
        }
    }

    /// The type of its parameter.
    pub(super) fn type_name(self) -> &'static str {
        match self {
            Self::Truth => "Bool",
            Self::Whole => "Int",
            Self::Text => "String",
        }
    }

    /// One of its values, as the language writes it.
    pub(super) fn spell(self, value: &str) -> String {
        match self {
            Self::Truth | Self::Whole => value.to_owned(),
            Self::Text => super::print::quoted(value),
        }
    }
}

/// A metric that the library does not have.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Metric {
    /// Its name.
    pub name: String,
    /// Its title.
    pub doc: String,
    /// What it gives: `Int`.
    pub ty: &'static str,
    /// What it asks: `prometheus: "up"`.
    pub source: String,
    /// How far back one sample looks.
    pub window: Option<Duration>,
    /// How often it is asked, where that is said.
    pub every: Option<Duration>,
    /// How long an answer may take.
    pub timeout: Duration,
}

/// An experiment.
#[derive(Debug, Default)]
pub(super) struct Experiment {
    /// Its name.
    pub name: String,
    /// Its title and more, without slashes.
    pub doc: Vec<String>,
    /// Comments that stood above or in its head.
    pub comments: Vec<String>,
    /// The service that it is about.
    pub service: String,
    /// `name: condition [within D]`.
    pub expects: Vec<Said>,
    /// `condition [for D]`.
    pub aborts: Vec<Said>,
    /// The method.
    pub steps: Vec<Step>,
}

/// A line of a hypothesis or guard.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Said {
    /// Comments that stood at it.
    pub comments: Vec<String>,
    /// What is said.
    pub text: String,
}

impl Said {
    /// A line without comments.
    pub(super) fn new(text: String) -> Self {
        Self { comments: Vec::new(), text }
    }
}

/// A step of the method.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Step {
    /// Comments that stood at it.
    pub comments: Vec<String>,
    /// What it does.
    pub kind: StepKind,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum StepKind {
    /// `F(…) for D`, or without a length.
    Inject(Call, Option<Duration>),
    /// `with F(…) { … }`.
    With(Call, Vec<Step>),
    /// `wait D`.
    Wait(Duration),
    /// `check name: condition [within D]`.
    Check(String),
    /// `parallel { … }`.
    Parallel(Vec<Step>),
    /// `sequence { … }`.
    Sequence(Vec<Step>),
    /// `for each round in 1..N { … }`.
    Each(u64, Vec<Step>),
    /// What could not be said, one line.
    Lost(String),
}

/// `network.delay(one of tikv.pods, latency: 90ms)`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Call {
    /// `network.delay`.
    pub fault: String,
    /// What is hit, then `latency: 90ms`, ….
    pub arguments: Vec<String>,
}

/// A schedule.
#[derive(Debug, Default)]
pub(super) struct Verify {
    /// Its name.
    pub name: String,
    /// Comments that stood above it.
    pub comments: Vec<String>,
    /// Five cron fields.
    pub cron: String,
    /// The time zone.
    pub zone: String,
    /// The experiments that it repeats, in order.
    pub runs: Vec<String>,
    /// `// lost:` lines.
    pub lost: Vec<String>,
}

impl File {
    /// Every `// lost:` line in it.
    pub(super) fn lost_lines(&self) -> Vec<&str> {
        let mut found: Vec<&str> = self.lost.iter().map(String::as_str).collect();
        found.extend(self.verifies.iter().flat_map(|v| &v.lost).map(String::as_str));
        self.experiments.iter().for_each(|e| lost_in(&e.steps, &mut found));
        found
    }
}

fn lost_in<'s>(steps: &'s [Step], found: &mut Vec<&'s str>) {
    for step in steps {
        match &step.kind {
            StepKind::Lost(line) => found.push(line),
            StepKind::With(_, inner)
            | StepKind::Parallel(inner)
            | StepKind::Sequence(inner)
            | StepKind::Each(_, inner) => lost_in(inner, found),
            StepKind::Inject(..) | StepKind::Wait(_) | StepKind::Check(_) => {}
        }
    }
}

impl StepKind {
    /// A step without comments.
    pub(super) fn step(self) -> Step {
        Step { comments: Vec::new(), kind: self }
    }
}

/// Names that no declaration may take beside what is predefined and the modules of the library: words of the language, and
/// the names that the importer itself gives.
const TAKEN: [&str; 16] = [
    "true",
    "false",
    "none",
    "and",
    "or",
    "not",
    "in",
    "as",
    "match",
    "let",
    "experiment",
    "fault",
    "refuted",
    "std",
    "imported",
    "to-be-named",
];

impl Draft {
    /// An empty draft.
    pub(super) fn new() -> Self {
        let modules = crate::check::stdlib::modules().map(str::to_owned);
        let words = TAKEN.iter().chain(crate::check::scope::PREDEFINED).map(|w| (*w).to_owned());
        Self { names: modules.chain(words).collect(), ..Self::default() }
    }

    /// A name in kebab-case that nothing else has.
    pub(super) fn name(&mut self, wanted: &str) -> String {
        let base = kebab(wanted);
        let mut name = base.clone();
        let mut number = 2u32;
        while self.names.contains(&name) {
            name = format!("{base}-{number}");
            number += 1;
        }
        self.names.insert(name.clone());
        name
    }

    /// The name of a metric: of the one that asked the same before, or of a new one.
    pub(super) fn metric(&mut self, wanted: Metric) -> String {
        let same =
            |m: &&Metric| Metric { name: wanted.name.clone(), doc: wanted.doc.clone(), ..(*m).clone() } == wanted;
        if let Some(known) = self.metrics.iter().find(same) {
            return known.name.clone();
        }
        let name = self.name(&wanted.name);
        self.metrics.push(Metric { name: name.clone(), ..wanted });
        name
    }

    /// A service of which nothing but its name is known.
    pub(super) fn unknown_service(&mut self, name: &str) -> String {
        self.service(&Service { name: name.to_owned(), ..Service::default() })
    }

    /// The service of these pods: the one that was made for them before, or a new one.
    pub(super) fn service(&mut self, wanted: &Service) -> String {
        let known = self.services.iter_mut().find(|s| {
            // Of which nothing is known, the name is all.
            (!s.namespaces.is_empty() || s.name == kebab(&wanted.name))
                && s.namespaces == wanted.namespaces
                && s.labels == wanted.labels
                && s.names == wanted.names
                && s.container.goes_with(&wanted.container)
        });
        if let Some(service) = known {
            if service.container == Container::Any {
                service.container.clone_from(&wanted.container);
            }
            return service.name.clone();
        }
        let name = self.name(&wanted.name);
        self.services.push(Service { name: name.clone(), ..wanted.clone() });
        name
    }
}

/// A name as the language spells it: lower case, digits, single dashes, a letter first.
pub(super) fn kebab(text: &str) -> String {
    let mut name = String::with_capacity(text.len());
    let mut before_lower = false;
    for letter in text.chars() {
        if letter.is_ascii_uppercase() && before_lower {
            name.push('-');
        }
        before_lower = letter.is_ascii_lowercase() || letter.is_ascii_digit();
        if letter.is_ascii_alphanumeric() {
            name.push(letter.to_ascii_lowercase());
        } else if !name.ends_with('-') {
            name.push('-');
        }
    }
    let name = name.trim_matches('-');
    // What engines append must fit behind it.
    let cut: String = name.chars().take(40).collect();
    let name = cut.trim_matches('-');
    match name.chars().next() {
        Some(first) if first.is_ascii_lowercase() => name.to_owned(),
        Some(_) => format!("x-{name}"),
        None => "unnamed".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kebab_and_stay_apart() {
        assert_eq!(kebab("Web_Show.podKill"), "web-show-pod-kill");
        assert_eq!(kebab("9lives"), "x-9lives");
        assert_eq!(kebab("--é--"), "unnamed");
        let mut draft = Draft::new();
        assert_eq!(draft.name("tikv"), "tikv");
        assert_eq!(draft.name("tikv"), "tikv-2");
        assert_eq!(draft.name("network"), "network-2");
    }

    #[test]
    fn a_service_means_one_container() {
        let mut draft = Draft::new();
        let of = |container: Container| Service {
            name: "web".to_owned(),
            namespaces: vec!["shop".to_owned()],
            container,
            ..Service::default()
        };
        assert_eq!(draft.service(&of(Container::Any)), "web");
        assert_eq!(draft.service(&of(Container::Named("app".to_owned()))), "web");
        assert_eq!(draft.service(&of(Container::Any)), "web");
        // What hits the first container would hit `app`.
        assert_eq!(draft.service(&of(Container::First)), "web-2");
        assert_eq!(draft.service(&of(Container::Named("proxy".to_owned()))), "web-3");
    }
}
