//! Faults of hubs of one's own: a `fault` is declared from the ChaosExperiment.
//!
//! Comes in: a ChaosExperiment that no fault of the library is, and the engine that names it. Goes out: a declaration whose
//! parameters are its variables, and the step that uses it. A manifest says no units and no ranges: a variable whose every
//! value here is a whole number, `true` or `false` gets that type, any other is a text; what the author knows beyond that is
//! for a person to add.

use std::fmt::Write as _;

use super::super::context::{Context, Unsayable};
use super::super::draft::{Call, Container, Form, Step, StepKind, kebab};
use super::super::print::{key, quoted};
use super::super::yaml::{Entry, Node, short};
use super::{
    All, PLUMBING, STEPS, Steps, any_owner, container, nodes, pods, quantity, run_name, seconds, serial, timed,
    variable, variables,
};
use crate::plan::Effect;

/// What every experiment may do in its own namespace, by resource: the compiler gives it to each.
const GRANTED: [&str; 7] =
    ["events", "pods/log", "configmaps", "jobs", "chaosengines", "chaosexperiments", "chaosresults"];

/// Declares the fault, and uses it.
pub(super) fn steps(
    cx: &mut Context<'_>,
    all: All<'_>,
    definition: &Node,
    root: &Node,
    spec: &Node,
    entry: &Node,
) -> Result<Steps, Unsayable> {
    let named = entry.word("name").to_owned();
    let env = variables(Some(definition), entry);
    let of_hub = variables(Some(definition), &Node { value: super::Value::Null, ..entry.clone() });
    let lasts = seconds(&env, "TOTAL_CHAOS_DURATION")?.is_some_and(|d| !d.is_zero());
    let effect = if lasts { Effect::Lasting } else { Effect::Instant };
    let on_nodes = ["TARGET_NODE", "TARGET_NODES"].iter().find(|name| lists(definition, name)).copied();
    let known = cx.draft.faults.iter().find(|f| f.of == named).map(|f| f.name.clone());
    let name = match known {
        Some(name) => name,
        None => {
            let given: Vec<Entry> = all.entries_of(&named).flat_map(|entry| variables(None, entry)).collect();
            declare(cx, definition, &named, &of_hub, &given, effect, on_nodes)?
        }
    };
    let namespace = root.at(&["metadata", "namespace"]).and_then(Node::scalar).unwrap_or("default").to_owned();
    let (text, service) = if on_nodes.is_some() {
        let target = nodes(cx, spec, &env, &namespace, entry.span)?;
        (target.text, target.service)
    } else {
        let mut service = pods(spec, &env, &namespace, entry.span)?;
        service.container = container(&env, Container::First);
        let quantity = quantity(&env, "PODS_AFFECTED_PERC", !service.names.is_empty())?;
        let service = cx.draft.service(&service);
        (format!("{quantity} of {service}.pods"), service)
    };
    let lost = serial(cx, &env, &text)?;
    any_owner(cx, spec, &text);
    let mut arguments = vec![text];
    let mut spans = Vec::new();
    for e in env.iter().filter(|e| is_its_own(e)) {
        let default = variable(&of_hub, &e.key).and_then(Node::scalar);
        if !lists(definition, &e.key) {
            return Err(Unsayable::new(e.at, format!("`{}` is no variable of `{named}`", e.key))
                .why("its ChaosExperiment does not list it, so that nobody knows whether it is read")
                .help("list it there"));
        }
        spans.push(e.at);
        if default != e.value.scalar() {
            let known = cx.draft.faults.iter().find(|f| f.of == named);
            let form = known.map_or(Form::Text, |f| f.form(&e.key));
            arguments.push(format!("{}: {}", kebab(&e.key), form.spell(e.value.scalar().unwrap_or_default())));
        }
    }
    let call = Call { fault: name, arguments };
    let ramp = seconds(&env, "RAMP_TIME")?.filter(|d| !d.is_zero());
    let mut steps: Vec<Step> = lost.into_iter().map(|line| StepKind::Lost(line).step()).collect();
    steps.extend(ramp.map(|d| StepKind::Wait(d).step()));
    steps.push(timed(&env, call, effect, entry.span)?.step());
    steps.extend(ramp.map(|d| StepKind::Wait(d).step()));
    Ok((steps, service, spans))
}

/// Whether a ChaosExperiment has a variable, filled in or not.
fn lists(definition: &Node, name: &str) -> bool {
    let env = definition.at(&["spec", "definition", "env"]).map_or(&[][..], Node::items);
    env.iter().any(|v| v.word("name") == name)
}

fn is_its_own(e: &Entry) -> bool {
    !PLUMBING.contains(&e.key.as_str()) && !STEPS.contains(&e.key.as_str())
}

