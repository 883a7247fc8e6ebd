//! `/search`: from a text to the page of the object that it names.

use std::collections::HashMap;

use form_urlencoded::Serializer;
use hookgate_domain::{KnownUrl, WebhookHandle, WebhookId, WebhookState};
use hookgate_gate::{PeopleStore, SearchMatches, Store};
use hookgate_pages::{SearchResults, SearchedWebhook, UserText};

use super::answers::page;
use super::incidents::name_of;
use super::models::incident_row;
use super::page_context::PageContext;
use crate::html;
use hookgate_request::{ApiError, ErrorCode, SearchTerm};
use hookgate_transport::Reply;

/// The field of a search box.
pub(super) const SEARCHED: &str = "q";

/// Shows the results.
pub(super) async fn results<S: Store + PeopleStore>(context: &PageContext<'_, S>) -> Result<Reply, ApiError> {
    let query = context.fields(&[SEARCHED])?;
    let term = SearchTerm::parse(query.text(SEARCHED));
    let (text, matches) = match term {
        None => (String::new(), SearchMatches::default()),
        Some(SearchTerm::Hint(hint)) => (
            hint.to_string(),
            context.gate().search_hint(&context.signed_in.actor, hint).await?,
        ),
        Some(SearchTerm::Text(text)) => {
            let matches = context
                .gate()
                .search_text(&context.signed_in.actor, &text)
                .await?;
            (text, matches)
        }
        Some(term) => return named(context, term).await,
    };
    show(context, &text, matches).await
}

async fn show<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    text: &str,
    matches: SearchMatches,
) -> Result<Reply, ApiError> {
    let mut names = HashMap::new();
    let mut incidents = Vec::with_capacity(matches.incidents.len());
    for incident in &matches.incidents {
        let name = name_of(context, &mut names, incident.webhook).await?;
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
            shell: context.shell(),
            text: UserText::from(text),
            webhooks: webhooks.collect(),
            incidents,
            incomplete: matches.incomplete,
        }
        .render(),
    )
}

/// Redirects to the one object that the term names.
pub(super) async fn named<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    term: SearchTerm,
) -> Result<Reply, ApiError> {
    Ok(match term {
        SearchTerm::WebhookId(id) => match owner(context, &id).await? {
            Some((handle, word)) => see_other(&format!("/webhooks/{handle}"), &[("done", word)]),
            None => return Err(ErrorCode::NotFound.into()),
        },
        SearchTerm::Incident(number) => html::see_other(&format!("/incidents/{number}")),
        SearchTerm::Delivery(id) => html::see_other(&format!("/deliveries/{id}")),
        SearchTerm::Request(id) => match context.gate().delivery_by_request(id).await? {
            Some(delivery) => html::see_other(&format!("/deliveries/{delivery}")),
            None => see_other("/logs", &[("request_id", &id.to_string())]),
        },
        SearchTerm::Webhook(handle) => html::see_other(&format!("/webhooks/{handle}")),
        SearchTerm::Source(network) => see_other("/logs", &[("source", &network.to_string())]),
        SearchTerm::Hint(hint) => see_other("/search", &[("q", &hint.to_string())]),
        SearchTerm::Text(text) => see_other("/search", &[("q", &text)]),
    })
}

/// The webhook that a URL belongs or belonged to, and the flash for its page.
pub(super) async fn owner<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    id: &WebhookId,
) -> Result<Option<(WebhookHandle, &'static str)>, ApiError> {
    let known = context.gate().store().url_by_digest(&id.digest()).await?;
    Ok(known.map(|known| match known {
        KnownUrl::Live(webhook) => (webhook.handle, "url-live"),
        KnownUrl::Retired(retired) => (retired.webhook, "url-retired"),
    }))
}

pub(super) fn see_other(path: &str, parameters: &[(&str, &str)]) -> Reply {
    if parameters.is_empty() {
        return html::see_other(path);
    }
    let query = Serializer::new(String::new()).extend_pairs(parameters).finish();
    html::see_other(&format!("{path}?{query}"))
}
