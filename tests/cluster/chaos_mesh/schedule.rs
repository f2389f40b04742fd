//! A verify as a Schedule: it fires, and does not overlap itself.

use std::time::Duration;

use kube::api::ListParams;

use super::runs::{Place, SOON};
use crate::control_plane::{cluster, until};

#[test]
fn a_schedule_fires_and_does_not_overlap_itself() {
    let Some(cluster) = cluster("a_schedule_fires_and_does_not_overlap_itself") else { return };
    cluster.run(async {
        let place = Place::new(cluster, "scheduled").await;
        let verify = "verify often { in: one of test.clusters\nevery \"0 10 * * tue\" in \"UTC\"\nrun tried }";
        let mut schedule = place.compile("pod.kill(one of app.pods)", verify);
        assert_eq!(schedule["spec"]["schedule"], "CRON_TZ=UTC 0 10 * * tue");
        // Nobody waits for Tuesday: Chaos Mesh's cron has a field for seconds in front.
        schedule["spec"]["schedule"] = "CRON_TZ=UTC */3 * * * * *".into();
        place.gate.close("armed");
        cluster.apply(&schedule).await.expect("the Schedule");
        until("it fires", SOON, async || (place.chaos("Workflow").await.len() == 1).then_some(())).await;
        // Three times its period: the first run is held, so there is no second.
        tokio::time::sleep(Duration::from_secs(9)).await;
        assert_eq!(place.chaos("Workflow").await.len(), 1);
        let events = cluster.api("v1", "Event", &place.namespace).await.unwrap();
        until("it says why", SOON, async || {
            let all = events.list(&ListParams::default()).await.ok()?.items;
            all.iter()
                .any(|e| e.data["reason"] == "Forbid" && e.data["involvedObject"]["kind"] == "Schedule")
                .then_some(())
        })
        .await;
        place.gate.reopen("armed");
        until("it fires again", SOON, async || (place.chaos("Workflow").await.len() > 1).then_some(())).await;
        place.leaves_nothing(&schedule).await;
    });
}
