//! Giving a process less than it had: a control group of its own, with a limit, in which the kernel holds it.
//!
//! Comes in: a process, its family, and a [`Limit`]. Goes out: one [`Group`] for each target. Where it will be and where its
//! processes came from is known before it is made, so that whoever holds the record can put everything back. Both versions of
//! cgroups are known: with version 1 the group is made below the process's own; version 2 lets only groups without processes
//! share anything out, so there it is made beside it, with the limits that its own group has.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{Access, FlockOperation, flock};
use serde::{Deserialize, Serialize};

use super::process::{self, Process};
use crate::engine::drive::named_after;

/// The time in which a share of the processor is used up, in microseconds: the kernel's own default.
const PERIOD: u64 = 100_000;
/// How often a family is looked at again for children that began meanwhile.
const ROUNDS: u32 = 20;
/// How long a group may take to become empty.
const SETTLE: Duration = Duration::from_secs(2);
/// What the names of all groups begin with.
const PREFIX: &str = "perturb-";
/// What follows in the name of one that is a mark.
const SHARES: &str = "shares-";
/// In every group: the processes in it.
const PROCS: &str = "cgroup.procs";
/// Limits that a process keeps when it is moved out of its own group.
const KEPT: &[&str] =
    &["cpu.max", "cpu.weight", "memory.max", "memory.high", "memory.low", "memory.swap.max", "pids.max", "io.max"];

/// What is limited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Limit {
    /// The processor.
    Cpu {
        /// In thousandths of a core.
        millicores: u64,
    },
    /// What is taken beyond what is there already.
    Memory {
        /// So many bytes.
        bytes: u64,
    },
    /// What is read from and written to the disk of a folder.
    Disk {
        /// The folder.
        folder: String,
        /// Bytes per second.
        read: Option<u64>,
        /// Bytes per second.
        write: Option<u64>,
    },
}

/// Where the kernel holds a target, and where its processes belong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Group {
    /// The group that is made for the fault.
    pub path: PathBuf,
    /// Where its processes came from.
    pub back: PathBuf,
    /// The version of cgroups.
    pub version: Version,
    /// The disk, as the kernel numbers it, for [`Limit::Disk`].
    pub device: Option<String>,
    /// The group above that shares the controller out for faults alone, and did not before the first of them.
    pub sharing: Option<PathBuf>,
}

/// The two versions of cgroups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Version {
    /// A tree for each controller.
    One,
    /// One tree.
    Two,
}

/// What the kernel shares out, by the names of the two versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Controller {
    /// Time of the processor.
    Cpu,
    /// Memory.
    Memory,
    /// Disks.
    Disk,
}

impl Controller {
    fn name(self, version: Version) -> &'static str {
        match (self, version) {
            (Self::Cpu, _) => "cpu",
            (Self::Memory, _) => "memory",
            (Self::Disk, Version::One) => "blkio",
            (Self::Disk, Version::Two) => "io",
        }
    }
}

impl Limit {
    /// Who holds it.
    #[must_use]
    pub fn controller(&self) -> Controller {
        match self {
            Self::Cpu { .. } => Controller::Cpu,
            Self::Memory { .. } => Controller::Memory,
            Self::Disk { .. } => Controller::Disk,
        }
    }

