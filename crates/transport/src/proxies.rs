//! What stands in front of a listener: whom it trusts, and whose request one is. The walk itself is the domain's.

use std::net::IpAddr;
use std::sync::Arc;

use arc_swap::ArcSwap;
use hookgate_domain::{Connection, ForwardingFields, ForwardingHeader, Source, Trail, TrustedProxies};
use hyper::header::{FORWARDED, HeaderMap, HeaderName, HeaderValue};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The proxies that are trusted, which may change while requests come: sets of addresses do.
#[derive(Debug, Default)]
pub struct Proxies(ArcSwap<TrustedProxies>);

impl Proxies {
    /// These proxies.
    #[must_use]
    pub fn new(proxies: TrustedProxies) -> Arc<Self> {
        Arc::new(Self(ArcSwap::from_pointee(proxies)))
    }

    /// Trusts these from now on.
    pub fn set(&self, proxies: TrustedProxies) {
        self.0.store(Arc::new(proxies));
    }

    /// Whether this is the address of a trusted proxy.
    #[must_use]
    pub fn trust(&self, address: IpAddr) -> bool {
        self.0.load().trust(address)
    }

    /// Whose request this is.
    pub fn client(&self, connection: Connection, headers: &HeaderMap) -> Source {
        self.0.load().client(connection, &Fields(headers))
    }

    /// How that was found.
    pub fn trail(&self, connection: Connection, headers: &HeaderMap) -> Trail {
        self.0.load().trail(connection, &Fields(headers))
    }
}

struct Fields<'a>(&'a HeaderMap);

impl ForwardingFields for Fields<'_> {
    fn lines(&self, header: ForwardingHeader) -> impl DoubleEndedIterator<Item = &[u8]> {
        let name = match header {
            ForwardingHeader::XForwardedFor => X_FORWARDED_FOR,
            ForwardingHeader::Forwarded => FORWARDED,
        };
        self.0.get_all(name).iter().map(HeaderValue::as_bytes)
    }
}
