//! Members, and the effects of changing one.

use std::sync::Arc;

use hookgate_gate::{AuditFilter, MemberChange, PageSize, PeopleStore, StoreError};
use hookgate_people::{AuditAct, Member, MemberError, PasswordHash, Role, SignInLink, SignInSecretDigest};

use crate::samples::{actor_context, audit, audit_of, member, second, session, token};

/// Stores the sample member with this seed and role.
pub(super) async fn with_member<S: PeopleStore>(store: &Arc<S>, seed: u8, role: Role) -> Member {
    let member = member(seed, role);
    let entry = audit_of(AuditAct::MemberAdd, &member.id.to_string(), member.created_at);
    store.member_insert(member.clone(), entry).await.unwrap();
    member
}

/// Number of entries of this act.
pub(super) async fn entries<S: PeopleStore>(store: &Arc<S>, act: AuditAct) -> usize {
    let filter = AuditFilter {
        acts: Some(act.into()),
        ..AuditFilter::default()
    };
    store
        .audit_page(&filter, None, PageSize::MAX)
        .await
        .unwrap()
        .len()
}

/// A member comes back by ID and by name, as it was stored.
pub async fn a_member_comes_back<S: PeopleStore>(store: &Arc<S>) {
    let plain = with_member(store, 1, Role::Viewer).await;
    let with_password = Member {
        password: Some(PasswordHash::from_text("$argon2id$x")),
        ..member(2, Role::Owner)
    };
    store.member_insert(with_password.clone(), audit()).await.unwrap();
    for member in [plain, with_password] {
        assert_eq!(store.member_by_id(member.id).await.unwrap(), Some(member.clone()));
        let shouted = member.name.as_str().to_uppercase().parse().unwrap();
        assert_eq!(store.member_by_name(&shouted).await.unwrap(), Some(member));
    }
    let nobody = member(3, Role::Viewer);
    assert_eq!(store.member_by_id(nobody.id).await.unwrap(), None);
    assert_eq!(store.member_by_name(&nobody.name).await.unwrap(), None);
}

/// Two members never have names that differ only in case; the second one is refused and has no entry.
pub async fn a_name_is_taken_once_in_whatever_case<S: PeopleStore>(store: &Arc<S>) {
    let first = with_member(store, 1, Role::Viewer).await;
    let late = Member {
        name: "MEMBER 1".parse().unwrap(),
        ..member(2, Role::Viewer)
    };
    let entry = audit_of(AuditAct::MemberAdd, "late", second(1));
    let inserted = store.member_insert(late.clone(), entry).await;
    assert!(matches!(inserted, Err(StoreError::Conflict)), "{inserted:?}");
    assert_eq!(store.member_by_name(&late.name).await.unwrap(), Some(first));
    assert_eq!(entries(store, AuditAct::MemberAdd).await, 1);
}

/// Two members never have names that look alike, by letters of other scripts or another kind of space.
pub async fn names_that_look_alike_are_one<S: PeopleStore>(store: &Arc<S>) {
    let first = Member {
        name: "ada b".parse().unwrap(),
        ..member(1, Role::Viewer)
    };
    store.member_insert(first.clone(), audit()).await.unwrap();
    for name in ["Ada B", "\u{430}d\u{430} b", "ada\u{2003}b", "\u{ff41}da B"] {
        let late = Member {
            name: name.parse().unwrap(),
            ..member(2, Role::Viewer)
        };
        let inserted = store.member_insert(late, audit()).await;
        assert!(
            matches!(inserted, Err(StoreError::Conflict)),
            "{name:?}: {inserted:?}"
        );
    }
    assert_eq!(store.member_page(None, PageSize::MAX).await.unwrap(), [first]);
}

/// Pages of members continue after the last ID.
pub async fn pages_follow_the_ids<S: PeopleStore>(store: &Arc<S>) {
    for seed in [3, 1, 2] {
        with_member(store, seed, Role::Viewer).await;
    }
    let size = PageSize::new(2).unwrap();
    let first = store.member_page(None, size).await.unwrap();
    assert_eq!(first, [1, 2].map(|seed| member(seed, Role::Viewer)));
    let rest = store.member_page(Some(first[1].id), size).await.unwrap();
    assert_eq!(rest, [member(3, Role::Viewer)]);
}

