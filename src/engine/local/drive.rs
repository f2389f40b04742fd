//! The local engine as a [`Driver`].
//!
//! Comes in: a plan's `local` replicas. Goes out: targets with everything that is needed to reach them again; faults, held
//! by the keeper; and undo records that are enough for another process, with or without a keeper.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use smol_str::{SmolStr, format_smolstr};

use super::action::{Action, Amount};
use super::disk;
use super::keeper::client::{self, NoAnswer};
use super::keeper::held;
use super::keeper::protocol::{Aim, Answer, Injected, Look, ReplicaLook, Request, System};
use super::process::{self, Process};
use super::{limits, packets, shim};
use crate::analysis::portability::engine_of;
use crate::engine::drive::{Confirmation, DriveError, Driver, Injection, Target, UndoRecord, Was};
use crate::plan::{Body, EngineName, Fault, Plan, ProcessSelector, Selector};

/// How long faults stay when the runner says nothing any more.
const LEASE: Duration = Duration::from_secs(5);
/// How often the lease is renewed: often enough that a busy machine does not lose it.
const RENEW: Duration = Duration::from_secs(1);
/// How long the keeper may take for what is quick.
const QUICK: Duration = Duration::from_secs(5);
/// How long it may take until a whole system is ready.
const STARTING: Duration = Duration::from_secs(120);
/// The form of [`Undo`].
const FORM: u32 = 1;

/// What an undo needs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Undo {
    /// The keeper's home.
    home: PathBuf,
    /// What was asked of it.
    fault: Injected,
    /// The file that takes space.
    file: Option<PathBuf>,
    /// The files that clocks are read from.
    #[serde(default)]
    clocks: Vec<PathBuf>,
    /// The table of the packet filter.
    #[serde(default)]
    table: Option<String>,
    /// The boot of the machine that the processes belong to; empty where nobody knows.
    #[serde(default)]
    boot: String,
    /// What is below the targets: it stands still with them, and may outlive them.
    #[serde(default)]
    below: Vec<Process>,
}

impl Undo {
    /// The processes that may stand still: those that were meant, and what is below them now. None of another boot.
    fn stopped(&self) -> Vec<Process> {
        let is_of_this_boot = self.boot.is_empty() || self.boot == process::boot();
        if self.fault.action != Action::Stop || !is_of_this_boot {
            return Vec::new();
        }
        let meant = self.fault.targets.iter().filter_map(|aim| aim.process).chain(self.below.iter().copied());
        let mut all: Vec<Process> = meant
            .filter(Process::is_alive)
            .flat_map(|process| std::iter::once(process).chain(process::below(process.pid)))
            .filter(Process::is_stopped)
            .collect();
        all.sort();
        all.dedup();
        all
    }
}

/// The local engine of one project.
#[derive(Debug)]
pub struct LocalDriver {
    project: PathBuf,
    home: PathBuf,
    exe: PathBuf,
    holder: Arc<str>,
    renewal: std::sync::Mutex<Option<tokio::task::JoinHandle<()>>>,
}

impl LocalDriver {
    /// For the project in this folder; `exe` is the binary `perturb`, from which the keeper is started.
    #[must_use]
    pub fn new(project: &Path, exe: &Path) -> Self {
        Self::at(project, exe, client::home(project))
    }

    /// The same, with a keeper that lives in `home`.
    #[must_use]
    pub fn at(project: &Path, exe: &Path, home: PathBuf) -> Self {
        let own = Process::of(std::process::id()).map_or_else(|| std::process::id().to_string(), |p| p.to_string());
        Self {
            project: project.to_owned(),
            home,
            exe: exe.to_owned(),
            holder: format!("{own}-{:08x}", fastrand::u32(..)).into(),
            renewal: std::sync::Mutex::new(None),
        }
    }

