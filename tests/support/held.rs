//! A small program that holds a run with a real, tiny engine: a fault is a file in a folder. Tests kill it in every way.
//!
//! `held run PLAN JOURNAL FOLDER`, `held watchdog JOURNAL RUN`, `held recover JOURNAL`. Environment: `HELD_DIE_AT=N` kills it when
//! it is about to write its Nth record, `HELD_KILLS_WATCHDOG=1` its watchdog before it; `HELD_ALONE=1` starts none; `HELD_SLOW_UNDO=MS` makes undoing slow;
//! `HELD_FAILS=1`: each injection says that it failed. A file `hang` in the folder makes every probe hang, `stuck` every undo fail.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use perturb::engine::drive::{Confirmation, DriveError, Driver, Injection, Target, UndoRecord, Was};
use perturb::plan::{Approval, EngineName, Plan, Rule, Selector, Stream};
use perturb::runtime::drive::{Parts, People, Sampler, Viewer, hold, recover, wall};
use perturb::runtime::journal::{Begun, JOURNAL_VERSION, Journal, Owner, RunRow};
use perturb::runtime::machine::{Answer, Question, Record};
use perturb::runtime::simulate::{told, well};
use perturb::runtime::watchdog::{Program, watch};
use perturb::types::{Duration, Value};

struct Files {
    folder: PathBuf,
}

fn passing(what: &str, reason: impl ToString) -> DriveError {
    DriveError::Passing { what: what.to_owned(), reason: reason.to_string() }
}

#[async_trait::async_trait]
impl Driver for Files {
    fn engine(&self) -> EngineName {
        EngineName::Local
    }

    async fn ready(&self, _: &Plan) -> Result<(), DriveError> {
        Ok(())
    }

    async fn candidates(
        &self,
        _: &Plan,
        _: &Selector,
        _: &BTreeMap<u32, Vec<Target>>,
    ) -> Result<Vec<Target>, DriveError> {
        let place = self.folder.display();
        let target = |n: u32| Target { id: format!("{place}:{n}").into(), service: None, facts: BTreeMap::new() };
        Ok((0..6).map(target).collect())
    }

    async fn prepare(&self, injection: &Injection) -> Result<UndoRecord, DriveError> {
        let file = self.folder.join(injection.id.replace('/', "-"));
        let data = serde_json::json!({ "file": file });
        Ok(UndoRecord { engine: EngineName::Local, injection: injection.id.clone(), form: 1, data })
    }

    async fn inject(&self, _: &Injection, undo: &UndoRecord) -> Result<(), DriveError> {
        tokio::fs::write(file(undo), "here").await.map_err(|e| passing("write", e))?;
        if std::env::var_os("HELD_FAILS").is_some() { Err(passing("write", "half of it")) } else { Ok(()) }
    }

    async fn confirm(&self, _: &Injection, undo: &UndoRecord) -> Result<Confirmation, DriveError> {
        Ok(match tokio::fs::try_exists(file(undo)).await {
            Ok(true) => Confirmation::There("the file is there".into()),
            _ => Confirmation::NotSeen("no file".into()),
        })
    }

    async fn undo(&self, undo: &UndoRecord) -> Result<Was, DriveError> {
        if let Some(ms) = std::env::var("HELD_SLOW_UNDO").ok().and_then(|ms| ms.parse().ok()) {
            tokio::time::sleep(std::time::Duration::from_millis(ms)).await;
        }
        if file(undo).with_file_name("stuck").exists() {
            return Err(passing("remove", "it is stuck"));
        }
        match tokio::fs::remove_file(file(undo)).await {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(passing("remove", e)),
            _ => Ok(Was::AsLeft),
        }
    }
}

fn file(undo: &UndoRecord) -> PathBuf {
    undo.data.get("file").and_then(|f| f.as_str()).unwrap_or("/nowhere").into()
}

struct Well {
    folder: PathBuf,
    values: BTreeMap<String, Value>,
}

#[async_trait::async_trait]
impl Sampler for Well {
    async fn sample(&self, stream: &Stream) -> Result<Answer, String> {
        if self.folder.join("hang").exists() {
            std::future::pending::<()>().await;
        }
        self.values.get(&stream.text).cloned().map(Answer::from).ok_or_else(|| "unknown".to_owned())
    }
}

struct Nobody;

#[async_trait::async_trait]
impl People for Nobody {
    async fn approve(&self, _: &Plan, _: &Approval) -> Result<String, String> {
        Err("nobody".into())
    }
    async fn judge(&self, _: &Plan, _: &Rule) -> Result<String, String> {
        Err("nobody".into())
    }
    async fn ask(&self, _: &Question) -> Option<(bool, String)> {
        None
    }
    async fn prompt(&self, _: &Question) -> Option<(String, String)> {
        None
    }
}

struct Dies {
    at: Option<u32>,
    seen: u32,
}

impl Viewer for Dies {
    fn record(&mut self, at: Duration, record: &Record) {
        self.seen += 1;
        if self.at == Some(self.seen) {
            if std::env::var_os("HELD_KILLS_WATCHDOG").is_some() {
                let own = std::process::id();
                let others = perturb::engine::local::process::family(own).into_iter().filter(|pid| *pid != own);
                others.filter_map(|pid| rustix::process::Pid::from_raw(pid as i32)).for_each(|pid| {
                    let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
                });
            }
            let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
            std::thread::sleep(std::time::Duration::from_secs(60));
        }
        if let Some(text) = told(record) {
            use std::io::Write;
            let _ = writeln!(std::io::stdout(), "{at} {text}");
        }
    }

