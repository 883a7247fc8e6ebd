//! The form of a new address set.

use hookgate_domain::address_set::{AddressSetName, SetFilter};
use hookgate_gate::{ActorContext, PeopleStore, Store};
use hookgate_pages::{AddressSetForm, AddressSetList};
use hookgate_people::Permission;

use super::view::{entries, list};
use crate::html;
use crate::set_source::{SetSource, published};
use crate::web::answers::{page, problems, re_render};
use crate::web::once::Done;
use crate::web::page_context::PageContext;
use hookgate_request::{ApiError, Fields};
use hookgate_transport::Reply;

/// Creates a set: of own networks, or of a published list.
pub(in super::super) async fn create<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    fields: &Fields<'_>,
) -> Result<Reply, ApiError> {
    context.signed_in.require(Permission::ManageWebhooks)?;
    let form = typed(fields);
    let created = context.once(fields, async |actor| {
        complete(fields)?;
        try_create(context, actor, &form).await
    });
    match created.await? {
        Done::Now(name) => Ok(html::see_other(&format!("/address-sets/{name}?done=set-created"))),
        Done::Before(made) => Ok(context.done_already(&format!("/address-sets/{}", made.name))),
        Done::Refused(fault) => {
            let problems = problems(fault)?;
            let model = AddressSetList {
                form,
                problems,
                ..list(context).await?
            };
            re_render(model.render())
        }
    }
}

/// Shows the list with the form of a new set as it was typed.
pub(in super::super) async fn restore<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    fields: &Fields<'_>,
) -> Result<Reply, ApiError> {
    let model = AddressSetList {
        form: typed(fields),
        ..list(context).await?
    };
    page(model.render())
}

fn typed(fields: &Fields<'_>) -> AddressSetForm {
    let text = |name| fields.text(name).trim().to_owned();
    AddressSetForm {
        name: text("name"),
        networks: text("networks"),
        provider: text("provider"),
        filter: text("filter"),
        url: text("url"),
        document: text("document"),
    }
}

/// Checks that one of the two forms is complete: without its filter, the whole published list would be used.
fn complete(fields: &Fields<'_>) -> Result<(), ApiError> {
    if fields.get("provider").is_some() {
        fields.complete(&["name", "provider", "filter", "url", "document"], &[])
    } else {
        fields.complete(&["name", "networks"], &[])
    }
}

async fn try_create<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    actor: &ActorContext,
    form: &AddressSetForm,
) -> Result<AddressSetName, ApiError> {
    let wrong = |field: &'static str| {
        move |error: &dyn std::fmt::Display| ApiError::field(field, "form", error.to_string())
    };
    let name: AddressSetName = form.name.parse().map_err(|error| wrong("name")(&error))?;
    let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let made = if form.provider.is_empty() {
        SetSource::own(&entries(&form.networks))?
    } else {
        let provider = form.provider.parse().map_err(|error| wrong("provider")(&error))?;
        let filter: SetFilter = form.filter.parse().map_err(|error| wrong("filter")(&error))?;
        let (url, document) = (given(&form.url), given(&form.document));
        let fetcher = &context.console.fetcher;
        published(
            context.gate(),
            fetcher,
            provider,
            filter,
            url.as_deref(),
            document.as_deref(),
        )
        .await?
    };
    let gate = context.gate();
    let set = gate.address_set_create(actor, name, made.origin, made.networks, made.etag);
    Ok(set.await?.name)
}
