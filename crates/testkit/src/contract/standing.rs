//! Actors who lost the right to act after they were authenticated: each change is refused when it would be stored.

use std::sync::Arc;

use hookgate_domain::address_set::AddressSet;
use hookgate_domain::{IncidentNumber, Webhook};
use hookgate_gate::{
    ActorContext, ActorError, AuditFilter, IncidentAction, MemberChange, PageSize, PeopleStore, Store,
    StoreError,
};
use hookgate_people::{Actor, AuditAct, AuditEntry, Member, NewAudit, Role, Session, Token};

use super::addresses::{changed, with_set};
use super::members::with_member;
use super::sessions::link;
use super::{told, with_webhook};
use crate::samples::{
    SOURCE, actor_context, audit, audit_of, delivery, member, second, session, token, webhook, webhook_id,
};

/// Second at which the actor acts.
const LATER: i64 = 60;
/// Number of times that two changes are tried at the same time.
const RACES: u8 = 20;

/// Subjects of the changes, beside the actor.
struct Things {
    webhook: Webhook,
    set: AddressSet,
    incident: IncidentNumber,
    viewer: Member,
    signed_in: Session,
    token: Token,
}

async fn things<S: Store + PeopleStore>(store: &Arc<S>) -> Things {
    let webhook = with_webhook(store, 1).await;
    let incident = told(store, delivery(&webhook)).await;
    let viewer = with_member(store, 20, Role::Viewer).await;
    let signed_in = session(&viewer, 21);
    store
        .session_insert(signed_in.clone(), viewer.clone(), audit())
        .await
        .unwrap();
    let token = token(None, 22);
    store.token_insert(token.clone(), audit()).await.unwrap();
    Things {
        set: with_set(store, "office", "192.0.2.0/24").await,
        webhook,
        incident,
        viewer,
        signed_in,
        token,
    }
}

/// Tries each change that an actor can make. The last ones remove subjects of the earlier ones.
async fn all_changes<S: Store + PeopleStore>(
    store: &Arc<S>,
    things: &Things,
    actor: &ActorContext,
) -> Vec<Result<(), StoreError>> {
    let now = second(LATER);
    let note = |act| NewAudit {
        actor: actor.identity.clone(),
        session: actor.session,
        ..audit_of(act, "subject", now)
    };
    let change = things
        .webhook
        .clone()
        .regenerate(&webhook_id(900).unwrap(), now)
        .unwrap();
    let (set, version) = changed(&things.set, "198.51.100.0/24");
    let role = MemberChange::Role {
        to: Role::Operator,
        from: None,
    };
    vec![
        store
            .webhook_insert(webhook(2), note(AuditAct::WebhookCreate))
            .await,
        store
            .webhook_replace(
                change.webhook,
                Some(change.retired),
                note(AuditAct::WebhookRegenerate),
            )
            .await,
        store
            .address_set_write(set.clone(), version, Some(note(AuditAct::AddressSetEdit)))
            .await,
        store
            .address_set_remove(set, note(AuditAct::AddressSetRemove))
            .await
            .map(drop),
        store
            .incident_act(things.incident, IncidentAction::Acknowledge, actor.clone(), now)
            .await
            .map(drop),
        store
            .member_insert(member(30, Role::Viewer), note(AuditAct::MemberAdd))
            .await,
        store
            .member_act(things.viewer.id, role, actor.clone(), now)
            .await
            .map(drop),
        store
            .sign_in_link_insert(link(&things.viewer, 31), None, note(AuditAct::SignInLinkCreate))
            .await,
        store
            .token_insert(token(None, 32), note(AuditAct::TokenCreate))
            .await,
        store
            .token_revoke(things.token.id, note(AuditAct::TokenRevoke))
            .await
            .map(drop),
        store
            .session_remove(things.signed_in.id, note(AuditAct::SessionSignOut))
            .await
            .map(drop),
        store
            .member_act(things.viewer.id, MemberChange::Remove, actor.clone(), now)
            .await
            .map(drop),
    ]
}

/// The newest page of the audit trail, which has every change.
async fn trail<S: PeopleStore>(store: &Arc<S>) -> Vec<AuditEntry> {
    store
        .audit_page(&AuditFilter::default(), None, PageSize::MAX)
        .await
        .unwrap()
}

/// Tries each change by an actor and expects this error.
async fn refuses_all<S: Store + PeopleStore>(
    store: &Arc<S>,
    things: &Things,
    actor: &ActorContext,
    expected: ActorError,
) {
    let before = trail(store).await;
    for (number, changed) in all_changes(store, things, actor).await.into_iter().enumerate() {
        let is_refused = matches!(changed, Err(StoreError::Actor(error)) if error == expected);
        assert!(is_refused, "{number}: {changed:?}");
    }
    assert_eq!(trail(store).await, before);
    let kept = store.webhook_by_handle(things.webhook.handle).await.unwrap();
    assert_eq!(kept.as_ref(), Some(&things.webhook));
    assert_eq!(store.webhook_by_handle(webhook(2).handle).await.unwrap(), None);
    let viewer = store.member_by_id(things.viewer.id).await.unwrap();
    assert_eq!(viewer.as_ref(), Some(&things.viewer));
    assert_eq!(
        store.member_by_id(member(30, Role::Viewer).id).await.unwrap(),
        None
    );
    let sets = store.address_sets().await.unwrap();
    assert_eq!(sets, std::slice::from_ref(&things.set));
    let tokens = store.token_page(None, PageSize::MAX).await.unwrap();
    assert!(tokens.contains(&things.token) && !tokens.iter().any(|one| one.id == token(None, 32).id));
    assert!(store.session_by_id(things.signed_in.id).await.unwrap().is_some());
}

