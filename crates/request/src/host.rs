//! The check of `Host` and `Origin`. A foreign site whose name was made to resolve to this console (DNS rebinding)
//! must not reach it: the browser would treat both as the same origin.

use std::net::IpAddr;

use hyper::Request;
use hyper::header::{HOST, HeaderName, HeaderValue, ORIGIN};

use hookgate_transport::authority;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The console's own origin.
#[derive(Clone, Debug)]
pub struct Host {
    /// The origin: `https://` and the authority.
    origin: String,
}

impl Host {
    /// Takes the console's public URL: `https://`, a host, and an optional port.
    #[must_use]
    pub fn new(public_url: &str) -> Self {
        Self {
            origin: public_url.trim_end_matches('/').to_owned(),
        }
    }

    /// The origin: `https://` and the authority.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Returns `true` if the request is for this console: by its name, by `localhost`, or by an IP address. DNS
    /// rebinding can't redirect the latter two.
    pub fn is_named_by<B>(&self, request: &Request<B>) -> bool {
        let Some(named) = authority(request) else {
            return false;
        };
        if let Some(ours) = self.origin.strip_prefix("https://")
            && authority::is_same(named, ours.as_bytes())
        {
            return true;
        }
        let Ok(name) = std::str::from_utf8(named) else {
            return false;
        };
        let bare = match name.strip_prefix('[') {
            Some(rest) => rest.split_once(']').map_or(rest, |(address, _)| address),
            None => name.split_once(':').map_or(name, |(host, _)| host),
        };
        bare.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok()
    }

    /// Returns `true` if a page of this console sent the form: its `Origin` is the authority of the request. Browsers
    /// send `Origin` with every POST, so a request without it is refused too. Our `Referrer-Policy` is `no-referrer`,
    /// under which browsers send the origin `null`; then `Sec-Fetch-Site`, which no page can set, must be
    /// `same-origin`.
    pub(crate) fn is_origin_of<B>(&self, request: &Request<B>) -> bool {
        let Some(origin) = request.headers().get(ORIGIN).map(HeaderValue::as_bytes) else {
            return false;
        };
        if origin == b"null" {
            let site = request.headers().get(SEC_FETCH_SITE).map(HeaderValue::as_bytes);
            return site == Some(b"same-origin") && self.is_named_by(request);
        }
        let Some(from) = origin.strip_prefix(b"https://") else {
            return false;
        };
        authority(request).is_some_and(|named| authority::is_same(from, named)) && self.is_named_by(request)
    }
}

/// The authority of the request: `:authority` in HTTP/2, `Host` in HTTP/1.
fn authority<B>(request: &Request<B>) -> Option<&[u8]> {
    let written = request
        .uri()
        .authority()
        .map(|authority| authority.as_str().as_bytes());
    written.or_else(|| request.headers().get(HOST).map(HeaderValue::as_bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(host: &str, origin: Option<&str>) -> Request<()> {
        let builder = Request::get("/").header(HOST, host);
        let builder = match origin {
            Some(origin) => builder.header(ORIGIN, origin),
            None => builder,
        };
        builder.body(()).expect("a request")
    }

    #[test]
    fn only_our_name_and_addresses_reach_the_console() {
        let host = Host::new("https://console.example.org");
        for name in [
            "console.example.org",
            "Console.Example.org:443",
            "localhost:8444",
            "127.0.0.1:8444",
            "[::1]:8444",
            "10.1.2.3",
        ] {
            assert!(host.is_named_by(&request(name, None)), "{name}");
        }
        for name in [
            "evil.example",
            "localhost.evil.example",
            "console.example.org:8444",
            "console.example.org.evil.example",
        ] {
            assert!(!host.is_named_by(&request(name, None)), "{name}");
        }
    }

    #[test]
    fn forms_come_from_our_own_pages() {
        let host = Host::new("https://localhost:8444");
        assert!(host.is_origin_of(&request("localhost:8444", Some("https://localhost:8444"))));
        for origin in [
            None,
            Some("null"),
            Some("http://localhost:8444"),
            Some("https://localhost:1"),
            Some("https://evil.example"),
        ] {
            assert!(
                !host.is_origin_of(&request("localhost:8444", origin)),
                "{origin:?}"
            );
        }
        assert!(!host.is_origin_of(&request("evil.example", Some("https://evil.example"))));
        for (name, site, ours) in [
            ("localhost:8444", "same-origin", true),
            ("localhost:8444", "same-site", false),
            ("localhost:8444", "cross-site", false),
            ("localhost:8444", "none", false),
            ("evil.example", "same-origin", false),
        ] {
            let mut hidden = request(name, Some("null"));
            let site = HeaderValue::from_static(site);
            hidden.headers_mut().insert(SEC_FETCH_SITE, site.clone());
            assert_eq!(host.is_origin_of(&hidden), ours, "{name}, {site:?}");
        }
    }
}
