//! Actions of people on incidents.

use std::sync::Arc;

use hookgate_domain::incident::IncidentError;
use hookgate_domain::{IncidentNumber, IncidentStatus};
use hookgate_gate::{IncidentAction, Store};

use super::{incident, told, with_webhook};
use crate::samples::{actor_context, delivery, second};

/// People acknowledge and resolve an incident, and get its new state.
pub async fn people_act_on_incidents<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    let number = told(store, delivery(&webhook)).await;
    let steps = [
        (IncidentAction::Acknowledge, IncidentStatus::Acknowledged),
        (IncidentAction::Resolve, IncidentStatus::Resolved),
    ];
    for (at, (action, status)) in (1..).zip(steps) {
        let acted = store
            .incident_act(number, action.clone(), actor_context(), second(at))
            .await
            .unwrap()
            .unwrap()
            .unwrap();
        assert_eq!((acted.status, acted.updated_at), (status, second(at)));
        assert_eq!(incident(store, number).await, acted);
    }
    let unknown = IncidentNumber::new(99).unwrap();
    assert_eq!(
        store
            .incident_act(unknown, IncidentAction::Resolve, actor_context(), second(3))
            .await
            .unwrap(),
        None
    );
}

/// A refused action returns the reason, and the incident stays as it is.
pub async fn a_rule_that_refuses_stores_nothing<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    let number = told(store, delivery(&webhook)).await;
    store
        .incident_act(number, IncidentAction::Resolve, actor_context(), second(1))
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    let before = incident(store, number).await;
    for action in [IncidentAction::Acknowledge, IncidentAction::Resolve] {
        let refused = store
            .incident_act(number, action.clone(), actor_context(), second(2))
            .await
            .unwrap();
        assert_eq!(refused, Some(Err(IncidentError::AlreadyResolved)));
    }
    assert_eq!(incident(store, number).await, before);
}

/// Of two people who acknowledge at the same time, one succeeds.
pub async fn one_of_two_actions_wins<S: Store>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    for _ in 0..20 {
        let number = told(store, delivery(&webhook)).await;
        let act = || store.incident_act(number, IncidentAction::Acknowledge, actor_context(), second(1));
        let (one, two) = tokio::join!(act(), act());
        let won = [one, two]
            .into_iter()
            .filter(|acted| matches!(acted, Ok(Some(Ok(_)))))
            .count();
        assert_eq!(won, 1);
    }
}
