//! Holds the layers of `src/` apart, and the rules that a reader relies on: good will alone never did.
//!
//! Comes in: the sources as text. Goes out: every line that breaks a rule, with the sentence that it breaks. To give a
//! folder leave to name another, change [`LAYERS`], and say in the commit why the arrow should exist.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Folder of `src/`: what it may name, beside itself.
const LAYERS: &[(&str, &[&str])] = &[
    ("source", &[]),
    ("types", &[]),
    ("manifest", &[]),
    ("diagnostic", &["source"]),
    ("syntax", &["source", "diagnostic", "types"]),
    ("format", &["source", "diagnostic", "syntax"]),
    ("plan", &["source", "types"]),
    ("check", &["source", "diagnostic", "syntax", "types", "plan"]),
    ("analysis", &["source", "diagnostic", "types", "plan"]),
    ("lint", &["source", "diagnostic", "syntax", "types", "plan", "analysis"]),
    ("lower", &["source", "diagnostic", "types", "check", "plan", "analysis"]),
    ("engine", &["source", "diagnostic", "types", "plan", "analysis", "manifest"]),
    ("runtime", &["source", "diagnostic", "types", "plan", "analysis", "engine"]),
    ("project", &["source", "diagnostic"]),
    // An editor says what `check` says: also what each engine makes of a plan.
    (
        "ide",
        &["source", "diagnostic", "types", "syntax", "format", "plan", "check", "lower", "analysis", "lint", "engine"],
    ),
    (
        "server",
        &["source", "diagnostic", "types", "syntax", "plan", "check", "lower", "analysis", "lint", "project", "ide"],
    ),
    // Manifests of others, read backwards through the library's bodies: it evaluates them, and makes no plan.
    ("import", &["source", "diagnostic", "types", "check", "plan", "analysis", "format"]),
    (
        "cli",
        &[
            "ide",
            "server",
            "source",
            "types",
            "manifest",
            "diagnostic",
            "syntax",
            "format",
            "plan",
            "check",
            "analysis",
            "lint",
            "lower",
            "engine",
            "runtime",
            "project",
            "import",
            "runtime",
        ],
    ),
];

/// A library: the one place that may name it, and why.
const LIBRARIES: &[(&str, &str, &str)] = &[
    ("pest", "syntax/", "the grammar's library never shows outside of the parser"),
    ("rowan", "syntax/", "the tree's library never shows outside of the typed views"),
    ("miette", "diagnostic/render/terminal.rs", "the diagnostic is our own data; miette only draws it"),
    ("lsp_server", "server/lsp/", "the protocol is spoken in one place"),
    ("gen_lsp_types", "server/lsp/", "the protocol is spoken in one place"),
    ("clap", "cli/", "arguments are understood at the edge"),
    ("ring", "cli/approval/", "signatures are verified in one place"),
    ("saphyr_parser", "import/yaml.rs", "YAML of others is read in one place, which bounds it"),
];

/// Words of effects. A pure layer that needs one of them needs it as an argument.
const EFFECTS: &[&str] = &[
    "std::fs",
    "TcpStream",
    "TcpListener",
    "UdpSocket",
    "ToSocketAddrs",
    "std::process",
    "std::env::",
    "std::io::stdin",
    "std::io::stdout",
    "SystemTime",
    "Instant::now",
    "thread::sleep",
];

/// Where effects are at home.
const LICENSED: &[&str] = &[
    "server/",
    "source/disk.rs",
    "project/",
    "cli/",
    "main.rs",
    "/drive.rs",
    "engine/local/",
    "runtime/drive/",
    "runtime/journal/",
    "runtime/watchdog/",
    "runtime/probes/",
    "runtime/gate/",
];

/// What may lie at the top of the repository.
const TOP: &[&str] = &[
    ".ci",
    ".git",
    ".gitattributes",
    ".github",
    ".gitignore",
    ".pre-commit-hooks.yaml",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "benches",
    "build.rs",
    "clippy.toml",
    "deny.toml",
    "docs",
    "editors",
    "examples",
    "fuzz",
    "grammar",
    "rust-toolchain.toml",
    "rustfmt.toml",
    "src",
    "stdlib",
    "target",
    "tests",
    ".config",
];

