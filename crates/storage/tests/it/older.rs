//! A filled store of an older program is migrated, and nothing that it held is lost.

mod made;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use hookgate_domain::address_set::SetOrigin;
use hookgate_domain::draft::DraftFields;
use hookgate_domain::incident::IncidentEvent;
use hookgate_domain::policy::AllowlistMode;
use hookgate_domain::{IncidentNumber, Networks, Webhook, WebhookIdDigest};
use hookgate_gate::{
    AcceptedDelivery, AddressStore, AuditFilter, Commit, DeliveryFilter, Gate, IncidentAction,
    IncidentFilter, Issued, ManageError, PageSize, PeopleStore, Ports, Seek, Store,
};
use hookgate_people::{AuditAct, Role, SignInLink, SignInSecretDigest};
use hookgate_storage::{Database, OpenMode};
use hookgate_testkit::FixedClock;
use hookgate_testkit::postgres::Postgres;
use hookgate_testkit::samples::{
    START, actor_context, audit, audit_of, delivery, draft, keyed, member, new_webhook, ports, refusal,
    second, session, token,
};

/// The last migration of the older program.
const OLDER: &str = "0008";

/// Statements that take the tables back to those of an older program, by its last migration. The rows stay as
/// that program has them.
fn back(database: &str, older: &str) -> String {
    let steps = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../migrations")
        .join(database);
    let mut steps: Vec<_> = fs::read_dir(steps)
        .unwrap()
        .map(|step| step.unwrap().path())
        .collect();
    steps.retain(|step| step.file_name().unwrap().to_str().unwrap().get(..4).unwrap() > older);
    assert!(!steps.is_empty());
    steps.sort();
    let mut text = String::new();
    for step in steps.iter().rev() {
        text.push_str(&fs::read_to_string(step.join("down.sql")).unwrap());
        text.push('\n');
    }
    writeln!(
        text,
        "DELETE FROM __diesel_schema_migrations WHERE version > '{older}';"
    )
    .unwrap();
    text
}

/// Digests by which the webhooks of a store are found.
struct Urls(Vec<WebhookIdDigest>);

async fn open_incident(
    store: &Database,
    webhook: &Webhook,
    key: &str,
    at: i64,
    status: &str,
) -> IncidentNumber {
    let delivery = AcceptedDelivery {
        received_at: second(at),
        changes: vec![
            draft(DraftFields {
                dedup_key: Some(key.into()),
                status: Some(status.into()),
                ..DraftFields::default()
            })
            .unwrap()
            .into(),
        ],
        ..delivery(webhook)
    };
    match store.delivery_commit(delivery).await.unwrap() {
        Commit::Stored(accepted) => accepted.incidents[0].number,
        other => panic!("{other:?}"),
    }
}

/// Webhooks in each state, with their tombstones, and a set that an allowlist names.
async fn webhooks(store: &Database) -> (Webhook, Urls) {
    let clock = FixedClock::at(START);
    let ports = Ports {
        clock: Box::new(clock.clone()),
        ..ports()
    };
    let gate = Gate::new(store.clone(), ports);
    let networks = "192.0.2.0/24".parse().unwrap();
    let actor = actor_context();
    let office = gate.address_set_create(
        &actor,
        "office".parse().unwrap(),
        SetOrigin::Own,
        Networks::of([networks]).unwrap(),
        None,
    );
    office.await.unwrap();
    let create = async |name: &str| -> Issued {
        let new = new_webhook(name, hookgate_domain::Policy::default());
        gate.create(&actor, new).await.unwrap()
    };
    let (plain, observing) = (create("plain").await, create("observing").await);
    let (rotated, revoked) = (create("rotated").await, create("revoked").await);
    clock.set(second(50));
    let fresh = gate.regenerate(&actor, rotated.webhook.handle).await.unwrap();
    clock.set(second(60));
    let observed = gate.edit(&actor, observing.webhook.handle, None, |_, policy| {
        policy.allowlist = "@office".parse().unwrap();
        policy.allowlist_mode = AllowlistMode::Observe;
        Ok::<_, ManageError>(())
    });
    assert_eq!(observed.await.unwrap().mode_changed_at, Some(second(60)));
    clock.set(second(70));
    gate.revoke(&actor, revoked.webhook.handle).await.unwrap();
    let issued = [&plain, &observing, &rotated, &fresh, &revoked];
    let digests = issued.iter().map(|issued| issued.id.digest()).collect();
    (plain.webhook.clone(), Urls(digests))
}

