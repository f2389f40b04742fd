//! `docs/errors/P0123.md`: each page's wrong text gives exactly its code, its right text gives nothing.
//!
//! The blocks are run as a user would run them: written into a folder, `perturb check` over it. Where an engine or an option
//! is part of the mistake, the fence says so (```` ```chaos compile --engine litmus --strict ````). What Markdown cannot hold is
//! written as an escape, and the fence says ```` ```chaos escaped ````: `\xE9` is a byte, `\u{FEFF}` a letter, `\r`, `\0`.

use std::path::Path;
use std::process::Command;

use libtest_mimic::{Failed, Trial};
use perturb::diagnostic::Code;
use perturb::diagnostic::render::{Format, Look, render};

use crate::cases::{NamedText, files_below, findings, root, split, support};

/// One test a page, and one over all codes.
pub fn trials() -> Vec<Trial> {
    let mut trials: Vec<Trial> = files_below("docs/errors", "md")
        .into_iter()
        .filter(|path| path.file_name().is_some_and(|n| n.to_string_lossy().starts_with('P')))
        .map(|path| {
            let name = path.file_stem().expect("a listed file has a name").to_string_lossy().into_owned();
            Trial::test(format!("page/{name}"), move || page(&name, &path))
        })
        .collect();
    trials.push(Trial::test("codes/every_code_has_a_page_and_a_case", every_code));
    trials
}

fn page(name: &str, path: &Path) -> Result<(), Failed> {
    let text = std::fs::read_to_string(path)?;
    let code = Code::parse(name).filter(|c| c.to_string() == name).ok_or("there is no such code")?;
    let title = format!("# {code}: {}", code.info().title);
    if text.lines().next() != Some(&title) {
        return Err(format!("the first line should be `{title}`").into());
    }
    if perturb::diagnostic::pages::first_paragraph(&text).is_none() {
        return Err("it explains nothing".into());
    }
    if is_not_shown(&text) {
        return Ok(());
    }
    let (_, rest) = text.split_once("\n## Wrong\n").ok_or("it has no `## Wrong`")?;
    let (wrong, right) = rest.split_once("\n## Right\n").ok_or("it has no `## Right` behind `## Wrong`")?;
    for (part, wanted) in [(wrong, vec![code.to_string()]), (right, vec![])] {
        let blocks = support::blocks(part);
        let [block] = blocks.as_slice() else { return Err("each part has one fenced block".into()) };
        let arguments = block.info.strip_prefix("chaos").ok_or("the block is not marked `chaos`")?;
        let (mut codes, shown) = if arguments.trim() == ESCAPED {
            run_bytes(&["check".to_owned()], &[("page.chaos".to_owned(), unescape(&block.text)?)])?
        } else {
            run(&arguments_for(code, arguments), &split("page.chaos", &block.text))?
        };
        codes.dedup();
        if codes != wanted {
            return Err(format!("wanted {wanted:?}, and this comes:\n{shown}").into());
        }
    }
    Ok(())
}

fn is_not_shown(text: &str) -> bool {
    text.lines().any(|line| line.starts_with("Not shown: "))
}

/// The fence of a text with escapes.
const ESCAPED: &str = "escaped";

/// The bytes of a text with escapes.
fn unescape(text: &str) -> Result<Vec<u8>, Failed> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some((before, tail)) = rest.split_once('\\') {
        out.extend_from_slice(before.as_bytes());
        rest = if let Some(tail) = tail.strip_prefix("u{") {
            let (number, tail) = tail.split_once('}').ok_or("`\\u{` has no `}`")?;
            let letter = char::from_u32(u32::from_str_radix(number, 16)?).ok_or("`\\u{…}` is no letter")?;
            out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
            tail
        } else if let Some(tail) = tail.strip_prefix('x') {
            let (number, tail) = tail.split_at_checked(2).ok_or("`\\x` has two digits")?;
            out.push(u8::from_str_radix(number, 16)?);
            tail
        } else if let Some(tail) = tail.strip_prefix('r') {
            out.push(b'\r');
            tail
        } else {
            out.push(0);
            tail.strip_prefix('0').ok_or("the escapes are `\\x`, `\\u`, `\\r` and `\\0`")?
        };
    }
    out.extend_from_slice(rest.as_bytes());
    Ok(out)
}

