//! The objects of a plan's own gate: `perturb gate` in two replicas, with the rights that this plan needs and no more.
//!
//! Comes in: the plan and what the gate must know of it. Goes out: ServiceAccount, ConfigMap (immutable, the plan without
//! its places in the source and [`GateConfig`]), Roles and bindings in the Workflow's namespace and in each target's, Service, Deployment,
//! PodDisruptionBudget, NetworkPolicy, in an order in which they can be applied.
//!
//! Rights: Chaos Mesh's auth webhook also judges the gate's patches, as `update` (before 2.8 `create`) on `workflow`, in
//! the singular, and on each kind of fault, in every namespace that the selectors name. Streams that ask the Kubernetes
//! API need to read there. A secret `NAME` of the plan is the Secret `NAME` with the key `token` beside the gate.

use std::collections::BTreeSet;

use crate::engine::{EmitOptions, Sink};
use crate::manifest::Node;
use crate::plan::{KubernetesFact, Selector, SentText, Source};

use super::check::for_each_draw;
use super::constants::{API_GROUP, GATE_FOLDER, GATE_LABEL, GATE_PORT, GATE_SECRETS, gate_image};
use super::context::Context;
use super::gate::GateConfig;
use super::names::Names;
use super::object::{self, Expressed};

/// What of the Kubernetes API the plan's streams read, and of which namespaces.
#[derive(Default)]
struct Reads<'a> {
    pods: BTreeSet<&'a str>,
    workloads: BTreeSet<&'a str>,
    zones: bool,
    secrets: BTreeSet<&'a str>,
}

/// Builds and hands out every object.
pub(super) fn emit<'a>(
    cx: &Context<'a>,
    names: Names<'a>,
    faults: &[Option<Expressed<'a>>],
    config: &GateConfig,
    options: &'a EmitOptions,
    out: &mut Sink<'_>,
) {
    let objects = Objects { cx, names, config, options, reads: reads(cx), targets: targets(cx, faults) };
    out(&objects.account());
    out(&objects.config());
    for (role, binding) in objects.roles() {
        out(&role);
        out(&binding);
    }
    out(&objects.service());
    out(&objects.deployment());
    out(&objects.disruption_budget());
    out(&objects.network_policy());
}

/// The labels of the gate's pods.
pub(super) fn pod_labels<'a>(names: Names<'a>) -> [(&'a str, &'a str); 4] {
    [
        ("app.kubernetes.io/name", "perturb-gate"),
        ("app.kubernetes.io/component", "gate"),
        ("app.kubernetes.io/managed-by", "perturb"),
        (GATE_LABEL, names.gate),
    ]
}

/// Every namespace that a selector of the emitted objects names.
fn targets<'a>(cx: &Context<'a>, faults: &[Option<Expressed<'a>>]) -> BTreeSet<&'a str> {
    let mut draws = BTreeSet::new();
    for of in faults.iter().flatten() {
        draws.insert(of.fault.target);
        for_each_draw(of.spec, &mut |draw| {
            draws.insert(draw);
        });
    }
    draws
        .into_iter()
        .filter_map(|d| cx.draw(d))
        .filter_map(|d| match &d.selector {
            Selector::Pods(pods) => Some(pods),
            _ => None,
        })
        .flat_map(|pods| pods.namespaces.iter().map(|n| n.as_str()))
        .collect()
}

/// What the streams read.
fn reads<'a>(cx: &Context<'a>) -> Reads<'a> {
    let mut reads = Reads::default();
    for stream in &cx.plan.streams {
        read(cx, &stream.source, &mut reads);
    }
    reads
}

fn read<'a>(cx: &Context<'a>, source: &'a Source, reads: &mut Reads<'a>) {
    match source {
        Source::Prometheus { .. } => reads.secrets.extend(cx.plan.place.cluster.token.as_deref()),
        Source::Json { token, headers, .. }
        | Source::Http { token, headers, .. }
        | Source::Scrape { token, headers, .. } => {
            reads.secrets.extend(token.as_deref());
            reads.secrets.extend(headers.iter().filter_map(|header| match &header.value {
                SentText::Secret(name) => Some(name.as_str()),
                SentText::Text(_) => None,
            }));
        }
        Source::Tls { .. }
        | Source::Tcp { .. }
        | Source::Dns { .. }
        | Source::Command { .. }
        | Source::Processes { .. } => {}
        Source::Objective { indicator, .. } => read(cx, indicator, reads),
        Source::Kubernetes { what, pods } => {
            let namespaces = pods.namespaces.iter().map(|n| n.as_str());
            reads.pods.extend(namespaces.clone());
            match what {
                KubernetesFact::ReadyZones => reads.zones = true,
                KubernetesFact::RolledOut => reads.workloads.extend(namespaces),
                KubernetesFact::ReadyPods | KubernetesFact::Restarts => {}
            }
        }
    }
}

