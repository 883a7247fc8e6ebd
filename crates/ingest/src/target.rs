//! The target of a request to the gate: the URL of a webhook, or another target that contains webhook IDs.
//!
//! Two spellings are the same URL where RFC 3986 (section 6.2.2.2) says so: letters, digits, `-`, `.`, `_` and `~` may
//! be percent-encoded. One trailing slash is ignored. Any other path is refused. If such a path or its query contains a
//! webhook's ID, in any spelling, the request is on that webhook's record, because its sender has the ID.

use std::borrow::Cow;

use hookgate_domain::WebhookId;
use hookgate_domain::webhook_id::find_webhook_ids;
use hookgate_transport::MAX_IDS;

/// Length of a webhook ID in characters.
const ID_LENGTH: usize = 41;

/// The target of a request.
pub enum Target<'a> {
    /// A URL with the form of a webhook's. The gate decides if the webhook exists.
    Webhook {
        /// The format segment.
        format: Cow<'a, str>,
        /// The ID segment.
        webhook_id: Cow<'a, str>,
        /// Other IDs in the query, which the sender has too. Mostly there are none.
        others: Vec<WebhookId>,
    },
    /// No URL of a webhook, but it contains these IDs. Mostly there are none.
    NearMiss(Vec<WebhookId>),
}

impl<'a> Target<'a> {
    /// The target with this path and query.
    #[must_use]
    pub fn of(path: &'a str, query: Option<&str>) -> Self {
        let segments = segments(path);
        if let (Some((format, webhook_id)), None) = (segments, query)
            && has_form(webhook_id)
        {
            return Self::webhook(format, webhook_id);
        }
        if let Some(same) = same_url(path) {
            return same.with_others(query);
        }
        let ids = ids_in(path, query);
        match segments.filter(|(_, webhook_id)| !webhook_id.contains('/')) {
            // Without an ID in it, the form decides: the gate may still name another fault, such as the method.
            Some((format, webhook_id)) if ids.is_empty() => Self::webhook(format, webhook_id),
            _ => Self::NearMiss(ids),
        }
    }

    /// The target in a text that has path and query.
    pub(crate) fn of_text(text: &'a str) -> Self {
        match text.split_once('?') {
            Some((path, query)) => Self::of(path, Some(query)),
            None => Self::of(text, None),
        }
    }

    /// `true` if the target is no webhook URL and contains no ID.
    #[must_use]
    pub const fn is_nothing(&self) -> bool {
        matches!(self, Self::NearMiss(ids) if ids.is_empty())
    }

    const fn webhook(format: &'a str, webhook_id: &'a str) -> Self {
        Self::Webhook {
            format: Cow::Borrowed(format),
            webhook_id: Cow::Borrowed(webhook_id),
            others: Vec::new(),
        }
    }

    /// Adds the IDs of the query, without its own.
    fn with_others(mut self, query: Option<&str>) -> Self {
        if let (
            Self::Webhook {
                webhook_id, others, ..
            },
            Some(query),
        ) = (&mut self, query)
        {
            *others = ids_in("", Some(query));
            others.retain(|id| id.reveal() != webhook_id.as_ref());
        }
        self
    }
}

/// The format and the ID in a webhook's path. `None` for any other path, also for one with more segments.
fn webhook_path(path: &str) -> Option<(&str, &str)> {
    segments(path).filter(|(_, webhook_id)| !webhook_id.contains('/'))
}

/// The segment after `/webhooks/`, and the path after it.
fn segments(path: &str) -> Option<(&str, &str)> {
    path.strip_prefix("/webhooks/")?.split_once('/')
}

/// `true` if this has the form of an ID. The checksum is not checked.
fn has_form(segment: &str) -> bool {
    segment.len() == ID_LENGTH
        && segment.strip_prefix("wh_").is_some_and(|digits| {
            // A loop without an early exit can be vectorized.
            let are_digits = |sofar, byte: u8| sofar & byte.is_ascii_alphanumeric();
            digits.bytes().fold(true, are_digits)
        })
}

