//! `perturb demo`: a small real system to break: HTTP services that call each other, and a load.
//!
//! Every part is a process of its own, started by the quickstart's `local` replicas like any other program. The shop asks
//! for a price and for the stock; without `--timeout` it waits for an answer as long as it takes, which is its weakness.

mod load;
mod page;
mod service;

use std::time::Duration;

use super::exit::{Exit, Failure};

/// Parts of a small system to try experiments on
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    part: Part,
}

#[derive(Debug, clap::Subcommand)]
enum Part {
    /// A service that answers GET, and calls others first
    Service(service::Arguments),
    /// Sends requests at a steady rate, and tells what came back on a page of metrics
    Load(load::Arguments),
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    super::world::wait(async {
        match &arguments.part {
            Part::Service(arguments) => service::run(arguments).await,
            Part::Load(arguments) => load::run(arguments).await,
        }
    })??;
    Ok(Exit::Clean)
}

/// A client of its own for each part: no proxy of the environment, connections kept.
fn client() -> Result<reqwest::Client, Failure> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .no_proxy()
        .connect_timeout(Duration::from_secs(1))
        .build()
        .map_err(|error| Failure::new(format!("cannot make requests: {error}")))
}

/// `250ms`, `2s`: as the language writes it.
fn duration(text: &str) -> Result<Duration, String> {
    text.parse::<crate::types::Duration>()
        .map(|d| Duration::from_nanos(d.as_nanos()))
        .map_err(|_| format!("`{text}` is no duration; write for example `250ms`"))
}
