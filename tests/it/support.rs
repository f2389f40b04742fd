//! What several of these tests need: files of the repository, blocks of Markdown, the whole compiler in one call.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use perturb::analysis::analyse;
use perturb::check::{self, Program};
use perturb::diagnostic::{Diagnostic, tidy};
use perturb::engine::native::judged;
use perturb::lower::{self, ExperimentRef, PlaceRef};
use perturb::manifest::Node;
use perturb::plan::Plan;
use perturb::source::{Memory, SourceMap};
use serde_json::Value as Json;

/// The repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A file of the repository.
pub fn read(path: &str) -> String {
    let path = root().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The `.chaos` files of a folder, sorted, with their texts.
pub fn chaos_files(folder: &str) -> Vec<(String, String)> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(root().join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "chaos"))
        .collect();
    paths.sort();
    paths
        .into_iter()
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read_to_string(path).unwrap())
        })
        .collect()
}

/// One plan of a program.
pub struct Planned {
    pub experiment: ExperimentRef,
    pub place: PlaceRef,
    pub plan: Option<Plan>,
}

/// Everything that the compiler makes of some files, in every place.
pub struct Compiled {
    pub program: Program,
    pub sources: SourceMap,
    pub plans: Vec<Planned>,
    pub diagnostics: Vec<Diagnostic>,
}

/// Checks, plans and proves; what an engine refuses it says itself.
pub fn compile(files: &[(&str, &str)]) -> Compiled {
    planned(files, &[], analyse)
}

/// What `perturb check` says, with files beside that are read only where an import names them.
pub fn check_beside(files: &[(&str, &str)], beside: &[(&str, &str)]) -> Compiled {
    planned(files, beside, judged)
}

fn planned(files: &[(&str, &str)], beside: &[(&str, &str)], judge: fn(&Plan) -> Vec<Diagnostic>) -> Compiled {
    let sources = Memory::new(beside.iter().chain(files).map(|(path, text)| (*path, *text)));
    let roots: Vec<String> = files.iter().map(|(path, _)| (*path).to_owned()).collect();
    let checked = check::check(&sources, &roots);
    let mut diagnostics = checked.diagnostics;
    let bodies = lower::check(&checked.program);
    diagnostics.extend(bodies.diagnostics);
    for (experiment, places) in lower::with_places(&checked.program, bodies.of_agendas) {
        for place in places.iter() {
            let lowered = lower::plan(&checked.program, &experiment, place);
            diagnostics.extend(lowered.diagnostics);
            diagnostics.extend(lowered.plan.iter().flat_map(judge));
        }
    }
    let mut plans = Vec::new();
    for experiment in lower::experiments(&checked.program) {
        for place in lower::places(&checked.program, &experiment) {
            let lowered = lower::plan(&checked.program, &experiment, &place);
            diagnostics.extend(lowered.diagnostics);
            if let Some(plan) = &lowered.plan {
                diagnostics.extend(judge(plan));
            }
            plans.push(Planned { experiment: experiment.clone(), place, plan: lowered.plan });
        }
    }
    tidy(&mut diagnostics);
    checked.program.drop_echoes(&mut diagnostics);
    Compiled { program: checked.program, sources: checked.sources, plans, diagnostics }
}

impl Compiled {
    /// The errors, one a line: `file:line:column P0123 message`.
    pub fn errors(&self) -> String {
        self.told(|d| d.is_error())
    }

    /// Errors and warnings.
    pub fn findings(&self) -> String {
        self.told(|_| true)
    }

    fn told(&self, wanted: impl Fn(&Diagnostic) -> bool) -> String {
        let mut text = String::new();
        for d in self.diagnostics.iter().filter(|d| wanted(d)) {
            let file = self.sources.file(d.span.file);
            let at = file.line_column(d.span.start);
            let _ = writeln!(text, "{}:{}:{} {} {}", file.path, at.line, at.column, d.code, d.message);
            for label in &d.labels {
                let _ = writeln!(text, "    | {}", label.text);
            }
            for line in d.why.iter().chain(&d.help) {
                let _ = writeln!(text, "    {line}");
            }
        }
        text
    }
}

/// A document as JSON.
pub fn to_json(node: &Node<'_>) -> Json {
    match node {
        Node::Bool(b) => Json::from(*b),
        Node::Int(n) => Json::from(*n),
        Node::Text(t) => Json::from(*t),
        Node::List(items) => items.iter().map(to_json).collect(),
        Node::Map(entries) => Json::Object(entries.iter().map(|(k, v)| ((*k).to_owned(), to_json(v))).collect()),
    }
}

/// The engines that the steps of an Argo workflow create, as they are once Argo has put the run's name in.
pub fn created(document: &Json) -> Vec<Json> {
    let templates = [&document["spec"]["templates"], &document["spec"]["workflowSpec"]["templates"]];
    let steps = templates.into_iter().filter_map(Json::as_array).flatten();
    steps
        .filter(|template| template["resource"]["action"] == "create")
        .filter_map(|template| template["resource"]["manifest"].as_str())
        .map(|text| text.replace("{{workflow.uid}}", "9b3c1a52-1c6e-4a38-9d0e-0123456789ab"))
        .map(|text| serde_json::from_str(&text).expect("a manifest in a step is JSON"))
        .collect()
}

/// A fenced block of a page.
pub struct Block {
    /// What stands behind the fence: `chaos method`.
    pub info: String,
    /// What is in it.
    pub text: String,
    /// The line of its first line, from 1.
    pub line: usize,
}

/// The fenced blocks of a page, in order.
pub fn blocks(page: &str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut open: Option<Block> = None;
    for (index, line) in page.lines().enumerate() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(info), None) => open = Some(Block { info: info.trim().into(), text: String::new(), line: index + 2 }),
            (Some(_), Some(_)) => found.extend(open.take()),
            (None, Some(block)) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a fence is never closed");
    found
}

/// Replaces what stands between `<!-- written by a test: NAME -->` and `<!-- end -->`, or fails if it differs.
/// `PERTURB_BLESS=1` writes.
pub fn hold(path: &str, name: &str, text: &str) {
    let page = read(path);
    let begin = format!("<!-- written by a test: {name} -->\n");
    let (before, rest) = page.split_once(&begin).unwrap_or_else(|| panic!("{path} has no `{begin}`"));
    let (now, after) = rest.split_once("<!-- end -->").unwrap_or_else(|| panic!("{path}: `{name}` has no end"));
    if now == text {
        return;
    }
    if std::env::var_os("PERTURB_BLESS").is_some() {
        std::fs::write(root().join(path), format!("{before}{begin}{text}<!-- end -->{after}")).unwrap();
        return;
    }
    panic!(
        "{path}, `{name}`: run with PERTURB_BLESS=1 and read what it wrote. It should be\n\n{text}\nand is\n\n{now}"
    );
}
