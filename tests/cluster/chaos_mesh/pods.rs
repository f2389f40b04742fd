//! Faults that need no daemon: a pod is really killed and replaced, and one really fails and comes back.

use super::runs::{Place, SOON};
use crate::control_plane::{cluster, until};

#[test]
fn a_killed_pod_is_gone_and_replaced() {
    let Some(cluster) = cluster("a_killed_pod_is_gone_and_replaced") else { return };
    cluster.run(async {
        let place = Place::new(cluster, "killed-pod").await;
        let before = place.pods().await;
        let workflow = place.compile("pod.kill(one of app.pods)", "");
        cluster.apply(&workflow).await.expect("the Workflow");
        place.accomplished().await;
        place.all_ready().await;
        let after = place.pods().await;
        let kept = before.iter().filter(|pod| after.contains(pod)).count();
        assert_eq!(kept, 2, "one of three was killed: {before:?}, {after:?}");
        place.leaves_nothing(&workflow).await;
        assert_eq!(place.pods().await, after);
    });
}

#[test]
fn a_failed_pod_comes_back() {
    let Some(cluster) = cluster("a_failed_pod_comes_back") else { return };
    cluster.run(async {
        let place = Place::new(cluster, "failed-pod").await;
        let before = place.pods().await;
        let workflow = place.compile("pod.fail(one of app.pods) for 4s", "");
        cluster.apply(&workflow).await.expect("the Workflow");
        let failed = until("a pod is not ready", SOON, async || {
            let failed: Vec<_> = place.pods().await.into_iter().filter(|(_, _, ready)| !ready).collect();
            (!failed.is_empty()).then_some(failed)
        })
        .await;
        assert!(failed.len() == 1 && failed[0].1.contains("pause"), "{failed:?}");
        place.accomplished().await;
        place.all_ready().await;
        // The same pods: it was not replaced, its image came back.
        assert_eq!(place.pods().await, before);
        place.leaves_nothing(&workflow).await;
    });
}
