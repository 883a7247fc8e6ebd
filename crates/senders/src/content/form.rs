//! Forms: `application/x-www-form-urlencoded`, as the URL standard parses it.

use std::borrow::Cow;

/// Most fields that are read. The rest is ignored: no sender has as many, and each field takes memory.
pub(super) const MAX_FIELDS: usize = 100;

/// The fields of a form, in their order.
#[derive(Debug, Default)]
pub(crate) struct Form<'a> {
    pub(super) fields: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    /// `true` if bytes that are not UTF-8 became U+FFFD.
    pub(super) has_replaced: bool,
}

impl<'a> Form<'a> {
    /// The value of a field. Of fields with the same name it is the first.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self.fields.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| &**value)
    }

    /// The same form with texts of its own.
    pub(crate) fn into_owned(self) -> Form<'static> {
        let owned = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        let fields = self.fields.into_iter();
        Form {
            fields: fields.map(|(name, value)| (owned(name), owned(value))).collect(),
            has_replaced: self.has_replaced,
        }
    }

    /// The fields with their values.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields.iter().map(|(name, value)| (&**name, &**value))
    }

    /// The value of a field, which is gone from the form then.
    pub(super) fn take(&mut self, name: &str) -> Cow<'a, str> {
        let found = self.fields.iter_mut().find(|(known, _)| known == name);
        found.map(|(_, value)| std::mem::take(value)).unwrap_or_default()
    }
}

/// Parses a form.
pub(super) fn parse(body: &[u8]) -> Form<'_> {
    let fields: Vec<_> = form_urlencoded::parse(body).take(MAX_FIELDS).collect();
    let replaced = |text: &Cow<'_, str>| text.contains(char::REPLACEMENT_CHARACTER);
    Form {
        has_replaced: fields
            .iter()
            .any(|(name, value)| replaced(name) || replaced(value)),
        fields,
    }
}
