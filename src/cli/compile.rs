//! `perturb compile`: manifests of one engine, for one place.
//!
//! Experiments are compiled on all cores and written in order. Nothing is written before everything is right: a stream is
//! held back (beyond a few megabytes on disk), as whoever pipes it into `kubectl apply` would apply the half of it.

use std::collections::{BTreeSet, VecDeque};
use std::io::{Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};

use tempfile::SpooledData;

use super::exit::{Exit, Failure};
use super::findings::{self, FindingsArguments, show};
use super::image;
use super::input::{Input, Loaded, StdinArguments};
use super::output::{self, Rest};
use super::place::{self, Wanted};
use super::terminal::{Stream, Terminal, quiet};
use super::work::{self, Judge, Placed};
use crate::check::Program;
use crate::check::stdlib::Library;
use crate::diagnostic::{Code, Diagnostic, tidy};
use crate::engine::{Approximation, DrawCount, EmitOptions, Report, chaos_mesh, litmus};
use crate::lower::{Catalogue, ExperimentRef, PlaceRef};
use crate::manifest::folder::{Changes, Drift, Folder};
use crate::manifest::{Arena, yaml};
use crate::plan::{PLAN_VERSION, Plan};
use crate::source::SourceMap;

/// Experiments that one core compiles before it asks for more.
const CHUNK: usize = 32;
/// Chunks that are compiled or wait to go out: enough for all cores of most machines, few enough to bound memory.
const AT_ONCE: usize = 6;
/// A stream longer than this waits on disk until everything is right.
const IN_MEMORY: usize = 64 * 1024;
/// How much of it is written at a time.
const AT_A_TIME: usize = 128 * 1024;

/// Writes an engine's manifests, for one place
///
/// Nothing is written unless everything is right. With `-o DIR` there is a file for each experiment, and the folder then
/// holds just those: only what changed is touched, files of earlier compilations that are no longer made are removed, what
/// others wrote never is. With `--only` the files of the other experiments stay as they are. Without `-o` all documents go to standard output as one stream.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Files or folders, `-` for standard input, or one plan.json [default: the project of this folder]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// The engine that is to carry the experiments out
    #[arg(long, value_name = "ENGINE", value_parser = ["chaos-mesh", "litmus"])]
    engine: String,
    /// Where they are to run [default: `compile.place` of perturb.toml, else the only place there is]
    #[arg(long = "in", value_name = "ENVIRONMENT[/CLUSTER]")]
    place: Option<String>,
    /// The folder to write, or `-` for one stream [default: `compile.out` of perturb.toml for the whole project, else `-`]
    #[arg(short = 'o', long = "output", value_name = "DIR")]
    output: Option<PathBuf>,
    /// Only this experiment; may be given several times. In a folder the others' files stay as they are
    #[arg(long, value_name = "NAME", alias = "experiment")]
    only: Vec<String>,
    /// Says what the engine does a little differently (rounding, direction, scope); of Chaos Mesh also how fast a guard ends the faults
    #[arg(long)]
    report: bool,
    /// Refuses what the engine does a little differently, and what nothing in the cluster looks at
    #[arg(long)]
    strict: bool,
    /// Writes nothing, and exits with 1 if the folder is not up to date
    #[arg(long)]
    check: bool,
    /// Writes over files in the folder that were changed since perturb wrote them
    #[arg(long, conflicts_with = "check")]
    force: bool,
    /// The image of the gate that judges metrics
    #[arg(long, value_name = "IMAGE", conflicts_with = "gate_url")]
    gate_image: Option<String>,
    /// A gate that runs already; then none is compiled
    #[arg(long, value_name = "URL")]
    gate_url: Option<String>,
    #[command(flatten)]
    stdin: StdinArguments,
    #[command(flatten)]
    findings: FindingsArguments,
}

#[derive(Debug, Clone, Copy)]
enum Engine {
    ChaosMesh,
    Litmus,
}

/// What one experiment became.
struct Compiled {
    name: String,
    text: String,
    report: Report,
}

