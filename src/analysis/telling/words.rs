//! Words that the sections share: lists, moments, titles, counts, arguments.

use smol_str::SmolStr;

use crate::analysis::timeline::Moment;
use crate::plan::{
    At, CloudSelector, Fault, Label, LabelCondition, LabelTest, NodeSelector, Plan, PodSelector, Selector, Team,
};
use crate::types::{TargetKind, Value};

pub(super) use crate::analysis::picture::numbers;

/// `a`, `a and b`, `a, b and c`.
pub(super) fn list(items: &[String]) -> String {
    joined(items, "and")
}

/// `a`, `a or b`, `a, b or c`.
pub(super) fn either(items: &[String]) -> String {
    joined(items, "or")
}

fn joined(items: &[String], word: &str) -> String {
    match items {
        [] => String::new(),
        [only] => only.clone(),
        [all @ .., last] => format!("{} {word} {last}", all.join(", ")),
    }
}

/// A name or the user's own text in backticks.
pub(super) fn tick(text: impl std::fmt::Display) -> String {
    format!("`{text}`")
}

/// `3m`, or `3m..4m` where only the bounds are known.
pub(super) fn moment(moment: Moment) -> String {
    if moment.earliest == moment.latest {
        moment.latest.to_string()
    } else {
        format!("{}..{}", moment.earliest, moment.latest)
    }
}

/// A text as a whole sentence: with a full stop, without white space around.
pub(super) fn sentence(text: &str) -> String {
    let text = text.trim();
    if text.is_empty() || text.ends_with(['.', '!', '?']) { text.to_owned() } else { format!("{text}.") }
}

/// A doc comment's first sentence: to the first full stop with white space behind it, over line ends.
pub(super) fn first_sentence(doc: &str) -> String {
    sentence(&crate::plan::title(doc))
}

/// A text that goes on inside a sentence: no capital (but of an abbreviation), no full stop.
pub(super) fn inside(text: &str) -> String {
    let text = text.trim().trim_end_matches('.');
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(first), Some(second)) if second.is_lowercase() || second == ' ' => {
            first.to_lowercase().chain(text.chars().skip(1)).collect()
        }
        _ => text.to_owned(),
    }
}

/// `1 pod`, `2 pods`.
pub(super) fn count(n: u32, kind: TargetKind) -> String {
    format!("{n} {}", kind.noun(u64::from(n)))
}

/// `` `platform` (#platform-oncall) ``.
pub(super) fn team(plan: &Plan, name: &str) -> String {
    match plan.teams.get(name) {
        Some(Team { contact, .. }) => format!("`{name}` ({contact})"),
        None => tick(name),
    }
}

/// A value as the source writes it; a draw in the words of its `let` or text.
pub(super) fn value(plan: &Plan, value: &Value) -> String {
    match value {
        Value::Draw(index) => draw(plan, *index),
        other => other.to_string(),
    }
}

/// What a draw is called: its `let`, or its own text.
pub(super) fn draw(plan: &Plan, index: u32) -> String {
    match plan.draws.get(index as usize) {
        Some(draw) => draw.name.as_ref().map_or_else(|| draw.text.clone(), ToString::to_string),
        None => String::new(),
    }
}

/// The arguments of a fault, those that were given and those that have their default; nothing of what is absent.
pub(super) fn arguments(plan: &Plan, fault: &Fault) -> (Vec<String>, Vec<String>) {
    let (mut given, mut default) = (vec![], vec![]);
    for entry in fault.arguments.iter().filter(|e| !e.value.is_absent()) {
        let text = format!("{}: {}", entry.key, value(plan, &entry.value));
        if fault.given.contains(&entry.key) { given.push(text) } else { default.push(text) }
    }
    (given, default)
}

/// What a selector looks among: `ready pods in the namespace `pay` with `app=ledger``.
pub(super) fn candidates(plan: &Plan, selector: &Selector) -> String {
    match selector {
        Selector::Pods(selected) => pods_in_phase(plan, selected),
        Selector::Nodes(selected) => nodes(plan, selected),
        Selector::Zones(selected) => {
            format!("zones (`topology.kubernetes.io/zone`) that hold one of the {}", pods_in_phase(plan, selected))
        }
        Selector::Workloads(selected) => {
            format!("the Deployments, StatefulSets and DaemonSets that own {}", pods(plan, selected))
        }
        Selector::Endpoints(urls) => list(&urls.iter().map(ToString::to_string).collect::<Vec<_>>()),
        Selector::Instances(cloud) => of_cloud("machines", cloud),
        Selector::Disks(cloud) => of_cloud("disks", cloud),
        Selector::Databases(cloud) => of_cloud("databases", cloud),
        Selector::Balancers(cloud) => of_cloud("load balancers", cloud),
        Selector::Machines(machines) => {
            let mut text = "machines outside of the cluster".to_owned();
            if !machines.namespaces.is_empty() {
                let all: Vec<String> = machines.namespaces.iter().map(tick).collect();
                text += &format!(" that are registered in {}", list(&all));
            }
            text += &labels(&machines.labels);
            text += &conditions(&machines.conditions);
            text += &entries(" with the annotation", &machines.annotations);
            text += &entries(" with", &machines.fields);
            text += &named(&machines.names);
            text
        }
        Selector::Processes(of) => {
            let mut text = format!("the replicas of {} on this machine", tick(&of.service));
            text += &named(&of.names);
            let without: Vec<String> = of.except.iter().map(|d| tick(draw(plan, *d))).collect();
            if !without.is_empty() {
                text += &format!(" that {} did not hit", list(&without));
            }
            text
        }
        Selector::Clusters(names) => format!("the clusters {}", list(&names.iter().map(tick).collect::<Vec<_>>())),
    }
}

