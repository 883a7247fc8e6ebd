//! Filters of the audit trail by name, kind and time.

use std::sync::Arc;
use std::time::Duration;

use hookgate_gate::{ActorMatch, AuditFilter, CLOCK_MARGIN, PageSize, PeopleStore, SubjectMatch};
use hookgate_people::{Actor, ActorKind, AuditAct, AuditEntry, AuditSubject, NewAudit, Role};

use crate::samples::{START, audit, audit_of, member, second, token};

async fn found<S: PeopleStore>(store: &Arc<S>, filter: &AuditFilter) -> Vec<AuditEntry> {
    store.audit_page(filter, None, PageSize::MAX).await.unwrap()
}

/// The seconds after the start of the acts that match.
async fn seconds<S: PeopleStore>(store: &Arc<S>, filter: AuditFilter) -> Vec<u64> {
    let entries = found(store, &filter).await.into_iter();
    entries.map(|entry| entry.at.since(START).as_secs()).collect()
}

/// One entry by each kind of actor, two of them with the same name, at the seconds 1 to 5.
async fn with_actors<S: PeopleStore>(store: &Arc<S>) {
    let named = |name: &str| Actor::CommandLine { user: name.into() };
    let ada = Actor::from(&member(1, Role::Admin));
    let same_name = named(ada.name());
    let actors = [
        ada,
        Actor::from(&token(None, 2)),
        named("root"),
        Actor::System,
        same_name,
    ];
    for (at, actor) in (1..).zip(actors) {
        let at = second(at);
        store
            .audit_insert(NewAudit { actor, at, ..audit() })
            .await
            .unwrap();
    }
}

/// Entries are found by the actor's name, of any kind or of one, and by the kind alone.
pub async fn entries_are_found_by_name_and_kind<S: PeopleStore>(store: &Arc<S>) {
    with_actors(store).await;
    let by = |actor| AuditFilter {
        actor: Some(actor),
        ..AuditFilter::default()
    };
    let ada = member(1, Role::Admin).name.to_string();
    let named = |kinds: &[ActorKind]| ActorMatch::Named(kinds.to_vec(), ada.clone());
    assert_eq!(seconds(store, by(named(&[]))).await, [5, 1]);
    assert_eq!(seconds(store, by(named(&[ActorKind::Member]))).await, [1]);
    assert_eq!(seconds(store, by(named(&[ActorKind::Token]))).await, [0; 0]);
    assert_eq!(
        seconds(store, by(ActorMatch::Kind(ActorKind::CommandLine))).await,
        [5, 3]
    );
    assert_eq!(seconds(store, by(ActorMatch::Kind(ActorKind::System))).await, [4]);
    let nobody = ActorMatch::Named(Vec::new(), ada.to_uppercase());
    assert_eq!(seconds(store, by(nobody)).await, [0; 0]);
    let both = AuditFilter {
        subject: Some(SubjectMatch::Named(audit().subject.name)),
        ..by(named(&[]))
    };
    assert_eq!(seconds(store, both).await, [5, 1]);
}

/// The actors of a kind are listed in order, each once, up to a limit.
pub async fn actors_are_named_once<S: PeopleStore>(store: &Arc<S>) {
    for name in ["zoe", "ada", "zoe", "bob"] {
        let actor = Actor::CommandLine { user: name.into() };
        store.audit_insert(NewAudit { actor, ..audit() }).await.unwrap();
    }
    let names = async |kind, most| {
        let known = store.audit_actors(kind, most).await.unwrap();
        assert!(known.iter().all(|actor| actor.kind == kind));
        known.into_iter().map(|actor| actor.name).collect::<Vec<_>>()
    };
    assert_eq!(names(ActorKind::CommandLine, 9).await, ["ada", "bob", "zoe"]);
    assert_eq!(names(ActorKind::CommandLine, 2).await, ["ada", "bob"]);
    assert!(names(ActorKind::Token, 9).await.is_empty());
}

