//! What makes and ends URLs: create, regenerate, revoke. A URL is on the page that answers, and nowhere else.

use std::time::Duration;

use hookgate_domain::{Permission, Policy, SenderFormat};
use hookgate_gate::{Issued as GateIssued, NewWebhook as GateNew, PeopleStore, SourceTotal, Store};
use hookgate_pages::{Impact, Issue, Issued, NewWebhook, Range, RegenerateConfirm, RevokeConfirm};

use super::webhook::{find, sources};
use super::{Screen, again, edit, page};
use crate::console::fault::Fault;
use crate::console::html;
use crate::console::query::Fields;
use crate::reply::Reply;
use crate::wire::webhook_url;

const DAY: Duration = Duration::from_hours(24);
const WEEK: Duration = Duration::from_hours(7 * 24);
/// Sources that are shown to be cut off.
const SOURCES: u16 = 5;

/// Makes a webhook from the form.
pub(super) async fn create<S: Store + PeopleStore>(
    screen: &Screen<'_, S>,
    fields: &Fields<'_>,
) -> Result<Reply, Fault> {
    screen.visitor.require(Permission::ManageWebhooks)?;
    let form = edit::read(fields);
    let change = edit::change(&form).and_then(|change| match change.name.clone() {
        Some(name) => Ok((change, name)),
        None => Err(Fault::field("name", "required", "1 to 100 characters")),
    });
    let (change, mut name) = match change {
        Ok(read) => read,
        Err(fault) => {
            let problems = edit::told(fault)?;
            let shell = screen.shell();
            return again(
                NewWebhook {
                    shell,
                    form,
                    problems,
                }
                .render(),
            );
        }
    };
    let mut policy = Policy::default();
    change.apply(&mut name, &mut policy);
    let new = GateNew {
        name,
        format: SenderFormat::Custom,
        policy,
        signed: form.signed,
    };
    let issued = screen.gate().create(&screen.visitor.acting, new).await?;
    shown(screen, &issued, Issue::Created)
}

/// Asks before a URL is replaced.
pub(super) async fn ask_regenerate<S: Store + PeopleStore>(
    screen: &Screen<'_, S>,
    handle: &str,
) -> Result<Reply, Fault> {
    screen.visitor.require(Permission::ManageWebhooks)?;
    let webhook = find(screen, handle).await?;
    page(
        RegenerateConfirm {
            shell: screen.shell(),
            handle: webhook.handle,
            name: webhook.name.as_str().into(),
            hint: webhook.state.hint().to_string(),
            impact: impact(screen, &webhook).await?,
        }
        .render(),
    )
}

/// Gives a webhook a new URL.
pub(super) async fn regenerate<S: Store + PeopleStore>(
    screen: &Screen<'_, S>,
    handle: &str,
) -> Result<Reply, Fault> {
    let webhook = find(screen, handle).await?;
    let acting = &screen.visitor.acting;
    let issued = screen.gate().regenerate(acting, webhook.handle).await?;
    shown(screen, &issued, Issue::Regenerated)
}

/// Asks before a webhook is killed.
pub(super) async fn ask_revoke<S: Store + PeopleStore>(
    screen: &Screen<'_, S>,
    handle: &str,
) -> Result<Reply, Fault> {
    screen.visitor.require(Permission::ManageWebhooks)?;
    page(revoke_model(screen, handle, None).await?.render())
}

/// Kills a webhook whose name was typed.
pub(super) async fn revoke<S: Store + PeopleStore>(
    screen: &Screen<'_, S>,
    handle: &str,
    fields: &Fields<'_>,
) -> Result<Reply, Fault> {
    screen.visitor.require(Permission::ManageWebhooks)?;
    let webhook = find(screen, handle).await?;
    let typed = fields.get("name").unwrap_or_default().trim();
    if typed != webhook.name.as_str() {
        let problem = "That is not its name. Type the name exactly as it is shown.";
        return again(revoke_model(screen, handle, Some(problem)).await?.render());
    }
    screen
        .gate()
        .revoke(&screen.visitor.acting, webhook.handle)
        .await?;
    Ok(html::see_other(&format!("/webhooks/{handle}?done=revoked")))
}

async fn revoke_model<S: Store + PeopleStore>(
    screen: &Screen<'_, S>,
    handle: &str,
    problem: Option<&str>,
) -> Result<RevokeConfirm, Fault> {
    let webhook = find(screen, handle).await?;
    Ok(RevokeConfirm {
        shell: screen.shell(),
        handle: webhook.handle,
        name: webhook.name.as_str().into(),
        hint: webhook.state.hint().to_string(),
        impact: impact(screen, &webhook).await?,
        problem: problem.map(Into::into),
    })
}

async fn impact<S: Store + PeopleStore>(
    screen: &Screen<'_, S>,
    webhook: &hookgate_domain::Webhook,
) -> Result<Impact, Fault> {
    let store = screen.gate().store();
    let usage = store.usage_many(&[webhook.handle], screen.now).await?;
    let day = usage.into_iter().next();
    let week = screen.now.before(WEEK);
    let senders = store.accepted_sources(webhook.handle, week).await?;
    let yesterday = screen.now.before(DAY);
    let lately = |sender: &&SourceTotal| sender.accepted > 0 && sender.last_seen >= yesterday;
    let accepted = senders.sources.iter().map(|sender| sender.accepted);
    Ok(Impact {
        deliveries_day: day.as_ref().map_or(0, |day| day.accepted),
        senders_day: senders.sources.iter().filter(lately).count() as u64,
        deliveries_week: accepted.fold(senders.beyond_accepted, u64::saturating_add),
        senders_week: senders.sources.len() as u64,
        last_seen: day.and_then(|day| day.last).map(|last| last.at),
        sources: sources(screen, webhook, Range::Week, SOURCES).await?,
    })
}

fn shown<S: Store + PeopleStore>(
    screen: &Screen<'_, S>,
    issued: &GateIssued,
    issue: Issue,
) -> Result<Reply, Fault> {
    let secret = issued.signing_secret.as_ref();
    page(
        Issued {
            shell: screen.shell(),
            handle: issued.webhook.handle,
            name: issued.webhook.name.as_str().into(),
            issue,
            url: webhook_url(&screen.console.addresses.gate, issued).into(),
            signing_secret: secret.map(|secret| secret.reveal().to_string().into()),
            ca_file: screen.console.addresses.ca.clone(),
        }
        .render(),
    )
}
