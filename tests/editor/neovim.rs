//! Debian's Neovim, without a screen, against the real server; and a picture of it with one.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::{has, project, root, with_room};

/// Neovim with our folder as its README says, and a home of its own.
fn install(home: &Path) -> PathBuf {
    let start = home.join("share/nvim/site/pack/perturb/start");
    std::fs::create_dir_all(&start).unwrap();
    let copied =
        Command::new("cp").arg("-r").arg(root().join("editors/neovim")).arg(start.join("perturb")).status().unwrap();
    assert!(copied.success());
    home.to_path_buf()
}

fn with_home<'c>(command: &'c mut Command, home: &Path) -> &'c mut Command {
    let bin = Path::new(env!("CARGO_BIN_EXE_perturb")).parent().unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    command
        .env("PATH", path)
        .env("HOME", home)
        .env("XDG_CONFIG_HOME", home.join("config"))
        .env("XDG_DATA_HOME", home.join("share"))
        .env("XDG_STATE_HOME", home.join("state"))
        .env("XDG_CACHE_HOME", home.join("cache"))
}

/// The examples with a quantity that lost its unit.
fn broken(whole: &str, bare: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = project();
    let path = folder.path().join("slow-dependency.chaos");
    let text = with_room(&std::fs::read_to_string(&path).unwrap()).replace(whole, bare);
    std::fs::write(&path, text).unwrap();
    (folder, path)
}

/// Runs a script in the Neovim of a home, with what it is told: what it wrote.
fn drive(home: &Path, script: &str, folder: &Path, told: &[(&str, &OsStr)]) -> Value {
    let (out, scripts) = (home.join("out.json"), root().join("tests/editor"));
    let mut command = Command::new("nvim");
    with_home(&mut command, home)
        .arg("--headless")
        .arg("-S")
        .arg(scripts.join(script))
        .env("PERTURB_SHARED", scripts.join("neovim-shared.lua"))
        .env("PERTURB_OUT", &out)
        .envs(told.iter().copied())
        .current_dir(folder)
        .stdin(Stdio::null());
    let ran = command.output().unwrap();
    let said = std::fs::read_to_string(&out).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&ran.stderr)));
    serde_json::from_str(&said).unwrap()
}

#[test]
fn neovim_shows_completes_mends_and_renames() {
    if !has("nvim", "--version") {
        return;
    }
    let ((folder, path), home) = (broken("latency: 300ms", "latency: 300"), tempfile::tempdir().unwrap());
    install(home.path());
    let told = [("PERTURB_FILE", path.as_os_str()), ("PERTURB_FIX", OsStr::new("`300ms`"))];
    let said = drive(home.path(), "neovim.lua", folder.path(), &told);
    assert_eq!(said["ok"], true, "{said:#}");
    assert_eq!(said["filetype"], "chaos");
    assert_eq!(said["diagnostics"][0]["source"], "perturb");
    assert!(said["diagnostics"][0]["message"].as_str().unwrap().starts_with("`300` has no unit"), "{said:#}");
    assert!(said["hover"].as_str().unwrap().contains("fault network.delay"), "{said:#}");
    let definition = said["definition"]["uri"].as_str().unwrap();
    assert!(definition.ends_with("std/network.chaos"), "{definition}");
    let library = std::fs::metadata(definition.strip_prefix("file://").unwrap()).unwrap();
    assert!(library.permissions().readonly(), "the library can be written");
    assert!(said["text"].as_str().unwrap().contains("latency: 300ms"), "{said:#}");
    assert!(said["renamed"].as_array().unwrap().len() > 3, "{said:#}");
    assert_eq!(said["clients"], 1);
}

