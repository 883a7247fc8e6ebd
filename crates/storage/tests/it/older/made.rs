//! Sessions, links and tokens that tokens and members made in a store of an older program, and those of them
//! that live on.

use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use hookgate_domain::Timestamp;
use hookgate_domain::idempotency::{IdempotencyKey, PayloadDigest};
use hookgate_gate::{AuditFilter, MemberChange, PageSize, PeopleStore};
use hookgate_people::{
    Actor, AuditAct, AuditRequest, Member, NewAudit, Role, Session, SessionId, SignInLink, SignInMeans,
    SignInSecretDigest, Token,
};
use hookgate_storage::{Database, OpenMode};
use hookgate_testkit::postgres::Postgres;
use hookgate_testkit::samples::{actor_context, audit, audit_of, member, second, session, token};

use super::back;

/// Sessions that tokens opened for members end, and the names that programs gave to their requests are
/// forgotten.
async fn fill_by_token(store: &Database) -> [SessionId; 3] {
    let members = [1, 2, 3].map(|seed| member(seed, Role::Admin));
    for member in &members {
        store.member_insert(member.clone(), audit()).await.unwrap();
    }
    store.token_insert(token(None, 5), audit()).await.unwrap();
    let link = |member: &Member, seed: u8, by: &Actor, at: Timestamp| {
        let subject = member.id.to_string();
        let link = SignInLink {
            digest: SignInSecretDigest::from_bytes([seed; 32]),
            member: member.id,
            created_at: at,
            made_by: None,
        };
        let entry = NewAudit {
            actor: by.clone(),
            request: Some(AuditRequest {
                key: IdempotencyKey::parse(format!("link-{seed}").as_bytes()).unwrap(),
                digest: PayloadDigest::of(b"{}"),
            }),
            ..audit_of(AuditAct::SignInLinkCreate, &subject, at)
        };
        (link, entry)
    };
    let by_token = Actor::from(&token(None, 5));
    let by_person = actor_context().identity;
    let mut begun = Vec::new();
    for (seed, member, by) in [(0, &members[0], &by_token), (1, &members[1], &by_person)] {
        let (link, entry) = link(member, seed, by, second(1));
        store.sign_in_link_insert(link, None, entry).await.unwrap();
        let session = Session {
            means: SignInMeans::Link,
            ..session(member, seed + 5)
        };
        let used = store.sign_in_link_use(link.digest, session.clone(), audit());
        assert!(used.await.unwrap());
        begun.push(session.id);
    }
    let by_password = session(&members[0], 7);
    let entry = audit();
    store
        .session_insert(by_password.clone(), members[0].clone(), entry)
        .await
        .unwrap();
    for (seed, member, by) in [(2, &members[2], &by_token), (3, &members[1], &by_person)] {
        let (link, entry) = link(member, seed, by, second(3));
        store.sign_in_link_insert(link, None, entry).await.unwrap();
    }
    [begun[0], begun[1], by_password.id]
}

