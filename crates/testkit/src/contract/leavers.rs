//! Removed members: the URLs that they know, and marks on these URLs, which must not disturb a delivery.

use std::sync::Arc;

use hookgate_domain::policy::SealedSecret;
use hookgate_domain::rotation::RotationAge;
use hookgate_domain::webhook::Leaver;
use hookgate_domain::{Policy, Webhook};
use hookgate_gate::{Commit, KnownWebhook, MemberChange, PeopleStore, Store};
use hookgate_people::{Actor, AuditAct, Member, NewAudit, Role};

use super::members::with_member;
use crate::samples::{actor_context, audit, audit_of, delivery, name, second, token, webhook, webhook_id};

/// An entry by this actor.
fn by(actor: &Actor, act: AuditAct) -> NewAudit {
    NewAudit {
        actor: actor.clone(),
        ..audit_of(act, "w", second(1))
    }
}

async fn read<S: Store>(store: &Arc<S>, webhook: &Webhook) -> Webhook {
    store.webhook_by_handle(webhook.handle).await.unwrap().unwrap()
}

async fn regenerate<S: Store>(store: &Arc<S>, seed: u16, id: u64, actor: &Actor) {
    let change = read(store, &webhook(seed)).await;
    let change = change.regenerate(&webhook_id(id).unwrap(), second(2)).unwrap();
    let entry = by(actor, AuditAct::WebhookRegenerate);
    store
        .webhook_replace(change.webhook, Some(change.retired), entry)
        .await
        .unwrap();
}

async fn remove<S: PeopleStore>(store: &Arc<S>, member: &Member) {
    let removed = store.member_act(member.id, MemberChange::Remove, actor_context(), second(9));
    removed.await.unwrap().unwrap().unwrap();
}

/// An owner who stays, and Mallory, who created webhook 1, regenerated 2 by a token, and was shown the signing secret
/// of 3. Webhook 4 is the owner's, 5 was Mallory's until the owner regenerated it, 6 is Mallory's and revoked.
async fn with_mallory<S: Store + PeopleStore>(store: &Arc<S>) -> Member {
    let owner = Actor::from(&with_member(store, 1, Role::Owner).await);
    let mallory = with_member(store, 2, Role::Admin).await;
    let hers = Actor::from(&mallory);
    let token = token(Some(&mallory), 7);
    store.token_insert(token.clone(), audit()).await.unwrap();
    for (seed, actor) in [
        (1, &hers),
        (2, &owner),
        (3, &owner),
        (4, &owner),
        (5, &hers),
        (6, &hers),
    ] {
        store
            .webhook_insert(webhook(seed), by(actor, AuditAct::WebhookCreate))
            .await
            .unwrap();
    }
    regenerate(store, 2, 102, &Actor::from(&token)).await;
    let policy = Policy {
        signing_secret: Some(SealedSecret::from_bytes(vec![1])),
        ..Policy::default()
    };
    let signed = webhook(3).edit(name("signed"), policy).unwrap();
    store
        .webhook_replace(signed, None, by(&hers, AuditAct::WebhookEdit))
        .await
        .unwrap();
    regenerate(store, 5, 105, &owner).await;
    let revoked = webhook(6).revoke(second(3)).unwrap();
    store
        .webhook_replace(
            revoked.webhook,
            Some(revoked.retired),
            by(&owner, AuditAct::WebhookRevoke),
        )
        .await
        .unwrap();
    mallory
}

/// A member knows the living URLs and signing secrets that were shown to it or to its tokens.
pub async fn a_member_knows_what_it_was_shown<S: Store + PeopleStore>(store: &Arc<S>) {
    let mallory = with_mallory(store).await;
    let known = store.known_webhooks(mallory.id, 9).await.unwrap();
    let shown: Vec<_> = known
        .webhooks
        .iter()
        .map(|webhook: &KnownWebhook| (webhook.handle, webhook.url, webhook.signing_secret))
        .collect();
    let handle = |seed| webhook(seed).handle;
    assert_eq!(
        shown,
        [
            (handle(1), true, false),
            (handle(2), true, false),
            (handle(3), false, true)
        ]
    );
    assert_eq!((known.count, known.others_unknown), (3, false));
    let first = store.known_webhooks(mallory.id, 1).await.unwrap();
    assert_eq!((first.webhooks.len(), first.count), (1, 3));
    remove(store, &mallory).await;
    assert_eq!(store.known_webhooks(mallory.id, 9).await.unwrap(), known);
}

/// A removal marks these webhooks and changes nothing else: a delivery that was judged before is still accepted.
pub async fn a_removal_marks_urls_and_disturbs_no_delivery<S: Store + PeopleStore>(store: &Arc<S>) {
    let mallory = with_mallory(store).await;
    let judged = read(store, &webhook(1)).await;
    remove(store, &mallory).await;
    let leaver = Some(Leaver {
        name: mallory.name.to_string(),
        since: second(9),
    });
    for seed in 1..=6 {
        let is_known = seed <= 3;
        let expected = leaver.clone().filter(|_| is_known);
        assert_eq!(read(store, &webhook(seed)).await.leaver, expected, "{seed}");
    }
    let marked = read(store, &judged).await;
    assert_eq!(marked.revision, judged.revision);
    assert_eq!(
        marked.rotation_age(second(9)),
        RotationAge::KnownToLeaver { since: second(9) }
    );
    let commit = store.delivery_commit(delivery(&judged)).await.unwrap();
    assert!(matches!(commit, Commit::Stored(_)), "{commit:?}");
}

/// The mark stays when the webhook is changed, also by a change of a copy that was read before. A new URL clears it.
pub async fn a_new_url_clears_the_mark<S: Store + PeopleStore>(store: &Arc<S>) {
    let mallory = with_mallory(store).await;
    let before = read(store, &webhook(1)).await;
    remove(store, &mallory).await;
    let edited = before.edit(name("edited"), Policy::default()).unwrap();
    store
        .webhook_replace(edited, None, audit_of(AuditAct::WebhookEdit, "w", second(10)))
        .await
        .unwrap();
    let marked = read(store, &webhook(1)).await;
    assert!(marked.leaver.is_some() && marked.name == name("edited"));
    regenerate(store, 1, 101, &actor_context().identity).await;
    let fresh = read(store, &webhook(1)).await;
    assert_eq!(fresh.leaver, None);
    assert_eq!(store.known_webhooks(mallory.id, 9).await.unwrap().count, 2);
}
