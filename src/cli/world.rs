//! What this program can reach: the engines that it drives itself, and the sources that it samples.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::exit::Failure;
use crate::engine::drive::Driver;
use crate::engine::local::drive::LocalDriver;
use crate::engine::toxiproxy::drive::ToxiproxyDriver;
use crate::plan::{Cluster, EngineName, Stream};
use crate::runtime::drive::Sampler;
use crate::runtime::machine::Answer;
use crate::runtime::probes::Prober;
use crate::runtime::probes::secret::FromEnvironment;

/// The engine of this machine, for the project that a file belongs to.
pub(super) fn local(file: &Path) -> Result<Arc<LocalDriver>, Failure> {
    let program = std::env::current_exe().map_err(|e| Failure::new(format!("cannot find this program: {e}")))?;
    Ok(Arc::new(LocalDriver::new(&project_of(file), &program)))
}

/// The folder that relative paths of `local` replicas begin at.
pub(super) fn project_of(file: &Path) -> PathBuf {
    let whole = file.canonicalize().unwrap_or_else(|_| file.to_owned());
    let folder = if whole.is_dir() { whole } else { whole.parent().map_or_else(|| PathBuf::from("."), Path::to_owned) };
    folder.ancestors().find(|f| f.join("perturb.toml").is_file()).map_or_else(|| folder.clone(), Path::to_owned)
}

/// The names of [`drivers`].
pub(super) const DRIVABLE: [EngineName; 2] = [EngineName::Local, EngineName::Toxiproxy];

/// Every engine that can be driven from this machine.
pub(super) fn drivers(local: &Arc<LocalDriver>) -> Vec<Arc<dyn Driver>> {
    vec![local.clone(), Arc::new(ToxiproxyDriver::new())]
}

/// Waits for what is asked of the world outside of a run, on this thread alone.
///
/// # Errors
/// The system gives no runtime, and nothing was asked.
pub(super) fn wait<T>(asked: impl Future<Output = T>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Failure::new(format!("cannot begin: {e}")))?;
    Ok(runtime.block_on(asked))
}

/// Gives the local system back once a run has ended: what was started for it ends.
pub(super) fn release(local: &Arc<LocalDriver>) -> Result<(), Failure> {
    wait(local.release())?.map_err(|e| Failure::new(format!("cannot give the local system back: {e}")))
}

/// Where samples come from.
pub(super) fn sampler(local: &Arc<LocalDriver>, cluster: &Cluster) -> Arc<dyn Sampler> {
    let prober = Prober::new(Arc::new(FromEnvironment::default())).for_cluster(cluster).with_local(local.clone());
    Arc::new(Probes(prober))
}

/// The probes, as the runtime asks them.
struct Probes(Prober);

#[async_trait::async_trait]
impl Sampler for Probes {
    async fn sample(&self, stream: &Stream) -> Result<Answer, String> {
        self.0.sample(stream).await.map_err(|missing| missing.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_driven_is_what_the_compiler_says() {
        let told: Vec<EngineName> = EngineName::ALL.into_iter().filter(|e| e.is_local()).collect();
        assert_eq!(told, DRIVABLE);
        let local = local(Path::new(".")).unwrap();
        assert_eq!(drivers(&local).iter().map(|d| d.engine()).collect::<Vec<_>>(), DRIVABLE);
    }
}