/// A signed-in admin with session and context.
async fn signed_in<S: PeopleStore>(store: &Arc<S>) -> (Member, Session, ActorContext) {
    with_member(store, 1, Role::Owner).await;
    let admin = with_member(store, 2, Role::Admin).await;
    let session = session(&admin, 3);
    store
        .session_insert(session.clone(), admin.clone(), audit())
        .await
        .unwrap();
    let actor = ActorContext::remote(&admin, SOURCE).in_session(session.id);
    (admin, session, actor)
}

async fn act<S: PeopleStore>(store: &Arc<S>, member: &Member, change: MemberChange) {
    let acted = store
        .member_act(member.id, change, actor_context(), second(LATER - 1))
        .await;
    acted.unwrap().unwrap().unwrap();
}

/// An actor with a living session, a living token or the command line can make every change.
pub async fn an_actor_who_may_changes_everything<S: Store + PeopleStore>(store: &Arc<S>) {
    let (_, _, actor) = signed_in(store).await;
    let things = things(store).await;
    for (number, changed) in all_changes(store, &things, &actor).await.into_iter().enumerate() {
        assert!(changed.is_ok(), "{number}: {changed:?}");
    }
    let free = token(None, 40);
    store.token_insert(free.clone(), audit()).await.unwrap();
    let entry = NewAudit {
        actor: Actor::from(&free),
        ..audit_of(AuditAct::WebhookCreate, "w", second(LATER))
    };
    store.webhook_insert(webhook(3), entry).await.unwrap();
}

/// A removed member can't change anything, in a session or without one.
pub async fn a_removed_member_changes_nothing<S: Store + PeopleStore>(store: &Arc<S>) {
    let (admin, _, actor) = signed_in(store).await;
    let things = things(store).await;
    act(store, &admin, MemberChange::Remove).await;
    refuses_all(store, &things, &actor, ActorError::Ended).await;
    refuses_all(
        store,
        &things,
        &ActorContext::remote(&admin, SOURCE),
        ActorError::Ended,
    )
    .await;
}

/// A session that has expired or was ended can't change anything.
pub async fn an_ended_session_changes_nothing<S: Store + PeopleStore>(store: &Arc<S>) {
    let (_, session, actor) = signed_in(store).await;
    let things = things(store).await;
    let ended = store.session_remove(session.id, audit_of(AuditAct::SessionSignOut, "s", second(4)));
    assert!(ended.await.unwrap());
    refuses_all(store, &things, &actor, ActorError::Ended).await;
}

/// An actor whose role was lowered meanwhile can't change anything, not even within the lower role.
pub async fn a_lowered_role_changes_nothing<S: Store + PeopleStore>(store: &Arc<S>) {
    let (admin, _, actor) = signed_in(store).await;
    let things = things(store).await;
    let lower = MemberChange::Role {
        to: Role::Operator,
        from: None,
    };
    act(store, &admin, lower).await;
    refuses_all(store, &things, &actor, ActorError::RoleLowered).await;
}

/// A revoked or expired token can't change anything.
pub async fn a_dead_token_changes_nothing<S: Store + PeopleStore>(store: &Arc<S>) {
    let revoked = token(None, 4);
    let expired = Token {
        expires_at: Some(second(LATER)),
        ..token(None, 5)
    };
    for token in [&revoked, &expired] {
        store.token_insert(token.clone(), audit()).await.unwrap();
    }
    let things = things(store).await;
    let entry = audit_of(AuditAct::TokenRevoke, "t", second(6));
    store
        .token_revoke(revoked.id, entry)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    for token in [&revoked, &expired] {
        let actor = ActorContext::remote(token, SOURCE);
        refuses_all(store, &things, &actor, ActorError::Ended).await;
    }
}

/// A token acts with the role of its owner at most, and not at all without the owner.
pub async fn a_token_dies_with_its_owner<S: Store + PeopleStore>(store: &Arc<S>) {
    let (admin, _, _) = signed_in(store).await;
    let theirs = token(Some(&admin), 6);
    store.token_insert(theirs.clone(), audit()).await.unwrap();
    let things = things(store).await;
    let actor = ActorContext::remote(&theirs, SOURCE);
    let lower = MemberChange::Role {
        to: Role::Viewer,
        from: None,
    };
    act(store, &admin, lower).await;
    refuses_all(store, &things, &actor, ActorError::RoleLowered).await;
    act(store, &admin, MemberChange::Remove).await;
    refuses_all(store, &things, &actor, ActorError::Ended).await;
}

/// If a member regenerates a URL while being removed, it is refused, or the URL is marked as known to a leaver.
pub async fn a_removal_misses_no_url<S: Store + PeopleStore>(store: &Arc<S>) {
    with_member(store, 1, Role::Owner).await;
    for race in 0..RACES {
        let leaver = with_member(store, 50 + race, Role::Admin).await;
        let made = with_webhook(store, u16::from(race) + 1).await;
        let id = webhook_id(u64::from(race) + 500).unwrap();
        let change = made.clone().regenerate(&id, second(LATER)).unwrap();
        let entry = NewAudit {
            actor: Actor::from(&leaver),
            ..audit_of(AuditAct::WebhookRegenerate, "w", second(LATER))
        };
        let (regenerated, removed) = tokio::join!(
            store.webhook_replace(change.webhook, Some(change.retired), entry),
            store.member_act(leaver.id, MemberChange::Remove, actor_context(), second(LATER)),
        );
        removed.unwrap().unwrap().unwrap();
        let is_shown = match regenerated {
            Ok(()) => true,
            Err(StoreError::Actor(ActorError::Ended)) => false,
            Err(other) => panic!("{other:?}"),
        };
        let now = store.webhook_by_handle(made.handle).await.unwrap().unwrap();
        assert_eq!(now.leaver.is_some(), is_shown, "{race}");
    }
}
