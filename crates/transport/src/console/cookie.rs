//! The session cookie. Its name begins with `__Host-`, so that no other host and no plain HTTP can set it.

use hyper::HeaderMap;
use hyper::header::{COOKIE, HeaderValue};

const NAME: &str = "__Host-hookgate";

/// The session in a request, if there is exactly one.
pub(crate) fn session(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(name, _)| *name == NAME)
        .map(|(_, value)| value);
    let session = values.next()?;
    values.next().is_none().then_some(session)
}

/// Gives the browser a session. It ends with the browser, or when the server says so.
pub(crate) fn begin(session: &str) -> Option<HeaderValue> {
    let text = format!("{NAME}={session}; Path=/; Secure; HttpOnly; SameSite=Strict");
    HeaderValue::try_from(text)
        .map(|mut value| {
            value.set_sensitive(true);
            value
        })
        .ok()
}

/// Takes the session from the browser.
pub(crate) fn end() -> HeaderValue {
    HeaderValue::from_static("__Host-hookgate=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_one_session_or_none() {
        let headers = |text: &'static str| HeaderMap::from_iter([(COOKIE, HeaderValue::from_static(text))]);
        assert_eq!(
            session(&headers("a=1; __Host-hookgate=hgs_x; b=2")),
            Some("hgs_x")
        );
        assert_eq!(session(&headers("hookgate=hgs_x")), None);
        assert_eq!(session(&headers("__Host-hookgate=a; __Host-hookgate=b")), None);
        assert_eq!(session(&HeaderMap::new()), None);
    }
}
