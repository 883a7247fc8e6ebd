//! A server of another product with Hookgate's rules: it creates a webhook, judges three deliveries, opens an incident,
//! regenerates the URL and refuses the old one. A hash map stands for its database.
//!
//! `cargo run --example embed`

use std::collections::HashMap;
use std::error::Error;
use std::io::{self, Write};
use std::net::IpAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hookgate_domain::draft::DraftFields;
use hookgate_domain::{
    Attempt, Incident, IncidentDraft, IncidentNumber, KnownUrl, OrganizationId, Policy, SenderFormat,
    Timestamp, Webhook, WebhookHandle, WebhookId, WebhookIdDigest, judge,
};
use ring::error::Unspecified;
use ring::rand::{SecureRandom, SystemRandom};

fn main() -> Result<(), Box<dyn Error>> {
    let (random, now) = (randomness(), clock()?);
    let mut out = io::stdout().lock();

    writeln!(
        out,
        "1. A webhook that only 192.0.2.0/24 and 2001:db8::/32 may use:"
    )?;
    let id = new_id(&random)?;
    let webhook = new_webhook(&random, &id, now)?;
    writeln!(
        out,
        "   handle {}, to be named in logs; URL shown once: https://.../{}",
        webhook.handle,
        id.reveal()
    )?;
    writeln!(out, "   kept of the ID: its digest and the hint {}", id.hint())?;
    let mut database = HashMap::from([(id.digest(), KnownUrl::Live(webhook.clone()))]);

    writeln!(out, "2. Three attempts on that URL:")?;
    // The third delivery comes when the webhook's rate limit is reached, which the server counts in its own way.
    let attempts = [
        ("192.0.2.9", Ok(())),
        ("203.0.113.9", Ok(())),
        ("::ffff:192.0.2.9", Err(Duration::from_secs(30))),
    ];
    for (source, rate) in attempts {
        writeln!(out, "   {}", answer(&database, id.reveal(), source, rate)?)?;
    }

    writeln!(out, "3. The first one passed, so its payload opens an incident:")?;
    let incident = open_incident(&webhook, now)?;
    writeln!(
        out,
        "   {} {} ({}): {}",
        incident.number, incident.severity, incident.status, incident.title
    )?;

    writeln!(out, "4. The URL leaked, so the webhook gets a new one:")?;
    let fresh = new_id(&random)?;
    let change = webhook.regenerate(&fresh, now)?;
    writeln!(
        out,
        "   revision {}, new hint {}",
        change.webhook.revision,
        fresh.hint()
    )?;
    // A real server stores both in one transaction.
    database.insert(change.retired.digest, KnownUrl::Retired(change.retired));
    database.insert(fresh.digest(), KnownUrl::Live(change.webhook));
    writeln!(
        out,
        "   old URL: {}",
        answer(&database, id.reveal(), "192.0.2.9", Ok(()))?
    )?;
    writeln!(
        out,
        "   new URL: {}",
        answer(&database, fresh.reveal(), "192.0.2.9", Ok(()))?
    )?;
    Ok(())
}

/// Answers a request from its head, before the body is read.
fn answer(
    database: &HashMap<WebhookIdDigest, KnownUrl>,
    path: &str,
    source: &str,
    rate: Result<(), Duration>,
) -> Result<String, Box<dyn Error>> {
    let Ok(id) = path.parse::<WebhookId>() else {
        return Ok("not found: no webhook ID".into());
    };
    let Some(url) = database.get(&id.digest()) else {
        return Ok("not found: no such webhook".into());
    };
    let attempt = Attempt {
        source: source.parse::<IpAddr>()?.into(),
        format: SenderFormat::Custom,
        at: clock()?,
    };
    Ok(match judge(url, attempt, || rate) {
        Ok(admission) => format!("accepted: {admission}"),
        Err(denial) => format!("refused with {}: {denial}", denial.code()),
    })
}

fn new_webhook(random: &SystemRandom, id: &WebhookId, now: Timestamp) -> Result<Webhook, Box<dyn Error>> {
    let mut tail = [0; 10];
    random.fill(&mut tail)?;
    let handle = WebhookHandle::new(now, tail);
    let webhook = Webhook::new(
        handle,
        OrganizationId::FIRST,
        "disk alerts".parse()?,
        SenderFormat::Custom,
        id,
        now,
    );
    let policy = Policy {
        allowlist: "192.0.2.0/24, 2001:db8::/32".parse()?,
        ..Policy::default()
    };
    Ok(Webhook { policy, ..webhook })
}

fn open_incident(webhook: &Webhook, now: Timestamp) -> Result<Incident, Box<dyn Error>> {
    let fields = DraftFields {
        title: Some("Disk full on db1".into()),
        severity: Some("high".into()),
        dedup_key: Some("db1/disk".into()),
        ..DraftFields::default()
    };
    let draft = IncidentDraft::check(fields).map_err(|errors| format!("fields at fault: {errors:?}"))?;
    let number = IncidentNumber::new(1).ok_or("incident numbers begin at 1")?;
    let opened = Incident::open(number, webhook.organization, webhook.handle, draft, now);
    Ok(opened.ok_or("a draft that says resolved opens nothing")?)
}

fn new_id(random: &SystemRandom) -> Result<WebhookId, Unspecified> {
    WebhookId::generate(|buffer| random.fill(buffer))
}

#[expect(
    clippy::disallowed_methods,
    reason = "an embedder's outermost layer is where randomness comes from"
)]
fn randomness() -> SystemRandom {
    SystemRandom::new()
}

#[expect(
    clippy::disallowed_methods,
    reason = "an embedder's outermost layer is where time comes from"
)]
fn clock() -> Result<Timestamp, Box<dyn Error>> {
    Ok(Timestamp::from_micros(0).after(SystemTime::now().duration_since(UNIX_EPOCH)?))
}
