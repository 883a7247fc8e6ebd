//! Error pages. A signed-in member gets one inside the page frame, with a sentence about the object and a link back.

use hookgate_domain::{IncidentNumber, RequestId};
use hookgate_gate::{PeopleStore, Store};
use hookgate_pages::{ErrorPage, ErrorScreen, RenderError};
use hyper::StatusCode;

use super::answers::page_with;
use super::page_context::PageContext;
use hookgate_request::{ApiError, ErrorCode};
use hookgate_transport::Reply;

/// An error page without a session.
pub(crate) fn bare(fault: &ApiError, id: RequestId) -> Reply {
    let status = fault.code.status();
    let page = ErrorPage {
        status: status.as_u16(),
        title: title(status).to_owned(),
        sentence: fault.sentence().into(),
        request_id: id.to_string().into(),
    };
    reply_with(fault, page.render())
}

/// An error page inside the page frame.
pub(super) fn inside<S: Store + PeopleStore>(
    context: &PageContext<'_, S>,
    fault: &ApiError,
    segments: &[&str],
) -> Reply {
    let status = fault.code.status();
    let sentence = if fault.code == ErrorCode::NotFound {
        missing(segments)
    } else {
        fault.sentence()
    };
    let page = ErrorScreen {
        shell: context.shell(),
        status: status.as_u16(),
        title: title(status).to_owned(),
        sentence: sentence.into(),
        back: back(segments),
        request_id: context.id.to_string().into(),
    };
    reply_with(fault, page.render())
}

/// The error as a page, or as JSON if the page can't be rendered.
fn reply_with(fault: &ApiError, html: Result<String, RenderError>) -> Reply {
    let mut reply = page_with(fault.code.status(), html).unwrap_or_else(|_| fault.reply());
    fault.set_headers(&mut reply);
    reply
}

fn title(status: StatusCode) -> &'static str {
    match status {
        StatusCode::NOT_FOUND => "Page not found",
        StatusCode::FORBIDDEN => "Not permitted",
        StatusCode::CONFLICT => "Not possible now",
        StatusCode::UNPROCESSABLE_ENTITY => "Not accepted",
        StatusCode::TOO_MANY_REQUESTS => "Too many requests",
        status => status.canonical_reason().unwrap_or("Error"),
    }
}

/// The sentence for an object that does not exist. The path is never repeated, because it may hold a secret; the
/// number of an incident can't.
fn missing(segments: &[&str]) -> String {
    match *segments {
        ["incidents", id, ..] => id.parse::<IncidentNumber>().map_or_else(
            |_| "There is no such incident.".to_owned(),
            |number| format!("There is no incident {number}."),
        ),
        ["webhooks", _, ..] => "There is no such webhook.".to_owned(),
        ["deliveries", _, ..] => {
            "There is no such delivery. It may be older than the history is kept.".to_owned()
        }
        ["address-sets", _, ..] => "There is no such address set.".to_owned(),
        ["members", _, ..] => "There is no such member.".to_owned(),
        ["tokens", _, ..] => "There is no such token.".to_owned(),
        _ => "There is no page at this address.".to_owned(),
    }
}

/// The link back: the list that the page belongs to.
fn back(segments: &[&str]) -> (&'static str, &'static str) {
    match segments.first() {
        Some(&"incidents") => ("/incidents", "Back to incidents"),
        Some(&("logs" | "deliveries")) => ("/logs", "Back to deliveries"),
        Some(&"address-sets") => ("/address-sets", "Back to address sets"),
        Some(&"members") => ("/members", "Back to members"),
        Some(&"tokens") => ("/tokens", "Back to API tokens"),
        Some(&"audit") => ("/audit", "Back to the audit trail"),
        Some(&"account") => ("/account", "Back to your account"),
        _ => ("/webhooks", "Back to webhooks"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_object_is_named_and_the_path_is_not_repeated() {
        assert_eq!(
            missing(&["incidents", "INC-999"]),
            "There is no incident INC-999."
        );
        assert_eq!(missing(&["incidents", "<b>"]), "There is no such incident.");
        for segments in [
            &["webhooks", "wh_secret"][..],
            &["wh_secret"],
            &["deliveries", "wh_secret"],
        ] {
            assert!(!missing(segments).contains("secret"), "{segments:?}");
        }
        assert_eq!(back(&["incidents", "INC-999", "acknowledge"]).0, "/incidents");
    }
}