/// `machines of aws in the region `eu-west-1` with …`.
fn of_cloud(what: &str, cloud: &CloudSelector) -> String {
    let mut text = what.to_owned();
    text += &cloud.provider.as_ref().map_or_else(String::new, |p| format!(" of {p}"));
    let places = [
        ("region", &cloud.region),
        ("project", &cloud.project),
        ("zone", &cloud.zone),
        ("subscription", &cloud.subscription),
        ("resource group", &cloud.group),
        ("scale set", &cloud.scale_set),
    ];
    for (word, place) in places {
        text += &place.as_ref().map_or_else(String::new, |p| format!(" in the {word} `{p}`"));
    }
    text += &labels(&cloud.tags);
    text += &named(&cloud.ids);
    text
}

/// `ready pods …`, `pods that are pending …`.
fn pods_in_phase(plan: &Plan, selected: &PodSelector) -> String {
    match selected.phases.as_slice() {
        [] => format!("ready {}", pods(plan, selected)),
        phases => {
            let words: Vec<String> = phases.iter().map(|p| p.text().to_owned()).collect();
            format!("{} that are {}", pods(plan, selected), either(&words))
        }
    }
}

fn nodes(plan: &Plan, nodes: &NodeSelector) -> String {
    let mut text = "nodes".to_owned();
    text += &labels(&nodes.labels);
    text += &named(&nodes.names);
    text += &placed(plan, " in the zone", nodes.zone.as_ref());
    if let Some(holding) = &nodes.holding {
        text += &format!(" that hold one of the {}", pods_in_phase(plan, holding));
    }
    text
}

fn pods(plan: &Plan, selected: &PodSelector) -> String {
    let mut text = "pods".to_owned();
    match selected.namespaces.as_slice() {
        [] => {}
        [one] => text += &format!(" in the namespace `{one}`"),
        many => text += &format!(" in the namespaces {}", list(&many.iter().map(tick).collect::<Vec<_>>())),
    }
    text += &labels(&selected.labels);
    text += &conditions(&selected.conditions);
    text += &entries(" with the annotation", &selected.annotations);
    text += &entries(" with", &selected.fields);
    text += &named(&selected.names);
    text += &placed(plan, " on the node", selected.node.as_ref());
    text += &selected.nodes.as_ref().map_or_else(String::new, |on| format!(" on {}", nodes(plan, on)));
    text += &placed(plan, " in the zone", selected.zone.as_ref());
    let without: Vec<String> = selected.except.iter().map(|d| tick(draw(plan, *d))).collect();
    if !without.is_empty() {
        text += &format!(" that {} did not hit", list(&without));
    }
    text
}

fn labels(labels: &[(SmolStr, SmolStr)]) -> String {
    let all: Vec<String> = labels.iter().map(|(key, value)| format!("`{key}={value}`")).collect();
    if all.is_empty() { String::new() } else { format!(" with {}", list(&all)) }
}

/// ` where `tier` is `web` or `cache``.
fn conditions(conditions: &[LabelCondition]) -> String {
    let all: Vec<String> = conditions
        .iter()
        .map(|c| {
            let values: Vec<String> = c.values().iter().map(tick).collect();
            match c.holds {
                LabelTest::In(_) => format!("`{}` is {}", c.key, either(&values)),
                LabelTest::NotIn(_) => format!("`{}` is not {}", c.key, either(&values)),
                LabelTest::Exists => format!("`{}` is there", c.key),
                LabelTest::DoesNotExist => format!("`{}` is not there", c.key),
            }
        })
        .collect();
    if all.is_empty() { String::new() } else { format!(" where {}", list(&all)) }
}

fn entries(lead: &str, entries: &[Label]) -> String {
    let all: Vec<String> = entries.iter().map(|(key, value)| format!("`{key}={value}`")).collect();
    if all.is_empty() { String::new() } else { format!("{lead} {}", list(&all)) }
}

fn named(names: &[SmolStr]) -> String {
    let all: Vec<String> = names.iter().map(tick).collect();
    if all.is_empty() { String::new() } else { format!(" named {}", either(&all)) }
}

fn placed(plan: &Plan, lead: &str, at: Option<&At>) -> String {
    match at {
        None => String::new(),
        Some(At::Named(name)) => format!("{lead} `{name}`"),
        Some(At::Drawn(index)) => format!("{lead} that `{}` drew", draw(plan, *index)),
    }
}
