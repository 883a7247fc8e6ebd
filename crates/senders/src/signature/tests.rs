//! Signatures and credentials: the public test vectors, each scheme against its attacks, settings and secrets.

mod properties;
mod schemes;
mod secrets;
mod settings;
mod signer;
mod standard_webhooks;
mod vectors;

use super::*;

/// Headers by their names in lower case.
type Headers = Vec<(&'static str, Vec<u8>)>;

/// Looks up a header for a [`Verifier`].
fn lookup<'h>(headers: &'h Headers) -> impl Fn(&str) -> Option<&'h [u8]> {
    |wanted| {
        let found = headers.iter().find(|(name, _)| *name == wanted);
        found.map(|(_, value)| &value[..])
    }
}

fn header(name: &'static str, value: impl AsRef<[u8]>) -> (&'static str, Vec<u8>) {
    (name, value.as_ref().to_vec())
}
