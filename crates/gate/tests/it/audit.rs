//! The filter of the audit trail over a store in memory: words of a user become actors, subjects and acts.

use hookgate_domain::Timestamp;
use hookgate_gate::{
    ActorContext, AuditFilter, AuditQuery, AuditQueryError, Gate, ManageError, NewWebhook, PageSize,
    PeopleStore,
};
use hookgate_people::{AuditAct, Member, NewAudit, Role};
use hookgate_testkit::MemoryStore;
use hookgate_testkit::samples::{SOURCE, actor_context, audit};

use crate::gate;

async fn add(gate: &Gate<MemoryStore>, name: &str, role: Role) -> Member {
    let name = name.parse().unwrap();
    gate.member_add(&actor_context(), name, role, None).await.unwrap()
}

async fn create(gate: &Gate<MemoryStore>, actor: &ActorContext, name: &str) -> hookgate_domain::Webhook {
    let new = NewWebhook {
        name: name.parse().unwrap(),
        format: hookgate_domain::SenderFormat::Custom,
        policy: hookgate_domain::Policy::default(),
        signed: false,
    };
    gate.create(actor, new).await.unwrap().webhook
}

fn by(actor: &str) -> AuditQuery {
    AuditQuery {
        actor: Some(actor.to_owned()),
        ..AuditQuery::default()
    }
}

fn about(subject: &str) -> AuditQuery {
    AuditQuery {
        subject: Some(subject.to_owned()),
        ..AuditQuery::default()
    }
}

/// The acts that match, oldest first.
async fn found(gate: &Gate<MemoryStore>, query: AuditQuery) -> Result<Vec<AuditAct>, AuditQueryError> {
    let filter = gate.audit_filter(&actor_context(), query).await?;
    let entries = gate
        .audit_page(&actor_context(), &filter, None, PageSize::MAX)
        .await;
    let mut acts: Vec<_> = entries
        .unwrap()
        .items
        .into_iter()
        .map(|entry| entry.act)
        .collect();
    acts.reverse();
    Ok(acts)
}

#[tokio::test]
async fn a_member_is_found_by_name_also_when_it_is_gone() {
    let gate = gate();
    let ada = add(&gate, "Ada@example.org", Role::Admin).await;
    create(&gate, &ActorContext::remote(&ada, SOURCE), "db").await;
    gate.member_remove(&actor_context(), ada.id).await.unwrap();
    let id = ada.id.to_string();
    for text in [
        "Ada@example.org",
        "ada@EXAMPLE.org",
        "member:Ada@example.org",
        " Ada@example.org ",
        &id,
    ] {
        assert_eq!(
            found(&gate, by(text)).await.unwrap(),
            [AuditAct::WebhookCreate],
            "{text}"
        );
    }
    assert_eq!(
        found(&gate, about("Ada@example.org")).await.unwrap(),
        [AuditAct::MemberAdd, AuditAct::MemberRemove]
    );
    let token = found(&gate, by("token:Ada@example.org")).await;
    assert!(
        matches!(token, Err(AuditQueryError::UnknownActor { .. })),
        "{token:?}"
    );
}

#[tokio::test]
async fn a_name_that_stands_for_nobody_is_told_with_those_there_are() {
    let gate = gate();
    let ada = add(&gate, "ada", Role::Admin).await;
    create(&gate, &ActorContext::remote(&ada, SOURCE), "db").await;
    add(&gate, "idle", Role::Viewer).await;
    let error = found(&gate, by("mallory")).await.unwrap_err().to_string();
    assert_eq!(
        error,
        "nobody on the audit trail is called “mallory”; there are ada, command-line, system"
    );
    // A member who has done nothing is a valid search with an empty result.
    assert!(found(&gate, by("Idle")).await.unwrap().is_empty());
    let error = found(&gate, about("dbx")).await.unwrap_err().to_string();
    assert!(error.contains("“dbx”") && error.contains("INC-1"), "{error}");
}

