//! The query of a page: invalid parameters, and those that may hold a secret, are dropped with a notice.

use hookgate_domain::leaks::may_hold_secret;
use hookgate_domain::webhook_id::holds_webhook_id;
use hookgate_gate::{PeopleStore, Store};

use super::page_context::PageContext;
use hookgate_request::{ApiError, SearchTerm};

/// Maximum size of an invalid value that a page repeats, in bytes.
const MAX_REPEATED: usize = 60;
/// Notice in place of a search for a secret.
pub(super) const SECRET_TYPED: &str = "What you typed looks like a webhook URL, a token or another secret. It was not searched \
    for, so that it gets into no address and no log. To find the webhook of a URL, paste the whole URL into the search box.";

impl<S: Store + PeopleStore> PageContext<'_, S> {
    /// Drops parameters that may hold a secret, and adds a notice, because links of the page would repeat them. The
    /// search page keeps a webhook URL, because it can search for it.
    pub(super) fn leave_secrets_out(&mut self, segments: &[&str]) {
        let is_kept = |value: &str| {
            may_be_in_address(value) || segments == ["search"] && holds_webhook_id(value.as_bytes())
        };
        let pairs = || form_urlencoded::parse(self.query.as_bytes());
        if pairs().all(|(_, value)| is_kept(&value)) {
            return;
        }
        let kept = pairs().filter(|(_, value)| is_kept(value));
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(kept)
            .finish();
        self.query = query;
        self.notices.push(SECRET_TYPED.to_owned());
    }

    /// Drops the parameters that an error is about, and adds a notice for each. Returns `true` if there was one.
    pub(super) fn leave_out(&mut self, fault: &ApiError) -> bool {
        let mut notices = Vec::new();
        for at_fault in fault.field_faults() {
            let given =
                form_urlencoded::parse(self.query.as_bytes()).find(|(name, _)| *name == at_fault.field);
            let Some((name, value)) = given else { continue };
            notices.push(unknown_value(&name, &value, &at_fault.problem()));
            let others = form_urlencoded::parse(self.query.as_bytes()).filter(|(other, _)| *other != name);
            let query = form_urlencoded::Serializer::new(String::new())
                .extend_pairs(others)
                .finish();
            self.query = query;
        }
        let is_any = !notices.is_empty();
        self.notices.append(&mut notices);
        is_any
    }
}

/// Returns `true` if the text may be in an address: it can't be a secret, or it is the hint of a webhook ID, as lists
/// show it.
pub(super) fn may_be_in_address(text: &str) -> bool {
    !may_hold_secret(text.as_bytes()) || matches!(SearchTerm::parse(text), Some(SearchTerm::Hint(_)))
}

/// The notice about an invalid parameter. A long value, or one that may be a secret, is not repeated.
fn unknown_value(name: &str, value: &str, problem: &str) -> String {
    let is_shown = value.len() <= MAX_REPEATED && !may_hold_secret(value.as_bytes());
    let value = if is_shown {
        format!("\"{value}\"")
    } else {
        "value".to_owned()
    };
    format!("Unknown {value} for \"{name}\": {problem}.")
}
