//! The standard library: ordinary source inside the binary. Only the modules that a project imports are read.
//!
//! To add a module, add its file to `stdlib/` and its row here.

/// What paths of the standard library begin with.
pub const PREFIX: &str = "std/";

/// Name and text of each module, by name.
const MODULES: &[(&str, &str)] = &[
    ("clock", include_str!("../../stdlib/clock.chaos")),
    ("container", include_str!("../../stdlib/container.chaos")),
    ("disk", include_str!("../../stdlib/disk.chaos")),
    ("dns", include_str!("../../stdlib/dns.chaos")),
    ("http", include_str!("../../stdlib/http.chaos")),
    ("load", include_str!("../../stdlib/load.chaos")),
    ("network", include_str!("../../stdlib/network.chaos")),
    ("node", include_str!("../../stdlib/node.chaos")),
    ("pod", include_str!("../../stdlib/pod.chaos")),
    ("probe", include_str!("../../stdlib/probe.chaos")),
    ("stress", include_str!("../../stdlib/stress.chaos")),
    ("workload", include_str!("../../stdlib/workload.chaos")),
];

/// The names of all modules, sorted.
pub fn modules() -> impl Iterator<Item = &'static str> {
    MODULES.iter().map(|(name, _)| *name)
}

/// The path of a module: `std/network.chaos`.
#[must_use]
pub fn module_path(name: &str) -> String {
    format!("{PREFIX}{name}.chaos")
}

/// The text of a module by its path.
#[must_use]
pub fn module_text(path: &str) -> Option<&'static str> {
    let name = path.strip_prefix(PREFIX)?.strip_suffix(".chaos")?;
    MODULES.iter().find(|(n, _)| *n == name).map(|(_, text)| *text)
}
