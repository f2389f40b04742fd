//! Manifests of others as `.chaos` text: Chaos Mesh, Litmus, Chaos Toolkit.
//!
//! Comes in: files by name, as bytes. Goes out: `.chaos` files that a person would have written, what has no equivalent or
//! is wrong with its place in the YAML, and what was lost. Pure: who calls reads and writes.
//!
//! `bytes ─ yaml::read ─▶ documents ─ chaos_mesh, litmus, toolkit ─▶ draft ─ print::files ─▶ text`
//!
//! No fault is known here: the library's engine bodies are read backwards (`unify`), so that a fault that is added to
//! `stdlib/` can be imported from then on.

mod arithmetic;
mod asked;
mod chaos_mesh;
mod context;
mod draft;
mod library;
mod litmus;
mod print;
mod schedule;
mod selector;
mod spelling;
mod toolkit;
mod unify;
mod workflow;
mod yaml;

use context::Context;
use library::LIBRARY;
pub use print::CATALOGUE;

use crate::diagnostic::{Code, Diagnostic, tidy};
use crate::source::{SourceMap, Span};

/// A file to import.
#[derive(Debug, Clone)]
pub struct Given {
    /// As the user named it.
    pub name: String,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// How to import.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// What has no equivalent becomes a `// lost:` comment, not an error.
    pub lossy: bool,
    /// All in one text, not a catalogue and a file for each input.
    pub together: bool,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Imported {
    /// Names and texts; none where there is an error.
    pub files: Vec<(String, String)>,
    /// The texts that spans are about.
    pub sources: SourceMap,
    /// What is wrong or has no equivalent, sorted by place.
    pub diagnostics: Vec<Diagnostic>,
    /// What was understood and needs no words, with its place.
    pub notes: Vec<(Span, String)>,
    /// How much there was.
    pub counts: Counts,
}

/// How much there was.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Experiments.
    pub experiments: usize,
    /// Schedules.
    pub verifies: usize,
    /// Services in the catalogue.
    pub services: usize,
    /// `// lost:` comments.
    pub lost: usize,
    /// Documents that are no experiments.
    pub passed_over: usize,
}

/// Imports files as one project.
#[must_use]
pub fn import(given: &[Given], options: Options) -> Imported {
    let mut cx = Context::new(&LIBRARY, options.lossy);
    let mut sources = SourceMap::default();
    let mut passed_over = 0;
    let mut waiting = litmus::Waiting::default();
    for file in given {
        let text = text(&file.bytes);
        let id = sources.add(file.name.as_str(), text.as_ref());
        if text.contains('\u{fffd}') && std::str::from_utf8(&file.bytes).is_err() {
            let at = Span::new(id, 0, 0);
            cx.diagnostics.push(Diagnostic::new(Code::IMPORT_YAML, at, "this is not YAML: it is not UTF-8"));
            continue;
        }
        cx.draft.files.push(draft::File { source: file.name.clone(), ..draft::File::default() });
        for (index, mut document) in yaml::read(id, &text, &mut cx.diagnostics).into_iter().enumerate() {
            if index == 0 {
                head(&mut cx, &mut document);
            }
            for document in objects(document) {
                passed_over += usize::from(!self::document(&mut cx, &mut waiting, &text, &document));
            }
        }
    }
    litmus::finish(&mut cx, waiting);
    finish(cx, sources, options, passed_over)
}

/// The objects of a document: what `kubectl get -o yaml` prints is a list of them.
fn objects(document: yaml::Document) -> Vec<yaml::Document> {
    let items = document.root.get("items").filter(|_| document.root.word("kind").ends_with("List"));
    let Some(items) = items else { return vec![document] };
    let own = |item: &yaml::Node| {
        let inside = |c: &&yaml::Comment| (item.span.start..item.span.end).contains(&c.span.start);
        document.comments.iter().filter(inside).cloned().collect()
    };
    items.items().iter().map(|item| yaml::Document { root: item.clone(), comments: own(item) }).collect()
}

/// The comments before a file's first document are the file's: a licence, what the folder is for.
fn head(cx: &mut Context<'_>, document: &mut yaml::Document) {
    let begin = document.root.span.start;
    let (head, rest): (Vec<_>, Vec<_>) = document.comments.drain(..).partition(|c| c.span.start < begin);
    document.comments = rest;
    let mut lines: Vec<String> = head.into_iter().map(|c| c.text).collect();
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    if let Some(file) = cx.draft.files.last_mut() {
        file.comments = lines;
    }
}

/// One document; whether it is one of those that are imported.
fn document(cx: &mut Context<'_>, waiting: &mut litmus::Waiting, text: &str, document: &yaml::Document) -> bool {
    let version = document.root.word("apiVersion");
    if version.starts_with("chaos-mesh.org/") {
        return chaos_mesh::document(cx, document);
    }
    if version.starts_with("litmuschaos.io/") {
        return litmus::document(cx, waiting, document);
    }
    if version.starts_with("argoproj.io/") {
        return litmus::argo(cx, waiting, text, document);
    }
    if toolkit::is_one(&document.root) {
        toolkit::document(cx, document);
        return true;
    }
    false
}

fn finish(cx: Context<'_>, sources: SourceMap, options: Options, passed_over: usize) -> Imported {
    let Context { mut draft, mut diagnostics, notes, lost, .. } = cx;
    keep_lost(&mut draft, &lost);
    tidy(&mut diagnostics);
    let nothing = draft.files.iter().all(|f| f.experiments.is_empty());
    if nothing && diagnostics.is_empty() {
        let at = Span::new(crate::source::FileId(0), 0, 0);
        diagnostics.push(
            Diagnostic::new(Code::IMPORT_NOTHING, at, "there is nothing to import")
                .why("no document is one of Chaos Mesh, Litmus or Chaos Toolkit that says an experiment")
                .help("a ChaosExperiment needs the ChaosEngine that names it"),
        );
    }
    let counts = Counts {
        experiments: draft.files.iter().map(|f| f.experiments.len()).sum(),
        verifies: draft.files.iter().map(|f| f.verifies.len()).sum(),
        services: draft.services.len(),
        lost: lost.len(),
        passed_over,
    };
    let failed = diagnostics.iter().any(Diagnostic::is_error);
    let files = if failed { Vec::new() } else { print::files(&draft, options.together) };
    Imported { files, sources, diagnostics, notes, counts }
}

/// What was lost in something that came to nothing stands at the end of its file: nothing is lost without a word.
fn keep_lost(draft: &mut draft::Draft, lost: &[(usize, String)]) {
    for (index, file) in draft.files.iter_mut().enumerate() {
        let mut there: Vec<String> = file.lost_lines().into_iter().map(str::to_owned).collect();
        for (_, line) in lost.iter().filter(|(of, _)| *of == index) {
            match there.iter().position(|t| t == line) {
                Some(found) => drop(there.swap_remove(found)),
                None => file.lost.push(line.clone()),
            }
        }
    }
}

/// Bytes as text, without a byte-order mark.
fn text(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    String::from_utf8_lossy(bytes)
}
