//! `perturb run` on a real terminal: tmux holds one, and tells what is on it.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// One process, a question, and a fault of three seconds.
const PROJECT: &str = r##"
import std.{pod}

team us { contact: "#us" }
service thing {
  owner: us, tier: low
  local: {
    a: {
      command: ["perturb", "demo", "service", "--name", "thing", "--listen", "127.0.0.1:PORT"]
      ready:   { http: "http://127.0.0.1:PORT/health" }
    }
  }
}
metric answers(of: Service): Bool {
  http:  { url: "http://127.0.0.1:PORT/health", answer: ok }
  every: 200ms, timeout: 2s, patience: 8s
}
cluster laptop { engines: [local] }
environment here { clusters: [laptop] }

experiment stands-still {
  service:  thing
  baseline: 1s
  hypothesis {
    expect up: answers(thing) == true except during faults
    recovery automatic within 10s
  }
  guard { abort when answers(thing) == false for 8s }
  method {
    ask us "May it stand still?" within 1m
    pod.fail(all of thing.pods) for 3s
  }
}
scenario loses(subject: Service) {
  service:  subject
  baseline: 1s
  hypothesis {
    expect up: answers(subject) == true except during faults
    recovery automatic within 10s
  }
  method { pod.kill(all of subject.pods) }
}
experiment is-lost = loses(thing)
verify nightly {
  in: all of here.clusters
  every "0 2 * * mon" in "UTC"
  run loses(s) for each s in [thing]
}
gameday morning {
  in:    one of here.clusters
  roles: { commander: us, observer: us }
  agenda {
    note "Nobody is told what comes."
    ask commander "Everybody there?" within 1m
    run is-lost
    note observer "What showed it first?" within 1m
    wait 1s
    ask commander "Go on?" within 1m
    run stands-still
  }
}
"##;

/// A terminal with a shell in it that nobody looks at.
struct Terminal {
    folder: tempfile::TempDir,
}