#[test]
fn neovim_is_answered_whatever_it_asks() {
    if !has("nvim", "--version") {
        return;
    }
    let (folder, home) = (project(), tempfile::tempdir().unwrap());
    install(home.path());
    let (file, catalogue) = (folder.path().join("slow-dependency.chaos"), folder.path().join("catalogue.chaos"));
    let told = [("PERTURB_FILE", file.as_os_str()), ("PERTURB_CATALOGUE", catalogue.as_os_str())];
    let said = drive(home.path(), "neovim-all.lua", folder.path(), &told);
    assert_eq!(said["ok"], true, "{said:#}");

    let places = [
        ("words of a file", &["experiment", "scenario", "service", "metric", "slo", "incident", "import"][..]),
        ("lines of an experiment", &["environments", "baseline", "let"]),
        ("services", &["checkout", "ledger", "token"]),
        ("incidents", &["pm-2022-031", "pm-2023-007"]),
        ("metrics and slos", &["success-rate", "p99", "checkout-availability.budget-left", "refuted"]),
        ("steps", &["network.delay", "wait", "check", "with", "parallel"]),
        ("parameters", &["correlation", "direction", "peer"]),
        ("words of an enumeration", &["incoming", "outgoing", "both"]),
        ("units", &["10%"]),
        ("targets", &["50% of ledger.pods", "one of checkout.pods"]),
        ("environments", &["dev", "staging", "production"]),
        ("teams", &["ledgers", "platform"]),
        ("labels", &["ledger", "checkout"]),
        ("modules", &["dns", "http", "jvm"]),
        ("names of a file", &["ledger-db", "platform"]),
    ];
    let offered = |place: &str| said["completion"][place].as_array().cloned().unwrap_or_default();
    for (place, wanted) in places {
        let labels: Vec<String> = offered(place).iter().map(|i| i["label"].as_str().unwrap().to_owned()).collect();
        for label in wanted {
            assert!(labels.iter().any(|l| l == label), "{place} has no {label}: {labels:?}");
        }
    }
    // A fault comes as a snippet with its needed parameters; one of another module brings its import along.
    let steps = offered("steps");
    let delay = steps.iter().find(|i| i["label"] == "network.delay").unwrap();
    assert!(delay["edit"].as_str().unwrap().contains("latency: "), "{delay}");
    assert!(delay["doc"].as_str().unwrap().contains("**litmus**"), "{delay}");
    assert!(steps.iter().any(|i| i["also"][0]["newText"] == ", disk"), "no fault brings its import");

    let hover = |of: &str| said["hover"][of].as_str().unwrap_or_default().to_owned();
    assert!(hover("experiment").contains("at most 8m30s in all"), "{}", hover("experiment"));
    assert!(hover("experiment").contains("Step by step"), "the telling: {}", hover("experiment"));
    assert!(hover("parameter").contains("jitter: Duration in 0s..1m"), "{}", hover("parameter"));
    assert!(hover("unit").contains("is a Duration"), "{}", hover("unit"));
    assert!(hover("word").contains("expected to hold"), "{}", hover("word"));
    assert!(hover("service").contains("depends-on"), "{}", hover("service"));
    assert_eq!(said["signature"]["activeParameter"], 3, "{:#}", said["signature"]);

    assert!(said["definition"]["uri"].as_str().unwrap().ends_with("catalogue.chaos"));
    let many = |of: &str, least: usize| {
        let length = said[of].as_array().map_or(0, Vec::len);
        assert!(length >= least, "{of}: {length}: {:#}", said[of]);
    };
    for (of, least) in [
        ("references", 10),
        ("calls", 1),
        ("outgoing", 1),
        ("incoming", 5),
        ("symbols", 1),
        ("workspace_symbols", 3),
        ("folding", 4),
        ("selection", 1),
        ("lenses", 3),
        ("links", 3),
        ("fix_all", 1),
        ("mistakes", 2),
    ] {
        many(of, least);
    }
    assert!(said["prepare_rename"].is_object(), "{:#}", said["prepare_rename"]);
    assert_eq!(said["outgoing"][0]["to"]["name"], "ledger");
    assert!(said["tokens"].as_u64().unwrap() > 200);
    let hints: Vec<&str> = said["hints"].as_array().unwrap().iter().filter_map(|h| h["label"].as_str()).collect();
    assert_eq!(hints, ["1 of 3", "ends at 5m–6m"]);
    let commands: Vec<&str> =
        said["lenses"].as_array().unwrap().iter().filter_map(|l| l["command"]["command"].as_str()).collect();
    for command in ["perturb.check", "perturb.plan", "perturb.simulate"] {
        assert!(commands.contains(&command), "{commands:?}");
    }
    // The example has its layout, and nothing to mend; two mistakes are mended by one action.
    assert_eq!(said["formatting"].as_array().map(Vec::len), Some(0));
    assert_eq!(said["nothing_to_fix"].as_array().map(Vec::len), Some(0));
    assert_eq!(
        said["text"],
        std::fs::read_to_string(root().join("examples/slow-dependency.chaos")).unwrap().trim_end()
    );
}

/// Builds the parser where Neovim finds it, with the command that the README gives.
fn build_parser(home: &Path) {
    let readme = std::fs::read_to_string(root().join("editors/neovim/README.md")).unwrap();
    let command =
        readme.lines().map(str::trim).find(|line| line.starts_with("cc ")).expect("the README builds the parser");
    let plugin = home.join("share/nvim/site/pack/perturb/start/perturb");
    let command = command.replace("~/.local/share/nvim/site/pack/perturb/start/perturb", plugin.to_str().unwrap());
    std::fs::create_dir_all(plugin.join("parser")).unwrap();
    let built = Command::new("sh").arg("-c").arg(&command).current_dir(root()).status().unwrap();
    assert!(built.success(), "{command}");
}

