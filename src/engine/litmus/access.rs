//! Permissions: an account for each ChaosExperiment, with what its class of faults needs and no more.
//!
//! Comes in: the access words of a body, and where its targets are. Goes out: ServiceAccount, Role or ClusterRole, and
//! their bindings. A ChaosExperiment's own `permissions` grant nothing (nobody makes roles of them), so these do.
//!
//! The rules are those that litmus-go's faults declare (chaos-charts b2662c2, classes A–K), parted by place: what the
//! experiment does with its own pods, jobs and results holds in the engines' namespace only; what it does to targets
//! holds where they are. `pods/exec` is left out but for faults that run commands in their targets.

use super::body::{Access, LitmusBody, Permission};
use super::emit::Writer;
use crate::manifest::{Arena, Node};

/// One rule: API group, resources, verbs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rule {
    groups: Vec<String>,
    resources: Vec<String>,
    verbs: Vec<String>,
}

fn rule(group: &str, resources: &[&str], verbs: &[&str]) -> Rule {
    let owned = |texts: &[&str]| texts.iter().map(|t| (*t).to_owned()).collect();
    Rule { groups: vec![group.to_owned()], resources: owned(resources), verbs: owned(verbs) }
}

/// What every experiment does in the engines' namespace: its pods, their logs and events, jobs, results.
fn own(body: &LitmusBody) -> Vec<Rule> {
    let mut rules = vec![
        rule("", &["pods"], &["create", "delete", "get", "list", "patch", "update", "deletecollection"]),
        rule("", &["events"], &["create", "get", "list", "patch", "update"]),
        rule("", &["pods/log"], &["get", "list", "watch"]),
        rule("", &["configmaps"], &["get", "list"]),
        rule("batch", &["jobs"], &["create", "list", "get", "delete", "deletecollection"]),
        rule(
            "litmuschaos.io",
            &["chaosengines", "chaosexperiments", "chaosresults"],
            &["create", "list", "get", "patch", "update", "delete"],
        ),
    ];
    if body.may(Access::Secrets) {
        rules.push(rule("", &["secrets"], &["get", "list"]));
    }
    rules
}

/// What it does to targets.
fn on_targets(body: &LitmusBody) -> Vec<Rule> {
    let mut rules: Vec<Rule> = Vec::new();
    for access in &body.access {
        for rule in of_class(*access) {
            if !rules.contains(&rule) {
                rules.push(rule);
            }
        }
    }
    rules.extend(body.permissions.iter().map(private));
    rules
}

fn of_class(access: Access) -> Vec<Rule> {
    match access {
        Access::Workloads => vec![
            rule("", &["pods"], &["get", "list", "delete"]),
            rule("apps", &["deployments", "statefulsets", "replicasets", "daemonsets"], &["get", "list"]),
            rule("", &["replicationcontrollers"], &["get", "list"]),
            rule("apps.openshift.io", &["deploymentconfigs"], &["get", "list"]),
            rule("argoproj.io", &["rollouts"], &["get", "list"]),
        ],
        Access::Nodes => vec![rule("", &["pods"], &["get", "list"]), rule("", &["nodes"], &["get", "list"])],
        Access::Drain => drain(&["get", "list", "patch"]),
        Access::Taint => drain(&["get", "list", "patch", "update"]),
        Access::Scale => vec![
            rule("", &["pods"], &["get", "list"]),
            rule("apps", &["deployments", "statefulsets"], &["get", "list", "patch", "update"]),
        ],
        Access::NetworkPolicies => vec![
            rule("", &["pods"], &["get", "list"]),
            rule("apps", &["replicasets"], &["get", "list"]),
            rule("", &["replicationcontrollers"], &["get", "list"]),
            rule("networking.k8s.io", &["networkpolicies"], &["create", "delete", "get", "list"]),
        ],
        Access::Exec => vec![rule("", &["pods/exec"], &["get", "list", "create"])],
        Access::Secrets | Access::None => Vec::new(),
    }
}

fn drain(on_nodes: &[&str]) -> Vec<Rule> {
    vec![
        rule("", &["pods"], &["get", "list", "delete"]),
        rule("", &["pods/eviction"], &["get", "list", "create"]),
        rule("apps", &["daemonsets"], &["get", "list", "delete"]),
        rule("", &["nodes"], on_nodes),
    ]
}

fn private(permission: &Permission) -> Rule {
    let owned = |texts: &[smol_str::SmolStr]| texts.iter().map(ToString::to_string).collect();
    Rule { groups: owned(&permission.groups), resources: owned(&permission.resources), verbs: owned(&permission.verbs) }
}

/// Whether the rules on targets can only be given for the whole cluster: nodes lie in no namespace.
pub(super) fn is_cluster_wide(body: &LitmusBody) -> bool {
    body.cluster_wide || body.access.iter().any(|a| matches!(a, Access::Nodes | Access::Drain | Access::Taint))
}

/// Every rule of a fault together, as its ChaosExperiment tells people.
pub(super) fn declared<'a>(arena: &'a Arena, body: &LitmusBody) -> Node<'a> {
    let mut rules = own(body);
    rules.extend(on_targets(body));
    list(arena, &rules)
}

