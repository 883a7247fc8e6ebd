//! The audit trail: acts with and without an entry, and filters.

use std::sync::Arc;
use std::time::Duration;

use hookgate_domain::Policy;
use hookgate_domain::idempotency::{IdempotencyKey, PayloadDigest};
use hookgate_gate::{
    AUDIT_DAYS, AUDIT_FAILED_DAYS, ActorMatch, AuditFilter, IncidentAction, PageSize, PeopleStore, Retention,
    Store, StoreError, SubjectMatch,
};
use hookgate_people::{
    Actor, AuditAct, AuditEntry, AuditRequest, NewAudit, Role, SESSION_IDLE, SignInLink, SignInSecretDigest,
};

use super::members::with_member;
use super::{told, with_webhook};
use crate::samples::{
    START, actor_context, audit, audit_of, delivery, member, name, second, session, token, webhook,
};

/// The whole trail, oldest first.
async fn trail<S: PeopleStore>(store: &Arc<S>) -> Vec<AuditEntry> {
    let all = AuditFilter::default();
    let mut entries = store.audit_page(&all, None, PageSize::MAX).await.unwrap();
    entries.reverse();
    entries
}

async fn acts<S: PeopleStore>(store: &Arc<S>) -> Vec<AuditAct> {
    trail(store).await.iter().map(|entry| entry.act).collect()
}

