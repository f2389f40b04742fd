//! The local engine: real faults to what runs on the machine that Perturb runs on. Few need root.
//!
//! `drive.rs` is the [`super::drive::Driver`]: it finds what a `service` declares in `local`, and asks the keeper. The
//! keeper (`keeper/`) is a process of its own, from the same binary: it starts what is declared by a command, holds the
//! proxies (`proxy/`) that stand in the path of endpoints, and carries faults. Each fault has its deadline and its lease
//! there, so that a runner that dies, in whatever way, can only shorten a fault; and the traffic goes on, as the proxy
//! does not die with the runner. What holds no traffic, load on the processor and the memory, is in further processes
//! (`stress.rs`) that end with the keeper.
//!
//! May use: `plan`, `types`, `analysis` (which engine a fault takes), and the system.

#![expect(
    clippy::disallowed_methods,
    reason = "an engine's effects: processes, sockets, files and clocks of this machine"
)]

pub mod action;
pub mod disk;
pub mod drive;
pub mod keeper;
pub mod limits;
pub mod names;
pub mod packets;
pub mod process;
pub mod proxy;
pub mod shim;
pub mod stress;
pub mod survey;
pub mod threads;
