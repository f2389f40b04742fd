//! Approvals of a plan by a team: what is signed, and whether it counts. `perturb approve` writes what is to be signed.
//!
//! An approval is a file that names the plan by its digest, the team, and a time until which it counts. Beside it lies its
//! signature, FILE.sig, as `ssh-keygen -Y sign` makes it: everybody has such a key, and git signs with the same. Whose keys
//! count stands in files of allowed signers, one for each team, which `[approvals]` of perturb.toml names. Once a project names
//! any, nothing unsigned counts in it any more, for no team: a misspelt name must not make a rule weaker. (decision 0086)

mod signers;
mod sshsig;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::exit::{Exit, Failure};
use super::experiment;
use super::files::write_whole;
use super::terminal::Terminal;
use super::which::Which;
use crate::plan::Plan;
use crate::project::Project;
use crate::types::Duration;

/// What signatures are for: one that was made for anything else does not count here.
const NAMESPACE: &str = "perturb-approval";

/// What a team says yes to.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Statement {
    /// The plan's digest.
    digest: String,
    /// For which team.
    team: String,
    /// The experiment, for who reads it; if it is there, it must be the plan's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    experiment: Option<String>,
    /// Where it runs, the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    place: Option<String>,
    /// Who approves, if it is not signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    /// Until when it counts, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires: Option<jiff::Timestamp>,
}

/// An approval as it was given: not judged yet.
#[derive(Debug, Clone)]
pub(super) struct Given {
    path: PathBuf,
    bytes: Vec<u8>,
    statement: Statement,
    /// The text of FILE.sig, if there is one.
    signature: Option<String>,
}

/// Whose keys count in a project.
#[derive(Debug, Clone, Default)]
pub(super) struct Signers {
    /// For each team, its file and what stands in it; `None`: the project names no signers at all.
    teams: Option<BTreeMap<String, (String, Vec<signers::Signer>)>>,
}

/// Reads an approval, and its signature if one lies beside it.
///
/// # Errors
/// It cannot be read, or is none.
pub(super) fn read(path: &Path) -> Result<Given, Failure> {
    let bytes = crate::source::disk::read_file(path).map_err(|e| Failure::io("read", path, &e))?;
    let statement = serde_json::from_slice(&bytes).map_err(|e| {
        Failure::new(format!("`{}` is no approval: {e}", path.display()))
            .help("`perturb approve` writes one to be signed")
    })?;
    let beside = signature_of(path);
    let signature = match crate::source::disk::read_file(&beside) {
        Ok(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => None,
        Err(e) => return Err(Failure::io("read", &beside, &e)),
    };
    Ok(Given { path: path.to_owned(), bytes, statement, signature })
}

fn signature_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".sig");
    name.into()
}

impl Signers {
    /// Those of the project that a file belongs to.
    ///
    /// # Errors
    /// A file of signers cannot be read, or something in it.
    pub(super) fn of(file: &Path) -> Result<Self, Failure> {
        let root = super::world::project_of(file);
        let Ok(project) = Project::open(root.clone()) else { return Ok(Self::default()) };
        let mut teams = BTreeMap::new();
        for (team, named) in &project.settings.signers {
            let path = &named.file;
            let whole = root.join(path);
            let bytes = crate::source::disk::read_file(&whole).map_err(|e| Failure::io("read", &whole, &e))?;
            let read = signers::parse(&String::from_utf8_lossy(&bytes)).map_err(|(line, reason)| {
                Failure::new(format!("{}:{line}: {reason}", whole.display()))
                    .help(format!("it is the file of allowed signers of `{team}` (`[approvals]` in perturb.toml)"))
            })?;
            teams.insert(team.clone(), (path.clone(), read));
        }
        Ok(Self { teams: (!teams.is_empty()).then_some(teams) })
    }

    /// Whether nothing unsigned counts.
    pub(super) fn are_named(&self) -> bool {
        self.teams.is_some()
    }
}