pub(super) fn run(arguments: &Arguments, terminal: &Terminal) -> Result<Exit, Failure> {
    let engine = match arguments.engine.as_str() {
        "litmus" => Engine::Litmus,
        _ => Engine::ChaosMesh,
    };
    if let [path] = arguments.paths.as_slice()
        && path.extension().is_some_and(|e| e == "json")
    {
        return from_plan(path, arguments, engine, terminal);
    }
    let mut loaded = Input::find(&arguments.paths, &arguments.stdin, terminal)?.load(Library::Whole)?;
    let (found, _) = loaded.findings(Vec::new());
    if findings::exit(&found, false) == Exit::Findings {
        // What the text means is not settled, so neither is any plan.
        return show(
            &found,
            &loaded.checked.sources,
            &loaded.prefix,
            &arguments.findings,
            Stream::Error,
            terminal,
            None,
        );
    }
    let all = std::mem::take(&mut loaded.experiments);
    let chosen = choose(arguments, &loaded, all, terminal)?;
    let options = EmitOptions {
        gate_image: arguments.gate_image.clone().or_else(|| loaded.project.settings.gate_image.clone()),
        gate_url: arguments.gate_url.clone(),
    };
    hold_image(arguments, options.gate_image.as_deref())?;
    let mut taken = Taken {
        arguments,
        found: Vec::new(),
        notes: Notes::default(),
        delivery: Delivery::new(Target::of(arguments, Some(&loaded))?),
    };
    match chosen {
        Chosen::Nowhere(about_place) => taken.found.push(about_place),
        Chosen::These { experiments, place } => {
            let program = &loaded.checked.program;
            let work = Work { program, catalogue: Arc::new(Catalogue::new(program)), place, engine, options };
            work.compile_all(&experiments, &mut taken)?;
        }
    }
    let Taken { found: made, mut notes, delivery, .. } = taken;
    notes.close(engine);
    // What compiling found concerns what is compiled, also where it stands in a file that nothing names: a policy's line.
    let (mut found, _) = loaded.findings(Vec::new());
    found.extend(made);
    tidy(&mut found);
    finish(arguments, &found, &loaded.checked.sources, &loaded.prefix, &notes, delivery, terminal)
}

/// Holds the gate's image, wherever it was given, against what an image may be called.
fn hold_image(arguments: &Arguments, image: Option<&str>) -> Result<(), Failure> {
    let whose = if arguments.gate_image.is_some() { "given by `--gate-image`" } else { "`gate-image` of perturb.toml" };
    image.map_or(Ok(()), |image| image::check(image, whose))
}

/// Compiles a plan that was written by `perturb plan`.
fn from_plan(path: &Path, arguments: &Arguments, engine: Engine, terminal: &Terminal) -> Result<Exit, Failure> {
    let plan = read_plan(path)?;
    if let Some(text) = &arguments.place {
        let here = PlaceRef { environment: plan.place.environment.clone(), cluster: plan.place.cluster.name.clone() };
        if !Wanted::parse(text).is(&here) {
            return Err(Failure::new(format!("the plan in `{}` is for {}, not for {text}", path.display(), here))
                .help("a plan is made for one place: make another with `perturb plan FILE --in … -o plan.json`"));
        }
    }
    work::named_plan(&plan, &arguments.only)?;
    let mut sources = SourceMap::default();
    for name in plan.sources.iter() {
        // The plan names its sources and does not hold them: places are said, lines cannot be shown.
        sources.add(name.as_str(), "");
    }
    let options = EmitOptions { gate_image: arguments.gate_image.clone(), gate_url: arguments.gate_url.clone() };
    hold_image(arguments, options.gate_image.as_deref())?;
    let delivery = Delivery::new(Target::of(arguments, None)?);
    let mut taken = Taken { arguments, found: crate::analysis::analyse(&plan), notes: Notes::default(), delivery };
    taken.add(emit(&plan, engine, &options, &mut Arena::new()))?;
    let Taken { mut found, mut notes, delivery, .. } = taken;
    notes.close(engine);
    tidy(&mut found);
    finish(arguments, &found, &sources, "", &notes, delivery, terminal)
}

