//! The URL of a published list, and the request for it.

use bytes::Bytes;
use hookgate_domain::leaks::may_hold_secret;
use http_body_util::Empty;
use hyper::header::{ACCEPT, ACCEPT_ENCODING, HOST, HeaderValue, IF_NONE_MATCH, USER_AGENT};
use hyper::http::uri::PathAndQuery;
use hyper::{Request, Uri};
use thiserror::Error;

const HTTPS_PORT: u16 = 443;

/// Checks a URL for a published list.
///
/// # Errors
///
/// A sentence that says what is wrong with the URL.
pub fn check_list_url(url: &str) -> Result<(), String> {
    if may_hold_secret(url.as_bytes()) {
        return Err("the URL looks like one of a webhook, or holds another secret".to_owned());
    }
    Target::parse(url).map(drop).map_err(|error| error.to_string())
}

/// The URL can't be that of a published list.
#[derive(Debug, Error)]
#[error("the URL must be https:// with a host, and without user or fragment")]
pub(crate) struct UrlError;

/// The parts of a document's URL.
pub(crate) struct Target {
    /// The host as in the URL, with an IPv6 address in brackets.
    pub(crate) name: String,
    pub(crate) port: u16,
    path: PathAndQuery,
    /// Host and port for the `Host` header.
    authority: HeaderValue,
}

impl Target {
    /// Parses a URL.
    ///
    /// # Errors
    /// [`UrlError`] if it is not the URL of a published list.
    pub(crate) fn parse(url: &str) -> Result<Self, UrlError> {
        let uri: Uri = url.parse().map_err(|_| UrlError)?;
        let authority = uri.authority().ok_or(UrlError)?;
        let sound = uri.scheme_str() == Some("https")
            && !authority.as_str().contains('@')
            && !authority.host().is_empty()
            && (authority.port_u16().is_some() || authority.as_str() == authority.host())
            && !url.contains(['#', ' '])
            && url.len() <= 1_000;
        if !sound {
            return Err(UrlError);
        }
        let path = uri.path_and_query().map_or("/", PathAndQuery::as_str);
        Ok(Self {
            name: authority.host().to_owned(),
            port: authority.port_u16().unwrap_or(HTTPS_PORT),
            path: path.try_into().map_err(|_| UrlError)?,
            authority: authority.as_str().try_into().map_err(|_| UrlError)?,
        })
    }

    /// The host without brackets, for the resolver and the certificate check.
    pub(crate) fn host(&self) -> &str {
        let inner = self
            .name
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'));
        inner.unwrap_or(&self.name)
    }

    /// The request. With an `etag`, the server may answer that the document has not changed.
    pub(crate) fn request(&self, etag: Option<&str>) -> Request<Empty<Bytes>> {
        let mut request = Request::new(Empty::new());
        *request.uri_mut() = self.path.clone().into();
        let headers = request.headers_mut();
        headers.insert(HOST, self.authority.clone());
        let agent = concat!("hookgate/", env!("CARGO_PKG_VERSION"));
        headers.insert(USER_AGENT, HeaderValue::from_static(agent));
        headers.insert(
            ACCEPT,
            HeaderValue::from_static("application/json, text/plain;q=0.9, */*;q=0.1"),
        );
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        if let Some(etag) = etag.and_then(|etag| HeaderValue::try_from(etag).ok()) {
            headers.insert(IF_NONE_MATCH, etag);
        }
        request
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_https_and_names_a_host() {
        for fine in [
            "https://a.example/ranges.json?x=1",
            "https://a.example:8443",
            "https://[2606::1]/x",
        ] {
            assert!(check_list_url(fine).is_ok(), "{fine}");
        }
        for wrong in [
            "http://a.example/",
            "https://",
            "https://user@a.example/",
            "a.example",
            "file:///etc/passwd",
            "https://a b/",
            "https://a.example:99999/",
            "https://a.example:/",
            "https://a/#x",
            "",
        ] {
            assert!(check_list_url(wrong).is_err(), "{wrong}");
        }
    }
}