#[test]
fn neovim_colours_and_folds_by_the_parser() {
    if !has("nvim", "--version") || !has("cc", "--version") {
        return;
    }
    let (folder, home) = (project(), tempfile::tempdir().unwrap());
    install(home.path());
    build_parser(home.path());
    let file = folder.path().join("slow-dependency.chaos");
    let said = drive(home.path(), "neovim-colors.lua", folder.path(), &[("PERTURB_FILE", file.as_os_str())]);
    assert_eq!(
        (&said["ok"], &said["active"], &said["broken"]),
        (&true.into(), &true.into(), &false.into()),
        "{said:#}"
    );
    let has = |query: &str, wanted: &str| said[query].as_array().unwrap().iter().any(|found| found == wanted);
    for wanted in ["keyword experiment", "keyword expect", "number 300ms", "constant.builtin true", "property service"]
    {
        let is_there = has("highlights", wanted);
        assert_eq!(is_there, wanted != "constant.builtin true", "{wanted}: {said:#}");
    }
    assert!(has("folds", "fold {"), "{said:#}");
    assert!(has("indents", "indent.branch }"), "{said:#}");
    assert!(has("locals", "local.reference checkout"), "{said:#}");
}

/// With Neovim's table of words switched off, what has a colour has it from the parser.
#[test]
fn neovim_draws_what_the_parser_says() {
    if !has("nvim", "--version") || !has("cc", "--version") || !has("tmux", "-V") {
        return;
    }
    let ((folder, path), home) = (broken("< 800ms but", "< 800 but"), tempfile::tempdir().unwrap());
    install(home.path());
    build_parser(home.path());

    let terminal = Terminal { home: home.path(), folder: folder.path() };
    terminal.open(&path, "| syntax off");
    let shown = terminal.wait_for(&["has no unit"]);
    let picture = terminal.tmux(&["capture-pane", "-p", "-e"]);
    terminal.tmux(&["kill-server"]);
    assert!(shown, "the file is not shown");
    // A colour ends behind the word, and begins right before the number.
    assert!(picture.contains("experiment\u{1b}[") && picture.contains("m99.5%"), "there are no colours:\n{picture}");
}

/// A terminal that nobody looks at, with a Neovim in it.
struct Terminal<'t> {
    home: &'t Path,
    folder: &'t Path,
}

