//! What a selector says of labels and pods beyond equality.
//!
//! Plain data, the text that Kubernetes reads it in, and what one condition says of another: proofs must never take two
//! selectors for apart that may meet.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::model::{MachineSelector, PodSelector};

/// A label, as `key` and value.
pub type Label = (SmolStr, SmolStr);

/// A condition on one label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct LabelCondition {
    /// The label's key.
    pub key: SmolStr,
    /// What holds of it.
    pub holds: LabelTest,
}

/// What holds of a label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LabelTest {
    /// It has one of these values.
    In(Vec<SmolStr>),
    /// It has none of these values, or is not there.
    NotIn(Vec<SmolStr>),
    /// It is there, with whatever value.
    Exists,
    /// It is not there.
    DoesNotExist,
}

impl LabelCondition {
    /// Kubernetes' word for it.
    #[must_use]
    pub fn operator(&self) -> &'static str {
        match self.holds {
            LabelTest::In(_) => "In",
            LabelTest::NotIn(_) => "NotIn",
            LabelTest::Exists => "Exists",
            LabelTest::DoesNotExist => "DoesNotExist",
        }
    }

    /// The values that it names.
    #[must_use]
    pub fn values(&self) -> &[SmolStr] {
        match &self.holds {
            LabelTest::In(values) | LabelTest::NotIn(values) => values,
            LabelTest::Exists | LabelTest::DoesNotExist => &[],
        }
    }

    /// Whether it says what pods have, and not only what they lack.
    #[must_use]
    pub fn is_positive(&self) -> bool {
        matches!(self.holds, LabelTest::In(_) | LabelTest::Exists)
    }

    /// Whether something with exactly these labels satisfies it.
    #[must_use]
    pub fn takes(&self, labels: &[(&str, &str)]) -> bool {
        let value = labels.iter().find(|(key, _)| *key == self.key).map(|(_, value)| *value);
        let is_among = |values: &[SmolStr]| value.is_some_and(|value| values.iter().any(|v| v == value));
        match &self.holds {
            LabelTest::In(values) => is_among(values),
            LabelTest::NotIn(values) => !is_among(values),
            LabelTest::Exists => value.is_some(),
            LabelTest::DoesNotExist => value.is_none(),
        }
    }

    /// Whether everything with these labels, and whatever others, satisfies it.
    #[must_use]
    pub fn is_implied_by(&self, labels: &[Label]) -> bool {
        labels.iter().any(|(key, value)| {
            *key == self.key
                && match &self.holds {
                    LabelTest::In(values) => values.contains(value),
                    LabelTest::NotIn(values) => !values.contains(value),
                    LabelTest::Exists => true,
                    LabelTest::DoesNotExist => false,
                }
        })
    }

    /// Whether nothing satisfies both.
    #[must_use]
    pub fn excludes(&self, other: &Self) -> bool {
        let without = |a: &[SmolStr], b: &[SmolStr]| a.iter().all(|value| b.contains(value));
        self.key == other.key
            && match (&self.holds, &other.holds) {
                (LabelTest::In(a), LabelTest::In(b)) => !a.iter().any(|value| b.contains(value)),
                (LabelTest::In(a), LabelTest::NotIn(b)) | (LabelTest::NotIn(b), LabelTest::In(a)) => without(a, b),
                (LabelTest::DoesNotExist, LabelTest::In(_) | LabelTest::Exists)
                | (LabelTest::In(_) | LabelTest::Exists, LabelTest::DoesNotExist) => true,
                _ => false,
            }
    }

    /// As Kubernetes writes it in a label selector: `tier in (web,cache)`, `!canary`.
    #[must_use]
    pub fn query(&self) -> String {
        let (key, values) = (&self.key, self.values().join(","));
        match self.holds {
            LabelTest::In(_) => format!("{key} in ({values})"),
            LabelTest::NotIn(_) => format!("{key} notin ({values})"),
            LabelTest::Exists => key.to_string(),
            LabelTest::DoesNotExist => format!("!{key}"),
        }
    }
}

/// The same of a label that is equal to a value.
fn equal((key, value): &Label) -> LabelCondition {
    LabelCondition { key: key.clone(), holds: LabelTest::In(vec![value.clone()]) }
}

