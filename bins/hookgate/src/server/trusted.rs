//! The proxies that a listener trusts, with the current networks of its address sets.

use hookgate_domain::TrustedProxies;
use hookgate_gate::{AddressSetError, Gate};
use hookgate_storage::Database;

use crate::config::{FrontSettings, check_trust};
use crate::failure::Failure;

/// The proxies that a listener trusts now.
pub(super) async fn trusted(
    gate: &Gate<Database>,
    section: &str,
    front: &FrontSettings,
) -> Result<TrustedProxies, Failure> {
    let mut networks = front.trusted.clone();
    for name in &front.sets {
        let set = gate.address_set(name).await.map_err(|error| match error {
            AddressSetError::NotFound => Failure::usage(format!(
                "{section}.trusted_proxies: there is no address set @{name}; create it with `hookgate addresses import`"
            )),
            error => error.into(),
        })?;
        networks.extend_from_slice(set.1.as_slice());
    }
    let networks = check_trust(networks)
        .map_err(|error| Failure::usage(format!("{section}.trusted_proxies: {error}")))?;
    Ok(TrustedProxies {
        networks,
        header: front.header,
    })
}