pub(super) fn read_plan(path: &Path) -> Result<Plan, Failure> {
    let bytes = crate::source::disk::read_file(path).map_err(|e| Failure::io("read", path, &e))?;
    #[derive(serde::Deserialize)]
    struct Version {
        version: u32,
    }
    let bad = |error: serde_json::Error| {
        Failure::new(format!("`{}` is no plan: {error}", path.display()))
            .help("`perturb plan FILE -o plan.json` writes one; `perturb schema plan` describes it")
    };
    let Version { version } = serde_json::from_slice(&bytes).map_err(bad)?;
    if version != PLAN_VERSION {
        return Err(Failure::new(format!(
            "the plan in `{}` has version {version}, and this Perturb reads version {PLAN_VERSION}",
            path.display()
        ))
        .help("make it again from its sources with this Perturb"));
    }
    let plan: Plan = serde_json::from_slice(&bytes).map_err(bad)?;
    if plan.digest != plan.compute_digest() {
        return Err(Failure::new(format!("the plan in `{}` was changed after it was made", path.display()))
            .help("its digest binds approvals and names: change the sources and make it again"));
    }
    Ok(plan)
}

/// What is to be compiled.
enum Chosen {
    These {
        experiments: Vec<ExperimentRef>,
        place: PlaceRef,
    },
    /// Nothing: the settings name a place that is none.
    Nowhere(Diagnostic),
}

fn choose(
    arguments: &Arguments,
    loaded: &Loaded,
    mut meant: Vec<Placed>,
    terminal: &Terminal,
) -> Result<Chosen, Failure> {
    let places = work::all_places(&meant);
    if arguments.only.is_empty() {
        meant.retain(|(e, _)| loaded.is_chosen(&e.path));
    } else {
        meant = work::named(meant, &arguments.only)?;
    }
    if meant.is_empty() {
        return Err(Failure::new("there is no experiment to compile")
            .help("declare one, or name the files that do: `perturb plan FILE` shows what a file holds"));
    }
    let (default, about_place) = work::place_of_settings(&loaded.project.settings, &places);
    if let (None, Some(diagnostic)) = (&arguments.place, about_place) {
        return Ok(Chosen::Nowhere(diagnostic));
    }
    let asked = arguments.place.as_deref().map(Wanted::parse);
    let candidates = match asked.as_ref().or(default.as_ref()) {
        // Any place of the project may be asked for, even one where none of these experiments may run.
        Some(_) => places,
        None => work::all_places(&meant),
    };
    let here = place::one(asked.as_ref().or(default.as_ref()), &candidates)?.clone();
    let others: Vec<Placed> = meant.extract_if(.., |(_, places)| !places.contains(&here)).collect();
    if meant.is_empty() || !arguments.only.is_empty() && !others.is_empty() {
        let names: Vec<String> = others.iter().map(|(e, _)| format!("`{}`", e.name)).collect();
        let may: Vec<String> = work::all_places(&others).iter().map(ToString::to_string).collect();
        let may = if may.is_empty() { "nowhere".to_owned() } else { may.join(", ") };
        return Err(Failure::new(format!("{} may not run at {}", names.join(", "), here))
            .help(format!("`environments` of an experiment and `in` of a verify say where: {may}")));
    }
    if !others.is_empty() {
        let names: Vec<&str> = others.iter().map(|(e, _)| e.name.as_str()).collect();
        terminal.say(&format!("note: left out, as they may not run at {}: {}\n", here, names.join(", ")));
    }
    let experiments = meant.into_iter().map(|(experiment, _)| experiment).collect();
    Ok(Chosen::These { experiments, place: here })
}

/// What every experiment is compiled with.
struct Work<'p> {
    program: &'p Program,
    catalogue: Arc<Catalogue>,
    place: PlaceRef,
    engine: Engine,
    options: EmitOptions,
}

