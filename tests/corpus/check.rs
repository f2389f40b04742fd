//! `check/*.chaos`: codes at their lines, and what a terminal shows.

use std::fmt::Write as _;

use libtest_mimic::{Failed, Trial};
use perturb::diagnostic::render::{Format, Look, Summary, render};

use crate::cases::{NamedText, files_below, findings_beside, root, split};
use crate::fixes;

/// Files of the folder that the others may import: a small organisation, so that a case shows its mistake and little else.
const BESIDE: [&str; 2] = ["catalogue.chaos", "production.chaos"];

/// One test a file.
pub fn trials() -> Vec<Trial> {
    let folder = root().join("tests/corpus/check");
    files_below("tests/corpus/check", "chaos")
        .into_iter()
        .map(|path| {
            let name = path.strip_prefix(&folder).expect("below the folder").with_extension("").display().to_string();
            Trial::test(format!("check/{name}"), move || {
                let text = std::fs::read_to_string(&path)?;
                case(&name, &text)
            })
        })
        .collect()
}

fn case(name: &str, text: &str) -> Result<(), Failed> {
    let files = split(&format!("{}.chaos", name.rsplit('/').next().unwrap_or(name)), text);
    let beside = beside(&files)?;
    let (found, sources) = findings_beside(&files, &beside);
    let mut wanted = files.iter().flat_map(expected).collect::<Result<Vec<_>, _>>()?;
    let mut seen: Vec<Expectation> = found
        .iter()
        .map(|d| {
            let file = sources.file(d.span.file);
            (file.path.to_string(), file.line_column(d.span.start).line, d.code.to_string())
        })
        .collect();
    wanted.sort();
    seen.sort();
    if wanted != seen {
        let mut text = String::new();
        for (file, line, code) in wanted.iter().filter(|w| !seen.contains(w)) {
            let _ = writeln!(text, "{file}:{line}: {code} is expected and does not come");
        }
        for (file, line, code) in seen.iter().filter(|s| !wanted.contains(s)) {
            let _ = writeln!(text, "{file}:{line}: {code} comes and is not expected");
        }
        let shown = render(Format::Human, &found, &sources, &Look::default());
        return Err(format!("{text}\n{shown}").into());
    }
    fixes::hold(&files, &beside, &found, &sources)?;
    if !found.is_empty() {
        let shown = render(Format::Human, &found, &sources, &Look::default());
        let mut settings = insta::Settings::clone_current();
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.set_snapshot_path(root().join("tests/corpus/snapshots"));
        settings.bind(|| {
            insta::assert_snapshot!(name.replace('/', "-"), format!("{shown}{}\n", Summary::of(&found)));
        });
    }
    Ok(())
}

/// The files that a case may import without holding them.
pub fn beside(files: &[NamedText]) -> std::io::Result<Vec<NamedText>> {
    let own = |name: &str| files.iter().any(|(other, _)| other == name);
    let folder = root().join("tests/corpus/check");
    BESIDE
        .iter()
        .filter(|name| !own(name))
        .map(|name| Ok(((*name).to_owned(), std::fs::read_to_string(folder.join(name))?)))
        .collect()
}

/// A file, a line from 1, a code.
type Expectation = (String, u32, String);

/// What the `//~` lines of a file expect. They speak of the nearest line above that is none.
fn expected((name, text): &NamedText) -> Vec<Result<Expectation, String>> {
    let mut wanted = Vec::new();
    let mut line_of_text = 0;
    for (index, line) in text.lines().enumerate() {
        let Some(codes) = line.trim_start().strip_prefix("//~") else {
            line_of_text = index as u32 + 1;
            continue;
        };
        for code in codes.split_whitespace() {
            wanted.push(match perturb::diagnostic::Code::parse(code) {
                Some(code) => Ok((name.clone(), line_of_text, code.to_string())),
                None => Err(format!("{name}:{}: there is no code `{code}`", index + 1)),
            });
        }
    }
    wanted
}

/// Every code that some file of the corpus expects.
pub fn codes() -> std::collections::BTreeSet<String> {
    files_below("tests/corpus/check", "chaos")
        .iter()
        .filter_map(|path| std::fs::read_to_string(path).ok())
        .flat_map(|text| expected(&(String::new(), text)))
        .filter_map(|e| e.ok().map(|(_, _, code)| code))
        .collect()
}
