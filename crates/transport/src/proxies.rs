//! The trusted proxies of a listener, and the client of a request behind them. The domain evaluates the forwarding
//! headers.

use std::net::IpAddr;
use std::sync::Arc;

use arc_swap::ArcSwap;
use hookgate_domain::client_address::Trail;
use hookgate_domain::{Connection, Source, TrustedProxies};
use hyper::header::HeaderMap;

/// The trusted proxies. They may change while requests arrive, because address sets change.
#[derive(Debug, Default)]
pub struct Proxies(ArcSwap<TrustedProxies>);

impl Proxies {
    /// Trusts these proxies.
    #[must_use]
    pub fn new(proxies: TrustedProxies) -> Arc<Self> {
        Arc::new(Self(ArcSwap::from_pointee(proxies)))
    }

    /// Replaces the trusted proxies.
    pub fn set(&self, proxies: TrustedProxies) {
        self.0.store(Arc::new(proxies));
    }

    /// `true` if this is the address of a trusted proxy.
    #[must_use]
    pub fn trust(&self, address: IpAddr) -> bool {
        self.0.load().trust(address)
    }

    /// The source of a request.
    pub fn client(&self, connection: Connection, headers: &HeaderMap) -> Source {
        self.0.load().client(connection, headers)
    }

    /// The trail: the steps by which the source of a request was found.
    pub fn trail(&self, connection: Connection, headers: &HeaderMap) -> Trail {
        self.0.load().trail(connection, headers)
    }
}
