//! What Perturb emits, judged by the engines' own code: Chaos Mesh's admission, a real Kubernetes API server, Chaos Mesh's
//! real controllers; and Litmus by a model of how it reads, as its controllers cannot be had as a library.
//!
//! The engines' code comes as three Go programs of this folder (`cmoracle`, `kubecp`, `cmstack`). `programs.rs` says when
//! they are built and when a test that needs one is skipped, loudly.

mod apply;
mod chaos_mesh;
mod control_plane;
mod emitted;
#[path = "../support/schemas.rs"]
#[allow(dead_code, reason = "shared with tests/it, which needs more of it")]
mod engine_schemas;
mod import;
#[path = "../support/import.rs"]
#[allow(dead_code, reason = "shared with tests/it, which needs more of it")]
mod import_support;
mod litmus;
mod oracle;
mod programs;
#[path = "../support/prometheus.rs"]
mod prometheus;
#[path = "../it/support.rs"]
#[allow(dead_code, reason = "shared with tests/it, which needs more of it")]
mod support;
mod table;
mod traps;
#[path = "../support/uses.rs"]
#[allow(dead_code, reason = "shared with tests/it, which needs more of it")]
mod uses;