#[tokio::test]
async fn names_that_differ_by_case_alone_are_told_apart() {
    let gate = gate();
    for user in ["Root", "root"] {
        create(&gate, &ActorContext::command_line(user), user).await;
    }
    assert_eq!(found(&gate, by("root")).await.unwrap().len(), 1);
    assert_eq!(found(&gate, by("root (command line)")).await.unwrap().len(), 1);
    let error = found(&gate, by("ROOT")).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "“ROOT” could be Root or root: write it as it is shown"
    );
    for text in ["command-line", "command line", "command_line"] {
        assert_eq!(found(&gate, by(text)).await.unwrap().len(), 2, "{text}");
    }
}

#[tokio::test]
async fn a_webhook_is_found_by_each_of_its_names() {
    let gate = gate();
    let webhook = create(&gate, &actor_context(), "old").await;
    gate.edit(&actor_context(), webhook.handle, None, |name, _| {
        *name = "new".parse().unwrap();
        Ok::<_, ManageError>(())
    })
    .await
    .unwrap();
    create(&gate, &actor_context(), "other").await;
    let handle = webhook.handle.to_string();
    for text in ["old", "new", &handle] {
        assert_eq!(
            found(&gate, about(text)).await.unwrap(),
            [AuditAct::WebhookCreate, AuditAct::WebhookEdit],
            "{text}"
        );
    }
}

#[tokio::test]
async fn a_time_that_ends_before_it_begins_is_told() {
    let gate = gate();
    let at = |second: i64| Some(Timestamp::from_micros(second * 1_000_000));
    let query = AuditQuery {
        from: at(2),
        to: at(2),
        ..AuditQuery::default()
    };
    assert!(matches!(found(&gate, query).await, Err(AuditQueryError::NoTime)));
}

#[tokio::test]
async fn an_export_is_on_the_trail_and_takes_the_same_role() {
    let gate = gate();
    let viewer = add(&gate, "viewer", Role::Operator).await;
    let viewer = ActorContext::remote(&viewer, SOURCE);
    let asked = vec![("actor", "ada".to_owned())];
    assert!(gate.audit_export(&viewer, "csv", asked.clone()).await.is_err());
    assert!(gate.audit_filter(&viewer, AuditQuery::default()).await.is_err());
    assert!(gate.audit_actors(&viewer).await.is_err());
    gate.audit_export(&actor_context(), "csv", asked).await.unwrap();
    let filter = gate
        .audit_filter(&actor_context(), AuditQuery::default())
        .await
        .unwrap();
    let entries = gate
        .audit_page(&actor_context(), &filter, None, PageSize::MAX)
        .await
        .unwrap()
        .items;
    assert_eq!(entries[0].act, AuditAct::AuditExport);
    let after: serde_json::Value = serde_json::from_str(entries[0].after.as_deref().unwrap()).unwrap();
    assert_eq!(after, serde_json::json!({"actor": "ada", "format": "csv"}));
    assert_eq!(entries.len(), 2);
}

/// Entries that older versions wrote may be large.
#[tokio::test]
async fn a_page_ends_where_entries_are_large() {
    const ENTRIES: i64 = 9;
    let gate = gate();
    for _ in 0..ENTRIES {
        let large = NewAudit {
            before: Some("x".repeat(700_000)),
            after: Some("y".repeat(700_000)),
            ..audit()
        };
        gate.store().audit_insert(large).await.unwrap();
    }
    let (mut seen, mut before) = (Vec::new(), None);
    loop {
        let page = gate
            .audit_page(&actor_context(), &AuditFilter::default(), before, PageSize::MAX)
            .await
            .unwrap();
        assert!(page.items.len() == 1, "{} entries", page.items.len());
        seen.extend(page.items.iter().map(|entry| entry.id));
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    assert!(seen.iter().copied().eq((1..=ENTRIES).rev()), "{seen:?}");
}
