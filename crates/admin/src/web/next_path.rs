//! The path that a sign-in continues to. It comes from a request, so it may lead nowhere but to this console.

use hookgate_domain::leaks::may_hold_secret;

/// The start page.
pub(super) const HOME: &str = "/webhooks";
/// Value of `done` on the first page of a session if there were failed sign-ins before.
pub(super) const SIGNED_IN: &str = "signed-in";
/// Last segments of paths that answer with a file or a stream instead of a page. An invalid filter is refused there:
/// without the filter, the answer would have more than was asked for, and nobody would notice.
pub(super) const STRICT: [&str; 2] = ["export", LIVE];
/// Last segment of the path of a live view.
pub(super) const LIVE: &str = "live";

/// Maximum size of the path that a sign-in continues to, in bytes.
const MAX_NEXT: usize = 2 * 1024;

/// The path of the sign-in page, which continues to `next`. A `next` that may hold a secret, such as a webhook's URL
/// at the wrong port, is dropped, because the address of a page is kept in many places.
pub(super) fn sign_in_path(next: Option<&str>) -> String {
    match next {
        None | Some("/") => "/sign-in".to_owned(),
        // The secret is in the browser's history already, and need not be there twice.
        Some(next) if next.len() > MAX_NEXT || may_hold_secret(next.as_bytes()) => "/sign-in".to_owned(),
        Some(next) => {
            let query = form_urlencoded::Serializer::new(String::new())
                .append_pair("next", next)
                .finish();
            format!("/sign-in?{query}")
        }
    }
}

/// The path to continue to, with its query: `next` if it is a path of this console, the start page otherwise.
/// Browsers read `//` and a backslash as the beginning of another host, and drop control characters.
pub(super) fn local(next: &str) -> &str {
    let is_path = next.starts_with('/') && !next.starts_with("//") && next.len() <= MAX_NEXT;
    let is_plain = next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let is_secret = may_hold_secret(next.as_bytes());
    if is_path && is_plain && !is_secret {
        next
    } else {
        HOME
    }
}

/// Returns `true` if the path leads to a page, which can show notices, and has no fragment, behind which no parameter
/// can be added.
pub(super) fn is_page(path: &str) -> bool {
    let plain = path.find(['?', '#']).map_or(path, |end| &path[..end]);
    let last = plain.rsplit_once('/').map_or(plain, |(_, last)| last);
    !path.contains('#') && !STRICT.contains(&last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_elsewhere_after_signing_in() {
        assert_eq!(local("/logs?code=INVALID_JSON"), "/logs?code=INVALID_JSON");
        for next in [
            "",
            "//evil.example",
            "https://evil.example",
            "/\u{e9}",
            "/a\u{7f}",
            "/\t/evil.example",
            " //evil.example",
            "/\\evil.example",
            "/a\r\nx",
        ] {
            assert_eq!(local(next), HOME, "{next:?}");
        }
        assert_eq!(local(&format!("/{}", "a".repeat(MAX_NEXT))), HOME);
        assert!(is_page("/logs?code=INVALID_JSON") && is_page("/webhooks"));
        for part in ["/logs/export?format=csv", "/logs/live", "/webhooks#top"] {
            assert!(!is_page(part), "{part}");
        }
        assert_eq!(sign_in_path(Some("/search?q=wh%5F77")), "/sign-in");
        let id = hookgate_testkit::samples::webhook_id(1).expect("an ID");
        for url in [
            format!("/webhooks/custom/{}", id.reveal()),
            format!("/logs?q=wh%5F{}", &id.reveal()[3..]),
        ] {
            assert_eq!(
                (local(&url), sign_in_path(Some(&url)).as_str()),
                (HOME, "/sign-in")
            );
        }
        assert_eq!(
            sign_in_path(Some("/webhooks/hk_1")),
            "/sign-in?next=%2Fwebhooks%2Fhk_1"
        );
        let query = sign_in_path(Some("/logs?outcome=refused&code=INVALID_JSON"));
        assert_eq!(
            query,
            "/sign-in?next=%2Flogs%3Foutcome%3Drefused%26code%3DINVALID_JSON"
        );
    }
}
