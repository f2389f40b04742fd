//! P0940: a link of a doc comment to a file that is not there, such as an incident's report. The network is not asked.

use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;
use crate::syntax::SyntaxKind;

use super::tree::tokens;
use super::{File, Project};

pub(super) fn check(project: &Project<'_>, out: &mut Vec<Diagnostic>) {
    for file in project.files {
        let root = file.parse.syntax();
        let docs = tokens(&root).filter(|t| matches!(t.kind(), SyntaxKind::DocComment | SyntaxKind::FileDoc));
        for doc in docs {
            let start = u32::from(doc.text_range().start());
            for (at, target) in links(doc.text()) {
                let path = beside(file, target);
                if path.is_none_or(|path| (project.exists)(&path)) {
                    continue;
                }
                let span = Span::new(file.id, start + at as u32, start + (at + target.len()) as u32);
                out.push(
                    Diagnostic::new(Code::DEAD_LINK, span, format!("there is no file `{target}`"))
                        .why("what an incident taught is lost with its report")
                        .help("links lead from the folder of this file: mend the path, or give the report's URL"),
                );
            }
        }
    }
}

/// The targets of Markdown's links in a line, with their places.
fn links(line: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = line.get(from..).and_then(|rest| rest.find("](")) {
        let start = from + at + 2;
        let Some(length) = line.get(start..).and_then(|rest| rest.find(')')) else { break };
        found.extend(line.get(start..start + length).map(|target| (start, target)));
        from = start + length;
    }
    found
}

/// The path in the project that a link leads to; `None` for what is no file: a URL, a place in a page, a mail address.
fn beside(file: &File<'_>, target: &str) -> Option<String> {
    let target = target.split(['#', '?']).next().unwrap_or("");
    if target.is_empty() || target.contains(':') || target.contains(' ') || target.starts_with('/') {
        return None;
    }
    let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut parts: Vec<&str> = folder.split('/').filter(|p| !p.is_empty()).collect();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            // What lies outside of the project is not ours to look for.
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_found_with_their_places() {
        assert_eq!(links("/// [a](x.md) and [b](y/z.md#q), (c) [d]"), [(8, "x.md"), (22, "y/z.md#q")]);
        assert_eq!(links("[a](open"), []);
    }
}
