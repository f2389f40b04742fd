//! Samples: one question to one source, one value of the stream's type, or why there is none.
//!
//! Comes in: a plan's [`Stream`]. Goes out: an [`Answer`], a value of the stream's own type, or [`Missing`], which says why in words.
//! Nothing here waits longer than the stream's `timeout`, and nothing is guessed: what is not exactly one finite value of the
//! type is missing. Secrets are looked up for each question, and live in a type that cannot be printed.

#![expect(clippy::disallowed_methods, reason = "the edge: probes ask the network, programs and the clock")]

mod command;
mod convert;
mod http;
mod net;
mod objective;
mod prometheus;
mod scrape;
pub mod secret;
#[cfg(test)]
mod tests;
mod tls;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use smol_str::SmolStr;

use self::http::{Clients, Get};
use self::scrape::History;
use self::secret::Secrets;
use crate::engine::local::drive::LocalDriver;
use crate::plan::{Cluster, KubernetesFact, PodSelector, ProcessSelector, Source, Stream};
use crate::runtime::machine::Answer;
use crate::types::Decimal;

/// Why there is no sample. Never holds a secret, nor an address with one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Missing(pub String);

impl Missing {
    fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// As people may read it anywhere. Servers and programs choose words of it, and a terminal obeys what it is sent.
    fn legible(self) -> Self {
        let shown = |c: char| if c.is_control() { c.escape_default().collect() } else { c.to_string() };
        Self(self.0.chars().take(MOST_CHARS).map(shown).collect())
    }
}

/// A reason is a line. Longer ones are cut.
const MOST_CHARS: usize = 400;

/// What the Kubernetes API says, asked by whoever speaks to it.
#[async_trait::async_trait]
pub trait KubernetesFacts: Send + Sync {
    /// One fact about these pods: a count, or 0 and 1.
    async fn fact(&self, what: KubernetesFact, pods: &PodSelector) -> Result<Decimal, Missing>;
}

/// Asks for samples, for one run at one place.
pub struct Prober {
    secrets: Arc<dyn Secrets>,
    clients: Result<Clients, Missing>,
    /// The name of the secret with the Prometheus server's token.
    token: Option<SmolStr>,
    local: Option<Arc<LocalDriver>>,
    kubernetes: Option<Arc<dyn KubernetesFacts>>,
    /// Pages of metrics that were read before, for how they grew.
    histories: Mutex<BTreeMap<String, History>>,
    /// How often replicas had been started again when they were first looked at.
    restarts: Mutex<BTreeMap<String, u32>>,
    begun: Instant,
}

impl Prober {
    /// A prober for a run that begins now.
    #[must_use]
    pub fn new(secrets: Arc<dyn Secrets>) -> Self {
        Self {
            secrets,
            clients: http::clients(&[]),
            token: None,
            local: None,
            kubernetes: None,
            histories: Mutex::default(),
            restarts: Mutex::default(),
            begun: Instant::now(),
        }
    }

    /// Takes the token that a cluster names for its Prometheus.
    #[must_use]
    pub fn for_cluster(mut self, cluster: &Cluster) -> Self {
        self.token.clone_from(&cluster.token);
        self
    }

    /// Can look at processes of this machine.
    #[must_use]
    pub fn with_local(mut self, local: Arc<LocalDriver>) -> Self {
        self.local = Some(local);
        self
    }

    /// Can ask Kubernetes.
    #[must_use]
    pub fn with_kubernetes(mut self, kubernetes: Arc<dyn KubernetesFacts>) -> Self {
        self.kubernetes = Some(kubernetes);
        self
    }

    /// Also trusts these certificate authorities, each in PEM. Those of the system are trusted in any case.
    #[must_use]
    pub fn trusting(mut self, authorities: &[Vec<u8>]) -> Self {
        self.clients = http::clients(authorities);
        self
    }

