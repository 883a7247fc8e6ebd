//! The filter forms of lists. A form sends its text by POST, because people paste webhook URLs and tokens into any
//! field: in a query, they would stay in the browser's history and in the logs of proxies. Only a text that can't be a
//! secret goes into the address of the list.

use form_urlencoded::Serializer;
use hookgate_domain::WebhookId;
use hookgate_gate::{PeopleStore, Store};
use hyper::StatusCode;

use super::page_context::PageContext;
use super::page_query::{SECRET_TYPED, may_be_in_address};
use super::search::{self, SEARCHED, see_other};
use super::{audit, deliveries};
use hookgate_request::{ApiError, Fields, SearchTerm};
use hookgate_transport::Reply;

/// Notice about a URL that never belonged to a webhook.
const UNKNOWN_URL: &str =
    "No webhook has or had this URL. It may be mistyped, or belong to another installation.";

/// A filter form of a list.
pub(super) struct ListForm {
    /// Path that the form is sent to.
    form: &'static [&'static str],
    /// Path of the list.
    list: &'static str,
    /// Fields of the form, and parameters of the list.
    fields: &'static [&'static str],
}

const LIST_FORMS: [ListForm; 4] = [
    ListForm {
        form: &["search"],
        list: "search",
        fields: &[SEARCHED],
    },
    ListForm {
        form: &["webhooks", "filter"],
        list: "webhooks",
        fields: &[SEARCHED, "state"],
    },
    ListForm {
        form: &["logs", "filter"],
        list: "logs",
        fields: &deliveries::FILTER,
    },
    ListForm {
        form: &["audit", "filter"],
        list: "audit",
        fields: &audit::FILTER,
    },
];

impl ListForm {
    /// The form that is sent to this path.
    pub(super) fn at(segments: &[&str]) -> Option<&'static Self> {
        LIST_FORMS.iter().find(|form| form.form == segments)
    }

    /// The path of the list.
    pub(super) const fn list(&self) -> &'static str {
        self.list
    }
}

/// Outcome of a filter form.
pub(super) enum Submitted {
    /// A redirect to the list, or to an object.
    Redirected(Reply),
    /// Nothing was searched for. The context has the notice and the parameters with which the list is to be shown, with
    /// this status.
    NotSearched(StatusCode),
}

/// Redirects to the filtered list, or to the one object that was searched for. If a value may be a secret, the list
/// itself is to be shown, without that value.
pub(super) async fn submit<S: Store + PeopleStore>(
    context: &mut PageContext<'_, S>,
    form: &ListForm,
    fields: &Fields<'_>,
) -> Result<Submitted, ApiError> {
    let term = fields.get(SEARCHED).filter(|_| form.fields.contains(&SEARCHED));
    let mut searched = None;
    match term.and_then(SearchTerm::parse) {
        Some(SearchTerm::WebhookId(id)) => return by_url(context, &id).await,
        Some(SearchTerm::Text(text)) => searched = Some(text),
        Some(term) if form.list == "search" => {
            return Ok(Submitted::Redirected(search::named(context, term).await?));
        }
        _ => {}
    }
    let given = form
        .fields
        .iter()
        .filter_map(|name| Some((*name, fields.get(name)?)));
    let (kept, secret): (Vec<_>, Vec<_>) = given.partition(|(_, value)| may_be_in_address(value));
    if !secret.is_empty() {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        return Ok(not_searched(context, &kept, SECRET_TYPED, status));
    }
    let searched = searched.as_deref().filter(|_| form.list == "search");
    let kept: Vec<_> = kept
        .into_iter()
        .map(|(name, value)| {
            (
                name,
                if name == SEARCHED {
                    searched.unwrap_or(value)
                } else {
                    value
                },
            )
        })
        .collect();
    Ok(Submitted::Redirected(see_other(
        &format!("/{}", form.list),
        &kept,
    )))
}

/// Leaves the list with these parameters and a notice in the context.
fn not_searched<S: Store + PeopleStore>(
    context: &mut PageContext<'_, S>,
    kept: &[(&str, &str)],
    notice: &str,
    status: StatusCode,
) -> Submitted {
    context.query = Serializer::new(String::new()).extend_pairs(kept).finish();
    context.notices.push(notice.to_owned());
    Submitted::NotSearched(status)
}

/// Redirects to the webhook of a URL that was searched for.
async fn by_url<S: Store + PeopleStore>(
    context: &mut PageContext<'_, S>,
    id: &WebhookId,
) -> Result<Submitted, ApiError> {
    Ok(match search::owner(context, id).await? {
        Some((handle, word)) => {
            Submitted::Redirected(see_other(&format!("/webhooks/{handle}"), &[("done", word)]))
        }
        None => not_searched(context, &[], UNKNOWN_URL, StatusCode::NOT_FOUND),
    })
}
