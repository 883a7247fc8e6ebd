//! `/webhooks/{handle}/enforce`: from observe to enforce mode, with the effect in numbers.

use hookgate_domain::policy::AllowlistMode;
use hookgate_gate::{PeopleStore, Store};
use hookgate_pages::{Confirm, UserText};

use super::answers::page;
use super::confirm;
use super::conflict::opened_with;
use super::page_context::PageContext;
use super::webhook::find_manageable;
use crate::html;
use hookgate_request::{ApiError, ErrorCode, Fields};
use hookgate_transport::Reply;
use hookgate_wire as wire;

/// Asks for confirmation, with the senders and deliveries that would have been refused while the webhook observed.
pub(super) async fn ask<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    handle: &str,
) -> Result<Reply, ApiError> {
    let webhook = find_manageable(context, handle).await?;
    let back = format!("/webhooks/{}", webhook.handle);
    let Some(seen) = context.gate().observation(&webhook).await? else {
        return Ok(html::see_other(&back));
    };
    let consequences = vec![
        UserText::from(wire::observed(seen).sentence(context.now)),
        "Deliveries from other addresses will then get 403.".into(),
    ];
    let title = "Enforce the allowlist?".to_owned();
    let confirm = Confirm {
        consequences,
        fields: vec![("revision".to_owned(), webhook.revision.to_string())],
        ..confirm::question(context, title, "Enforce", format!("{back}/enforce"), &back)
    };
    page(confirm.render())
}

/// Enforces the allowlist, if the webhook still has the revision of the confirmation.
pub(super) async fn enforce<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    handle: &str,
    fields: &Fields<'_>,
) -> Result<Reply, ApiError> {
    let webhook = find_manageable(context, handle).await?;
    let revision = opened_with(fields)?;
    let actor = &context.signed_in.actor;
    let enforced = context
        .gate()
        .edit(actor, webhook.handle, Some(revision), |_, policy| {
            policy.allowlist_mode = AllowlistMode::Enforce;
            Ok::<_, ApiError>(())
        });
    match enforced.await {
        Ok(_) => Ok(html::see_other(&format!("/webhooks/{handle}?done=enforced"))),
        // The confirmation is shown again, with new numbers.
        Err(fault) if fault.code == ErrorCode::PreconditionFailed => ask(context, handle).await,
        Err(fault) => Err(fault),
    }
}

#[cfg(test)]
mod tests;