/// What is run: what the fence says; else a compilation for the codes of an engine, and `check` for the others.
fn arguments_for(code: Code, fence: &str) -> Vec<String> {
    let words: Vec<String> = fence.split_whitespace().map(str::to_owned).collect();
    if !words.is_empty() {
        return words;
    }
    let engine = match code.number() {
        600..=649 => "chaos-mesh",
        650..=699 => "litmus",
        900..=949 => return vec!["lint".to_owned()],
        _ => return vec!["check".to_owned()],
    };
    ["compile", "--engine", engine].map(str::to_owned).into()
}

/// The codes that come, in order, and what a person would see.
fn run(arguments: &[String], files: &[NamedText]) -> Result<(Vec<String>, String), Failed> {
    let is_check = arguments.first().is_some_and(|a| a == "check");
    if is_check && files.iter().all(|(name, _)| name.ends_with(".chaos")) {
        let (found, sources) = findings(files);
        crate::fixes::hold(files, &[], &found, &sources)?;
        let shown = render(Format::Human, &found, &sources, &Look::default());
        return Ok((found.iter().map(|d| d.code.to_string()).collect(), shown));
    }
    let files: Vec<(String, Vec<u8>)> = files.iter().map(|(n, t)| (n.clone(), t.clone().into_bytes())).collect();
    run_bytes(arguments, &files)
}

/// The same through the program itself, for files of any bytes.
fn run_bytes(arguments: &[String], files: &[(String, Vec<u8>)]) -> Result<(Vec<String>, String), Failed> {
    let is_check = arguments.first().is_some_and(|a| a == "check");
    let folder = tempfile::tempdir()?;
    for (name, bytes) in files {
        std::fs::write(folder.path().join(name), bytes)?;
    }
    let (command, rest) = arguments.split_first().ok_or("a fence names a command")?;
    let output = Command::new(env!("CARGO_BIN_EXE_perturb"))
        .current_dir(folder.path())
        .arg(command)
        .arg(".")
        .args(rest)
        .args(["--format", "json"])
        .output()?;
    // A compilation says on standard error what it found, as its manifests go to standard output.
    let is_compilation = command == "compile";
    let text = String::from_utf8(if is_compilation { output.stderr } else { output.stdout })?;
    let json = text.find('{').map_or("", |at| &text[at..]);
    let mut stream = serde_json::Deserializer::from_str(json).into_iter::<serde_json::Value>();
    let Some(Ok(found)) = stream.next() else { return Err(format!("it says\n{text}").into()) };
    let all = found["diagnostics"].as_array().cloned().unwrap_or_default();
    Ok((all.iter().filter_map(|d| d["code"].as_str().map(str::to_owned)).collect(), text))
}

fn every_code() -> Result<(), Failed> {
    let cases = crate::check::codes();
    let mut wrong = String::new();
    for row in Code::all() {
        let code = row.code.to_string();
        match std::fs::read_to_string(root().join(format!("docs/errors/{code}.md"))) {
            Err(_) => wrong.push_str(&format!("{code} ({}) has no page docs/errors/{code}.md\n", row.title)),
            // Such a page must say why; its reason is for people to judge. What an engine refuses has its cases in `emit/`.
            // A text with escapes goes through the program as it is: it is the case.
            Ok(page) if is_not_shown(&page) || page.contains("```chaos escaped\n") || row.code.number() >= 600 => {}
            Ok(_) if cases.contains(&code) => {}
            Ok(_) => wrong.push_str(&format!("{code} ({}) has no case in tests/corpus/check\n", row.title)),
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.into()) }
}
