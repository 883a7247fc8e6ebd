//! The number of store calls of a timeline.

use hookgate_domain::draft::DraftFields;
use hookgate_gate::{AcceptedDelivery, Commit, IncidentAction, Store, Timeline};
use hookgate_testkit::{MemoryStore, samples};

/// Maximum number of store calls of a timeline.
const CALLS: usize = 4;
const NOTES: i64 = 300;

/// Hundreds of runs take as many store calls as one.
#[tokio::test]
async fn a_long_timeline_asks_no_more_often_than_a_short_one() {
    let store = MemoryStore::default();
    let webhook = samples::webhook(1);
    let inserted = store.webhook_insert(webhook.clone(), samples::audit());
    inserted.await.unwrap();
    let send = async |at| {
        let delivery = AcceptedDelivery {
            received_at: samples::second(at),
            changes: vec![
                samples::draft(DraftFields {
                    dedup_key: Some("disk".into()),
                    ..DraftFields::default()
                })
                .unwrap()
                .into(),
            ],
            ..samples::delivery(&webhook)
        };
        match store.delivery_commit(delivery).await.unwrap() {
            Commit::Stored(accepted) => accepted.incidents[0].number,
            other => panic!("{other:?}"),
        }
    };
    let number = send(0).await;
    for at in 1..=NOTES {
        send(at * 10).await;
        let note = IncidentAction::Note("n".parse().unwrap());
        let noted = store.incident_act(
            number,
            note,
            samples::actor_context(),
            samples::second(at * 10 + 5),
        );
        noted.await.unwrap().unwrap().unwrap();
    }
    store.fail_call(CALLS + 1);
    let timeline = Timeline::read(&store, number).await.unwrap().unwrap();
    assert!(!store.has_failed());
    assert_eq!(timeline.entries.len(), 1 + 2 * usize::try_from(NOTES).unwrap());
}
