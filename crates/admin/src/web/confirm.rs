//! Confirmations: pages that ask before an act.

use hookgate_gate::{PeopleStore, Store};
use hookgate_pages::Confirm;

use super::page_context::PageContext;
use hookgate_request::Fields;

/// Hidden field of a confirmation.
const CONFIRM: &str = "confirm";
/// Its value.
const YES: &str = "yes";

/// Returns `true` if the form comes from the page of a confirmation.
pub(super) fn is_given(fields: &Fields<'_>) -> bool {
    fields.get(CONFIRM) == Some(YES)
}

/// The page that asks `title`. Its button sends the form to `action`, its link leads `back`. It names no consequences
/// yet.
pub(super) fn question<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    title: String,
    button: &str,
    action: String,
    back: &str,
) -> Confirm {
    Confirm {
        shell: context.shell(),
        title,
        consequences: Vec::new(),
        affected: Vec::new(),
        action,
        fields: vec![(CONFIRM.to_owned(), YES.to_owned())],
        button: button.to_owned(),
        back: back.to_owned(),
    }
}
