//! `perturb gate`: judges for Chaos Mesh, in the cluster. What `perturb compile` emits starts it.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::compile::read_plan;
use super::exit::{Exit, Failure};
use super::terminal::Terminal;
use crate::engine::chaos_mesh::GateConfig;
use crate::runtime::gate::{Gate, keep};
use crate::runtime::probes::secret::FromEnvironment;

/// Answers the checks of a compiled Workflow: judges its metrics, ends it when a guard fires, says the verdict
///
/// `perturb compile --engine chaos-mesh` emits a Deployment that runs it; nobody else needs to. It finds the API server as a
/// pod does, or by KUBECONFIG. It ends on SIGTERM; what is injected goes on, watched by its other replica and by Chaos Mesh.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// What the compiler says beside the plan: gate.json of the emitted ConfigMap
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The plan: plan.json of the emitted ConfigMap
    #[arg(long, value_name = "FILE")]
    plan: PathBuf,
    /// A folder with a folder for each secret that the plan names, with the file `token` in it
    #[arg(long, value_name = "FOLDER")]
    secrets: Option<PathBuf>,
    /// Where to listen
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
}

pub(super) fn run(arguments: &Arguments, terminal: &Terminal) -> Result<Exit, Failure> {
    let gate = Gate {
        config: read_config(&arguments.config)?,
        plan: read_plan(&arguments.plan)?,
        secrets: Arc::new(FromEnvironment { folder: arguments.secrets.clone() }),
        listen: arguments.listen,
        replica: replica(),
        // Where nobody reads it any more, the gate goes on.
        log: Arc::new(|workflow, line| drop(writeln!(std::io::stderr(), "{} {workflow}: {line}", now()))),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|e| Failure::new(format!("cannot start threads: {e}")))?;
    let ended = runtime.block_on(keep(gate, |at| terminal.say(&format!("{} listens on http://{at}\n", now()))));
    // A probe or a write that hangs is not waited for.
    runtime.shutdown_timeout(std::time::Duration::from_millis(100));
    ended.map(|()| Exit::Clean).map_err(|error| Failure::new(error.to_string()))
}

fn read_config(path: &Path) -> Result<GateConfig, Failure> {
    let bytes = crate::source::disk::read_file(path).map_err(|e| Failure::io("read", path, &e))?;
    serde_json::from_slice(&bytes).map_err(|e| {
        Failure::new(format!("`{}` is no configuration of a gate: {e}", path.display()))
            .help("`perturb compile --engine chaos-mesh` writes it into the ConfigMap of the gate, as gate.json")
    })
}

/// What tells this replica from the other: the pod's name, which an annotation's key could not hold.
fn replica() -> String {
    let host = std::env::var("HOSTNAME").ok().filter(|name| !name.is_empty());
    let host = host.or_else(|| std::fs::read_to_string("/proc/sys/kernel/hostname").ok());
    let digest = Sha256::digest(host.unwrap_or_default().trim());
    digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