    /// The files of a group that say it, each with what is written.
    fn files(&self, group: &Group) -> Vec<(&'static str, String)> {
        let device = group.device.as_deref().unwrap_or_default();
        match (self, group.version) {
            (Self::Cpu { millicores }, Version::One) => {
                vec![("cpu.cfs_period_us", PERIOD.to_string()), ("cpu.cfs_quota_us", quota(*millicores).to_string())]
            }
            (Self::Cpu { millicores }, Version::Two) => {
                vec![("cpu.max", format!("{} {PERIOD}", quota(*millicores)))]
            }
            (Self::Memory { bytes }, Version::One) => vec![("memory.limit_in_bytes", bytes.to_string())],
            (Self::Memory { bytes }, Version::Two) => vec![("memory.max", bytes.to_string())],
            (Self::Disk { read, write, .. }, Version::One) => {
                let line = |bytes: &u64| format!("{device} {bytes}");
                let read = read.iter().map(|bytes| ("blkio.throttle.read_bps_device", line(bytes)));
                read.chain(write.iter().map(|bytes| ("blkio.throttle.write_bps_device", line(bytes)))).collect()
            }
            (Self::Disk { read, write, .. }, Version::Two) => {
                let read = read.map(|bytes| format!(" rbps={bytes}")).unwrap_or_default();
                let write = write.map(|bytes| format!(" wbps={bytes}")).unwrap_or_default();
                vec![("io.max", format!("{device}{read}{write}"))]
            }
        }
    }
}

fn quota(millicores: u64) -> u64 {
    // The kernel takes no less than a millisecond.
    millicores.saturating_mul(PERIOD / 1000).max(1000)
}

/// Where a process is now, in the tree that a controller belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    version: Version,
    root: PathBuf,
    own: PathBuf,
}

/// Whether this machine can limit processes that are beside this one.
///
/// # Errors
/// Why not, in words.
pub fn possible(controller: Controller) -> Result<(), String> {
    let own = Process::of(std::process::id()).ok_or("this system has no `/proc`")?;
    let place = place(own, controller)?;
    can_change(&parent(&place, controller).0)
}

/// The group that a limit would need, and whether it could be made. Has no effect.
///
/// # Errors
/// Why it cannot be made for this process.
pub fn prepare(injection: &str, number: usize, process: Process, limit: &Limit, base: &Path) -> Result<Group, String> {
    let controller = limit.controller();
    let place = place(process, controller)?;
    if place.own.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(PREFIX)) {
        return Err(format!(
            "another limit is on it, {}: perturb recover ends what a run has left",
            place.own.display()
        ));
    }
    let (parent, sharing) = parent(&place, controller);
    can_change(&parent)?;
    can_change(&place.own)?;
    if let (Limit::Cpu { millicores }, Some(has)) = (limit, least_cpu(&place)) {
        let wanted = quota(*millicores);
        if has <= wanted {
            let cores = |quota: u64| format!("{}.{:03}", quota / PERIOD, quota % PERIOD / (PERIOD / 1000));
            return Err(format!(
                "process {process} may use no more than {} cores already: {} would be no limit",
                cores(has),
                cores(wanted)
            ));
        }
    }
    let device = match limit {
        Limit::Disk { folder, .. } => Some(disk_of(&base.join(folder))?),
        _ => None,
    };
    let path = parent.join(format!("{PREFIX}{}-{number}", named_after(injection, '-')));
    Ok(Group { path, back: place.own, version: place.version, device, sharing })
}

/// Makes the group and moves a process with all that is below it.
///
/// # Errors
/// What went wrong; the caller takes away what is there.
pub fn begin(group: &Group, limit: &Limit, process: Process) -> Result<(), String> {
    // First, so that nobody stops sharing out what this one needs.
    make(&group.path)?;
    if let Some(parent) = &group.sharing {
        let _alone = alone(parent)?;
        let name = limit.controller().name(group.version);
        make(&parent.join(mark(name)))?;
        write(&parent.join("cgroup.subtree_control"), &format!("+{name}"))?;
    }
    if group.version == Version::Two {
        keep_limits(group)?;
    }
    for (file, text) in limit.files(group) {
        write(&group.path.join(file), &text)?;
    }
    // Children that begin while their parent is moved are moved in the next round.
    for _ in 0..ROUNDS {
        let here = members(&group.path);
        let missing: Vec<Process> = std::iter::once(process)
            .chain(process::below(process.pid))
            .filter(|p| p.is_alive() && !here.contains(&p.pid))
            .collect();
        if missing.is_empty() {
            return if process.is_alive() { Ok(()) } else { Err(format!("process {process} ended")) };
        }
        for member in missing {
            let moved = write(&group.path.join(PROCS), &member.pid.to_string());
            moved.or_else(|error| if member.is_alive() { Err(error) } else { Ok(()) })?;
        }
    }
    Err(format!("process {process} starts children faster than they can be moved"))
}

