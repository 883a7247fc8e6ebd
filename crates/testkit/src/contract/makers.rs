//! Makers of sign-in links: a link and its session end when their maker loses the right to make them.

use std::sync::Arc;

use hookgate_gate::{MemberChange, PeopleStore, StoreError};
use hookgate_people::{
    Actor, AuditAct, LinkMaker, Member, NewAudit, PasswordHash, Role, Session, SessionId, SignInLink,
    SignInMeans,
};

use super::members::with_member;
use super::sessions::link;
use crate::samples::{actor_context, audit, audit_of, second, session};

/// Number of times that a link is used while its maker is removed.
const RACES: u8 = 20;

fn maker(member: &Member, session: Option<SessionId>) -> LinkMaker {
    LinkMaker {
        member: member.id,
        session,
    }
}

/// Stores a link by this maker for this member.
async fn with_link<S: PeopleStore>(
    store: &Arc<S>,
    member: &Member,
    seed: u8,
    made_by: impl Into<Option<LinkMaker>>,
) -> SignInLink {
    let link = SignInLink {
        made_by: made_by.into(),
        ..link(member, seed)
    };
    store.sign_in_link_insert(link, None, audit()).await.unwrap();
    link
}

/// Stores a link by this maker, and a session that it began.
async fn begun<S: PeopleStore>(
    store: &Arc<S>,
    member: &Member,
    seed: u8,
    made_by: impl Into<Option<LinkMaker>>,
) -> Session {
    let made_by = made_by.into();
    let link = with_link(store, member, seed, made_by).await;
    let session = by_link(member, seed, made_by);
    let used = store.sign_in_link_use(link.digest, session.clone(), audit());
    assert!(used.await.unwrap());
    session
}

fn by_link(member: &Member, seed: u8, made_by: Option<LinkMaker>) -> Session {
    Session {
        means: SignInMeans::Link,
        made_by,
        ..session(member, seed)
    }
}

async fn act<S: PeopleStore>(store: &Arc<S>, member: &Member, change: MemberChange) {
    let acted = store
        .member_act(member.id, change, actor_context(), second(99))
        .await;
    acted.unwrap().unwrap().unwrap();
}

fn role(to: Role) -> MemberChange {
    MemberChange::Role { to, from: None }
}

/// Two flags: the link is still there, and the session is.
async fn left<S: PeopleStore>(store: &Arc<S>, link: &SignInLink, session: &Session) -> (bool, bool) {
    let link = store.sign_in_link_by_digest(&link.digest).await.unwrap();
    let session = store.session_by_digest(&session.digest).await.unwrap();
    (link.is_some(), session.is_some())
}

/// An owner, an admin, and a viewer with two links by one of them: a used one and an unused one.
async fn with_guest<S: PeopleStore>(
    store: &Arc<S>,
    base: u8,
    by_owner: bool,
) -> ([Member; 3], SignInLink, Session) {
    let owner = with_member(store, base + 1, Role::Owner).await;
    let admin = with_member(store, base + 2, Role::Admin).await;
    let guest = with_member(store, base + 3, Role::Viewer).await;
    let made = maker(if by_owner { &owner } else { &admin }, None);
    let session = begun(store, &guest, base + 4, made).await;
    let link = with_link(store, &guest, base + 5, made).await;
    ([owner, admin, guest], link, session)
}

/// A link and its session come back with their maker. The next link may have another maker.
pub async fn a_maker_comes_back<S: PeopleStore>(store: &Arc<S>) {
    let admin = with_member(store, 1, Role::Admin).await;
    let guest = with_member(store, 2, Role::Viewer).await;
    let made = maker(&admin, Some(session(&admin, 3).id));
    let session = begun(store, &guest, 4, made).await;
    let found = store.session_by_id(session.id).await.unwrap();
    assert_eq!(found.unwrap().made_by, Some(made));
    for made in [Some(made), Some(maker(&admin, None)), None] {
        let link = with_link(store, &guest, 5, made).await;
        let found = store.sign_in_link_by_digest(&link.digest).await.unwrap();
        assert_eq!(found, Some((link, guest.clone())));
    }
}

/// A removal of the maker ends the links that it made for others, and their sessions.
pub async fn what_a_member_made_ends_with_the_member<S: PeopleStore>(store: &Arc<S>) {
    let ([_, admin, guest], link, begun_by_link) = with_guest(store, 0, false).await;
    let own = session(&guest, 6);
    store
        .session_insert(own.clone(), guest.clone(), audit())
        .await
        .unwrap();
    let other = with_member(store, 7, Role::Viewer).await;
    let by_command_line = begun(store, &other, 8, None).await;
    act(store, &admin, MemberChange::Remove).await;
    assert_eq!(left(store, &link, &begun_by_link).await, (false, false));
    for session in [own, by_command_line] {
        assert!(store.session_by_id(session.id).await.unwrap().is_some());
    }
}

/// A lower role of the maker ends them too; a higher one ends nothing.
pub async fn what_a_member_made_ends_with_a_lower_role<S: PeopleStore>(store: &Arc<S>) {
    let ([_, admin, _], link, session) = with_guest(store, 0, false).await;
    act(store, &admin, role(Role::Owner)).await;
    assert_eq!(left(store, &link, &session).await, (true, true));
    act(store, &admin, role(Role::Admin)).await;
    assert_eq!(left(store, &link, &session).await, (false, false));
}