    /// Where the keeper lives.
    #[must_use]
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// Starts the plan's system, or joins it; `keep`: it stays until `Down`.
    ///
    /// # Errors
    /// What did not come up, with the last lines of its log.
    pub async fn up(&self, plan: &Plan, keep: bool) -> Result<(), DriveError> {
        let what = || "starting the local system".to_owned();
        client::start(&self.exe, &self.home).await.map_err(|reason| DriveError::Final { what: what(), reason })?;
        let replicas = plan
            .services
            .iter()
            .flat_map(|(name, facts)| facts.local.iter().map(|r| (name.to_string(), r.clone())))
            .collect();
        let request = Request::Up {
            system: System { folder: self.project.clone(), replicas },
            holder: self.holder.to_string(),
            lease: LEASE.as_millis() as u64,
            keep,
        };
        // From the first moment: a slow start must not outlive its own lease.
        self.keep_lease();
        done(client::ask(&self.home, &request, STARTING).await, &what())
    }

    /// What is there now.
    ///
    /// # Errors
    /// That no keeper answers.
    pub async fn look(&self) -> Result<Look, DriveError> {
        match client::ask(&self.home, &Request::Look, QUICK).await {
            Ok(Answer::Look(look)) => Ok(look),
            Ok(other) => Err(unexpected("looking at the local system", &other)),
            Err(error) => {
                Err(DriveError::Passing { what: "looking at the local system".into(), reason: error.to_string() })
            }
        }
    }

    /// Renews the lease as long as this driver lives.
    fn keep_lease(&self) {
        let mut renewal = super::proxy::lock(&self.renewal);
        if renewal.as_ref().is_some_and(|task| !task.is_finished()) {
            return;
        }
        let (home, holder) = (self.home.clone(), self.holder.clone());
        *renewal = Some(tokio::spawn(async move {
            loop {
                let request = Request::Lease { holder: holder.to_string(), lease: LEASE.as_millis() as u64 };
                let _ = client::ask(&home, &request, RENEW).await;
                tokio::time::sleep(RENEW).await;
            }
        }));
    }

    async fn processes(&self, of: &ProcessSelector) -> Result<Vec<Target>, DriveError> {
        let look = self.look().await?;
        let mine = |r: &&ReplicaLook| {
            r.service == of.service && (of.names.is_empty() || of.names.contains(&r.name.as_str().into()))
        };
        let mut found: Vec<Target> =
            look.replicas.iter().filter(mine).filter(|r| r.not_ready.is_none()).map(target).collect();
        found.sort();
        Ok(found)
    }

    /// That none of these is a process that carries the run, or that such a one is below.
    async fn spare_own(&self, aims: &[Aim]) -> Result<(), String> {
        let keeper = match client::ask(&self.home, &Request::Hello, QUICK).await {
            Ok(Answer::Hello { keeper, .. }) => keeper.pid,
            _ => std::process::id(),
        };
        let own = process::carriers(&[std::process::id(), keeper]);
        let hit = aims.iter().filter_map(|aim| Some((aim, aim.process?))).find(|(_, p)| own.contains(&p.pid));
        hit.map_or(Ok(()), |(aim, process)| {
            Err(format!(
                "{aim} is process {}, which carries this run or is above what does: nobody would be left to undo the fault",
                process.pid
            ))
        })
    }

    fn undo_of(record: &UndoRecord) -> Result<Undo, DriveError> {
        let wrong =
            |reason: String| DriveError::Final { what: format!("reading the undo of `{}`", record.injection), reason };
        if record.form != FORM {
            return Err(wrong(format!("its form {} is of a later version of Perturb", record.form)));
        }
        serde_json::from_value(record.data.clone()).map_err(|error| wrong(error.to_string()))
    }