/// An empty group that says that a controller is shared out for faults alone, whoever looks.
fn mark(name: &str) -> String {
    format!("{PREFIX}{SHARES}{name}")
}

/// Nobody else begins or ends to share a controller out below this group, as long as it is open.
fn alone(parent: &Path) -> Result<fs::File, String> {
    let failed = |error: &dyn std::fmt::Display| format!("{} cannot be locked: {error}", parent.display());
    let folder = fs::File::open(parent).map_err(|error| failed(&error))?;
    flock(&folder, FlockOperation::LockExclusive).map_err(|error| failed(&error))?;
    Ok(folder)
}

fn make(group: &Path) -> Result<(), String> {
    match fs::create_dir(group) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            Err(format!("cannot make {}: {error}", group.display()))
        }
        _ => Ok(()),
    }
}

/// What its own group allowed it, it is still allowed at most.
fn keep_limits(group: &Group) -> Result<(), String> {
    for file in KEPT {
        let to = group.path.join(file);
        let Ok(text) = fs::read_to_string(group.back.join(file)) else { continue };
        if to.exists() {
            text.lines().try_for_each(|line| write(&to, line))?;
        }
    }
    Ok(())
}

/// What the kernel counted in a group since it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// How often the limit was met: periods in which no processor was left, or allocations that found no room.
    Times(u64),
    /// What went through it. Nobody counts how often a disk's limit is met: what goes through in a time tells.
    Bytes {
        /// From the disk.
        read: u64,
        /// To the disk.
        written: u64,
    },
}

impl Counted {
    /// How the limit is seen to hold a process back, given what was counted so long before.
    #[must_use]
    pub fn tell(&self, limit: &Limit, before: Option<(Self, Duration)>) -> Option<String> {
        match (self, limit) {
            (Self::Times(0), _) => None,
            (Self::Times(times), Limit::Cpu { .. }) => Some(format!("had no processor left {times} times")),
            (Self::Times(times), _) => Some(format!("found no memory left {times} times")),
            (Self::Bytes { read, written }, Limit::Disk { read: most_read, write: most_written, .. }) => {
                let (Self::Bytes { read: r, written: w }, time) = before? else { return None };
                let met = |most: &Option<u64>, bytes: u64| most.is_some_and(|most| is_near(bytes, most, time));
                let (r, w) = (read.saturating_sub(r), written.saturating_sub(w));
                let is_met = met(most_read, r) || met(most_written, w);
                is_met.then(|| format!("reads and writes as fast as it may: {} bytes in {time:.1?}", r + w))
            }
            (Self::Bytes { .. }, _) => None,
        }
    }
}

/// Whether so many bytes in a time are about as many as may be. The kernel counts in steps of a tenth of a second.
fn is_near(bytes: u64, most: u64, time: Duration) -> bool {
    u128::from(bytes) * 1_000_000_000 * 10 >= u128::from(most) * time.as_nanos() * 7
}

/// What was counted since the group was made.
///
/// # Errors
/// The group, or its limit, is there no more.
pub fn counted(group: &Group, limit: &Limit) -> Result<Counted, String> {
    let read = |file: &str| {
        fs::read_to_string(group.path.join(file)).map_err(|_| format!("the limit {} is gone", group.path.display()))
    };
    Ok(match (limit, group.version) {
        (Limit::Cpu { .. }, _) => Counted::Times(field(&read("cpu.stat")?, "nr_throttled")),
        (Limit::Memory { .. }, Version::One) => Counted::Times(read("memory.failcnt")?.trim().parse().unwrap_or(0)),
        (Limit::Memory { .. }, Version::Two) => Counted::Times(field(&read("memory.events")?, "max")),
        (Limit::Disk { .. }, version) => {
            let text = read(if version == Version::One { "blkio.throttle.io_service_bytes" } else { "io.stat" })?;
            let device = group.device.as_deref().unwrap_or_default();
            Counted::Bytes {
                read: bytes(&text, device, ["Read", "rbytes="]),
                written: bytes(&text, device, ["Write", "wbytes="]),
            }
        }
    })
}

