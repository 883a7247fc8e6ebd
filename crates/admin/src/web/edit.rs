//! `/webhooks/new` and `/webhooks/{handle}/edit`: the form of a webhook.

use hookgate_domain::{Policy, Webhook, WebhookName};
use hookgate_gate::{PeopleStore, PreviewDays, Store};
use hookgate_pages::{ConflictRow, EditWebhook, NewWebhook, Problem, WebhookForm};
use hookgate_people::Permission;

use super::allowlist_preview::preview_of;
use super::answers::{page, re_render};
use super::conflict::{conflict, opened_with, shown_value};
use super::page_context::PageContext;
use super::webhook::{find, find_manageable};
use super::webhook_form::{edited, form_of, form_problems, typed};
use crate::{change, html};
use hookgate_request::{ApiError, ErrorCode, Fields};
use hookgate_transport::Reply;
use hookgate_wire as wire;

/// Shows the form of a new webhook, empty or with the typed values.
pub(super) fn new<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    form: WebhookForm,
) -> Result<Reply, ApiError> {
    context.signed_in.require(Permission::ManageWebhooks)?;
    page(
        NewWebhook {
            shell: context.shell(),
            form,
            problems: Vec::new(),
        }
        .render(),
    )
}

/// Shows the form with the webhook's values. `add` appends an address to the allowlist, for the member to save.
pub(super) async fn show<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    handle: &str,
) -> Result<Reply, ApiError> {
    let webhook = find_manageable(context, handle).await?;
    let query = context.fields(&["add"])?;
    let mut form = form_of(&webhook);
    // An empty allowlist permits every source. With one entry, it would refuse all others.
    if let Some(add) = query.get("add").filter(|_| !form.allowlist.is_empty()) {
        form.allowlist.push('\n');
        form.allowlist.push_str(add);
    }
    page(model(context, &webhook, form, Vec::new()).render())
}

/// Shows the form with the typed values after its session has ended.
pub(super) async fn restore<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    handle: &str,
    fields: &Fields<'_>,
) -> Result<Reply, ApiError> {
    let webhook = find_manageable(context, handle).await?;
    let model = EditWebhook {
        revision: fields.read("revision")?.unwrap_or(webhook.revision),
        ..model(context, &webhook, typed(fields), Vec::new())
    };
    page(model.render())
}

/// Saves the form if the webhook still has the revision that the form was opened with, or the one that the member has
/// decided to overwrite.
pub(super) async fn save<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    handle: &str,
    fields: &Fields<'_>,
) -> Result<Reply, ApiError> {
    let webhook = find_manageable(context, handle).await?;
    let form = typed(fields);
    let opened = opened_with(fields)?;
    let saved = match edited(fields, &form) {
        Ok(change) => {
            let revision = fields.read("overwrite")?.unwrap_or(opened);
            let actor = &context.signed_in.actor;
            let apply = |name: &mut WebhookName, policy: &mut Policy| change.apply(name, policy);
            let gate = context.gate();
            gate.edit(actor, webhook.handle, Some(revision), apply).await
        }
        Err(fault) => Err(fault),
    };
    let (conflict, problems) = match saved {
        Ok(_) => return Ok(html::see_other(&format!("/webhooks/{handle}?done=edited"))),
        Err(fault) if fault.code == ErrorCode::PreconditionFailed => {
            // The webhook is read again, because it may have changed since it was read above.
            let webhook = find(context, handle).await?;
            let rows = differences(&form_of(&webhook), &form);
            let subject = webhook.handle.to_string();
            let page = format!("/webhooks/{handle}/edit");
            (
                Some(conflict(context, subject, webhook.revision, page, rows).await?),
                Vec::new(),
            )
        }
        Err(fault) => (None, form_problems(fault)?),
    };
    let model = EditWebhook {
        revision: opened,
        conflict,
        ..model(context, &webhook, form, problems)
    };
    re_render(model.render())
}

/// Fields in which the two forms differ.
fn differences(theirs: &WebhookForm, mine: &WebhookForm) -> Vec<ConflictRow> {
    let on = |is_on: bool| if is_on { "yes" } else { "no" }.to_owned();
    let values = |form: &WebhookForm| {
        [
            ("Name", form.name.clone()),
            ("Allowlist", form.allowlist.replace('\r', "")),
            ("Observe only", on(form.observe)),
            ("Store payloads", on(form.payload_logging)),
            ("Largest payload (bytes)", form.body_bytes.clone()),
            ("Rate limit, deliveries per minute", form.per_minute.clone()),
            ("Response above the limit", form.overload.clone()),
            (
                "Remind to rotate the URL after (days)",
                form.rotation_days.clone(),
            ),
        ]
    };
    let pairs = values(theirs).into_iter().zip(values(mine));
    pairs
        .filter(|((_, theirs), (_, mine))| theirs.trim() != mine.trim())
        .map(|((label, theirs), (_, mine))| ConflictRow {
            label,
            theirs: shown_value(&theirs),
            mine: shown_value(&mine),
        })
        .collect()
}

/// Previews the allowlist: the form again with the senders that would and would not pass or, for the script, only
/// that part.
pub(super) async fn preview<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    handle: &str,
    fields: &Fields<'_>,
) -> Result<Reply, ApiError> {
    let webhook = find_manageable(context, handle).await?;
    fields.complete(&["allowlist"], &[])?;
    let form = typed(fields);
    let days = change::preview_days(fields.read("days")?)?;
    let preview = preview_of(context, &webhook, &form.allowlist, days).await?;
    if context.fragment {
        return page(preview.render());
    }
    let model = EditWebhook {
        revision: opened_with(fields)?,
        preview: Some(preview),
        ..model(context, &webhook, form, Vec::new())
    };
    page(model.render())
}

/// Shows the form with the allowlist that the senders of the last 30 days need, for the member to save.
pub(super) async fn suggest<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    handle: &str,
    fields: &Fields<'_>,
) -> Result<Reply, ApiError> {
    let webhook = find_manageable(context, handle).await?;
    let actor = &context.signed_in.actor;
    let suggestion = context.gate().allowlist_suggestion(actor, webhook.handle).await?;
    let mut form = typed(fields);
    if !suggestion.entries.is_empty() {
        let lines: Vec<_> = suggestion.entries.iter().map(ToString::to_string).collect();
        form.allowlist = lines.join("\n");
    }
    let mut preview = preview_of(context, &webhook, &form.allowlist, PreviewDays::Month).await?;
    for (line, addresses) in preview.lines.iter_mut().zip(&suggestion.addresses) {
        line.width = Some(wire::width(*addresses));
    }
    let model = EditWebhook {
        revision: opened_with(fields)?,
        preview: Some(preview),
        ..model(context, &webhook, form, Vec::new())
    };
    page(model.render())
}

fn model<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    webhook: &Webhook,
    form: WebhookForm,
    problems: Vec<Problem>,
) -> EditWebhook {
    EditWebhook {
        shell: context.shell(),
        handle: webhook.handle,
        name: webhook.name.as_str().into(),
        revision: webhook.revision,
        conflict: None,
        form,
        problems,
        preview: None,
    }
}

#[cfg(test)]
mod tests;