/// A file is read from top to bottom; beyond this many lines of code nobody does.
const MOST_LINES: usize = 800;

struct File {
    /// Relative to `src/`, with `/`.
    path: String,
    text: String,
    /// The text without comments and without what is in quotes; line ends stay.
    code: String,
    /// Whether it is compiled for tests alone.
    is_test: bool,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The `.rs` files below a folder, sorted; none where there is no folder.
fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn sources() -> Vec<File> {
    let src = root().join("src");
    let mut files: Vec<File> = rust_files(&src)
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            let path = path.strip_prefix(&src).unwrap().to_str().unwrap().replace('\\', "/");
            File { code: code_of(&text), path, text, is_test: false }
        })
        .collect();
    let tests: BTreeSet<String> = files.iter().flat_map(test_modules).collect();
    for file in &mut files {
        let stem = file.path.trim_end_matches(".rs").trim_end_matches("/mod");
        file.is_test = tests.iter().any(|t| stem == t || stem.starts_with(&format!("{t}/")));
    }
    files
}

/// The modules that a file declares for tests alone, as paths without `.rs`.
fn test_modules(file: &File) -> Vec<String> {
    let folder = match file.path.strip_suffix("/mod.rs") {
        Some(folder) => format!("{folder}/"),
        None if file.path == "lib.rs" || file.path == "main.rs" => String::new(),
        None => format!("{}/", file.path.trim_end_matches(".rs")),
    };
    let lines: Vec<&str> = file.text.lines().map(str::trim).collect();
    let mut found = Vec::new();
    for (index, _) in lines.iter().enumerate().filter(|(_, line)| **line == "#[cfg(test)]") {
        for line in lines.iter().skip(index + 1).take(2) {
            if let Some(path) = line.strip_prefix("#[path = \"").and_then(|l| l.strip_suffix(".rs\"]")) {
                let beside = file.path.rsplit_once('/').map_or(String::new(), |(f, _)| format!("{f}/"));
                found.push(format!("{beside}{path}"));
            } else if let Some(name) = line.strip_suffix(';').and_then(|l| l.rsplit_once("mod ")).map(|(_, n)| n) {
                found.push(format!("{folder}{name}"));
            }
        }
    }
    found
}

/// A text without comments and without what is in quotes. Line ends stay, so that lines can be counted.
fn code_of(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |i| i + 2)
        } else if let Some(length) = raw_string(rest) {
            length
        } else if first == '"' {
            quoted(rest)
        } else if first == '\'' && is_char(rest) {
            1 + rest[1..].char_indices().skip(1).find(|(_, c)| *c == '\'').map_or(0, |(i, _)| i + 1)
        } else {
            out.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        };
        out.extend(rest[..skipped].chars().filter(|c| *c == '\n'));
        rest = &rest[skipped..];
    }
    out
}

/// `'a'` and `'\n'`, but not the lifetime `'a`.
fn is_char(rest: &str) -> bool {
    let mut letters = rest.chars().skip(1);
    letters.next() == Some('\\') || letters.next() == Some('\'')
}

fn raw_string(rest: &str) -> Option<usize> {
    let after = rest.strip_prefix('r')?;
    let hashes = after.len() - after.trim_start_matches('#').len();
    let body = after[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    Some(body.find(&end).map_or(rest.len(), |i| 2 + hashes + i + end.len()))
}

fn quoted(rest: &str) -> usize {
    let mut escaped = false;
    for (index, letter) in rest.char_indices().skip(1) {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return index + 1,
            _ => {}
        }
    }
    rest.len()
}

fn line_at(code: &str, offset: usize) -> usize {
    code[..offset].matches('\n').count() + 1
}