/// Whether no labels satisfy both: equalities and conditions of one side, equalities and conditions of the other.
#[must_use]
pub fn conditions_exclude(a: (&[Label], &[LabelCondition]), b: (&[Label], &[LabelCondition])) -> bool {
    let all = |(labels, conditions): (&[Label], &[LabelCondition])| -> Vec<LabelCondition> {
        labels.iter().map(equal).chain(conditions.iter().cloned()).collect()
    };
    let b = all(b);
    all(a).iter().any(|one| b.iter().any(|other| one.excludes(other)))
}

/// Where a pod is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PodPhase {
    /// Not all of its containers have begun.
    Pending,
    /// It runs, ready or not.
    Running,
    /// It ended, and well.
    Succeeded,
    /// It ended, and not well.
    Failed,
    /// Its node does not answer.
    Unknown,
}

impl PodPhase {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Pending, Self::Running, Self::Succeeded, Self::Failed, Self::Unknown];

    /// As Kubernetes writes it.
    #[must_use]
    pub fn kubernetes(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Running => "Running",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::Unknown => "Unknown",
        }
    }

    /// As the language writes it.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }

    /// The phase of the language's word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|phase| phase.text() == text)
    }
}

/// A field of a pod by which Kubernetes can select, and which has no word of its own here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PodField {
    /// Its path.
    pub path: &'static str,
    /// The values that it can have; empty: any text.
    pub words: &'static [&'static str],
}

/// Fields by which Kubernetes 1.34 and Chaos Mesh 2.8 select pods.
pub const POD_FIELDS: [PodField; 5] = [
    PodField { path: "spec.serviceAccountName", words: &[] },
    PodField { path: "spec.schedulerName", words: &[] },
    PodField { path: "spec.restartPolicy", words: &["Always", "OnFailure", "Never"] },
    PodField { path: "status.podIP", words: &[] },
    PodField { path: "status.nominatedNodeName", words: &[] },
];

/// Other fields by which pods can be selected, and the word that says the same here.
pub const POD_FIELDS_WITH_WORDS: [(&str, &str); 4] = [
    ("metadata.name", "names"),
    ("metadata.namespace", "namespace"),
    ("spec.nodeName", "node"),
    ("status.phase", "phase"),
];

impl PodSelector {
    /// Its labels as Kubernetes reads them: `app=ledger,tier in (web,cache)`. Empty: any.
    #[must_use]
    pub fn label_query(&self) -> String {
        let equal = self.labels.iter().map(|(key, value)| format!("{key}={value}"));
        equal.chain(self.conditions.iter().map(LabelCondition::query)).collect::<Vec<_>>().join(",")
    }

    /// The first thing that it says beside namespaces, names and labels that are equal: the word for it.
    #[must_use]
    pub fn beyond_labels(&self) -> Option<&'static str> {
        let condition = self.conditions.iter().map(|c| if c.is_positive() { "labels" } else { "without" }).next();
        let said = [
            condition,
            (!self.annotations.is_empty()).then_some("annotations"),
            (!self.fields.is_empty()).then_some("fields"),
            (!self.phases.is_empty()).then_some("phase"),
            (self.node.is_some() || self.nodes.is_some()).then_some("node"),
            self.zone.is_some().then_some("zone"),
            (!self.except.is_empty()).then_some("except"),
        ];
        said.into_iter().flatten().next()
    }

    /// Both hold: the pods of this selector that are `by`'s, too. An error names the part by which no pod is both, or by
    /// which there would be more: `namespace`, `labels`, `annotations`, `fields`, `phase`, `names`, `zone` or `node`.
    pub fn narrowed_by(&self, by: &Self) -> Result<Self, &'static str> {
        if conditions_exclude((&self.labels, &self.conditions), (&by.labels, &by.conditions)) {
            return Err(if by.labels.is_empty() && by.conditions.iter().all(|c| !c.is_positive()) {
                "without"
            } else {
                "labels"
            });
        }
        Ok(Self {
            namespaces: inside(&self.namespaces, &by.namespaces).ok_or("namespace")?,
            labels: both(&self.labels, &by.labels).ok_or("labels")?,
            conditions: both_lists(&self.conditions, &by.conditions),
            annotations: both(&self.annotations, &by.annotations).ok_or("annotations")?,
            fields: both(&self.fields, &by.fields).ok_or("fields")?,
            phases: inside(&self.phases, &by.phases).ok_or("phase")?,
            names: inside(&self.names, &by.names).ok_or("names")?,
            zone: one(self.zone.as_ref(), by.zone.as_ref()).ok_or("zone")?,
            node: one(self.node.as_ref(), by.node.as_ref()).ok_or("node")?,
            nodes: one(self.nodes.as_ref(), by.nodes.as_ref()).ok_or("node")?,
            except: both_lists(&self.except, &by.except),
        })
    }

    /// Whether it says what its pods are: by a label that they have, a name, a place or a field, not only what they lack.
    #[must_use]
    pub fn is_narrowed(&self) -> bool {
        !self.labels.is_empty()
            || !self.names.is_empty()
            || self.conditions.iter().any(LabelCondition::is_positive)
            || !self.annotations.is_empty()
            || !self.fields.is_empty()
            || self.node.is_some()
            || self.nodes.is_some()
            || self.zone.is_some()
    }
}