impl<'p> Work<'p> {
    /// Compiles on all cores, while what is ready goes out in order: no core waits for the slowest of a batch, and none for
    /// whoever reads.
    fn compile_all(&self, experiments: &[ExperimentRef], taken: &mut Taken) -> Result<(), Failure> {
        if let [_] = experiments {
            // A thread pool costs more than one small experiment.
            return taken.add_all(self.compile(experiments));
        }
        rayon::in_place_scope_fifo(|scope| {
            let mut chunks = experiments.chunks(CHUNK);
            let mut under_way = VecDeque::with_capacity(AT_ONCE);
            loop {
                while under_way.len() < AT_ONCE
                    && let Some(chunk) = chunks.next()
                {
                    let (done, ready) = mpsc::sync_channel(1);
                    // Who no longer takes it has failed, and says so.
                    scope.spawn_fifo(move |_| drop(done.send(self.compile(chunk))));
                    under_way.push_back(ready);
                }
                let Some(ready) = under_way.pop_front() else { return Ok(()) };
                // Nothing comes of a panic only, which the scope passes on.
                taken.add_all(ready.recv().unwrap_or_default())?;
            }
        })
    }

    /// One after the other.
    fn compile(&self, experiments: &[ExperimentRef]) -> Vec<Compiled> {
        let (mut arena, mut judge) = (Arena::new(), Judge::with(self.program, &self.catalogue));
        experiments.iter().map(|experiment| self.compile_one(experiment, &mut arena, &mut judge)).collect()
    }

    fn compile_one(&self, experiment: &ExperimentRef, arena: &mut Arena, judge: &mut Judge<'p>) -> Compiled {
        let lowered = judge.judged(experiment, &self.place);
        let mut compiled = match &lowered.plan {
            // A plan with errors gives no manifest.
            Some(plan) if !lowered.diagnostics.iter().any(Diagnostic::is_error) => {
                emit(plan, self.engine, &self.options, arena)
            }
            _ => Compiled { name: experiment.name.to_string(), text: String::new(), report: Report::default() },
        };
        compiled.report.diagnostics.extend(lowered.diagnostics);
        compiled
    }
}

fn emit(plan: &Plan, engine: Engine, options: &EmitOptions, arena: &mut Arena) -> Compiled {
    arena.reset();
    // Most manifests of one experiment are as large.
    let mut text = String::with_capacity(4 * 1024);
    let mut stream = yaml::Stream::default();
    let mut sink = |document: &crate::manifest::Node<'_>| stream.document(document, &mut text);
    let report = match engine {
        Engine::ChaosMesh => chaos_mesh::emit(plan, options, arena, &mut sink),
        Engine::Litmus => litmus::emit(plan, options, arena, &mut sink),
    };
    Compiled { name: plan.name.to_string(), text, report }
}

/// What `--report` says.
#[derive(Debug, Default)]
struct Notes {
    lines: Vec<String>,
}

impl Notes {
    /// What holds of whatever is compiled for an engine, said once, behind all experiments.
    fn close(&mut self, engine: Engine) {
        let always = match engine {
            Engine::ChaosMesh => chaos_mesh::ALWAYS,
            Engine::Litmus => &[],
        };
        if self.lines.is_empty() || always.is_empty() {
            return;
        }
        self.lines.push("every experiment of Chaos Mesh:".to_owned());
        self.lines.extend(always.iter().map(|line| format!("  always: {line}")));
    }
}

/// What was compiled so far, on its way out.
struct Taken<'a> {
    arguments: &'a Arguments,
    found: Vec<Diagnostic>,
    notes: Notes,
    delivery: Delivery,
}