/// A new role is stored with its entry; of a refused one neither is stored.
pub async fn a_role_is_changed_with_its_entry<S: PeopleStore>(store: &Arc<S>) {
    let owner = with_member(store, 1, Role::Owner).await;
    let viewer = with_member(store, 2, Role::Viewer).await;
    let change = |id, role| {
        store.member_act(
            id,
            MemberChange::Role { to: role, from: None },
            actor_context(),
            second(9),
        )
    };
    let changed = change(viewer.id, Role::Admin).await.unwrap().unwrap().unwrap();
    assert_eq!(changed.role, Role::Admin);
    assert_eq!(store.member_by_id(viewer.id).await.unwrap(), Some(changed));
    let stale = MemberChange::Role {
        to: Role::Operator,
        from: Some(Role::Viewer),
    };
    let stale = store
        .member_act(viewer.id, stale, actor_context(), second(9))
        .await
        .unwrap();
    assert_eq!(
        stale,
        Some(Err(MemberError::Changed)),
        "somebody else changed it since"
    );
    let refused = change(owner.id, Role::Admin).await.unwrap();
    assert_eq!(refused, Some(Err(MemberError::LastOwner)));
    assert_eq!(store.member_by_id(owner.id).await.unwrap(), Some(owner));
    let nobody = member(3, Role::Viewer).id;
    assert_eq!(change(nobody, Role::Admin).await.unwrap(), None);
    let filter = AuditFilter {
        acts: Some(AuditAct::MemberRole.into()),
        ..AuditFilter::default()
    };
    let entries = store.audit_page(&filter, None, PageSize::MAX).await.unwrap();
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0].subject.id, viewer.id.to_string());
    assert_eq!(entries[0].before.as_deref(), Some(r#"{"role":"viewer"}"#));
    assert_eq!(entries[0].after.as_deref(), Some(r#"{"role":"admin"}"#));
}

/// Of owners who remove one another at the same time, one stays.
pub async fn the_last_of_many_owners_stays<S: PeopleStore>(store: &Arc<S>) {
    let mut tasks = tokio::task::JoinSet::new();
    for seed in 1..=8 {
        let owner = with_member(store, seed, Role::Owner).await;
        let store = Arc::clone(store);
        tasks.spawn(async move {
            let change = if seed % 2 == 0 {
                MemberChange::Remove
            } else {
                MemberChange::Role {
                    to: Role::Viewer,
                    from: None,
                }
            };
            tokio::task::yield_now().await;
            store
                .member_act(owner.id, change, actor_context(), second(9))
                .await
        });
    }
    tasks.join_all().await;
    let left = store.member_page(None, PageSize::MAX).await.unwrap();
    let owners = left.iter().filter(|member| member.role == Role::Owner).count();
    assert_eq!(owners, 1);
}

/// A removed member has no session, no link and no living token; those of other members stay.
pub async fn a_removal_ends_everything<S: PeopleStore>(store: &Arc<S>) {
    let (gone, stays) = (
        with_member(store, 1, Role::Admin).await,
        with_member(store, 2, Role::Owner).await,
    );
    for (seed, member) in [(1, &gone), (2, &stays)] {
        store
            .session_insert(session(member, seed), member.clone(), audit())
            .await
            .unwrap();
        store
            .token_insert(token(Some(member), seed), audit())
            .await
            .unwrap();
        let link = SignInLink {
            digest: SignInSecretDigest::from_bytes([seed; 32]),
            member: member.id,
            created_at: second(0),
            made_by: None,
        };
        store.sign_in_link_insert(link, None, audit()).await.unwrap();
    }
    store
        .member_act(gone.id, MemberChange::Remove, actor_context(), second(9))
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    assert_eq!(store.member_by_id(gone.id).await.unwrap(), None);
    for (seed, lives) in [(1, false), (2, true)] {
        let session = session(&gone, seed);
        let found = store.session_by_digest(&session.digest).await.unwrap();
        assert_eq!(found.is_some(), lives);
        let (token, owner) = store
            .token_by_digest(&token(None, seed).digest)
            .await
            .unwrap()
            .unwrap();
        assert_eq!((token.revoked_at.is_none(), owner.is_some()), (lives, lives));
        let digest = SignInSecretDigest::from_bytes([seed; 32]);
        let link = store.sign_in_link_by_digest(&digest).await.unwrap();
        assert_eq!(link.is_some(), lives);
    }
    assert_eq!(entries(store, AuditAct::MemberRemove).await, 1);
}

/// A new password ends the link and the member's sessions, except the one in which it was set.
pub async fn a_new_password_ends_the_other_sessions<S: PeopleStore>(store: &Arc<S>) {
    let member = with_member(store, 1, Role::Viewer).await;
    for seed in 1..=3 {
        store
            .session_insert(session(&member, seed), member.clone(), audit())
            .await
            .unwrap();
    }
    let kept = session(&member, 2);
    let hash = PasswordHash::from_text("$new");
    let change = MemberChange::Password(hash.clone(), Some(kept.id));
    let changed = store
        .member_act(member.id, change, actor_context(), second(9))
        .await;
    assert_eq!(changed.unwrap().unwrap().unwrap().password, Some(hash));
    assert_eq!(store.sessions_for_member(member.id).await.unwrap(), [kept]);
    assert_eq!(entries(store, AuditAct::MemberPassword).await, 1);
}
