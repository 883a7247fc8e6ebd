//! `If-Match` (RFC 9110, 13.1.1): the revision that a change is based on.

use hyper::HeaderMap;
use hyper::header::IF_MATCH;

use crate::api_error::ErrorCode;

/// Revisions that a change may be based on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IfMatch {
    /// `*`: any revision, as long as the object exists.
    Any,
    /// One of these revisions. Weak tags and tags of another form match nothing.
    Revisions(Vec<i64>),
}

impl IfMatch {
    /// Parses the `If-Match` headers of a request.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, ErrorCode> {
        let mut fields = headers.get_all(IF_MATCH).iter().peekable();
        if fields.peek().is_none() {
            return Err(ErrorCode::PreconditionRequired);
        }
        let texts: Vec<_> = fields.filter_map(|field| field.to_str().ok()).collect();
        if let [text] = texts[..]
            && text.trim() == "*"
        {
            return Ok(Self::Any);
        }
        let tags = texts.iter().flat_map(|text| text.split(','));
        Ok(Self::Revisions(tags.filter_map(revision).collect()))
    }

    /// Compares with the current revision. Returns the revision that the object must still have when the change is
    /// stored, or `None` if any revision will do.
    ///
    /// # Errors
    /// [`ErrorCode::PreconditionFailed`] if the object has another revision.
    pub fn check(&self, current: i64) -> Result<Option<i64>, ErrorCode> {
        match self {
            Self::Any => Ok(None),
            Self::Revisions(revisions) if revisions.contains(&current) => Ok(Some(current)),
            Self::Revisions(_) => Err(ErrorCode::PreconditionFailed),
        }
    }
}

/// The revision in a strong tag as this API issues it: digits without a leading zero.
fn revision(tag: &str) -> Option<i64> {
    let digits = tag.trim().strip_prefix('"')?.strip_suffix('"')?;
    let is_ours = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
    is_ours.then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    fn of(fields: &[&'static str]) -> Result<IfMatch, ErrorCode> {
        let mut headers = HeaderMap::new();
        for text in fields {
            headers.append(IF_MATCH, HeaderValue::from_static(text));
        }
        IfMatch::of(&headers)
    }

    #[test]
    fn a_star_matches_whatever_is_there() {
        for star in ["*", " * "] {
            assert_eq!(of(&[star]).map(|tags| tags.check(7)), Ok(Ok(None)));
        }
    }

    #[test]
    fn one_tag_of_several_is_enough() {
        for fields in [&["\"7\""][..], &["\"3\", \"7\""], &["\"3\"", "W/\"7\",\"7\""]] {
            let tags = of(fields).expect("tags");
            assert_eq!(tags.check(7), Ok(Some(7)), "{fields:?}");
            assert_eq!(tags.check(8), Err(ErrorCode::PreconditionFailed), "{fields:?}");
        }
    }

    #[test]
    fn what_is_no_tag_of_ours_matches_nothing() {
        for text in ["7", "\"07\"", "W/\"7\"", "\"x\"", "", "*, x", "\"7"] {
            let tags = of(&[text]).expect("tags");
            assert_eq!(tags.check(7), Err(ErrorCode::PreconditionFailed), "{text:?}");
        }
        assert_eq!(of(&[]), Err(ErrorCode::PreconditionRequired));
    }
}
