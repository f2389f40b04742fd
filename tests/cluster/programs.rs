//! The three Go programs of this folder: where they lie, and when they are built.
//!
//! Building them takes about ten minutes of two cores and 4 GB of Go's build cache, so `cargo test` alone never does: it
//! uses what is there, and says `SKIPPED` with the command to run where nothing is. With `PERTURB_REQUIRE_CLUSTER=1` they
//! are built when they are missing, and a test that cannot have them fails. `.ci/run` sets it.
//!
//! A program lies in `$PERTURB_CLUSTER_CACHE` (else `perturb-cluster` in the user's cache), in a folder named after a
//! digest of everything that it is made of. A lock keeps two test processes from building the same one twice.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

/// The release of Kubernetes that `kubecp/go.mod` names. A program that is built like this does not know it by itself.
const KUBERNETES: (&str, &str, &str) = ("1", "34", "4");

/// One of the Go programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// Chaos Mesh's admission code over files.
    Oracle,
    /// etcd, kube-apiserver, controller-manager, scheduler and a node that runs nothing.
    ControlPlane,
    /// Chaos Mesh's controllers, with a stand-in for its daemon that records what it is asked.
    Controllers,
}

impl Program {
    /// All of them, the fastest to build first.
    pub const ALL: [Self; 3] = [Self::Oracle, Self::ControlPlane, Self::Controllers];

    fn name(self) -> &'static str {
        match self {
            Self::Oracle => "cmoracle",
            Self::ControlPlane => "kubecp",
            Self::Controllers => "cmstack",
        }
    }

    fn linker_flags(self) -> String {
        let strip = "-s -w".to_owned();
        if self != Self::ControlPlane {
            return strip;
        }
        let (major, minor, patch) = KUBERNETES;
        let component = "k8s.io/component-base/version";
        let version = format!("v{major}.{minor}.{patch}");
        format!(
            "{strip} -X {component}.gitVersion={version} -X {component}.gitMajor={major} -X {component}.gitMinor={minor} \
             -X k8s.io/client-go/pkg/version.gitVersion={version}"
        )
    }

    fn sources(self) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cluster").join(self.name())
    }

    /// Where it lies, or would.
    fn path(self) -> PathBuf {
        let mut digest = Sha256::new();
        digest.update(self.linker_flags());
        let folder = self.sources();
        let mut files: Vec<PathBuf> =
            fs::read_dir(&folder).expect("the program's sources").map(|entry| entry.unwrap().path()).collect();
        files.sort();
        for file in files {
            let text = fs::read(&file).expect("a readable source");
            digest.update(file.file_name().unwrap().as_encoded_bytes());
            digest.update((text.len() as u64).to_le_bytes());
            digest.update(text);
        }
        let digest: String = digest.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        cache().join(format!("{}-{digest}", self.name())).join(self.name())
    }

    /// Builds it, unless somebody else has meanwhile.
    fn build(self, path: &Path) -> Result<(), String> {
        let tell = |what: &str, e: std::io::Error| format!("{what} {}: {e}", path.display());
        let folder = path.parent().unwrap_or(path);
        fs::create_dir_all(folder).map_err(|e| tell("cannot make the folder of", e))?;
        let lock = File::create(folder.join("lock")).map_err(|e| tell("cannot lock", e))?;
        // Freed when the file is closed, also by a kill.
        lock.lock().map_err(|e| tell("cannot lock", e))?;
        if path.is_file() {
            return Ok(());
        }
        eprintln!("building {} (minutes, once)", path.display());
        let partial = path.with_extension("partial");
        let built = Command::new("go")
            .args(["build", "-trimpath", "-buildvcs=false", "-ldflags", &self.linker_flags(), "-o"])
            .arg(&partial)
            .arg(".")
            .current_dir(self.sources())
            .env("CGO_ENABLED", "0")
            .output()
            .map_err(|e| format!("`go` cannot be run ({e}): install Go 1.25.11 or later, https://go.dev/dl"))?;
        if !built.status.success() {
            return Err(format!("`go build` of {} failed:\n{}", self.name(), String::from_utf8_lossy(&built.stderr)));
        }
        fs::rename(&partial, path).map_err(|e| tell("cannot write", e))
    }
}

fn cache() -> PathBuf {
    if let Some(named) = std::env::var_os("PERTURB_CLUSTER_CACHE") {
        return named.into();
    }
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let base = std::env::var_os("XDG_CACHE_HOME").filter(|c| !c.is_empty()).map(PathBuf::from).or_else(home);
    base.unwrap_or_else(std::env::temp_dir).join("perturb-cluster")
}

/// Whether a test that cannot run is a failure.
pub fn required() -> bool {
    std::env::var_os("PERTURB_REQUIRE_CLUSTER").is_some_and(|value| value == "1")
}

/// The program, or `None` after saying that `test` is skipped.
///
/// # Panics
/// If it is not there, and cannot be built, and `PERTURB_REQUIRE_CLUSTER=1`.
pub fn program(test: &str, which: Program) -> Option<PathBuf> {
    let path = which.path();
    if path.is_file() {
        return Some(path);
    }
    if required() {
        which.build(&path).unwrap_or_else(|said| panic!("{test} needs `{}`: {said}", which.name()));
        return Some(path);
    }
    eprintln!(
        "SKIPPED: {test}: `{}` is not built. `.ci/run engines` builds it once (minutes, needs Go), or set \
         PERTURB_REQUIRE_CLUSTER=1",
        which.name()
    );
    None
}

/// `.ci/run engines` runs this test alone, so that building has a time of its own.
#[test]
fn every_program_is_built() {
    for which in Program::ALL {
        program("every_program_is_built", which);
    }
}
