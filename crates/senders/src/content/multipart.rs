//! Forms in parts: `multipart/form-data` (RFC 7578). Files are left out.

use std::borrow::Cow;

use memchr::memmem;

use super::form::{Form, MAX_FIELDS};
use crate::error::PayloadError;

/// Longest boundary, in bytes (RFC 2046, section 5.1.1).
const MAX_BOUNDARY: usize = 70;

/// The boundary in a `Content-Type`; `None` if it has none that is valid.
pub(super) fn boundary(content_type: &str) -> Option<&str> {
    let parameter = content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.trim().split_once('=')?;
        name.eq_ignore_ascii_case("boundary").then_some(value)
    })?;
    let boundary = parameter.trim_matches('"');
    (1..=MAX_BOUNDARY).contains(&boundary.len()).then_some(boundary)
}

/// Parses a body in parts.
///
/// # Errors
/// [`PayloadError::OtherKind`] if the body doesn't begin with the boundary, or ends within a part.
pub(super) fn parse<'a>(body: &'a [u8], boundary: &str) -> Result<Form<'a>, PayloadError> {
    let delimiter = format!("\r\n--{boundary}");
    let finder = memmem::Finder::new(&delimiter);
    // The first delimiter has no line before it.
    let mut rest = body
        .strip_prefix(&delimiter.as_bytes()[2..])
        .ok_or(PayloadError::OtherKind)?;
    let mut form = Form::default();
    while form.fields.len() < MAX_FIELDS && !rest.starts_with(b"--") {
        let end = finder.find(rest).ok_or(PayloadError::OtherKind)?;
        if let Some((name, value)) = field(&rest[..end]) {
            form.has_replaced |= matches!(value, Cow::Owned(_));
            form.fields.push((name, value));
        }
        rest = &rest[end + delimiter.len()..];
    }
    Ok(form)
}

/// The name and value of a part; `None` if it is a file, or has no name.
fn field(part: &[u8]) -> Option<(Cow<'_, str>, Cow<'_, str>)> {
    let end = memmem::find(part, b"\r\n\r\n")?;
    let head = std::str::from_utf8(&part[..end]).ok()?;
    let disposition = head.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-disposition").then_some(value)
    })?;
    let parameter = |wanted: &str| {
        disposition.split(';').find_map(|parameter| {
            let (name, value) = parameter.trim().split_once('=')?;
            name.eq_ignore_ascii_case(wanted).then(|| value.trim_matches('"'))
        })
    };
    if parameter("filename").is_some() {
        return None;
    }
    Some((
        parameter("name")?.into(),
        String::from_utf8_lossy(&part[end + 4..]),
    ))
}
