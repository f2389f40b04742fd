//! Journals that are not what they were: cut, with other bits, with other words, without their log, of somebody else. Whatever a command
//! says then, it is never that all is well while something is there, and it never touches what a changed line names.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::support::exe;

/// A run that filled a folder, and nobody of it lives.
struct Scene {
    folder: tempfile::TempDir,
    file: PathBuf,
    _answering: super::run::Answering,
}

fn perturb(journal: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let folder = journal.parent().unwrap();
    let mut command = Command::new(exe());
    command.args(arguments).arg("--journal").arg(journal).current_dir(folder).stdin(Stdio::null());
    let out = command.output().unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    assert!(!text.contains("panicked"), "{arguments:?}: {text}");
    (out.status.code(), text)
}

fn kill(pid: u32) {
    use perturb::engine::local::process::Process;
    if let Some(process) = Process::of(pid) {
        process.signal(rustix::process::Signal::KILL).unwrap();
    }
}

impl Scene {
    fn new() -> Self {
        let answering = super::run::answering();
        let folder = super::run::filled(answering.port, "1m");
        let at = |name: &str| folder.path().join(name);
        let mut run = Command::new(exe())
            .args(["run", "p.chaos", "--journal", "j.db"])
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let end = Instant::now() + Duration::from_secs(30);
        let file = loop {
            if let Some(file) = std::fs::read_dir(at("data")).unwrap().next() {
                break file.unwrap().path();
            }
            assert!(Instant::now() < end, "no fault came");
            std::thread::sleep(Duration::from_millis(10));
        };
        let home = perturb::engine::local::keeper::client::home(folder.path());
        let line = |pid: u32| {
            String::from_utf8_lossy(&std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default()).into_owned()
        };
        // The runner stands still meanwhile, and has nothing to notice: it would undo, or start another watchdog.
        let runner = perturb::engine::local::process::Process::of(run.id()).unwrap();
        runner.signal(rustix::process::Signal::STOP).unwrap();
        perturb::engine::local::process::below(run.id())
            .into_iter()
            .filter(|p| line(p.pid).contains("watchdog"))
            .for_each(|p| kill(p.pid));
        perturb::engine::local::process::all()
            .into_iter()
            .filter(|pid| line(*pid).contains(home.to_str().unwrap()))
            .for_each(kill);
        run.kill().unwrap();
        run.wait().unwrap();
        assert!(file.exists(), "nobody is left who could have undone it");
        Self { folder, file, _answering: answering }
    }

    /// A copy of the journal, to damage; and the fault is there.
    fn copy(&self) -> tempfile::TempDir {
        let copy = tempfile::tempdir().unwrap();
        for name in ["j.db", "j.db-wal", "j.db-shm", "p.chaos", "perturb.toml"] {
            std::fs::copy(self.folder.path().join(name), copy.path().join(name)).unwrap();
        }
        std::fs::write(&self.file, "here").unwrap();
        copy
    }
}

