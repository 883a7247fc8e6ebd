//! The error of checking a signature or a credential.

use thiserror::Error;

/// The error of checking a signature or a credential. It never holds a header or a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SignatureError {
    /// A header is missing.
    #[error("the delivery is not signed")]
    Missing,
    /// No signature matches this body and secret, or a header is malformed.
    #[error("the signature is wrong")]
    Invalid,
    /// The timestamp is further from now than the scheme tolerates.
    #[error("the timestamp of the signature is too far from now")]
    Expired,
}