/// A higher role of a member ends the links that other members of any role made for it, and their sessions. The same
/// role ends nothing.
pub async fn a_higher_role_ends_what_others_made<S: PeopleStore>(store: &Arc<S>) {
    for (base, by_owner) in [(0, false), (100, true)] {
        let ([_, admin, guest], link, session) = with_guest(store, base, by_owner).await;
        act(store, &guest, role(Role::Viewer)).await;
        assert_eq!(left(store, &link, &session).await, (true, true));
        act(store, &guest, role(Role::Operator)).await;
        assert_eq!(left(store, &link, &session).await, (false, false), "{by_owner}");
        let from_below = begun(store, &guest, base + 6, maker(&admin, None)).await;
        let own = begun(store, &guest, base + 7, maker(&guest, None)).await;
        let free = begun(store, &guest, base + 8, None).await;
        act(store, &guest, role(Role::Admin)).await;
        let left = store.sessions_for_member(guest.id).await.unwrap();
        assert_eq!(left, [free, own], "without {:?}", from_below.id);
    }
}

/// A maker's new password ends the links and sessions that were made elsewhere than in the session that stays.
pub async fn a_new_password_ends_what_was_made_elsewhere<S: PeopleStore>(store: &Arc<S>) {
    let admin = with_member(store, 1, Role::Admin).await;
    let [kept, stolen] = [2, 3].map(|seed| session(&admin, seed));
    for session in [&kept, &stolen] {
        store
            .session_insert(session.clone(), admin.clone(), audit())
            .await
            .unwrap();
    }
    let guests = [
        with_member(store, 4, Role::Viewer).await,
        with_member(store, 5, Role::Viewer).await,
        with_member(store, 6, Role::Viewer).await,
    ];
    let makers = [Some(kept.id), Some(stolen.id), None];
    let mut sessions = Vec::new();
    for (seed, (guest, made_in)) in (10..).zip(guests.iter().zip(makers)) {
        sessions.push(begun(store, guest, seed, maker(&admin, made_in)).await);
    }
    let hash = PasswordHash::from_text("$new");
    act(store, &admin, MemberChange::Password(hash.clone(), Some(kept.id))).await;
    let mut alive = Vec::new();
    for session in &sessions {
        alive.push(store.session_by_id(session.id).await.unwrap().is_some());
    }
    assert_eq!(alive, [true, false, false]);
    act(store, &admin, MemberChange::Password(hash, None)).await;
    assert_eq!(store.session_by_id(sessions[0].id).await.unwrap(), None);
}

/// A session that is ended from another one ends the links that were made in it, and their sessions; signing out does
/// not.
pub async fn an_ended_session_ends_what_was_made_in_it<S: PeopleStore>(store: &Arc<S>) {
    let admin = with_member(store, 1, Role::Admin).await;
    let guest = with_member(store, 2, Role::Viewer).await;
    for (seed, is_own) in [(10, true), (20, false)] {
        let here = session(&admin, seed);
        store
            .session_insert(here.clone(), admin.clone(), audit())
            .await
            .unwrap();
        let made = maker(&admin, Some(here.id));
        let begun = begun(store, &guest, seed + 1, made).await;
        let link = with_link(store, &guest, seed + 2, made).await;
        let entry = NewAudit {
            actor: Actor::from(&admin),
            session: is_own.then_some(here.id),
            ..audit_of(AuditAct::SessionSignOut, "s", second(seed.into()))
        };
        assert!(store.session_remove(here.id, entry).await.unwrap());
        assert_eq!(left(store, &link, &begun).await, (is_own, is_own));
    }
}

/// An admin can't make a link for a member who has become an owner meanwhile.
pub async fn a_link_for_somebody_above_is_a_conflict<S: PeopleStore>(store: &Arc<S>) {
    let admin = with_member(store, 1, Role::Admin).await;
    let owner = with_member(store, 2, Role::Owner).await;
    let entry = NewAudit {
        actor: Actor::from(&admin),
        ..audit()
    };
    let stored = store.sign_in_link_insert(link(&owner, 3), None, entry).await;
    assert!(matches!(stored, Err(StoreError::Conflict)), "{stored:?}");
}

/// If a link is used while its maker is removed, no session stays.
pub async fn a_link_is_no_way_around_a_change<S: PeopleStore>(store: &Arc<S>) {
    let guest = with_member(store, 1, Role::Viewer).await;
    for race in 0..RACES {
        let admin = with_member(store, 50 + race, Role::Admin).await;
        let made = maker(&admin, None);
        let link = with_link(store, &guest, 100 + race, made).await;
        let session = by_link(&guest, 100 + race, Some(made));
        let (used, ()) = tokio::join!(
            store.sign_in_link_use(link.digest, session.clone(), audit()),
            act(store, &admin, MemberChange::Remove),
        );
        used.unwrap();
        assert_eq!(left(store, &link, &session).await, (false, false), "{race}");
    }
}
