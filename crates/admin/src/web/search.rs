//! `/search`: from a text to the page of the object that it names. Also the filter forms of lists.
//!
//! A filter form sends its text by POST, because people paste webhook URLs and tokens into any field: in a query,
//! they would stay in the browser's history and in the logs of proxies. Only a text that can't be a secret goes into
//! the address of the list.

use std::collections::HashMap;

use form_urlencoded::Serializer;
use hookgate_domain::leaks::may_hold_secret;
use hookgate_domain::{KnownUrl, WebhookHandle, WebhookId, WebhookState};
use hookgate_gate::{PeopleStore, SearchMatches, SearchTerm, Store};
use hookgate_pages::{SearchResults, SearchedWebhook, UserText};
use hyper::StatusCode;

use super::incidents::name_of;
use super::models::incident_row;
use super::{PageContext, audit, deliveries, page, shown};
use crate::html;
use hookgate_request::{ApiError, ErrorCode, Fields};
use hookgate_transport::Reply;

/// Notice in place of a search for a secret.
pub(super) const SECRET_TYPED: &str = "What you typed looks like a webhook URL, a token or another secret. It was not searched \
    for, so that it gets into no address and no log. To find the webhook of a URL, paste the whole URL into the search box.";
/// Notice about a URL that never belonged to a webhook.
const UNKNOWN_URL: &str =
    "No webhook has or had this URL. It may be mistyped, or belong to another installation.";
/// The field of a search box.
const SEARCHED: &str = "q";

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

/// Returns `true` if the text may be in an address: it can't be a secret, or it is the hint of a webhook ID, as lists
/// show it.
pub(super) fn may_be_in_address(text: &str) -> bool {
    !may_hold_secret(text.as_bytes()) || matches!(SearchTerm::parse(text), Some(SearchTerm::Hint(_)))
}

