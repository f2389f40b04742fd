//! What this program can reach: the engines that it drives itself, and the sources that it samples.

use std::sync::Arc;

use crate::engine::drive::Driver;
use crate::plan::Stream;
use crate::runtime::drive::Sampler;
use crate::types::Value;

/// Every engine that can be driven from this machine.
pub(super) fn drivers() -> Vec<Arc<dyn Driver>> {
    Vec::new()
}

/// Where samples come from.
pub(super) fn sampler() -> Arc<dyn Sampler> {
    Arc::new(Nothing)
}

/// No source can be sampled by this build.
struct Nothing;

#[async_trait::async_trait]
impl Sampler for Nothing {
    async fn sample(&self, stream: &Stream) -> Result<Value, String> {
        Err(format!("`{}` cannot be sampled from here", stream.metric))
    }
}