/// What the files that were given say for a team: who approved and how that is known. `None`: none of them speaks for it.
///
/// # Errors
/// Why none of those that do counts.
pub(super) fn judge(
    given: &[Given],
    plan: &Plan,
    team: &str,
    signers: &Signers,
    now: jiff::Timestamp,
) -> Option<Result<String, String>> {
    let mut reasons = Vec::new();
    for one in given.iter().filter(|one| one.statement.team == team) {
        match one.counts(plan, signers, now) {
            Ok(by) => return Some(Ok(by)),
            Err(reason) => reasons.push(format!("`{}`: {reason}", one.path.display())),
        }
    }
    (!reasons.is_empty()).then(|| Err(reasons.join("; ")))
}

impl Given {
    fn counts(&self, plan: &Plan, signers: &Signers, now: jiff::Timestamp) -> Result<String, String> {
        let by = match (&self.signature, &signers.teams) {
            (Some(text), Some(teams)) => self.signed_by(text, teams, now)?,
            (None, Some(_)) => return Err("it is not signed, and this project counts signed approvals only".to_owned()),
            (Some(_), None) => {
                let what = "it is signed, and perturb.toml names no signers (`[approvals]`) to hold it against";
                return Err(what.to_owned());
            }
            (None, None) if plan.place.protected => {
                let what = "it is not signed, and nothing unsigned counts where the environment is protected";
                return Err(format!("{what}: name the team's signers in perturb.toml (`[approvals]`)"));
            }
            (None, None) => match &self.statement.by {
                Some(by) if !by.trim().is_empty() => format!("{by} (by file, not signed)"),
                _ => return Err("it is not signed, and says not who approves (`by`)".to_owned()),
            },
        };
        // After the signature: of what nobody signed, nothing is worth being told.
        self.is_for(plan, now)?;
        Ok(by)
    }

    fn signed_by(
        &self,
        text: &str,
        teams: &BTreeMap<String, (String, Vec<signers::Signer>)>,
        now: jiff::Timestamp,
    ) -> Result<String, String> {
        let team = &self.statement.team;
        let key = sshsig::signer(text, &self.bytes, NAMESPACE)
            .map_err(|why| format!("its signature does not count: {why}"))?;
        let print = key.fingerprint();
        let Some((file, signers)) = teams.get(team) else {
            return Err(format!("perturb.toml names no signers of `{team}` (`[approvals]`)"));
        };
        let signer = signers::owner(signers, &key, NAMESPACE, now.as_second()).map_err(|why| match why {
            Some(why) => why,
            None => format!("it is signed with {print}, which is no key of `{team}` ({file})"),
        })?;
        let Some(expires) = self.statement.expires else {
            return Err("it says not until when it counts (`expires`)".to_owned());
        };
        let digest = ring::digest::digest(&ring::digest::SHA256, &self.bytes);
        let digest: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(format!("{} (signed with {print}, until {expires}, sha256:{digest})", signer.name))
    }

    /// Whether it speaks of this plan, now.
    fn is_for(&self, plan: &Plan, now: jiff::Timestamp) -> Result<(), String> {
        let Statement { digest, experiment, place, expires, .. } = &self.statement;
        if let Some(other) = experiment.as_ref().filter(|name| *name != plan.name.as_str()) {
            return Err(format!("it approves `{other}`, not `{}`", plan.name));
        }
        let here = plan.place.to_string();
        if let Some(other) = place.as_ref().filter(|place| **place != here) {
            return Err(format!("it approves a run at {other}, not at {here}"));
        }
        if *digest != plan.digest {
            return Err(format!(
                "it approves another plan ({digest}) than this one ({}): the text was changed",
                plan.digest
            ));
        }
        match expires {
            Some(expires) if *expires <= now => Err(format!("it counted until {expires}")),
            _ => Ok(()),
        }
    }
}