/// Why a process that should be held is not.
#[must_use]
pub fn escaped(group: &Group, limit: &Limit, process: Process) -> Option<String> {
    let files = limit.files(group);
    if files.iter().any(|(file, _)| !group.path.join(file).exists()) {
        return Some(format!("the limit {} is gone", group.path.display()));
    }
    if !process.is_alive() {
        // A limit of memory ends what does not keep to it; any other ends with its process, and the next has none.
        let is_its_own = matches!(limit, Limit::Memory { .. }) && ended_by_kernel(group) > 0;
        return (!is_its_own).then(|| format!("process {process} ended, and its limit with it"));
    }
    if !members(&group.path).contains(&process.pid) {
        return Some(format!("process {process} was moved out of the limit"));
    }
    let lifted = files.iter().find(|(file, wanted)| !still_says(&group.path.join(file), limit, wanted));
    lifted.map(|(file, _)| format!("somebody changed {}", group.path.join(file).display()))
}

/// How many processes the kernel ended for want of memory.
fn ended_by_kernel(group: &Group) -> u64 {
    let file = if group.version == Version::One { "memory.oom_control" } else { "memory.events" };
    fs::read_to_string(group.path.join(file)).map_or(0, |text| field(&text, "oom_kill"))
}

/// Whether a file still says what was written. The kernel rounds memory down to pages, and says more of disks than it was told.
fn still_says(file: &Path, limit: &Limit, wanted: &str) -> bool {
    let Ok(text) = fs::read_to_string(file) else { return false };
    match limit {
        Limit::Cpu { .. } => text.trim() == wanted,
        Limit::Memory { bytes } => text.trim().parse().is_ok_and(|now: u64| now <= *bytes),
        Limit::Disk { .. } => {
            let mut parts = wanted.split(' ');
            let line = parts.next().and_then(|device| text.lines().find(|line| line.split(' ').next() == Some(device)));
            line.is_some_and(|line| parts.all(|part| line.split(' ').any(|word| word == part)))
        }
    }
}

/// Puts every process back where it came from, and takes the group away. Right also if nothing is there.
///
/// # Errors
/// What is left, in words.
pub fn end(group: &Group) -> Result<(), String> {
    let until = Instant::now() + SETTLE;
    while group.path.is_dir() {
        let back = home(&group.back);
        let mut failed = None;
        for pid in members(&group.path) {
            failed = write(&back.join(PROCS), &pid.to_string()).err().filter(|_| Process::of(pid).is_some());
        }
        match fs::remove_dir(&group.path) {
            Ok(()) => break,
            Err(error) if error.kind() == io::ErrorKind::NotFound => break,
            Err(error) if Instant::now() > until => {
                let why = failed.unwrap_or_else(|| error.to_string());
                return Err(format!("the limit {} is left: {why}", group.path.display()));
            }
            Err(_) => std::thread::sleep(Duration::from_millis(5)),
        }
    }
    match (group.version, group.path.parent()) {
        (Version::Two, Some(parent)) if parent.is_dir() => stop_sharing(parent),
        _ => Ok(()),
    }
}

