//! The local engine and the probes, with real processes and sockets. One binary, apart from the others: these take time.

mod alone;
mod damaged;
mod drive;
mod kernel;
mod limits;
mod names;
mod orphans;
mod probes;
#[path = "../support/prometheus.rs"]
#[allow(dead_code, reason = "shared with tests/cluster, which needs more of it")]
mod prometheus;
mod proxy;
mod recovery;
mod run;
mod support;
mod toxiproxy;