    fn tick(&mut self, _: Duration) {}
}

fn drivers(folder: &Path) -> Vec<Arc<dyn Driver>> {
    vec![Arc::new(Files { folder: folder.to_owned() })]
}

fn main() -> std::process::ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["run", plan, journal, folder] => run(Path::new(plan), Path::new(journal), Path::new(folder)),
        ["watchdog", journal, run] => match watch(Path::new(journal), run, &drivers(Path::new("/"))) {
            Ok(_) => 0,
            Err(_) => 9,
        },
        ["recover", journal] => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let all = runtime.block_on(recover(Path::new(journal), &drivers(Path::new("/")), "recover")).unwrap();
            println!("{all:?}");
            if all.iter().all(|r| r.left.is_empty()) { 0 } else { 6 }
        }
        ["hour", plan, journal] => hour(Path::new(plan), Path::new(journal)),
        _ => 2,
    }
    .into()
}

/// A run in virtual time into a real journal; says how many lines it has and how much memory it took at most.
fn hour(plan: &Path, journal: &Path) -> u8 {
    use perturb::runtime::journal::{Line, Writer};
    use perturb::runtime::machine::{Command, Event, State};
    use perturb::runtime::simulate::{Scripted, run};
    let plan: Arc<Plan> = Arc::new(serde_json::from_slice(&std::fs::read(plan).unwrap()).unwrap());
    let values = well(&plan);
    let mut world = Scripted {
        samples: Box::new(|stream, _| values[stream as usize].clone().ok_or_else(|| "unknown".to_owned())),
        effect: Duration::from_millis(20),
        answer: Duration::from_millis(20),
        entropy: 1,
        yes: true,
        not_there: vec![],
    };
    let mut journal = Journal::open(journal).unwrap();
    let (row, begun) = (row(&plan, "hour"), begun(&plan));
    let mut head = journal.begin(&row, begun, wall()).unwrap();
    let mut state = State::new(plan.clone(), "hour", &[EngineName::Local]);
    let mut waiting = Vec::new();
    let begin = vec![(Duration::ZERO, Event::Begin { wall: 0 })];
    let outcome = run(&mut state, &mut world, begin, &mut |now, command| {
        if let Command::Write(record) | Command::Keep { record, .. } = command {
            waiting.push((now, 0, Line::Record(Box::new(record.clone()))));
            if waiting.len() >= 500 || !matches!(record, Record::Sample { .. }) {
                journal.append(&mut head, Writer::Runner, &waiting).unwrap();
                waiting.clear();
            }
        }
    });
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let most = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).unwrap_or("0 kB").trim().to_owned();
    let outcome = outcome.unwrap();
    println!("{} {:?}, {} lines, {most}", outcome.verdict, outcome.reasons, head.seq);
    outcome.verdict.exit_code()
}

fn row(plan: &Plan, id: &str) -> RunRow {
    RunRow {
        id: id.into(),
        began: wall(),
        experiment: plan.name.to_string(),
        place: "local".into(),
        text_digest: plan.text_digest.clone(),
        verdict: None,
        owner: Owner::this(),
    }
}

fn begun(plan: &Plan) -> Begun {
    Begun {
        journal: JOURNAL_VERSION,
        perturb: "test".into(),
        plan: serde_json::Value::Null,
        digest: plan.digest.clone(),
        by: "a test".into(),
        host: "here".into(),
        command: vec![],
        commit: None,
        place: None,
    }
}

fn run(plan: &Path, journal: &Path, folder: &Path) -> u8 {
    let plan: Arc<Plan> = Arc::new(serde_json::from_slice(&std::fs::read(plan).unwrap()).unwrap());
    let values = plan.streams.iter().map(|s| s.text.clone()).zip(well(&plan));
    let values = values.filter_map(|(text, value)| Some((text, value?))).collect();
    let number = |name: &str| std::env::var(name).ok().and_then(|n| n.parse().ok());
    let id = format!("run-{}", std::process::id());
    let alone = std::env::var_os("HELD_ALONE").is_some();
    let program = Program { program: std::env::current_exe().unwrap(), arguments: vec!["watchdog".into()] };
    let (_operator, operator) = tokio::sync::mpsc::unbounded_channel();
    // What a dead run left is undone before anything new is injected.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(recover(journal, &drivers(folder), "run")).unwrap();
    let parts = Parts {
        drivers: drivers(folder),
        sampler: Arc::new(Well { folder: folder.to_owned(), values }),
        people: Arc::new(Nobody),
        viewer: Box::new(Dies { at: number("HELD_DIE_AT"), seen: 0 }),
        watchdog: (!alone).then_some(program),
        operator,
    };
    let (row, begun) = (row(&plan, &id), begun(&plan));
    match hold(plan, &row, begun, Journal::open(journal).unwrap(), parts) {
        Ok(outcome) => {
            println!("{} {:?}", outcome.verdict, outcome.reasons);
            outcome.verdict.exit_code()
        }
        Err(error) => {
            println!("{error}");
            8
        }
    }
}