    fn check_folder(&self, folder: &str, amount: Amount) -> Result<(), String> {
        let path = self.project.join(folder);
        let space = disk::space(&path).map_err(|error| format!("cannot fill {}: {error}", path.display()))?;
        match amount {
            Amount::Bytes(bytes) if bytes > space.free => {
                Err(format!("{} has {} bytes free, and {bytes} should be taken", path.display(), space.free))
            }
            Amount::Bytes(_) => Ok(()),
            Amount::Full(_) => {
                // A full disk must not be the one on which undo records and the keeper live.
                for (own, what) in
                    [(self.home.parent().unwrap_or(&self.home), "the keeper"), (&self.project, "the project")]
                {
                    if disk::same_disk(&path, own).unwrap_or(true) {
                        return Err(format!(
                            "{} is on the disk of {what}: filling that would break what has to undo it; take a size with `disk.fill`, or another disk",
                            path.display()
                        ));
                    }
                }
                Ok(())
            }
        }
    }
}

impl Drop for LocalDriver {
    fn drop(&mut self) {
        if let Some(task) = super::proxy::lock(&self.renewal).take() {
            task.abort();
        }
    }
}

fn target(replica: &ReplicaLook) -> Target {
    let mut facts: BTreeMap<SmolStr, SmolStr> = BTreeMap::new();
    facts.insert("service".into(), replica.service.as_str().into());
    facts.insert("name".into(), replica.name.as_str().into());
    let id = match replica.process {
        Some(process) => {
            facts.insert("pid".into(), format_smolstr!("{}", process.pid));
            facts.insert("start".into(), format_smolstr!("{}", process.start));
            format_smolstr!("process:{}/{}:{process}", replica.service, replica.name)
        }
        None => format_smolstr!("path:{}/{}", replica.service, replica.name),
    };
    if let Some(address) = &replica.address {
        facts.insert("address".into(), address.as_str().into());
    }
    if let Some(resolver) = &replica.resolver {
        facts.insert("resolver".into(), resolver.as_str().into());
    }
    Target { id, service: Some(replica.service.as_str().into()), facts }
}

fn aim(target: &Target) -> Result<Aim, String> {
    let get = |key: &str| target.facts.get(key).map(SmolStr::to_string);
    let process = match (get("pid"), get("start")) {
        (Some(pid), Some(start)) => match (pid.parse(), start.parse()) {
            (Ok(pid), Ok(start)) => Some(Process { pid, start }),
            _ => return Err(format!("`{}` is not what this engine found", target.id)),
        },
        _ => None,
    };
    if let Some(url) = get("url") {
        let service = target.service.as_ref().map(SmolStr::to_string).unwrap_or_default();
        let (replica, url) = (url.clone(), Some(url));
        return Ok(Aim { service, replica, process: None, address: None, url, resolver: None, group: None });
    }
    let lacks = || format!("`{}` is not what this engine found", target.id);
    Ok(Aim {
        service: get("service").ok_or_else(lacks)?,
        replica: get("name").ok_or_else(lacks)?,
        process,
        address: get("address"),
        url: None,
        resolver: get("resolver"),
        group: None,
    })
}

fn unexpected(what: &str, answer: &Answer) -> DriveError {
    match answer {
        Answer::Failed { reason, passing: true } => DriveError::Passing { what: what.into(), reason: reason.clone() },
        Answer::Failed { reason, passing: false } => DriveError::Final { what: what.into(), reason: reason.clone() },
        other => {
            DriveError::Final { what: what.into(), reason: format!("the keeper answered something else: {other:?}") }
        }
    }
}

fn done(answer: Result<Answer, NoAnswer>, what: &str) -> Result<(), DriveError> {
    match answer {
        Ok(Answer::Done) => Ok(()),
        Ok(other) => Err(unexpected(what, &other)),
        Err(error) => Err(DriveError::Passing { what: what.into(), reason: error.to_string() }),
    }
}

#[async_trait::async_trait]
impl Driver for LocalDriver {
    fn engine(&self) -> EngineName {
        EngineName::Local
    }

