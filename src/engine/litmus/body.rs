//! The litmus body of a fault, read.
//!
//! Comes in: the body's fields, evaluated with the plan. Goes out: what each field means, defaults put in, or what is
//! wrong with it. Must not know any single fault: everything that differs between faults is a field here.
//!
//! | field | meaning |
//! | --- | --- |
//! | `fault` | the hub's name of the fault; it leads the names of our objects |
//! | `run` | the code path (`-name` of the runner image) where it has another name |
//! | `env` | the fault's own variables; bare quantities are refused |
//! | `access` | a word of [`Access`], or a list of them: what it may touch beside its own pods |
//! | `permissions` | more, for private faults: records of `groups`, `resources`, `verbs` |
//! | `cluster-wide` | what it touches lies in no namespace known beforehand: a ClusterRole |
//! | `mounts-runtime` | its helper talks to the container runtime |
//! | `many-nodes` | it reads `TARGET_NODES` and `NODES_AFFECTED_PERC`, not `TARGET_NODE` |
//! | `node-label` | of pods it reads `NODE_LABEL`, so that a node or zone can be named |
//! | `owners` | the kinds of workloads that it knows, where it does not know all |
//! | `targetless` | what it hits stands in its own variables |
//! | `affects` | the variable that takes the share of a cloud's things |
//! | `secrets` | Secrets that its pod mounts: records of `name`, `path` |
//! | `secret-env` | variables whose text is in a Secret, by the Secret's name (the key is the variable's name) |
//! | `runner` | `go`, or `python` for the few faults that are written in it |
//! | `hub`, `image` | a private hub, and the image with its code |
//! | `mechanism` | the plan's matter, not ours |

use smol_str::SmolStr;

use super::{RUNNER_IMAGE, env};
use crate::analysis::portability::who_else;
use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::plan::{Body, EngineName, Fault, LITMUS_BODY, Plan};
use crate::types::{Entry, Value};

/// What a fault may touch: the classes of permissions that litmus-go's faults fall into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Pods and the workloads that own them.
    Workloads,
    /// Nodes, read only.
    Nodes,
    /// Nodes are cordoned and their pods evicted.
    Drain,
    /// The same, and taints are put on them.
    Taint,
    /// Workloads are scaled.
    Scale,
    /// NetworkPolicies are made and removed.
    NetworkPolicies,
    /// Secrets beside the experiment are read (cloud credentials, keys).
    Secrets,
    /// Commands are run in the targets' containers.
    Exec,
    /// Nothing beside its own pods.
    None,
}

impl Access {
    const ALL: [(&'static str, Self); 9] = [
        ("workloads", Self::Workloads),
        ("nodes", Self::Nodes),
        ("drain", Self::Drain),
        ("taint", Self::Taint),
        ("scale", Self::Scale),
        ("network-policies", Self::NetworkPolicies),
        ("secrets", Self::Secrets),
        ("exec", Self::Exec),
        ("none", Self::None),
    ];

    fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(text, _)| *text == word).map(|(_, access)| *access)
    }

    /// Whether faults of this class read the first label of the target and fall over without one (litmus-go
    /// `pkg/generic/{node-drain,node-taint,pod-autoscaler,pod-network-partition}/environment`, `Labels[0]`).
    pub(super) fn needs_label(self) -> bool {
        matches!(self, Self::Drain | Self::Taint | Self::Scale | Self::NetworkPolicies)
    }
}

/// One rule of a private fault.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Permission {
    /// API groups; `""` is the core.
    pub groups: Vec<SmolStr>,
    /// Resources.
    pub resources: Vec<SmolStr>,
    /// Verbs.
    pub verbs: Vec<SmolStr>,
}