/// What a person types to do the same.
#[must_use]
pub fn by_hand(group: &Group, quoted: &dyn Fn(&Path) -> String) -> Vec<String> {
    let (path, back) = (quoted(&group.path.join(PROCS)), quoted(&home(&group.back).join(PROCS)));
    let mut lines = vec![
        format!("for pid in $(cat {path}); do echo $pid > {back}; done"),
        format!("rmdir {}", quoted(&group.path)),
    ];
    if let Some(parent) = group.path.parent().filter(|_| group.version == Version::Two) {
        let (marks, faults) = ours(parent);
        let control = quoted(&parent.join("cgroup.subtree_control"));
        for controller in marks.iter().filter(|_| faults < 2) {
            lines.push(format!("echo -{controller} > {control} && rmdir {}", quoted(&parent.join(mark(controller)))));
        }
    }
    lines
}

/// What faults made below a group: the controllers that marks name, and how many groups of faults there are.
fn ours(parent: &Path) -> (Vec<String>, usize) {
    let names = fs::read_dir(parent).into_iter().flatten().flatten();
    let names: Vec<String> =
        names.filter_map(|entry| entry.file_name().to_str()?.strip_prefix(PREFIX).map(str::to_owned)).collect();
    let marks: Vec<String> = names.iter().filter_map(|name| Some(name.strip_prefix(SHARES)?.to_owned())).collect();
    let faults = names.len() - marks.len();
    (marks, faults)
}

/// After the last fault below a group it shares out no more what it shared out for faults alone. Not before: the others would lose
/// their limits without a word.
fn stop_sharing(parent: &Path) -> Result<(), String> {
    let _alone = alone(parent)?;
    let (marks, faults) = ours(parent);
    if faults > 0 {
        return Ok(());
    }
    for controller in &marks {
        match fs::write(parent.join("cgroup.subtree_control"), format!("-{controller}")) {
            // Somebody has come to need it meanwhile: then it is theirs.
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::BUSY.raw_os_error()) => {}
            Err(error) => return Err(format!("{} shares `{controller}` out still: {error}", parent.display())),
            Ok(()) => {}
        }
        let mark = parent.join(mark(controller));
        fs::remove_dir(&mark).map_err(|error| format!("{} is left: {error}", mark.display()))?;
    }
    Ok(())
}

/// The group, or the nearest above it that is still there.
fn home(back: &Path) -> PathBuf {
    back.ancestors().find(|path| path.join(PROCS).is_file()).unwrap_or(back).to_owned()
}

fn place(process: Process, controller: Controller) -> Result<Place, String> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").map_err(|_| "this system has no cgroups".to_owned())?;
    let groups = fs::read_to_string(format!("/proc/{}/cgroup", process.pid))
        .map_err(|_| format!("process {process} is gone"))?;
    place_in(&mounts, &groups, controller)
}

/// The place that these two files of the kernel tell of.
fn place_in(mounts: &str, groups: &str, controller: Controller) -> Result<Place, String> {
    let versions = [Version::One, Version::Two];
    let mount = versions.into_iter().find_map(|version| {
        let (root, within) = mounts.lines().find_map(|line| mount_of(line, version, controller.name(version)))?;
        Some((version, root, within))
    });
    let Some((version, root, within)) = mount else { return Err("no cgroups are mounted on this machine".to_owned()) };
    let name = controller.name(version);
    let is_there = version == Version::One || words(&root.join("cgroup.controllers")).contains(&name.to_owned());
    if !is_there {
        return Err(format!("{} has no controller `{name}`", root.display()));
    }
    let mine = groups.lines().find_map(|line| {
        let (names, path) = line.split_once(':')?.1.split_once(':')?;
        let is_it = match version {
            Version::One => names.split(',').any(|n| n == name),
            Version::Two => names.is_empty(),
        };
        is_it.then_some(path)
    });
    let mine = mine.ok_or_else(|| format!("the kernel does not say which group of `{name}` it is in"))?;
    let below = Path::new(mine).strip_prefix(&within).map_err(|_| outside(mine))?;
    if below.components().any(|part| part == std::path::Component::ParentDir) {
        return Err(outside(mine));
    }
    let own = if below.as_os_str().is_empty() { root.clone() } else { root.join(below) };
    Ok(Place { version, root, own })
}