impl Taken<'_> {
    fn add_all(&mut self, compiled: Vec<Compiled>) -> Result<(), Failure> {
        compiled.into_iter().try_for_each(|one| self.add(one))
    }

    fn add(&mut self, compiled: Compiled) -> Result<(), Failure> {
        let Compiled { name, text, mut report } = compiled;
        let refused = report.diagnostics.iter().any(Diagnostic::is_error);
        self.found.append(&mut report.diagnostics);
        if self.arguments.strict {
            self.found.extend(report.approximations.iter().chain(&report.unwatched).map(|a| {
                Diagnostic::new(Code::APPROXIMATION, a.span, format!("{}: {}", a.what, a.text))
                    .why("`--strict` asks for exactly what the text says")
                    .help("write what the engine does, choose another engine, or compile without `--strict`")
            }));
        } else if !refused {
            self.found.extend(report.unwatched.iter().map(|u| {
                Diagnostic::new(Code::UNWATCHED, u.span, u.text.clone())
                    .why("manifests that a cluster carries out by itself have no preflight")
                    .help("let the review of the change that brings them into the cluster stand for it (`docs/gitops.md`); `--strict` refuses it")
            }));
        }
        // Of what is not compiled at all there is nothing to report.
        if self.arguments.report && !refused {
            self.notes.lines.extend(told(&name, &report));
        }
        self.delivery.add(name, text)
    }
}

/// What is approximate in one experiment, and how long it takes, a line each.
fn told(name: &str, report: &Report) -> Vec<String> {
    let Report { approximations, unwatched, counts, bounds, .. } = report;
    let mut lines = vec![format!("{name}:")];
    lines.extend(
        approximations.iter().chain(unwatched).map(|Approximation { what, text, .. }| format!("  {what}: {text}")),
    );
    for count in counts {
        let DrawCount { draw, candidates, language, engine } = count;
        let differs = if language == engine { "" } else { "  <- differs" };
        lines.push(format!("  targets: `{draw}` of {candidates}: {language} in the plan, {engine} here{differs}"));
    }
    // Several faults may say the same of their targets.
    let mut seen = BTreeSet::new();
    lines.retain(|line| seen.insert(line.clone()));
    if lines.len() == 1 {
        lines.push("  as written".to_owned());
    }
    lines.extend(bounds.iter().map(|line| format!("  {line}")));
    lines
}

/// Where manifests go.
enum Target {
    Stream,
    Folder { path: PathBuf, rest: Rest, force: bool, check: bool },
}

impl Target {
    /// A folder holds just what was compiled into it last, so a part of the project never goes into its `out` unasked. Of what
    /// `--only` leaves out nobody said that it should go.
    fn of(arguments: &Arguments, loaded: Option<&Loaded>) -> Result<Self, Failure> {
        let of_project = || {
            if !(arguments.only.is_empty() && arguments.paths.is_empty()) {
                return None;
            }
            let project = &loaded?.project;
            project.settings.out.as_ref().map(|out| project.root.join(out))
        };
        match arguments.output.clone().or_else(of_project) {
            Some(path) if path.as_os_str() != "-" => {
                let rest = if arguments.only.is_empty() { Rest::Removed } else { Rest::Kept };
                Ok(Self::Folder { path, rest, force: arguments.force, check: arguments.check })
            }
            _ if arguments.check => Err(Failure::new("`--check` compares with a folder, and there is none")
                .help("give it with `-o DIR`, or as `out` under `[compile]` in perturb.toml")),
            _ => Ok(Self::Stream),
        }
    }
}

/// A stream that is held back: written in large pieces, as a manifest is a few kilobytes.
type Held = std::io::BufWriter<tempfile::SpooledTempFile>;

/// Manifests on their way: held back until everything is right.
enum Delivery {
    Stream { held: Box<Held>, any: bool },
    Folder { path: PathBuf, rest: Rest, force: bool, check: bool, folder: Folder },
}

impl Delivery {
    fn new(target: Target) -> Self {
        match target {
            Target::Stream => {
                let held = tempfile::spooled_tempfile(IN_MEMORY);
                Self::Stream { held: Box::new(Held::with_capacity(AT_A_TIME, held)), any: false }
            }
            Target::Folder { path, rest, force, check } => {
                Self::Folder { path, rest, force, check, folder: Folder::default() }
            }
        }
    }

