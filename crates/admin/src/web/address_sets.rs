//! `/address-sets`: named lists of networks.

pub(super) mod create;
pub(super) mod networks;
mod view;

use hookgate_gate::{AddressSetError, PeopleStore, Store};
use hookgate_pages::{AddressSetDetail, Confirm};
use hookgate_people::Permission;

use self::view::{change_of, detail, find, lines, warnings};
use super::answers::page;
use super::confirm;
use super::page_context::PageContext;
use crate::html;
use hookgate_request::{ApiError, ErrorCode, Fields};
use hookgate_transport::Reply;

/// Shows the list.
pub(super) async fn list<S: Store + PeopleStore>(context: &PageContext<'_, S>) -> Result<Reply, ApiError> {
    context.fields(&[])?;
    page(view::list(context).await?.render())
}

/// Shows one set.
pub(super) async fn show<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    name: &str,
) -> Result<Reply, ApiError> {
    context.fields(&[])?;
    let (set, networks) = find(context, name).await?;
    let change = match set.pending {
        None => None,
        Some(pending) => {
            let waiting = context
                .gate()
                .store()
                .address_set_networks(&set.name, pending)
                .await?;
            match waiting {
                Some(waiting) => Some(change_of(context, &set, &networks, &waiting).await?),
                None => None,
            }
        }
    };
    let detail = detail(context, &set, lines(&networks)).await?;
    let warnings = warnings(context, None, &networks);
    page(
        AddressSetDetail {
            change,
            warnings,
            ..detail
        }
        .render(),
    )
}

/// Downloads a published list again.
pub(super) async fn refresh<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    name: &str,
) -> Result<Reply, ApiError> {
    context.signed_in.require(Permission::ManageWebhooks)?;
    let (set, _) = find(context, name).await?;
    let url = set
        .url()
        .ok_or_else(|| ApiError::conflict("this set has no URL to download from"))?;
    let published = context
        .console
        .fetcher
        .get(url, set.reading.etag.as_deref())
        .await;
    let actor = &context.signed_in.actor;
    let taken = context
        .gate()
        .address_set_refresh(actor, &set.name, published)
        .await;
    // An invalid document is recorded as the set's fault, and the page shows it.
    let said = match taken {
        Ok(taken) if taken.set.reading.fault.is_none() => "?done=set-refreshed",
        Ok(_) | Err(AddressSetError::Document(_)) => "",
        Err(error) => return Err(error.into()),
    };
    Ok(html::see_other(&format!("/address-sets/{name}{said}")))
}

/// Approves or rejects the pending version.
pub(super) async fn decide<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    name: &str,
    fields: &Fields<'_>,
) -> Result<Reply, ApiError> {
    let (set, _) = find(context, name).await?;
    let version = fields.read::<i64>("version")?.ok_or(ErrorCode::BadRequest)?;
    let approve = match fields.get("approve") {
        Some("yes") => true,
        Some("no") => false,
        _ => return Err(ApiError::field("approve", "one_of", "yes, no")),
    };
    let actor = &context.signed_in.actor;
    context
        .gate()
        .address_set_decide(actor, &set.name, version, approve)
        .await?;
    let said = if approve { "set-approved" } else { "set-rejected" };
    Ok(html::see_other(&format!("/address-sets/{name}?done={said}")))
}

/// Removes a set, after a confirmation.
pub(super) async fn remove<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    name: &str,
    fields: &Fields<'_>,
) -> Result<Reply, ApiError> {
    context.signed_in.require(Permission::ManageWebhooks)?;
    let (set, _) = find(context, name).await?;
    if !confirm::is_given(fields) {
        let title = format!("Remove the address set @{}?", set.name);
        let back = format!("/address-sets/{name}");
        let action = format!("{back}/remove");
        let confirm = Confirm {
            consequences: vec!["Its networks and versions are deleted. No allowlist uses it.".into()],
            ..confirm::question(context, title, "Remove the set", action, &back)
        };
        return page(confirm.render());
    }
    context
        .gate()
        .address_set_remove(&context.signed_in.actor, &set.name)
        .await?;
    Ok(html::see_other("/address-sets?done=set-removed"))
}

#[cfg(test)]
mod tests;