impl Terminal<'_> {
    fn tmux(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("tmux");
        with_home(&mut command, self.home)
            .arg("-S")
            .arg(self.home.join("tmux"))
            .args(arguments)
            .current_dir(self.folder)
            .env("TERM", "xterm-256color");
        let out = command.output().unwrap();
        String::from_utf8_lossy(&out.stdout).into_owned()
    }

    /// Opens a file, with more said to Neovim before.
    fn open(&self, path: &Path, before: &str) {
        let settings =
            "set termguicolors background=dark noshowmode noruler laststatus=0 shortmess+=F completeopt=menuone";
        let edit = format!("nvim --cmd '{settings} {before}' {}", path.display());
        self.tmux(&["-f", "/dev/null", "new-session", "-d", "-x", "118", "-y", "30", &edit]);
    }

    fn wait_for(&self, wanted: &[&str]) -> bool {
        let begin = Instant::now();
        loop {
            let shown = self.tmux(&["capture-pane", "-p"]);
            if wanted.iter().all(|w| shown.contains(w)) {
                return true;
            }
            if begin.elapsed() > Duration::from_secs(90) {
                eprintln!("{shown}");
                return false;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

/// `docs/editors.md` shows what this sees: Neovim on a terminal, with a finding and a list of completions.
#[test]
fn a_picture_of_neovim_shows_a_finding_and_a_completion() {
    if !has("nvim", "--version") || !has("tmux", "-V") {
        return;
    }
    let ((folder, path), home) = (broken("< 800ms but", "< 800 but"), tempfile::tempdir().unwrap());
    install(home.path());
    let terminal = Terminal { home: home.path(), folder: folder.path() };
    terminal.open(&path, "");
    let found = terminal.wait_for(&["has no unit"]);
    let keys = ["send-keys", "/for 5m", "Enter", "o"];
    terminal.tmux(&keys);
    terminal.tmux(&["send-keys", "-l", "    network.d"]);
    terminal.tmux(&["send-keys", "C-x", "C-o"]);
    let completed = terminal.wait_for(&["has no unit", "network.degrade", "duplicate"]);
    let picture = terminal.tmux(&["capture-pane", "-p", "-e"]);
    terminal.tmux(&["kill-server"]);
    assert!(found, "the finding is not shown");
    assert!(completed, "the completion is not shown");
    let svg = svg(&picture);
    let target = root().join("docs/neovim.svg");
    if std::env::var_os("PERTURB_BLESS").is_some() {
        std::fs::write(&target, &svg).unwrap();
    }
    let kept = std::fs::read_to_string(&target).expect("docs/neovim.svg: PERTURB_BLESS=1 takes the picture");
    assert!(kept.contains("has no unit") && kept.contains("duplicate"), "the picture shows something else");
}

/// A terminal's text with its colours as a picture.
fn svg(ansi: &str) -> String {
    const WIDTH: f64 = 8.4;
    const HEIGHT: f64 = 18.0;
    let lines: Vec<&str> = ansi.lines().collect();
    let mut out = String::new();
    let (w, h) = (WIDTH * 118.0 + 24.0, HEIGHT * lines.len() as f64 + 24.0);
    let _ = write!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{w:.0}\" height=\"{h:.0}\" font-family=\"ui-monospace,Menlo,Consolas,monospace\" font-size=\"14\">\n<rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#1e1e24\"/>\n"
    );
    let mut style = Style::default();
    for (row, line) in lines.iter().enumerate() {
        let (mut column, mut rest) = (0usize, *line);
        while !rest.is_empty() {
            if let Some(behind) = rest.strip_prefix("\u{1b}[") {
                let end = behind.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(behind.len() - 1);
                style.apply(&behind[..end]);
                rest = &behind[end + 1..];
                continue;
            }
            let end = rest.find('\u{1b}').unwrap_or(rest.len());
            let (text, behind) = rest.split_at(end);
            let (x, y) = (12.0 + column as f64 * WIDTH, 12.0 + row as f64 * HEIGHT);
            let count = text.chars().count();
            let length = count as f64 * WIDTH;
            if let Some(back) = style.shown_back() {
                let _ = writeln!(
                    out,
                    "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{length:.1}\" height=\"{HEIGHT}\" fill=\"{back}\"/>"
                );
            }
            if !text.trim().is_empty() {
                let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
                let base = y + 14.0;
                let weight = if style.bold { " font-weight=\"bold\"" } else { "" };
                let _ = writeln!(
                    out,
                    "<text x=\"{x:.1}\" y=\"{base:.1}\" textLength=\"{length:.1}\" xml:space=\"preserve\" fill=\"{}\"{weight}>{text}</text>",
                    style.shown_front()
                );
            }
            column += count;
            rest = behind;
        }
    }
    out.push_str("</svg>\n");
    out
}

/// The colours of a piece of a terminal's text.
#[derive(Default)]
struct Style {
    front: Option<String>,
    back: Option<String>,
    bold: bool,
    reverse: bool,
}

impl Style {
    fn shown_front(&self) -> String {
        let front = if self.reverse { &self.back } else { &self.front };
        front.clone().unwrap_or_else(|| if self.reverse { "#1e1e24" } else { "#d8dee9" }.to_owned())
    }

    fn shown_back(&self) -> Option<String> {
        if self.reverse { Some(self.front.clone().unwrap_or_else(|| "#d8dee9".to_owned())) } else { self.back.clone() }
    }

    fn apply(&mut self, codes: &str) {
        let mut numbers = codes.split([';', ':']).map(|n| n.parse::<u32>().unwrap_or(0));
        while let Some(code) = numbers.next() {
            match code {
                0 => *self = Self::default(),
                1 => self.bold = true,
                7 => self.reverse = true,
                22 => self.bold = false,
                27 => self.reverse = false,
                30..=37 => self.front = Some(indexed(code - 30)),
                40..=47 => self.back = Some(indexed(code - 40)),
                90..=97 => self.front = Some(indexed(code - 82)),
                100..=107 => self.back = Some(indexed(code - 92)),
                39 => self.front = None,
                49 => self.back = None,
                38 | 48 => {
                    let color = match numbers.next() {
                        Some(5) => indexed(numbers.next().unwrap_or(7)),
                        _ => {
                            let mut part = || numbers.next().unwrap_or(0);
                            format!("#{:02x}{:02x}{:02x}", part(), part(), part())
                        }
                    };
                    *(if code == 38 { &mut self.front } else { &mut self.back }) = Some(color);
                }
                _ => {}
            }
        }
    }
}

/// A colour of a terminal's table.
fn indexed(number: u32) -> String {
    const FIRST: [&str; 16] = [
        "#2e3440", "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#d8dee9", "#5c6370", "#ff7b86",
        "#b5e890", "#ffd68a", "#7cc4ff", "#e29bf5", "#7fd8e2", "#ffffff",
    ];
    match number {
        0..=15 => FIRST[number as usize].to_owned(),
        16..=231 => {
            let n = number - 16;
            let level = |v: u32| if v == 0 { 0 } else { 55 + v * 40 };
            format!("#{:02x}{:02x}{:02x}", level(n / 36), level(n / 6 % 6), level(n % 6))
        }
        _ => {
            let grey = 8 + (number.min(255) - 232) * 10;
            format!("#{grey:02x}{grey:02x}{grey:02x}")
        }
    }
}