    /// One sample.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn sample(&self, stream: &Stream) -> Result<Answer, Missing> {
        let timeout = Duration::from_nanos(stream.timeout.as_nanos());
        match tokio::time::timeout(timeout, self.ask(stream)).await {
            Ok(Ok(Answer { value, because })) => {
                Ok(Answer { value, because: because.map(|because| Missing(because).legible().0) })
            }
            Ok(Err(missing)) => Err(missing.legible()),
            Err(_) => Answer::silence(stream).map_err(Missing),
        }
    }

    async fn ask(&self, stream: &Stream) -> Result<Answer, Missing> {
        let number = |number: Decimal| convert::value(number, stream.unit, &stream.of_type).map(Answer::from);
        match &stream.source {
            Source::Prometheus { server, query } => number(self.prometheus(server.as_ref(), query).await?),
            Source::Json { url, pointer, token, headers } => {
                number(self.json(Get { url, token: token.as_ref(), headers }, pointer).await?)
            }
            Source::Http { url, answer, token, headers } => {
                self.http(Get { url, token: token.as_ref(), headers }, answer, stream).await
            }
            Source::Tls { url } => convert::duration(tls::time_left(url).await?, &stream.of_type).map(Answer::from),
            Source::Scrape { url, name, labels, among, answer, token, headers } => {
                let page = self.text(Get { url, token: token.as_ref(), headers }).await?;
                let now = scrape::read(&page, name)?;
                let window = stream.window.map(|w| Duration::from_nanos(w.as_nanos()));
                let mut histories = lock(&self.histories);
                let history = histories.entry(format!("{url} {name}")).or_default();
                number(history.look(now, labels, among, *answer, window, Instant::now())?)
            }
            Source::Tcp { address, answer } => net::tcp(address, *answer, &stream.of_type).await,
            Source::Dns { name, server, answer } => net::dns(name, server.as_deref(), *answer, &stream.of_type).await,
            Source::Command { command, answer } => command::sample(command, *answer, stream).await,
            Source::Processes { what, of } => number(self.processes(*what, of).await?),
            Source::Kubernetes { what, pods } => match &self.kubernetes {
                Some(kubernetes) => number(kubernetes.fact(*what, pods).await?),
                None => Err(Missing::new("nobody here speaks to Kubernetes")),
            },
            Source::Objective { what, indicator, indicator_unit, objective, window, .. } => {
                let asked = objective::Asked {
                    what: *what,
                    unit: *indicator_unit,
                    objective: objective.0,
                    window: *window,
                    over: stream.window,
                    running: self.begun.elapsed(),
                };
                number(self.objective(indicator, &asked).await?)
            }
        }
    }

    async fn processes(&self, what: KubernetesFact, of: &ProcessSelector) -> Result<Decimal, Missing> {
        let Some(local) = &self.local else { return Err(Missing::new("nobody here holds the local system")) };
        let look = local.look().await.map_err(|error| Missing(error.to_string()))?;
        let mine: Vec<_> = look
            .replicas
            .iter()
            .filter(|r| r.service == of.service)
            .filter(|r| of.names.is_empty() || of.names.iter().any(|n| n.as_str() == r.name))
            .collect();
        if mine.is_empty() {
            return Err(Missing(format!("no replica of `{}` is known here", of.service)));
        }
        match what {
            KubernetesFact::ReadyPods => Ok(Decimal::from(mine.iter().filter(|r| r.not_ready.is_none()).count())),
            KubernetesFact::RolledOut => Ok(Decimal::from(u8::from(mine.iter().all(|r| r.not_ready.is_none())))),
            KubernetesFact::Restarts => {
                let mut first = lock(&self.restarts);
                let since = mine.iter().map(|r| {
                    let known = first.entry(format!("{}/{}", r.service, r.name)).or_insert(r.restarts);
                    // Fewer than before: another keeper, which counts from its own start.
                    if r.restarts < *known {
                        *known = 0;
                    }
                    u64::from(r.restarts - *known)
                });
                Ok(Decimal::from(since.sum::<u64>()))
            }
            KubernetesFact::ReadyZones => Err(Missing::new("one machine has no zones")),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