fn list<'a>(arena: &'a Arena, rules: &[Rule]) -> Node<'a> {
    let texts = |texts: &[String]| arena.list(texts.iter().map(|t| arena.text(t)));
    arena.list(rules.iter().map(|rule| {
        arena.map([
            ("apiGroups", texts(&rule.groups)),
            ("resources", texts(&rule.resources)),
            ("verbs", texts(&rule.verbs)),
        ])
    }))
}

/// The account of one ChaosExperiment and all that it may do. `namespaces`: where its targets are; `counted`: where its
/// probes count pods.
pub(super) fn of_experiment(
    writer: &mut Writer<'_, '_>,
    account: &str,
    body: &LitmusBody,
    namespaces: &[String],
    counted: &[String],
) {
    let home = writer.namespace().to_owned();
    service_account(writer, account);
    role(writer, account, &home, account, &own(body));
    let rules = on_targets(body);
    let count = [rule("", &["pods"], &["get", "list"])];
    if !rules.is_empty() && is_cluster_wide(body) {
        cluster_role(writer, account, &rules);
    } else if !rules.is_empty() {
        let name = format!("{account}-targets");
        for namespace in namespaces {
            role(writer, &name, namespace, account, &rules);
        }
    }
    let name = format!("{account}-probes");
    for namespace in counted.iter().filter(|n| **n != home && !namespaces.contains(n)) {
        role(writer, &name, namespace, account, &count);
    }
}

/// The account of a workflow: it makes, reads, stops and removes engines, reads results, and stops itself.
pub(super) fn of_workflow(writer: &mut Writer<'_, '_>, account: &str, counted: &[String]) {
    let home = writer.namespace().to_owned();
    service_account(writer, account);
    let rules = [
        rule("litmuschaos.io", &["chaosengines"], &["create", "get", "list", "watch", "patch", "delete"]),
        rule("litmuschaos.io", &["chaosresults"], &["get", "list", "watch"]),
        rule("argoproj.io", &["workflows"], &["get", "patch"]),
        // What Argo's executor itself reports with: task results since 3.4, annotations of its pod before.
        rule("argoproj.io", &["workflowtaskresults"], &["create", "patch"]),
        rule("", &["pods"], &["get", "patch"]),
    ];
    role(writer, account, &home, account, &rules);
    let count = [rule("", &["pods"], &["get", "list"])];
    let name = format!("{account}-checks");
    for namespace in counted {
        role(writer, &name, namespace, account, &count);
    }
}

fn service_account(writer: &mut Writer<'_, '_>, name: &str) {
    let home = writer.namespace().to_owned();
    writer.document(|w, arena| {
        arena.map([
            ("apiVersion", Node::Text("v1")),
            ("kind", Node::Text("ServiceAccount")),
            ("metadata", w.access_metadata(arena, name, Some(&home))),
        ])
    });
}

fn role(writer: &mut Writer<'_, '_>, name: &str, namespace: &str, account: &str, rules: &[Rule]) {
    writer.document(|w, arena| {
        arena.map([
            ("apiVersion", Node::Text(RBAC)),
            ("kind", Node::Text("Role")),
            ("metadata", w.access_metadata(arena, name, Some(namespace))),
            ("rules", list(arena, rules)),
        ])
    });
    writer.document(|w, arena| {
        arena.map([
            ("apiVersion", Node::Text(RBAC)),
            ("kind", Node::Text("RoleBinding")),
            ("metadata", w.access_metadata(arena, name, Some(namespace))),
            ("roleRef", reference(arena, "Role", name)),
            ("subjects", arena.list([subject(arena, account, w.namespace())])),
        ])
    });
}

fn cluster_role(writer: &mut Writer<'_, '_>, account: &str, rules: &[Rule]) {
    // Cluster-wide names are shared with everyone, so they say whose they are.
    let name = format!("perturb-{}-{account}", writer.namespace());
    writer.document(|w, arena| {
        arena.map([
            ("apiVersion", Node::Text(RBAC)),
            ("kind", Node::Text("ClusterRole")),
            ("metadata", w.access_metadata(arena, &name, None)),
            ("rules", list(arena, rules)),
        ])
    });
    writer.document(|w, arena| {
        arena.map([
            ("apiVersion", Node::Text(RBAC)),
            ("kind", Node::Text("ClusterRoleBinding")),
            ("metadata", w.access_metadata(arena, &name, None)),
            ("roleRef", reference(arena, "ClusterRole", &name)),
            ("subjects", arena.list([subject(arena, account, w.namespace())])),
        ])
    });
}

const RBAC: &str = "rbac.authorization.k8s.io/v1";

fn reference<'a>(arena: &'a Arena, kind: &'static str, name: &str) -> Node<'a> {
    arena.map([
        ("apiGroup", Node::Text("rbac.authorization.k8s.io")),
        ("kind", Node::Text(kind)),
        ("name", arena.text(name)),
    ])
}

fn subject<'a>(arena: &'a Arena, account: &str, namespace: &str) -> Node<'a> {
    arena.map([
        ("kind", Node::Text("ServiceAccount")),
        ("name", arena.text(account)),
        ("namespace", arena.text(namespace)),
    ])
}