/// Writes what a team signs to approve an experiment, and says how it is signed
///
/// The file names the plan by its digest: whatever is changed in it afterwards, the approval no longer counts. Whose keys count
/// stands in files of allowed signers, as git has them, that perturb.toml names: `[approvals]`, then `TEAM = "FILE"`.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The file with the experiment, or a plan.json
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    which: Which,
    /// The team that approves [default: the only one that the plan asks]
    #[arg(long, value_name = "TEAM")]
    team: Option<String>,
    /// How long it counts
    #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = length)]
    valid: Duration,
    /// The file to write
    #[arg(short = 'o', long = "output", value_name = "FILE")]
    output: PathBuf,
}

fn length(text: &str) -> Result<Duration, String> {
    match text.parse::<Duration>() {
        Ok(length) if !length.is_zero() => Ok(length),
        _ => Err("write a length of time, such as `24h` or `7d`".to_owned()),
    }
}

pub(super) fn run(arguments: &Arguments, terminal: &Terminal) -> Result<Exit, Failure> {
    let plan = match experiment::plan(&arguments.file, &arguments.which, terminal)? {
        Ok(plan) => plan,
        Err(exit) => return Ok(exit),
    };
    let team = team_of(&plan, arguments.team.as_deref())?;
    let expires = super::people::now().checked_add(crate::runtime::drive::std_time(arguments.valid));
    let expires = expires.map_err(|_| Failure::new("no calendar reaches that far: give a shorter --valid"))?;
    let statement = Statement {
        digest: plan.digest.clone(),
        team: team.to_owned(),
        experiment: Some(plan.name.to_string()),
        place: Some(plan.place.to_string()),
        by: None,
        expires: Some(expires.round(jiff::Unit::Second).unwrap_or(expires)),
    };
    let text = serde_json::to_string_pretty(&statement).unwrap_or_default() + "\n";
    // A signature of what stood there before is of another text.
    let beside = signature_of(&arguments.output);
    if std::fs::exists(&beside).unwrap_or(false) {
        return Err(Failure::new(format!("there is a signature at `{}` already", beside.display()))
            .help("take both files away, or write to another place"));
    }
    write_whole(&arguments.output, &text)?;
    let file = arguments.output.display();
    terminal.print(&text)?;
    terminal.say(&format!(
        "wrote `{file}`. Who approves for {team} reads `perturb plan`, signs the file:\n  ssh-keygen -Y sign -n {NAMESPACE} -f ~/.ssh/id_ed25519 {file}\n\
         and whoever runs the experiment gives it, with {file}.sig beside it:\n  perturb run {} --experiment {} --in {} --approval {file}\n",
        arguments.file.display(), plan.name, plan.place,
    ));
    if !Signers::of(&arguments.file)?.are_named() {
        terminal.say("note: perturb.toml names no signers yet: `[approvals]`, then `TEAM = \"FILE\"`, a file of allowed signers\n");
    }
    Ok(Exit::Clean)
}

/// The team that is to approve.
fn team_of<'p>(plan: &'p Plan, wanted: Option<&str>) -> Result<&'p str, Failure> {
    let mut asked: Vec<&str> = plan.approvals.iter().map(|a| a.team.as_str()).collect();
    asked.sort_unstable();
    asked.dedup();
    match (wanted, asked.as_slice()) {
        (_, []) => Err(Failure::new(format!("`{}` needs no approval at {}", plan.name, plan.place))),
        (Some(team), _) => asked.iter().find(|t| **t == team).copied().ok_or_else(|| {
            Failure::new(format!("`{}` asks for no approval by `{team}`", plan.name))
                .help(format!("it asks for: {}", asked.join(", ")))
        }),
        (None, [one]) => Ok(one),
        (None, several) => Err(Failure::new(format!("`{}` asks for several approvals", plan.name))
            .help(format!("say whose with --team: {}", several.join(", ")))),
    }
}
