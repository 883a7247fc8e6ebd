//! Credentials in headers: the secret itself, without a signature.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, digest};
use subtle::ConstantTimeEq;

use super::error::SignatureError;
use super::header_name::HeaderName;

/// The place and form of a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum CredentialRule {
    /// `Authorization: Bearer …` (RFC 6750).
    Bearer,
    /// `Authorization: Basic …` (RFC 7617): the base 64 of `user:password`.
    Basic,
    /// The value of a header.
    Header(HeaderName),
}

impl CredentialRule {
    /// Reads the credential. It is not empty.
    pub(super) fn credential<'a>(
        &self,
        header: &dyn Fn(&str) -> Option<&'a [u8]>,
    ) -> Result<Cow<'a, [u8]>, SignatureError> {
        let name = match self {
            Self::Bearer | Self::Basic => "authorization",
            Self::Header(name) => name.as_str(),
        };
        let value = header(name).ok_or(SignatureError::Missing)?.trim_ascii();
        let credential = match self {
            Self::Bearer => after(value, b"bearer").map(Cow::Borrowed),
            Self::Basic => after(value, b"basic")
                .and_then(|encoded| STANDARD.decode(encoded).ok())
                .map(Cow::Owned),
            Self::Header(_) => Some(Cow::Borrowed(value)),
        };
        let credential = credential.filter(|credential| !credential.is_empty());
        credential.ok_or(SignatureError::Invalid)
    }
}

/// `true` if the credential is this secret. Digests are compared in constant time, so that time tells neither a common
/// beginning nor the length.
pub(super) fn is_secret(credential: &[u8], secret: &[u8]) -> bool {
    let [credential, secret] = [credential, secret].map(|bytes| digest(&SHA256, bytes));
    credential.as_ref().ct_eq(secret.as_ref()).into()
}

/// The credentials after this authentication scheme, whose case does not count (RFC 9110, section 11.1).
fn after<'a>(value: &'a [u8], scheme: &[u8]) -> Option<&'a [u8]> {
    let (written, rest) = value.split_at_checked(scheme.len())?;
    let credentials = rest.strip_prefix(b" ")?.trim_ascii();
    written.eq_ignore_ascii_case(scheme).then_some(credentials)
}