/// Every folder that a file names by a path from the crate's root, with the line.
fn named_folders(file: &File) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    for (at, _) in file.code.match_indices("crate::") {
        // Not `$crate::` of a macro, and not the end of another word.
        if file.code[..at].ends_with(|c: char| c == '$' || c == '_' || c.is_alphanumeric()) {
            continue;
        }
        let rest = &file.code[at + "crate::".len()..];
        found.extend(first_names(rest).into_iter().map(|name| (name, line_at(&file.code, at))));
    }
    // `super::super::x` that leaves its folder is the same arrow in disguise.
    let depth = file.path.trim_end_matches(".rs").trim_end_matches("/mod").split('/').count();
    for (at, _) in file.code.match_indices("super::") {
        if file.code[..at].ends_with("super::") || file.code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_')
        {
            continue;
        }
        let rest = &file.code[at..];
        let ups = rest.split("super::").take_while(|part| part.is_empty()).count();
        if ups >= depth && !file.is_test && !in_tests(file, at) {
            let rest = &rest["super::".len() * ups..];
            found.extend(first_names(rest).into_iter().map(|name| (name, line_at(&file.code, at))));
        }
    }
    found
}

/// `a` of `a::b`, `a` and `c` of `{a::b, c}`.
fn first_names(rest: &str) -> Vec<String> {
    let name =
        |text: &str| -> String { text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect() };
    let Some(group) = rest.strip_prefix('{') else { return vec![name(rest)] };
    let (mut names, mut depth, mut begin) = (Vec::new(), 0, 0);
    for (index, letter) in group.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => {
                names.push(name(&group[begin..index]));
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                names.push(name(&group[begin..index]));
                begin = index + 1;
            }
            _ => {}
        }
    }
    names.retain(|n| !n.is_empty());
    names
}

/// Whether an offset lies in the tests at a file's foot.
fn in_tests(file: &File, offset: usize) -> bool {
    file.is_test || file.code.find("#[cfg(test)]").is_some_and(|begin| offset > begin)
}

