//! Sessions, and the sign-in links that begin one.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use hookgate_gate::{MAX_SESSIONS, MemberChange, PageSize, PeopleStore, StoreError};
use hookgate_people::{
    AuditAct, Member, NewAudit, PasswordHash, Role, Session, SignInLink, SignInSecretDigest,
};

use super::members::{entries, with_member};
use crate::samples::{START, actor_context, audit, audit_of, member, second, session};

pub(super) fn link(member: &Member, seed: u8) -> SignInLink {
    SignInLink {
        digest: SignInSecretDigest::from_bytes([seed; 32]),
        member: member.id,
        created_at: second(seed.into()),
        made_by: None,
    }
}

/// A session comes back with its member and the time of its last use.
pub async fn a_session_comes_back<S: PeopleStore>(store: &Arc<S>) {
    let member = with_member(store, 1, Role::Viewer).await;
    let one = session(&member, 1);
    store
        .session_insert(one.clone(), member.clone(), audit())
        .await
        .unwrap();
    assert_eq!(
        store.session_by_digest(&one.digest).await.unwrap(),
        Some((one.clone(), member.clone()))
    );
    for at in [50, 40] {
        store.session_touch(one.id, second(at)).await.unwrap();
    }
    let touched = Session {
        last_seen_at: second(50),
        ..one
    };
    assert_eq!(
        store.session_by_id(touched.id).await.unwrap(),
        Some(touched.clone())
    );
    assert_eq!(store.sessions_for_member(member.id).await.unwrap(), [touched]);
    let unknown = session(&member, 2);
    assert_eq!(store.session_by_digest(&unknown.digest).await.unwrap(), None);
    assert_eq!(store.session_by_id(unknown.id).await.unwrap(), None);
}

/// A session ends once, with one entry.
pub async fn a_session_ends_once<S: PeopleStore>(store: &Arc<S>) {
    let member = with_member(store, 1, Role::Viewer).await;
    let one = session(&member, 1);
    store
        .session_insert(one.clone(), member.clone(), audit())
        .await
        .unwrap();
    let end = || {
        let entry = audit_of(AuditAct::SessionSignOut, "s", second(1));
        store.session_remove(one.id, entry)
    };
    assert!(end().await.unwrap());
    assert!(!end().await.unwrap());
    assert_eq!(store.session_by_digest(&one.digest).await.unwrap(), None);
    assert_eq!(entries(store, AuditAct::SessionSignOut).await, 1);
}

/// No session begins if the password was changed after it was checked, or if the member was removed.
pub async fn a_session_is_for_the_password_that_was_checked<S: PeopleStore>(store: &Arc<S>) {
    let checked = with_member(store, 1, Role::Viewer).await;
    let change = MemberChange::Password(PasswordHash::from_text("$new"), None);
    store
        .member_act(checked.id, change, actor_context(), second(1))
        .await
        .unwrap();
    for who in [checked, member(2, Role::Viewer)] {
        let entry = audit_of(AuditAct::SessionSignIn, "s", second(1));
        let late = store.session_insert(session(&who, 1), who, entry).await;
        assert!(matches!(late, Err(StoreError::Conflict)), "{late:?}");
    }
    assert_eq!(entries(store, AuditAct::SessionSignIn).await, 0);
}

/// One session too many ends the member's oldest, and none of another member.
pub async fn a_member_has_a_bounded_number_of_sessions<S: PeopleStore>(store: &Arc<S>) {
    let (one, other) = (
        with_member(store, 1, Role::Viewer).await,
        with_member(store, 2, Role::Viewer).await,
    );
    let most = u8::try_from(MAX_SESSIONS).unwrap();
    store
        .session_insert(session(&other, 255), other.clone(), audit())
        .await
        .unwrap();
    for seed in 1..=most + 1 {
        store
            .session_insert(session(&one, seed), one.clone(), audit())
            .await
            .unwrap();
    }
    let left = store.sessions_for_member(one.id).await.unwrap();
    assert_eq!(left.len(), usize::from(most));
    assert_eq!(left[0], session(&one, most + 1));
    assert_eq!(left.last(), Some(&session(&one, 2)));
    assert_eq!(store.sessions_for_member(other.id).await.unwrap().len(), 1);
}

/// Of concurrent uses of one link, one begins a session.
pub async fn a_link_works_once<S: PeopleStore>(store: &Arc<S>) {
    let member = with_member(store, 1, Role::Viewer).await;
    let link = link(&member, 1);
    store.sign_in_link_insert(link, None, audit()).await.unwrap();
    assert_eq!(
        store.sign_in_link_by_digest(&link.digest).await.unwrap(),
        Some((link, member.clone()))
    );
    let mut tasks = tokio::task::JoinSet::new();
    for seed in 1..=20 {
        let (store, session) = (Arc::clone(store), session(&member, seed));
        let entry = audit_of(AuditAct::SessionSignIn, "s", second(1));
        tasks.spawn(async move { store.sign_in_link_use(link.digest, session, entry).await.unwrap() });
    }
    let won = tasks.join_all().await.into_iter().filter(|won| *won).count();
    assert_eq!(won, 1);
    assert_eq!(store.sessions_for_member(member.id).await.unwrap().len(), 1);
    assert_eq!(entries(store, AuditAct::SessionSignIn).await, 1);
    assert_eq!(store.sign_in_link_by_digest(&link.digest).await.unwrap(), None);
}