    fn add(&mut self, name: String, text: String) -> Result<(), Failure> {
        if text.is_empty() {
            return Ok(());
        }
        match self {
            Self::Stream { held, any } => {
                let separator: &[u8] = if std::mem::replace(any, true) { b"---\n" } else { b"" };
                held.write_all(separator)
                    .and_then(|()| held.write_all(text.as_bytes()))
                    .map_err(|e| Failure::io("write", &std::env::temp_dir(), &e))
            }
            Self::Folder { folder, .. } => {
                folder.insert(format!("{name}.yaml"), text).map_err(|e| Failure::new(e.to_string()))
            }
        }
    }

    fn deliver(self, terminal: &Terminal) -> Result<Exit, Failure> {
        match self {
            Self::Stream { held, .. } => {
                let mut held = held.into_inner().map_err(|e| Failure::io("write", &std::env::temp_dir(), e.error()))?;
                quiet(held.rewind().and_then(|()| to_stdout(held)))?;
                Ok(Exit::Clean)
            }
            Self::Folder { path, rest, check: true, folder, .. } => {
                let drift = output::check(&path, &folder, rest).map_err(|e| Failure::new(e.to_string()))?;
                if drift.is_empty() {
                    terminal.say(&format!("`{}` is up to date\n", path.display()));
                    return Ok(Exit::Clean);
                }
                terminal.print(&format!("`{}` is not up to date:\n{}", path.display(), differences(&drift)))?;
                Ok(Exit::Findings)
            }
            Self::Folder { path, rest, force, folder, .. } => {
                let changes = output::write(&path, &folder, rest, force).map_err(|e| Failure::new(e.to_string()))?;
                terminal.say(&format!("`{}`: {}\n", path.display(), done(&changes)));
                Ok(Exit::Clean)
            }
        }
    }
}

/// Copies what was held back to standard output: what lies in a file goes from file to file inside of the system.
fn to_stdout(held: tempfile::SpooledTempFile) -> std::io::Result<()> {
    match held.into_inner() {
        SpooledData::InMemory(text) => std::io::stdout().write_all(text.get_ref())?,
        #[cfg(unix)]
        SpooledData::OnDisk(mut file) => {
            use std::os::fd::AsFd as _;
            let mut out = std::fs::File::from(std::io::stdout().as_fd().try_clone_to_owned()?);
            std::io::copy(&mut file, &mut out)?;
        }
        #[cfg(not(unix))]
        SpooledData::OnDisk(mut file) => {
            std::io::copy(&mut file, &mut std::io::stdout().lock())?;
        }
    }
    std::io::stdout().flush()
}

/// `3 written, 1 removed, 7 unchanged`.
fn done(changes: &Changes) -> String {
    let written = changes.create.len() + changes.replace.len();
    format!("{written} written, {} removed, {} unchanged", changes.remove.len(), changes.same)
}

/// What `--check` found, a line each.
fn differences(drift: &Drift) -> String {
    let Drift { missing, changed, extra, index, interrupted } = drift;
    let mut text = String::new();
    for (word, paths) in [("missing", missing), ("changed", changed), ("extra", extra)] {
        text.extend(paths.iter().map(|path| format!("  {word}: {path}\n")));
    }
    if *interrupted {
        text.push_str("  an earlier write was interrupted\n");
    }
    if *index && text.is_empty() {
        text.push_str("  the list of files is of another compilation\n");
    }
    text
}

fn finish(
    arguments: &Arguments,
    found: &[Diagnostic],
    sources: &SourceMap,
    prefix: &str,
    notes: &Notes,
    delivery: Delivery,
    terminal: &Terminal,
) -> Result<Exit, Failure> {
    let exit = show(found, sources, prefix, &arguments.findings, Stream::Error, terminal, None)?;
    for line in &notes.lines {
        terminal.say(&format!("{line}\n"));
    }
    if exit == Exit::Findings {
        return Ok(exit);
    }
    delivery.deliver(terminal)
}
