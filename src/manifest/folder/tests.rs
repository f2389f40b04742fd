//! What may be touched in a folder, case by case.

use super::*;

fn folder(files: &[(&str, &str)]) -> Folder {
    let mut folder = Folder::default();
    for (path, text) in files {
        folder.insert(*path, *text).expect("a good path");
    }
    folder
}

fn disk<'a>(files: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Found + 'a {
    |path| match files.iter().find(|(there, _)| *there == path) {
        Some((_, text)) => Found::File(Digest::of(text.as_bytes())),
        None => Found::Nothing,
    }
}

#[test]
fn paths_stay_inside() {
    for path in ["", "/etc/passwd", "../a", "a/../b", "a//b", "a/", ".", "a\\b", "C:a", "a\0", "a\nb"] {
        assert_eq!(Folder::default().insert(path, ""), Err(PathError::Outside(path.to_owned())), "{path:?}");
    }
    for path in [INDEX, ".perturb.stage/a", ".perturb/a"] {
        assert_eq!(Folder::default().insert(path, ""), Err(PathError::Reserved(path.to_owned())), "{path:?}");
    }
    assert_eq!(folder(&[("a/B", "")]).insert("A/b", ""), Err(PathError::Twice("A/b".to_owned())));
}

#[test]
fn an_index_survives_its_text() {
    let index = folder(&[("b", "2"), ("a/x y.yaml", "1")]).index();
    assert_eq!(Index::parse(&index.text()), Ok(index.clone()));
    assert_eq!(index.paths().collect::<Vec<_>>(), ["a/x y.yaml", "b"]);
    assert!(
        index.text().contains("d4735e3a265e16eee03f59718b9b5d03019c07d8b6c51f90da3a666eec13ab35  b\n"),
        "sha256sum's form"
    );
}

#[test]
fn a_broken_index_is_refused_with_its_line() {
    let good = folder(&[("a", "1")]).index().text();
    assert_eq!(Index::parse(""), Err(IndexError { line: 1 }));
    assert_eq!(Index::parse(&good.replace("form 1", "form 2")), Err(IndexError { line: 1 }));
    assert_eq!(Index::parse(&format!("{good}<<<<<<< HEAD\n")), Err(IndexError { line: 4 }));
    assert_eq!(
        Index::parse(&good.replace("  a", "  ../a")),
        Err(IndexError { line: 3 }),
        "it must not lead out of the folder"
    );
    assert_eq!(Index::parse(&good.replace("6b86", "é86")), Err(IndexError { line: 3 }));
}

#[test]
fn only_what_changed_is_touched() {
    let before =
        folder(&[("gone", "0"), ("new-bytes", "1"), ("same", "2"), ("deleted", "3"), ("gone-and-deleted", "4")])
            .index();
    let wanted = folder(&[("new", "9"), ("new-bytes", "8"), ("same", "2"), ("deleted", "3")]).index();
    let there = [("gone", "0"), ("new-bytes", "1"), ("same", "2"), ("foreign", "7")];
    let changes = compare(&wanted, &before, disk(&there), false).expect("no conflict");
    assert_eq!(changes.create, ["deleted", "new"]);
    assert_eq!(changes.replace, ["new-bytes"]);
    assert_eq!(changes.remove, ["gone"]);
    assert_eq!(changes.same, 1);
}

#[test]
fn what_others_wrote_is_never_touched() {
    let conflict = |path: &str, kind| Conflict { path: path.to_owned(), kind };
    let before = folder(&[("edited", "1"), ("gone", "1")]).index();
    let wanted = folder(&[("edited", "2"), ("foreign", "2")]).index();
    let there = [("edited", "by hand"), ("gone", "by hand"), ("foreign", "theirs")];
    assert_eq!(
        compare(&wanted, &before, disk(&there), false),
        Err(vec![
            conflict("edited", ConflictKind::Edited),
            conflict("foreign", ConflictKind::Foreign),
            conflict("gone", ConflictKind::Edited),
        ])
    );
    assert_eq!(compare(&wanted, &before, disk(&there), true), Err(vec![conflict("foreign", ConflictKind::Foreign)]));
    let other = |_: &str| Found::Other;
    assert_eq!(
        compare(&wanted, &before, other, true).map_err(|all| all.len()),
        Err(3),
        "a link is nobody's file of ours"
    );
}

#[test]
fn a_lost_index_mends_itself() {
    let wanted = folder(&[("a", "1")]).index();
    let changes =
        compare(&wanted, &Index::default(), disk(&[("a", "1")]), false).expect("the same bytes are no conflict");
    assert!(changes.is_empty());
}

#[test]
fn drift_names_each_file_once() {
    let before = folder(&[("old", "0"), ("edited", "1"), ("deleted", "1")]).index();
    let wanted = folder(&[("edited", "1"), ("deleted", "1"), ("same", "1")]).index();
    let there = [("old", "0"), ("edited", "by hand"), ("same", "1"), ("foreign", "7")];
    let found = drift(&wanted, &before, disk(&there));
    assert_eq!(found.missing, ["deleted"]);
    assert_eq!(found.changed, ["edited"]);
    assert_eq!(found.extra, ["old"]);
    assert!(found.index && !found.interrupted && !found.is_empty());
    assert!(drift(&before, &before, disk(&[("old", "0"), ("edited", "1"), ("deleted", "1")])).is_empty());
}