    async fn ready(&self, plan: &Plan) -> Result<(), DriveError> {
        // Before anything is started: what the machine cannot do is known now. (A clock that cannot be moved keeps its process from
        // starting at all.)
        let action = |fault: &Fault| match fault.bodies.get(&EngineName::Local) {
            Some(Body::Expressed(body)) => Action::of_body(body).ok(),
            _ => None,
        };
        let here = plan.faults.iter().filter(|fault| engine_of(plan, fault) == Ok(EngineName::Local));
        let here: Vec<(&Fault, Action)> = here.filter_map(|fault| Some((fault, action(fault)?))).collect();
        let refused = |fault: &Fault, reason| {
            let what = format!("`{}` on this machine", fault.name);
            DriveError::Final { what, reason }
        };
        for (fault, action) in &here {
            let possible = match action {
                Action::Loss { .. } => loss_is_possible().await,
                Action::Limit(limit) => limits::possible(limit.controller()),
                _ => Ok(()),
            };
            possible.map_err(|reason| refused(fault, reason))?;
        }
        self.up(plan, false).await?;
        // A process that carries the run is no target: nobody would be left to undo it.
        for (fault, _) in here.iter().filter(|(_, action)| action.needs_process()) {
            let Some(draw) = plan.draws.get(fault.target as usize) else { continue };
            let Selector::Processes(of) = &draw.selector else { continue };
            let aims = self.processes(of).await?.iter().map(aim).collect::<Result<Vec<_>, _>>();
            let aims = aims.map_err(|reason| refused(fault, reason))?;
            self.spare_own(&aims).await.map_err(|reason| refused(fault, reason))?;
        }
        Ok(())
    }

    async fn candidates(
        &self,
        plan: &Plan,
        selector: &Selector,
        drawn: &BTreeMap<u32, Vec<Target>>,
    ) -> Result<Vec<Target>, DriveError> {
        match selector {
            Selector::Processes(of) => {
                let hit: Vec<&Target> = of.except.iter().filter_map(|d| drawn.get(d)).flatten().collect();
                let name = |t: &Target| t.facts.get("name").cloned();
                let mut found = self.processes(of).await?;
                // A replica that was started again in between is still the one that was hit.
                found.retain(|t| !hit.iter().any(|h| h.id == t.id || (h.service == t.service && name(h) == name(t))));
                Ok(found)
            }
            Selector::Endpoints(urls) => Ok(urls
                .iter()
                .map(|url| Target {
                    id: format_smolstr!("endpoint:{url}"),
                    service: plan
                        .services
                        .iter()
                        .find(|(_, s)| s.endpoints.contains(url))
                        .map(|(name, _)| name.clone()),
                    facts: BTreeMap::from([("url".into(), url.clone())]),
                })
                .collect()),
            other => Err(DriveError::Final {
                what: format!("looking for {}", other.kind().noun(2)),
                reason: "the local engine finds processes on this machine and URLs, and nothing else".into(),
            }),
        }
    }

    fn exclusive(&self, target: &Target) -> Vec<String> {
        if !["process:", "path:", "endpoint:"].iter().any(|kind| target.id.starts_with(kind)) {
            return Vec::new();
        }
        let get = |key: &str| target.facts.get(key).map(SmolStr::as_str);
        let mut things = Vec::new();
        // A replica that is started again is another process, and still the same thing to hit.
        if let Some(name) = get("name") {
            let service = target.service.as_deref().unwrap_or_default();
            things.push(format!("{service}/{name} of {}", self.home.display()));
        }
        let places = ["address", "resolver", "url"];
        things.extend(places.iter().filter_map(|kind| get(kind).map(|value| format!("{kind} {value}"))));
        if let (Some(pid), Some(start)) = (get("pid"), get("start")) {
            things.push(format!("process {pid}@{start}"));
        }
        things
    }

