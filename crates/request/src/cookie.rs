//! Cookies: the session, the device cookie, and sealed secrets on their way to the page that shows them once. The
//! names of the first two begin with `__Host-`, so that neither another host nor plain HTTP can set them. The name of
//! the last one begins with `__Secure-`, because it has a path.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hookgate_domain::policy::SealedSecret;
use hookgate_gate::{DEVICE_LIFE, SHOWN_ONCE_LIFE};
use hyper::HeaderMap;
use hyper::header::{COOKIE, HeaderValue};

const NAME: &str = "__Host-hookgate";
const DEVICE: &str = "__Host-hookgate-device";
const ONCE: &str = "__Secure-hookgate-once";

/// The session cookie of a request, if there is exactly one.
#[must_use]
pub fn session(headers: &HeaderMap) -> Option<&str> {
    value(headers, NAME)
}

/// The sealed secrets in the request for the page that shows them.
#[must_use]
pub fn shown_once(headers: &HeaderMap) -> Option<SealedSecret> {
    sealed(headers, ONCE)
}

/// The device cookie of a request, which marks a browser that a member has signed in with.
#[must_use]
pub fn device(headers: &HeaderMap) -> Option<SealedSecret> {
    sealed(headers, DEVICE)
}

fn sealed(headers: &HeaderMap, cookie: &str) -> Option<SealedSecret> {
    let sealed = BASE64_URL_SAFE_NO_PAD.decode(value(headers, cookie)?).ok()?;
    Some(SealedSecret::from_bytes(sealed))
}

/// The value of the cookie with this name, if there is exactly one.
fn value<'a>(headers: &'a HeaderMap, cookie: &str) -> Option<&'a str> {
    let mut values = headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(name, _)| *name == cookie)
        .map(|(_, value)| value);
    let session = values.next()?;
    values.next().is_none().then_some(session)
}

/// Sets the session cookie. It has no `Max-Age`: it ends with the browser, or when the server ends the session.
#[must_use]
pub fn begin(session: &str) -> Option<HeaderValue> {
    sensitive(format!(
        "{NAME}={session}; Path=/; Secure; HttpOnly; SameSite=Strict"
    ))
}

/// Sets the device cookie, which marks the browser as one that a member has signed in with. It outlives the session.
#[must_use]
pub fn mark_device(sealed: &SealedSecret) -> Option<HeaderValue> {
    let sealed = BASE64_URL_SAFE_NO_PAD.encode(sealed.as_bytes());
    let life = DEVICE_LIFE.as_secs();
    sensitive(format!(
        "{DEVICE}={sealed}; Path=/; Max-Age={life}; Secure; HttpOnly; SameSite=Strict"
    ))
}

/// Sets the cookie with sealed secrets for the page at `path`, which consists of fixed words and IDs only.
#[must_use]
pub fn show_once(sealed: &SealedSecret, path: &str) -> Option<HeaderValue> {
    let sealed = BASE64_URL_SAFE_NO_PAD.encode(sealed.as_bytes());
    let life = SHOWN_ONCE_LIFE.as_secs();
    sensitive(format!(
        "{ONCE}={sealed}; Path={path}; Max-Age={life}; Secure; HttpOnly; SameSite=Strict"
    ))
}

/// Deletes the cookie of [`show_once`] after its page has shown the secrets.
#[must_use]
pub fn forget_shown(path: &str) -> Option<HeaderValue> {
    sensitive(format!(
        "{ONCE}=; Path={path}; Max-Age=0; Secure; HttpOnly; SameSite=Strict"
    ))
}

fn sensitive(text: String) -> Option<HeaderValue> {
    let mut value = HeaderValue::try_from(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Deletes the session cookie.
#[must_use]
pub fn end() -> HeaderValue {
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
