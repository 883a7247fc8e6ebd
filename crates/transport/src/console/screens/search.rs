//! `/search`: from a text to the page of what it names.
//!
//! The search box sends its text by POST, because people paste webhook URLs into it: an ID in a query would stay in the
//! browser's history and in the logs of proxies. Only a text without an ID goes into the address of the results.

use std::collections::HashMap;

use form_urlencoded::Serializer;
use hookgate_domain::{KnownUrl, WebhookHandle, WebhookId, WebhookState};
use hookgate_gate::{PeopleStore, SearchMatches, SearchTerm, Store};
use hookgate_pages::{SearchResults, SearchedWebhook, UserText};

use super::incidents::name_of;
use super::models::incident_row;
use super::{Screen, page};
use crate::console::fault::{Code, Fault};
use crate::console::html;
use crate::console::query::Fields;
use crate::reply::Reply;

/// The search box: a redirect to what the text names, or to the results.
pub(super) async fn submit<S: Store + PeopleStore>(
    screen: &Screen<'_, S>,
    fields: &Fields<'_>,
) -> Result<Reply, Fault> {
    match SearchTerm::parse(fields.get("q").unwrap_or_default()) {
        None => Ok(html::see_other("/search")),
        Some(SearchTerm::Text(text)) => Ok(see_other("/search", &[("q", &text)])),
        Some(SearchTerm::Hint(hint)) => Ok(see_other("/search", &[("q", &hint.to_string())])),
        Some(term) => named(screen, term).await,
    }
}

/// The filter of the list of webhooks by name, which people take for a search box.
pub(super) async fn filter_webhooks<S: Store + PeopleStore>(
    screen: &Screen<'_, S>,
    fields: &Fields<'_>,
) -> Result<Reply, Fault> {
    let name = fields.get("q").unwrap_or_default();
    if let Some(term @ SearchTerm::WebhookId(_)) = SearchTerm::parse(name) {
        return named(screen, term).await;
    }
    let state = fields.get("state").unwrap_or_default();
    let given = [("q", name), ("state", state)];
    let given: Vec<_> = given.into_iter().filter(|(_, value)| !value.is_empty()).collect();
    Ok(see_other("/webhooks", &given))
}

/// The results.
pub(super) async fn results<S: Store + PeopleStore>(screen: &Screen<'_, S>) -> Result<Reply, Fault> {
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
    screen: &Screen<'_, S>,
    text: &str,
    matches: SearchMatches,
) -> Result<Reply, Fault> {
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

/// A redirect to the one thing that the term names.
async fn named<S: Store + PeopleStore>(screen: &Screen<'_, S>, term: SearchTerm) -> Result<Reply, Fault> {
    Ok(match term {
        SearchTerm::WebhookId(id) => {
            let (handle, word) = owner(screen, &id).await?;
            see_other(&format!("/webhooks/{handle}"), &[("done", word)])
        }
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

/// The webhook that a URL belongs or belonged to, and the message for its page.
async fn owner<S: Store + PeopleStore>(
    screen: &Screen<'_, S>,
    id: &WebhookId,
) -> Result<(WebhookHandle, &'static str), Fault> {
    match screen.gate().store().url_by_digest(&id.digest()).await? {
        Some(KnownUrl::Live(webhook)) => Ok((webhook.handle, "url-live")),
        Some(KnownUrl::Retired(retired)) => Ok((retired.webhook, "url-retired")),
        None => Err(Code::NotFound.into()),
    }
}

fn see_other(path: &str, parameters: &[(&str, &str)]) -> Reply {
    if parameters.is_empty() {
        return html::see_other(path);
    }
    let query = Serializer::new(String::new()).extend_pairs(parameters).finish();
    html::see_other(&format!("{path}?{query}"))
}