/// Redirects to the filtered list, or to the one object that was searched for. If a value may be a secret, shows the
/// list itself, without that value.
pub(super) async fn submit<S: Store + PeopleStore>(
    screen: &mut PageContext<'_, S>,
    form: &ListForm,
    fields: &Fields<'_>,
) -> Result<Reply, ApiError> {
    let term = fields.get(SEARCHED).filter(|_| form.fields.contains(&SEARCHED));
    let mut searched = None;
    match term.and_then(SearchTerm::parse) {
        Some(SearchTerm::WebhookId(id)) => return by_url(screen, form, &id).await,
        Some(SearchTerm::Text(text)) => searched = Some(text),
        Some(term) if form.list == "search" => return named(screen, term).await,
        _ => {}
    }
    let given = form
        .fields
        .iter()
        .filter_map(|name| Some((*name, fields.get(name)?)));
    let (kept, secret): (Vec<_>, Vec<_>) = given.partition(|(_, value)| may_be_in_address(value));
    if !secret.is_empty() {
        return list_re_render(
            screen,
            form,
            &kept,
            (SECRET_TYPED, StatusCode::UNPROCESSABLE_ENTITY),
        )
        .await;
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
    Ok(see_other(&format!("/{}", form.list), &kept))
}

/// Shows the list with these parameters and a notice.
async fn list_re_render<S: Store + PeopleStore>(
    screen: &mut PageContext<'_, S>,
    form: &ListForm,
    kept: &[(&str, &str)],
    (notice, status): (&str, StatusCode),
) -> Result<Reply, ApiError> {
    screen.query = Serializer::new(String::new()).extend_pairs(kept).finish();
    screen.notices.push(notice.to_owned());
    let mut reply = shown(screen, &[form.list]).await?;
    *reply.status_mut() = status;
    Ok(reply)
}

/// Shows the results.
pub(super) async fn results<S: Store + PeopleStore>(screen: &PageContext<'_, S>) -> Result<Reply, ApiError> {
    let query = screen.fields(&["q"])?;
    let term = SearchTerm::parse(query.get("q").unwrap_or_default());
    let (text, matches) = match term {
        None => (String::new(), SearchMatches::default()),
        Some(SearchTerm::Hint(hint)) => (
            hint.to_string(),
            screen.gate().search_hint(&screen.visitor.acting, hint).await?,
        ),
        Some(SearchTerm::Text(text)) => {
            let matches = screen.gate().search_text(&screen.visitor.acting, &text).await?;
            (text, matches)
        }
        Some(term) => return named(screen, term).await,
    };
    show(screen, &text, matches).await
}

async fn show<S: Store + PeopleStore>(
    screen: &PageContext<'_, S>,
    text: &str,
    matches: SearchMatches,
) -> Result<Reply, ApiError> {
    let mut names = HashMap::new();
    let mut incidents = Vec::with_capacity(matches.incidents.len());
    for incident in &matches.incidents {
        let name = name_of(screen, &mut names, incident.webhook).await?;
        incidents.push(incident_row(incident, name));
    }
    let webhooks = matches.webhooks.iter().map(|webhook| SearchedWebhook {
        handle: webhook.handle,
        name: webhook.name.as_str().into(),
        hint: webhook.state.hint().to_string(),
        revoked: matches!(webhook.state, WebhookState::Revoked { .. }),
    });
    page(
        SearchResults {
            shell: screen.shell(),
            text: UserText::from(text),
            webhooks: webhooks.collect(),
            incidents,
            incomplete: matches.incomplete,
        }
        .render(),
    )
}

/// Redirects to the one object that the term names.
async fn named<S: Store + PeopleStore>(
    screen: &PageContext<'_, S>,
    term: SearchTerm,
) -> Result<Reply, ApiError> {
    Ok(match term {
        SearchTerm::WebhookId(id) => match owner(screen, &id).await? {
            Some((handle, word)) => see_other(&format!("/webhooks/{handle}"), &[("done", word)]),
            None => return Err(ErrorCode::NotFound.into()),
        },
        SearchTerm::Incident(number) => html::see_other(&format!("/incidents/{number}")),
        SearchTerm::Delivery(id) => html::see_other(&format!("/deliveries/{id}")),
        SearchTerm::Request(id) => match screen.gate().delivery_by_request(id).await? {
            Some(delivery) => html::see_other(&format!("/deliveries/{delivery}")),
            None => see_other("/logs", &[("request_id", &id.to_string())]),
        },
        SearchTerm::Webhook(handle) => html::see_other(&format!("/webhooks/{handle}")),
        SearchTerm::Source(network) => see_other("/logs", &[("source", &network.to_string())]),
        SearchTerm::Hint(hint) => see_other("/search", &[("q", &hint.to_string())]),
        SearchTerm::Text(text) => see_other("/search", &[("q", &text)]),
    })
}

/// Redirects to the webhook of a URL that was searched for.
async fn by_url<S: Store + PeopleStore>(
    screen: &mut PageContext<'_, S>,
    form: &ListForm,
    id: &WebhookId,
) -> Result<Reply, ApiError> {
    match owner(screen, id).await? {
        Some((handle, word)) => Ok(see_other(&format!("/webhooks/{handle}"), &[("done", word)])),
        None => list_re_render(screen, form, &[], (UNKNOWN_URL, StatusCode::NOT_FOUND)).await,
    }
}

/// The webhook that a URL belongs or belonged to, and the flash for its page.
async fn owner<S: Store + PeopleStore>(
    screen: &PageContext<'_, S>,
    id: &WebhookId,
) -> Result<Option<(WebhookHandle, &'static str)>, ApiError> {
    let known = screen.gate().store().url_by_digest(&id.digest()).await?;
    Ok(known.map(|known| match known {
        KnownUrl::Live(webhook) => (webhook.handle, "url-live"),
        KnownUrl::Retired(retired) => (retired.webhook, "url-retired"),
    }))
}

fn see_other(path: &str, parameters: &[(&str, &str)]) -> Reply {
    if parameters.is_empty() {
        return html::see_other(path);
    }
    let query = Serializer::new(String::new()).extend_pairs(parameters).finish();
    html::see_other(&format!("{path}?{query}"))
}
