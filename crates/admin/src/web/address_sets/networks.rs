//! The form with the networks of an own set: preview, save, and restore after a sign-in.

use hookgate_gate::{PeopleStore, Store};
use hookgate_pages::{AddressSetDetail, ConflictRow};
use hookgate_people::Permission;

use super::view::{change_of, detail, entries, find, lines, warnings};
use crate::html;
use crate::set_source::networks_of;
use crate::web::answers::{page, problems, re_render};
use crate::web::conflict::{conflict, opened_with, shown_value};
use crate::web::page_context::PageContext;
use hookgate_request::{ApiError, ErrorCode, Fields};
use hookgate_transport::Reply;

/// Saves other networks for an own set.
pub(in super::super) async fn edit<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    name: &str,
    fields: &Fields<'_>,
) -> Result<Reply, ApiError> {
    context.signed_in.require(Permission::ManageWebhooks)?;
    let (set, _) = find(context, name).await?;
    let opened = opened_with(fields)?;
    let typed = fields.text("networks");
    let networks = fields
        .complete(&["networks"], &[])
        .and_then(|()| networks_of(&entries(typed)));
    let saved = match networks {
        Ok(networks) => {
            let revision = fields.read("overwrite")?.unwrap_or(opened);
            let actor = &context.signed_in.actor;
            let edited = context
                .gate()
                .address_set_edit(actor, &set.name, Some(revision), networks);
            edited.await.map_err(ApiError::from)
        }
        Err(fault) => Err(fault),
    };
    let mut detail = detail(context, &set, typed.to_owned()).await?;
    detail.revision = opened;
    match saved {
        Ok(_) => return Ok(html::see_other(&format!("/address-sets/{name}?done=set-changed"))),
        Err(fault) if fault.code == ErrorCode::PreconditionFailed => {
            // The set is read again, because it may have changed since it was read above.
            let (set, networks) = find(context, name).await?;
            let row = ConflictRow {
                label: "Networks",
                theirs: shown_value(&lines(&networks)),
                mine: shown_value(typed),
            };
            let subject = set.name.to_string();
            let theirs = format!("/address-sets/{name}");
            let conflict = conflict(context, subject, set.revision, theirs, vec![row]).await?;
            detail.conflict = Some(conflict);
        }
        Err(fault) => detail.problems = problems(fault)?,
    }
    re_render(detail.render())
}

/// Shows the page of a set with the networks that were typed.
pub(in super::super) async fn restore<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    name: &str,
    fields: &Fields<'_>,
) -> Result<Reply, ApiError> {
    let (set, _) = find(context, name).await?;
    let typed = fields.text("networks");
    let mut detail = detail(context, &set, typed.to_owned()).await?;
    detail.revision = fields.read("revision")?.unwrap_or(set.revision);
    page(detail.render())
}

/// Previews other networks for an own set.
pub(in super::super) async fn preview<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    name: &str,
    fields: &Fields<'_>,
) -> Result<Reply, ApiError> {
    context.signed_in.require(Permission::ManageWebhooks)?;
    let (set, known) = find(context, name).await?;
    let opened = opened_with(fields)?;
    let typed = fields.text("networks");
    let mut detail = detail(context, &set, typed.to_owned()).await?;
    detail.revision = opened;
    let networks = match networks_of(&entries(typed)) {
        Ok(networks) => networks,
        Err(fault) => {
            detail.problems = problems(fault)?;
            return re_render(detail.render());
        }
    };
    let change = Some(change_of(context, &set, &known, &networks).await?);
    let warnings = warnings(context, Some(&known), &networks);
    page(
        AddressSetDetail {
            change,
            warnings,
            ..detail
        }
        .render(),
    )
}
