//! Tests of the telling: snapshots of every example.

use super::tell;
use crate::analysis::examples;

#[test]
fn tellings() {
    for (name, plan) in examples::all() {
        insta::assert_snapshot!(name, tell(&plan).to_text(100));
    }
}
