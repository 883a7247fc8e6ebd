//! A form that came without its session is shown again with what was typed, to be sent by its person's own click.

use hookgate_domain::may_hold_secret;
use hookgate_gate::{PeopleStore, Store};

use super::search::ListForm;
use super::{
    PageContext, account, address_sets, edit, incidents, members, show, tokens, webhook, webhook_lifecycle,
    webhooks,
};
use crate::api_error::ApiError;
use crate::query::Fields;
use crate::signed_in::{FORM_TOKEN, PAGE_KEY};
use hookgate_transport::Reply;

/// Most bytes of a form that is kept over a sign-in: an allowlist of a thousand entries fits. Anybody can send one.
pub(super) const MAX_KEPT: usize = 20 * 1024;

/// Fields that are not kept: secrets, and the marks of the page that is gone.
const NOT_KEPT: [&str; 5] = ["password", "again", "current", FORM_TOKEN, PAGE_KEY];

/// Said on the page with the form.
pub(super) const NOTICE: &str =
    "Your session had ended, so nothing was saved. Check the form and submit it again.";

/// The fields to keep, encoded.
pub(super) fn kept(fields: &Fields<'_>) -> String {
    let is_kept = |(name, value): &(&str, &str)| {
        // A search may hold the URL that somebody looks for.
        !NOT_KEPT.contains(name) && !may_hold_secret(value.as_bytes())
    };
    let kept = fields.pairs().filter(is_kept);
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(kept)
        .finish()
}

/// The page whose form was sent to this path, with what was typed.
pub(super) async fn page<S: Store + PeopleStore>(
    screen: &PageContext<'_, S>,
    segments: &[&str],
    fields: &Fields<'_>,
) -> Result<Reply, ApiError> {
    if let Some(form) = ListForm::at(segments) {
        return show(screen, &[form.list()]).await;
    }
    match *segments {
        ["webhooks"] | ["webhooks", "new"] => edit::new(screen, edit::typed(fields)),
        ["webhooks", handle, "edit" | "preview" | "suggest"] => edit::restore(screen, handle, fields).await,
        ["webhooks", handle, "regenerate"] => webhook_lifecycle::ask_regenerate(screen, handle).await,
        ["webhooks", handle, "revoke"] => webhook_lifecycle::ask_revoke(screen, handle).await,
        ["webhooks", handle, ..] => webhook::show(screen, handle).await,
        ["address-sets"] => address_sets::restore_new(screen, fields).await,
        ["address-sets", name, "edit" | "preview"] => address_sets::restore(screen, name, fields).await,
        ["address-sets", name, ..] => address_sets::show(screen, name).await,
        ["incidents", id, "note"] => incidents::restore(screen, id, fields).await,
        ["incidents", id, ..] => incidents::show(screen, id).await,
        ["members"] => members::restore(screen, fields).await,
        ["members", ..] => members::list(screen).await,
        ["tokens"] => tokens::restore(screen, fields).await,
        ["tokens", ..] => tokens::list(screen).await,
        ["account", ..] => account::show(screen).await,
        _ => webhooks::list(screen).await,
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
