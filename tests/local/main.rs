//! The local engine and the probes, with real processes and sockets. One binary, apart from the others: these take time.

mod drive;
mod probes;
mod proxy;
mod support;
mod toxiproxy;
