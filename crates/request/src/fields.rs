//! Parameters of a query and fields of a form: only known names, each at most once.

use std::borrow::Cow;
use std::fmt::Display;
use std::str::FromStr;

use crate::api_error::{ApiError, ErrorCode, InvalidField};

/// Maximum number of parameters of one request: every form has fewer.
const MAX_FIELDS: usize = 64;

/// Names and values, as they were sent.
#[derive(Debug, Default)]
pub struct Fields<'a> {
    fields: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

impl<'a> Fields<'a> {
    /// Parses `application/x-www-form-urlencoded`.
    ///
    /// # Errors
    /// There are too many fields.
    pub fn parse(text: &'a [u8]) -> Result<Self, ApiError> {
        let fields: Vec<_> = form_urlencoded::parse(text).take(MAX_FIELDS + 1).collect();
        if fields.len() > MAX_FIELDS {
            return Err(ErrorCode::BadRequest.into());
        }
        Ok(Self { fields })
    }

    /// Parses a query of the admin API.
    ///
    /// # Errors
    /// A parameter that is not in `known`, is given twice or has no value.
    pub fn of_query(text: &'a [u8], known: &[&str]) -> Result<Self, ApiError> {
        Self::parse(text)?.only(known)?.filled()
    }

    /// Refuses unknown and repeated parameters: without this check, a misspelt filter would show everything.
    fn only(self, known: &[&str]) -> Result<Self, ApiError> {
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

    /// Parses the query of a page. Unknown parameters are dropped, because other programs add some to links (`utm_…`,
    /// `fbclid`).
    ///
    /// # Errors
    /// A parameter is given twice.
    pub fn of_page(text: &'a [u8], known: &[&str]) -> Result<Self, ApiError> {
        let mut fields = Self::parse(text)?;
        fields.fields.retain(|(name, _)| known.contains(&&**name));
        fields.only(known)
    }

    /// Checks that each of these fields was sent once, so that a missing field is never read as an empty one.
    /// `switches` are checkboxes, each with a hidden field of the same name, so that an unticked checkbox is sent too.
    ///
    /// # Errors
    /// Each field that is missing, given twice, or not a value of a checkbox.
    pub fn complete(&self, texts: &[&str], switches: &[&str]) -> Result<(), ApiError> {
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

    /// Names and values in the order of the request.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields
            .iter()
            .map(|(name, value)| (name.as_ref(), value.as_ref()))
    }

    /// Refuses parameters without a value.
    fn filled(self) -> Result<Self, ApiError> {
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

    /// The value with this name. An empty value counts as absent, because browsers send empty fields.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.fields
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_ref())
            .filter(|value| !value.is_empty())
    }

    /// The value with this name. An absent field is read as empty: for forms that are shown again as they were typed,
    /// and for fields whose completeness was checked.
    #[must_use]
    pub fn text(&self, name: &str) -> &str {
        self.get(name).unwrap_or("")
    }

    /// The value with this name, parsed.
    ///
    /// # Errors
    /// The value can't be parsed.
    pub fn read<T: FromStr<Err: Display>>(&self, name: &str) -> Result<Option<T>, ApiError> {
        self.get(name)
            .map(|text| {
                text.trim()
                    .parse()
                    .map_err(|error: T::Err| ApiError::field(name, "form", error.to_string()))
            })
            .transpose()
    }

    /// The value with this name, parsed. An absent one is refused with `problem`.
    ///
    /// # Errors
    /// The value is absent or can't be parsed.
    pub fn required<T: FromStr<Err: Display>>(&self, name: &str, problem: &str) -> Result<T, ApiError> {
        let value = self.read(name)?;
        value.ok_or_else(|| ApiError::field(name, "required", problem))
    }

    /// Returns `true` if the checkbox was ticked.
    #[must_use]
    pub fn is_on(&self, name: &str) -> bool {
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
    fn a_required_field_is_there_and_parsed() {
        let fields = Fields::parse(b"days=7&name=&word=x").expect("fields");
        assert_eq!(fields.required::<u8>("days", "choose").ok(), Some(7));
        for (name, problem) in [
            ("name", "choose"),
            ("none", "choose"),
            ("word", "invalid digit found in string"),
        ] {
            let error = fields.required::<u8>(name, "choose").expect_err("a fault");
            let problems: Vec<_> = error.field_faults().iter().map(InvalidField::problem).collect();
            assert_eq!(problems, [problem], "{name}");
        }
        assert_eq!((fields.text("word"), fields.text("none")), ("x", ""));
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
