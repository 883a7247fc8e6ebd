//! Lifecycle of URLs: create, regenerate, revoke. A URL is shown once, on the page that a redirect leads to, and
//! nowhere else.

use std::fmt::Display;
use std::time::Duration;

use hookgate_domain::{Policy, SenderFormat};
use hookgate_gate::{
    Issued as GateIssued, NewWebhook as GateNew, PageSize, PeopleStore, SigningSecret, SourceTotal, Store,
};
use hookgate_pages::{
    Impact, Issue, Issued, NewWebhook, Range, RegenerateConfirm, RevokeConfirm, WebhookForm,
};
use hookgate_people::Permission;
use zeroize::Zeroizing;

use super::answers::{page, re_render};
use super::once::Done;
use super::page_context::PageContext;
use super::webhook::{find, find_manageable, sources};
use super::webhook_form;
use crate::html;
use hookgate_request::{ApiError, Fields};
use hookgate_transport::Reply;
use hookgate_wire::webhook_url;

/// First sealed value for the page of a new URL: the webhook was created.
const CREATED: &str = "created";
/// First sealed value for the page of a new URL: the URL was regenerated.
const REGENERATED: &str = "regenerated";

const DAY: Duration = Duration::from_hours(24);
const WEEK: Duration = Duration::from_hours(7 * 24);
/// Maximum number of shown sources that lose access.
const SOURCES: PageSize = PageSize::new(5).unwrap();

/// Creates a webhook from the form.
pub(super) async fn create<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    fields: &Fields<'_>,
) -> Result<Reply, ApiError> {
    context.signed_in.require(Permission::ManageWebhooks)?;
    let form = webhook_form::typed(fields);
    let issued = context.once(fields, async |actor| -> Result<_, ApiError> {
        Ok(context.gate().create(actor, wanted(fields, &form)?).await?)
    });
    match issued.await? {
        Done::Now(issued) => show(context, &issued, CREATED),
        Done::Before(made) => Ok(context.done_already(&url_page(&made.id))),
        Done::Refused(fault) => {
            let problems = webhook_form::form_problems(fault)?;
            let shell = context.shell();
            re_render(
                NewWebhook {
                    shell,
                    form,
                    problems,
                }
                .render(),
            )
        }
    }
}

/// Parses the form of a new webhook.
fn wanted(fields: &Fields<'_>, form: &WebhookForm) -> Result<GateNew, ApiError> {
    fields.complete(&[], &["signed"])?;
    let change = webhook_form::edited(fields, form)?;
    let name = change.name.clone();
    let mut name = name.ok_or_else(|| ApiError::field("name", "required", "1 to 100 characters"))?;
    let mut policy = Policy::default();
    change.apply(&mut name, &mut policy)?;
    Ok(GateNew {
        name,
        format: SenderFormat::Custom,
        policy,
        signed: form.signed,
    })
}

/// Asks for confirmation before a URL is replaced.
pub(super) async fn ask_regenerate<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    handle: &str,
) -> Result<Reply, ApiError> {
    let webhook = find_manageable(context, handle).await?;
    page(
        RegenerateConfirm {
            shell: context.shell(),
            handle: webhook.handle,
            name: webhook.name.as_str().into(),
            hint: webhook.state.hint().to_string(),
            impact: impact(context, &webhook).await?,
        }
        .render(),
    )
}

/// Gives a webhook a new URL.
pub(super) async fn regenerate<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    handle: &str,
    fields: &Fields<'_>,
) -> Result<Reply, ApiError> {
    let webhook = find_manageable(context, handle).await?;
    let issued = context.once(fields, async |actor| {
        context.gate().regenerate(actor, webhook.handle).await
    });
    match issued.await? {
        Done::Now(issued) => show(context, &issued, REGENERATED),
        Done::Before(made) => Ok(context.done_already(&url_page(&made.id))),
        Done::Refused(error) => Err(error.into()),
    }
}

