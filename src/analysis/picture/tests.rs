//! Tests of the picture: snapshots of every example, and that lines fit.

use super::{LineKind, lines, picture};
use crate::analysis::examples;
use crate::analysis::timeline::timeline;

#[test]
fn pictures() {
    for (name, plan) in examples::all() {
        insta::assert_snapshot!(name, picture(&plan, &timeline(&plan), 80, true));
    }
}

#[test]
fn a_picture_in_ascii() {
    let plan = examples::storm();
    let text = picture(&plan, &timeline(&plan), 80, false);
    assert!(text.is_ascii());
    insta::assert_snapshot!("storm-ascii", text);
}

#[test]
fn every_line_fits() {
    for (name, plan) in examples::all() {
        for (width, unicode) in [(10, true), (60, false), (80, true), (133, true), (500, false)] {
            let fits = width.clamp(60, 200);
            for line in lines(&plan, &timeline(&plan), width, unicode) {
                // Sentences and the list of stretches are not cut: terminals wrap them.
                let free = matches!(line.kind, LineKind::Radius | LineKind::Text);
                let length = line.text.trim_end().chars().count();
                assert!(length <= fits || free, "{name} at {width}: {}", line.text);
            }
        }
    }
}