/// The choice of `by`, which must be among `all`; an empty list is any.
fn inside<T: Clone + PartialEq>(all: &[T], by: &[T]) -> Option<Vec<T>> {
    match (all, by) {
        (_, []) => Some(all.to_vec()),
        ([], _) => Some(by.to_vec()),
        _ => by.iter().all(|one| all.contains(one)).then(|| by.to_vec()),
    }
}

/// All pairs of both; `None` where one key is to have two values.
fn both(all: &[Label], by: &[Label]) -> Option<Vec<Label>> {
    let differ = by.iter().any(|(key, value)| all.iter().any(|(k, v)| k == key && v != value));
    (!differ).then(|| both_lists(all, by))
}

fn both_lists<T: Clone + PartialEq>(all: &[T], by: &[T]) -> Vec<T> {
    let more = by.iter().filter(|one| !all.contains(one));
    all.iter().chain(more).cloned().collect()
}

/// What either says, and both the same.
fn one<T: Clone + PartialEq>(all: Option<&T>, by: Option<&T>) -> Option<Option<T>> {
    match (all, by) {
        (Some(all), Some(by)) if all != by => None,
        _ => Some(by.or(all).cloned()),
    }
}

impl MachineSelector {
    /// Whether it says more than where and by which names: labels, annotations, fields.
    #[must_use]
    pub fn has_conditions(&self) -> bool {
        !self.labels.is_empty()
            || !self.conditions.is_empty()
            || !self.annotations.is_empty()
            || !self.fields.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn test_of() -> impl Strategy<Value = LabelTest> {
        let values = prop::collection::vec(prop::sample::select(vec!["a", "b", "c"]), 1..3);
        let values = values.prop_map(|v| v.into_iter().map(SmolStr::from).collect::<Vec<_>>());
        prop_oneof![
            values.clone().prop_map(LabelTest::In),
            values.prop_map(LabelTest::NotIn),
            Just(LabelTest::Exists),
            Just(LabelTest::DoesNotExist),
        ]
    }

    proptest! {
        /// What is said to exclude each other is never satisfied together, and what is not is satisfied by something.
        #[test]
        fn conditions_exclude_each_other_where_nothing_satisfies_both(a in test_of(), b in test_of()) {
            let of = |holds| LabelCondition { key: "k".into(), holds };
            let (a, b) = (of(a), of(b));
            let worlds: [&[(&str, &str)]; 5] = [&[], &[("k", "a")], &[("k", "b")], &[("k", "c")], &[("k", "other")]];
            let both = worlds.iter().any(|labels| a.takes(labels) && b.takes(labels));
            prop_assert_eq!(a.excludes(&b), !both, "{:?} {:?}", a, b);
            prop_assert_eq!(a.excludes(&b), b.excludes(&a));
        }

        #[test]
        fn what_labels_imply_they_satisfy(a in test_of(), value in prop::sample::select(vec!["a", "b", "c", "d"])) {
            let condition = LabelCondition { key: "k".into(), holds: a };
            let implied = condition.is_implied_by(&[("k".into(), value.into())]);
            prop_assert_eq!(implied, condition.takes(&[("k", value), ("other", "x")]));
        }
    }

    #[test]
    fn a_query_is_what_kubernetes_reads() {
        let selector = PodSelector {
            labels: vec![("app".into(), "ledger".into())],
            conditions: vec![
                LabelCondition { key: "tier".into(), holds: LabelTest::In(vec!["web".into(), "cache".into()]) },
                LabelCondition { key: "canary".into(), holds: LabelTest::DoesNotExist },
            ],
            ..PodSelector::default()
        };
        assert_eq!(selector.label_query(), "app=ledger,tier in (web,cache),!canary");
    }
}