/// A litmus body whose fields fit together.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct LitmusBody {
    /// The hub's name.
    pub fault: SmolStr,
    /// What the runner image calls it.
    pub run: SmolStr,
    /// The private hub, if it comes from one.
    pub hub: Option<SmolStr>,
    /// The image of the experiment and its helpers.
    pub image: SmolStr,
    /// What it may touch.
    pub access: Vec<Access>,
    /// What it may touch beside that.
    pub permissions: Vec<Permission>,
    /// Whether it works in every namespace.
    pub cluster_wide: bool,
    /// Whether its helper needs the container runtime's socket.
    pub mounts_runtime: bool,
    /// Whether it can hit several nodes.
    pub many_nodes: bool,
    /// Whether it reads `NODE_LABEL` when it hits pods.
    pub node_label: bool,
    /// The kinds of workloads that it knows; empty: all.
    pub owners: Vec<SmolStr>,
    /// Whether its target stands in its own variables.
    pub targetless: bool,
    /// The variable that takes the share of what a cloud's selector finds.
    pub affects: Option<SmolStr>,
    /// Secrets that its pod mounts, with the place.
    pub secrets: Vec<(SmolStr, SmolStr)>,
    /// Variables whose text is in a Secret.
    pub secret_env: Vec<(SmolStr, SmolStr)>,
    /// Whether it is one of those that are written in Python.
    pub python: bool,
    /// Its own variables, in order.
    pub env: Vec<(SmolStr, String)>,
}

impl LitmusBody {
    /// Whether it sets this variable itself.
    pub(super) fn sets(&self, name: &str) -> bool {
        self.env.iter().any(|(n, _)| n == name)
    }

    /// Whether it has a class of access.
    pub(super) fn may(&self, access: Access) -> bool {
        self.access.contains(&access)
    }
}

/// Reads the litmus body of a fault; reports everything that is wrong with it.
pub(super) fn read(plan: &Plan, fault: &Fault, diagnostics: &mut Vec<Diagnostic>) -> Option<LitmusBody> {
    let entries = match fault.bodies.get(&EngineName::Litmus) {
        Some(Body::Expressed(entries)) => entries,
        Some(Body::Refused { construct, reason }) => {
            diagnostics.push(refused(plan, fault, construct, reason));
            return None;
        }
        None => {
            diagnostics.push(refused(plan, fault, &fault.name, "it has no `engine litmus` body"));
            return None;
        }
    };
    let mut reader = Reader { fault, diagnostics, sound: true };
    let body = reader.body(entries);
    reader.sound.then_some(body)
}

/// P0650: construct, reason, and the engines that can.
fn refused(plan: &Plan, fault: &Fault, construct: &str, reason: &str) -> Diagnostic {
    let message = if construct == fault.name {
        format!("Litmus cannot do `{}`: {reason}", fault.name)
    } else {
        format!("Litmus cannot do `{}` with `{construct}`: {reason}", fault.name)
    };
    Diagnostic::new(Code::LITMUS_FAULT, fault.span, message).label("cannot be expressed for Litmus").help(who_else(
        plan,
        fault,
        EngineName::Litmus,
    ))
}

struct Reader<'r> {
    fault: &'r Fault,
    diagnostics: &'r mut Vec<Diagnostic>,
    sound: bool,
}