/// One row of each kind that an older program knew.
async fn fill(store: &Database) -> Urls {
    let (webhook, urls) = webhooks(store).await;
    let handled = open_incident(store, &webhook, "handled", 0, "open").await;
    open_incident(store, &webhook, "handled", 5, "open").await;
    for (action, at) in [(IncidentAction::Acknowledge, 10), (IncidentAction::Resolve, 30)] {
        let acted = store
            .incident_act(handled, action, actor_context(), second(at))
            .await;
        acted.unwrap().unwrap().unwrap();
    }
    open_incident(store, &webhook, "ended", 40, "open").await;
    open_incident(store, &webhook, "ended", 41, "resolved").await;
    open_incident(store, &webhook, "open", 42, "open").await;
    let first = keyed(&webhook, "key", b"{}");
    store.delivery_commit(first).await.unwrap();
    store.refusal_record(refusal(&webhook));
    // The writer stores it soon after.
    while store
        .delivery_page(&DeliveryFilter::default(), Seek::Newest, PageSize::MAX)
        .await
        .unwrap()
        .items
        .len()
        < 7
    {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    store.count().await.unwrap();
    let ada = member(1, Role::Owner);
    store.member_insert(ada.clone(), audit()).await.unwrap();
    store
        .session_insert(session(&ada, 1), ada.clone(), audit())
        .await
        .unwrap();
    let link = SignInLink {
        digest: SignInSecretDigest::from_bytes([9; 32]),
        member: ada.id,
        created_at: second(2),
        made_by: None,
    };
    store.sign_in_link_insert(link, None, audit()).await.unwrap();
    for seed in [3, 4] {
        store
            .token_insert(token(Some(&ada), seed), audit())
            .await
            .unwrap();
    }
    let revoke = audit_of(AuditAct::TokenRevoke, "token", second(80));
    let revoked = store.token_revoke(token(None, 4).id, revoke).await.unwrap();
    revoked.unwrap().unwrap();
    urls
}

/// Everything that must stay, read by the port.
async fn kept(store: &Database, urls: &Urls) -> String {
    let mut text = String::new();
    for webhook in store.webhook_page(None, PageSize::MAX).await.unwrap() {
        writeln!(text, "{webhook:?}").unwrap();
    }
    for digest in &urls.0 {
        writeln!(text, "{:?}", store.url_by_digest(digest).await.unwrap()).unwrap();
    }
    let all = DeliveryFilter::default();
    let deliveries = store
        .delivery_page(&all, Seek::Newest, PageSize::MAX)
        .await
        .unwrap();
    for summary in deliveries.items {
        let record = store.delivery_by_id(summary.id).await.unwrap().unwrap();
        let hookgate_gate::DeliveryRecord { summary, payload, .. } = record;
        writeln!(
            text,
            "{:?} {:?} {:?} {:?} {:?} {:?} {payload:?}",
            summary.id,
            summary.webhook,
            summary.received_at,
            summary.source,
            summary.answer,
            summary.incident
        )
        .unwrap();
    }
    let incidents = store
        .incident_page(IncidentFilter::default(), None, PageSize::MAX)
        .await;
    for incident in incidents.unwrap().items {
        writeln!(text, "{incident:?}").unwrap();
        let events = store.incident_events(incident.number).await.unwrap();
        // Events of senders were not stored by then.
        let acts = events.into_iter().filter(|event| event.actor.is_some());
        acts.for_each(|act| writeln!(text, "{act:?}").unwrap());
    }
    for member in store.member_page(None, PageSize::MAX).await.unwrap() {
        let sessions = store.sessions_for_member(member.id).await.unwrap();
        writeln!(text, "{member:?} {sessions:?}").unwrap();
    }
    let link = SignInSecretDigest::from_bytes([9; 32]);
    writeln!(text, "{:?}", store.sign_in_link_by_digest(&link).await.unwrap()).unwrap();
    writeln!(text, "{:?}", store.token_page(None, PageSize::MAX).await.unwrap()).unwrap();
    let trail = store
        .audit_page(&AuditFilter::default(), None, PageSize::MAX)
        .await;
    trail
        .unwrap()
        .iter()
        .for_each(|entry| writeln!(text, "{entry:?}").unwrap());
    for set in store.address_sets().await.unwrap() {
        let networks = store.address_set_networks(&set.name, set.version).await.unwrap();
        writeln!(text, "{set:?} {networks:?}").unwrap();
    }
    text
}

/// Compares a migrated store with the old one, and checks that it holds what the old one is known to hold:
/// otherwise nothing was compared.
async fn check(store: &Database, urls: &Urls, before: &str) {
    let after = kept(store, urls).await;
    for (line, was) in after.lines().zip(before.lines()) {
        assert_eq!(line, was);
    }
    assert_eq!(after, before);
    let handled = store
        .incident_events(IncidentNumber::new(1).unwrap())
        .await
        .unwrap();
    let acts: Vec<_> = handled.iter().map(|act| (act.at, act.event.clone())).collect();
    assert_eq!(
        acts,
        [
            (second(10), IncidentEvent::Acknowledged),
            (second(30), IncidentEvent::Resolved)
        ]
    );
    // Numbers continue where they were.
    let page = store.webhook_page(None, PageSize::MAX).await.unwrap();
    let plain = page
        .iter()
        .find(|webhook| webhook.name.as_str() == "plain")
        .unwrap();
    assert_eq!(open_incident(store, plain, "open", 90, "open").await.get(), 3);
    let again = keyed(plain, "key", b"{}");
    let Commit::Stored(replayed) = store.delivery_commit(again).await.unwrap() else {
        panic!("not replayed");
    };
    assert_eq!(replayed.incidents.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filled_older_file_is_brought_up_to_date() {
    let directory = tempfile::tempdir().unwrap();
    let store = Database::open(directory.path(), OpenMode::Create).unwrap();
    let urls = fill(&store).await;
    let before = kept(&store, &urls).await;
    store.close().await;
    drop(store);
    let path = directory.path().join("hookgate.db");
    let mut connection = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    connection.batch_execute(&back("sqlite", OLDER)).unwrap();
    drop(connection);
    assert!(Database::open(directory.path(), OpenMode::Existing).is_err());
    let store = Database::open(directory.path(), OpenMode::Migrate).unwrap();
    check(&store, &urls, &before).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filled_older_server_is_brought_up_to_date() {
    let url = Postgres::shared().database().unwrap();
    let address = url.parse().unwrap();
    let store = Database::connect(&address, OpenMode::Create).await.unwrap();
    let urls = fill(&store).await;
    let before = kept(&store, &urls).await;
    store.close().await;
    drop(store);
    let name = url.rsplit('/').next().unwrap().split('?').next().unwrap();
    Postgres::shared().sql(name, &back("postgres", OLDER)).unwrap();
    assert!(Database::connect(&address, OpenMode::Existing).await.is_err());
    let store = Database::connect(&address, OpenMode::Migrate).await.unwrap();
    check(&store, &urls, &before).await;
}
