//! Parts of a target that a fault's body asks for: `on.region`, `join(on.ids, with: ",")`, `peer?.label`.
//!
//! Comes in: what stands where the body puts them. Goes out: the selectors that could have said it. Things of a cloud have
//! no selector of their own in manifests: each fault has its own fields for them, so only its body can tell.

use std::collections::BTreeMap;

use smol_str::SmolStr;

use super::print::{key, quoted};
use super::yaml::{Entry, Node, Value};
use crate::plan::{CloudSelector, PodSelector, Selector};
use crate::source::Span;
use crate::types::{TargetKind, Type};

/// Clouds, in the order in which they are tried: a body that is for another one refuses.
const PROVIDERS: [&str; 4] = ["aws", "gcp", "azure", "vmware"];

/// By parameter and part.
#[derive(Debug, Clone, Default)]
pub(super) struct Asked(BTreeMap<SmolStr, BTreeMap<SmolStr, Vec<SmolStr>>>);

impl Asked {
    /// Keeps a part; whether it is the same as before, if there was one.
    pub(super) fn put(&mut self, of: &SmolStr, part: &str, texts: Vec<SmolStr>) -> bool {
        let parts = self.0.entry(of.clone()).or_default();
        match parts.get(part) {
            // What is asked for twice may be left out once (`EC2_INSTANCE_TAG` where there are ids).
            Some(known) if !known.is_empty() && !texts.is_empty() => *known == texts,
            Some(known) if !known.is_empty() => true,
            _ => {
                parts.insert(part.into(), texts);
                true
            }
        }
    }

    fn one(&self, of: &str, part: &str) -> Option<SmolStr> {
        match self.0.get(of)?.get(part)?.as_slice() {
            [one] => Some(one.clone()),
            _ => None,
        }
    }

    fn all(&self, of: &str, part: &str) -> Vec<SmolStr> {
        self.0.get(of).and_then(|parts| parts.get(part)).cloned().unwrap_or_default()
    }

    /// What the first parameter may be: of a cloud one for each provider, else something of which nothing is known.
    pub(super) fn selectors(&self, ty: &Type) -> Vec<Selector> {
        let wrap = match ty.base() {
            Type::Target(TargetKind::Instances) => Selector::Instances,
            Type::Target(TargetKind::Disks) => Selector::Disks,
            Type::Target(TargetKind::Databases) => Selector::Databases,
            Type::Target(TargetKind::Balancers) => Selector::Balancers,
            _ => return vec![Selector::Pods(PodSelector::default())],
        };
        let cloud = |provider: &&str| CloudSelector {
            provider: Some(SmolStr::from(*provider)),
            region: self.one("on", "region"),
            project: self.one("on", "project"),
            zone: self.one("on", "zone"),
            subscription: self.one("on", "subscription"),
            group: self.one("on", "group"),
            scale_set: self.one("on", "scale-set"),
            tags: self.all("on", "tags").iter().filter_map(|tag| pair(tag, ':')).collect(),
            ids: self.all("on", "ids"),
        };
        PROVIDERS.iter().map(cloud).map(wrap).collect()
    }

    /// The pods of another target.
    pub(super) fn pods(&self, of: &str) -> PodSelector {
        PodSelector {
            namespaces: self.one(of, "namespace").into_iter().collect(),
            labels: self.one(of, "label").and_then(|label| pair(&label, '=')).into_iter().collect(),
            ..PodSelector::default()
        }
    }

    /// The same as Chaos Mesh would write it; nothing where nothing was said.
    pub(super) fn node(&self, of: &str, span: Span) -> Option<Node> {
        let pods = self.pods(of);
        let ([namespace], [(key, value)]) = (pods.namespaces.as_slice(), pods.labels.as_slice()) else { return None };
        let text = |text: &str| Node { span, value: Value::Text, text: text.to_owned() };
        let entry = |key: &str, value: Node| Entry { key: key.to_owned(), at: span, value };
        let node = |value: Value| Node { span, value, text: String::new() };
        let selector = node(Value::Map(vec![
            entry("namespaces", node(Value::List(vec![text(namespace)]))),
            entry("labelSelectors", node(Value::Map(vec![entry(key, text(value))]))),
        ]));
        Some(node(Value::Map(vec![entry("mode", text("all")), entry("selector", selector)])))
    }
}

/// `key:value`.
fn pair(text: &str, between: char) -> Option<(SmolStr, SmolStr)> {
    text.split_once(between).map(|(key, value)| (key.trim().into(), value.trim().into()))
}

/// `instances(provider: aws, region: "eu-west-1", ids: ["i-0a1b"])`.
pub(super) fn cloud(kind: TargetKind, cloud: &CloudSelector) -> String {
    let mut parts: Vec<String> = cloud.provider.iter().map(|p| format!("provider: {p}")).collect();
    let places = [
        ("region", &cloud.region),
        ("project", &cloud.project),
        ("zone", &cloud.zone),
        ("subscription", &cloud.subscription),
        ("group", &cloud.group),
        ("scale-set", &cloud.scale_set),
    ];
    parts.extend(places.iter().filter_map(|(word, place)| Some(format!("{word}: {}", quoted(place.as_ref()?)))));
    if !cloud.tags.is_empty() {
        let tags: Vec<String> = cloud.tags.iter().map(|(k, v)| format!("{}: {}", key(k), quoted(v))).collect();
        parts.push(format!("tags: {{ {} }}", tags.join(", ")));
    }
    if !cloud.ids.is_empty() {
        let ids: Vec<String> = cloud.ids.iter().map(|id| quoted(id)).collect();
        parts.push(format!("ids: [{}]", ids.join(", ")));
    }
    format!("{}({})", kind.noun(2), parts.join(", "))
}
