//! Names of HTTP headers.

use std::borrow::Cow;

/// Maximum length of a header's name.
const MAX_HEADER_NAME: usize = 64;

/// The name of an HTTP header, in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct HeaderName(Cow<'static, str>);

impl HeaderName {
    /// A name that the code knows. It must be in lower case, because headers are looked up by it.
    pub(super) const fn known(name: &'static str) -> Self {
        Self(Cow::Borrowed(name))
    }

    /// Reads a name in any case: letters, digits, `-` and `_`.
    pub(super) fn read(text: &str) -> Option<Self> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let is_name = (1..=MAX_HEADER_NAME).contains(&text.len()) && text.bytes().all(is_plain);
        is_name.then(|| Self(text.to_ascii_lowercase().into()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}
