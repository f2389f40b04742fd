//! How GitOps tools read the gate's verdict: Chaos Mesh has no failed state, and calls every Workflow "accomplished".
//!
//! Goes out: a patch of Argo CD's ConfigMap with Lua, or of a Flux Kustomization with CEL. Both read the annotation that
//! the gate writes: none yet is "progressing", `confirmed` is "healthy", every other word is "degraded".

use crate::manifest::{Arena, Node};

use super::constants::{API_VERSION, PLAN_ANNOTATION, REASON_ANNOTATION, VERDICT_ANNOTATION};

/// Whose health check.
#[derive(Debug, Clone, Copy)]
pub enum HealthFor<'n> {
    /// Argo CD: the keys to merge into `argocd-cm` in this namespace.
    ArgoCd {
        /// Argo CD's namespace.
        namespace: &'n str,
    },
    /// Flux: a patch of this Kustomization.
    Flux {
        /// The Kustomization's name.
        name: &'n str,
        /// Its namespace.
        namespace: &'n str,
    },
}

/// The health check of a tool, as one document.
#[must_use]
pub fn health<'a>(tool: HealthFor<'a>, arena: &'a Arena) -> Node<'a> {
    match tool {
        HealthFor::ArgoCd { namespace } => argo_cd(namespace, arena),
        HealthFor::Flux { name, namespace } => flux(name, namespace, arena),
    }
}

fn argo_cd<'a>(namespace: &'a str, arena: &'a Arena) -> Node<'a> {
    let workflow = arena.format(format_args!(
        "local health = {{}}
local notes = (obj.metadata and obj.metadata.annotations) or {{}}
local verdict = notes[\"{VERDICT_ANNOTATION}\"]
if notes[\"{PLAN_ANNOTATION}\"] == nil and verdict == nil then
  health.status = \"Healthy\"
  health.message = \"not an experiment of Perturb\"
elseif verdict == nil then
  health.status = \"Progressing\"
  health.message = \"no verdict yet\"
elseif verdict == \"confirmed\" then
  health.status = \"Healthy\"
  health.message = verdict
else
  health.status = \"Degraded\"
  health.message = verdict .. \": \" .. (notes[\"{REASON_ANNOTATION}\"] or \"no reason given\")
end
return health
"
    ));
    let schedule = Node::Text(
        "local health = {}
local notes = (obj.metadata and obj.metadata.annotations) or {}
if notes[\"experiment.chaos-mesh.org/pause\"] == \"true\" then
  health.status = \"Suspended\"
  health.message = \"paused\"
else
  health.status = \"Healthy\"
end
return health
",
    );
    arena.map([
        ("apiVersion", Node::Text("v1")),
        ("kind", Node::Text("ConfigMap")),
        (
            "metadata",
            arena.map([
                ("name", Node::Text("argocd-cm")),
                ("namespace", Node::Text(namespace)),
                ("labels", arena.map([("app.kubernetes.io/part-of", Node::Text("argocd"))])),
            ]),
        ),
        (
            "data",
            arena.map([
                ("resource.customizations.health.chaos-mesh.org_Workflow", workflow),
                ("resource.customizations.health.chaos-mesh.org_Schedule", schedule),
            ]),
        ),
    ])
}

fn flux<'a>(name: &'a str, namespace: &'a str, arena: &'a Arena) -> Node<'a> {
    // A field that is not there makes Flux wait until its time-out: every access is guarded.
    let told = format!("has(metadata.annotations) && '{VERDICT_ANNOTATION}' in metadata.annotations");
    let verdict = format!("metadata.annotations['{VERDICT_ANNOTATION}']");
    let check = arena.map([
        ("apiVersion", Node::Text(API_VERSION)),
        ("kind", Node::Text("Workflow")),
        ("inProgress", arena.format(format_args!("!({told})"))),
        ("failed", arena.format(format_args!("{told} && {verdict} != 'confirmed'"))),
        ("current", arena.format(format_args!("{told} && {verdict} == 'confirmed'"))),
    ]);
    arena.map([
        ("apiVersion", Node::Text("kustomize.toolkit.fluxcd.io/v1")),
        ("kind", Node::Text("Kustomization")),
        ("metadata", arena.map([("name", Node::Text(name)), ("namespace", Node::Text(namespace))])),
        ("spec", arena.map([("healthCheckExprs", arena.list([check]))])),
    ])
}