    async fn prepare(&self, injection: &Injection) -> Result<UndoRecord, DriveError> {
        let wrong = |reason: String| DriveError::Final { what: format!("preparing `{}`", injection.fault), reason };
        let action = Action::of_body(&injection.body).map_err(wrong)?;
        let mut targets = injection.targets.iter().map(aim).collect::<Result<Vec<_>, _>>().map_err(wrong)?;
        for aim in &targets {
            if action.needs_process() && !aim.process.is_some_and(|p| p.is_alive()) {
                return Err(wrong(format!("{aim} is gone")));
            }
            if matches!(action, Action::Path(_) | Action::Loss { .. }) && aim.address.is_none() {
                return Err(wrong(format!("no proxy stands before {aim}")));
            }
            if matches!(action, Action::Names(_)) && aim.resolver.is_none() {
                return Err(wrong(format!("{aim} does not ask Perturb for names")));
            }
        }
        if action.needs_process() {
            self.spare_own(&targets).await.map_err(wrong)?;
        }
        let (mut clocks, mut table) = (Vec::new(), None);
        match &action {
            Action::Clock { .. } => {
                shim::library().map_err(wrong)?;
                clocks.extend(targets.iter().map(|aim| shim::file_of(&self.home, &aim.service, &aim.replica)));
            }
            Action::Loss { .. } => {
                loss_is_possible().await.map_err(wrong)?;
                table = Some(packets::table_of(&injection.id));
            }
            Action::Limit(limit) => {
                for (number, aim) in targets.iter_mut().enumerate() {
                    let process = aim.process.ok_or_else(|| wrong(format!("{aim} has no process")))?;
                    let group = limits::prepare(&injection.id, number, process, limit, &self.project);
                    aim.group = Some(group.map_err(|reason| wrong(format!("cannot limit {aim}: {reason}")))?);
                }
            }
            _ => {}
        }
        let file = match &action {
            Action::Fill { folder, amount } => {
                self.check_folder(folder, *amount).map_err(wrong)?;
                Some(disk::file_of(&self.project.join(folder), &injection.id))
            }
            _ => None,
        };
        let fault = Injected {
            id: injection.id.to_string(),
            holder: self.holder.to_string(),
            action,
            targets,
            at_most: injection.at_most.as_nanos().div_ceil(1_000_000),
        };
        let below = match fault.action {
            Action::Stop => {
                fault.targets.iter().filter_map(|a| a.process).flat_map(|p| process::below(p.pid)).collect()
            }
            _ => Vec::new(),
        };
        let (home, boot) = (self.home.clone(), process::boot());
        let data = serde_json::to_value(Undo { home, fault, file, clocks, table, boot, below })
            .map_err(|error| wrong(error.to_string()))?;
        Ok(UndoRecord { engine: EngineName::Local, injection: injection.id.clone(), form: FORM, data })
    }

    async fn inject(&self, injection: &Injection, undo: &UndoRecord) -> Result<(), DriveError> {
        let record = Self::undo_of(undo)?;
        self.keep_lease();
        let request = Request::Inject { fault: record.fault, lease: LEASE.as_millis() as u64 };
        done(client::ask(&record.home, &request, QUICK).await, &format!("injecting `{}`", injection.fault))
    }

    async fn confirm(&self, injection: &Injection, undo: &UndoRecord) -> Result<Confirmation, DriveError> {
        let record = Self::undo_of(undo)?;
        let what = format!("looking for `{}`", injection.fault);
        match client::ask(&record.home, &Request::Confirm { id: record.fault.id }, QUICK).await {
            Ok(Answer::There(seen)) => Ok(Confirmation::There(seen)),
            Ok(Answer::NotSeen(why)) => Ok(Confirmation::NotSeen(why)),
            Ok(other) => Err(unexpected(&what, &other)),
            Err(error) => Err(DriveError::Passing { what, reason: error.to_string() }),
        }
    }

