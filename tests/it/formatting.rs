//! `perturb fmt` as people and scripts use it, and our own texts: the blocks of our pages are formatted, and a plan does not
//! notice that its text was.
//!
//! `PERTURB_BLESS=1` formats the blocks.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use perturb::format::format;
use perturb::source::FileId;
use perturb::syntax;

use crate::support::{chaos_files, compile, root};

fn formatted(text: &str) -> String {
    format(&syntax::parse(FileId(0), text), text).text
}

/// A block of members, not of items: as they stand inside of an item.
fn formatted_members(text: &str) -> String {
    let inside = formatted(&format!("experiment it {{\n{text}}}\n"));
    let lines = inside.strip_prefix("experiment it {\n").and_then(|t| t.strip_suffix("}\n"));
    let Some(lines) = lines else { return text.to_owned() };
    lines.split_inclusive('\n').map(|line| line.strip_prefix("  ").unwrap_or(line)).collect()
}

/// The files of a block, each formatted; `// file: NAME` begins each.
fn formatted_block(info: &str, text: &str) -> String {
    if ["hypothesis", "guard", "method"].iter().any(|part| info.ends_with(part)) {
        return formatted_members(text);
    }
    let mut out = String::new();
    let mut part = String::new();
    let mut is_ours = true;
    for line in text.split_inclusive('\n') {
        if let Some(name) = line.trim_end().strip_prefix("// file: ") {
            out.push_str(&if is_ours { formatted(&part) } else { part.clone() });
            part.clear();
            out.push_str(line);
            is_ours = name.ends_with(".chaos");
        } else {
            part.push_str(line);
        }
    }
    out.push_str(&if is_ours { formatted(&part) } else { part });
    out
}

/// A page with its blocks formatted.
fn formatted_page(page: &str) -> String {
    let mut out = String::new();
    let mut open: Option<(String, String)> = None;
    for line in page.split_inclusive('\n') {
        match (line.strip_prefix("```"), &mut open) {
            (Some(info), None) => {
                out.push_str(line);
                open = Some((info.trim().to_owned(), String::new()));
            }
            (Some(_), Some((info, text))) => {
                // What is written with escapes is no text of ours until they are undone.
                let is_ours = info.split(' ').next() == Some("chaos") && !info.ends_with(" escaped");
                out.push_str(&if is_ours { formatted_block(info, text) } else { text.clone() });
                out.push_str(line);
                open = None;
            }
            (None, Some((_, text))) => text.push_str(line),
            (None, None) => out.push_str(line),
        }
    }
    out
}

fn pages(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "md"))
        .collect();
    found.sort();
    found
}

#[test]
fn the_blocks_of_our_pages_are_formatted() {
    let mut wrong = String::new();
    for path in [pages(&root().join("docs")), pages(&root().join("docs/errors"))].concat() {
        if path.ends_with("import.md") {
            // Its blocks are what `perturb import` writes, which that page's own test holds.
            continue;
        }
        let page = fs::read_to_string(&path).unwrap();
        let wanted = formatted_page(&page);
        if wanted == page {
            continue;
        }
        if std::env::var_os("PERTURB_BLESS").is_some() {
            fs::write(&path, wanted).unwrap();
        } else {
            let line = page.lines().zip(wanted.lines()).position(|(a, b)| a != b).unwrap_or(0) + 1;
            wrong.push_str(&format!("{}:{line}\n", path.display()));
        }
    }
    assert!(wrong.is_empty(), "blocks that are not formatted (PERTURB_BLESS=1 formats them):\n{wrong}");
}

/// The plans of some files by experiment and place, and their digests.
fn digests(files: &[(String, String)]) -> BTreeMap<String, String> {
    let borrowed: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let compiled = compile(&borrowed);
    let plans = compiled.plans.iter().filter_map(|p| {
        let plan = p.plan.as_ref()?;
        Some((format!("{}@{}", p.experiment.name, p.place), format!("{} {}", plan.digest, plan.text_digest)))
    });
    plans.collect()
}

/// Lines broken at their commas and without blanks to align them, but for those with texts or comments.
fn squeezed(text: &str) -> String {
    let is_code = |line: &&str| !line.contains(['"', '/']) && !line.starts_with("    sum(");
    let squeeze = |line: &str| line.replace("one of ", "1 of ").replace(", ", ",\n").replace("  ", " ");
    text.split_inclusive('\n').map(|line| if is_code(&line) { squeeze(line) } else { line.to_owned() }).collect()
}

#[test]
fn formatting_changes_no_plan_of_an_example() {
    let files = chaos_files("examples");
    // The same words in another layout, formatted, and as they are.
    let other: Vec<(String, String)> =
        files.iter().map(|(path, text)| (path.clone(), formatted(&squeezed(text)))).collect();
    let expected = digests(&files);
    assert!(expected.len() > 30, "{} plans", expected.len());
    assert_ne!(files, other.iter().map(|(path, text)| (path.clone(), squeezed(text))).collect::<Vec<_>>());
    let found = digests(&other);
    let changed: Vec<&String> = expected.iter().filter(|(k, v)| found.get(*k) != Some(v)).map(|(k, _)| k).collect();
    assert!(changed.is_empty() && expected.len() == found.len(), "{changed:?}");
}

fn perturb(folder: &Path, arguments: &[&str], input: Option<&str>) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_perturb"));
    command.current_dir(folder).args(arguments).args(["--color", "never"]).env("TERM", "xterm");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.unwrap_or("").as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

const UGLY: &str = "team   a {contact:\"#a\"}   // ours\n";
const PRETTY: &str = "team a { contact: \"#a\" }  // ours\n";

fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        fs::create_dir_all(folder.path().join(path).parent().unwrap()).unwrap();
        fs::write(folder.path().join(path), text).unwrap();
    }
    folder
}

#[test]
fn a_file_that_is_no_text_is_not_as_it_should_be() {
    let project = folder(&[("a.chaos", b"team \xE9 { contact: 1 }\n")]);
    let (code, _, err) = perturb(project.path(), &["fmt"], None);
    assert!(code != 0 && err.contains("P0002") && !err.contains("as they should be"), "{code}: {err}");
    fs::write(project.path().join("b.chaos"), PRETTY).unwrap();
    let (_, _, err) = perturb(project.path(), &["fmt"], None);
    assert!(err.ends_with("1 file as they should be\n"), "{err}");
}

#[test]
fn files_are_rewritten_whole_and_told() {
    let project = folder(&[("a.chaos", UGLY.as_bytes()), ("sub/b.chaos", PRETTY.as_bytes()), ("c.txt", b"team  x")]);
    let at = |path: &str| fs::read_to_string(project.path().join(path)).unwrap();
    let (code, out, err) = perturb(project.path(), &["fmt", "--check"], None);
    assert_eq!((code, out.as_str()), (1, "a.chaos: not formatted\n"), "{err}");
    assert_eq!(at("a.chaos"), UGLY, "a check writes nothing");
    let (code, out, _) = perturb(project.path(), &["fmt", "--diff"], None);
    assert_eq!(code, 1);
    assert!(out.contains("--- a.chaos\n+++ a.chaos\n") && out.contains(&format!("-{UGLY}+{PRETTY}")), "{out}");
    assert_eq!(at("a.chaos"), UGLY, "a difference writes nothing");
    let (code, out, err) = perturb(project.path(), &["fmt"], None);
    assert_eq!((code, out.as_str(), err.as_str()), (0, "", "1 file formatted, 1 file as they were\n"));
    assert_eq!((at("a.chaos").as_str(), at("c.txt").as_str()), (PRETTY, "team  x"));
    assert_eq!(perturb(project.path(), &["fmt", "--check", "a.chaos", "sub"], None).0, 0);
    let left: Vec<_> = fs::read_dir(project.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left.len(), 3, "{left:?}");
}

#[test]
fn what_does_not_fit_the_grammar_stays_and_is_told() {
    let text = format!("{UGLY}service x {{ owner = a }}\n");
    let project = folder(&[("a.chaos", text.as_bytes())]);
    let (code, _, err) = perturb(project.path(), &["fmt"], None);
    assert_eq!(code, 1, "{err}");
    assert!(err.contains("P0020") && err.contains("1 file formatted"), "{err}");
    let after = fs::read_to_string(project.path().join("a.chaos")).unwrap();
    assert_eq!(after, format!("{PRETTY}service x {{ owner = a }}\n"));
    assert_eq!(perturb(project.path(), &["fmt"], None).0, 1, "still");
}

#[test]
fn bytes_that_are_no_text_are_left_and_told() {
    let bytes = b"team   a {contact:\"#\xff\"}\n";
    let project = folder(&[("a.chaos", bytes)]);
    let (code, _, err) = perturb(project.path(), &["fmt"], None);
    assert_eq!(code, 1, "{err}");
    assert!(err.contains("P0002"), "{err}");
    assert_eq!(fs::read(project.path().join("a.chaos")).unwrap(), bytes);
}

#[test]
fn standard_input_goes_to_standard_output() {
    let project = folder(&[]);
    assert_eq!(perturb(project.path(), &["fmt", "-"], Some(UGLY)), (0, PRETTY.to_owned(), String::new()));
    let (code, out, _) = perturb(project.path(), &["fmt", "-", "--check"], Some(UGLY));
    assert_eq!((code, out.as_str()), (1, "<stdin>: not formatted\n"));
    let wrong = "service x { owner = a }\n";
    let (code, out, err) = perturb(project.path(), &["fmt", "-", "--stdin-path", "x.chaos"], Some(wrong));
    assert_eq!((code, out.as_str()), (1, wrong), "{err}");
    assert!(err.contains("x.chaos:1:"), "{err}");
    assert_eq!(perturb(project.path(), &["fmt", "-", "x"], Some("")).0, 2);
    assert_eq!(perturb(project.path(), &["fmt", "--stdin-path", "x"], None).0, 2);
}

#[test]
fn a_path_that_is_not_there_is_wrong_usage() {
    let project = folder(&[("here.chaos", b"")]);
    let (code, _, err) = perturb(project.path(), &["fmt", "her.chaos"], None);
    assert_eq!(code, 2);
    assert!(err.contains("did you mean `here.chaos`?"), "{err}");
}

#[cfg(unix)]
#[test]
fn links_and_permissions_stay() {
    use std::os::unix::fs::PermissionsExt;
    let project = folder(&[("real.txt", UGLY.as_bytes())]);
    let (real, link) = (project.path().join("real.txt"), project.path().join("link.chaos"));
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
    std::os::unix::fs::symlink("real.txt", &link).unwrap();
    assert_eq!(perturb(project.path(), &["fmt", "link.chaos"], None).0, 0);
    assert!(link.symlink_metadata().unwrap().file_type().is_symlink());
    assert_eq!(fs::read_to_string(&real).unwrap(), PRETTY);
    assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);
    fs::write(&real, UGLY).unwrap();
    fs::set_permissions(&real, fs::Permissions::from_mode(0o440)).unwrap();
    let (code, _, err) = perturb(project.path(), &["fmt", "link.chaos"], None);
    assert!(code == 2 && err.contains("read-only"), "{code} {err}");
    assert_eq!(fs::read_to_string(&real).unwrap(), UGLY);
}
