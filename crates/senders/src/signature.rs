//! Signatures and header credentials of deliveries, by the scheme of their sender. [`Verifier`] checks them.
//!
//! A scheme is data: where the signature is, what it covers, its encoding, and where its time is. So there is one
//! verification for all of them. RSA signatures with a chain of certificates, as of Amazon SNS, are not supported.

mod algorithm;
mod credential;
mod encoding;
mod error;
mod header_name;
mod presets;
mod rule;
mod scheme;
mod secret;
mod settings;
mod template;
mod verifier;

pub use error::SignatureError;
pub use scheme::SignatureScheme;
pub use secret::{SecretError, SenderSecret, SigningSecret};
pub use settings::VerifierError;
pub use verifier::{MAX_SECRETS, RetryId, Verified, Verifier};

/// The three headers of a delivery that is signed by Standard Webhooks.
#[derive(Clone, Copy, Debug, Default)]
pub struct SignatureHeaders<'a> {
    /// `webhook-id`: the sender's name for the delivery.
    pub id: Option<&'a [u8]>,
    /// `webhook-timestamp`: seconds since 1970.
    pub timestamp: Option<&'a [u8]>,
    /// `webhook-signature`: `v1,` and base 64. Several signatures are separated by spaces.
    pub signature: Option<&'a [u8]>,
}

impl<'a> SignatureHeaders<'a> {
    /// The value of the header with this name, for [`Verifier`].
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'a [u8]> {
        match name {
            "webhook-id" => self.id,
            "webhook-timestamp" => self.timestamp,
            "webhook-signature" => self.signature,
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
