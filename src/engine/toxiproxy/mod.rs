//! The engine `toxiproxy`: drives a Toxiproxy server that runs already, over its HTTP API.
//!
//! A replica in a service's `local` names the proxy before it (`proxy: "ledger"`). A fault is one toxic under a name that
//! only it has; what was on the proxy before stays as it was, and the undo takes away that one toxic and nothing else.
//! Facts: Toxiproxy 2.12, its README and `api.go`.
//!
//! Toxiproxy keeps no deadline: when a runner dies, its watchdog or `perturb recover` takes the toxic away.

pub mod drive;
