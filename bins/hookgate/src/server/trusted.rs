//! The proxies that a listener trusts, with what address sets hold now.

use hookgate_domain::{Networks, TrustedProxies};
use hookgate_gate::{AddressSetError, Gate};
use hookgate_storage::Database;

use crate::config::Front;
use crate::failure::Failure;

/// Whom a listener trusts, now.
pub(super) async fn trusted(
    gate: &Gate<Database>,
    section: &str,
    front: &Front,
) -> Result<TrustedProxies, Failure> {
    let mut networks = front.trusted.clone();
    for name in &front.sets {
        let set = gate.address_set(name).await.map_err(|error| match error {
            AddressSetError::NotFound => Failure::usage(format!(
                "{section}.trusted_proxies: there is no address set @{name}; `hookgate addresses import` makes it"
            )),
            error => error.into(),
        })?;
        if set.1.as_slice().iter().any(|network| network.prefix() == 0) {
            return Err(Failure::usage(format!(
                "{section}.trusted_proxies: @{name} holds a /0 and would let everybody choose its address"
            )));
        }
        networks.extend_from_slice(set.1.as_slice());
    }
    Ok(TrustedProxies {
        networks: Networks::of(networks).map_err(Failure::usage)?,
        header: front.header,
    })
}
