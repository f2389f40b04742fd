//! Folders on a real disk: what is written, what is left alone, and every place at which a write can fail or be killed.

use std::process::Command;
use std::time::{Duration, SystemTime};

use super::*;
use crate::manifest::folder::ConflictKind;

/// As a whole project is written.
fn write(dir: &Path, folder: &Folder, force: bool) -> Result<Changes, OutputError> {
    super::write(dir, folder, Rest::Removed, force)
}

/// As a whole project is held against its folder.
fn check(dir: &Path, folder: &Folder) -> Result<Drift, OutputError> {
    super::check(dir, folder, Rest::Removed)
}

fn folder(files: &[(&str, &str)]) -> Folder {
    let mut folder = Folder::default();
    for (path, text) in files {
        folder.insert(*path, *text).expect("a good path");
    }
    folder
}

/// All files below `dir` with their texts, sorted; links as where they lead.
fn tree(dir: &Path) -> Vec<(String, String)> {
    fn walk(base: &Path, dir: &Path, out: &mut Vec<(String, String)>) {
        for entry in fs::read_dir(dir).expect("readable") {
            let path = entry.expect("readable").path();
            let name = path.strip_prefix(base).expect("inside").to_string_lossy().into_owned();
            let kind = fs::symlink_metadata(&path).expect("there").file_type();
            if kind.is_symlink() {
                out.push((name, "a link".to_owned()));
            } else if kind.is_dir() {
                out.push((format!("{name}/"), String::new()));
                walk(base, &path, out);
            } else {
                out.push((name, fs::read_to_string(&path).expect("text")));
            }
        }
    }
    let mut out = Vec::new();
    walk(dir, dir, &mut out);
    out.sort();
    out
}

/// Files of ours as they are after `write`, with the index.
fn expected(files: &[(&str, &str)], folders: &[&str]) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = files.iter().map(|(p, t)| ((*p).to_owned(), (*t).to_owned())).collect();
    all.push((INDEX.to_owned(), folder(files).index().text()));
    all.extend(folders.iter().map(|folder| ((*folder).to_owned(), String::new())));
    all.sort();
    all
}

const OLD: &[(&str, &str)] = &[("a.yaml", "1"), ("b/c.yaml", "2"), ("gone/d.yaml", "3"), ("same.yaml", "4")];
const OLD_FOLDERS: &[&str] = &["b/", "gone/"];
const NEW: &[(&str, &str)] = &[("a.yaml", "9"), ("b/c.yaml", "8"), ("new/x/e.yaml", "7"), ("same.yaml", "4")];
const NEW_FOLDERS: &[&str] = &["b/", "new/", "new/x/"];

#[test]
fn a_folder_becomes_what_it_should_be() {
    let temp = tempfile::tempdir().expect("a folder");
    let dir = temp.path().join("deep/out");
    let changes = write(&dir, &folder(OLD), false).expect("written");
    assert_eq!((changes.create.len(), changes.same), (4, 0));
    assert_eq!(tree(&dir), expected(OLD, OLD_FOLDERS));
    let changes = write(&dir, &folder(NEW), false).expect("written");
    assert_eq!(changes.create, ["new/x/e.yaml"]);
    assert_eq!(changes.replace, ["a.yaml", "b/c.yaml"]);
    assert_eq!(changes.remove, ["gone/d.yaml"]);
    assert_eq!(changes.same, 1);
    assert_eq!(tree(&dir), expected(NEW, NEW_FOLDERS), "and the emptied folder is gone");
}

#[test]
fn the_same_again_touches_nothing() {
    let temp = tempfile::tempdir().expect("a folder");
    let dir = temp.path();
    write(dir, &folder(OLD), false).expect("written");
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
    for path in ["a.yaml", "same.yaml", INDEX] {
        fs::File::options().write(true).open(dir.join(path)).expect("there").set_modified(long_ago).expect("ours");
    }
    let time = |path: &str| fs::metadata(dir.join(path)).expect("there").modified().expect("a time");
    assert!(write(dir, &folder(OLD), false).expect("written").is_empty());
    assert_eq!([time("a.yaml"), time("same.yaml"), time(INDEX)], [long_ago; 3]);
    write(dir, &folder(NEW), false).expect("written");
    assert_eq!(time("same.yaml"), long_ago, "the same bytes, the same time");
    assert_ne!(time("a.yaml"), long_ago);
}