/// The webhook URL that this path denotes, also in another spelling. `None` if there is none.
fn same_url(path: &str) -> Option<Target<'_>> {
    let path = path.strip_suffix('/').unwrap_or(path);
    let decoded = without_needless_encoding(path);
    let (format, webhook_id) = webhook_path(&decoded)?;
    webhook_id.parse::<WebhookId>().ok()?;
    let own = |text: &str| Cow::Owned(text.to_owned());
    Some(match &decoded {
        Cow::Borrowed(path) => {
            let (format, webhook_id) = webhook_path(path)?;
            Target::webhook(format, webhook_id)
        }
        Cow::Owned(_) => Target::Webhook {
            format: own(format),
            webhook_id: own(webhook_id),
            others: Vec::new(),
        },
    })
}

/// Decodes the unreserved characters (RFC 3986, section 2.3) of a path. All others stay encoded: `%2F` is no slash.
fn without_needless_encoding(path: &str) -> Cow<'_, str> {
    let mut parts = path.split('%');
    let Some(first) = parts.next().filter(|first| first.len() < path.len()) else {
        return Cow::Borrowed(path);
    };
    let mut decoded = first.to_owned();
    for part in parts {
        let byte = part
            .get(..2)
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let is_unreserved = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
        if let Some(byte) = byte.filter(is_unreserved) {
            decoded.push(byte.into());
            decoded.push_str(&part[2..]);
        } else {
            decoded.push('%');
            decoded.push_str(part);
        }
    }
    Cow::Owned(decoded)
}

/// The IDs in path and query, each once, at most [`MAX_IDS`].
fn ids_in(path: &str, query: Option<&str>) -> Vec<WebhookId> {
    let mut ids = find_webhook_ids(path.as_bytes());
    if let Some(query) = query {
        ids.append(&mut find_webhook_ids(query.as_bytes()));
        ids.sort_by_cached_key(WebhookId::digest);
        ids.dedup_by_key(|id| id.digest());
    }
    ids.truncate(MAX_IDS);
    ids
}

#[cfg(test)]
mod tests {
    use super::*;

    fn webhook_id(seed: u64) -> WebhookId {
        samples::webhook_id(seed).expect("an ID")
    }
    use hookgate_testkit::samples;

    /// The result for a target: the webhook's URL, `near` for each ID that is found, or nothing.
    fn of(text: &str) -> String {
        match Target::of_text(text) {
            Target::Webhook {
                format,
                webhook_id,
                others,
            } => format!("{format} {webhook_id}{}", " near".repeat(others.len())),
            Target::NearMiss(ids) => "near ".repeat(ids.len()),
        }
    }

    #[test]
    fn equivalent_forms_are_the_same_url() {
        let id = webhook_id(1);
        let (id, digits) = (id.reveal(), &id.reveal()[3..]);
        let encoded: String = id
            .bytes()
            .map(|byte| format!("%{byte:02x}"))
            .collect::<Vec<_>>()
            .concat();
        for path in [
            format!("/webhooks/custom/{id}"),
            format!("/webhooks/custom/{id}/"),
            format!("/webhooks/custom/{id}?a=b/c"),
            format!("/webhooks/custom/{id}/?"),
            format!("/webhooks/custom/wh%5F{digits}"),
            format!("/webhooks/custom/wh%5f{digits}/"),
            format!("/%77ebhooks/c%75stom/{encoded}"),
        ] {
            assert_eq!(of(&path), format!("custom {id}"), "{path}");
        }
        assert_eq!(of(&format!("/webhooks/grafana/{id}/")), format!("grafana {id}"));
    }