/// The acts of a family are one list in the order of the trail, page by page, also for one subject.
pub async fn families_of_acts_are_one_list<S: PeopleStore>(store: &Arc<S>) {
    let acts = [
        AuditAct::WebhookRevoke,
        AuditAct::TokenCreate,
        AuditAct::WebhookCreate,
        AuditAct::WebhookEdit,
    ];
    for number in 0..8 {
        let act = acts[usize::from(number % 4 == 3) + usize::from(number % 2 == 0) * 2];
        store
            .audit_insert(audit_of(act, "w", second(number)))
            .await
            .unwrap();
    }
    store
        .audit_insert(audit_of(AuditAct::MemberAdd, "w", second(8)))
        .await
        .unwrap();
    let filter = AuditFilter {
        acts: Some("webhook".parse().unwrap()),
        ..AuditFilter::default()
    };
    let mut pages = Vec::new();
    let mut before = None;
    loop {
        let size = PageSize::new(2).unwrap();
        let page = store.audit_page(&filter, before, size).await.unwrap();
        let Some(last) = page.last() else { break };
        before = Some(last.id);
        pages.extend(page);
    }
    assert_eq!(pages, found(store, &filter).await);
    assert!(pages.iter().all(|entry| entry.act.family() == "webhook"));
    assert!(pages.is_sorted_by(|one, other| one.id > other.id));
    let with_subject = AuditFilter {
        subject: Some(SubjectMatch::Ids(vec!["v".into(), "w".into()])),
        ..filter
    };
    assert_eq!(found(store, &with_subject).await, pages);
    assert_eq!(pages.len(), 6);
}

/// Entries are found by the bounds of a time, also if clocks put them slightly out of order.
pub async fn entries_are_found_by_time<S: PeopleStore>(store: &Arc<S>) {
    let apart = CLOCK_MARGIN.as_secs() * 3;
    let at = |step: u64| START.after(Duration::from_secs(step * apart));
    for step in [0, 1, 2, 3, 4] {
        store
            .audit_insert(audit_of(AuditAct::WebhookEdit, "w", at(step)))
            .await
            .unwrap();
    }
    // The clock of another node is late.
    let late = at(4).before(CLOCK_MARGIN / 2);
    store
        .audit_insert(audit_of(AuditAct::WebhookEdit, "w", late))
        .await
        .unwrap();
    let between = |from, to| AuditFilter {
        from,
        to,
        ..AuditFilter::default()
    };
    let steps = async |filter: AuditFilter| {
        let found = seconds(store, filter).await;
        found.into_iter().map(|second| second / apart).collect::<Vec<_>>()
    };
    assert_eq!(steps(between(Some(at(1)), Some(at(3)))).await, [2, 1]);
    assert_eq!(steps(between(Some(at(4)), None)).await, [4]);
    assert_eq!(steps(between(Some(late), None)).await, [3, 4]);
    assert_eq!(steps(between(None, Some(at(4)))).await, [3, 3, 2, 1, 0]);
    assert_eq!(steps(between(None, Some(at(0)))).await, [0; 0]);
    assert_eq!(steps(between(Some(at(9)), None)).await, [0; 0]);
    let with_act = AuditFilter {
        acts: Some(AuditAct::WebhookEdit.into()),
        subject: Some(SubjectMatch::Ids(vec!["w".into()])),
        ..between(Some(at(1)), Some(at(2)))
    };
    assert_eq!(steps(with_act).await, [1]);
}

/// A subject is found by the name that it had at that time, and by its ID under any name.
pub async fn subjects_are_found_by_name<S: PeopleStore>(store: &Arc<S>) {
    let about = |id: &str, name: &str, at| NewAudit {
        subject: AuditSubject::new(id, name),
        at: second(at),
        ..audit()
    };
    for (id, name, at) in [("hk_1", "db", 1), ("hk_1", "database", 2), ("hk_2", "db", 3)] {
        store.audit_insert(about(id, name, at)).await.unwrap();
    }
    let of = |subject| AuditFilter {
        subject: Some(subject),
        ..AuditFilter::default()
    };
    assert_eq!(seconds(store, of(SubjectMatch::Named("db".into()))).await, [3, 1]);
    assert_eq!(
        seconds(store, of(SubjectMatch::Ids(vec!["hk_1".into()]))).await,
        [2, 1]
    );
    let both = SubjectMatch::Ids(vec!["hk_2".into(), "hk_1".into()]);
    assert_eq!(seconds(store, of(both)).await, [3, 2, 1]);
}