#[test]
fn the_files_of_others_stay() {
    let temp = tempfile::tempdir().expect("a folder");
    let dir = temp.path();
    fs::write(dir.join("kustomization.yaml"), "theirs").expect("written");
    write(dir, &folder(OLD), false).expect("written");
    fs::write(dir.join("gone/README.md"), "theirs").expect("written");
    fs::create_dir_all(dir.join("new/x")).expect("made");
    fs::write(dir.join("new/x/e.yaml"), "theirs").expect("written");
    let before = tree(dir);
    for force in [false, true] {
        match write(dir, &folder(NEW), force) {
            Err(OutputError::Conflicts { conflicts, .. }) => {
                assert_eq!(conflicts, [Conflict { path: "new/x/e.yaml".to_owned(), kind: ConflictKind::Foreign }]);
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(tree(dir), before);
    }
    fs::remove_file(dir.join("new/x/e.yaml")).expect("removed");
    write(dir, &folder(NEW), false).expect("written");
    assert_eq!(fs::read_to_string(dir.join("gone/README.md")).expect("there"), "theirs");
    assert_eq!(fs::read_to_string(dir.join("kustomization.yaml")).expect("there"), "theirs");
}

#[test]
fn what_was_edited_needs_force() {
    let temp = tempfile::tempdir().expect("a folder");
    let dir = temp.path();
    write(dir, &folder(OLD), false).expect("written");
    fs::write(dir.join("a.yaml"), "by hand").expect("written");
    fs::write(dir.join("gone/d.yaml"), "by hand").expect("written");
    let error = write(dir, &folder(NEW), false).expect_err("they were edited");
    insta::assert_snapshot!(error.to_string().replace(&*dir.to_string_lossy(), "DIR"), @r"
    nothing was written to `DIR`:
      `a.yaml` was edited since perturb wrote it: `--force` overwrites it
      `gone/d.yaml` was edited since perturb wrote it: `--force` overwrites it
    ");
    write(dir, &folder(NEW), true).expect("written");
    assert_eq!(tree(dir), expected(NEW, NEW_FOLDERS));
}

#[test]
fn check_names_what_differs_and_changes_nothing() {
    let temp = tempfile::tempdir().expect("a folder");
    let dir = temp.path();
    assert_eq!(check(&dir.join("none"), &folder(OLD)).expect("readable").missing.len(), 4);
    write(dir, &folder(OLD), false).expect("written");
    assert!(check(dir, &folder(OLD)).expect("readable").is_empty());
    fs::write(dir.join("same.yaml"), "by hand").expect("written");
    let before = tree(dir);
    let drift = check(dir, &folder(NEW)).expect("readable");
    assert_eq!(drift.missing, ["new/x/e.yaml"]);
    assert_eq!(drift.changed, ["a.yaml", "b/c.yaml", "same.yaml"]);
    assert_eq!(drift.extra, ["gone/d.yaml"]);
    assert!(drift.index && !drift.interrupted);
    assert_eq!(tree(dir), before);
}

#[test]
fn a_damaged_list_is_not_guessed_at() {
    let temp = tempfile::tempdir().expect("a folder");
    let dir = temp.path();
    write(dir, &folder(OLD), false).expect("written");
    let index = fs::read_to_string(dir.join(INDEX)).expect("there");
    fs::write(dir.join(INDEX), format!("{index}=======\n")).expect("written");
    assert!(matches!(write(dir, &folder(NEW), true), Err(OutputError::Index { .. })));
    assert!(matches!(check(dir, &folder(NEW)), Err(OutputError::Index { .. })));
}

#[cfg(unix)]
#[test]
fn links_are_not_followed() {
    let temp = tempfile::tempdir().expect("a folder");
    let (dir, elsewhere) = (temp.path().join("out"), temp.path().join("elsewhere"));
    fs::create_dir_all(&elsewhere).expect("made");
    fs::create_dir_all(&dir).expect("made");
    std::os::unix::fs::symlink(&elsewhere, dir.join("b")).expect("linked");
    std::os::unix::fs::symlink(elsewhere.join("x"), dir.join("a.yaml")).expect("linked");
    match write(&dir, &folder(OLD), true) {
        Err(OutputError::Conflicts { conflicts, .. }) => assert_eq!(conflicts.len(), 2, "{conflicts:?}"),
        other => panic!("{other:?}"),
    }
    assert!(tree(&elsewhere).is_empty());
}

#[cfg(unix)]
#[test]
fn one_writer_at_a_time() {
    let temp = tempfile::tempdir().expect("a folder");
    let lock = lock(temp.path()).expect("free");
    assert!(matches!(write(temp.path(), &folder(OLD), false), Err(OutputError::Busy(_))));
    drop(lock);
    write(temp.path(), &folder(OLD), false).expect("free again");
}

#[cfg(unix)]
#[test]
fn a_read_only_folder_stays_as_it_was() {
    use std::os::unix::fs::PermissionsExt as _;
    let temp = tempfile::tempdir().expect("a folder");
    let dir = temp.path();
    write(dir, &folder(OLD), false).expect("written");
    let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("ours");
    mode(dir, 0o555);
    let locked = fs::write(dir.join("probe"), "").is_err();
    let (before, result) = (tree(dir), write(dir, &folder(NEW), false));
    mode(dir, 0o755);
    if locked {
        assert!(matches!(result, Err(OutputError::Io { .. })), "{result:?}");
        assert_eq!(tree(dir), before);
    } else {
        eprintln!("SKIPPED: this user may write into read-only folders; run the tests as another user than root");
    }
}

/// Lets the write fail at its first step, its second, … until it comes through; each time the old state must stay.
#[test]
fn a_write_that_fails_anywhere_changes_nothing() {
    for old in [&[][..], OLD] {
        let mut failures = 0;
        loop {
            let temp = tempfile::tempdir().expect("a folder");
            let dir = temp.path().join("out");
            if !old.is_empty() {
                write(&dir, &folder(old), false).expect("written");
            }
            let before = tree(temp.path());
            let mut left = failures;
            let result = write_watched(&dir, &folder(NEW), Rest::Removed, false, &mut || {
                if left == 0 {
                    return Err(io::Error::from(io::ErrorKind::StorageFull));
                }
                left -= 1;
                Ok(())
            });
            match result {
                Ok(_) => break,
                Err(OutputError::Io { .. }) => assert_eq!(tree(temp.path()), before, "failed at step {failures}"),
                Err(other) => panic!("{other:?}"),
            }
            failures += 1;
        }
        assert!(failures > 10, "only {failures} steps were tried");
    }
}

/// Names the folder to write to and the step at which to die. Only set for a child of the test below.
const DIE: &str = "PERTURB_TEST_DIE_AT";

/// Kills a process at its first step, its second, …; the next write must find its way from whatever is left.
#[test]
fn a_write_that_is_killed_anywhere_is_put_back() {
    let mut kills = 0;
    loop {
        let temp = tempfile::tempdir().expect("a folder");
        let dir = temp.path();
        write(dir, &folder(OLD), false).expect("written");
        fs::write(dir.join("README.md"), "theirs").expect("written");
        let before = tree(dir);
        let status = Command::new(std::env::current_exe().expect("this test"))
            .args(["--exact", "cli::output::tests::dies"])
            .env(DIE, format!("{kills}:{}", dir.display()))
            .output()
            .expect("it starts")
            .status;
        if status.success() {
            break;
        }
        let drift = check(dir, &folder(OLD)).expect("readable");
        assert!(drift.is_empty() || drift.interrupted, "killed at step {kills}: {drift:?}");
        put_back(dir).expect("put back");
        assert_eq!(tree(dir), before, "killed at step {kills}");
        write(dir, &folder(NEW), false).expect("written");
        assert_eq!(fs::read_to_string(dir.join("README.md")).expect("there"), "theirs");
        kills += 1;
    }
    assert!(kills > 10, "only {kills} steps were tried");
}

/// The child of the test above; on its own it does nothing.
#[test]
fn dies() {
    let Ok(order) = std::env::var(DIE) else { return };
    let (step, dir) = order.split_once(':').expect("STEP:DIR");
    let mut left: usize = step.parse().expect("a number");
    let result = write_watched(Path::new(dir), &folder(NEW), Rest::Removed, false, &mut || {
        if left == 0 {
            std::process::abort();
        }
        left -= 1;
        Ok(())
    });
    result.expect("written");
}

#[test]
fn a_journal_is_believed_only_inside_its_folder() {
    let temp = tempfile::tempdir().expect("a folder");
    let dir = temp.path().join("out");
    fs::create_dir_all(dir.join(STAGE)).expect("made");
    fs::write(temp.path().join("victim"), "1").expect("written");
    let steps = [Step::Create { number: 0, path: "../victim".to_owned(), digest: Digest::of(b"1").to_string() }];
    fs::write(dir.join(STAGE).join(JOURNAL), serde_json::to_string(&steps).expect("data")).expect("written");
    assert!(matches!(write(&dir, &folder(NEW), false), Err(OutputError::HalfWritten { .. })));
    assert!(temp.path().join("victim").exists());
}

#[test]
fn a_part_leaves_the_others_as_they_are() {
    let temp = tempfile::tempdir().expect("a folder");
    let dir = temp.path();
    write(dir, &folder(OLD), false).expect("written");
    // Edited, and gone: both are somebody's affair, and not of this write.
    fs::write(dir.join("same.yaml"), "by hand").expect("written");
    fs::remove_file(dir.join("b/c.yaml")).expect("removed");
    let part = folder(&[("a.yaml", "9"), ("e.yaml", "7")]);
    let drift = super::check(dir, &part, Rest::Kept).expect("readable");
    assert_eq!((drift.changed, drift.missing, drift.extra), (vec!["a.yaml".into()], vec!["e.yaml".into()], vec![]));
    let changes = super::write(dir, &part, Rest::Kept, false).expect("written");
    assert_eq!(
        (changes.replace, changes.create, changes.remove),
        (vec!["a.yaml".into()], vec!["e.yaml".into()], vec![])
    );
    assert!(super::check(dir, &part, Rest::Kept).expect("readable").is_empty());
    assert_eq!(fs::read_to_string(dir.join("same.yaml")).expect("there"), "by hand");
    assert_eq!(fs::read_to_string(dir.join("gone/d.yaml")).expect("there"), "3");
    let listed = read_index(dir).expect("a list");
    assert_eq!(listed.paths().collect::<Vec<_>>(), ["a.yaml", "b/c.yaml", "e.yaml", "gone/d.yaml", "same.yaml"]);
    // The list still knows what it wrote of the others.
    assert!(matches!(write(dir, &folder(&[("a.yaml", "9")]), false), Err(OutputError::Conflicts { .. })));
}