    #[test]
    fn near_misses_are_found_and_are_no_url() {
        let id = webhook_id(1);
        let (id, digits) = (id.reveal(), &id.reveal()[3..]);
        for path in [
            format!("/webhooks/custom/{id}//"),
            format!("//webhooks/custom/{id}"),
            format!("/webhooks//custom/{id}"),
            format!("/webhooks/custom//{id}"),
            format!("/hooks/webhooks/custom/{id}"),
            format!("/webhooks/custom/{id}/extra"),
            format!("/webhooks/custom/./{id}"),
            format!("/x/../webhooks/custom/{id}"),
            format!("/Webhooks/custom/{id}"),
            format!("/WEBHOOKS/CUSTOM/{id}"),
            format!("/webhooks/{id}"),
            format!("/{id}"),
            format!("/webhooks/custom/{id}%0A"),
            format!("/webhooks/custom/{id}%0d%0a"),
            format!("/webhooks/custom/{id}%20"),
            format!("/webhooks/custom/%20{id}"),
            format!("/webhooks/custom/{id}."),
            format!("/webhooks/custom/{id},"),
            format!("/webhooks/custom/({id})"),
            format!("/webhooks/custom/{id}%22"),
            format!("/webhooks/custom/{id}%2F"),
            format!("/webhooks/custom%2F{id}"),
            format!("/webhooks/custom/wh%255F{digits}"),
            format!("/webhooks/custom/wh-{digits}"),
            format!("/webhooks/custom/WH_{digits}"),
            format!("/webhooks/custom/{digits}"),
            format!("/webhooks/custom/{id}{digits}"),
            format!("/webhooks/custom?id={id}"),
            format!("/webhooks/custom/?{id}"),
            format!("/?url=https%3A%2F%2Fh%2Fwebhooks%2Fcustom%2F{id}"),
            format!("/webhooks/custom/wh_x?key={id}"),
        ] {
            assert_eq!(of(&path), "near ", "{path}");
        }
    }

    #[test]
    fn another_id_in_the_query_of_a_url_is_found_too() {
        let [own, other] = [webhook_id(1), webhook_id(2)];
        let (own, other) = (own.reveal(), other.reveal());
        for (query, found) in [
            (format!("next={other}"), " near"),
            (
                format!("next=https%3A%2F%2Fh%2Fwebhooks%2Fcustom%2F{other}&again={other}"),
                " near",
            ),
            (format!("same={own}"), ""),
        ] {
            for path in [
                format!("/webhooks/custom/{own}"),
                format!("/webhooks/custom/{own}/"),
            ] {
                assert_eq!(
                    of(&format!("{path}?{query}")),
                    format!("custom {own}{found}"),
                    "{query}"
                );
            }
        }
    }

    #[test]
    fn without_an_id_nothing_is_looked_up() {
        for path in [
            "/",
            "/webhooks",
            "/webhooks/custom",
            "/webhooks/custom/a/b",
            "/Webhooks/custom/x",
            "*",
            "",
        ] {
            assert!(Target::of_text(path).is_nothing(), "{path}");
        }
        let wrong = format!("wh_{}", "a".repeat(38));
        for path in [
            "/webhooks/custom/wh_x",
            "/webhooks/custom/",
            &format!("/webhooks/custom/{wrong}"),
        ] {
            assert!(matches!(Target::of_text(path), Target::Webhook { .. }), "{path}");
        }
        assert!(Target::of_text(&format!("/Webhooks/custom/{wrong}?{wrong}")).is_nothing());
    }

    #[test]
    fn few_ids_of_one_request_are_looked_up() {
        let ids: Vec<_> = (0..50).map(|seed| webhook_id(seed).reveal().to_owned()).collect();
        assert_eq!(
            of(&format!("/{}?{}", ids.join("/"), ids.join("&"))),
            "near ".repeat(MAX_IDS)
        );
        assert_eq!(
            of(&format!("/x/{}?{}", ids[0], ids[0])),
            "near ",
            "the same one counts once"
        );
    }
}