/// A member has one link: a new one replaces it.
pub async fn another_link_takes_the_place_of_the_first<S: PeopleStore>(store: &Arc<S>) {
    let member = with_member(store, 1, Role::Viewer).await;
    let (first, second_one) = (link(&member, 1), link(&member, 2));
    for link in [first, second_one] {
        store.sign_in_link_insert(link, None, audit()).await.unwrap();
    }
    assert_eq!(store.sign_in_link_by_digest(&first.digest).await.unwrap(), None);
    let used = store.sign_in_link_use(first.digest, session(&member, 1), audit());
    assert!(!used.await.unwrap());
    let found = store.sign_in_link_by_digest(&second_one.digest).await.unwrap();
    assert_eq!(found, Some((second_one, member)));
}

/// Of concurrent attempts to create the first owner, one succeeds.
pub async fn the_first_owner_is_made_once<S: PeopleStore>(store: &Arc<S>) {
    let mut tasks = tokio::task::JoinSet::new();
    for seed in 1..=8 {
        let store = Arc::clone(store);
        tasks.spawn(async move {
            let owner = member(seed, Role::Owner);
            let made = store.sign_in_link_insert(link(&owner, seed), Some(owner), audit());
            match made.await {
                Ok(()) => true,
                Err(StoreError::Conflict) => false,
                Err(error) => panic!("{error}"),
            }
        });
    }
    let won = tasks.join_all().await.into_iter().filter(|won| *won).count();
    assert_eq!(won, 1);
    assert_eq!(store.member_page(None, PageSize::MAX).await.unwrap().len(), 1);
}

/// A link for a removed member is not stored.
pub async fn a_link_of_nobody_is_a_conflict<S: PeopleStore>(store: &Arc<S>) {
    let link = link(&member(1, Role::Viewer), 1);
    let stored = store.sign_in_link_insert(link, None, audit()).await;
    assert!(matches!(stored, Err(StoreError::Conflict)), "{stored:?}");
    assert_eq!(store.sign_in_link_by_digest(&link.digest).await.unwrap(), None);
}

/// Failed sign-ins are reported to the session that began after them, and so are later ones until the next session
/// begins. Those of other members and of unknown names are not among them.
pub async fn a_member_is_told_of_failed_sign_ins<S: PeopleStore>(store: &Arc<S>) {
    let (one, other) = (
        with_member(store, 1, Role::Viewer).await,
        with_member(store, 2, Role::Viewer).await,
    );
    let fail = async |id: &str, host: u8| {
        let entry = NewAudit {
            from: Some(Ipv4Addr::new(192, 0, 2, host).into()),
            ..audit_of(AuditAct::SessionSignInFailed, id, second(host.into()))
        };
        store.audit_insert(entry).await.unwrap();
    };
    let begin = async |member: &Member, seed: u8| {
        let begun = session(member, seed);
        let (insert, entry) = (begun.clone(), audit());
        store.session_insert(insert, member.clone(), entry).await.unwrap();
        begun
    };
    let told = async |session: &Session| {
        let failed = store.failed_sign_ins(session.member, session.id).await.unwrap();
        failed.map(|failed| {
            let last = Ipv4Addr::new(
                192,
                0,
                2,
                u8::try_from(failed.last_at.since(START).as_secs()).unwrap(),
            );
            assert_eq!(failed.last_from, IpAddr::from(last));
            (failed.count, last.octets()[3])
        })
    };
    let id = one.id.to_string();
    let first = begin(&one, 1).await;
    assert_eq!(told(&first).await, None);
    for host in [2, 4, 3] {
        fail(&id, host).await;
    }
    fail("", 5).await;
    fail(&member(9, Role::Viewer).id.to_string(), 5).await;
    assert_eq!(told(&first).await, Some((3, 3)));
    let next = begin(&one, 6).await;
    assert_eq!(told(&next).await, Some((3, 3)));
    assert_eq!(told(&first).await, None);
    fail(&id, 7).await;
    assert_eq!(
        (told(&next).await, told(&first).await),
        (Some((4, 7)), Some((1, 7)))
    );
    let third = begin(&one, 8).await;
    assert_eq!((told(&third).await, told(&next).await), (Some((1, 7)), None));
    assert_eq!(told(&begin(&one, 9).await).await, None);
    assert_eq!(told(&begin(&other, 10).await).await, None);
    fail(&id, 11).await;
    let removed = store
        .member_act(one.id, MemberChange::Remove, actor_context(), second(12))
        .await;
    removed.unwrap().unwrap().unwrap();
    assert_eq!(told(&third).await, None);
}