fn outside(path: &str) -> String {
    format!("its group {path} is outside of what is mounted here")
}

/// The mount point of a line of `mountinfo`, and which part of the tree is there.
fn mount_of(line: &str, version: Version, name: &str) -> Option<(PathBuf, PathBuf)> {
    let (before, after) = line.split_once(" - ")?;
    let mut fields = before.split(' ').skip(3);
    let (within, at) = (fields.next()?, fields.next()?);
    let mut about = after.split(' ');
    let (kind, options) = (about.next()?, about.nth(1)?);
    let is_it = match version {
        Version::One => kind == "cgroup" && options.split(',').any(|option| option == name),
        Version::Two => kind == "cgroup2",
    };
    is_it.then(|| (at.into(), within.into()))
}

/// The group below which a new one is made; and itself, if it shares the controller out for faults alone.
fn parent(place: &Place, controller: Controller) -> (PathBuf, Option<PathBuf>) {
    if place.version == Version::One {
        return (place.own.clone(), None);
    }
    let name = controller.name(Version::Two).to_owned();
    let above = place.own.ancestors().skip(usize::from(place.own != place.root));
    let shares = |path: &&Path| words(&path.join("cgroup.subtree_control")).contains(&name);
    // Whoever begins or ends to share out is in between; who cannot wait for that cannot change anything either.
    let _alone = alone(&place.root);
    let parent = above.take_while(|path| path.starts_with(&place.root)).find(shares);
    let is_for_faults = parent.is_none_or(|parent| parent.join(mark(&name)).is_dir());
    let parent = parent.unwrap_or(&place.root).to_owned();
    (parent.clone(), is_for_faults.then_some(parent))
}

fn can_change(group: &Path) -> Result<(), String> {
    let can = |path: &Path| rustix::fs::access(path, Access::WRITE_OK);
    match can(group).and_then(|()| can(&group.join(PROCS))) {
        Ok(()) => Ok(()),
        Err(rustix::io::Errno::ROFS) => Err(format!("{} is mounted so that it can only be read", group.display())),
        Err(rustix::io::Errno::ACCESS | rustix::io::Errno::PERM) => {
            Err(format!("only root may change {}", group.display()))
        }
        Err(error) => Err(format!("{} cannot be changed: {error}", group.display())),
    }
}

/// The least that its groups let a process have, in microseconds of each period.
fn least_cpu(place: &Place) -> Option<u64> {
    let groups = place.own.ancestors().take_while(|path| path.starts_with(&place.root));
    groups.filter_map(|group| cpu_of(group, place.version)).min()
}

fn cpu_of(group: &Path, version: Version) -> Option<u64> {
    let read = |file: &str| fs::read_to_string(group.join(file)).ok();
    let (quota, period): (u64, u64) = match version {
        Version::One => {
            (read("cpu.cfs_quota_us")?.trim().parse().ok()?, read("cpu.cfs_period_us")?.trim().parse().ok()?)
        }
        Version::Two => {
            let text = read("cpu.max")?;
            let (quota, period) = text.trim().split_once(' ')?;
            (quota.parse().ok()?, period.parse().ok()?)
        }
    };
    quota.checked_mul(PERIOD)?.checked_div(period)
}