/// The declaration; the name of the fault.
fn declare(
    cx: &mut Context<'_>,
    definition: &Node,
    named: &str,
    of_hub: &[Entry],
    given: &[Entry],
    effect: Effect,
    on_nodes: Option<&str>,
) -> Result<String, Unsayable> {
    let body = definition.get("spec").and_then(|s| s.get("definition"));
    let body = body.ok_or_else(|| {
        Unsayable::new(definition.span.before(), format!("the ChaosExperiment `{named}` has no `definition`")).wrong()
    })?;
    let image = body.get("image").and_then(Node::scalar).unwrap_or_default().to_owned();
    if image.is_empty() {
        return Err(Unsayable::new(body.span.before(), format!("`{named}` has no `image`"))
            .why("nobody knows where its code is")
            .wrong());
    }
    let program =
        body.get("args").map_or(&[][..], Node::items).iter().filter_map(Node::scalar).find(|a| a.contains("-name "));
    let python = program.is_some_and(|line| line.starts_with("python3 -u experiment -name "));
    let Some(run) =
        run_name(definition).filter(|_| python || program.is_some_and(|l| l.starts_with("./experiments -name ")))
    else {
        let at = body.get("args").or(body.get("command")).map_or(body.span.before(), |n| n.span);
        return Err(Unsayable::new(at, format!("`{named}` is not started as Litmus' own experiments are"))
            .why("what is compiled starts `./experiments -name NAME`, or `python3 -u experiment -name NAME`")
            .help("give its image one of these"));
    };
    if let Some(maps) = body.entry("configMaps").filter(|e| !e.value.is_empty()) {
        return Err(Unsayable::new(maps.at, "ConfigMaps that an experiment mounts have no equivalent")
            .help("put them into its image, or into a Secret"));
    }
    let permissions = permissions(body)?;
    let name = cx.draft.name(named);
    let (mut parameters, mut env) = (String::new(), String::new());
    let (mut secret_env, mut seen, mut forms) = (String::new(), Vec::new(), Vec::new());
    for node in body.get("env").map_or(&[][..], Node::items) {
        let variable_name = node.word("name");
        let own = Entry { key: variable_name.to_owned(), at: node.span, value: node.clone() };
        if !is_its_own(&own) || seen.contains(&own.key) {
            continue;
        }
        seen.push(own.key.clone());
        if let Some(secret) = node.at(&["valueFrom", "secretKeyRef"]) {
            if secret.word("key") != variable_name {
                return Err(Unsayable::new(secret.span, "a key of a Secret that is not called like its variable"));
            }
            let _ = writeln!(secret_env, "      {}: {}", key(variable_name), quoted(secret.word("name")));
            continue;
        }
        if let Some(from) = node.get("valueFrom") {
            return Err(Unsayable::new(from.span, format!("where `{variable_name}` comes from has no equivalent")));
        }
        let default = variable(of_hub, variable_name).and_then(Node::scalar).unwrap_or_default();
        let parameter = kebab(variable_name);
        let values = given.iter().filter(|e| e.key == variable_name).filter_map(|e| e.value.scalar());
        let form = Form::of([default].into_iter().chain(values));
        let _ = writeln!(parameters, "  {parameter}: {} = {}", form.type_name(), form.spell(default));
        forms.push((variable_name.to_owned(), form));
        let _ = writeln!(env, "      {}: {parameter}", key(variable_name));
    }
    let word = if effect == Effect::Lasting { "lasting" } else { "instant" };
    let mut text = format!(
        "/// Litmus' `{named}`, of a hub of your own. Manifests know no units: give the parameters units, ranges and \
         words.\nfault {name}(\n  on: {}\n{parameters}) {{\n  effect: {word}, mechanism: {}\n  engine litmus {{\n    \
         fault: {}\n",
        if on_nodes.is_some() { "Nodes" } else { "Pods" },
        quoted(named),
        quoted(named),
    );
    let mut field = |name: &str, value: &str| {
        let _ = writeln!(text, "    {name}: {value}");
    };
    if run != named {
        field("run", &quoted(&run));
    }
    field("image", &quoted(&image));
    if python {
        field("runner", "python");
    }
    if on_nodes == Some("TARGET_NODES") {
        field("many-nodes", "true");
    }
    if body.word("scope").eq_ignore_ascii_case("cluster") {
        field("cluster-wide", "true");
    }
    match permissions {
        Some(rules) => field("permissions", &rules),
        None => field("access", "none"),
    }
    if !env.is_empty() {
        field("env", &format!("{{\n{env}    }}"));
    }
    if !secret_env.is_empty() {
        field("secret-env", &format!("{{\n{secret_env}    }}"));
    }
    let secrets = body.get("secrets").map_or(&[][..], Node::items);
    let secrets: Vec<String> = secrets
        .iter()
        .map(|s| format!("{{ name: {}, path: {} }}", quoted(s.word("name")), quoted(s.word("mountPath"))))
        .collect();
    if !secrets.is_empty() {
        field("secrets", &format!("[{}]", secrets.join(", ")));
    }
    text.push_str("  }\n}\n");
    cx.draft.faults.push(super::super::draft::OwnFault { name: name.clone(), of: named.to_owned(), forms, text });
    Ok(name)
}

/// What it may do beside what every experiment may.
fn permissions(body: &Node) -> Result<Option<String>, Unsayable> {
    let texts = |node: &Node, key: &str| -> Vec<String> {
        node.get(key).map_or(&[][..], Node::items).iter().filter_map(Node::scalar).map(str::to_owned).collect()
    };
    let list = |all: &[String]| all.iter().map(|t| quoted(t)).collect::<Vec<_>>().join(", ");
    let mut rules = Vec::new();
    for rule in body.get("permissions").map_or(&[][..], Node::items) {
        if let Some(other) =
            rule.entries().iter().find(|e| !["apiGroups", "resources", "verbs"].contains(&e.key.as_str()))
        {
            return Err(Unsayable::new(other.at, format!("`{}` of a permission has no equivalent", short(&other.key))));
        }
        let resources: Vec<String> =
            texts(rule, "resources").into_iter().filter(|r| !GRANTED.contains(&r.as_str())).collect();
        if !resources.is_empty() {
            rules.push(format!(
                "      {{ groups: [{}], resources: [{}], verbs: [{}] }}\n",
                list(&texts(rule, "apiGroups")),
                list(&resources),
                list(&texts(rule, "verbs"))
            ));
        }
    }
    Ok((!rules.is_empty()).then(|| format!("[\n{}    ]", rules.concat())))
}
