//! `hookgate doctor`: finds problems that silently cost deliveries, with fixes.

mod access;
mod finding;

use hookgate_domain::address_set::{AddressSetName, SetOrigin};
use hookgate_domain::invisible::with_hidden_shown;
use hookgate_domain::networks::network_warnings;
use hookgate_domain::policy::AllowlistMode;
use hookgate_domain::rotation::RotationAge;
use hookgate_domain::{Allowlist, IpNetwork, Timestamp, Webhook, WebhookHandle, WebhookState};
use hookgate_gate::{AddressStore, PageSize, PeopleStore, SoleSource, Store};
use hookgate_wire as wire;
use serde_json::json;

use crate::app::{self, App};
use crate::cli::Options;
use crate::config::{Config, FrontSettings, check_trust};
use crate::descriptors::ConnectionLimits;
use crate::failure::Failure;
use crate::output;
use finding::Finding;

const SEALING_KEY_FILE: &str = "store.sealing_key_file";

pub(crate) async fn run(options: &Options) -> Result<(), Failure> {
    // A configuration that can't be read is an error of the command, which lists every problem.
    let config = app::config(options)?;
    let mut findings = Vec::new();
    let exposed = access::exposed_files(options, config.as_ref());
    if let Some(config) = &config {
        about_files(config, &mut findings);
    }
    let (app, key_faults) = match App::inspect(options).await {
        Ok(inspected) => inspected,
        // A problem of its files may be the reason for which the store can't be reached.
        Err(failure) => {
            if !findings.is_empty() {
                show(&findings, options.json)?;
            }
            return Err(failure);
        }
    };
    if !findings.iter().any(|finding| finding.subject == SEALING_KEY_FILE) {
        findings.extend(key_faults.into_iter().map(|sentence| Finding {
            subject: "sealing key".to_owned(),
            sentence,
        }));
    }
    let now = app.gate.now();
    if let Some(config) = &config {
        about_expiry(config, now, &mut findings);
    }
    findings.extend(about_descriptors(&app).await?);
    about_proxies(&app, config.as_ref(), &mut findings).await?;
    about_sets(&app, now, &mut findings).await?;
    findings.extend(about_trail(&app).await?);
    about_failing(&app, &mut findings).await?;
    about_webhooks(&app, now, &mut findings).await?;
    findings.extend(access::findings(
        exposed,
        &access::exposed_files(options, config.as_ref()),
    ));
    show(&findings, options.json)
}

fn show(findings: &[Finding], as_json: bool) -> Result<(), Failure> {
    if as_json {
        let items: Vec<_> = findings
            .iter()
            .map(|finding| json!({"subject": finding.subject, "finding": finding.sentence}))
            .collect();
        return Ok(output::line(&output::json(&json!({"findings": items}))?)?);
    }
    for finding in findings {
        output::line(&format!(
            "{}: {}.",
            with_hidden_shown(&finding.subject),
            with_hidden_shown(&finding.sentence)
        ))?;
    }
    let sum = match findings.len() {
        0 => "No problems found".to_owned(),
        many => format!("{} found", wire::counted(many, "problem")),
    };
    Ok(output::line(&sum)?)
}

/// Checks that the server that started last can have its full number of connections.
async fn about_descriptors(app: &App) -> Result<Option<Finding>, Failure> {
    let limits = ConnectionLimits::within(app::descriptors(app.gate.store()).await?);
    Ok(limits.warning().map(|sentence| Finding {
        subject: "open files".to_owned(),
        sentence,
    }))
}

/// Checks the proxies in front of both listeners: the configured ones, and those that deliveries come through.
async fn about_proxies(
    app: &App,
    config: Option<&Config>,
    findings: &mut Vec<Finding>,
) -> Result<(), Failure> {
    let is_local = app.public_url.starts_with("https://localhost");
    let lone = app.gate.proxy_suspect().await?;
    if let Some(lone) = lone.filter(|lone| !(is_local && lone.address.is_loopback())) {
        let is_trusted = match config {
            Some(config) => {
                let trusted = trusted(app, &config.front).await?;
                trusted.iter().any(|network| network.contains(lone.address))
            }
            None => false,
        };
        findings.push(if is_trusted {
            silent_proxy(&lone)
        } else {
            untrusted_proxy(&lone)
        });
    }
    let fronts = config.map(|config| [("gate", &config.front), ("console", &config.console_front)]);
    for (section, front) in fronts.into_iter().flatten() {
        for name in &front.sets {
            if app.gate.store().address_set_by_name(name).await?.is_none() {
                findings.push(missing_set(section, name));
            }
        }
        if let Err(problem) = check_trust(trusted(app, front).await?) {
            findings.push(too_much_trust(section, front, &problem));
        }
    }
    Ok(())
}

