//! The filters of lists, read from a query.

use hookgate_domain::{RefusalCode, RequestId, Timestamp, WebhookHandle};
use hookgate_gate::{AuditQuery, AuditQueryError, DeliveryFilter, Outcome, PageSize, Seek};
use hookgate_people::AuditActs;

use crate::api_error::ApiError;
use crate::fields::Fields;
use hookgate_wire as wire;

/// The query of a list of deliveries in the admin API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryQuery {
    /// Filter of the deliveries.
    pub filter: DeliveryFilter,
    /// Maximum number of rows.
    pub size: PageSize,
    /// Start of the page.
    pub seek: Seek,
}

/// Parses the query string of a list of deliveries.
///
/// # Errors
/// Each invalid parameter, or too many parameters.
pub fn delivery_query(query: &[u8]) -> Result<DeliveryQuery, ApiError> {
    delivery_page(&Fields::of_query(query, &DELIVERY_FIELDS)?)
}

/// Parses filter, page size and cursor.
///
/// # Errors
/// The first invalid parameter.
pub fn delivery_page(query: &Fields<'_>) -> Result<DeliveryQuery, ApiError> {
    Ok(DeliveryQuery {
        filter: deliveries(query)?,
        size: page_size(query)?,
        seek: query.read("cursor")?.map_or(Seek::Newest, Seek::Before),
    })
}

/// The parameters of a list of deliveries.
pub const DELIVERY_FIELDS: [&str; 10] = [
    "webhook",
    "outcome",
    "code",
    "would_be_refused",
    "source",
    "from",
    "to",
    "request_id",
    "limit",
    "cursor",
];

/// Parses the filter of deliveries.
///
/// # Errors
/// The first invalid parameter.
pub fn deliveries(query: &Fields<'_>) -> Result<DeliveryFilter, ApiError> {
    let outcome = match query.get("outcome") {
        None => None,
        Some("accepted") => Some(Outcome::Accepted),
        Some("refused") => Some(Outcome::Refused),
        Some(_) => return Err(ApiError::field("outcome", "one_of", "accepted, refused")),
    };
    let source = query
        .get("source")
        .map(|text| {
            hookgate_domain::networks::parse_entry(text.trim())
                .map_err(|error| ApiError::field("source", "form", error.to_string()))
        })
        .transpose()?;
    Ok(DeliveryFilter {
        webhook: query.read::<WebhookHandle>("webhook")?,
        outcome,
        code: query.read::<RefusalCode>("code")?,
        would_be_refused: match query.get("would_be_refused") {
            None => false,
            Some("true") => true,
            Some(_) => return Err(ApiError::field("would_be_refused", "one_of", "true")),
        },
        source,
        from: time(query, "from")?,
        to: time(query, "to")?,
        request_id: query.read::<RequestId>("request_id")?,
    })
}

/// Parses the filter of the audit trail, from parameters with these names.
///
/// # Errors
/// The first invalid parameter.
pub fn audit(query: &Fields<'_>, names: &AuditNames) -> Result<AuditQuery, ApiError> {
    let text = |name| query.get(name).map(str::to_owned);
    Ok(AuditQuery {
        actor: text(names.actor),
        subject: text(names.subject),
        acts: query.read::<AuditActs>(names.acts)?,
        from: time(query, "from")?,
        to: time(query, "to")?,
    })
}

/// Names of the audit trail's parameters: they differ between the console and the admin API.
pub struct AuditNames {
    /// Parameter of the actor.
    pub actor: &'static str,
    /// Parameter of the act, or of the group of acts.
    pub acts: &'static str,
    /// Parameter of the object.
    pub subject: &'static str,
}

impl AuditNames {
    /// The error at the parameter that names an unknown or ambiguous object.
    #[must_use]
    pub fn fault(&self, error: AuditQueryError) -> ApiError {
        let field = match &error {
            AuditQueryError::UnknownActor { .. } | AuditQueryError::AmbiguousActor { .. } => self.actor,
            AuditQueryError::UnknownSubject(_) => self.subject,
            AuditQueryError::NoTime => "to",
            AuditQueryError::Forbidden(_) | AuditQueryError::Store(_) => "",
        };
        match error {
            AuditQueryError::Forbidden(error) => error.into(),
            AuditQueryError::Store(error) => error.into(),
            error => ApiError::field(field, "known", error.to_string()),
        }
    }

    /// The filter as the client sent it, for the audit entry of an export.
    #[must_use]
    pub fn asked(&self, query: &Fields<'_>) -> Vec<(&'static str, String)> {
        let names = [
            ("actor", self.actor),
            ("act", self.acts),
            ("subject", self.subject),
            ("from", "from"),
            ("to", "to"),
        ];
        let asked = names.map(|(word, name)| Some((word, query.get(name)?.to_owned())));
        asked.into_iter().flatten().collect()
    }
}

fn time(query: &Fields<'_>, name: &str) -> Result<Option<Timestamp>, ApiError> {
    let text = query.get(name);
    text.map(|text| {
        wire::read_time(text)
            .ok_or_else(|| ApiError::field(name, "form", "a time by RFC 3339: 2026-11-24T03:30:00Z"))
    })
    .transpose()
}

/// Parses `limit`, the number of rows.
///
/// # Errors
/// It is not between 1 and 200.
pub fn page_size(query: &Fields<'_>) -> Result<PageSize, ApiError> {
    let rows = query.read::<u16>("limit")?;
    rows.map_or(Ok(PageSize::default()), |rows| {
        PageSize::new(rows).ok_or_else(|| ApiError::field("limit", "range", "1 to 200"))
    })
}

/// Splits rows that were read by [`PageSize::and_one`] into one page and the cursor of the next page.
pub fn page_of<T, K: ToString>(
    found: Vec<T>,
    size: PageSize,
    key: impl Fn(&T) -> K,
) -> (Vec<T>, Option<String>) {
    let page = hookgate_gate::Page::new(found, size, key, None);
    (page.items, page.next.map(|key| key.to_string()))
}