/// `None`: there is no tmux, which is said; CI sets `PERTURB_REQUIRE_EDITORS`, as that step installs it.
fn terminal(columns: u32, rows: u32, variables: &str) -> Option<Terminal> {
    if !Command::new("tmux").arg("-V").output().is_ok_and(|out| out.status.success()) {
        let required = std::env::var("PERTURB_REQUIRE_EDITORS").is_ok_and(|value| !value.is_empty());
        assert!(!required, "`tmux` is not there, and PERTURB_REQUIRE_EDITORS says that it must be");
        eprintln!("SKIPPED: `tmux` is not there");
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    std::fs::write(folder.path().join("p.chaos"), PROJECT.replace("PORT", &port.to_string())).unwrap();
    std::fs::write(folder.path().join("perturb.toml"), "[project]\nname = \"p\"\n").unwrap();
    let terminal = Terminal { folder };
    let (columns, rows) = (columns.to_string(), rows.to_string());
    let shell = format!("env PS1='$ ' ENV= {variables} sh");
    terminal.tmux(&["-u", "-f", "/dev/null", "new-session", "-d", "-x", &columns, "-y", &rows, &shell]);
    terminal.wait_for("$");
    Some(terminal)
}

impl Terminal {
    fn tmux(&self, arguments: &[&str]) -> String {
        let program = Path::new(env!("CARGO_BIN_EXE_perturb"));
        let path = format!("{}:{}", program.parent().unwrap().display(), std::env::var("PATH").unwrap());
        let out = Command::new("tmux")
            .arg("-S")
            .arg(self.folder.path().join("tmux"))
            .args(arguments)
            .current_dir(self.folder.path())
            .env("PATH", path)
            .env("LC_ALL", "C.UTF-8")
            .env("PERTURB_JOURNAL", self.folder.path().join("journal.db"))
            .env_remove("NO_COLOR")
            .output()
            .unwrap();
        String::from_utf8_lossy(&out.stdout).into_owned()
    }

    fn types(&self, text: &str, and: &str) {
        self.tmux(&["send-keys", "-l", text]);
        if !and.is_empty() {
            self.tmux(&["send-keys", and]);
        }
    }

    /// What is on it, without the empty lines at its end.
    fn shown(&self) -> String {
        self.tmux(&["capture-pane", "-p"]).trim_end().to_owned()
    }

    fn wait_for(&self, wanted: &str) -> String {
        let begin = Instant::now();
        loop {
            let shown = self.shown();
            if shown.contains(wanted) {
                return shown;
            }
            assert!(begin.elapsed() < Duration::from_secs(60), "no `{wanted}` on the terminal:\n{shown}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The run once more, from its journal: its exit code, and what is said where it is not the same.
    fn replayed(&self) -> (Option<i32>, String) {
        let perturb = |arguments: &[&str]| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_perturb"));
            command.args(arguments).env("PERTURB_JOURNAL", self.folder.path().join("journal.db")).output().unwrap()
        };
        let runs = perturb(&["runs", "--json"]).stdout;
        let run: serde_json::Value = serde_json::from_slice(&runs).unwrap();
        let out = perturb(&["simulate", "--run", run["run"].as_str().unwrap()]);
        (out.status.code(), String::from_utf8(out.stderr).unwrap())
    }

    fn cursor_is_shown(&self) -> bool {
        self.tmux(&["display-message", "-p", "#{cursor_flag}"]).trim() == "1"
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.tmux(&["kill-server"]);
        // What a killed run has left is undone before the folder goes; its keeper ends by itself.
        let undone = Command::new(env!("CARGO_BIN_EXE_perturb"))
            .args(["recover", "--journal"])
            .arg(self.folder.path().join("journal.db"))
            .output();
        drop(undone);
    }
}

/// Times and what depends on them are not those of another run.
fn timeless(shown: &str) -> String {
    let patterns =
        [(r"\d\d:\d\d\.\d", "MM:SS.T"), (r"\d+\.\ds", "N.Ns"), (r"\d+m?\d*s\b", "Ns"), ("[━╌]+", "━╌"), ("█+", "█")];
    patterns.iter().fold(shown.to_owned(), |text, (pattern, with)| {
        regex::Regex::new(pattern).unwrap().replace_all(&text, *with).into_owned()
    })
}

#[test]
fn a_person_sees_a_run_and_answers() {
    let Some(terminal) = terminal(80, 24, "TERM=xterm-256color") else { return };
    terminal.types("perturb run p.chaos --experiment stands-still; echo exit $?", "Enter");
    terminal.wait_for("(yes/no)");
    // What was typed already stays while the frame is drawn anew.
    terminal.types("ye", "");
    std::thread::sleep(Duration::from_millis(1200));
    let asked = terminal.wait_for("(yes/no) ye");
    insta::assert_snapshot!("asked", timeless(&asked));
    // Another size: the question moves along, and the answer counts.
    terminal.tmux(&["resize-window", "-x", "64", "-y", "22"]);
    std::thread::sleep(Duration::from_millis(700));
    terminal.types("s", "Enter");
    let injected = terminal.wait_for("there for");
    let frame: Vec<&str> = injected.lines().skip_while(|l| !l.starts_with("───")).collect();
    insta::assert_snapshot!("injected", timeless(&frame.join("\n")));
    let over = terminal.wait_for("exit 0");
    assert!(over.contains("CONFIRMED") && over.contains("exit 0"), "{over}");
    // Of the frame, nothing is left but what was seen last.
    let marks = over.matches("at most").count() + over.matches("─────────").count();
    assert_eq!(marks, 0, "{over}");
    assert!(over.contains("✓ up"), "{over}");
    assert_eq!(terminal.replayed(), (Some(0), String::new()));
    assert!(terminal.cursor_is_shown());
}

#[test]
fn a_question_that_is_longer_than_its_line_stays_whole() {
    let Some(terminal) = terminal(30, 30, "TERM=xterm-256color") else { return };
    terminal.types("perturb run p.chaos --experiment stands-still; echo exit $?", "Enter");
    terminal.wait_for("/no)");
    // The frame is drawn anew above both of its lines.
    std::thread::sleep(Duration::from_millis(1500));
    let asked = terminal.shown();
    assert!(asked.ends_with("? us: May it stand still? (yes\n/no)"), "{asked}");
    terminal.types("yes", "Enter");
    let over = terminal.wait_for("exit 0");
    assert!(!over.contains("May it stand") || !over.contains("/no)"), "{over}");
}

#[test]
fn an_operator_ends_a_run_while_it_asks() {
    let Some(terminal) = terminal(80, 24, "TERM=xterm-256color") else { return };
    terminal.types("perturb run p.chaos --experiment stands-still; echo exit $?", "Enter");
    terminal.wait_for("(yes/no)");
    terminal.tmux(&["send-keys", "C-c"]);
    let over = terminal.wait_for("exit 4");
    assert!(over.contains("ABORTED") && over.contains("SIGINT") && over.contains("exit 4"), "{over}");
    assert!(!over.contains("at most") && terminal.cursor_is_shown(), "{over}");
    assert_eq!(terminal.replayed(), (Some(4), String::new()));
}

/// Whatever ends the process, the terminal is as a shell wants it: the cursor is shown, and the prompt has its own line.
#[cfg(target_os = "linux")]
#[test]
fn a_killed_run_leaves_the_terminal_in_order() {
    let Some(terminal) = terminal(80, 24, "TERM=xterm-256color") else { return };
    terminal.types("perturb run p.chaos --experiment stands-still; echo exit $?", "Enter");
    terminal.wait_for("(yes/no)");
    terminal.types("yes", "Enter");
    terminal.wait_for("there for");
    let folder = std::fs::canonicalize(terminal.folder.path()).unwrap();
    let is_ours = |process: &std::path::PathBuf| {
        let words = std::fs::read(process.join("cmdline")).unwrap_or_default();
        std::fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd == folder)
            && words.ends_with(b"run\0p.chaos\0--experiment\0stands-still\0")
    };
    let processes = std::fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
    let process = processes.into_iter().find(is_ours).unwrap();
    let pid: i32 = process.file_name().unwrap().to_str().unwrap().parse().unwrap();
    rustix::process::kill_process(rustix::process::Pid::from_raw(pid).unwrap(), rustix::process::Signal::KILL).unwrap();
    let over = terminal.wait_for("exit 137");
    assert!(terminal.cursor_is_shown());
    assert!(over.lines().any(|line| line == "exit 137"), "{over}");
}

#[test]
fn a_terminal_without_escape_codes_gets_plain_lines() {
    let Some(terminal) = terminal(80, 40, "TERM=dumb") else { return };
    terminal.types("perturb run p.chaos --experiment stands-still; echo exit $?", "Enter");
    terminal.wait_for("(yes/no)");
    terminal.types("no", "Enter");
    let over = terminal.wait_for("exit 4");
    assert!(over.contains("exit 4") && over.contains("us (at the terminal): no"), "{over}");
    assert!(!over.contains("at most") && !over.contains("about"), "{over}");
}

/// What is drawn fits the encoding that the terminal has; and who mistypes is asked again, not taken for a no.
#[test]
fn a_terminal_of_another_encoding_gets_ascii_and_a_slip_is_no_answer() {
    let Some(terminal) = terminal(80, 40, "TERM=xterm-256color LC_ALL=C") else { return };
    terminal.types("perturb run p.chaos --experiment stands-still; echo exit $?", "Enter");
    terminal.wait_for("(yes/no)");
    terminal.types("yse", "Enter");
    terminal.wait_for("`yse` is neither yes nor no; please type one of them:");
    let again = terminal.wait_for("at most");
    assert!(again.contains("-- baseline --") && again.is_ascii(), "{again}");
    terminal.types("", "Enter");
    terminal.wait_for("please type yes or no:");
    terminal.types("yes", "Enter");
    let over = terminal.wait_for("exit 0");
    assert!(over.contains("us (at the terminal): yes") && over.contains("CONFIRMED") && over.is_ascii(), "{over}");
    assert!(!over.contains("yse"), "{over}");
}

/// Wherever a game day waits for people, Ctrl-C ends it: also while they take their roles.
#[test]
fn ctrl_c_ends_a_game_day_at_its_first_question() {
    let Some(terminal) = terminal(100, 30, "TERM=xterm-256color") else { return };
    terminal.types("perturb run p.chaos --gameday morning; echo exit $?", "Enter");
    terminal.wait_for("commander (us), your name:");
    terminal.types("", "C-c");
    let over = terminal.wait_for("exit 4");
    assert!(over.contains("ended by SIGINT") && !over.contains("observer (us)"), "{over}");
}

/// An agenda with its people: roles, questions, notes, a run between them, and an end that they decide.
#[test]
fn people_hold_a_game_day() {
    let Some(terminal) = terminal(100, 50, "TERM=xterm-256color") else { return };
    terminal.types("perturb run p.chaos --gameday morning; echo exit $?", "Enter");
    for (asked, said) in [
        ("commander (us), your name: ", "Ada"),
        ("observer (us), your name: ", "Ben"),
        ("? commander (us): Everybody there? (yes/no) ", "yes"),
        ("… observer (us): What showed it first? ", "the dashboard"),
        ("? commander (us): Go on? (yes/no) ", "no"),
    ] {
        terminal.wait_for(asked.trim_end());
        terminal.types(said, "Enter");
    }
    let over = terminal.wait_for("exit 4");
    for wanted in [
        "game day morning at here/laptop",
        "commander (us): Ada",
        "Nobody is told what comes.",
        "run is-lost at here/laptop",
        "is-lost: confirmed, in the run ",
        "observer (us): the dashboard",
        "commander (us) said no",
        "ended by the question `Go on?`",
    ] {
        assert!(over.contains(wanted), "no `{wanted}` in\n{over}");
    }
    assert!(!over.contains("is still going on"), "{over}");
    let journal = terminal.folder.path().join("journal.db");
    let perturb = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_perturb"));
        let out = command.args(arguments).current_dir(terminal.folder.path()).env("PERTURB_JOURNAL", &journal).output();
        let out = out.unwrap();
        (out.status.code(), String::from_utf8(out.stdout).unwrap(), String::from_utf8(out.stderr).unwrap())
    };
    let (_, runs, _) = perturb(&["runs"]);
    assert_eq!(
        runs.lines().filter(|line| line.starts_with("confirmed") || line.starts_with("aborted")).count(),
        2,
        "{runs}"
    );
    let day = runs.lines().find(|line| line.starts_with("aborted")).unwrap().split_whitespace().last().unwrap();
    let (_, shown, _) = perturb(&["show", day]);
    assert!(shown.contains("observer (us): the dashboard") && shown.contains("commander (us) said no"), "{shown}");
    assert!(perturb(&["show", day, "--verify"]).1.contains("none changed"));
    // With nobody at a terminal it does not begin.
    let (code, said, _) = perturb(&["run", "p.chaos", "--gameday", "morning"]);
    assert!(code == Some(3) && said.contains("nobody is at a terminal"), "{said}");
    let (code, _, said) = perturb(&["run", "p.chaos", "--gameday", "mornin"]);
    assert!(code == Some(2) && said.contains("did you mean `morning`?"), "{said}");
    // What a `verify` names runs now.
    let (code, said, errors) = perturb(&["run", "p.chaos", "--verify", "nightly"]);
    assert_eq!(code, Some(0), "{said}{errors}");
    assert!(said.contains("CONFIRMED"), "{said}");
    let (code, _, said) = perturb(&["run", "p.chaos", "--verify", "nightli"]);
    assert!(code == Some(2) && said.contains("did you mean `nightly`?"), "{said}");
}