/// The networks that a listener trusts now.
async fn trusted(app: &App, front: &FrontSettings) -> Result<Vec<IpNetwork>, Failure> {
    let mut networks = front.trusted.clone();
    for name in &front.sets {
        let store = app.gate.store();
        let Some(set) = store.address_set_by_name(name).await? else {
            continue;
        };
        let held = store.address_set_networks(name, set.version).await?;
        networks.extend(held.iter().flat_map(|held| held.as_slice()));
    }
    Ok(networks)
}

fn too_much_trust(section: &str, front: &FrontSettings, problem: &str) -> Finding {
    let sets: Vec<_> = front.sets.iter().map(|name| format!("@{name}")).collect();
    Finding {
        subject: format!("{section}.trusted_proxies"),
        sentence: format!(
            "{} {problem}. A server does not start with this; a running server keeps the earlier proxies",
            sets.join(", ")
        ),
    }
}

fn untrusted_proxy(lone: &SoleSource) -> Finding {
    Finding {
        subject: "gate.trusted_proxies".to_owned(),
        sentence: format!(
            "all traffic in the last hour ({}) came from one private address, {}. It is probably a proxy that is \
             not trusted yet: add it to gate.trusted_proxies and set gate.proxy_protocol or gate.forwarded \
             (docs/proxies.md). If {} is your only sender, ignore this",
            wire::counted(lone.deliveries, "delivery"),
            lone.address,
            lone.address
        ),
    }
}

fn silent_proxy(lone: &SoleSource) -> Finding {
    Finding {
        subject: "gate.trusted_proxies".to_owned(),
        sentence: format!(
            "all traffic in the last hour ({}) came from {}, which is trusted but sends no client address: \
             configure it for gate.proxy_protocol or gate.forwarded (docs/proxies.md), or allowlists refuse it",
            wire::counted(lone.deliveries, "delivery"),
            lone.address
        ),
    }
}

fn missing_set(section: &str, name: &AddressSetName) -> Finding {
    Finding {
        subject: format!("{section}.trusted_proxies"),
        sentence: format!(
            "there is no address set @{name}: create it with `hookgate addresses import {name} …`"
        ),
    }
}

/// Checks the files that the configuration names, by reading them as a server would.
fn about_files(config: &Config, findings: &mut Vec<Finding>) {
    findings.extend(config.certificate_problems().map(|mut problem| {
        problem.sentence.push_str("; a running server keeps the old one");
        Finding::from(problem)
    }));
    findings.extend(config.other_problems().map(Finding::from));
}

/// Expired certificates.
fn about_expiry(config: &Config, now: Timestamp, findings: &mut Vec<Finding>) {
    let all = [Some(&config.certificate), config.console_certificate.as_ref()];
    let expired = all.into_iter().flatten().filter_map(|files| files.expired(now));
    findings.extend(expired.map(Finding::from));
}

async fn about_sets(app: &App, now: Timestamp, findings: &mut Vec<Finding>) -> Result<(), Failure> {
    for set in app.gate.store().address_sets().await? {
        let subject = format!("@{}", set.name);
        let networks = app.gate.address_set(&set.name).await?.1;
        let remarks: Vec<_> = match &set.origin {
            SetOrigin::Own => {
                let warnings = network_warnings(networks.as_slice().iter().copied());
                warnings.map(|warning| warning.to_string()).collect()
            }
            // A published list may be large and contain private networks, but it must not be too wide.
            SetOrigin::Published { .. } => {
                let too_wide = networks.check_width().err();
                let sentence = |error| format!("{error}: too many addresses for a published list. Remove it");
                too_wide.map(sentence).into_iter().collect()
            }
        };
        findings.extend(remarks.into_iter().map(|sentence| Finding {
            subject: subject.clone(),
            sentence,
        }));
        if let Some(fault) = &set.reading.fault {
            let read_at = set.reading.read_at.map_or_else(|| "never".to_owned(), wire::time);
            findings.push(Finding {
                subject: subject.clone(),
                sentence: format!(
                    "the published list could not be read (last time it could: {read_at}): {fault}"
                ),
            });
        } else if set.is_stale(now) {
            findings.push(Finding {
                subject: subject.clone(),
                sentence: "the published list was not downloaded for three days: is a server running?"
                    .to_owned(),
            });
        }
        if let Some(pending) = set.pending {
            findings.push(Finding {
                subject,
                sentence: format!(
                    "version {pending} needs approval, because it would remove or add more than half of the set: \
                     `hookgate addresses diff {name}`, then approve or reject",
                    name = set.name
                ),
            });
        }
    }
    Ok(())
}

