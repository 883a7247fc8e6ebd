//! The parameters of a query and the fields of a form: named, each at most once, none unknown.

use std::borrow::Cow;
use std::fmt::Display;
use std::str::FromStr;

use super::api_error::{ApiError, ErrorCode, InvalidField};

/// Most parameters of one request: every form has fewer.
const MAX_FIELDS: usize = 64;

/// Names and values, as they were sent.
#[derive(Debug, Default)]
pub(crate) struct Fields<'a> {
    fields: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

impl<'a> Fields<'a> {
    /// Reads `application/x-www-form-urlencoded`.
    pub(crate) fn parse(text: &'a [u8]) -> Result<Self, ApiError> {
        let fields: Vec<_> = form_urlencoded::parse(text).take(MAX_FIELDS + 1).collect();
        if fields.len() > MAX_FIELDS {
            return Err(ErrorCode::BadRequest.into());
        }
        Ok(Self { fields })
    }

    /// Reads the query of a program, of which only these parameters are known. One without a value is a fault of the program.
    pub(crate) fn of_query(text: &'a [u8], known: &[&str]) -> Result<Self, ApiError> {
        Self::parse(text)?.only(known)?.filled()
    }

    /// Refuses parameters that nobody knows, and any that is there twice: a misspelt filter would show everything.
    pub(crate) fn only(self, known: &[&str]) -> Result<Self, ApiError> {
        let faults: Vec<_> = self
            .fields
            .iter()
            .enumerate()
            .filter_map(|(index, (name, _))| {
                if !known.contains(&&**name) {
                    Some(InvalidField::new(name, "unknown", known.join(", ")))
                } else if self.fields[..index].iter().any(|(earlier, _)| earlier == name) {
                    Some(InvalidField::new(name, "once", 1))
                } else {
                    None
                }
            })
            .collect();
        if faults.is_empty() {
            Ok(self)
        } else {
            Err(ApiError::fields(faults))
        }
    }

    /// The query of a page, of which only these parameters are known. Others are left out: links are decorated on their way
    /// (`utm_…`, `fbclid`). One that is there twice is refused.
    pub(crate) fn of_page(text: &'a [u8], known: &[&str]) -> Result<Self, ApiError> {
        let mut fields = Self::parse(text)?;
        fields.fields.retain(|(name, _)| known.contains(&&**name));
        fields.only(known)
    }

    /// Refuses a form that lacks one of these fields, or has one twice: an absent field is never taken for an empty one.
    /// `switches` are boxes, each with a hidden companion of the same name, so that an unticked one is there too.
    pub(crate) fn complete(&self, texts: &[&str], switches: &[&str]) -> Result<(), ApiError> {
        let count = |name: &str| self.fields.iter().filter(|(known, _)| known == name).count();
        let is_switch = |name: &str| {
            let mut values = self.fields.iter().filter(|(known, _)| known == name);
            values.all(|(_, value)| matches!(&**value, "on" | "off"))
        };
        let missing = "is missing: load the page again";
        let texts = texts.iter().filter_map(|name| match count(name) {
            0 => Some(InvalidField::new(name, "required", missing)),
            1 => None,
            _ => Some(InvalidField::new(name, "once", "is given twice")),
        });
        let switches = switches.iter().filter_map(|name| match count(name) {
            0 => Some(InvalidField::new(name, "required", missing)),
            _ if is_switch(name) => None,
            _ => Some(InvalidField::new(name, "one_of", "on, off")),
        });
        let faults: Vec<_> = texts.chain(switches).collect();
        if faults.is_empty() {
            Ok(())
        } else {
            Err(ApiError::fields(faults))
        }
    }

    /// Names and values in their order.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields
            .iter()
            .map(|(name, value)| (name.as_ref(), value.as_ref()))
    }

    /// Refuses parameters without a value.
    pub(crate) fn filled(self) -> Result<Self, ApiError> {
        let empty = self.fields.iter().filter(|(_, value)| value.is_empty());
        let faults: Vec<_> = empty
            .map(|(name, _)| InvalidField::new(name, "empty", 1))
            .collect();
        if faults.is_empty() {
            Ok(self)
        } else {
            Err(ApiError::fields(faults))
        }
    }

    /// The value with this name; an empty one counts as absent, because forms send what was left empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.fields
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_ref())
            .filter(|value| !value.is_empty())
    }

    /// The value with this name, read as what it should be.
    pub(crate) fn read<T: FromStr<Err: Display>>(&self, name: &str) -> Result<Option<T>, ApiError> {
        self.get(name)
            .map(|text| {
                text.trim()
                    .parse()
                    .map_err(|error: T::Err| ApiError::field(name, "form", error.to_string()))
            })
            .transpose()
    }

    /// Whether a box was ticked.
    pub(crate) fn is_on(&self, name: &str) -> bool {
        self.pairs().any(|pair| pair == (name, "on"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_known_and_there_once() {
        let fields = Fields::parse(b"a=1&b=x%20y+z&c=").expect("fields");
        let fields = fields.only(&["a", "b", "c"]).expect("known ones");
        assert_eq!(
            (fields.get("a"), fields.get("b"), fields.get("c")),
            (Some("1"), Some("x y z"), None)
        );
        assert_eq!(fields.read::<u8>("a").expect("a number"), Some(1));
        assert!(fields.read::<u8>("b").is_err());
        for text in ["a=1&z=2", "a=1&a=2"] {
            let fields = Fields::parse(text.as_bytes()).expect("fields");
            assert_eq!(
                fields.only(&["a"]).expect_err("a fault").code,
                ErrorCode::ValidationError
            );
        }
        let decorated = Fields::of_page(b"a=1&utm_source=x&fbclid=y&utm_source=z", &["a"]).expect("a page");
        assert_eq!(decorated.pairs().collect::<Vec<_>>(), [("a", "1")]);
        assert!(Fields::of_page(b"a=1&a=2", &["a"]).is_err());
        let many = "a=1&".repeat(MAX_FIELDS + 1);
        assert!(Fields::parse(many.as_bytes()).is_err());
    }

    #[test]
    fn an_absent_field_is_no_empty_one() {
        let check = |text: &str| {
            let fields = Fields::parse(text.as_bytes()).expect("fields");
            fields.complete(&["list"], &["box"]).map(|()| fields.is_on("box"))
        };
        assert_eq!(check("list=&box=off").ok(), Some(false));
        assert_eq!(check("list=&box=off&box=on").ok(), Some(true));
        for text in [
            "",
            "list=",
            "box=off",
            "list=&list=a&box=off",
            "list=&box=",
            "list=&box=yes",
        ] {
            assert!(check(text).is_err(), "{text}");
        }
    }
}