#[test]
fn a_damaged_journal_is_never_called_fine_while_something_is_there() {
    let scene = Scene::new();
    let size = |name: &str| std::fs::metadata(scene.folder.path().join(name)).unwrap().len();
    let count: u64 = std::env::var("PERTURB_DAMAGES").ok().and_then(|n| n.parse().ok()).unwrap_or(12);
    type Damage = Box<dyn Fn(&Path)>;
    let mut damages: Vec<(String, Damage)> = vec![
        ("nothing".to_owned(), Box::new(|_| {})),
        ("no log".to_owned(), Box::new(|at| std::fs::remove_file(at.join("j.db-wal")).unwrap())),
        ("no shared memory".to_owned(), Box::new(|at| std::fs::remove_file(at.join("j.db-shm")).unwrap())),
        ("empty".to_owned(), Box::new(|at| std::fs::write(at.join("j.db"), "").unwrap())),
    ];
    for name in ["j.db", "j.db-wal"] {
        for step in 0..count {
            // Spread over all of the file, and not on the edges of its pages.
            let place = size(name) * step / count + 13 * step % 97;
            let cut = move |at: &Path| {
                std::fs::File::options().write(true).open(at.join(name)).unwrap().set_len(place).unwrap();
            };
            let flip = move |at: &Path| {
                let mut bytes = std::fs::read(at.join(name)).unwrap();
                let place = usize::try_from(place).unwrap() % bytes.len();
                bytes[place] ^= 0x10;
                std::fs::write(at.join(name), bytes).unwrap();
            };
            damages.push((format!("{name} cut at {place}"), Box::new(cut)));
            damages.push((format!("{name} with another bit at {place}"), Box::new(flip)));
        }
    }
    let mut undone = 0;
    for (what, damage) in damages {
        let copy = scene.copy();
        let journal = copy.path().join("j.db");
        damage(copy.path());
        let (code, text) = perturb(&journal, &["recover"]);
        let is_there = scene.file.exists();
        undone += u32::from(!is_there);
        let is_fine = code == Some(0);
        assert_eq!(is_fine, text.contains("nothing is left"), "{what}: {text}");
        assert!(!is_fine || !is_there, "{what}: {text}");
        assert!(matches!(code, Some(0 | 2 | 6)), "{what}: {code:?} {text}");
        for arguments in [&["runs"] as &[&str], &["show", "2", "--verify"], &["show", "2"]] {
            let (code, text) = perturb(&journal, arguments);
            assert!(matches!(code, Some(0..=2)), "{what}: {arguments:?} {code:?} {text}");
        }
    }
    println!("{undone} times it was undone nevertheless");
    assert!(undone > 10, "{undone}");
}

/// A line whose words were changed names somebody's file: it is not touched, and that is said, by `run` too.
#[test]
fn what_a_changed_line_names_is_not_undone() {
    let scene = Scene::new();
    let copy = scene.copy();
    let journal = copy.path().join("j.db");
    let precious = copy.path().join("precious");
    std::fs::write(&precious, "the only one").unwrap();
    let open = Connection::open(&journal).unwrap();
    let (ours, theirs) = (scene.file.to_str().unwrap(), precious.to_str().unwrap());
    open.execute_batch("DROP TRIGGER lines_stay").unwrap();
    let changed = open.execute("UPDATE lines SET body = replace(body, ?1, ?2)", [ours, theirs]).unwrap();
    assert!(changed > 0);
    drop(open);
    let (code, text) = perturb(&journal, &["recover"]);
    assert_eq!(code, Some(6), "{text}");
    assert!(text.contains("its digest is that of other words") && !text.contains("nothing is left"), "{text}");
    assert!(precious.exists(), "{text}");
    let (code, text) = perturb(&journal, &["run", "p.chaos"]);
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("is damaged: ") && text.contains("nothing was run"), "{text}");
    assert!(precious.exists(), "{text}");
}

#[test]
fn what_is_no_journal_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::create_dir(at("folder")).unwrap();
    std::fs::write(at("text"), "not a database, and long enough to be looked at as if it were one".repeat(20)).unwrap();
    std::fs::write(at("empty"), "").unwrap();
    let database = Connection::open(at("theirs")).unwrap();
    database.execute_batch("CREATE TABLE accounts (id INTEGER); INSERT INTO accounts VALUES (7)").unwrap();
    drop(database);
    let newer = Connection::open(at("newer")).unwrap();
    newer.execute_batch("CREATE TABLE meta (key TEXT, value TEXT); INSERT INTO meta VALUES ('version', '2')").unwrap();
    drop(newer);
    let before = std::fs::read(at("theirs")).unwrap();
    for (name, why) in [
        ("folder", "there is no journal"),
        ("text", "not a database"),
        ("empty", "the file is empty"),
        ("theirs", "it is a database of something else"),
        ("newer", "has version 2 of the journal's form"),
        ("nowhere", "there is no journal"),
    ] {
        for arguments in [&["recover"] as &[&str], &["runs"], &["show", "x"]] {
            let (code, text) = perturb(&at(name), arguments);
            assert_eq!(code, Some(2), "{name}, {arguments:?}: {text}");
            assert!(text.contains(why), "{name}, {arguments:?}: {text}");
        }
    }
    assert!(std::fs::read(at("theirs")).unwrap() == before, "somebody else's database");
}