    async fn vanished(&self, undo: &UndoRecord) -> Option<String> {
        let record = Self::undo_of(undo).ok()?;
        let answer = client::ask(&record.home, &Request::Confirm { id: record.fault.id }, QUICK).await;
        matches!(answer, Err(NoAnswer::NotThere)).then(|| "the keeper that held it has ended".to_owned())
    }

    async fn undo(&self, undo: &UndoRecord) -> Result<Was, DriveError> {
        let record = Self::undo_of(undo)?;
        let what = format!("undoing `{}`", undo.injection);
        let was = match client::ask(&record.home, &Request::Undo { id: record.fault.id.clone() }, QUICK).await {
            Ok(Answer::Done) => Was::AsLeft,
            Ok(Answer::GoneBefore(why)) => Was::GoneBefore(why),
            Ok(other) => return Err(unexpected(&what, &other)),
            // Proxies and loads ended with the keeper; what is left can be reached from here.
            Err(NoAnswer::NotThere) => Was::GoneBefore("the keeper that held it is gone".to_owned()),
            Err(error) => return Err(DriveError::Passing { what, reason: error.to_string() }),
        };
        // Also after a keeper that answered: it may be another than the one that injected.
        let left = tokio::task::spawn_blocking(move || {
            without_keeper(&record)?;
            client::bury(&record.home);
            Ok(())
        })
        .await;
        match left {
            Ok(Ok(())) => Ok(was),
            Ok(Err(reason)) => Err(DriveError::Passing { what, reason }),
            Err(error) => Err(DriveError::Passing { what, reason: error.to_string() }),
        }
    }

    fn by_hand(&self, undo: &UndoRecord) -> Vec<String> {
        Self::undo_of(undo).map(|record| commands(&record)).unwrap_or_default()
    }

    async fn release(&self) -> Result<(), DriveError> {
        if let Some(task) = super::proxy::lock(&self.renewal).take() {
            task.abort();
        }
        let request = Request::Release { holder: self.holder.to_string() };
        match client::ask(&self.home, &request, QUICK).await {
            Err(NoAnswer::NotThere) => {
                client::bury(&self.home);
                Ok(())
            }
            answer => done(answer, "giving the local system back"),
        }
    }
}

/// Asks the packet filter, without holding up what else goes on.
async fn loss_is_possible() -> Result<(), String> {
    tokio::task::spawn_blocking(packets::possible).await.unwrap_or_else(|error| Err(error.to_string()))
}

/// What a person types to undo what outlives a keeper.
fn commands(record: &Undo) -> Vec<String> {
    let quoted = |path: &Path| format!("'{}'", path.display().to_string().replace('\'', r"'\''"));
    let mut lines: Vec<String> = record.file.iter().map(|file| format!("rm -f {}", quoted(file))).collect();
    lines.extend(record.clocks.iter().map(|clock| format!("echo +0 > {}", quoted(clock))));
    lines.extend(record.table.iter().map(|table| format!("nft delete table inet {table}")));
    lines.extend(
        record.fault.targets.iter().filter_map(|aim| aim.group.as_ref()).flat_map(|g| limits::by_hand(g, &quoted)),
    );
    let pids: Vec<String> = record.stopped().iter().map(|process| process.pid.to_string()).collect();
    if !pids.is_empty() {
        lines.push(format!("kill -CONT {}", pids.join(" ")));
    }
    lines
}

/// Undoes what outlives a keeper. Right also if nothing is there.
fn without_keeper(record: &Undo) -> Result<(), String> {
    if let Some(file) = &record.file {
        disk::empty(file).map_err(|error| format!("{} is left: {error}", file.display()))?;
    }
    for clock in &record.clocks {
        shim::put_right(clock).map_err(|error| format!("the clock of {} is wrong: {error}", clock.display()))?;
    }
    if let Some(table) = &record.table {
        packets::end(table)?;
    }
    record.fault.without_limits()?;
    held::go_on(&record.stopped())
}