async fn check_by_token(store: &Database, [by_token, by_person, by_password]: [SessionId; 3]) {
    let is_there = async |id| store.session_by_id(id).await.unwrap().is_some();
    assert!(!is_there(by_token).await);
    assert!(is_there(by_person).await && is_there(by_password).await);
    for (seed, stays) in [(2, false), (3, true)] {
        let digest = SignInSecretDigest::from_bytes([seed; 32]);
        let link = store.sign_in_link_by_digest(&digest).await.unwrap();
        assert_eq!(link.is_some(), stays, "{seed}");
    }
    let all = AuditFilter::default();
    let trail = store.audit_page(&all, None, PageSize::MAX).await.unwrap();
    assert!(trail.len() > 8 && trail.iter().all(|entry| entry.request.is_none()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_tokens_opened_in_an_older_file_ends() {
    let directory = tempfile::tempdir().unwrap();
    let store = Database::open(directory.path(), OpenMode::Create).unwrap();
    let sessions = fill_by_token(&store).await;
    store.close().await;
    drop(store);
    let path = directory.path().join("hookgate.db");
    let mut connection = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    connection.batch_execute(&back("sqlite", "0017")).unwrap();
    drop(connection);
    let store = Database::open(directory.path(), OpenMode::Migrate).unwrap();
    check_by_token(&store, sessions).await;
    let mut connection = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    assert!(
        connection
            .batch_execute("UPDATE audit SET request_key = 'k'")
            .is_err()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_tokens_opened_on_an_older_server_ends() {
    let url = Postgres::shared().database().unwrap();
    let address = url.parse().unwrap();
    let store = Database::connect(&address, OpenMode::Create).await.unwrap();
    let sessions = fill_by_token(&store).await;
    store.close().await;
    drop(store);
    let name = url.rsplit('/').next().unwrap().split('?').next().unwrap();
    Postgres::shared().sql(name, &back("postgres", "0017")).unwrap();
    let store = Database::connect(&address, OpenMode::Migrate).await.unwrap();
    check_by_token(&store, sessions).await;
    let change = "UPDATE audit SET request_key = 'k'";
    assert!(Postgres::shared().sql(name, change).is_err());
}

/// An owner and two admins, who all made links for others, some of them used; and three tokens, of which one
/// made the next.
async fn fill_makers(store: &Database) {
    let members = [
        member(1, Role::Owner),
        member(2, Role::Admin),
        member(3, Role::Viewer),
        member(4, Role::Admin),
        member(5, Role::Owner),
        member(6, Role::Viewer),
    ];
    for member in &members {
        store.member_insert(member.clone(), audit()).await.unwrap();
    }
    for (guest, maker, seed) in [(3, 2, 30), (4, 1, 40), (5, 1, 50), (6, 6, 60)] {
        let guest = &members[guest - 1];
        let link = SignInLink {
            digest: SignInSecretDigest::from_bytes([seed; 32]),
            member: guest.id,
            created_at: second(i64::from(seed) - 1),
            made_by: None,
        };
        // Only the audit trail names the maker, who may have a lower role by now.
        let entry = NewAudit {
            actor: Actor::from(&members[maker - 1]),
            ..audit_of(AuditAct::SignInLinkCreate, &guest.id.to_string(), link.created_at)
        };
        store.audit_insert(entry).await.unwrap();
        store.sign_in_link_insert(link, None, audit()).await.unwrap();
        let session = Session {
            means: SignInMeans::Link,
            ..session(guest, seed)
        };
        assert!(
            store
                .sign_in_link_use(link.digest, session, audit())
                .await
                .unwrap()
        );
    }
    let mut maker = None;
    for seed in 1..=3 {
        let token = token(None, seed);
        let entry = audit_of(AuditAct::TokenCreate, &token.id.to_string(), token.created_at);
        let actor = maker.as_ref().map_or(entry.actor.clone(), Actor::from);
        store
            .token_insert(token.clone(), NewAudit { actor, ..entry })
            .await
            .unwrap();
        maker = Some(token);
    }
}

async fn check_makers(store: &Database) {
    let of = async |seed: u8| {
        let begun = session(&member(seed, Role::Viewer), seed * 10);
        store
            .session_by_digest(&begun.digest)
            .await
            .unwrap()
            .map(|(session, _)| session)
    };
    let maker = |session: Option<Session>| session.map(|session| session.made_by.map(|maker| maker.member));
    assert_eq!(maker(of(3).await), Some(Some(member(2, Role::Admin).id)));
    assert_eq!(maker(of(5).await), Some(Some(member(1, Role::Owner).id)));
    assert_eq!(of(6).await, None, "its maker makes none any more");
    let remove = store.member_act(
        member(2, Role::Admin).id,
        MemberChange::Remove,
        actor_context(),
        second(99),
    );
    remove.await.unwrap().unwrap().unwrap();
    assert_eq!((of(3).await, of(4).await.is_some()), (None, true));
    let third: Token = store.token_by_id(token(None, 3).id).await.unwrap().unwrap();
    assert_eq!(
        (third.made_by, third.root),
        (Some(token(None, 2).id), Some(token(None, 1).id))
    );
    let first = store.token_by_id(token(None, 1).id).await.unwrap().unwrap();
    assert_eq!((first.made_by, first.root), (None, None));
    let entry = audit_of(AuditAct::TokenRevoke, "t", second(99));
    store
        .token_revoke(first.id, entry)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    let third = store.token_by_id(third.id).await.unwrap().unwrap();
    assert_eq!(third.revoked_at, Some(second(99)));
}

#[tokio::test(flavor = "multi_thread")]
async fn makers_in_an_older_file_are_known() {
    let directory = tempfile::tempdir().unwrap();
    let store = Database::open(directory.path(), OpenMode::Create).unwrap();
    fill_makers(&store).await;
    store.close().await;
    drop(store);
    let path = directory.path().join("hookgate.db");
    let mut connection = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    connection.batch_execute(&back("sqlite", "0020")).unwrap();
    drop(connection);
    let store = Database::open(directory.path(), OpenMode::Migrate).unwrap();
    check_makers(&store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn makers_on_an_older_server_are_known() {
    let url = Postgres::shared().database().unwrap();
    let address = url.parse().unwrap();
    let store = Database::connect(&address, OpenMode::Create).await.unwrap();
    fill_makers(&store).await;
    store.close().await;
    drop(store);
    let name = url.rsplit('/').next().unwrap().split('?').next().unwrap();
    Postgres::shared().sql(name, &back("postgres", "0020")).unwrap();
    let store = Database::connect(&address, OpenMode::Migrate).await.unwrap();
    check_makers(&store).await;
}
