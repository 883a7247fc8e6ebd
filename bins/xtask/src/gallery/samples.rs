//! The sample data of the gallery, made by commands and deliveries as people use them, and the pages that show it.

use super::server::Server;
use xtask::process::Outcome;

/// Pages of a new server without any delivery.
pub(super) const PAGES_WHEN_EMPTY: [(&str, &str); 5] = [
    ("webhooks-new-server", "/webhooks"),
    ("logs-empty", "/logs"),
    ("incidents-empty", "/incidents"),
    ("address-sets-empty", "/address-sets"),
    ("search-empty", "/search"),
];

/// Names of webhooks and the options of their creation.
const WEBHOOKS: [(&str, &[&str]); 5] = [
    (
        "alertmanager prod",
        &["--allow", "127.0.0.0/8 # the monitoring hosts"],
    ),
    (
        "grafana",
        &["--allow", "192.0.2.0/24", "--allowlist-mode", "observe"],
    ),
    ("billing", &["--per-minute", "600"]),
    ("nightly backup", &["--payload-logging", "off"]),
    ("old pager", &[]),
];

/// Deliveries: webhook and payload.
const DELIVERIES: [(&str, &str); 9] = [
    (
        "alertmanager prod",
        r#"{"title":"Disk full on db1","severity":"critical","service":"database","dedup_key":"db1/disk",
            "description":"The volume fills by 2 GB an hour.\nRunbook: clean /var/log.",
            "source_url":"https://grafana.example.org/d/disk?host=db1","metadata":{"cluster":"eu-1","free":"2 %"}}"#,
    ),
    (
        "alertmanager prod",
        r#"{"title":"Disk 98% full on db1","severity":"SEV1","dedup_key":"db1/disk"}"#,
    ),
    (
        "alertmanager prod",
        r#"{"title":"Replica lag over 30 s","severity":"high","dedup_key":"db2/lag"}"#,
    ),
    (
        "alertmanager prod",
        r#"{"title":"Replica lag over 30 s","status":"resolved","dedup_key":"db2/lag"}"#,
    ),
    (
        "grafana",
        r#"{"title":"Login failures above 5 %","severity":"medium","service":"web"}"#,
    ),
    (
        "grafana",
        r#"{"title":"Certificate of shop.example.org ends in 6 days","severity":"low"}"#,
    ),
    ("billing", r#"{"title":"Invoice run failed","#),
    ("billing", r#"{"message":"Invoice run failed"}"#),
    ("billing", "Invoice run failed"),
];

/// Commands that run after the deliveries.
const COMMANDS: [&[&str]; 8] = [
    &["incidents", "acknowledge", "INC-1"],
    &[
        "incidents",
        "note",
        "INC-1",
        "Old logs are being moved to the archive.",
    ],
    &["incidents", "resolve", "INC-3"],
    &["webhook", "revoke", "old pager", "--yes"],
    &["member", "add", "olga", "--role", "operator"],
    &["member", "add", "sam", "--role", "admin"],
    &["token", "create", "deploy", "--role", "operator"],
    &[
        "addresses",
        "create",
        "office",
        "--network",
        "198.51.100.0/24,2001:db8:7::/48",
    ],
];

/// Fills a new server with the sample data.
pub(super) fn fill(server: &Server) -> Outcome<()> {
    let mut urls = Vec::new();
    for (name, arguments) in WEBHOOKS {
        let created = server.command(&[&["webhook", "create", name], arguments].concat())?;
        urls.push((name, created["url"].as_str().ok_or("no URL")?.to_owned()));
    }
    for (name, body) in DELIVERIES {
        let known = urls.iter().find(|(known, _)| *known == name);
        let (_, url) = known.ok_or("no such webhook")?;
        server.deliver(url, body)?;
    }
    for command in COMMANDS {
        server.command(command)?;
    }
    Ok(())
}

/// The pages: file name and path.
pub(super) fn pages(server: &Server) -> Outcome<Vec<(&'static str, String)>> {
    let handle = |name: &str| -> Outcome<String> {
        let shown = server.command(&["webhook", "show", name])?;
        Ok(shown["handle"].as_str().ok_or("no handle")?.to_owned())
    };
    let delivery = |filter: &[&str]| -> Outcome<String> {
        let listed = server.command(&[&["deliveries", "list", "--limit", "1"], filter].concat())?;
        Ok(listed["items"][0]["id"].as_str().ok_or("no delivery")?.to_owned())
    };
    let busy = handle("alertmanager prod")?;
    let (accepted, refused) = (
        delivery(&["--outcome", "accepted"])?,
        delivery(&["--code", "VALIDATION_ERROR"])?,
    );
    Ok(vec![
        ("webhooks", "/webhooks".into()),
        ("webhook", format!("/webhooks/{busy}")),
        ("webhook-week", format!("/webhooks/{busy}?range=7d")),
        ("webhook-observing", format!("/webhooks/{}", handle("grafana")?)),
        ("webhook-failing", format!("/webhooks/{}", handle("billing")?)),
        (
            "webhook-unused",
            format!("/webhooks/{}", handle("nightly backup")?),
        ),
        ("webhook-revoked", format!("/webhooks/{}", handle("old pager")?)),
        ("new-webhook", "/webhooks/new".into()),
        ("edit-webhook", format!("/webhooks/{busy}/edit")),
        ("regenerate", format!("/webhooks/{busy}/regenerate")),
        ("revoke", format!("/webhooks/{busy}/revoke")),
        ("logs", "/logs".into()),
        ("logs-refused", "/logs?outcome=refused".into()),
        ("delivery-accepted", format!("/deliveries/{accepted}")),
        ("delivery-refused", format!("/deliveries/{refused}")),
        ("incidents", "/incidents".into()),
        ("incident", "/incidents/INC-1".into()),
        ("incident-resolved", "/incidents/INC-2".into()),
        ("search", "/search?q=disk".into()),
        ("address-sets", "/address-sets".into()),
        ("address-set", "/address-sets/office".into()),
        ("members", "/members".into()),
        ("tokens", "/tokens".into()),
        ("account", "/account".into()),
        ("audit", "/audit".into()),
        ("error", "/incidents/INC-999".into()),
    ])
}