impl Reader<'_> {
    fn body(&mut self, entries: &[Entry]) -> LitmusBody {
        for entry in entries {
            if !LITMUS_BODY.contains(&entry.key.as_str()) {
                let help = match nearest(&entry.key, LITMUS_BODY.iter().copied()) {
                    Some(field) => format!("did you mean `{field}`?"),
                    None => format!("a litmus body has the fields {}", LITMUS_BODY.join(", ")),
                };
                self.wrong(format!("a litmus body has no field `{}`", entry.key), help);
            }
        }
        let field = |key: &str| entries.iter().find(|e| e.key == key).map(|e| &e.value);
        let name = self.name("fault", field("fault"));
        if name.is_empty() && self.sound {
            self.wrong(
                "the litmus body names no `fault`".to_owned(),
                "write the hub's name of the fault: `fault: \"pod-delete\"`".to_owned(),
            );
        }
        let run = match field("run") {
            None => name.clone(),
            run => self.name("run", run),
        };
        let hub = self.text("hub", field("hub"));
        let image = self.text("image", field("image"));
        if hub.is_some() && image.is_none() {
            self.wrong(
                "the fault comes from a private hub, and the body names no `image`".to_owned(),
                "the public runner image does not hold its code: write `image: \"registry/name:version\"`".to_owned(),
            );
        }
        let access = self.access(field("access"));
        let permissions = self.permissions(field("permissions"));
        if field("access").is_none() && permissions.is_empty() {
            self.wrong(
                "the litmus body does not say what the fault may touch".to_owned(),
                "write `access: workloads` (or nodes, drain, taint, scale, network-policies, secrets, exec, none), so that \
                 it gets these permissions and no others"
                    .to_owned(),
            );
        }
        LitmusBody {
            fault: name,
            run,
            hub,
            image: image.unwrap_or_else(|| RUNNER_IMAGE.into()),
            access,
            permissions,
            cluster_wide: self.flag("cluster-wide", field("cluster-wide")),
            mounts_runtime: self.flag("mounts-runtime", field("mounts-runtime")),
            many_nodes: self.flag("many-nodes", field("many-nodes")),
            node_label: self.flag("node-label", field("node-label")),
            owners: field("owners").and_then(|owners| texts(Some(owners))).unwrap_or_default(),
            targetless: self.flag("targetless", field("targetless")),
            affects: self.text("affects", field("affects").filter(|v| **v != Value::None)),
            secrets: self.secrets(field("secrets")),
            secret_env: self.secret_env(field("secret-env")),
            python: field("runner").and_then(Value::as_text) == Some("python"),
            env: self.env(field("env")),
        }
    }

    fn secrets(&mut self, value: Option<&Value>) -> Vec<(SmolStr, SmolStr)> {
        let Some(Value::List(records)) = value else { return Vec::new() };
        let mut found = Vec::new();
        for record in records {
            let text = |key: &str| record.get(key).and_then(Value::as_text).filter(|t| !t.is_empty());
            match (text("name"), text("path")) {
                (Some(name), Some(path)) => found.push((name.into(), path.into())),
                // No credentials were named: there is nothing to mount.
                (None, Some(_)) if record.get("name").is_none_or(Value::is_absent) => {}
                _ => self.wrong(
                    "a secret lacks `name` or `path`".to_owned(),
                    "write `secrets: [{ name: \"cloud-secret\", path: \"/tmp/\" }]`".to_owned(),
                ),
            }
        }
        found
    }

    fn secret_env(&mut self, value: Option<&Value>) -> Vec<(SmolStr, SmolStr)> {
        let Some(Value::Record(entries)) = value else { return Vec::new() };
        let mut found = Vec::new();
        for entry in entries {
            match entry.value.as_text() {
                Some(secret) if env::is_name(&entry.key) => found.push((entry.key.clone(), secret.into())),
                _ => self.wrong(
                    format!("`secret-env` of `{}` is no name of a Secret", entry.key),
                    "write `secret-env: { VCENTERUSER: \"vcenter-secret\" }`".to_owned(),
                ),
            }
        }
        found
    }

    fn wrong(&mut self, message: String, help: String) {
        self.sound = false;
        self.diagnostics.push(
            Diagnostic::new(Code::LITMUS_BODY, self.fault.span, message)
                .label(format!("in the litmus body of `{}`", self.fault.name))
                .help(help),
        );
    }

    fn text(&mut self, key: &str, value: Option<&Value>) -> Option<SmolStr> {
        let value = value?;
        match value.as_text() {
            Some(text) if !text.is_empty() => Some(text.into()),
            _ => {
                self.wrong(
                    format!("`{key}` is {}, and must be text", value.describe()),
                    format!("write `{key}: \"…\"`"),
                );
                None
            }
        }
    }

    /// A name that stands in object names and on a command line.
    fn name(&mut self, key: &str, value: Option<&Value>) -> SmolStr {
        let Some(text) = self.text(key, value) else { return SmolStr::default() };
        let fits = text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
            && !text.starts_with('-')
            && !text.ends_with('-');
        if !fits {
            self.wrong(
                format!("`{text}` is no name of a Litmus fault"),
                "hub names have lower-case letters, digits and `-`; it leads the names of Kubernetes objects"
                    .to_owned(),
            );
        }
        text
    }

    fn flag(&mut self, key: &str, value: Option<&Value>) -> bool {
        match value {
            None => false,
            Some(Value::Bool(flag)) => *flag,
            Some(other) => {
                self.wrong(
                    format!("`{key}` is {}, and must be true or false", other.describe()),
                    format!("write `{key}: true`"),
                );
                false
            }
        }
    }

    fn access(&mut self, value: Option<&Value>) -> Vec<Access> {
        let words: Vec<&Value> = match value {
            None => return Vec::new(),
            Some(Value::List(words)) => words.iter().collect(),
            // The bare word `none` is also the language's own `none`.
            Some(Value::None) => return vec![Access::None],
            Some(word) => vec![word],
        };
        let mut found = Vec::new();
        for word in words {
            match word.as_text().and_then(Access::parse) {
                Some(access) => found.push(access),
                None => {
                    let known: Vec<&str> = Access::ALL.iter().map(|(text, _)| *text).collect();
                    self.wrong(
                        format!("`access: {word}` is no class of permissions"),
                        format!("one of: {}", known.join(", ")),
                    );
                }
            }
        }
        found
    }

    fn permissions(&mut self, value: Option<&Value>) -> Vec<Permission> {
        let Some(value) = value else { return Vec::new() };
        let Value::List(rules) = value else {
            self.wrong(
                format!("`permissions` is {}, and must be a list", value.describe()),
                HOW_PERMISSIONS.to_owned(),
            );
            return Vec::new();
        };
        let mut found = Vec::new();
        for rule in rules {
            match (texts(rule.get("groups")), texts(rule.get("resources")), texts(rule.get("verbs"))) {
                (Some(groups), Some(resources), Some(verbs)) => found.push(Permission { groups, resources, verbs }),
                _ => self.wrong(
                    "a permission lacks `groups`, `resources` or `verbs`".to_owned(),
                    HOW_PERMISSIONS.to_owned(),
                ),
            }
        }
        found
    }

    fn env(&mut self, value: Option<&Value>) -> Vec<(SmolStr, String)> {
        let entries = match value {
            None => return Vec::new(),
            Some(Value::Record(entries)) => entries,
            Some(other) => {
                self.wrong(
                    format!("`env` is {}, and must be a map", other.describe()),
                    "write `env: { NAME: value }`".to_owned(),
                );
                return Vec::new();
            }
        };
        let mut found = Vec::new();
        for entry in entries {
            if let Some(why) = env::reserved(&entry.key) {
                self.wrong(format!("the litmus body sets `{}`", entry.key), format!("leave it out: {why}"));
            } else if !env::is_name(&entry.key) {
                self.wrong(
                    format!("`{}` is no name of a variable", entry.key),
                    "variables of Litmus have capital letters, digits and `_`".to_owned(),
                );
            }
            match env::text(&entry.value) {
                Ok(Some(text)) => found.push((entry.key.clone(), text)),
                Ok(None) => {}
                Err(why) => self.misread(&entry.key, &why),
            }
        }
        found
    }

    fn misread(&mut self, key: &str, why: &str) {
        self.sound = false;
        self.diagnostics.push(
            Diagnostic::new(Code::LITMUS_VALUE, self.fault.span, format!("Litmus would misread `{key}`: {why}"))
                .label(format!("in the litmus body of `{}`", self.fault.name))
                .why("Litmus drops such errors and reports success, as if the fault had been there")
                .help("mend the `env` of the fault's litmus body"),
        );
    }
}

const HOW_PERMISSIONS: &str =
    "write `permissions: [{ groups: [\"apps\"], resources: [\"deployments\"], verbs: [\"get\", \"list\"] }]`";

fn texts(value: Option<&Value>) -> Option<Vec<SmolStr>> {
    let Some(Value::List(items)) = value else { return None };
    let found: Vec<SmolStr> = items.iter().filter_map(|item| item.as_text().map(Into::into)).collect();
    (!found.is_empty() && found.len() == items.len()).then_some(found)
}

#[cfg(test)]
mod unit_tests {
    use super::Access;

    #[test]
    fn every_word_of_access_is_known_before_and_here() {
        let here: Vec<&str> = Access::ALL.iter().map(|(text, _)| *text).collect();
        assert_eq!(here, crate::plan::LITMUS_ACCESS);
    }
}