struct Objects<'a, 'c> {
    cx: &'c Context<'a>,
    names: Names<'a>,
    config: &'c GateConfig,
    options: &'a EmitOptions,
    reads: Reads<'a>,
    targets: BTreeSet<&'a str>,
}

impl<'a> Objects<'a, '_> {
    fn namespace(&self) -> &'a str {
        &self.cx.plan.place.cluster.chaos_namespace
    }

    fn texts(&self, items: &[&'a str]) -> Node<'a> {
        self.cx.arena.list(items.iter().map(|t| Node::Text(t)))
    }

    /// `{ apiVersion, kind, metadata, … }`.
    fn object(
        &self,
        api_version: &'a str,
        kind: &'a str,
        (name, namespace): (&'a str, &'a str),
        rest: &[(&'a str, Node<'a>)],
    ) -> Node<'a> {
        let labels = [("app.kubernetes.io/component", Node::Text("gate"))];
        let metadata = object::metadata(self.cx, self.names, name, namespace, &labels, &[]);
        let head = [("apiVersion", Node::Text(api_version)), ("kind", Node::Text(kind)), ("metadata", metadata)];
        self.cx.arena.map(head.into_iter().chain(rest.iter().copied()))
    }

    fn here(&self) -> (&'a str, &'a str) {
        (self.names.gate, self.namespace())
    }

    fn pod_labels(&self) -> Node<'a> {
        self.cx.arena.map(pod_labels(self.names).map(|(k, v)| (k, Node::Text(v))))
    }

    fn pod_selector(&self) -> Node<'a> {
        let arena = self.cx.arena;
        arena.map([("matchLabels", arena.map([(GATE_LABEL, Node::Text(self.names.gate))]))])
    }

    fn account(&self) -> Node<'a> {
        self.object("v1", "ServiceAccount", self.here(), &[("automountServiceAccountToken", Node::Bool(false))])
    }

    fn config(&self) -> Node<'a> {
        let arena = self.cx.arena;
        // The name is made from the plan's digest, and what bears it can never be changed: so it holds what the digest covers.
        // Plain data with text keys, which always serialises.
        let plan = serde_json::to_string(&self.cx.plan.without_places()).unwrap_or_default();
        let config = serde_json::to_string(self.config).unwrap_or_default();
        let data = arena.map([("gate.json", arena.text(&config)), ("plan.json", arena.text(&plan))]);
        self.object("v1", "ConfigMap", self.here(), &[("immutable", Node::Bool(true)), ("data", data)])
    }

    /// A rule of a Role.
    fn rule(&self, group: &'a str, resources: &[&'a str], verbs: &[&'a str]) -> Node<'a> {
        self.cx.arena.map([
            ("apiGroups", self.texts(&[group])),
            ("resources", self.texts(resources)),
            ("verbs", self.texts(verbs)),
        ])
    }

    /// A role of a name in a namespace (none: a ClusterRole), bound to the gate's account.
    fn bound(&self, name: &'a str, namespace: Option<&'a str>, rules: Vec<Node<'a>>) -> (Node<'a>, Node<'a>) {
        const RBAC: &str = "rbac.authorization.k8s.io";
        let arena = self.cx.arena;
        let (role_kind, binding_kind) =
            if namespace.is_some() { ("Role", "RoleBinding") } else { ("ClusterRole", "ClusterRoleBinding") };
        let reference =
            arena.map([("apiGroup", Node::Text(RBAC)), ("kind", Node::Text(role_kind)), ("name", Node::Text(name))]);
        let subject = arena.map([
            ("kind", Node::Text("ServiceAccount")),
            ("name", Node::Text(self.names.gate)),
            ("namespace", Node::Text(self.namespace())),
        ]);
        let api_version = "rbac.authorization.k8s.io/v1";
        let at = (name, namespace.unwrap_or_default());
        (
            self.object(api_version, role_kind, at, &[("rules", arena.list(rules))]),
            self.object(api_version, binding_kind, at, &[("roleRef", reference), ("subjects", arena.list([subject]))]),
        )
    }

    /// The rights: here, in each target's namespace, and of the cluster where zones are counted.
    fn roles(&self) -> Vec<(Node<'a>, Node<'a>)> {
        let arena = self.cx.arena;
        let kinds: Vec<&'a str> = self.config.resources.iter().map(|r| arena.str(r)).collect();
        let here = vec![
            self.rule(API_GROUP, &["workflows"], &["get", "list", "watch", "patch"]),
            self.rule(API_GROUP, &["workflows/status"], &["patch"]),
            self.rule(API_GROUP, &["workflownodes"], &["list", "watch"]),
            self.rule(API_GROUP, &kinds, &["list", "watch", "patch"]),
            self.rule("", &["events"], &["create"]),
        ];
        let mut all = vec![self.bound(self.names.gate, Some(self.namespace()), here)];
        let elsewhere: BTreeSet<&'a str> =
            self.targets.iter().chain(&self.reads.pods).chain(&self.reads.workloads).copied().collect();
        for namespace in elsewhere {
            let mut rules = Vec::with_capacity(3);
            if self.targets.contains(namespace) {
                // The singular exists only for the webhook's review.
                let reviewed: Vec<&'a str> = std::iter::once("workflow").chain(kinds.iter().copied()).collect();
                rules.push(self.rule(API_GROUP, &reviewed, &["create", "update"]));
            }
            if self.reads.pods.contains(namespace) {
                rules.push(self.rule("", &["pods"], &["get", "list", "watch"]));
            }
            if self.reads.workloads.contains(namespace) {
                let owners = ["deployments", "replicasets", "statefulsets", "daemonsets"];
                rules.push(self.rule("apps", &owners, &["get", "list", "watch"]));
            }
            all.push(self.bound(self.names.gate_target, Some(namespace), rules));
        }
        if self.reads.zones {
            // A pod does not say its zone, its node does.
            let rules = vec![self.rule("", &["nodes"], &["get", "list", "watch"])];
            all.push(self.bound(self.names.gate, None, rules));
        }
        all
    }

    fn service(&self) -> Node<'a> {
        let arena = self.cx.arena;
        let port = arena.map([
            ("name", Node::Text("http")),
            ("port", Node::Int(GATE_PORT)),
            ("protocol", Node::Text("TCP")),
            ("targetPort", Node::Text("http")),
        ]);
        let spec = arena
            .map([("selector", arena.map([(GATE_LABEL, Node::Text(self.names.gate))])), ("ports", arena.list([port]))]);
        self.object("v1", "Service", self.here(), &[("spec", spec)])
    }

    fn deployment(&self) -> Node<'a> {
        let arena = self.cx.arena;
        let template = arena.map([("metadata", arena.map([("labels", self.pod_labels())])), ("spec", self.pod())]);
        let update = arena.map([("maxSurge", Node::Int(1)), ("maxUnavailable", Node::Int(0))]);
        let spec = arena.map([
            ("replicas", Node::Int(2)),
            ("selector", self.pod_selector()),
            ("strategy", arena.map([("type", Node::Text("RollingUpdate")), ("rollingUpdate", update)])),
            ("template", template),
        ]);
        self.object("apps/v1", "Deployment", self.here(), &[("spec", spec)])
    }

    fn pod(&self) -> Node<'a> {
        let arena = self.cx.arena;
        let folder = arena
            .map([("name", Node::Text("plan")), ("configMap", arena.map([("name", Node::Text(self.names.gate))]))]);
        let secret = |name: &'a str| {
            arena.map([
                ("name", arena.format(format_args!("secret-{name}"))),
                ("secret", arena.map([("secretName", Node::Text(name))])),
            ])
        };
        let spread = arena.map([
            ("maxSkew", Node::Int(1)),
            ("topologyKey", Node::Text("kubernetes.io/hostname")),
            ("whenUnsatisfiable", Node::Text("ScheduleAnyway")),
            ("labelSelector", self.pod_selector()),
        ]);
        let security = arena.map([
            ("runAsNonRoot", Node::Bool(true)),
            ("runAsUser", Node::Int(65_532)),
            ("runAsGroup", Node::Int(65_532)),
            ("seccompProfile", arena.map([("type", Node::Text("RuntimeDefault"))])),
        ]);
        arena.map([
            ("serviceAccountName", Node::Text(self.names.gate)),
            ("automountServiceAccountToken", Node::Bool(true)),
            ("terminationGracePeriodSeconds", Node::Int(30)),
            ("securityContext", security),
            ("topologySpreadConstraints", arena.list([spread])),
            ("containers", arena.list([self.container()])),
            ("volumes", arena.list(std::iter::once(folder).chain(self.reads.secrets.iter().map(|s| secret(s))))),
        ])
    }

    fn container(&self) -> Node<'a> {
        let arena = self.cx.arena;
        let image = self.options.gate_image.as_deref().unwrap_or(gate_image());
        let mount = |name: Node<'a>, path: Node<'a>| {
            arena.map([("name", name), ("mountPath", path), ("readOnly", Node::Bool(true))])
        };
        let mounts =
            std::iter::once(mount(Node::Text("plan"), Node::Text(GATE_FOLDER))).chain(self.reads.secrets.iter().map(
                |s| mount(arena.format(format_args!("secret-{s}")), arena.format(format_args!("{GATE_SECRETS}/{s}"))),
            ));
        let probe = |path: &'a str, period: i64| {
            let http = arena.map([("path", Node::Text(path)), ("port", Node::Text("http"))]);
            arena.map([("httpGet", http), ("periodSeconds", Node::Int(period)), ("failureThreshold", Node::Int(3))])
        };
        let amounts =
            |cpu: &'a str, memory: &'a str| arena.map([("cpu", Node::Text(cpu)), ("memory", Node::Text(memory))]);
        let security = arena.map([
            ("allowPrivilegeEscalation", Node::Bool(false)),
            ("readOnlyRootFilesystem", Node::Bool(true)),
            ("capabilities", arena.map([("drop", self.texts(&["ALL"]))])),
        ]);
        let port = arena.map([("name", Node::Text("http")), ("containerPort", Node::Int(GATE_PORT))]);
        // Endpoints are taken out of the Service before the process is told to stop; no shell is needed for it.
        let pause = arena.map([("preStop", arena.map([("sleep", arena.map([("seconds", Node::Int(5))]))]))]);
        arena.map([
            ("name", Node::Text("gate")),
            ("image", Node::Text(image)),
            (
                "args",
                arena.list([
                    Node::Text("gate"),
                    arena.format(format_args!("--config={GATE_FOLDER}/gate.json")),
                    arena.format(format_args!("--plan={GATE_FOLDER}/plan.json")),
                    arena.format(format_args!("--secrets={GATE_SECRETS}")),
                    arena.format(format_args!("--listen=0.0.0.0:{GATE_PORT}")),
                ]),
            ),
            ("ports", arena.list([port])),
            ("readinessProbe", probe("/readyz", 2)),
            ("livenessProbe", probe("/healthz", 10)),
            ("lifecycle", pause),
            ("resources", arena.map([("requests", amounts("50m", "64Mi")), ("limits", amounts("500m", "128Mi"))])),
            ("securityContext", security),
            ("volumeMounts", arena.list(mounts)),
        ])
    }

    fn disruption_budget(&self) -> Node<'a> {
        let spec = self.cx.arena.map([("minAvailable", Node::Int(1)), ("selector", self.pod_selector())]);
        self.object("policy/v1", "PodDisruptionBudget", self.here(), &[("spec", spec)])
    }

    /// In: Chaos Mesh's controllers, which make the checks. (Probes of the kubelet come from the node and pass; so do
    /// controllers on the host's network.) Out is left open: nobody can know where metrics and the API server are.
    fn network_policy(&self) -> Node<'a> {
        let arena = self.cx.arena;
        let controllers = arena.map([
            ("namespaceSelector", arena.map([])),
            (
                "podSelector",
                arena.map([(
                    "matchLabels",
                    arena.map([("app.kubernetes.io/component", Node::Text("controller-manager"))]),
                )]),
            ),
        ]);
        let port = arena.map([("port", Node::Text("http")), ("protocol", Node::Text("TCP"))]);
        let ingress = arena.map([("from", arena.list([controllers])), ("ports", arena.list([port]))]);
        let spec = arena.map([
            ("podSelector", self.pod_selector()),
            ("policyTypes", self.texts(&["Ingress"])),
            ("ingress", arena.list([ingress])),
        ]);
        self.object("networking.k8s.io/v1", "NetworkPolicy", self.here(), &[("spec", spec)])
    }
}
