//! `perturb plan`: what will happen, when, to how much, as a picture, in sentences, and as data.

use std::path::PathBuf;

use super::exit::{Exit, Failure};
use super::files::write_whole;
use super::findings::{self, FindingsArguments, FormatChoice, show};
use super::input::{Input, Loaded, StdinArguments};
use super::place::{self, Wanted};
use super::terminal::{Stream, Terminal};
use super::which::Which;
use super::work::{self, Job, Placed};
use crate::analysis::{picture::picture, telling::tell, timeline::timeline};
use crate::check::stdlib::Library;
use crate::engine::native::natives;
use crate::plan::Plan;

/// Shows what an experiment does: a picture over time, and the same in plain sentences
///
/// Shows every experiment of FILE, or of the project, unless one is chosen. With `--json` or `-o` the plan itself is given, which
/// `perturb compile` takes in place of the sources. With `--format json` findings are JSON too, on standard error.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The file with the experiment, or `-` for standard input [default: the project of this folder]
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    which: Which,
    /// Writes the plan as JSON into a file, whole or not at all
    #[arg(short = 'o', long = "output", value_name = "FILE")]
    output: Option<PathBuf>,
    /// Prints the plan as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    stdin: StdinArguments,
    #[command(flatten)]
    findings: FindingsArguments,
}

impl Arguments {
    /// Whether the plan is printed as data: asked for by name, or with everything else.
    fn as_json(&self) -> bool {
        self.json || self.findings.format == FormatChoice::Json
    }

    /// What the experiments are looked for in, as a sentence begins with it.
    fn whose(&self) -> String {
        self.file.as_ref().map_or_else(|| "the project".to_owned(), |file| format!("`{}`", file.display()))
    }
}

pub(super) fn run(arguments: &Arguments, terminal: &Terminal) -> Result<Exit, Failure> {
    let mut loaded = Input::find(arguments.file.as_slice(), &arguments.stdin, terminal)?.load(Library::Whole)?;
    let all = std::mem::take(&mut loaded.experiments);
    let places = work::all_places(&all);
    let (default, about_place) = work::place_of_settings(&loaded.project.settings, &places);
    let asked = match &arguments.which.place {
        Some(text) => {
            let wanted = Wanted::parse(text);
            place::find(&wanted, &places)?;
            Some(wanted)
        }
        None => None,
    };
    let as_json = arguments.as_json();
    let jobs = choose(arguments, &loaded, all, asked.as_ref(), default.as_ref(), terminal)?;

    let mut found = Vec::from_iter(about_place);
    let mut plans = Vec::new();
    for job in &jobs {
        let lowered = work::Judge::new(&loaded.checked.program).judged_as_whole(&job.experiment, &job.place);
        found.extend(lowered.diagnostics);
        plans.extend(lowered.plan);
    }
    let (found, _) = loaded.findings(found);
    let sources = &loaded.checked.sources;
    let exit = show(&found, sources, &loaded.prefix, &arguments.findings, Stream::Error, terminal, None)?;
    let has_errors = findings::exit(&found, false) == Exit::Findings;
    match (&arguments.output, plans.as_slice()) {
        (Some(_), _) if has_errors => {}
        (Some(path), [plan]) => {
            write_whole(path, &json(plan))?;
            terminal.say(&format!("wrote `{}`, {}\n", path.display(), plan.digest));
        }
        (None, [plan]) if as_json => terminal.print(&json(plan))?,
        // Whoever reads JSON gets a plan or nothing.
        (None, _) if as_json => {}
        (None, plans) => {
            for plan in plans {
                terminal.print(&shown(plan, terminal))?;
            }
        }
        (Some(_), _) => {}
    }
    Ok(exit)
}

/// The experiments that are shown, each at its place.
fn choose(
    arguments: &Arguments,
    loaded: &Loaded,
    all: Vec<Placed>,
    asked: Option<&Wanted>,
    default: Option<&Wanted>,
    terminal: &Terminal,
) -> Result<Vec<Job>, Failure> {
    let names = Vec::from_iter(arguments.which.experiment.clone());
    let meant: Vec<_> = if names.is_empty() {
        all.into_iter().filter(|(e, _)| loaded.is_chosen(&e.path)).collect()
    } else {
        // An experiment that FILE's `verify` makes may be declared elsewhere.
        work::named(all, &names)?
    };
    let wants_one = arguments.as_json() || arguments.output.is_some();
    if wants_one && meant.len() > 1 {
        let list: Vec<&str> = meant.iter().map(|(e, _)| e.name.as_str()).collect();
        return Err(Failure::new(format!(
            "{} has {} experiments, and a plan is of one",
            arguments.whose(),
            meant.len()
        ))
        .help(format!("choose with --experiment: {}", list.join(", "))));
    }
    if meant.is_empty() && loaded.checked.diagnostics.is_empty() {
        return Err(Failure::new(format!("{} has no experiment", arguments.whose()))
            .help("`perturb plan` wants a file that declares one, or a `verify` that makes some"));
    }
    let mut jobs = Vec::new();
    for (experiment, places) in meant {
        let place = match asked {
            Some(wanted) => places.iter().find(|p| wanted.is(p)),
            None => default.and_then(|w| places.iter().find(|p| w.is(p))).or(places.first()),
        };
        match place {
            Some(place) => {
                if asked.is_none() && places.len() > 1 {
                    terminal.say(&format!(
                        "note: `{}` may run at {} places; this is {} (choose with --in)\n",
                        experiment.name,
                        places.len(),
                        place
                    ));
                }
                jobs.push(Job { place: place.clone(), experiment });
            }
            None => {
                let list: Vec<String> = places.iter().map(ToString::to_string).collect();
                let list = if list.is_empty() { "nowhere".to_owned() } else { format!("at {}", list.join(", ")) };
                terminal.say(&format!("note: `{}` may not run there, but {list}\n", experiment.name));
            }
        }
    }
    Ok(jobs)
}

/// The picture, then the sentences, which end with the digest.
fn shown(plan: &Plan, terminal: &Terminal) -> String {
    let look = terminal.look(Stream::Output, "");
    let picture = picture(plan, &timeline(plan), look.width, look.unicode);
    format!("{picture}\n{}\n", tell(plan, &natives(plan)).to_text(look.width))
}

/// The plan as JSON, ending in a line end.
pub(super) fn json(plan: &Plan) -> String {
    // A plan is plain data with text keys, which always serialises.
    let mut text = serde_json::to_string_pretty(plan).unwrap_or_default();
    text.push('\n');
    text
}
