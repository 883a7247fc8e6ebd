//! Restores a form that was sent without its session: it is shown again with its values, and its member sends it
//! again by a click.

use hookgate_domain::leaks::may_hold_secret;
use hookgate_gate::{PeopleStore, Store};

use super::page_context::PageContext;
use super::{
    account, address_sets, audit, deliveries, edit, incidents, members, search, tokens, webhook,
    webhook_form, webhook_lifecycle, webhooks,
};
use crate::signed_in::{FORM_TOKEN, PAGE_KEY};
use hookgate_request::{ApiError, Fields};
use hookgate_transport::Reply;

/// Maximum size of a form that is kept during a sign-in, in bytes: an allowlist of a thousand entries fits. The bound
/// is small, because anybody can send such a form.
pub(super) const MAX_KEPT: usize = 20 * 1024;

/// Fields that are not kept: passwords, and the keys of the old page.
const NOT_KEPT: [&str; 5] = ["password", "again", "current", FORM_TOKEN, PAGE_KEY];

/// Notice on the page with the form.
pub(super) const NOTICE: &str =
    "Your session had ended, so nothing was saved. Check the form and submit it again.";

/// Encodes the fields to keep.
pub(super) fn kept(fields: &Fields<'_>) -> String {
    let is_kept = |(name, value): &(&str, &str)| {
        // A search field may hold the URL of a webhook.
        !NOT_KEPT.contains(name) && !may_hold_secret(value.as_bytes())
    };
    let kept = fields.pairs().filter(is_kept);
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(kept)
        .finish()
}

/// Shows the page whose form was sent to this path, with the typed values.
pub(super) async fn page<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    segments: &[&str],
    fields: &Fields<'_>,
) -> Result<Reply, ApiError> {
    match *segments {
        ["search"] => search::results(context).await,
        ["logs", "filter"] => deliveries::logs(context).await,
        ["audit", "filter"] => audit::list(context).await,
        ["webhooks", "filter"] => webhooks::list(context).await,
        ["webhooks"] | ["webhooks", "new"] => edit::new(context, webhook_form::typed(fields)),
        ["webhooks", handle, "edit" | "preview" | "suggest"] => edit::restore(context, handle, fields).await,
        ["webhooks", handle, "regenerate"] => webhook_lifecycle::ask_regenerate(context, handle).await,
        ["webhooks", handle, "revoke"] => webhook_lifecycle::ask_revoke(context, handle).await,
        ["webhooks", handle, ..] => webhook::show(context, handle).await,
        ["address-sets"] => address_sets::create::restore(context, fields).await,
        ["address-sets", name, "edit" | "preview"] => {
            address_sets::networks::restore(context, name, fields).await
        }
        ["address-sets", name, ..] => address_sets::show(context, name).await,
        ["incidents", id, "note"] => incidents::restore(context, id, fields).await,
        ["incidents", id, ..] => incidents::show(context, id).await,
        ["members"] => members::restore(context, fields).await,
        ["members", ..] => members::list(context).await,
        ["tokens"] => tokens::restore(context, fields).await,
        ["tokens", ..] => tokens::list(context).await,
        ["account", ..] => account::show(context).await,
        _ => webhooks::list(context).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_is_kept_and_no_secret() {
        let fields =
            Fields::parse(b"csrf=1&once=2&name=Disk+alerts&password=p&again=p&current=c&allowlist=a%0Ab");
        assert_eq!(kept(&fields.expect("fields")), "name=Disk+alerts&allowlist=a%0Ab");
    }
}
