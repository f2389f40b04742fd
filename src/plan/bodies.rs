//! The fields of engine bodies whose engine takes no others: what `check` knows before anything is evaluated and an engine
//! reads afterwards. What each means is written where it is read (`engine/litmus/body.rs`).

/// Fields of an `engine chaos-mesh` body.
pub const CHAOS_MESH_BODY: &[&str] = &["kind", "spec", "mechanism"];

/// Fields of an `engine litmus` body.
pub const LITMUS_BODY: &[&str] = &[
    "fault",
    "run",
    "env",
    "access",
    "permissions",
    "cluster-wide",
    "mounts-runtime",
    "many-nodes",
    "node-label",
    "owners",
    "targetless",
    "affects",
    "secrets",
    "secret-env",
    "runner",
    "hub",
    "image",
    "mechanism",
];

/// What a Litmus fault may touch: the classes of permissions of its hub, words of `access`.
pub const LITMUS_ACCESS: &[&str] =
    &["workloads", "nodes", "drain", "taint", "scale", "network-policies", "secrets", "exec", "none"];
