//! `perturb gate` itself, as the emitted Deployment starts it, with the emitted rights and no more, beside Chaos Mesh's real
//! controllers and a real Prometheus.

mod broken;
mod ends;
mod rig;