/// Shows the page with a new URL, once.
pub(super) async fn shown<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    handle: &str,
) -> Result<Reply, ApiError> {
    let webhook = find_manageable(context, handle).await?;
    let values = context.shown_once();
    let value = |place: usize| Some(values.as_ref()?.get(place)?.as_str());
    let issue = match value(0) {
        Some(REGENERATED) => Issue::Regenerated,
        _ => Issue::Created,
    };
    context.once_page(
        Issued {
            shell: context.shell(),
            handle: webhook.handle,
            name: webhook.name.as_str().into(),
            issue,
            url: value(1).map(Into::into),
            signing_secret: value(2).map(Into::into),
            ca_file: context.console.addresses.ca.clone(),
        }
        .render(),
    )
}

/// Asks for confirmation before a webhook is revoked.
pub(super) async fn ask_revoke<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    handle: &str,
) -> Result<Reply, ApiError> {
    context.signed_in.require(Permission::ManageWebhooks)?;
    page(revoke_model(context, handle, None).await?.render())
}

/// Revokes a webhook, if its name was typed correctly.
pub(super) async fn revoke<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    handle: &str,
    fields: &Fields<'_>,
) -> Result<Reply, ApiError> {
    let webhook = find_manageable(context, handle).await?;
    let typed = fields.text("name").trim();
    if typed != webhook.name.as_str() {
        let problem = "The name does not match. Type it exactly as shown.";
        return re_render(revoke_model(context, handle, Some(problem)).await?.render());
    }
    context
        .gate()
        .revoke(&context.signed_in.actor, webhook.handle)
        .await?;
    Ok(html::see_other(&format!("/webhooks/{handle}?done=revoked")))
}

async fn revoke_model<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    handle: &str,
    problem: Option<&str>,
) -> Result<RevokeConfirm, ApiError> {
    let webhook = find(context, handle).await?;
    Ok(RevokeConfirm {
        shell: context.shell(),
        handle: webhook.handle,
        name: webhook.name.as_str().into(),
        hint: webhook.state.hint().to_string(),
        impact: impact(context, &webhook).await?,
        problem: problem.map(Into::into),
    })
}

async fn impact<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    webhook: &hookgate_domain::Webhook,
) -> Result<Impact, ApiError> {
    let store = context.gate().store();
    let usage = store.usage_many(&[webhook.handle], context.now).await?;
    let day = usage.into_iter().next();
    let week = context.now.before(WEEK);
    let senders = store.accepted_sources(webhook.handle, week).await?;
    let yesterday = context.now.before(DAY);
    let lately = |sender: &&SourceTotal| sender.accepted > 0 && sender.last_seen >= yesterday;
    let accepted = senders.sources.iter().map(|sender| sender.accepted);
    Ok(Impact {
        deliveries_day: day.as_ref().map_or(0, |day| day.totals.accepted),
        senders_day: senders.sources.iter().filter(lately).count() as u64,
        deliveries_week: accepted.fold(senders.beyond_accepted, u64::saturating_add),
        senders_week: senders.sources.len() as u64,
        last_seen: day.and_then(|day| day.last).map(|last| last.at),
        sources: sources(context, webhook, Range::Week, SOURCES).await?,
    })
}

/// Redirects to the page that shows the new URL.
fn show<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    issued: &GateIssued,
    issue: &str,
) -> Result<Reply, ApiError> {
    let url = Zeroizing::new(webhook_url(&context.console.addresses.gate, issued));
    let secret = issued.signing_secret.as_ref().map(SigningSecret::reveal);
    let values = [
        Some(issue),
        Some(url.as_str()),
        secret.as_ref().map(|secret| secret.as_str()),
    ];
    let values: Vec<&str> = values.into_iter().flatten().collect();
    context.show_once(&url_page(&issued.webhook.handle), &values)
}

/// The path of the page that shows a new URL.
fn url_page(handle: &impl Display) -> String {
    format!("/webhooks/{handle}/url")
}

#[cfg(test)]
mod tests;