/// A webhook is stored and replaced together with its entry, which comes back as it was.
pub async fn a_change_of_a_webhook_has_its_entry<S: Store + PeopleStore>(store: &Arc<S>) {
    let created = NewAudit {
        from: Some("2001:db8::7".parse().unwrap()),
        before: Some(r#"{"a":1}"#.into()),
        after: Some(r#"{"a":2}"#.into()),
        ..audit_of(AuditAct::WebhookCreate, "hk_1", second(1))
    };
    let edited = NewAudit {
        from: Some("192.0.2.7".parse().unwrap()),
        ..audit_of(AuditAct::WebhookEdit, "hk_1", second(2))
    };
    store.webhook_insert(webhook(1), created.clone()).await.unwrap();
    let change = webhook(1).edit(name("edited"), Policy::default()).unwrap();
    store.webhook_replace(change, None, edited.clone()).await.unwrap();
    let trail = trail(store).await;
    let expected: Vec<_> = [created, edited]
        .into_iter()
        .zip(&trail)
        .map(|(entry, stored)| entry.numbered(stored.id))
        .collect();
    assert_eq!(trail, expected);
    assert!(trail[0].id < trail[1].id);
}

/// An actor's request is stored once; a repetition changes nothing. It is found by its key, and comes back as it was.
pub async fn a_request_is_stored_once<S: Store + PeopleStore>(store: &Arc<S>) {
    let key = |text: &str| IdempotencyKey::parse(text.as_bytes()).unwrap();
    let by = |seed: u8, text: &str| NewAudit {
        actor: Actor::from(&token(None, seed)),
        request: Some(AuditRequest {
            key: key(text),
            digest: PayloadDigest::of(b"{}"),
        }),
        ..audit()
    };
    for seed in [1, 2] {
        store.token_insert(token(None, seed), audit()).await.unwrap();
    }
    store.webhook_insert(webhook(1), by(1, "a")).await.unwrap();
    let again = store.webhook_insert(webhook(2), by(1, "a")).await;
    assert!(matches!(again, Err(StoreError::Conflict)), "{again:?}");
    assert_eq!(store.webhook_by_handle(webhook(2).handle).await.unwrap(), None);
    let again = store.token_insert(token(None, 3), by(1, "a")).await;
    assert!(matches!(again, Err(StoreError::Conflict)), "{again:?}");
    let again = store.member_insert(member(4, Role::Viewer), by(1, "a")).await;
    assert!(matches!(again, Err(StoreError::Conflict)), "{again:?}");
    store.webhook_insert(webhook(2), by(1, "b")).await.unwrap();
    store.webhook_insert(webhook(3), by(2, "a")).await.unwrap();
    let filter = AuditFilter {
        actor: by(1, "a").actor.id().map(ActorMatch::Id),
        request: Some(key("a")),
        ..AuditFilter::default()
    };
    let found = store.audit_page(&filter, None, PageSize::MAX).await.unwrap();
    assert_eq!(found, [by(1, "a").numbered(found[0].id)]);
}

/// A change that was refused or that lost a race has no entry.
pub async fn what_changes_nothing_has_no_entry<S: Store + PeopleStore>(store: &Arc<S>) {
    store
        .webhook_insert(webhook(1), audit_of(AuditAct::WebhookCreate, "w", START))
        .await
        .unwrap();
    assert!(store.webhook_insert(webhook(1), audit()).await.is_err());
    assert!(store.webhook_replace(webhook(1), None, audit()).await.is_err());
    assert_eq!(acts(store).await, [AuditAct::WebhookCreate]);
}

/// An action on an incident has an entry with its actor, and the status before and after; a refused one has none.
pub async fn an_incident_has_its_entry<S: Store + PeopleStore>(store: &Arc<S>) {
    let webhook = with_webhook(store, 1).await;
    let number = told(store, delivery(&webhook)).await;
    for _ in 0..2 {
        store
            .incident_act(number, IncidentAction::Resolve, actor_context(), second(3))
            .await
            .unwrap()
            .unwrap()
            .ok();
    }
    let filter = AuditFilter {
        acts: Some(AuditAct::IncidentResolve.into()),
        ..AuditFilter::default()
    };
    let entries = store.audit_page(&filter, None, PageSize::MAX).await.unwrap();
    assert_eq!(entries.len(), 1);
    assert_eq!(
        (&entries[0].actor, entries[0].at),
        (&actor_context().identity, second(3))
    );
    assert_eq!(entries[0].subject.id, number.to_string());
    assert_eq!(entries[0].before.as_deref(), Some(r#"{"status":"open"}"#));
    assert_eq!(entries[0].after.as_deref(), Some(r#"{"status":"resolved"}"#));
}

/// Pages go back by number, and filters find act, subject and actor.
pub async fn entries_are_found_and_paged<S: PeopleStore>(store: &Arc<S>) {
    let ada = member(1, Role::Admin);
    for number in 0..6 {
        let act = if number % 2 == 0 {
            AuditAct::WebhookEdit
        } else {
            AuditAct::TokenCreate
        };
        let subject = if number < 3 { "a" } else { "b" };
        let mut entry = audit_of(act, subject, second(number));
        if number == 5 {
            entry.actor = Actor::from(&ada);
        }
        store.audit_insert(entry).await.unwrap();
    }
    let times = |entries: Vec<AuditEntry>| -> Vec<_> {
        entries
            .into_iter()
            .map(|entry| entry.at.since(START).as_secs())
            .collect()
    };
    let (all, size) = (AuditFilter::default(), PageSize::new(4).unwrap());
    let first = store.audit_page(&all, None, size).await.unwrap();
    let before = first.last().map(|entry| entry.id);
    assert_eq!(times(first), [5, 4, 3, 2]);
    assert_eq!(times(store.audit_page(&all, before, size).await.unwrap()), [1, 0]);
    let filter = AuditFilter {
        acts: Some(AuditAct::WebhookEdit.into()),
        subject: Some(SubjectMatch::Ids(vec!["a".into()])),
        ..AuditFilter::default()
    };
    assert_eq!(
        times(store.audit_page(&filter, None, size).await.unwrap()),
        [2, 0]
    );
    let filter = AuditFilter {
        actor: Some(ActorMatch::Id(ada.id.to_string())),
        ..AuditFilter::default()
    };
    assert_eq!(times(store.audit_page(&filter, None, size).await.unwrap()), [5]);
}

/// Every kind of actor comes back as it was stored.
pub async fn every_actor_comes_back<S: PeopleStore>(store: &Arc<S>) {
    let actors = [
        Actor::from(&member(1, Role::Admin)),
        Actor::from(&token(None, 1)),
        Actor::CommandLine { user: "Zoë".into() },
        Actor::System,
    ];
    for actor in actors.clone() {
        let entry = NewAudit { actor, ..audit() };
        store.audit_insert(entry).await.unwrap();
    }
    let stored: Vec<_> = trail(store).await.into_iter().map(|entry| entry.actor).collect();
    assert_eq!(stored, actors);
}

/// Sessions and links are removed once they have expired, failed sign-ins when they are old, and other entries much
/// later.
pub async fn what_is_over_goes<S: Store + PeopleStore>(store: &Arc<S>) {
    let member = with_member(store, 1, Role::Owner).await;
    let link = SignInLink {
        digest: SignInSecretDigest::from_bytes([1; 32]),
        member: member.id,
        created_at: START,
        made_by: None,
    };
    store.sign_in_link_insert(link, None, audit()).await.unwrap();
    for seed in [0, 200] {
        store
            .session_insert(session(&member, seed), member.clone(), audit())
            .await
            .unwrap();
    }
    let failed = audit_of(AuditAct::SessionSignInFailed, "", START);
    store.audit_insert(failed).await.unwrap();
    let count = trail(store).await.len();
    let days = |days: u64| second(300).after(Duration::from_secs(days * 24 * 60 * 60));
    let prune = async |now| {
        while store
            .history_prune(Retention::default(), now)
            .await
            .unwrap()
            .people
            > 0
        {}
    };
    prune(second(100)).await;
    assert_eq!(store.sessions_for_member(member.id).await.unwrap().len(), 2);
    prune(second(0).after(SESSION_IDLE)).await;
    assert_eq!(
        store.sessions_for_member(member.id).await.unwrap(),
        [session(&member, 200)]
    );
    assert_eq!(store.sign_in_link_by_digest(&link.digest).await.unwrap(), None);
    assert_eq!(trail(store).await.len(), count);
    prune(days(AUDIT_FAILED_DAYS)).await;
    assert_eq!(trail(store).await.len(), count - 1);
    prune(days(AUDIT_DAYS)).await;
    assert_eq!(trail(store).await.len(), 0);
    // Numbers continue; none is used twice.
    store.audit_insert(audit()).await.unwrap();
    assert_eq!(trail(store).await[0].id, i64::try_from(count).unwrap() + 1);
}

/// Failed sign-ins of one hour, subject and network share an entry that counts them, so that strangers can't fill the
/// trail.
pub async fn failed_sign_ins_share_an_entry<S: Store + PeopleStore>(store: &Arc<S>) {
    let failed = |subject: &str, from: &str, hour: i64| NewAudit {
        from: Some(from.parse().unwrap()),
        ..audit_of(AuditAct::SessionSignInFailed, subject, second(3_600 * hour))
    };
    for (subject, from, hour) in [
        ("", "2001:db8::1", 0),
        ("", "2001:db8:0:ffff::7", 0),
        ("", "203.0.113.7", 0),
        ("mem_1", "203.0.113.7", 0),
        ("", "203.0.113.7", 0),
        ("", "203.0.113.7", 1),
        ("", "2001:db8:0:7::", 0),
    ] {
        store.audit_insert(failed(subject, from, hour)).await.unwrap();
    }
    let entries = trail(store).await;
    let told: Vec<_> = entries.iter().map(|entry| entry.after.as_deref()).collect();
    assert_eq!(
        told,
        [Some(r#"{"attempts":3}"#), Some(r#"{"attempts":2}"#), None, None]
    );
}