/// The disk that a folder is on: all of it, as the kernel limits no parts.
fn disk_of(folder: &Path) -> Result<String, String> {
    let stat = rustix::fs::stat(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let (major, minor) = (rustix::fs::major(stat.st_dev), rustix::fs::minor(stat.st_dev));
    let at = PathBuf::from(format!("/sys/dev/block/{major}:{minor}"));
    if !at.exists() {
        return Err(format!("{} is on no disk of this machine that the kernel could slow down", folder.display()));
    }
    let part_of = || at.canonicalize().ok()?.parent().map(|disk| disk.join("dev"));
    let whole = if at.join("partition").exists() { part_of() } else { Some(at.join("dev")) };
    let text = whole.and_then(|file| fs::read_to_string(file).ok());
    text.map(|t| t.trim().to_owned()).ok_or_else(|| format!("nobody knows the disk of {}", folder.display()))
}

fn members(group: &Path) -> Vec<u32> {
    let text = fs::read_to_string(group.join(PROCS)).unwrap_or_default();
    text.lines().filter_map(|line| line.trim().parse().ok()).collect()
}

fn words(file: &Path) -> Vec<String> {
    fs::read_to_string(file).unwrap_or_default().split_whitespace().map(str::to_owned).collect()
}

fn write(file: &Path, text: &str) -> Result<(), String> {
    fs::write(file, text).map_err(|error| format!("cannot write `{text}` to {}: {error}", file.display()))
}

/// The number after a word at the begin of a line.
fn field(text: &str, word: &str) -> u64 {
    let of = |line: &str| line.split_once(' ').filter(|(name, _)| *name == word)?.1.trim().parse().ok();
    text.lines().find_map(of).unwrap_or(0)
}

/// The bytes of a disk: `8:0 Read 4096` or `8:0 rbytes=4096 wbytes=0 …`.
fn bytes(text: &str, device: &str, [one, two]: [&str; 2]) -> u64 {
    let of = |line: &str| {
        let rest = line.strip_prefix(device)?.strip_prefix(' ')?;
        let plain = rest.strip_prefix(one).map(str::trim);
        plain.or_else(|| rest.split(' ').find_map(|word| word.strip_prefix(two)))?.parse::<u64>().ok()
    };
    text.lines().find_map(of).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HYBRID: &str = "30 24 0:26 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n\
        31 30 0:27 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n\
        32 30 0:28 /docker/abc /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n\
        33 30 0:29 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw";

    #[test]
    fn the_tree_of_a_controller_is_found_with_the_place_in_it() {
        let groups = "5:cpu,cpuacct:/user.slice/s\n4:memory:/docker/abc/inner\n0::/init.scope";
        let place = |controller| place_in(HYBRID, groups, controller);
        let cpu = place(Controller::Cpu).unwrap();
        assert_eq!(cpu.own, Path::new("/sys/fs/cgroup/cpu,cpuacct/user.slice/s"));
        assert_eq!(cpu.version, Version::One);
        // Only a part of the tree is mounted.
        assert_eq!(place(Controller::Memory).unwrap().own, Path::new("/sys/fs/cgroup/memory/inner"));
        let elsewhere = place_in(HYBRID, "4:memory:/system.slice/x", Controller::Memory).unwrap_err();
        assert!(elsewhere.contains("outside"), "{elsewhere}");
        // Nobody has taken it into a tree of its own, and this kernel's one tree does not have it.
        let none = place(Controller::Disk).unwrap_err();
        assert!(none.contains("no controller `io`"), "{none}");
        let above = place_in(HYBRID, "5:cpu,cpuacct:/../x", Controller::Cpu).unwrap_err();
        assert!(above.contains("outside"), "{above}");
    }

    /// The files of a tree of version 2, without a kernel behind them: where a group would be made, and what ends with it.
    #[test]
    fn a_group_is_made_where_the_controller_is_shared_out_and_the_last_fault_stops_what_the_first_began() {
        let tree = tempfile::tempdir().unwrap();
        let root = tree.path().to_owned();
        let own = root.join("user.slice/session");
        fs::create_dir_all(&own).unwrap();
        let control = |at: &Path, text: &str| fs::write(at.join("cgroup.subtree_control"), text).unwrap();
        let place = Place { version: Version::Two, root: root.clone(), own: own.clone() };
        let for_cpu = || parent(&place, Controller::Cpu);
        // Nobody shares it out: the root will, for faults alone; the second finds that out, too.
        assert_eq!(for_cpu(), (root.clone(), Some(root.clone())));
        control(&root, "memory cpu");
        assert_eq!(for_cpu(), (root.clone(), None));
        make(&root.join(mark("cpu"))).unwrap();
        assert_eq!(for_cpu(), (root.clone(), Some(root.clone())));
        // A group between shares it out: it goes on to hold what is below.
        control(&root.join("user.slice"), "cpu");
        assert_eq!(for_cpu(), (root.join("user.slice"), None));
        // Its own may not, as it has processes.
        control(&own, "cpu");
        assert_eq!(for_cpu().0, root.join("user.slice"));

        make(&root.join("perturb-run-1-0")).unwrap();
        stop_sharing(&root).unwrap();
        assert!(root.join(mark("cpu")).is_dir(), "another fault needs it");
        fs::remove_dir(root.join("perturb-run-1-0")).unwrap();
        stop_sharing(&root).unwrap();
        assert!(!root.join(mark("cpu")).exists());
        assert_eq!(fs::read_to_string(root.join("cgroup.subtree_control")).unwrap(), "-cpu");
        control(&root, "memory");
        stop_sharing(&root).unwrap();
        assert_eq!(fs::read_to_string(root.join("cgroup.subtree_control")).unwrap(), "memory");
    }

    #[test]
    fn a_limit_is_written_as_each_version_reads_it() {
        let group = |version| Group {
            path: "/g".into(),
            back: "/b".into(),
            version,
            device: Some("8:0".into()),
            sharing: None,
        };
        let (one, two) = (group(Version::One), group(Version::Two));
        let cpu = Limit::Cpu { millicores: 250 };
        assert_eq!(cpu.files(&two), [("cpu.max", "25000 100000".to_owned())]);
        assert_eq!(cpu.files(&one)[1], ("cpu.cfs_quota_us", "25000".to_owned()));
        // The kernel refuses less than a millisecond.
        assert_eq!(Limit::Cpu { millicores: 1 }.files(&two)[0].1, "1000 100000");
        let disk = Limit::Disk { folder: ".".into(), read: Some(1000), write: None };
        assert_eq!(disk.files(&two), [("io.max", "8:0 rbps=1000".to_owned())]);
        assert_eq!(disk.files(&one), [("blkio.throttle.read_bps_device", "8:0 1000".to_owned())]);
    }

    #[test]
    fn a_limit_is_seen_when_it_is_met_and_not_before() {
        let limit = Limit::Disk { folder: ".".into(), read: None, write: Some(1_000_000) };
        let of = |written| Counted::Bytes { read: 9_000_000, written };
        let tell = |written, before| of(written).tell(&limit, Some((of(before), Duration::from_secs(1))));
        assert!(tell(1_000_000, 0).is_some());
        assert_eq!(tell(1_100_000, 1_000_000), None);
        // What is read has no limit here.
        assert_eq!(tell(0, 0), None);
        assert_eq!(of(5_000_000).tell(&limit, None), None);
        assert_eq!(Counted::Times(0).tell(&Limit::Cpu { millicores: 1 }, None), None);
    }

    #[test]
    fn the_kernels_counts_are_read() {
        assert_eq!(field("nr_periods 9\nnr_throttled 4\n", "nr_throttled"), 4);
        assert_eq!(field("low 0\nhigh 1\nmax 7\noom 0\n", "max"), 7);
        let one = "8:0 Read 4096\n8:0 Write 8\n8:0 Total 4104\nTotal 4104";
        assert_eq!((bytes(one, "8:0", ["Read", "rbytes="]), bytes(one, "8:0", ["Write", "wbytes="])), (4096, 8));
        assert_eq!(bytes("8:0 rbytes=5 wbytes=6 rios=1", "8:0", ["Write", "wbytes="]), 6);
        assert_eq!(bytes("8:16 Read 4", "8:1", ["Read", "rbytes="]), 0);
    }
}
