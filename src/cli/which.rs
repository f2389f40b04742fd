//! The experiments that a command is about, as every command line says it: by name, and at a place.

/// Which experiment, and where.
#[derive(Debug, Default, clap::Args)]
pub(super) struct Which {
    /// The experiment
    #[arg(long, value_name = "NAME", alias = "only")]
    pub(super) experiment: Option<String>,
    /// Where it is to run [default: `compile.place` of perturb.toml, else the only place where it may run]
    #[arg(long = "in", value_name = "ENVIRONMENT[/CLUSTER]")]
    pub(super) place: Option<String>,
}