async fn about_webhooks(app: &App, now: Timestamp, findings: &mut Vec<Finding>) -> Result<(), Failure> {
    let mut after: Option<WebhookHandle> = None;
    loop {
        let page = app.gate.store().webhook_page(after, PageSize::MAX).await?;
        let Some(last) = page.last() else {
            return Ok(());
        };
        after = Some(last.handle);
        let alive = page
            .iter()
            .filter(|webhook| matches!(webhook.state, WebhookState::Active(_)));
        for webhook in alive {
            if let Some(leaver) = &webhook.leaver {
                findings.push(Finding {
                    subject: webhook.name.to_string(),
                    sentence: format!(
                        "{} was removed on {} and had been shown its URL or signing secret: `hookgate webhook regenerate {}`",
                        leaver.name,
                        wire::time(leaver.since),
                        webhook.handle
                    ),
                });
            }
            findings.extend(of_use(app, webhook, now).await?);
            let resolved = app.gate.resolved(&webhook.policy.allowlist).await?;
            for sentence in of_list(&resolved, now) {
                findings.push(Finding {
                    subject: webhook.name.to_string(),
                    sentence,
                });
            }
        }
    }
}

/// Problems in the use of an active webhook: refused senders, an exposed URL, an overdue rotation.
async fn of_use(app: &App, webhook: &Webhook, now: Timestamp) -> Result<Vec<Finding>, Failure> {
    let mut sentences = Vec::new();
    let seen = match webhook.policy.allowlist_mode {
        AllowlistMode::Enforce => None,
        // Loaded alone, because only then the address sets of its allowlist are resolved.
        AllowlistMode::Observe => match app.gate.store().webhook_by_handle(webhook.handle).await? {
            Some(whole) => app.gate.observation(&whole).await?,
            None => None,
        },
    };
    if let Some(seen) = seen.filter(|seen| seen.refused_senders > 0) {
        let sentence = wire::observed(seen).sentence(now);
        sentences.push(sentence.trim_end_matches('.').to_owned());
    }
    match webhook.rotation_age(now) {
        RotationAge::Exposed { .. } => sentences.push(
            "its URL was used over unencrypted HTTP and may have been read by others: regenerate it"
                .to_owned(),
        ),
        RotationAge::Due { days_over } => {
            sentences.push(format!(
                "rotation of its URL is overdue by {}",
                wire::counted(days_over, "day")
            ));
        }
        // A separate finding names the removed member.
        RotationAge::KnownToLeaver { .. } | RotationAge::Fresh { .. } | RotationAge::NotTracked => {}
    }
    let finding = |sentence| Finding {
        subject: webhook.name.to_string(),
        sentence,
    };
    Ok(sentences.into_iter().map(finding).collect())
}

/// Checks for entries that the full audit trail removed too early.
async fn about_trail(app: &App) -> Result<Option<Finding>, Failure> {
    let removed = app.gate.store().audit_removed_early().await?;
    Ok((removed > 0).then(|| Finding {
        subject: "audit trail".to_owned(),
        sentence: format!(
            "full: {} removed before two years, the oldest of the actor and act that has most; see who fills it, and export it \
             regularly",
            wire::counted(removed, "entry")
        ),
    }))
}

/// Checks for webhooks whose deliveries are refused.
async fn about_failing(app: &App, findings: &mut Vec<Finding>) -> Result<(), Failure> {
    for one in app.gate.failing().await? {
        let Some(webhook) = app.gate.store().webhook_by_handle(one.webhook).await? else {
            continue;
        };
        let refused = one.day.refusals();
        findings.push(Finding {
            subject: webhook.name.to_string(),
            sentence: format!(
                "failing: {refused} of {} in the last 24 hours refused, mostly {} ({})",
                wire::counted(one.day.accepted.saturating_add(refused), "delivery"),
                one.code,
                one.code.message()
            ),
        });
    }
    Ok(())
}

fn of_list(list: &Allowlist, now: Timestamp) -> Vec<String> {
    let mut sentences: Vec<_> = list.warnings(None, now).iter().map(ToString::to_string).collect();
    let over = list
        .entries()
        .into_iter()
        .flatten()
        .filter(|entry| entry.is_over(now));
    let over = over.count();
    if over > 0 {
        sentences.push(format!(
            "its allowlist has {} to remove",
            wire::counted(over, "expired entry")
        ));
    }
    sentences
}