fn fail_with(broken: &[String]) {
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

#[test]
fn folders_name_only_what_they_may() {
    let mut broken = Vec::new();
    for file in sources() {
        let Some((folder, _)) = file.path.split_once('/') else { continue };
        let Some((_, may)) = LAYERS.iter().find(|(name, _)| *name == folder) else {
            broken.push(format!("src/{}: `{folder}` is no layer: give it a row in LAYERS", file.path));
            continue;
        };
        for (named, line) in named_folders(&file) {
            let is_layer = LAYERS.iter().any(|(name, _)| *name == named);
            if is_layer && named != folder && !may.contains(&named.as_str()) {
                let may = if may.is_empty() { "nothing of ours".to_owned() } else { may.join(", ") };
                broken.push(format!("src/{}:{line}: `{folder}` names `{named}`, and may name {may}", file.path));
            }
        }
    }
    fail_with(&broken);
}

#[test]
fn the_layers_have_no_ring() {
    // Take away what stands on nothing that is left, again and again: a ring stays.
    let mut left: Vec<&str> = LAYERS.iter().map(|(name, _)| *name).collect();
    loop {
        let stands = |name: &&str| {
            let (_, may) = LAYERS.iter().find(|(n, _)| n == name).unwrap();
            may.iter().any(|m| left.contains(m))
        };
        let rest: Vec<&str> = left.iter().copied().filter(|n| stands(n)).collect();
        if rest.len() == left.len() {
            break;
        }
        left = rest;
    }
    assert!(left.is_empty(), "these layers stand on each other in a ring: {left:?}");
}

#[test]
fn the_top_level_is_fixed() {
    let mut broken = Vec::new();
    for entry in std::fs::read_dir(root()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if !TOP.contains(&name.as_str()) {
            broken.push(format!("{name}: not one of the places at the top of the repository ({})", TOP.join(", ")));
        }
    }
    for entry in std::fs::read_dir(root().join("src")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if !["lib.rs", "main.rs"].contains(&name.as_str()) && !LAYERS.iter().any(|(layer, _)| *layer == name) {
            broken.push(format!("src/{name}: no layer"));
        }
    }
    fail_with(&broken);
}

#[test]
fn every_file_says_what_it_is_for() {
    let mut broken = Vec::new();
    for folder in ["src", "tests", "benches"] {
        for path in rust_files(&root().join(folder)) {
            let text = std::fs::read_to_string(&path).unwrap();
            if !text.starts_with("//!") {
                let path = path.strip_prefix(root()).unwrap().display();
                broken.push(format!(
                    "{path}:1: a file begins with `//!`: what comes in, what goes out, what it never does"
                ));
            }
        }
    }
    fail_with(&broken);
}

#[test]
fn globs_of_super_are_for_tests() {
    let mut broken = Vec::new();
    for file in sources() {
        for (at, _) in file.code.match_indices("use super::*") {
            if !in_tests(&file, at) {
                let line = line_at(&file.code, at);
                broken.push(format!("src/{}:{line}: `use super::*` hides what is named: name it", file.path));
            }
        }
    }
    fail_with(&broken);
}

#[test]
fn libraries_stay_in_their_places() {
    let mut broken = Vec::new();
    for file in sources() {
        for (library, place, why) in LIBRARIES {
            let words = [format!("{library}::"), format!("{library}_derive::")];
            for (at, _) in words.iter().flat_map(|w| file.code.match_indices(w.as_str())) {
                let is_name = !file.code[..at].ends_with(|c: char| c == '_' || c == ':' || c.is_alphanumeric());
                if is_name && !file.path.starts_with(place) && !in_tests(&file, at) {
                    let line = line_at(&file.code, at);
                    broken.push(format!("src/{}:{line}: only `src/{place}` names {library}: {why}", file.path));
                }
            }
        }
    }
    fail_with(&broken);
}

#[test]
fn effects_stay_at_the_edge() {
    let mut broken = Vec::new();
    for file in sources() {
        if LICENSED.iter().any(|place| file.path.starts_with(place) || file.path.ends_with(place)) {
            continue;
        }
        for effect in EFFECTS {
            for (at, _) in file.code.match_indices(effect) {
                if !in_tests(&file, at) {
                    let line = line_at(&file.code, at);
                    broken.push(format!(
                        "src/{}:{line}: `{effect}` is an effect, at home in {}",
                        file.path,
                        LICENSED.join(", ")
                    ));
                }
            }
        }
    }
    fail_with(&broken);
}

#[test]
fn files_can_be_read_in_one_sitting() {
    let mut broken = Vec::new();
    for file in sources() {
        let lines = file.code.lines().filter(|l| !l.trim().is_empty()).count();
        if lines > MOST_LINES {
            broken.push(format!(
                "src/{}: {lines} lines of code, and {MOST_LINES} at most: split it by what it is about",
                file.path
            ));
        }
    }
    fail_with(&broken);
}

/// The rules themselves are tested on texts that break them.
mod rules {
    use super::*;

    fn file(path: &str, text: &str) -> File {
        File { path: path.into(), text: text.into(), code: code_of(text), is_test: false }
    }

    #[test]
    fn arrows_are_found_in_every_spelling() {
        let text = "use crate::{plan::Plan, check};\nfn f() { crate::lower::plan() }\nuse super::super::cli::main;\n";
        let named = named_folders(&file("types/value.rs", text));
        let names: Vec<&str> = named.iter().map(|(n, _)| n.as_str()).collect();
        assert_eq!(names, ["plan", "check", "lower", "cli"]);
        assert_eq!(named[2].1, 2);
    }

    #[test]
    fn comments_and_texts_are_no_arrows() {
        let text = "/// See [`crate::cli`].\nconst A: &str = \"crate::cli\"; // crate::cli\nconst B: &str = r#\"crate::cli\"#;\n\
                    fn f<'a>(c: &'a str) -> char { '\"' } fn g() { crate::plan::x() }\n/* crate::cli */";
        let named = named_folders(&file("types/value.rs", text));
        assert_eq!(named, [("plan".to_owned(), 4)]);
    }

    #[test]
    fn super_within_the_folder_is_no_arrow() {
        assert_eq!(named_folders(&file("plan/model.rs", "use super::Condition;")), []);
        assert_eq!(named_folders(&file("plan/mod.rs", "use super::cli;")), [("cli".to_owned(), 1)]);
    }

    #[test]
    fn modules_for_tests_are_known() {
        let text = "#[cfg(test)]\npub(crate) mod sample;\n#[cfg(test)]\n#[path = \"x_tests.rs\"]\nmod tests;\n";
        assert_eq!(test_modules(&file("plan/mod.rs", text)), ["plan/sample", "plan/x_tests", "plan/tests"]);
        assert_eq!(test_modules(&file("plan/a.rs", text)), ["plan/a/sample", "plan/x_tests", "plan/a/tests"]);
    }
}
